"""What the rows mean, in SymPy's expressions and mpmath's digits: an engine of another kind to compare with.

SymPy differentiates, mpmath evaluates with as many digits as it takes. A row that chooses is the branch
that the point is on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import mpmath
import sympy as sp

MOST_DIGITS = 3000
ALONE = ("gamma", "lgamma", "erfinv")  # mpmath has them and their derivatives: nothing cancels
VARIABLES = sp.symbols("x0:5", real=True)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + sp.exp(-x))


def softplus(x: Any) -> Any:
    return sp.log(1 + sp.exp(x))


def logsumexp(*xs: Any) -> Any:
    return xs[0] + sp.log(sum(sp.exp(x - xs[0]) for x in xs))


def gelu_tanh(x: Any) -> Any:
    return x * sigmoid(2 * sp.sqrt(2 / sp.pi) * (x + sp.Rational("0.044715") * x**3))


def norm(*xs: Any) -> Any:
    return sp.sqrt(sum(x * x for x in xs))


SMOOTH: dict[str, Callable[..., Any]] = {
    "acos": sp.acos,
    "acosh": lambda x: sp.log(x + sp.sqrt(x - 1) * sp.sqrt(x + 1)),
    "add": lambda x, y: x + y,
    "asin": sp.asin,
    "asinh": sp.asinh,
    "atan": sp.atan,
    "atan2": sp.atan2,
    "atanh": sp.atanh,
    "binary_cross_entropy_with_logits": lambda z, y: softplus(z) - y * z,
    "cos": sp.cos,
    "cosh": sp.cosh,
    "cross_entropy": lambda *xs: sp.log(sum(sp.exp(x - xs[0]) for x in xs)),
    "degrees": lambda x: 180 * x / sp.pi,
    "div": lambda x, y: x / y,
    "dot": lambda a, b, c, d: a * c + b * d,
    "erf": sp.erf,
    "erfc": sp.erfc,
    "erfinv": sp.erfinv,
    "exp": sp.exp,
    "exp2": lambda x: 2**x,
    "expm1": lambda x: sp.exp(x) - 1,
    "gamma": sp.gamma,
    "gelu": lambda x: x * sp.erfc(-x / sp.sqrt(2)) / 2,
    "gelu_tanh": gelu_tanh,
    "hypot": norm,
    "lgamma": sp.loggamma,
    "log": sp.log,
    "log10": lambda x: sp.log(x) / sp.log(10),
    "log1p": lambda x: sp.log(1 + x),
    "log2": lambda x: sp.log(x) / sp.log(2),
    "log_base": lambda x, b: sp.log(x) / sp.log(b),
    "log_softmax": lambda *xs: -sp.log(sum(sp.exp(x - xs[0]) for x in xs)),
    "logaddexp": logsumexp,
    "logit": lambda p: sp.log(p) - sp.log(1 - p),
    "logsigmoid": lambda x: -softplus(-x),
    "logsumexp": logsumexp,
    "mean": lambda *xs: sum(xs) / len(xs),
    "mish": lambda x: x * (1 - 2 / (1 + (1 + sp.exp(x)) ** 2)),
    "mul": lambda x, y: x * y,
    "neg": lambda x: -x,
    "norm": norm,
    "pow": lambda x, y: x**y,
    "prod": lambda *xs: math.prod(xs),
    "radians": lambda x: x * sp.pi / 180,
    "reciprocal": lambda x: 1 / x,
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "sin": sp.sin,
    "sinh": sp.sinh,
    "softmax": lambda *xs: 1 / sum(sp.exp(x - xs[0]) for x in xs),
    "softplus": softplus,
    "sqrt": sp.sqrt,
    "square": lambda x: x * x,
    "sub": lambda x, y: x - y,
    "sum": lambda *xs: sum(xs),
    "tan": sp.tan,
    "tanh": lambda x: 1 - 2 / (1 + sp.exp(2 * x)),
    "xlogy": lambda x, y: x * sp.log(y),
}


def whole(name: str) -> Callable[..., Any]:
    return lambda at, x: sp.Integer(int(getattr(math, name)(at)))


def less(at: float, bt: float, x: Any, y: Any) -> Any:
    return x if at < bt else y


def rest(rounding: Callable[[Any], int]) -> Callable[..., Any]:
    """x - n y, n being x / y rounded exactly."""
    return lambda at, bt, x, y: x - y * rounding(sp.Rational(at) / sp.Rational(bt))


def huber(at: float, dt: float, x: Any, delta: Any) -> Any:
    size = x if at > 0 else -x
    return x * x / 2 if abs(at) <= dt else delta * (size - delta / 2)


def clamp(at: float, low: float, high: float, *xs: Any) -> Any:
    return xs[1] if at < low and low < high else xs[2] if max(at, low) > high else xs[0]


def bce(pt: float, yt: float, p: Any, y: Any) -> Any:
    """With torch's clamps: of the logarithms in the value."""
    one = sp.log(p) if pt > math.exp(-100.0) else -100
    other = sp.log(1 - p) if 1.0 - pt > math.exp(-100.0) else -100
    return -y * one - (1 - y) * other


CHOOSING: dict[str, Callable[..., Any]] = {
    "abs": lambda at, x: x if at > 0 else -x,
    "binary_cross_entropy": bce,
    "cbrt": lambda at, x: sp.cbrt(x) if at > 0 else -sp.cbrt(-x),
    "ceil": whole("ceil"),
    "clamp": clamp,
    "copysign": lambda at, bt, x, y: x if (at > 0) == (bt > 0) else -x,
    "elu": lambda at, _, x, alpha: x if at > 0 else alpha * (sp.exp(x) - 1),
    "floor": whole("floor"),
    "floordiv": lambda at, bt, x, y: sp.floor(sp.Rational(at) / sp.Rational(bt)),
    "fmod": rest(lambda q: sp.sign(q) * sp.floor(abs(q))),
    "hardtanh": lambda at, x: x if abs(at) < 1 else sp.Integer(math.copysign(1, at)),
    "huber": huber,
    "leaky_relu": lambda at, _, x, slope: x if at > 0 else slope * x,
    "max": lambda *both: both[len(both) // 2 :][both.index(max(both[: len(both) // 2]))],
    "maximum": lambda at, bt, x, y: x if at > bt else y,
    "min": lambda *both: both[len(both) // 2 :][both.index(min(both[: len(both) // 2]))],
    "minimum": less,
    "mod": rest(sp.floor),
    "relu": lambda at, x: x if at > 0 else sp.Integer(0),
    "relu6": lambda at, x: x if 0 < at < 6 else sp.Integer(0 if at < 0 else 6),
    "remainder": rest(lambda q: round(q)),
    "round": lambda at, x: sp.Integer(round(at)),
    "sign": lambda at, x: sp.Integer(math.copysign(1, at)),
    "softsign": lambda at, x: x / (1 + x) if at > 0 else x / (1 - x),
    "trunc": whole("trunc"),
}
NAMES = sorted(SMOOTH | CHOOSING)


def derivative(name: str, xs: Sequence[float], orders: Sequence[int]) -> float:
    """The partial derivative of these orders, rounded once."""
    variables = VARIABLES[: len(xs)]
    built = SMOOTH[name](*variables) if name in SMOOTH else CHOOSING[name](*xs, *variables)
    f = differentiated(sp.sympify(built), tuple(orders))
    before = None
    for digits in (enough(name, xs), 2 * enough(name, xs), MOST_DIGITS):
        with mpmath.workdps(digits):
            after = mpmath.mpmathify(f(*map(mpmath.mpf, xs))).real
        if before is not None and abs(after - before) <= abs(after) * mpmath.mpf(10) ** -30:
            return rounded(after)
        before = after
    if abs(after) < mpmath.mpf(10) ** -400:
        return 0.0
    raise AssertionError(f"{name} at {xs}: {orders} is not known to {MOST_DIGITS} digits")


def enough(name: str, xs: Sequence[float]) -> int:
    """Digits that tell 1 + x from 1, and 1 + exp(-x), where there may be such a thing."""
    if name in ALONE:
        return 40
    orders = max(int(2 * abs(math.log10(abs(x) or 1.0))) for x in xs)
    return 80 + orders + int(max(min(abs(x), 1000.0) for x in xs))


@cache
def differentiated(expression: Any, orders: tuple[int, ...]) -> Callable[..., Any]:
    for variable, n in zip(VARIABLES, orders, strict=False):
        expression = sp.diff(expression, variable, n)
    return sp.lambdify(VARIABLES[: len(orders)], expression, "mpmath", cse=True)


def rounded(x: Any) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.copysign(math.inf, x)
