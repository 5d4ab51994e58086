"""Kernels of the logistic family. The names others use (their derivatives: _slope, then _curvature):

sigmoid, sigmoid_slope, sigmoid_curvature
softplus, logsigmoid        their derivatives are sigmoid(x) and sigmoid(-x)
sech2, tanh_curvature       tanh' and tanh''
"""

from math import copysign, exp, expm1, fabs, isnan, log1p


def sigmoid(x: float) -> float:
    return 1.0 / (1.0 + exp(-x)) if x > -700.0 or isnan(x) else exp(x)


def four_cosh2(x: float) -> float:
    """4 cosh(x/2)^2 = exp(x) + 2 + exp(-x), for |x| < 700."""
    y = fabs(x)
    if y > 0.7:
        return exp(y) + (2.0 + exp(-y))
    m = expm1(y)
    return 4.0 + m * m / (1.0 + m)


def sigmoid_slope(x: float) -> float:
    return exp(-fabs(x)) if fabs(x) > 40.0 else 1.0 / four_cosh2(x)


def sigmoid_curvature(x: float) -> float:
    """-sigmoid'(x) tanh(x/2), and tanh(x/2) = m / (m + 2) with m = exp(x) - 1."""
    y = fabs(x)
    if y > 40.0:
        return copysign(exp(-y), -x)
    m = expm1(y)
    return copysign(m / ((m + 2.0) * four_cosh2(x)), -x)


def softplus(x: float) -> float:
    return x + log1p(exp(-x)) if x > 0.0 else log1p(exp(x))


def logsigmoid(x: float) -> float:
    return -softplus(-x)


def sech2(x: float) -> float:
    """1/cosh(x)^2."""
    if fabs(x) > 300.0:
        e = 2.0 * exp(-fabs(x))
        return e * e
    return 4.0 * sigmoid_slope(2.0 * x)


def tanh_curvature(x: float) -> float:
    """-2 tanh(x) / cosh(x)^2."""
    if fabs(x) < 1e-9:  # so that no subnormal is divided first
        return -2.0 * x
    if fabs(x) > 300.0:
        return copysign(2.0 * sech2(x), -x)
    return 8.0 * sigmoid_curvature(2.0 * x)
