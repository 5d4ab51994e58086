"""Functions of one number, and the four operations: IEEE 754 results, never an exception."""

from __future__ import annotations

import math
from math import inf, nan

from engine.kernels.special import product_error

ROOT_BIG = 1.6069380442589903e60  # 2**200
WHOLE = 4503599627370496.0  # 2**52: from here on every double is a whole number
LN2 = 0.6931471805599453
EXP_LIMIT = 709.782712893384  # the largest argument of exp
SINH_LIMIT = 710.4758600739439  # the largest argument of sinh and cosh


def identity(x: float) -> float:
    return x


def add(x: float, y: float) -> float:
    return x + y


def sub(x: float, y: float) -> float:
    return x - y


def mul(x: float, y: float) -> float:
    return x * y


def div(x: float, y: float) -> float:
    if y != 0.0:
        return x / y
    if x == 0.0 or x != x:
        return nan
    return math.copysign(inf, y) if x > 0.0 else -math.copysign(inf, y)


def neg(x: float) -> float:
    return -x


def absolute(x: float) -> float:
    return math.fabs(x)


def reciprocal(x: float) -> float:
    return div(1.0, x)


def square(x: float) -> float:
    return x * x


def sign(x: float) -> float:
    if x > 0.0:
        return 1.0
    return -1.0 if x < 0.0 else x


def floor(x: float) -> float:
    if not math.fabs(x) < WHOLE:
        return x
    return math.copysign(float(math.floor(x)), x)  # keeps the sign of -0.0


def ceil(x: float) -> float:
    return -floor(-x)


def trunc(x: float) -> float:
    return math.copysign(floor(math.fabs(x)), x)


def nearest(x: float) -> float:
    """x rounded to a whole number, halves to even."""
    if not math.fabs(x) < WHOLE:
        return x
    return math.copysign(math.fabs(x) + WHOLE - WHOLE, x)


def round_digits(x: float, digits: float) -> float:
    """x rounded to that many decimals as Python rounds, halves to even: exactly for -22 to 22 of them."""
    size = math.fabs(digits)
    scale = 1.0
    for i in range(22):
        if float(i) < size:
            scale = scale * 10.0
    if 22.0 < size <= 308.0:
        scale = math.pow(10.0, size)
    if digits < -308.0 and math.fabs(x) < inf:
        return math.copysign(0.0, x)
    y = x * scale if digits > 0.0 else x / scale
    if not math.fabs(y) < 9007199254740992.0 or digits > 308.0:
        return x  # no double stands nearer to the decimal
    if digits > 0.0:
        rest = product_error(x, scale)
    else:
        rest = (x - y * scale) - product_error(y, scale)
    whole = nearest(y)
    if y - whole == 0.5 and rest > 0.0:
        whole = whole + 1.0
    if y - whole == -0.5 and rest < 0.0:
        whole = whole - 1.0
    return math.copysign(whole / scale if digits > 0.0 else whole * scale, x)


def step(x: float) -> float:
    """1 for x > 0, else 0; nan counts as positive: the slope of what was returned."""
    return 0.0 if x <= 0.0 else 1.0


def defined(x: float) -> float:
    """1 for a number, nan for nan."""
    return 1.0 if x == x else nan


def exp(x: float) -> float:
    return inf if x > EXP_LIMIT else math.exp(x)


def exp2(x: float) -> float:
    return inf if x >= 1024.0 else math.exp2(x)


def exp2_slope(x: float) -> float:
    """2**x log(2); from 1024 on, in range only with what the logarithm takes away."""
    return exp2(x) * LN2 if x < 1024.0 else exp2(x - 2.0) * LN2 * 4.0


def exp2_curvature(x: float) -> float:
    """2**x log(2)**2."""
    return exp2_slope(x) * LN2 if x < 1024.0 else exp2_slope(x - 2.0) * LN2 * 4.0


def expm1(x: float) -> float:
    return inf if x > EXP_LIMIT else math.expm1(x)


def log(x: float) -> float:
    if x > 0.0:
        return math.log(x)
    return -inf if x == 0.0 else nan


def log1p(x: float) -> float:
    if x > -1.0:
        return math.log1p(x)
    return -inf if x == -1.0 else nan


def log2(x: float) -> float:
    if x > 0.0:
        return math.log2(x)
    return -inf if x == 0.0 else nan


def log10(x: float) -> float:
    if x > 0.0:
        return math.log10(x)
    return -inf if x == 0.0 else nan


def sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0.0 else nan


def cbrt(x: float) -> float:
    scale = cbrt_scale(x)
    root = math.cbrt(x * scale * scale * scale)
    return (root + cbrt_rest(x * scale * scale * scale, root)) / scale


def cbrt_scale(x: float) -> float:
    """A power of two whose cube brings x where the products of cbrt_rest are exact."""
    if math.fabs(x) < 1e-270:
        return ROOT_BIG
    return 1.0 if math.fabs(x) < 1e270 else 1.0 / ROOT_BIG


def cbrt_rest(x: float, root: float) -> float:
    """What Newton's step adds to a root that libm has right to about 1 ulp."""
    if x == 0.0 or x - x != 0.0:
        return root if root == 0.0 else 0.0  # keeps the sign of -0.0
    square = root * root
    cube = square * root
    error = product_error(square, root) + product_error(root, root) * root
    return ((x - cube) - error) / (3.0 * square)


def sin(x: float) -> float:
    return math.sin(x) if math.fabs(x) < inf else nan


def cos(x: float) -> float:
    return math.cos(x) if math.fabs(x) < inf else nan


def tan(x: float) -> float:
    return math.tan(x) if math.fabs(x) < inf else nan


def asin(x: float) -> float:
    return math.asin(x) if math.fabs(x) <= 1.0 else nan


def acos(x: float) -> float:
    return math.acos(x) if math.fabs(x) <= 1.0 else nan


def atan(x: float) -> float:
    return math.atan(x)


def sinh(x: float) -> float:
    return math.sinh(x) if math.fabs(x) <= SINH_LIMIT else x * inf


def cosh(x: float) -> float:
    return math.cosh(x) if math.fabs(x) <= SINH_LIMIT else math.fabs(x) * inf


def tanh(x: float) -> float:
    return math.tanh(x)


def asinh(x: float) -> float:
    return math.asinh(x)


def acosh(x: float) -> float:
    return math.acosh(x) if x >= 1.0 else nan


def atanh(x: float) -> float:
    if math.fabs(x) < 1.0:
        return math.atanh(x)
    return math.copysign(inf, x) if math.fabs(x) == 1.0 else nan


def degrees(x: float) -> float:
    return x * 57.29577951308232


def radians(x: float) -> float:
    return x * 0.017453292519943295


def erf(x: float) -> float:
    return math.erf(x)


def relu(x: float) -> float:
    return 0.0 if x <= 0.0 else x


def relu6(x: float) -> float:
    return 6.0 if x >= 6.0 else relu(x)


def hardtanh(x: float) -> float:
    return x if not math.fabs(x) > 1.0 else math.copysign(1.0, x)


def softsign(x: float) -> float:
    return math.copysign(1.0, x) if math.fabs(x) > 1e300 else x / (1.0 + math.fabs(x))
