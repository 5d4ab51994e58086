"""Our own kernels of what is in `math`, for targets that lack it: those of libm to a few ulp."""

import math
import random

import pytest

from engine.compiler.kernels.atoms import OURS

RNG = random.Random(0)
TINY = [0.0, 5e-324, 1e-300, 1e-17, 1e-9, 1e-4]
UNIT = [*TINY, 0.3, 0.5, 0.75, 1.0 - 2.0**-53, *(RNG.random() for _ in range(500))]
USUAL = [*UNIT, 1.0, 1.0 + 2.0**-52, 2.4375, *(RNG.uniform(1.0, 30.0) for _ in range(500))]
LARGE = [*USUAL, 700.0, 1e9, 1e17, 1e200, math.inf]
DOMAINS = {
    "expm1": [*USUAL, 700.0],
    "log1p": LARGE,
    "exp2": USUAL,
    "log2": LARGE,
    "log10": LARGE,
    "sinh": [*USUAL, 700.0, 710.4],
    "cosh": [*USUAL, 700.0, 710.4],
    "acosh": [1.0 + x for x in LARGE],
    "atanh": UNIT,
    "tan": USUAL,
    "asin": [*UNIT, 1.0],
    "acos": [*UNIT, 1.0],
    "erfc": [x for x in USUAL if x < 26.0],
}
POSITIVE = ("log2", "log10", "acosh")


def close(got, expected):
    if expected == 0.0 or math.isinf(expected):
        return repr(got) == repr(expected)
    return abs(got - expected) <= 4.0 * math.ulp(expected)


@pytest.mark.parametrize("name", sorted(OURS.keys() - {"atan2", "copysign"}))
def test_our_own_is_that_of_libm(name):
    sizes = DOMAINS.get(name, LARGE)
    points = [x for x in sizes if x > 0.0] if name in POSITIVE else [*sizes, *(-x for x in sizes)]
    for x in points:
        if name != "log1p" or x > -1.0:
            assert close(OURS[name](x), getattr(math, name)(x)), x


@pytest.mark.parametrize("name", sorted(OURS.keys() - {"atan2", "copysign", *POSITIVE}))
def test_nan_stays_nan(name):
    assert math.isnan(OURS[name](math.nan))


@pytest.mark.parametrize("name", ["atan2", "copysign"])
def test_signs_and_quadrants_are_those_of_libm(name):
    numbers = [0.0, 5e-324, 0.3, 1.0, 1e200, math.inf, *(RNG.uniform(0.0, 3.0) for _ in range(20))]
    for y in [*numbers, *(-y for y in numbers)]:
        for x in [*numbers, *(-x for x in numbers)]:
            assert close(OURS[name](y, x), getattr(math, name)(y, x)), (y, x)
        assert math.isnan(OURS[name](math.nan, y))
