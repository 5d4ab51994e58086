"""Kernels that lanes use instead of the table's: fewer branches, and still within 4 ulp.

A branch costs both its arms wherever lanes differ, so what is quick for one number may be slow for eight.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import copysign, exp, expm1, fabs
from typing import Final

from engine.compiler.kernels.definition import Kernel, kernel_of
from engine.kernels import elementary, logistic


def exp_of_lanes(x: float) -> float:
    """Nothing is raised here: what is too large is inf."""
    return exp(x)


def tanh_of_lanes(x: float) -> float:
    """-m / (m + 2) at m = exp(-2 |x|) - 1."""
    m = expm1(-2.0 * fabs(x))
    inverse = 1.0 / (m + 2.0)
    return copysign(m * inverse, x)


def sigmoid_slope_of_lanes(x: float) -> float:
    """e / q**2 for q = 1 + e, e = exp(-|x|); the rounding of q is put back, times about 1 / q."""
    e = exp(-fabs(x))
    q = 1.0 + e
    slope = e / (q * q)
    return slope - 2.0 * slope * ((e - (q - 1.0)) * (1.5 - 0.5 * q))


def sech2_of_lanes(x: float) -> float:
    """4 e / (1 + e)**2 at e = exp(-2 |x|), begun as tanh is: what is the same in both is computed once."""
    e = exp(-2.0 * fabs(x))
    q = expm1(-2.0 * fabs(x)) + 2.0
    inverse = 1.0 / q
    slope = 4.0 * e * (inverse * inverse)
    slope = slope - 2.0 * slope * ((e - (q - 1.0)) * inverse)  # what the rounding of q did is put back
    if fabs(x) > 300.0:  # where e may underflow
        e = 2.0 * exp(-fabs(x))
        slope = e * e
    return slope


FOR_LANES: Final[dict[Callable[..., float], Callable[..., float]]] = {
    logistic.sigmoid_slope: sigmoid_slope_of_lanes,
    logistic.sech2: sech2_of_lanes,
    elementary.exp: exp_of_lanes,
    elementary.tanh: tanh_of_lanes,
}

# The vector library's cosine is within 4 ulp, its square is not
ALONE: Final = frozenset({"slopes_sec2"})


def for_lanes(kernel: Kernel) -> Kernel:
    """What lanes run for a kernel, under its name."""
    return substitutes().get(kernel.name, kernel)


@cache
def substitutes() -> dict[str, Kernel]:
    found = {}
    for function, other in FOR_LANES.items():
        kernel = Kernel(other)
        kernel.name = kernel_of(function).name
        found[kernel.name] = kernel
    return found
