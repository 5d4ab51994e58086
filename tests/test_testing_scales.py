"""The checker on functions that change fast, in small units, in narrow places, or on one side only."""

import math

import numpy as np
import pytest

import engine
from engine import custom
from engine.testing import GradientError, gradcheck, numerical_gradient

STIFF = 1e4


def fourth(x):
    return (x / 1e-10) ** 4


CASES = {
    "a light wave": (lambda x: math.cos(2 * math.pi * x / 500e-9), 1.3e-7),
    "a radio signal": (lambda t: math.cos(2 * math.pi * 1e9 * t), 1.3e-9),
    "atoms": (lambda r: (3e-10 / r) ** 12 - (3e-10 / r) ** 6, 3.1e-10),
    "a bond": (fourth, 1.3e-10),
    "a fast sine": (lambda x: math.sin(1e7 * x), 0.7),
    "a tiny ripple": (lambda x: x * x + 1e-6 * math.sin(1e5 * x), 0.7),
    "a square that begins": (lambda x: max(x, 0.0) ** 2 + math.sin(x), 0.0),
    "a power that begins": (lambda x: x + abs(x) ** 1.5, 0.0),
}
SLOPES = {
    "a light wave": -2 * math.pi / 500e-9 * math.sin(2 * math.pi * 1.3e-7 / 500e-9),
    "a radio signal": -2 * math.pi * 1e9 * math.sin(2 * math.pi * 1e9 * 1.3e-9),
    "atoms": -12 / 3.1e-10 * (3 / 3.1) ** 12 + 6 / 3.1e-10 * (3 / 3.1) ** 6,
    "a bond": 4 * 1.3**3 * 1e10,
    "a fast sine": 1e7 * math.cos(1e7 * 0.7),
    "a tiny ripple": 1.4 + 0.1 * math.cos(1e5 * 0.7),
    "a square that begins": 1.0,
    "a power that begins": 1.0,
}


@pytest.mark.parametrize("name", CASES)
def test_the_right_gradient_passes_and_a_wrong_one_does_not(name):
    f, x = CASES[name]
    right = SLOPES[name]
    assert gradcheck(f, x, gradient=lambda x: right)
    for wrong in (0.0, -right, 2.0 * right, right * (1.0 + 1e-5)):
        with pytest.raises(GradientError) as caught:
            gradcheck(f, x, gradient=lambda x, wrong=wrong: wrong)
        assert caught.value.reason == "wrong"


def test_the_rule_of_a_fast_value_is_checked_as_well():
    wave = custom(lambda x: math.cos(2e7 * x), lambda x: 1e7 * x)
    with pytest.raises(GradientError, match="it differs"):
        gradcheck(wave, 1.3e-7)


def test_the_edge_of_the_domain_is_not_looked_for_at_zero_alone():
    def narrow(x, y):
        v = engine.acos(engine.degrees(x))
        return engine.xlogy(x, engine.sum([y, v, v]))

    assert gradcheck(narrow, (2.6857541249862133e-161, -0.5), order=2)


def test_steps_as_long_as_the_stairs_are_not_taken_for_a_slope():
    assert gradcheck(lambda x: x // 0.5, 8.75, gradient=lambda x: 0.0)
    assert gradcheck(lambda x: math.remainder(x, 0.459), 9.125, gradient=lambda x: 1.0)
    with pytest.raises(GradientError, match="it differs"):
        gradcheck(lambda x: x // 0.5, 8.75, gradient=lambda x: 1.0)


@pytest.mark.parametrize("method", ["central", "richardson", "forward"])
def test_numerical_gradients_have_their_digits_in_small_units(method):
    assert numerical_gradient(fourth, 1.3e-10, method) == pytest.approx(4 * 1.3**3 * 1e10, rel=1e-10)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: engine.exp(-((STIFF * (x - 0.7)) ** 2)) + x,
        lambda x: 1.0 / (1.0 + (STIFF * (x - 0.7)) ** 2),
        lambda x: engine.tanh(STIFF * (x - 0.7)),
    ],
)
def test_a_narrow_peak_is_seen_at_both_orders(f):
    assert gradcheck(f, 0.7, order=2)


@pytest.mark.parametrize(
    ("f", "point"),
    [
        (lambda v: float(np.linalg.norm(v)), np.zeros(2)),
        (lambda v: math.sqrt(v @ v), np.zeros(2)),
        (lambda x: (x**4) ** 0.25, 0.0),
        (lambda x: x + 1e-6 * (x > 1.0), 1.0),
    ],
)
def test_the_point_of_a_cone_and_a_small_jump_are_kinks(f, point):
    with pytest.raises(GradientError, match="has a kink there"):
        gradcheck(f, (point,), gradient=lambda x: 0.0 * x)


def test_a_jump_too_small_for_six_digits_is_shown_with_all_of_them():
    with pytest.raises(GradientError, match=r"a jump: 0\.9999999999\d* on the left, 1\.000001\d* on the"):
        gradcheck(lambda x: x + 1e-6 * (x > 1.0), 1.0, gradient=lambda x: 1.0)


def test_a_derivative_from_one_side_is_taken_on_the_side_that_there_is():
    assert numerical_gradient(lambda x: x * math.sqrt(x), 0.0, "forward") == pytest.approx(0.0, abs=1e-6)
    assert numerical_gradient(lambda x: (1.0 - x) ** 2.5 + x, 1.0, "forward") == pytest.approx(1.0, abs=1e-6)
