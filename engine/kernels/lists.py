"""Functions of a list of numbers. They add from left to right, uncompensated, in every backend."""

from __future__ import annotations

import math
from math import inf, nan

from engine.kernels.joint import BIG, SMALL, maximum, minimum, share, shifted_exp


def total(xs: list[float]) -> float:
    result = 0.0
    for i in range(len(xs)):
        result = result + xs[i]
    return result


def mean(xs: list[float]) -> float:
    return total(xs) / float(len(xs))


def dot(xs: list[float]) -> float:
    """The first half of xs times the second half."""
    half = len(xs) // 2
    result = 0.0
    for i in range(half):
        result = result + xs[i] * xs[half + i]
    return result


def largest(xs: list[float]) -> float:
    result = xs[0]
    for i in range(1, len(xs)):
        result = maximum(result, xs[i])
    return result


def smallest(xs: list[float]) -> float:
    result = xs[0]
    for i in range(1, len(xs)):
        result = minimum(result, xs[i])
    return result


def norm(xs: list[float]) -> float:
    """The Euclidean length, scaled so that no square overflows or underflows."""
    size = 0.0
    for i in range(len(xs)):
        size = maximum(size, math.fabs(xs[i]))
    if size == 0.0 or size - size != 0.0:
        return size
    scale = 1.0 if 1e-140 < size < 1e140 else (BIG if size < 1.0 else SMALL)
    squares = 0.0
    for i in range(len(xs)):
        squares = squares + (xs[i] * scale) * (xs[i] * scale)
    return math.sqrt(squares) / scale


def logsumexp(xs: list[float]) -> float:
    shift = largest(xs)
    if shift - shift != 0.0:
        return shift
    tops = 0.0
    rest = 0.0
    for i in range(len(xs)):
        if xs[i] == shift and tops == 0.0:
            tops = 1.0  # the largest term is exactly 1: log1p takes the others
        else:
            rest = rest + shifted_exp(xs[i], shift)
    return shift + math.log1p(rest)


def softmax(xs: list[float]) -> float:
    """The share of the first logit."""
    shift = largest(xs)
    rest = 0.0
    for i in range(1, len(xs)):
        rest = rest + shifted_exp(xs[i], shift)
    return share(shifted_exp(xs[0], shift), rest)


def cross_entropy(xs: list[float]) -> float:
    """-log softmax of the first logit; no digit is lost where it is tiny, -inf masks a class."""
    top = 0.0
    shift = largest(xs)
    rest = 0.0
    for i in range(len(xs)):
        if xs[i] == shift and top == 0.0:
            top = 1.0
        else:
            rest = rest + shifted_exp(xs[i], shift)
    gap = 0.0 if xs[0] == shift else shift - xs[0]
    return gap + math.log1p(rest) if shift > -inf else nan


def log_softmax(xs: list[float]) -> float:
    return -cross_entropy(xs)
