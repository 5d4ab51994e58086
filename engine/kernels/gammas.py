"""Kernels gamma(x) and lgamma(x) = log|gamma(x)|. As in C99 gamma(-n) is nan, gamma(+-0) is +-inf."""

from math import copysign, cos, expm1, fabs, floor, inf, isinf, isnan, log, log1p, nan, pow, sin
from typing import Final

from engine.kernels.special import horner, product_error

PI: Final = 3.141592653589793
PI_REST: Final = 1.2246467991473532e-16
EULER: Final = 0.5772156649015329  # Euler's constant, the z-coefficient of 1/gamma(1 + z)
EULER_REST: Final = -4.942915152430645e-18
INVERSE_E: Final = 0.36787944117144233
INVERSE_E_REST: Final = -1.2428753672788363e-17
STIRLING: Final = 1.520346901066281  # sqrt(2 pi / e)
STIRLING_REST: Final = -9.239528122039697e-17
LOG_STIRLING: Final = 0.4189385332046727
MINIMUM: Final = 1.4616321449683622  # of gamma on x > 0: the root of digamma, and the value of lgamma
MINIMUM_REST: Final = 9.549995429965697e-17
LGAMMA_AT_MINIMUM: Final = -0.12148629053584961
LGAMMA_AT_MINIMUM_REST: Final = 3.364991468473138e-18
# Taylor coefficients, highest power first: of 1/gamma(1 + z) at 0 from z^2 on (|z| <= 1/2)
RECIPROCAL_GAMMA: Final[tuple[float, ...]] = (
    -3.696805618642206e-12,
    7.782263439905071e-12,
    1.0434267116911005e-10,
    -1.18127457048702e-09,
    5.002007644469223e-09,
    6.116095104481416e-09,
    -2.056338416977607e-07,
    1.133027231981696e-06,
    -1.2504934821426706e-06,
    -2.013485478078824e-05,
    0.0001280502823881162,
    -0.00021524167411495098,
    -0.0011651675918590652,
    0.0072189432466631,
    -0.009621971527876973,
    -0.04219773455554433,
    0.16653861138229148,
    -0.04200263503409524,
    -0.6558780715202539,
)
# of digamma at its root from z on
DIGAMMA: Final[tuple[float, ...]] = (
    5.586299683532171e-08,
    -8.165115189488409e-08,
    1.1934394829830244e-07,
    -1.7443695117727745e-07,
    2.549626552021554e-07,
    -3.7266161283438227e-07,
    5.446941930669446e-07,
    -7.96142543124197e-07,
    1.1636675363548843e-06,
    -1.7008538854332607e-06,
    2.486022733129538e-06,
    -3.6336507898010456e-06,
    5.3110609208898636e-06,
    -7.762817668462094e-06,
    1.134638458466385e-05,
    -1.6584242271854135e-05,
    2.424006611860132e-05,
    -3.5430070947659604e-05,
    5.178575795222081e-05,
    -7.569179582195066e-05,
    0.0001106337276874741,
    -0.00016170622091974803,
    0.00023635601564027053,
    -0.0003454680251063077,
    0.000504953265834602,
    -0.0007380709389960052,
    0.0010788252019162967,
    -0.0015769367714301972,
    0.002305126326734928,
    -0.003369801655439328,
    0.004926781395729853,
    -0.007204534386356869,
    0.010538791616612175,
    -0.01542476590494896,
    0.022597648232218104,
    -0.03316112647484736,
    0.04880428816414311,
    -0.07219956125645471,
    0.10782405069126237,
    -0.16394270544240652,
    0.258499760955651,
    -0.4427631689835921,
    0.9676722454476212,
)
# B(2k) / (2k (2k - 1)), Stirling's series
STIRLING_SERIES: Final[tuple[float, ...]] = (
    -1.3924322169059011,
    0.17964437236883057,
    -0.029550653594771242,
    0.00641025641025641,
    -0.0019175269175269176,
    0.0008417508417508417,
    -0.0005952380952380953,
    0.0007936507936507937,
    -0.002777777777777778,
    0.08333333333333333,
)


def whole(x: float) -> float:
    """floor(x) as a float, for any float."""
    return float(floor(x)) if fabs(x) < 4503599627370496.0 else x


def nearest(x: float) -> float:
    """The integer nearest to x."""
    return whole(x + 0.5) if fabs(x) < 4503599627370496.0 else x


def sin_pi(x: float) -> float:
    """sin(pi x), exact in its zeros: x loses its nearest integer first, without rounding."""
    n = nearest(x)
    r = x - n
    h = PI * r
    s = sin(h) + cos(h) * (product_error(PI, r) + PI_REST * r)
    return s if n * 0.5 == whole(n * 0.5) else -s


def cos_pi(x: float) -> float:
    """cos(pi x), likewise."""
    r = fabs(x - nearest(x))
    c = sin_pi(0.5 - r)
    n = nearest(x) * 0.5
    return c if n == whole(n) else -c


def reciprocal_excess(z: float) -> float:
    """(1/gamma(1 + z) - 1) / z - EULER, for |z| <= 1/2."""
    return horner(z, RECIPROCAL_GAMMA) * z


def stirling_series(x: float) -> float:
    """lgamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2), for x >= 10."""
    t = 1.0 / (x * x)
    total = horner(t, STIRLING_SERIES)
    return total / x


def gamma_part(x: float, part: float) -> float:
    """gamma(x) for |x| < 20 as a sum of two floats: part 0 is the first, part 1 what it leaves.

    gamma(x) = P / R: R = 1/gamma(1 + z), z the distance to the nearest integer; P the factors between,
    each of them exact, their product kept in two floats.
    """
    n = nearest(x)
    z = x - n
    t = z * (EULER + reciprocal_excess(z))
    r = 1.0 + t
    rest = t - (r - 1.0)
    above = 1.0  # gamma(x) = above / below
    below = r
    k = 0.0
    if n < 1.0:
        while k <= -n:
            f = x + k
            rest = rest * f + product_error(below, f)
            below *= f
            k += 1.0
        first = 1.0 / below
        if part == 0.0 or isinf(first):
            return first
        return -(product_error(first, below) + ((first * below - 1.0) + first * rest)) / below
    lost = 0.0
    k = 1.0
    while k < n:
        f = x - k
        lost = lost * f + product_error(above, f)
        above *= f
        k += 1.0
    first = above / below
    if part == 0.0:
        return first
    return ((above - first * below) - product_error(first, below) + (lost - first * rest)) / below


def gamma(x: float) -> float:
    """By Stirling's formula (x/e)^(x - 1/2) sqrt(2 pi / e) exp(series) from 20 on, by reflection to -20."""
    y = fabs(x)
    if isnan(x) or x == inf or y < 1e-100:
        return x if isnan(x) or x == inf else copysign(inf, x) if x == 0.0 else 1.0 / x
    if x < 0.0 and whole(x) == x:
        return nan
    if y < 20.0:
        return gamma_part(x, 0.0) + gamma_part(x, 1.0)
    if x > 171.7 or y > 190.0:
        return inf if x > 0.0 else copysign(0.0, sin_pi(x))
    h = y * INVERSE_E
    rest = product_error(y, INVERSE_E) + y * INVERSE_E_REST
    t = STIRLING_REST + STIRLING * expm1(stirling_series(y) + (y - 0.5) * rest / h)
    c = STIRLING + t
    c_rest = t - (c - STIRLING)
    if x > 0.0:
        p = pow(h, x - 0.5) * 2.0**-100  # far from overflow, for product_error
        return (p * c + (product_error(p, c) + p * c_rest)) * 2.0**100
    root = pow(h, 0.5 * y - 0.25)  # in two steps: gamma(-x) may overflow where gamma(x) does not
    q = reflection(x, c, c_rest)
    return q / pow(h, y - 0.5) if y < 170.0 else q / root / root


def reflection(x: float, c: float, c_rest: float) -> float:
    """-pi / (x sin(pi x) (c + c_rest)), with the roundings of the products put back."""
    s = sin_pi(-x)
    u = x * s
    v = u * c
    q = PI / v
    rest = product_error(u, c) + product_error(x, s) * c + u * c_rest
    return q + ((PI - q * v) - product_error(q, v) + PI_REST - q * rest) / v


def lgamma(x: float) -> float:
    y = fabs(x)
    if isnan(x) or isinf(x) or (x <= 0.0 and whole(x) == x):
        return x if isnan(x) else inf
    if y < 1e-18:
        return -log(y)
    if x >= 20.0:
        return lgamma_stirling(x)
    if x <= -20.0:
        return log(PI / (y * fabs(sin_pi(y)))) - lgamma_stirling(y)
    if 0.0 < x < 3.5:
        return log(x - 1.0) + lgamma_low(x - 1.0) if x > 2.2 else lgamma_low(x)
    first = gamma_part(x, 0.0)
    return log(fabs(first)) + gamma_part(x, 1.0) / first


def lgamma_stirling(x: float) -> float:
    if x > 1e300:
        return inf if x > 2.5563481638716906e305 else x * (log(x) - 1.0)
    h = x * INVERSE_E
    rest = product_error(x, INVERSE_E) + x * INVERSE_E_REST if x < 1e290 else 0.0
    return (x - 0.5) * (log(h) + rest / h) + (LOG_STIRLING + stirling_series(x))


def lgamma_low(x: float) -> float:
    """For 0 < x <= 2.5, relatively accurate at the zeros 1 and 2 and around the minimum between them."""
    if x < 0.5:
        return -(log(x) + log1p(x * (EULER + reciprocal_excess(x))))
    if x <= 1.2:
        z = x - 1.0
        return -log1p(z * (EULER + reciprocal_excess(z)))
    if x >= 1.8:
        z = x - 2.0
        return -log1p(z * ((EULER - 1.0) + (reciprocal_excess(z) + EULER_REST)) / (x - 1.0))
    z = x - MINIMUM
    total = 0.0
    k = float(len(DIGAMMA) + 1)
    for i in range(len(DIGAMMA)):
        total = total * z + DIGAMMA[i] / k
        k -= 1.0
    return LGAMMA_AT_MINIMUM + (total * z * (z - 2.0 * MINIMUM_REST) + LGAMMA_AT_MINIMUM_REST)
