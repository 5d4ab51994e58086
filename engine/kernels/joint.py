"""Functions of several numbers."""

from __future__ import annotations

import math
from math import inf, nan

from engine.kernels.elementary import div, exp, floor, log, nearest
from engine.kernels.gates import exp_times
from engine.kernels.special import hypot, sum_error

BIG = 4.149515568880993e180  # 2**600: a power of two scales without rounding
SMALL = 2.409919865102884e-181  # 2**-600


def over(x: float, y: float) -> float:
    """x / y for y >= 0, nan outside; a numerator of 0 wins over a denominator of 0."""
    if x == 0.0 and y == y:
        return 0.0
    return nan if y < 0.0 else div(x, y)


def less(x: float, y: float) -> float:
    return 1.0 if x < y else 0.0


def less_equal(x: float, y: float) -> float:
    return 1.0 if x <= y else 0.0


def greater(x: float, y: float) -> float:
    return 1.0 if x > y else 0.0


def greater_equal(x: float, y: float) -> float:
    return 1.0 if x >= y else 0.0


def equal(x: float, y: float) -> float:
    return 1.0 if x == y else 0.0


def matches(x: float, y: float) -> float:
    """1 where x equals y, or both are nan."""
    return 1.0 if x == y or (x != x and y != y) else 0.0


def select(condition: float, a: float, b: float) -> float:
    return a if condition != 0.0 else b


def fmod(x: float, y: float) -> float:
    """C's remainder, with the sign of x."""
    if x - x != 0.0 or y == 0.0 or y != y:
        return nan
    return math.fmod(x, y)


def mod(x: float, y: float) -> float:
    """Python's remainder, with the sign of y."""
    rest = fmod(x, y)
    if rest == 0.0:
        return math.copysign(0.0, y)
    return rest + y if (rest < 0.0) != (y < 0.0) and rest == rest else rest


def mod_turns(x: float, y: float) -> float:
    """How many times y was taken from x by mod, the number that matches its value."""
    rest = mod(x, y)
    return -1.0 if math.fabs(rest) == inf else nearest(div(x - rest, y))


def floordiv(x: float, y: float) -> float:
    """Python's x // y; where that raises, IEEE's x / 0."""
    if y == 0.0:
        return div(x, y)
    rest = fmod(x, y)
    quotient = (x - rest) / y
    if rest != 0.0 and (rest < 0.0) != (y < 0.0):
        quotient = quotient - 1.0
    if quotient == 0.0:
        return math.copysign(0.0, x / y)
    whole = floor(quotient)
    return whole + 1.0 if quotient - whole > 0.5 else whole


def remainder(x: float, y: float) -> float:
    """IEEE 754's remainder, of the quotient rounded to nearest even (as CPython computes it)."""
    if x - x != 0.0 or y == 0.0 or y != y:
        return nan
    if y - y != 0.0:
        return x
    size = math.fabs(y)
    low = math.fmod(math.fabs(x), size)
    high = size - low
    if low == high:
        low = low - 2.0 * math.fmod(0.5 * (math.fabs(x) - low), size)
    elif low > high:
        low = -high
    return math.copysign(1.0, x) * low


def copysign(x: float, y: float) -> float:
    return math.copysign(x, y)


def atan2(y: float, x: float) -> float:
    return math.atan2(y, x)


def unit(x: float, y: float) -> float:
    """x / hypot(x, y): the cosine of the angle; 0 at the origin."""
    if x - x != 0.0 or y - y != 0.0:
        return unit_at_infinity(x, y)
    h = hypot(x, y)
    if h == 0.0:
        return 0.0
    if 1e-290 < h < 1e300:
        return x / h
    scale = BIG if h < 1.0 else SMALL
    return x * scale / hypot(x * scale, y * scale)


def unit_at_infinity(x: float, y: float) -> float:
    if x - x == 0.0 and y == y:
        return math.copysign(0.0, x)
    return math.copysign(1.0, x) if x == x and y - y == 0.0 else nan


def angle_slope(x: float, y: float) -> float:
    """x / (x**2 + y**2); 0 at the origin."""
    if x - x != 0.0 or y - y != 0.0:
        return nan if x != x or y != y or (x - x != 0.0 and y - y != 0.0) else math.copysign(0.0, x)
    scale = angle_scale(x, y)
    u = x * scale
    v = y * scale
    return div(u, u * u + v * v) * scale if u != 0.0 else 0.0


def angle_scale(x: float, y: float) -> float:
    """A power of two that brings the larger of x and y where squares are safe."""
    size = math.fabs(x) + math.fabs(y)
    if size < 1e-140:
        return BIG
    return SMALL if size > 1e140 else 1.0


def angle_curvature(x: float, y: float) -> float:
    """(y**2 - x**2) / (x**2 + y**2)**2; 0 at the origin."""
    if x - x != 0.0 or y - y != 0.0:
        return nan if x != x or y != y or (x - x != 0.0 and y - y != 0.0) else 0.0
    scale = angle_scale(x, y)
    u = x * scale
    v = y * scale
    q = u * u + v * v
    return ((v - u) / q) * ((v + u) / q) * scale * scale if q > 0.0 else 0.0


def angle_twist(x: float, y: float) -> float:
    """-2 x y / (x**2 + y**2)**2; 0 at the origin."""
    twist = -2.0 * angle_slope(x, y) * angle_slope(y, x)
    return 0.0 if twist != twist and x * y == 0.0 else twist


def away(x: float, y: float) -> float:
    """1, and nan at the origin."""
    return nan if x == 0.0 and y == 0.0 else 1.0


def maximum(x: float, y: float) -> float:
    """The larger; nan if either is; 0.0 of two zeros."""
    if x > y or x != x:
        return x
    if y > x or y != y:
        return y
    return x if x != 0.0 else x + y


def minimum(x: float, y: float) -> float:
    return -maximum(-x, -y)


def wins(x: float, y: float) -> float:
    """The slope of maximum(x, y) to x: 1 if x was returned, 0 if not, 1/2 each at a tie."""
    if x > y:
        return 1.0
    if x < y:
        return 0.0
    return 0.5 if x == y or (x != x and y != y) else (1.0 if x != x else 0.0)


def xlogy(x: float, y: float) -> float:
    return 0.0 if x == 0.0 and y == y else x * log(y)


def xlogy_slope(x: float, y: float) -> float:
    """log(y); 0 where x = 0 is all that is defined."""
    return 0.0 if x == 0.0 and y < 0.0 else log(y)


def clamp(x: float, low: float, high: float) -> float:
    return minimum(maximum(x, low), high)


def inside(x: float, low: float, high: float) -> float:
    """1 strictly between, else 0; nan counts as inside."""
    return 0.0 if x <= low or x >= high else 1.0


def within(x: float, low: float, high: float) -> float:
    """1 from low to high, both included, else 0; nan counts as within."""
    return 0.0 if x < low or x > high else 1.0


def leaky_relu(x: float, slope: float) -> float:
    return x if x > 0.0 else slope * x


def leaky_slope(x: float, slope: float) -> float:
    return slope if x <= 0.0 else 1.0


def elu(x: float, alpha: float) -> float:
    return x if x > 0.0 else alpha * math.expm1(x)


def elu_slope(x: float, alpha: float) -> float:
    return 1.0 if x > 0.0 else exp_scaled(alpha, x)


def elu_curvature(x: float, alpha: float) -> float:
    return 0.0 if x >= 0.0 else exp_scaled(alpha, x)


def exp_scaled(c: float, x: float) -> float:
    """c exp(x) for x <= 0, c applied before the exponential is subnormal."""
    return c * math.exp(x) if not x < -708.0 else exp_times(c, x)


def huber(x: float, delta: float) -> float:
    size = math.fabs(x)
    return delta * (size - 0.5 * delta) if size > delta else 0.5 * x * x


def huber_slope(x: float, delta: float) -> float:
    return math.copysign(delta, x) if math.fabs(x) > delta else x


def shifted_exp(x: float, shift: float) -> float:
    """exp(x - shift), with the rounding error of x - shift put back."""
    if x == shift:
        return 1.0 if x > -inf else nan
    power = exp(x - shift)
    return power + power * sum_error(x, -shift) if 0.0 < power < inf else power


def share(x: float, y: float) -> float:
    """x / (x + y)."""
    return div(x, x + y)
