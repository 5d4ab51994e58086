"""Every public row, value and gradient, in every target, at hostile points: what the engine says there."""

import math

import numpy as np
import pytest
from targets import NUMBERS, ROWS, TARGETS, agrees, case, need, wrong

from engine.compiler import Untranslatable

GAMMAS = ("gamma", "lgamma")  # their kernels have a loop that goes on as long as data say
LACKING = ("numpy", "onnx")
OWN = ("jax", "torch")  # have functions of their own, good to eight digits


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("target", TARGETS)
def test_every_target_says_what_the_engine_says(target, row):
    need(target)
    if row.name in GAMMAS and target in LACKING:
        with pytest.raises(Untranslatable, match=rf"{row.name} \(.* goes on as long as data say\)"):
            TARGETS[target](row)
    elif row.name in GAMMAS and target in OWN:
        _, points, expected, _ = case(row)
        ours = [y for (x, *_), y in zip(points, expected, strict=True) if 0.1 < x < 20.0]
        theirs = [
            [column[i] for column in TARGETS[target](row)]
            for i, (x, *_) in enumerate(points)
            if 0.1 < x < 20.0
        ]
        np.testing.assert_allclose(theirs, ours, 1e-8, 1e-14)
    else:
        assert wrong(target, row) == []


def test_the_points_hold_the_edges_of_every_domain():
    edges = {x for row in ROWS for domain in row.domain for x in (domain.low, domain.high, *domain.holes)}
    assert edges <= set(NUMBERS)


def test_a_wrong_target_is_noticed():
    assert agrees(1.0, 1.0 + 4 * math.ulp(1.0), 0.0)
    assert not agrees(1.0, 1.0 + 5 * math.ulp(1.0), 0.0)
    assert agrees(math.nan, math.nan, 0.0)
    for got, expected in [(0.0, -0.0), (math.inf, math.nan), (1e308, math.inf), (math.inf, -math.inf)]:
        assert not agrees(got, expected, math.inf)
        assert not agrees(expected, got, math.inf)
