"""Kernels that lanes use instead of the table's: fewer branches, and still within 4 ulp.

A branch costs both its arms wherever lanes differ, so what is quick for one number may be slow for eight.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import copysign, exp, fabs
from typing import Final

from engine.compiler.kernel import Kernel, kernel_of
from engine.kernels import elementary, logistic
from engine.kernels.logistic import sigmoid_slope



def tanh_of_lanes(x: float) -> float:
    """(1 - e) / (1 + e) at e = exp(-2 |x|); near 0 x + x^3 P(x^2) / Q(x^2) (S. Moshier, Cephes)."""
    e = exp(-2.0 * fabs(x))
    z = x * x
    p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3
    q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3
    near = fabs(x) < 0.625
    ratio = (p if near else 1.0 - e) / (q if near else 1.0 + e)  # one division serves both
    return x + x * z * ratio if near else copysign(ratio, x)


def sigmoid_slope_of_lanes(x: float) -> float:
    """e / q**2 for q = 1 + e, e = exp(-|x|); the rounding of q is put back, times about 1 / q."""
    e = exp(-fabs(x))
    q = 1.0 + e
    slope = e / (q * q)
    return slope - 2.0 * slope * ((e - (q - 1.0)) * (1.5 - 0.5 * q))


def sech2_of_lanes(x: float) -> float:
    """4 e / (1 + e)**2 at e = exp(-2 |x|), while that is far from underflow."""
    if fabs(x) > 300.0:
        e = 2.0 * exp(-fabs(x))
        return e * e
    return 4.0 * sigmoid_slope(2.0 * x)


FOR_LANES: Final[dict[Callable[..., float], Callable[..., float]]] = {
    logistic.sigmoid_slope: sigmoid_slope_of_lanes,
    logistic.sech2: sech2_of_lanes,
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
