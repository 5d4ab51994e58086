"""Products of many numbers, kept near 1 on the way by powers of 2**512, which round nothing.

near_one(x)         x, brought between 2**-256 and 2**256
octaves(x)          the power of 2**512 that this took away
fraction(p, x)      the product p x, so brought near 1, for a p that is; octave(p, x) what it took away
scaled(x, k)        x 2**(512 k)
"""

from __future__ import annotations

import math
from math import inf
from typing import Final

STEP: Final = 1.3407807929942597e154  # 2**512
BACK: Final = 7.458340731200207e-155  # 2**-512
HIGH: Final = 1.157920892373162e77  # 2**256
LOW: Final = 8.636168555094445e-78  # 2**-256


def near_one(x: float) -> float:
    y = x
    for _ in range(2):
        if math.fabs(y) > HIGH:
            y = y * BACK
        elif math.fabs(y) < LOW:
            y = y * STEP
    return y


def octaves(x: float) -> float:
    y = x
    taken = 0.0
    for _ in range(2):
        if HIGH < math.fabs(y) < inf:
            y = y * BACK
            taken = taken + 1.0
        elif 0.0 < math.fabs(y) < LOW:
            y = y * STEP
            taken = taken - 1.0
    return taken


def fraction(p: float, x: float) -> float:
    return near_one(p * near_one(x))


def octave(p: float, x: float) -> float:
    return octaves(x) + octaves(p * near_one(x))


def scaled(x: float, k: float) -> float:
    y = x
    for i in range(4):  # more would be 0 or inf
        if float(i) < math.fabs(k):
            y = y * (STEP if k > 0.0 else BACK)
    return y


def product(xs: list[float]) -> float:
    """From left to right; out of range only if it is so at the end."""
    result = 1.0
    taken = 0.0
    for i in range(len(xs)):
        taken = taken + octave(result, xs[i])
        result = fraction(result, xs[i])
    return scaled(result, taken)
