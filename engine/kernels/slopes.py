"""Derivatives that the table cannot spell accurately in other rows: the values of helper rows."""

from __future__ import annotations

import math
from math import inf, nan

from engine.kernels.elementary import cbrt_rest, cbrt_scale, cos, div, sqrt
from engine.kernels.special import product_error, sum_error


def sqrt_slope(x: float) -> float:
    """1 / (2 sqrt(x))."""
    return div(0.5, sqrt(x))


def cbrt_slope(x: float) -> float:
    """1 / (3 cbrt(x)**2), +inf at 0."""
    if x == 0.0:
        return inf
    scale = cbrt_scale(x)
    root = math.cbrt(x * scale * scale * scale)
    square = root * root
    rest = 2.0 * cbrt_rest(x * scale * scale * scale, root) / root + product_error(root, root) / square
    slope = 1.0 / (3.0 * square)
    return (slope - slope * rest if rest == rest else slope) * scale * scale


def sec2(x: float) -> float:
    """1 / cos(x)**2; no double is a pole of tan."""
    c = cos(x)
    return 1.0 / (c * c)


def square_plus(x: float, c: float) -> float:
    """x * x + c for c = 1 or -1, |x| below 1e150, rounded almost once."""
    square = x * x
    return (square + c) + (sum_error(square, c) + product_error(x, x))


def inverse_square_plus(x: float, c: float) -> float:
    """1 / (x * x + c) for the same, rounded almost once."""
    y = square_plus(x, c)
    if y == 0.0:
        return inf
    square = x * x
    rest = ((square + c - y) + sum_error(square, c)) + product_error(x, x)
    slope = 1.0 / y
    error = (1.0 - slope * y) - product_error(slope, y)
    return slope + slope * (error - slope * rest)


def asin_slope(x: float) -> float:
    """1 / sqrt(1 - x**2)."""
    if not math.fabs(x) <= 1.0:
        return nan
    return div(1.0, math.sqrt(0.0 - square_plus(x, -1.0)))


def atanh_slope(x: float) -> float:
    """1 / (1 - x**2)."""
    if not math.fabs(x) <= 1.0:
        return nan
    return -inverse_square_plus(x, -1.0) if math.fabs(x) < 1.0 else inf


def atan_slope(x: float) -> float:
    """1 / (1 + x**2)."""
    if math.fabs(x) > 1e150:
        return 1.0 / x / x
    return inverse_square_plus(x, 1.0)


def atan_ratio(x: float) -> float:
    """x / (1 + x**2)."""
    if math.fabs(x) > 1e150:
        return 1.0 / x
    return x / square_plus(x, 1.0)


def asinh_slope(x: float) -> float:
    """1 / sqrt(x**2 + 1)."""
    if math.fabs(x) > 1e150:
        return 1.0 / math.fabs(x)
    return 1.0 / math.sqrt(square_plus(x, 1.0))


def acosh_slope(x: float) -> float:
    """1 / sqrt(x**2 - 1)."""
    if x > 1e150:
        return 1.0 / x
    return div(1.0, math.sqrt(square_plus(x, -1.0))) if x >= 1.0 else nan


def acosh_ratio(x: float) -> float:
    """x / (x**2 - 1)."""
    if x > 1e150:
        return 1.0 / x
    return x * inverse_square_plus(x, -1.0) if x >= 1.0 else nan


def softsign_slope(x: float) -> float:
    """1 / (1 + |x|)**2."""
    size = math.fabs(x)
    if size > 1e150:
        return 1.0 / size / size
    q = 1.0 + size
    slope = 1.0 / (q * q)
    return slope - slope * ((2.0 * sum_error(1.0, size) + product_error(q, q) / q) / q)
