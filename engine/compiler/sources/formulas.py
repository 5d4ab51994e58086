"""Rows as formulas of simpler rows, for targets that bring functions of their own.

These are what a textbook says, with care only for overflow: the kernels are what the engine computes
with. A target names the rows that it has; `lowered` writes all others in terms of those.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import Any, Final

from engine import functions as f
from engine import primitives as p
from engine.compiler.errors import Untranslatable
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.symbol import applied
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import trace
from engine.node import Node
from engine.primitive import Primitive
from engine.value import constant

ROOT_TWO_OVER_PI: Final = 0.7978845608028654
TWO_OVER_ROOT_PI: Final = 1.1283791670955126
SIGNIFICANT: Final = 0.044715


def select(condition: Any, a: Any, b: Any) -> Any:
    return applied(p.select, [x if isinstance(x, Node) else constant(x) for x in (condition, a, b)])


def either(c: Any, d: Any) -> Any:
    return select(c, 1.0, d)


def rounded(x: Any) -> Any:
    """Halves go up, and from an odd number down again."""
    up = p.floor(x + 0.5)
    odd_half = select(up - x >= 0.5, select(p.mod(up, 2.0) >= 1.0, 1.0, 0.0), 0.0)
    return up - odd_half


def power_term(c: Any, x: Any, y: Any, n: Any, k: Any) -> Any:
    logs = select(k <= 0.0, 1.0, p.pow(p.log(x), k))
    return select(p.abs(c) > 0.0, c * p.pow(x, y - n) * logs, select(c <= 0.0, 0.0, c))


def mean(xs: Sequence[Any]) -> Any:
    return p.sum(*xs) / float(len(xs))


def norm(xs: Sequence[Any]) -> Any:
    return p.sqrt(p.sum(*[x * x for x in xs]))


def folded(row: Primitive) -> Callable[[Sequence[Any]], Any]:
    """An n-ary row by a binary one, from left to right."""

    def fold(xs: Sequence[Any]) -> Any:
        total = xs[0]
        for x in xs[1:]:
            total = row(total, x)
        return total

    return fold


def dot(xs: Sequence[Any]) -> Any:
    half = len(xs) // 2
    return folded(p.add)([x * y for x, y in zip(xs[:half], xs[half:], strict=True)])


def logsumexp(xs: Sequence[Any]) -> Any:
    top = folded(p.maximum)(xs)
    return top + p.log(folded(p.add)([p.exp(x - top) for x in xs]))


def gelu_tanh_inner(x: Any) -> Any:
    return ROOT_TWO_OVER_PI * (x + SIGNIFICANT * (x * x * x))


def gelu_tanh_steep(x: Any) -> Any:
    return ROOT_TWO_OVER_PI * (1.0 + 3.0 * SIGNIFICANT * (x * x))


def gelu_tanh_curvature(x: Any) -> Any:
    t, u, steep = p.tanh(gelu_tanh_inner(x)), p.sech2(gelu_tanh_inner(x)), gelu_tanh_steep(x)
    bend = 6.0 * SIGNIFICANT * ROOT_TWO_OVER_PI * x
    return u * steep + 0.5 * x * (u * bend - 2.0 * t * u * (steep * steep))


def mish_slope(x: Any) -> Any:
    t, s = p.tanh(p.softplus(x)), p.sigmoid(x)
    return t + x * ((1.0 - t * t) * s)


def mish_curvature(x: Any) -> Any:
    t, s = p.tanh(p.softplus(x)), p.sigmoid(x)
    u = 1.0 - t * t
    return 2.0 * (u * s) + x * (u * (s * (1.0 - s)) - 2.0 * t * u * (s * s))


def clamped(x: Any) -> Any:
    return p.maximum(p.log(x), -100.0)


FORMULAS: Final[dict[str, Callable[..., Any]]] = {
    "identity": lambda x: x,
    "detach": lambda x: x,
    "where": lambda x: x,
    "over": lambda x, y: x / y,
    "reciprocal": lambda x: 1.0 / x,
    "square": lambda x: x * x,
    "matches": lambda x, y: select(x < y, 0.0, select(x > y, 0.0, 1.0)),
    "defined": lambda x: x * 0.0 + 1.0,
    "step": lambda x: select(x <= 0.0, 0.0, 1.0),
    "wins": lambda x, y: select(x > y, 1.0, select(x < y, 0.0, 0.5)),
    "inside": lambda x, low, high: select(either(x <= low, x >= high), 0.0, 1.0),
    "within": lambda x, low, high: select(either(x < low, x > high), 0.0, 1.0),
    "sign": lambda x: select(x > 0.0, 1.0, select(x < 0.0, -1.0, x)),
    "ceil": lambda x: -p.floor(-x),
    "trunc": lambda x: select(x < 0.0, p.ceil(x), p.floor(x)),
    "round": rounded,
    "copysign": lambda x, y: select(y < 0.0, -p.abs(x), p.abs(x)),
    "power_term": power_term,
    "fmod": lambda x, y: x - y * p.trunc(x / y),
    "mod": lambda x, y: x - y * p.floor(x / y),
    "remainder": lambda x, y: x - y * p.round(x / y),
    "floordiv": lambda x, y: p.floor(x / y),
    "maximum": lambda x, y: select(x < y, y, x),
    "minimum": lambda x, y: select(x > y, y, x),
    "angle_curvature": lambda x, y: (y * y - x * x) / p.square(x * x + y * y),
    "angle_slope": lambda x, y: x / (x * x + y * y),
    "unit": lambda x, y: x / p.hypot(x, y),
    "hypot": lambda x, y: p.sqrt(x * x + y * y),
    "exp2": lambda x: p.pow(2.0, x),
    "expm1": lambda x: p.exp(x) - 1.0,
    "log1p": lambda x: p.log(1.0 + x),
    "log2": lambda x: f.log(x) / f.log(2.0),
    "log10": lambda x: f.log(x) / f.log(10.0),
    "log_base": lambda x, base: p.log(x) / p.log(base),
    "inverse_sqrt": lambda x: 1.0 / p.sqrt(x),
    "cbrt": lambda x: select(x < 0.0, -p.pow(-x, 1.0 / 3.0), p.pow(x, 1.0 / 3.0)),
    "cbrt_slope": lambda x: 1.0 / (3.0 * p.square(p.cbrt(x))),
    "sec2": lambda x: 1.0 / p.square(p.cos(x)),
    "atanh_slope": lambda x: 1.0 / ((1.0 - x) * (1.0 + x)),
    "asin_slope": lambda x: 1.0 / p.sqrt((1.0 - x) * (1.0 + x)),
    "atan_slope": lambda x: 1.0 / (1.0 + x * x),
    "atan_ratio": lambda x: x / (1.0 + x * x),
    "asinh_slope": lambda x: 1.0 / p.sqrt(1.0 + x * x),
    "acosh_slope": lambda x: 1.0 / (p.sqrt(x - 1.0) * p.sqrt(x + 1.0)),
    "acosh_ratio": lambda x: x / ((x - 1.0) * (x + 1.0)),
    "degrees": lambda x: x * 57.29577951308232,
    "radians": lambda x: x * 0.017453292519943295,
    "sech2": lambda x: 1.0 / p.square(p.cosh(x)),
    "tanh_curvature": lambda x: -2.0 * p.tanh(x) * p.sech2(x),
    "logit": lambda x: p.log(x / (1.0 - x)),
    "logit_slope": lambda x: 1.0 / (x * (1.0 - x)),
    "logistic_difference": lambda x, y: p.sigmoid(x - y),
    "logaddexp": lambda x, y: p.maximum(x, y) + p.log1p(p.exp(-p.abs(x - y))),
    "xlogy": lambda x, y: select(p.abs(x) > 0.0, x * p.log(y), 0.0),
    "xlogy_slope": lambda x, y: p.log(y),
    "erf_slope": lambda x: TWO_OVER_ROOT_PI * p.exp(-(x * x)),
    "erf_curvature": lambda x: -2.0 * x * p.erf_slope(x),
    "erfinv_slope": lambda x: (1.0 / TWO_OVER_ROOT_PI) * p.exp(p.square(p.erfinv(x))),
    "sigmoid": lambda x: 1.0 / (1.0 + p.exp(-x)),
    "sigmoid_slope": lambda x: p.sigmoid(x) * p.sigmoid(-x),
    "sigmoid_curvature": lambda x: p.sigmoid_slope(x) * (p.sigmoid(-x) - p.sigmoid(x)),
    "softplus": lambda x: p.logaddexp(x, 0.0),
    "logsigmoid": lambda x: -p.softplus(-x),
    "silu": lambda x: x * p.sigmoid(x),
    "silu_slope": lambda x: p.sigmoid(x) + x * p.sigmoid_slope(x),
    "silu_curvature": lambda x: 2.0 * p.sigmoid_slope(x) + x * p.sigmoid_curvature(x),
    "mish": lambda x: x * p.tanh(p.softplus(x)),
    "mish_slope": mish_slope,
    "mish_curvature": mish_curvature,
    "normal_density": lambda x: 0.3989422804014327 * p.exp(-0.5 * (x * x)),
    "gelu": lambda x: 0.5 * x * p.erfc(x * -0.7071067811865476),
    "gelu_slope": lambda x: 0.5 * p.erfc(x * -0.7071067811865476) + x * p.normal_density(x),
    "gelu_curvature": lambda x: (2.0 - x * x) * p.normal_density(x),
    "gelu_tanh": lambda x: 0.5 * x * (1.0 + p.tanh(gelu_tanh_inner(x))),
    "gelu_tanh_slope": lambda x: (
        0.5 * (1.0 + p.tanh(gelu_tanh_inner(x)))
        + 0.5 * x * (p.sech2(gelu_tanh_inner(x)) * gelu_tanh_steep(x))
    ),
    "gelu_tanh_curvature": gelu_tanh_curvature,
    "relu": lambda x: select(x <= 0.0, 0.0, x),
    "relu6": lambda x: p.clamp(x, 0.0, 6.0),
    "hardtanh": lambda x: p.clamp(x, -1.0, 1.0),
    "clamp": lambda x, low, high: p.minimum(p.maximum(x, low), high),
    "leaky_relu": lambda x, slope: select(x > 0.0, x, slope * x),
    "leaky_slope": lambda x, slope: select(x <= 0.0, slope, 1.0),
    "elu": lambda x, alpha: select(x > 0.0, x, alpha * p.expm1(p.minimum(x, 0.0))),
    "elu_slope": lambda x, alpha: select(x > 0.0, 1.0, alpha * p.exp(p.minimum(x, 0.0))),
    "elu_curvature": lambda x, alpha: select(x >= 0.0, 0.0, alpha * p.exp(p.minimum(x, 0.0))),
    "softsign": lambda x: x / (1.0 + p.abs(x)),
    "softsign_slope": lambda x: 1.0 / p.square(1.0 + p.abs(x)),
    "binary_cross_entropy": lambda x, y: -(y * clamped(x) + (1.0 - y) * clamped(1.0 - x)),
    "bce_slope": lambda x, y: (x - y) / p.maximum(x * (1.0 - x), 1e-12),
    "bce_curvature": lambda x, y: select(
        x * (1.0 - x) <= 1e-12, 1e12, y / (x * x) + (1.0 - y) / ((1.0 - x) * (1.0 - x))
    ),
    "logistic_residual": lambda z, y: p.sigmoid(z) - y,
    "binary_cross_entropy_with_logits": lambda z, y: p.softplus(z) - y * z,
    "huber": lambda x, delta: select(p.abs(x) > delta, delta * (p.abs(x) - 0.5 * delta), 0.5 * (x * x)),
    "huber_slope": lambda x, delta: p.clamp(x, -delta, delta),
    "shifted_exp": lambda x, top: p.exp(x - top),
    "share": lambda x, y: x / (x + y),
    "shift": lambda *xs: folded(p.maximum)(xs),
    "sum": lambda *xs: folded(p.add)(xs),
    "prod": lambda *xs: folded(p.mul)(xs),
    "mean": lambda *xs: mean(xs),
    "dot": lambda *xs: dot(xs),
    "norm": lambda *xs: norm(xs),
    "max": lambda *xs: folded(p.maximum)(xs),
    "min": lambda *xs: folded(p.minimum)(xs),
    "logsumexp": lambda *xs: logsumexp(xs),
    "softmax": lambda *xs: p.exp(xs[0] - logsumexp(xs)),
    "log_softmax": lambda *xs: xs[0] - logsumexp(xs),
    "cross_entropy": lambda *xs: logsumexp(xs) - xs[0],
}


def lowered(tape: Tape, available: Container[str], target: str) -> Tape:
    """The tape in terms of the rows that a target has. Raises Untranslatable, with all that is missing."""

    def rest(tape: Tape) -> set[str]:
        return {
            entry.primitive.name for _, entry in tape.operations() if entry.primitive.name not in available
        }

    while any(name in FORMULAS for name in rest(tape)):
        tape = simplified(trace(partial(rewritten, tape, available), tape.inputs))
    if missing := rest(tape):
        names = ", ".join(sorted(missing))
        raise Untranslatable(f"{target} lacks {len(missing)} operations of this function: {names}")
    return tape


def rewritten(tape: Tape, available: Container[str], inputs: Sequence[Any]) -> list[Any]:
    """The tape recorded again, with formulas in place of the rows that are not available."""
    slots = list(inputs)
    for primitive, operands, number in tape.entries[len(slots) :]:
        if not operands:
            slots.append(constant(number))
        elif primitive.name in available or primitive.name not in FORMULAS:
            slots.append(applied(primitive, [slots[i] for i in operands]))
        else:
            slots.append(FORMULAS[primitive.name](*[slots[i] for i in operands]))
    return [slots[i] for i in tape.outputs]
