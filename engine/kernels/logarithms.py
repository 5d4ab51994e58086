"""Kernels of logarithms of probabilities. The names others use:

logit, logit_slope
logaddexp(x, y)             log(exp(x) + exp(y))
logistic_difference(x, y)   sigmoid(x - y) without the rounding of x - y: the derivative of logaddexp to x;
                            logistic_slope and logistic_curvature are its derivatives
log_base(x, b)              log(x) / log(b); its derivative to b is log_base_drift
log_error(x, rounded)       log(x) minus its rounded value, to some 20 digits behind those
bce(p, y), bce_slope, bce_curvature     binary cross-entropy as torch clamps it
bce_logits(z, y), bce_logits_slope      the same of sigmoid(z), exact for any z
"""

from math import copysign, exp, exp2, expm1, fabs, floor, inf, isinf, isnan, log, log1p, log2, log10, nan
from typing import Final

from engine.kernels.elementary import div
from engine.kernels.elementary import log as real_log
from engine.kernels.joint import over, share, shifted_exp
from engine.kernels.logistic import sigmoid, sigmoid_curvature, sigmoid_slope
from engine.kernels.special import horner, product_error, sum_error

LN2: Final = 0.6931471804855391  # 33 bits, and what they leave
LN2_REST: Final = 7.440617110012397e-11
ATANH: Final[tuple[float, ...]] = (
    1 / 27,
    1 / 25,
    1 / 23,
    1 / 21,
    1 / 19,
    1 / 17,
    1 / 15,
    1 / 13,
    1 / 11,
    1 / 9,
    1 / 7,
    1 / 5,
)


def log_error(x: float, rounded: float) -> float:
    """log(x) - rounded for 0 < x < inf: with x = m 2**k and s = (m - 1) / (m + 1), log(x) is
    k log(2) + 2 (s + s**3 / 3 + ...), of which two terms are kept in two floats each."""
    k = float(floor(log2(x) + 0.5))
    half = float(floor(0.5 * k))
    m = x * exp2(-half) * exp2(half - k)
    q = m + 1.0
    s = (m - 1.0) / q
    s_rest = (((m - 1.0) - s * q) - product_error(s, q) - s * sum_error(m, 1.0)) / q
    square = s * s
    cube = square * s
    third = cube / 3.0
    cube_rest = product_error(square, s) + s * (product_error(s, s) + 3.0 * s * s_rest)
    third_rest = (((cube - 3.0 * third) - product_error(3.0, third)) + cube_rest) / 3.0
    tail = cube * square * horner(square, ATANH)
    leading = ((k * LN2 - rounded) + 2.0 * s) + 2.0 * third
    return leading + (2.0 * (tail + third_rest + s_rest) + k * LN2_REST)


def logit(p: float) -> float:
    """log(p / (1 - p)), relatively accurate around 1/2; nan outside of [0, 1]."""
    if not 0.0 <= p <= 1.0:
        return nan
    if p == 0.0 or p == 1.0:
        return inf if p == 1.0 else -inf
    if p < 0.25 or p > 0.75:
        return log(p / (1.0 - p))
    return log1p((2.0 * p - 1.0) / (1.0 - p)) if p > 0.5 else -log1p((1.0 - 2.0 * p) / p)


def logit_slope(p: float) -> float:
    """1 / (p (1 - p)); inf at 0 and 1, nan outside."""
    if not 0.0 <= p <= 1.0:
        return nan
    product = p * (1.0 - p)  # 0 also where 1 - p is rounded up to 1
    return 1.0 / product if product > 0.0 else inf


def logaddexp(x: float, y: float) -> float:
    """max + log1p(exp(-|x - y|)), with the rounding of x - y put back."""
    high = y if y > x or isnan(y) else x
    low = x if y > x or isnan(y) else y
    if isinf(high) or isnan(high) or isinf(low):
        return high
    d = low - high
    if isinf(d):
        return high
    e = exp(d)
    return high + (log1p(e) + sum_error(low, -high) * e / (1.0 + e))


def logistic_difference(x: float, y: float) -> float:
    d = x - y
    s = sigmoid(d)
    return s if isinf(d) or isnan(d) else s + sigmoid_slope(d) * sum_error(x, -y)


def logistic_slope(x: float, y: float) -> float:
    """sigmoid'(x - y)."""
    top = x if x > y else y
    left = shifted_exp(x, top)
    right = shifted_exp(y, top)
    return share(left, right) * share(right, left)


def logistic_curvature(x: float, y: float) -> float:
    """sigmoid''(x - y), without the rounding of x - y."""
    d = x - y
    if isinf(d) or isnan(d):
        return 0.0 if isinf(d) else d
    bend = sigmoid_curvature(d)
    slope = sigmoid_slope(d)
    return bend + slope * (1.0 - 6.0 * slope) * sum_error(x, -y)


def log_base(x: float, b: float) -> float:
    """log(x) / log(b); nan outside of the domain, bases 2 and 10 by their own logarithms."""
    if not (x >= 0.0 and b >= 0.0):
        return nan
    top = log_or_inf(x)
    below = log_or_inf(b)
    if x > 0.0 and (b == 10.0 or b == 2.0):
        return log10(x) if b == 10.0 else log2(x)
    if below == 0.0:
        return nan if top == 0.0 or isnan(top) else copysign(inf, top)
    return top / below


def log_base_slope(x: float, b: float) -> float:
    """To x: 1 / (x log(b))."""
    return over(div(1.0, real_log(b)), x) if x >= 0.0 else nan


def log_base_drift(x: float, b: float) -> float:
    """To b: -log(x) / (b log(b)^2)."""
    square = real_log(b) * real_log(b)
    drift = div(div(real_log(x), b), square)
    return -drift if fabs(drift) < inf else -div(div(real_log(x), square), b)


def log_or_inf(x: float) -> float:
    """log(x) for x >= 0."""
    return log(x) if x > 0.0 else -inf


def clamped_log(p: float) -> float:
    """max(log p, -100) for p >= 0."""
    return -100.0 if p < 1e-44 else max_of(log(p), -100.0)


def max_of(x: float, y: float) -> float:
    """The greater; y for an x that is nan."""
    return x if x > y else y


def clamped_log1m(p: float) -> float:
    """max(log(1 - p), -100) for p <= 1."""
    return log1p(-p) if p < 1.0 else -100.0


def bce(p: float, y: float) -> float:
    """-(y log p + (1 - y) log(1 - p)), logarithms not below -100; nan for a p outside of [0, 1]."""
    if not 0.0 <= p <= 1.0:
        return nan
    return -(y * clamped_log(p)) - (1.0 - y) * clamped_log1m(p)


def bce_slope(p: float, y: float) -> float:
    """To p: (p - y) / max(p (1 - p), 1e-12)."""
    return (p - y) / max_of(p * (1.0 - p), 1e-12) if 0.0 <= p <= 1.0 else nan


def bce_curvature(p: float, y: float) -> float:
    """The derivative of bce_slope to p: y / p^2 + (1 - y) / (1 - p)^2 where nothing is clamped."""
    if not 0.0 <= p <= 1.0:
        return nan
    if p * (1.0 - p) <= 1e-12:
        return 1e12
    return y / p / p + (1.0 - y) / (1.0 - p) / (1.0 - p)


def bce_logits(z: float, y: float) -> float:
    """softplus(z) - y z, its parts of one sign; the label 0 or 1 wins over an infinite z."""
    share = (1.0 - y) * fabs(z) if z > 0.0 else y * fabs(z)
    if isinf(z) and (y == 1.0 if z > 0.0 else y == 0.0):
        share = 0.0
    return share + log1p(exp(-fabs(z)))


def bce_logits_slope(z: float, y: float) -> float:
    """To z: sigmoid(z) - y, which may not cancel for y = 1. To y it is -z."""
    up = (1.0 - y) * sigmoid(z)
    down = y * sigmoid(-z)
    if not 0.0 < y < 1.0 or fabs(up - down) > 0.25 * up:
        return up - down
    return y * (1.0 - y) * above_logit(z, y) / (1.0 + y * above_logit(z, y))


def above_logit(z: float, y: float) -> float:
    """exp(z - logit(y)) - 1 near 0, with logit(y) to twice the digits."""
    a = log(y)
    b = log(1.0 - y)
    rest = sum_error(a, -b) + log_error(y, a) - log_error(1.0 - y, b) - sum_error(1.0, -y) / (1.0 - y)
    return expm1((z - (a - b)) - rest)
