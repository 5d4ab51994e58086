"""Kernels for tests of what translators do with the grammar: most of them leave the subset on purpose."""

from __future__ import annotations

import math

TABLE = (1.0, 2.0, 3.0)


def rounds(x: float) -> float:
    """A loop of 2 rounds or 4, as data say, and a branch in it."""
    total = 0.0
    for i in range(4 if x > 0.0 else 2):
        if x > 1.0 or i == 0:
            total += TABLE[i // 2] * x
    return total


def fallen(x: float) -> float:
    """Branches that may return, or go on behind."""
    y = -0.0
    if x > 0.0:
        if x > 1.0:
            return 10.0
        y = 20.0
    elif x < -1.0:
        return y
    return y + x


def counting(x: float) -> float:
    """A loop that ends without data, of known ints."""
    k = 0
    while k < 3:
        x = x * 0.5
        k += 1
    return x


def endless(x: float) -> float:
    while x > 1.0:
        x = x * 0.5
    return x


def long(x: float) -> float:
    for _ in range(int(x)):
        x = x * 0.5
    return x


def again(x: float) -> float:
    return again(x - 1.0) if x > 1.0 else x


def worded(x: float) -> float:
    name = "x"
    return x if name == "x" else 0.0


def picked(x: float) -> float:
    return TABLE[1 if x > 0.0 else 0]


def leaving(x: float) -> float:
    for i in range(3):
        if x > float(i):
            return 1.0
    return x


def hopeless(x: float) -> float:
    return math.gamma(x)
