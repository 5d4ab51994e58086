"""Kernels of the derivatives of lgamma. The names others use:

digamma(x)          the derivative of lgamma; nan at the poles -1, -2 ..., -+inf at +-0
polygamma(n, x)     its n-th derivative, n = 0, 1, 2 ...; the derivative to x is polygamma(n + 1, x)

gamma' = gamma digamma, gamma'' = gamma (digamma^2 + polygamma(1, x)).
"""

from math import copysign, fabs, inf, isinf, isnan, log, nan, pow
from typing import Final

from engine.kernels.gammas import DIGAMMA, MINIMUM, MINIMUM_REST, PI, cos_pi, gamma, nearest, sin_pi, whole
from engine.kernels.special import horner, product_error, sum_error

# B(2k) / (2k), of the asymptotic series of digamma; B(2k) / (2k)!, of Euler and Maclaurin's formula
DIGAMMA_SERIES: Final[tuple[float, ...]] = (
    -26.456212121212122,
    3.0539543302701198,
    -0.4432598039215686,
    0.08333333333333333,
    -0.021092796092796094,
    0.007575757575757576,
    -0.004166666666666667,
    0.003968253968253968,
    -0.008333333333333333,
    0.08333333333333333,
)
EULER_MACLAURIN: Final[tuple[float, ...]] = (
    -1.3954464685812522e-19,
    5.5090028283602295e-18,
    -2.174868698558062e-16,
    8.586062056277845e-15,
    -3.3896802963225827e-13,
    1.3382536530684679e-11,
    -5.284190138687493e-10,
    2.08767569878681e-08,
    -8.267195767195768e-07,
    3.306878306878307e-05,
    -0.001388888888888889,
    0.08333333333333333,
)


def digamma_between(x: float) -> float:
    """For -200 < x < 20. digamma(w) with w = x + a whole number; then a compensated sum of 1/(w + k)."""
    n = nearest(x)
    r = x - n  # every sum below is exact, or its rounding error is put back
    first = 1.0 if r > 0.06 else 2.0
    shift = first - MINIMUM
    z = r + shift
    z_rest = sum_error(r, shift) - MINIMUM_REST
    total = (z + z_rest) * horner(z, DIGAMMA)
    rest = 0.0
    k = n if n < first else first
    while k < n or k < first:
        d = r + k
        q = (1.0 if n > k else -1.0) / d
        miss = ((1.0 if n > k else -1.0) - q * d) - product_error(q, d) - q * sum_error(r, k)
        rest += sum_error(total, q) + miss / d
        total += q
        k += 1.0
    return total + rest


def digamma_large(x: float) -> float:
    """The asymptotic series, for x >= 20."""
    t = 1.0 / x
    return log(x) - (0.5 * t + horner(t * t, DIGAMMA_SERIES) * t * t)


def digamma(x: float) -> float:
    """nan at the negative integers, -+inf at +-0. For x < -200 by reflection, with an exact cot(pi x)."""
    if x >= 20.0 or isnan(x):
        return digamma_large(x) if x < inf else x
    if x == 0.0 or (x <= 0.0 and whole(x) == x) or isinf(x):
        return copysign(inf, -x) if x == 0.0 else nan
    if fabs(x) < 1e-20:
        return -1.0 / x
    if x > -200.0:
        return digamma_between(x)
    return digamma_large(-x) - 1.0 / x - PI * (cos_pi(x) / sin_pi(x))


def scaled_power(c: float, x: float, y: float) -> float:
    """c x^y for c, x > 0, without overflow or underflow on the way."""
    size = log(x) * y
    if fabs(size) < 600.0:
        return c * pow(x, y)
    if fabs(size) > 1400.0:
        return inf if size > 0.0 else 0.0
    half = pow(x, 0.5 * y)
    return c * half * half


def hurwitz(c: float, s: float, x: float) -> float:
    """The sum of c (x + k)^-s over k >= 0, for s > 1 and x > 0, by Euler and Maclaurin's formula."""
    steps = 0.0
    while x + steps < 10.0 + s:
        steps += 1.0
    y = x + steps
    t = 1.0 / y
    total = 0.0
    j = 2.0 * float(len(EULER_MACLAURIN))
    for i in range(len(EULER_MACLAURIN)):
        j -= 2.0
        total = total * t * t * (s + j + 1.0) * (s + j + 2.0) + EULER_MACLAURIN[i]
    total = scaled_power(c, y, 1.0 - s) * (1.0 / (s - 1.0) + t * (0.5 + total * s * t))
    while steps >= 1.0:
        steps -= 1.0
        total += scaled_power(c, x + steps, -s)
    return total


def polygamma(n: float, x: float) -> float:
    """The n-th derivative of digamma; nan for an n that is not 0, 1, 2 ... 170."""
    if n == 0.0:
        return digamma(x)
    if isnan(x) or x == -inf or not (1.0 <= n <= 170.0 and whole(n) == n):
        return nan
    sign = -1.0 if whole(0.5 * n) == 0.5 * n else 1.0
    if x == inf:
        return sign * 0.0
    if x <= 0.0 and whole(x) == x:
        return inf if sign > 0.0 else copysign(inf, -x) if x == 0.0 else nan
    s = n + 1.0
    return sign * (hurwitz(gamma(s), s, x) if x > 0.0 else polygamma_left(gamma(s), s, x))


def polygamma_left(c: float, s: float, x: float) -> float:
    """The sum of c (x + k)^-s over k >= 0 for x < 0: that over all integers, less what lies beyond x."""
    r = x - nearest(x)
    peak = scaled_power(c, fabs(r), -s)
    if s * 0.5 == whole(s * 0.5):
        return peak + (hurwitz(c, s, 1.0 + r) + (hurwitz(c, s, 1.0 - r) - hurwitz(c, s, 1.0 - x)))
    if s == 3.0:  # from the second derivative of pi cot(pi x)
        u = PI / sin_pi(r)
        return c * u * u * u * cos_pi(r) + hurwitz(c, s, 1.0 - x)
    return copysign(peak, r) + (hurwitz(c, s, 1.0 + r) - hurwitz(c, s, 1.0 - r) + hurwitz(c, s, 1.0 - x))
