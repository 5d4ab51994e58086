"""Powers, and the terms of their derivatives."""

from __future__ import annotations

import math
from math import inf, nan

from engine.kernels.elementary import floor, log


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


def power_term(c: float, x: float, y: float, n: float, k: float) -> float:
    """c x**(y - n) log(x)**k: every derivative of x**y is a sum of these. c = 0 wins over inf."""
    if c == 0.0:
        return 0.0
    if x == 0.0:
        return power_term_at_zero(c, x, y, n, k)
    logs = 1.0
    for _ in range(int(k)):
        logs = logs * log(x)
    value = power(x, y)
    term = value
    for _ in range(int(n)):
        term = term / x
    if 1e-290 < math.fabs(term) < 1e290 and 1e-290 < math.fabs(value) < 1e290:
        return c * term * logs
    if value != value or (n == 0.0 and value - value != 0.0):
        return c * value * logs
    root = power(math.fabs(x), 0.5 * y)  # x**y is out of range: its root may not be
    if x - x != 0.0 or y - y != 0.0 or not 1e-290 < root < 1e290:
        return power_term_far(c, x, y - n, logs)  # exact enough: where this is in range, y is small
    left = -root if x < 0.0 and is_odd(y) else root
    right = root
    for _ in range(int(n) - int(n) // 2):
        left = left / x
    for _ in range(int(n) // 2):
        right = right / x
    return c * left * logs * right


def power_term_far(c: float, x: float, y: float, logs: float) -> float:
    """c x**y logs; c is applied before a half of the power can leave the range."""
    value = power(x, y)
    if x - x != 0.0 or y - y != 0.0:
        return value if value == 0.0 else c * value * logs
    if 1e-290 < math.fabs(value) < 1e290:
        return c * value * logs
    half = math.copysign(power(math.fabs(x), 0.5 * y), value)
    return c * half * logs * math.fabs(half)


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
