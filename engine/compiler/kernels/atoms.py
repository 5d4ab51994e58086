"""Functions of `math` as kernels of ours, for targets that lack them: within 3 ulp of libm.

They are made of exp, log, pow, sin, cos, sqrt and of each other, always by the name in `math`: where a
target has that, it is the target's own. Where the engine's kernels guard an atom, ours knows no edge either.
"""

import math
from collections.abc import Callable
from math import cos, exp, fabs, log, pow, sin, sqrt
from typing import Final

from engine.compiler.kernels import error_function
from engine.kernels.elementary import reciprocal
from engine.kernels.special import horner

LN2: Final = 0.6931471805599453
LN10: Final = 2.302585092994046
PI: Final = 3.141592653589793
HALF_PI: Final = 1.5707963267948966
# atan at 1/2, 1, 3/2 and infinity, and what the rounding of them left
CORNERS: Final[tuple[float, ...]] = (0.4636476090008061, 0.7853981633974483, 0.982793723247329, HALF_PI)
RESTS: Final[tuple[float, ...]] = (
    2.2698777452961687e-17,
    3.061616997868383e-17,
    1.3903311031230998e-17,
    6.123233995736766e-17,
)
# 1 - atan(x) / x on |x| < 7/16, in x^2 and divided by it: FreeBSD's s_atan.c (see error_function)
ATAN: Final[tuple[float, ...]] = (
    1.62858201153657823623e-02,
    -3.65315727442169155270e-02,
    4.97687799461593236017e-02,
    -5.83357013379057348645e-02,
    6.66107313738753120669e-02,
    -7.69187620504482999495e-02,
    9.09088713343650656196e-02,
    -1.11111104054623557880e-01,
    1.42857142725034663711e-01,
    -1.99999999998764832476e-01,
    3.33333333333329318027e-01,
)


def expm1(x: float) -> float:
    """(u - 1) x / log(u) for u = exp(x): the rounding of u cancels (Kahan)."""
    u = exp(x)
    if fabs(x) > 1.0:
        return u - 1.0
    return x if u == 1.0 else (u - 1.0) * x / log(u)


def log1p(x: float) -> float:
    """log(u) x / (u - 1) for u = 1 + x, as in expm1."""
    u = 1.0 + x
    if u == 1.0 or x > 1.0:
        return x if u == 1.0 else log(u)
    return log(u) * x / (u - 1.0)


def exp2(x: float) -> float:
    return pow(2.0, x)


def log2(x: float) -> float:
    return log(x) / LN2


def log10(x: float) -> float:
    return log(x) / LN10


def cbrt(x: float) -> float:
    """A power, which the rounding of 1/3 moves, and one step of Newton's."""
    if x == 0.0 or x - x != 0.0:
        return x
    root = pow(fabs(x), 1.0 / 3.0)
    return math.copysign(root - (root - fabs(x) / (root * root)) / 3.0, x)


def sinh(x: float) -> float:
    half = math.copysign(0.5, x)
    if fabs(x) > 22.0:  # e^-x is too small to count, and e^x may overflow
        root = exp(0.5 * fabs(x))
        return half * root * root
    t = math.expm1(fabs(x))
    return half * (t + t / (t + 1.0))


def cosh(x: float) -> float:
    root = exp(0.5 * fabs(x))
    return 0.5 * root * root + 0.5 / (root * root)


def tanh(x: float) -> float:
    t = math.expm1(-2.0 * fabs(x))
    return math.copysign(t / (t + 2.0), x)


def asinh(x: float) -> float:
    y = fabs(x)
    far = log(y) + LN2 if y > 1e9 else 0.0
    return math.copysign(far if y > 1e9 else math.log1p(y + y * y / (1.0 + sqrt(1.0 + y * y))), x)


def acosh(x: float) -> float:
    if x > 1e9:
        return log(x) + LN2
    t = x - 1.0
    return math.log1p(t + sqrt(t * (t + 2.0)))


def atanh(x: float) -> float:
    y = fabs(x)
    return math.copysign(0.5 * math.log1p(2.0 * y / (1.0 - y)), x)


def tan(x: float) -> float:
    return sin(x) / cos(x)


def atan(x: float) -> float:
    """The angle to the nearest of five corners, and the corner."""
    y = fabs(x)
    t = y
    corner = 0.0
    rest = 0.0
    if y >= 2.4375:
        t = -1.0 / y
        corner = CORNERS[3]
        rest = RESTS[3]
    elif y >= 1.1875:
        t = (y - 1.5) / (1.0 + 1.5 * y)
        corner = CORNERS[2]
        rest = RESTS[2]
    elif y >= 0.6875:
        t = (y - 1.0) / (y + 1.0)
        corner = CORNERS[1]
        rest = RESTS[1]
    elif y >= 0.4375:
        t = (2.0 * y - 1.0) / (2.0 + y)
        corner = CORNERS[0]
        rest = RESTS[0]
    return math.copysign(corner + (t - (t * (t * t) * horner(t * t, ATAN) - rest)), x)


def asin(x: float) -> float:
    return x * HALF_PI if fabs(x) == 1.0 else math.atan(x / sqrt((1.0 - x) * (1.0 + x)))


def acos(x: float) -> float:
    return PI if x == -1.0 else 2.0 * math.atan(sqrt((1.0 - x) / (1.0 + x)))


def atan2(y: float, x: float) -> float:
    """The angle to the nearer axis, which is at most an eighth; then the octant."""
    long = fabs(x)
    short = fabs(y)
    if long < short:
        long = fabs(y)
        short = fabs(x)
    angle = 0.0
    if short < long:
        angle = math.atan(short / long)
    elif short > 0.0:
        angle = 0.5 * HALF_PI
    if fabs(y) > fabs(x):
        angle = HALF_PI - angle
    if math.copysign(1.0, x) < 0.0:
        angle = PI - angle
    return x + y if x != x or y != y else math.copysign(angle, y)


def copysign(x: float, y: float) -> float:
    """-0 is known by its reciprocal."""
    return -fabs(x) if y < 0.0 or reciprocal(y) < 0.0 else fabs(x)


# fmt: off
OURS: Final[dict[str, Callable[..., float]]] = {
    kernel.__name__: kernel
    for kernel in (
        expm1, log1p, exp2, log2, log10, cbrt, sinh, cosh, tanh, asinh, acosh, atanh,
        tan, atan, asin, acos, atan2, copysign, error_function.erf, error_function.erfc,
    )
}
# fmt: on
