"""Random points of every public row, their values and derivatives against SymPy's and mpmath's."""

import math
import random

import pytest

from engine.domain import Interval
from engine.primitive import TABLE, Primitive
from engine.transform import grad, value_and_grad

exact = pytest.importorskip("exact", exc_type=ImportError)
POINTS = 60  # of each row, always the same
WORSE = {  # than 4 ulp, for a reason, but of the right class
    "softmax": 1e6,  # of three or more, 1 - 2 s is a difference of sums
    "norm": 8.0,  # its squares are added from left to right, as those of
    "sum": 1e6,
    "mean": 1e6,
    "dot": 1e6,
}
REACH = {"gamma": 180.0, "erf": 1e100, "erfc": 1e100, "gelu": 1e100, "lgamma": 1e30}  # mpmath's


def number(source: random.Random, interval: Interval) -> float:
    """In the interval: of the size of 1, of some orders of magnitude, or of many."""
    while True:
        kind = source.random()
        if interval.high == 1.0:
            size = (source.random(), 10 ** -source.uniform(0, 300), 1 - 10 ** -source.uniform(0, 15))
        else:
            size = (source.uniform(0, 4), 10 ** source.uniform(-8, 3), 10 ** source.uniform(-300, 300))
        x = size[int(3 * kind)] * (source.choice((-1, 1)) if interval.low < 0.0 else 1)
        if x in interval:
            return x


def usable(row: Primitive, xs: list[float]) -> bool:
    """Whether a point is off the kinks, and where conventions of others say nothing."""
    if any(abs(x) > REACH.get(row.name, math.inf) for x in xs):
        return False
    if row.name in ("fmod", "mod", "remainder", "floordiv"):
        return 1e-300 < abs(xs[0] / xs[1]) < 1e15
    if row.name == "binary_cross_entropy":  # beyond, torch's clamps
        return 1e-11 < xs[0] < 1 - 1e-11 and 0.0 <= xs[1] <= 1.0
    return row.kink is None or abs(row.kink(xs) if row.gradient else row.kink(*xs)) > 0.0


def points(row: Primitive) -> list[list[float]]:
    source = random.Random(row.name)
    intervals = row.domain * 4 if row.gradient else row.domain
    found: list[list[float]] = []
    while len(found) < POINTS:
        xs = [number(source, interval) for interval in intervals]
        found += [xs] * usable(row, xs)
    return found


def ulps(got: float, expected: float) -> float:
    if got == expected or (got != got and expected != expected):
        return 0.0
    if not math.isfinite(got) or not math.isfinite(expected):
        return math.inf
    unlike = got == 0.0 or expected == 0.0 or (got < 0.0) != (expected < 0.0)
    return math.inf if unlike and math.ulp(expected) > 5e-324 else abs(got - expected) / math.ulp(expected)


def compared(row: Primitive, xs: list[float], most: int) -> dict[tuple[int, ...], float]:
    """The errors of the value and of its derivatives, by their orders."""
    every = tuple(range(len(xs)))
    value, slopes = value_and_grad(row, every)(*xs)
    found = {(): value} | {(i,): slope for i, slope in enumerate(slopes)}
    for i in every[:most]:
        bends = grad(lambda *zs, i=i: grad(row, i)(*zs), every)(*xs)
        found |= {(i, j): bend for j, bend in enumerate(bends)}
    return {
        key: ulps(got, exact.derivative(row.name, xs, [key.count(i) for i in every]))
        for key, got in found.items()
    }


@pytest.mark.parametrize("name", exact.NAMES)
def test_values_and_derivatives_are_within_4_ulp_and_of_the_right_class(name):
    row = TABLE[name]
    for xs in points(row):
        errors = compared(row, xs, 1 if row.gradient else 3)
        assert max(errors.values()) <= WORSE.get(name, 4.0), (xs, errors)
