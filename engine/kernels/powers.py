"""Powers, and the terms of their derivatives."""

from __future__ import annotations

import math
from math import inf, nan

from engine.kernels.elementary import floor, log
from engine.kernels.logarithms import log_error
from engine.kernels.special import product_error


def is_odd(y: float) -> bool:
    return math.fabs(y) < 9007199254740992.0 and math.fabs(math.fmod(y, 2.0)) == 1.0


def power(x: float, y: float) -> float:
    """C's pow; where Python raises, what IEEE 754 says: inf, nan or a signed infinity."""
    if x == 0.0 and y < 0.0:
        return math.copysign(inf, x) if is_odd(y) else inf
    if x == 0.0 or x - x != 0.0 or y - y != 0.0:
        return math.pow(x, y)
    if x < 0.0 and floor(y) != y:
        return nan
    exponent = y * math.log(math.fabs(x))
    if exponent < 709.7:
        return math.pow(x, y)
    root = 1e200 if exponent > 800.0 else math.pow(math.fabs(x), 0.5 * y)
    return -(root * root) if x < 0.0 and is_odd(y) else root * root


def few_times(c: float, x: float, m: float) -> float:
    """c x**m for m = 0 to 4. With c first, nothing is out of range on the way that is not at the end."""
    product = c
    for i in range(4):
        if float(i) < m:
            product = product * x
    return product


def power_term(c: float, x: float, y: float, n: float, k: float) -> float:
    """c x**(y - n) log(x)**k: every derivative of x**y is a sum of these. c = 0 wins over inf."""
    if c == 0.0:
        return 0.0
    if k == 0.0 and 0.0 <= y - n <= 4.0 and floor(y - n) == y - n:
        return few_times(c, x, y - n)
    if x == 0.0:
        return power_term_at_zero(c, x, y, n, k)
    logs = 1.0
    for _ in range(int(k)):
        logs = logs * log(x)
    value = power(x, y)
    term = value
    for _ in range(int(n)):
        term = term / x
    result = c * term * logs
    if value != value or (logs == 0.0 and value - value == 0.0):
        return result
    rounded_once = math.fabs(c * term) > 1e-290 or math.fabs(c) < 1e-290
    if is_usual(term) and is_usual(value) and rounded_once and result - result == 0.0:
        return result
    root = power(math.fabs(x), 0.5 * y)  # x**y is out of range, or close: its root may not be
    if x - x != 0.0 or y - y != 0.0 or not is_usual(root):
        return power_term_far(c, x, y - n, logs)  # exact enough: where this is in range, y is small
    size = balanced(c * logs, x, root, n)
    return -size if x < 0.0 and is_odd(y) else size


def is_usual(x: float) -> bool:
    """Whether x is far from overflow and underflow."""
    return 1e-290 < math.fabs(x) < 1e290


def balanced(c: float, x: float, root: float, n: float) -> float:
    """c root**2 / x**n: of the factors that are left, one that leads back to 1 comes first."""
    product = c
    roots = 2.0
    steps = n
    for _ in range(int(n) + 2):
        fits = root <= 1.0 if math.fabs(product) > 1.0 else root >= 1.0
        if roots > 0.0 and (fits or steps == 0.0):
            product = product * root
            roots = roots - 1.0
        else:
            product = product / x
            steps = steps - 1.0
    return product


def power_term_far(c: float, x: float, y: float, logs: float) -> float:
    """c x**y logs; c is applied before a half of the power can leave the range."""
    value = power(x, y)
    if value == 0.0 and (math.fabs(c) == inf or x - x != 0.0 or y - y != 0.0):
        return value  # a c that is y (y - 1) beyond 1e308: no power but that of 1 is anything else then
    if x - x != 0.0 or y - y != 0.0:
        return c * value * logs
    if is_usual(value):
        return c * value * logs
    half = math.copysign(power(math.fabs(x), 0.5 * y), value)
    return c * half * logs * math.fabs(half)


def power_slope(x: float, y: float) -> float:
    """y x**(y - 1)."""
    return power_term(y, x, y, 1.0, 0.0)


def power_log(x: float, y: float) -> float:
    """x**y log(x)."""
    return power_term(1.0, x, y, 0.0, 1.0)


def power_twist(x: float, y: float) -> float:
    """x**(y - 1) (1 + y log(x)), the mixed derivative; where the sum cancels, log(x) has twice the digits."""
    turn = y * log(x)
    if not -1.5 < turn < -0.5:
        return power_term(1.0, x, y, 1.0, 0.0) + power_term(y, x, y, 1.0, 1.0)
    rounded = log(x)
    rest = (1.0 + turn) + (product_error(y, rounded) + y * log_error(x, rounded))
    return rest * power(x, y) / x


def power_term_at_zero(c: float, x: float, y: float, n: float, k: float) -> float:
    """The limit from the right; 0**y to y is 0 for y >= 0, nan for y < 0."""
    if k == 0.0:
        return c * power(x, y - n)
    if y > n or (y == 0.0 and n == 0.0):
        return 0.0
    if n == 0.0:
        return nan
    logs = -inf if is_odd(k) else inf
    return c * power(x, y - n) * logs
