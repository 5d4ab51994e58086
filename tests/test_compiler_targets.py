"""Every public row, value and gradient, in every target, at hostile points: what the engine says there."""

import math
from typing import Any

import pytest
from targets import NUMBERS, ROWS, TARGETS, agrees, need, wrong

from engine.compiler import Untranslatable

# Rows that are wrong today: to be mended, not to be kept
OWED = {
    "numpy": """abs asinh atan2 atanh binary_cross_entropy binary_cross_entropy_with_logits copysign erf erfc
        erfinv gamma hypot lgamma log1p log2 log10 logaddexp logit maximum minimum mish mod pow
        remainder sign silu softsign xlogy clamp cross_entropy dot elu gelu huber log log_softmax
        logsumexp max min norm softmax log_base gelu_tanh""",
    "jax": """asinh atan2 atanh binary_cross_entropy binary_cross_entropy_with_logits floordiv gamma hypot
        lgamma log1p log2 log10 logaddexp logit maximum minimum mish mod pow remainder silu softsign
        xlogy cross_entropy dot gelu huber log log_softmax logsumexp max min norm softmax log_base
        gelu_tanh""",
    "torch": """abs asinh atan2 atanh binary_cross_entropy binary_cross_entropy_with_logits cbrt copysign
        floordiv gamma hypot lgamma log1p log2 log10 logaddexp logit maximum minimum mish mod pow
        remainder sign silu softsign xlogy clamp cross_entropy dot gelu huber log log_softmax logsumexp
        max min norm softmax log_base gelu_tanh""",
}
LACKING = {"onnx": "gamma lgamma"}  # a loop that goes on as long as data say


def checks() -> list[Any]:
    params = []
    for target in TARGETS:
        for row in ROWS:
            owed = row.name in OWED.get(target, "").split()
            marks = [pytest.mark.xfail(raises=(AssertionError, Untranslatable))] * owed
            params.append(pytest.param(target, row, marks=marks, id=f"{target}-{row.name}"))
    return params


@pytest.mark.parametrize(("target", "row"), checks())
def test_every_target_says_what_the_engine_says(target, row):
    need(target)
    if row.name in LACKING.get(target, "").split():
        with pytest.raises(Untranslatable, match=rf"{row.name} \(.* goes on as long as data say\)"):
            TARGETS[target](row)
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
