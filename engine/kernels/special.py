"""Kernels of the error function's family: gauss, normal distribution, gelu, erfinv; and hypot.

A kernel takes floats, gives a float, never raises for one, and is written in the subset of Python
that the compilers translate. The names others use:

product_error, sum_error    what rounding took from x * y, from x + y
horner(x, coefficients)     a polynomial, its highest power first
hypot(x, y)                 sqrt(x^2 + y^2), correctly rounded but for rare ties, C99 at the edges
times_exp(c, c_rest, h, h_rest)     (c + c_rest) exp(-(h + h_rest)), right where exp alone would be subnormal
gauss(x)                    exp(-x^2)
erf_slope, erf_curvature    erf' and erf''
erfc(x)                     1 - erf(x)
normal_density, normal_cdf  phi(x) and Phi(x) of the standard normal distribution
gelu, gelu_slope, gelu_curvature    x Phi(x) and its derivatives
erfinv, erfinv_slope        the inverse of erf and its derivative (second: 2 erfinv erfinv_slope^2)
"""

from math import copysign, erf, exp, fabs, inf, isinf, isnan, log, nan, sqrt
from math import erfc as libm_erfc
from typing import Final

from engine.kernels.series import GELU_MINIMUM, GELU_MINIMUM_REST, GELU_SLOPE

TWO_OVER_ROOT_PI: Final = 1.1283791670955126
TWO_OVER_ROOT_PI_REST: Final = 1.533545961316588e-17
ROOT_HALF: Final = 0.7071067811865476  # 1/sqrt(2), and what its rounding left
ROOT_HALF_REST: Final = -4.833646656726457e-17
DENSITY_AT_ZERO: Final = 0.3989422804014327  # 1/sqrt(2 pi)
DENSITY_AT_ZERO_REST: Final = -2.49232720227773e-17
EXP_MINUS_200: Final = 1.3838965267367376e-87
HALF_ROOT_PI: Final = 0.886226925452758
ROOT_PI_INVERSE: Final = 0.5641895835477563  # 1/sqrt(pi)
# exp(x^2) erfc(x) at 1.25, and its Taylor series there from (x - 1.25) on
ERFCX_CENTRE: Final = 0.3678229164523611
ERFCX: Final[tuple[float, ...]] = (
    -8.461855765706842e-15,
    3.7157673993822454e-14,
    -1.6068214532932044e-13,
    6.839024435813424e-13,
    -2.8634048710931836e-12,
    1.1786085411842589e-11,
    -4.7661762782374846e-11,
    1.8922414300823705e-10,
    -7.369786879752322e-10,
    2.8134647900514105e-09,
    -1.051812852332897e-08,
    3.8468843764623906e-08,
    -1.374901471540761e-07,
    4.796134340595864e-07,
    -1.630692896230054e-06,
    5.3956601587046725e-06,
    -1.734407902387619e-05,
    5.405405973207327e-05,
    -0.00016296000929641064,
    0.00047397031028087965,
    -0.0013257829296849475,
    0.003553109903229703,
    -0.009081627632934445,
    0.022011364250857163,
    -0.05021827439590757,
    0.1067955714965988,
    -0.20882187596460985,
)
# M. Giles, "Approximating the erfinv function" (2010): single precision, to be refined
ERFINV_CENTRE: Final[tuple[float, ...]] = (
    2.81022636e-08,
    3.43273939e-07,
    -3.5233877e-06,
    -4.39150654e-06,
    0.00021858087,
    -0.00125372503,
    -0.00417768164,
    0.246640727,
    1.50140941,
)


def sum_error(x: float, y: float) -> float:
    """(x + y) minus its rounded value (Knuth)."""
    total = x + y
    part = total - x
    return (x - (total - part)) + (y - part)


def product_error(x: float, y: float) -> float:
    """x y minus its rounded value (Dekker), for factors and products far from overflow and underflow."""
    p = x * 134217729.0  # 2^27 + 1 cuts the 53 bits in halves
    q = y * 134217729.0
    xh = p - (p - x)
    yh = q - (q - y)
    xl = x - xh
    yl = y - yh
    return ((xh * yh - x * y) + xh * yl + xl * yh) + xl * yl


def horner(x: float, coefficients: tuple[float, ...]) -> float:
    """The polynomial of these coefficients, highest power first."""
    total = 0.0
    for i in range(len(coefficients)):
        total = total * x + coefficients[i]
    return total


def hypot(x: float, y: float) -> float:
    """sqrt(x^2 + y^2); inf if either is infinite, even beside nan. C. Borges (2020), algorithm 5."""
    if isinf(x) or isinf(y):
        return inf
    big = fabs(x)
    small = fabs(y)
    if big < small:
        big = fabs(y)
        small = fabs(x)
    if small <= big * 5e-17:
        return big + small
    scale = 1.0
    if big > 1e150:
        scale = 2.0**-600
    elif small < 1e-120:
        scale = 2.0**600
    a = big * scale
    b = small * scale
    h = sqrt(a * a + b * b)
    excess = (a * a - h * h) + b * b + (product_error(a, a) - product_error(h, h)) + product_error(b, b)
    return (h + excess / (2.0 * h)) / scale


def times_exp(c: float, c_rest: float, h: float, h_rest: float) -> float:
    """(c + c_rest) exp(-(h + h_rest)) for h >= 0; c is applied before the exponential can underflow."""
    if h > 800.0:
        return c * 0.0
    e = exp(-h) if h < 600.0 else exp(200.0 - h)
    p = c * e
    p += product_error(c, e) + (c_rest - c * h_rest) * e
    return p if h < 600.0 else p * EXP_MINUS_200


def gauss(x: float) -> float:
    return times_exp(1.0, 0.0, x * x, square_error(x))


def square_error(x: float) -> float:
    """What the rounding of x^2 lost, where exp(-x^2) is not 0."""
    return product_error(x, x) if fabs(x) < 1e3 else 0.0


def erf_slope(x: float) -> float:
    return times_exp(TWO_OVER_ROOT_PI, TWO_OVER_ROOT_PI_REST, x * x, square_error(x))


def erf_curvature(x: float) -> float:
    """erf''(x) = -2 x erf'(x)."""
    if fabs(x) > 40.0:
        return copysign(0.0, -x)
    c = -2.0 * x * TWO_OVER_ROOT_PI
    c_rest = -2.0 * (product_error(x, TWO_OVER_ROOT_PI) + x * TWO_OVER_ROOT_PI_REST)
    return times_exp(c, c_rest, x * x, square_error(x))


def erfc(x: float) -> float:
    """libm's up to 1/2. Beyond it, exp(-x^2) times a Taylor series, or from 2 on a continued fraction."""
    if x < 0.5 or x > 30.0 or isnan(x):
        return 0.0 if x > 30.0 else libm_erfc(x)
    if x < 2.0:
        t = horner(x - 1.25, ERFCX) * (x - 1.25)
        w = ERFCX_CENTRE + t
        return times_exp(w, t - (w - ERFCX_CENTRE), x * x, product_error(x, x))
    t = x
    for i in range(59 if x < 3.0 else 29):
        t = x + ((30.0 if x < 3.0 else 15.0) - 0.5 * float(i)) / t
    d = x + 0.5 / t
    rest = 0.5 / t - (d - x)
    w = ROOT_PI_INVERSE / d
    miss = (ROOT_PI_INVERSE - w * d) - product_error(w, d) - w * rest
    return times_exp(w, miss / d, x * x, product_error(x, x))


def half_gauss(c: float, c_rest: float, x: float) -> float:
    """(c + c_rest) times the standard normal density at x."""
    total = c * DENSITY_AT_ZERO
    rest = product_error(c, DENSITY_AT_ZERO) + c * DENSITY_AT_ZERO_REST + c_rest * DENSITY_AT_ZERO
    return times_exp(total, rest, 0.5 * x * x, 0.5 * square_error(x))


def normal_density(x: float) -> float:
    return half_gauss(1.0, 0.0, x)


def normal_cdf(x: float) -> float:
    """erfc(z) / 2 at z = -x/sqrt(2), with a first-order correction for the rounding of z."""
    if fabs(x) > 40.0 or isnan(x):
        return 1.0 if x > 40.0 else 0.0 if x < -40.0 else x
    z = -x * ROOT_HALF
    rest = -product_error(x, ROOT_HALF) - x * ROOT_HALF_REST
    return 0.5 * erfc(z) - 0.5 * rest * erf_slope(z)


def tail_ratio(x: float) -> float:
    """-x Phi(x) / phi(x) for x below -30: the asymptotic series of Mills' ratio, less its 1."""
    t = 1.0 / (x * x)
    return -t * (1.0 - t * (3.0 - t * (15.0 - t * (105.0 - t * (945.0 - t * (10395.0 - t * 135135.0))))))


def gelu(x: float) -> float:
    if x < -36.0:
        return half_gauss(-1.0, -tail_ratio(x), x) if x > -50.0 else -0.0
    return x if x > 40.0 else x * normal_cdf(x)


def gelu_slope(x: float) -> float:
    """Phi(x) + x phi(x); a Taylor series around its root, where the two cancel."""
    if fabs(x) > 40.0:
        return 1.0 if x > 40.0 else -0.0
    if x < -36.0:
        return half_gauss(x, -(1.0 + tail_ratio(x)) / x, x)
    z = (x - GELU_MINIMUM) - GELU_MINIMUM_REST
    if fabs(z) <= 0.6:
        return horner(z, GELU_SLOPE) * z
    return normal_cdf(x) + half_gauss(x, 0.0, x)


def gelu_curvature(x: float) -> float:
    """(2 - x^2) phi(x), with what the rounding of x^2 lost put back: it counts near sqrt(2)."""
    if fabs(x) > 50.0:
        return -0.0
    c = 2.0 - x * x
    return half_gauss(c, sum_error(2.0, -x * x) - square_error(x), x)


def erfinv_rest(x: float, y: float) -> float:
    """The Newton step from x to erfinv(y), for 0 < y < 1, from the side that does not cancel."""
    miss = erf(x) - y if y < 0.5 else (1.0 - y) - erfc(x)
    return -miss / erf_slope(x)


def erfinv(y: float) -> float:
    """The x with erf(x) = y; nan beyond +-1. An approximation, then three steps of Halley's method."""
    p = fabs(y)
    if not p < 1.0:
        return copysign(inf, y) if p == 1.0 else nan
    if p < 1e-8:
        return y * HALF_ROOT_PI
    w = -log((1.0 - p) * (1.0 + p))
    if w < 5.0:
        x = p * horner(w - 2.5, ERFINV_CENTRE)
    else:  # from erfc(x) ~ exp(-x^2) / (x sqrt(pi))
        w = -log(1.0 - p)
        x = sqrt(w - 0.5 * log(3.141592653589793 * w))
    for _ in range(3):
        step = erfinv_rest(x, p)
        x += step / (1.0 - x * step)
    return copysign(x, y)


def erfinv_slope(y: float) -> float:
    """sqrt(pi)/2 exp(x^2) at x = erfinv(y); what the rounding of x did is put back."""
    x = fabs(erfinv(y))
    if not x < 10.0:
        return x
    h = x * x
    rest = product_error(x, x)
    if x > 1e-8:
        rest += 2.0 * x * erfinv_rest(x, fabs(y))
    e = exp(h)
    return HALF_ROOT_PI * (e + e * rest)
