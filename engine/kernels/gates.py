"""Kernels of the activations that gate their own input. The names others use:

silu, silu_slope, silu_curvature
mish, mish_slope, mish_curvature
gelu_tanh, gelu_tanh_slope  the approximate form
"""

from math import exp, fabs, inf
from typing import Final

from engine.kernels.logistic import four_cosh2, sigmoid, sigmoid_curvature, sigmoid_slope
from engine.kernels.series import (
    GELU_TANH_MINIMUM,
    GELU_TANH_MINIMUM_REST,
    GELU_TANH_SLOPE,
    MISH_LEFT,
    MISH_LEFT_CURVATURE,
    MISH_LEFT_REST,
    MISH_MIDDLE_CURVATURE,
    MISH_MINIMUM,
    MISH_MINIMUM_REST,
    MISH_RIGHT,
    MISH_RIGHT_CURVATURE,
    MISH_RIGHT_REST,
    MISH_SLOPE,
    SILU_CURVATURE,
    SILU_INFLECTION,
    SILU_INFLECTION_REST,
    SILU_MINIMUM,
    SILU_MINIMUM_REST,
    SILU_SLOPE,
)
from engine.kernels.special import horner, product_error, sum_error

# gelu_tanh(x) = x sigmoid(x (A + B x^2)): A = sqrt(8 / pi), B = 0.044715 A
A: Final = 1.5957691216057308
A_REST: Final = -9.96930880911092e-17
B: Final = 0.07135481627260025
B_REST: Final = -6.175149918155315e-19
C: Final = 0.21406444881780073  # 3 B
C_REST: Final = 1.2025242832367862e-17


def exp_times(c: float, x: float) -> float:
    """c exp(x) for x < -700, c applied before the exponential can underflow."""
    if x < -1500.0:
        return c * 0.0
    half = exp(0.5 * x)
    return c * half * half


def silu(x: float) -> float:
    if x < -700.0:
        return exp_times(x, x) if x > -1500.0 else -0.0
    return x / (1.0 + exp(-x))


def silu_slope(x: float) -> float:
    """sigmoid(x) + x sigmoid'(x)."""
    if x < -700.0:
        return exp_times(1.0 + x, x) if x > -1500.0 else -0.0
    z = (x - SILU_MINIMUM) - SILU_MINIMUM_REST
    if fabs(z) <= 0.6:
        return horner(z, SILU_SLOPE) * z
    return ((1.0 + x) + exp(x)) / four_cosh2(x) if not x > 50.0 else 1.0


def silu_curvature(x: float) -> float:
    """sigmoid'(x) (2 - x tanh(x/2)), an even function."""
    y = fabs(x)
    if y > 700.0:
        return exp_times(2.0 - y, -y) if y < 1500.0 else -0.0
    z = (y - SILU_INFLECTION) - SILU_INFLECTION_REST
    if fabs(z) <= 0.6:
        return horner(z, SILU_CURVATURE) * z
    e = exp(-y)
    return ((2.0 - y) + e * (2.0 + y)) / ((1.0 + e) * four_cosh2(y))


def mish(x: float) -> float:
    """x tanh(softplus(x)) = x n / (n + 2) at n = e (e + 2), e = exp(x)."""
    if x < -700.0:
        return exp_times(x, x) if x > -1500.0 else -0.0
    e = exp(-fabs(x))
    if x > 0.0:
        return x / (1.0 + 2.0 * e * e / (1.0 + 2.0 * e)) if x < inf else x
    n = e * (e + 2.0)
    return x * (n / (n + 2.0))


def mish_slope(x: float) -> float:
    """T + x T' with T = tanh(softplus(x))."""
    if x < -700.0:
        return exp_times(1.0 + x, x) if x > -1500.0 else -0.0
    z = (x - MISH_MINIMUM) - MISH_MINIMUM_REST
    if -1.0 <= z <= 1.2:
        return horner(z, MISH_SLOPE) * z
    e = exp(-fabs(x))
    if x > 0.0:
        q = 1.0 + 2.0 * e * (1.0 + e)
        return 1.0 + 2.0 * e * e * (2.0 * x * (1.0 + e) - q) / (q * q) if x < 700.0 else 1.0
    t = e * (1.0 + 0.5 * e)
    return e * ((1.0 + x) + e * ((1.5 + x) + e * (1.0 + 0.25 * e))) / (1.0 + t * (2.0 + t))


def mish_curvature(x: float) -> float:
    """2 T' + x T''."""
    if fabs(x) > 700.0:
        return exp_times(2.0 + x, x) if -1500.0 < x < 0.0 else 0.0 if x > 0.0 else -0.0
    right = (x - MISH_RIGHT) - MISH_RIGHT_REST
    left = (x - MISH_LEFT) - MISH_LEFT_REST
    if -0.9 <= right <= 0.55:
        return horner(right, MISH_RIGHT_CURVATURE) * right
    if -0.6 <= left <= 1.5:
        return horner(left, MISH_LEFT_CURVATURE) * left
    if -0.76 <= x <= 0.6:
        return horner(x, MISH_MIDDLE_CURVATURE)
    e = exp(-fabs(x))
    if x > 0.0:
        t = 2.0 * e * (1.0 + e)
        c = 2.0 * (1.0 - x) + e * ((6.0 - 3.0 * x) + e * ((8.0 + 2.0 * x) + e * (4.0 + 2.0 * x)))
        c = 4.0 * c / (1.0 + t * (3.0 + t * (3.0 + t)))
        return c * exp(-2.0 * x) if x < 300.0 else c * e * e
    t = e * (1.0 + 0.5 * e)
    c = (2.0 + x) + e * ((4.0 + e * (3.0 + e)) + x * (1.0 - e * (1.5 + e)))
    return e * c / (1.0 + t * (3.0 + t * (3.0 + t)))


def gelu_tanh_argument(x: float, part: float) -> float:
    """x (A + B x^2) as a sum of two floats: part 0 is the first, part 1 what it leaves."""
    h = x * x
    p = B * h
    total = A + p
    if part == 0.0:
        return x * total
    rest = sum_error(A, p) + product_error(B, h) + (A_REST + B_REST * h + B * product_error(x, x))
    return product_error(x, total) + x * rest


def gelu_tanh_steepness(x: float, part: float) -> float:
    """The derivative of that, A + C x^2, as a sum of two floats."""
    h = x * x
    p = C * h
    if part == 0.0:
        return A + p
    return sum_error(A, p) + product_error(C, h) + (A_REST + C_REST * h + C * product_error(x, x))


def gelu_tanh(x: float) -> float:
    """x (1 + tanh(v / 2)) / 2 = x sigmoid(v): the rounding of v counts where exp(v) is small."""
    if fabs(x) > 25.0:
        return x if x > 0.0 else -0.0
    v = gelu_tanh_argument(x, 0.0)
    s = sigmoid(v)
    if v < -700.0:
        s = exp_times(x, v)
        return s + s * gelu_tanh_argument(x, 1.0)
    return x * (s + sigmoid_slope(v) * gelu_tanh_argument(x, 1.0))


def gelu_tanh_slope(x: float) -> float:
    """sigmoid(v) + x v' sigmoid'(v); for v < 0 the first is sigmoid'(v) (1 + exp(v))."""
    if fabs(x) > 25.0:
        return 1.0 if x > 0.0 else -0.0
    z = (x - GELU_TANH_MINIMUM) - GELU_TANH_MINIMUM_REST
    if fabs(z) <= 0.6:
        return horner(z, GELU_TANH_SLOPE) * z
    v = gelu_tanh_argument(x, 0.0)
    rest = gelu_tanh_argument(x, 1.0)
    steepness = gelu_tanh_steepness(x, 0.0)
    steep = x * steepness
    if v > 0.0:
        slope = sigmoid_slope(v)
        return (sigmoid(v) + slope * rest) + steep * (slope + sigmoid_curvature(v) * rest)
    e = exp(v)
    small = sum_error(1.0, steep) + product_error(x, steepness) + x * gelu_tanh_steepness(x, 1.0)
    small += rest * (1.0 + steep * (1.0 - e) / (1.0 + e))
    c = (1.0 + steep) + (e + small)
    return exp_times(c, v) if v < -700.0 else e * c / (1.0 + e * (2.0 + e))
