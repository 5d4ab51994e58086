"""What kept differences from telling a slope: an edge, a jump, a kink, a vertical tangent."""

from __future__ import annotations

from math import isfinite
from typing import Final, NamedTuple

from engine.testing.differences import EPSILON, Estimate, Scalar, power_of_two

NEAR: Final = 2.0**-20  # relative distance from the point, if differences know no better
FURTHER: Final = 256.0  # times that: what is smooth changes in proportion
SAME: Final = 0.5  # the share of a break that has to be left near the point for it to be at the point


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
    settled = estimate.settled  # at its step f looks smooth, and the estimate may only be imprecise
    step = power_of_two(max(1.0, abs(x)) * NEAR)
    step = min(step, estimate.step) if settled else step
    near, far = sides(f, x, step), sides(f, x, FURTHER * step)
    if not all(map(isfinite, near)):
        side = "left" if not isfinite(near.left_slope) else "right"
        return f"is not finite on the {side} of it: it stands at the edge of the domain"
    blur = max(100 * near.roundoff, 2 * estimate.error * estimate.step / step if settled else 0.0)
    steepness = max(abs(near.left_slope), abs(near.right_slope))
    if near.jump > SAME * far.jump and steepness < near.jump / step / 8 and near.jump > blur * step:
        return f"has a kink there, a jump: {near.left:.6g} on the left, {near.right:.6g} on the right"
    if near.bend > SAME * far.bend and near.bend > max(1e-4 * steepness, blur):
        if not settled and near.bend > 8 * far.bend:
            return "has a vertical tangent there"
        return (
            f"has a kink there: slope {near.left_slope:.6g} on the left, {near.right_slope:.6g} on the right"
        )
    if not settled and steepness > 8 * max(abs(far.left_slope), abs(far.right_slope), near.roundoff):
        return "has a vertical tangent there"
    return ""
