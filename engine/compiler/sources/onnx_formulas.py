"""The rows that ONNX lacks, as formulas of those that it has, accurate where a textbook's would cancel.

They also stand for operators that are only good in single precision: ONNX Runtime 1.31 has no other Tan,
Sinh, Asinh, Erf, Softplus ..., its Sigmoid cancels, and Erf of ONNX's own evaluator is right to 7 digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any, Final

from engine import primitives as p
from engine.compiler.kernels import error_function as tables
from engine.compiler.sources.formulas import either, gelu_tanh_inner, gelu_tanh_steep, lowered, select
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.symbol import applied
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import trace
from engine.value import constant

LARGEST: Final = 1.7976931348623157e308
HALF_PI: Final = 1.5707963267948966
COMPARISONS: Final = {
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
}
# Rows that are one operator
NATIVE: Final = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "neg": "Neg",
    "reciprocal": "Reciprocal",
    "pow": "Pow",
    "maximum": "Max",
    "minimum": "Min",
    "max": "Max",
    "min": "Min",
    "shift": "Max",
    "sum": "Sum",
    "fmod": "Mod",
    "select": "Where",
} | {
    name: name.capitalize()
    for name in "abs sign floor ceil round exp log sqrt sin cos asin acos atan tanh relu".split()
}


def expm1(x: Any) -> Any:
    return p.tanh(0.5 * x) * (p.exp(x) + 1.0)


def log1p(x: Any) -> Any:
    """log(1 + x), and what the sum was rounded by."""
    u = 1.0 + x
    return p.log(u) + select(p.abs(x) < 1.0, (x - (u - 1.0)) / u, 0.0)


def sech2(x: Any) -> Any:
    e = p.exp(-2.0 * p.abs(x))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


def ratio(x: Any, above: Sequence[float], below: Sequence[float]) -> Any:
    """One polynomial divided by another, highest powers first."""

    def polynomial(numbers: Sequence[float]) -> Any:
        return reduce(lambda total, number: total * x + number, numbers)

    return polynomial(above) / polynomial(below)


def tail(x: Any) -> Any:
    """erfc(x) for 1.25 <= x <= 28, as `error_function.tail`."""
    s = 1.0 / (x * x)
    rest = select(x < 1.0 / 0.35, ratio(s, tables.RA, tables.SA), ratio(s, tables.RB, tables.SB))
    cut = x * 134217729.0
    z = cut - (cut - x)
    return p.exp(-(z * z) - 0.5625) * p.exp((z - x) * (z + x) + rest) / x


def erf(x: Any) -> Any:
    y = p.minimum(p.abs(x), 28.0)
    near = x + x * ratio(x * x, tables.P, tables.Q)
    size = select(y < 1.25, tables.ERX + ratio(y - 1.0, tables.PA, tables.QA), 1.0 - tail(y))
    return select(y < 0.84375, near, select(x < 0.0, -size, size))


def erfc(x: Any) -> Any:
    y = p.minimum(p.abs(x), 28.0)
    rise, middle = x * ratio(x * x, tables.P, tables.Q), ratio(y - 1.0, tables.PA, tables.QA)
    near = select(x < 0.25, 1.0 - (x + rise), 0.5 - (x - 0.5 + rise))
    right = select(y < 1.25, (1.0 - tables.ERX) - middle, tail(y))
    left = select(y < 1.25, 1.0 + (tables.ERX + middle), 2.0 - tail(y))
    return select(y < 0.84375, near, select(x < 0.0, left, right))


def cbrt(x: Any) -> Any:
    """A power, which 1/3 makes inexact, and one step of Newton's."""
    size = p.abs(x)
    root = p.pow(size, 1.0 / 3.0)
    better = root - (root - size / (root * root)) / 3.0
    return select(either(size <= 0.0, size > LARGEST), x, p.sign(x) * better)


def asinh(x: Any) -> Any:
    y = p.abs(x)
    return p.sign(x) * p.log1p(y + y * (y / (1.0 + p.hypot(1.0, y))))


def mod(x: Any, y: Any) -> Any:
    """As Python's: the sign of y."""
    rest = p.fmod(x, y)
    return select(rest * p.sign(y) < 0.0, rest + y, rest)


def remainder(x: Any, y: Any) -> Any:
    rest = p.fmod(x, y)
    return rest - y * p.round(rest / y)


def copysign(x: Any, y: Any) -> Any:
    return select(either(y < 0.0, p.reciprocal(y) < 0.0), -p.abs(x), p.abs(x))


def atan2(y: Any, x: Any) -> Any:
    """The smaller of both divided by the larger."""
    turned = select(x < 0.0, copysign(2.0 * HALF_PI, y), 0.0)
    flat = select(p.abs(x) > 0.0, p.atan(y / x), y) + turned
    return select(p.abs(x) >= p.abs(y), flat, copysign(HALF_PI, y) - p.atan(x / y))


def norm(xs: Sequence[Any]) -> Any:
    """The largest times the length of what is at most 1."""
    sizes = [p.abs(x) for x in xs]
    top = p.shift(*sizes)
    unit = select(either(top <= 0.0, top > LARGEST), 1.0, top)
    return top * p.sqrt(p.sum(*[(size / unit) * (size / unit) for size in sizes]))


def logit(x: Any) -> Any:
    return select(p.abs(x - 0.5) < 0.25, 2.0 * p.atanh(2.0 * x - 1.0), p.log(x / (1.0 - x)))


def cross_entropy_with_logits(z: Any, y: Any) -> Any:
    """Parts of one sign."""
    return select(z > 0.0, (1.0 - y) * z, -(y * z)) + p.log1p(p.exp(-p.abs(z)))


def cross_entropy(x: Any, y: Any) -> Any:
    return -(y * p.maximum(p.log(x), -100.0)) - (1.0 - y) * p.maximum(p.log1p(-x), -100.0)


def logsumexp(xs: Sequence[Any]) -> Any:
    """The largest ones apart: log1p takes what is small beside them."""
    top = p.shift(*xs)
    tops = p.sum(*[select(x < top, 0.0, 1.0) for x in xs])
    rest = p.sum(*[select(x < top, p.exp(x - top), 0.0) for x in xs])
    return select(p.abs(top) > LARGEST, top, top + (p.log(tops) + p.log1p(rest / tops)))


def surprise(xs: Sequence[Any]) -> Any:
    """-log softmax of the first: where that is the largest, log1p takes all others."""
    top = p.shift(*xs)
    first, rest = p.exp(xs[0] - top), p.sum(0.0, *[p.exp(x - top) for x in xs[1:]])
    return select(xs[0] >= top, p.log1p(rest), (top - xs[0]) + p.log(first + rest))


def softmax(xs: Sequence[Any]) -> Any:
    top = p.shift(*xs)
    return p.exp(xs[0] - top) / p.sum(*[p.exp(x - top) for x in xs])


def mish_slope(x: Any) -> Any:
    return p.tanh(p.softplus(x)) + x * (p.sech2(p.softplus(x)) * p.sigmoid(x))


def mish_curvature(x: Any) -> Any:
    gate, wall, s = p.tanh(p.softplus(x)), p.sech2(p.softplus(x)), p.sigmoid(x)
    return wall * (2.0 * s + x * (s * p.sigmoid(-x) - 2.0 * gate * (s * s)))


def gelu_tanh_slope(x: Any) -> Any:
    twice = 2.0 * gelu_tanh_inner(x)
    return p.sigmoid(twice) + x * (p.sigmoid_slope(twice) * (2.0 * gelu_tanh_steep(x)))


COMPOSED: Final[dict[str, Callable[..., Any]]] = {
    "expm1": expm1,
    "log1p": log1p,
    "tan": lambda x: p.sin(x) / p.cos(x),
    "sinh": lambda x: 0.5 * (p.expm1(x) - p.expm1(-x)),
    "cosh": lambda x: 0.5 * (p.exp(x) + p.exp(-x)),
    "sech2": sech2,
    "asinh": asinh,
    "acosh": lambda x: p.log1p((x - 1.0) + p.sqrt(x - 1.0) * p.sqrt(x + 1.0)),
    "atanh": lambda x: 0.5 * p.sign(x) * p.log1p(2.0 * p.abs(x) / (1.0 - p.abs(x))),
    "cbrt": cbrt,
    "erf": erf,
    "erfc": erfc,
    "mod": mod,
    "remainder": remainder,
    "floordiv": lambda x, y: p.round((x - p.mod(x, y)) / y),
    "copysign": copysign,
    "atan2": atan2,
    "hypot": lambda x, y: norm([x, y]),
    "norm": lambda *xs: norm(xs),
    "logit": logit,
    "sigmoid_slope": lambda x: 0.25 * p.sech2(0.5 * x),
    "sigmoid_curvature": lambda x: -p.sigmoid_slope(x) * p.tanh(0.5 * x),
    "logistic_residual": lambda z, y: (1.0 - y) * p.sigmoid(z) - y * p.sigmoid(-z),
    "binary_cross_entropy_with_logits": cross_entropy_with_logits,
    "binary_cross_entropy": cross_entropy,
    "mish_slope": mish_slope,
    "mish_curvature": mish_curvature,
    "gelu_tanh": lambda x: x * p.sigmoid(2.0 * gelu_tanh_inner(x)),
    "gelu_tanh_slope": gelu_tanh_slope,
    "dot": lambda *xs: p.sum(*[x * y for x, y in zip(xs, xs[len(xs) // 2 :], strict=False)]),
    "logsumexp": lambda *xs: logsumexp(xs),
    "softmax": lambda *xs: softmax(xs),
    "cross_entropy": lambda *xs: surprise(xs),
    "log_softmax": lambda *xs: -surprise(xs),
}


def native(tape: Tape) -> Tape:
    """The tape in rows that are operators. Raises Untranslatable, with all that ONNX lacks."""
    tape = lowered(tape, NATIVE | COMPARISONS | COMPOSED, "ONNX")
    while any(entry.primitive.name in COMPOSED for _, entry in tape.operations()):
        tape = simplified(trace(partial(composed, tape), tape.inputs))
        tape = lowered(tape, NATIVE | COMPARISONS | COMPOSED, "ONNX")
    return tape


def composed(tape: Tape, inputs: Sequence[Any]) -> list[Any]:
    """The tape recorded again, with formulas in place of the rows that are in COMPOSED."""
    slots = list(inputs)
    for primitive, operands, number in tape.entries[len(slots) :]:
        formula = COMPOSED.get(primitive.name)
        xs = [slots[i] for i in operands]
        slots.append(constant(number) if not xs else formula(*xs) if formula else applied(primitive, xs))
    return [slots[i] for i in tape.outputs]
