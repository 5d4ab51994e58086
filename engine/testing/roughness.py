"""What kept differences from telling a slope: an edge, a jump, a kink, a vertical tangent."""

from __future__ import annotations

from math import inf, isfinite
from typing import Final, NamedTuple

from engine.testing.differences import EPSILON, SMALLEST, Estimate, Scalar, adaptive, power_of_two

DISTANCES: Final = (2.0**-36, 2.0**-28, 2.0**-20, 2.0**-16, 2.0**-12)  # relative, from the point
UNDERFLOW: Final = 2.0**-200  # step below which squares are zero
FURTHER: Final = 16.0  # times that: the slopes of what is smooth differ in proportion
SAME: Final = 0.5  # the share of a break that has to be left near the point for it to be at the point
RESOLVED: Final = 1e-2  # an error that small beside a break: differences have seen that it is further off


class Sides(NamedTuple):
    """Values and slopes a little to the left and to the right of a point."""

    left: float
    right: float
    left_slope: float
    right_slope: float
    roundoff: float  # of the slopes

    @property
    def jump(self) -> float:
        return abs(self.right - self.left)

    @property
    def bend(self) -> float:
        return abs(self.right_slope - self.left_slope)


def sides(f: Scalar, x: float, step: float) -> Sides:
    """Three values on each side, at multiples of the step."""
    left = [f(x - k * step) for k in (1, 2, 3)]
    right = [f(x + k * step) for k in (1, 2, 3)]
    roundoff = 8 * EPSILON * max(map(abs, left + right)) / step
    return Sides(left[0], right[0], -outward(left, step), outward(right, step), roundoff)


def outward(values: list[float], step: float) -> float:
    """The slope at the first of three values."""
    return (-3 * values[0] + 4 * values[1] - values[2]) / (2 * step)


def roughness(f: Scalar, x: float, estimate: Estimate) -> str:
    """How f fails to be smooth at x, where the estimate is bad, in words; "" if nothing is seen."""
    scale = power_of_two(max(1.0, abs(x)))
    looks = (estimate, adaptive(f, x))  # near fast changes, noise is taken for too much
    known = min((look.error for look in looks if look.step > UNDERFLOW), default=inf)
    found = (roughness_at(f, x, scale * distance, estimate, known) for distance in DISTANCES)
    return next((words for words in found if words), "")


def roughness_at(f: Scalar, x: float, step: float, estimate: Estimate, known: float) -> str:
    near, far = sides(f, x, step), sides(f, x, FURTHER * step)
    if not all(map(isfinite, near + far)):
        if estimate.settled or all(map(isfinite, near)):  # the edge is further off than differences look
            return ""
        side = "left" if not isfinite(near.left_slope) else "right"
        return f"is not finite on the {side} of it: it stands at the edge of the domain"
    blur = 100 * near.roundoff
    if estimate.settled:
        blur = max(blur, 4 * estimate.error * estimate.step / step)
    steepness = max(abs(near.left_slope), abs(near.right_slope))

    def clear(slope: float, share: float = 1.0) -> bool:
        return slope > share * blur and known > RESOLVED * slope

    if near.jump > SAME * far.jump and 8 * steepness < near.jump / step and clear(near.jump / step, 0.25):
        digits = 6 if near.jump > 1e-5 * abs(near.left) else 12
        left, right = (f"{y:.{digits}g}" for y in (near.left, near.right))
        return f"has a kink there, a jump: {left} on the left, {right} on the right"
    growth = steepness / max(abs(far.left_slope), abs(far.right_slope), SMALLEST)
    if growth > 4 and known > steepness > blur:
        return "has a vertical tangent there"
    if near.bend > max(SAME * far.bend, 1e-4 * steepness) and clear(near.bend):
        return (
            f"has a kink there: slope {near.left_slope + 0.0:.6g} on the left, "  # never -0
            f"{near.right_slope + 0.0:.6g} on the right"
        )
    return ""
