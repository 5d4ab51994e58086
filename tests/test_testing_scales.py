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


WIDE = [5e-324, 2.3e-308, 1e-200, 1.2e-162, 1e-20, 1.0, 170.6, 708.0, 709.7, 1e103, 1.34e154, 1e307, 1.79e308]
SHAPES = {
    "x": lambda x: x,
    "x x": lambda x: x * x,
    "x x x": lambda x: x * x * x,
    "1 / x": lambda x: 1 / x,
    "1e300 x": lambda x: 1e300 * x,
    "1e-300 x": lambda x: 1e-300 * x,
    "on the way it is out of range": lambda x: (x * 1e-300) * 1e308,
    "sqrt": engine.sqrt,
    "exp": engine.exp,
    "sinh": engine.sinh,
    "log": engine.log,
    "gamma": engine.gamma,
    "atan": engine.atan,
    "softplus": engine.softplus,
    "hypot": lambda x: engine.hypot(x, 1.0),
    "sin": engine.sin,
}


@pytest.mark.parametrize("name", SHAPES)
def test_at_every_scale_a_right_gradient_passes_or_the_point_is_refused(name):
    f = SHAPES[name]
    for x in (0.0, *WIDE, *(-x for x in WIDE)):
        assert refusal(f, x) in (None, "inf", "nan", "kink", "constant"), x


def refusal(f, x):
    try:
        gradcheck(f, x, order=2)
    except GradientError as error:
        return error.reason


@pytest.mark.parametrize("method", ["central", "richardson", "forward"])
def test_numerical_gradients_are_numbers_at_every_scale(method):
    for f in SHAPES.values():
        for x in WIDE[::3]:
            assert isinstance(numerical_gradient(f, (x,), method)[0], float)
    assert numerical_gradient(lambda x: x * x, 1.34e154, method) == pytest.approx(2.68e154, rel=1e-8)
    assert numerical_gradient(lambda x: x, 1e307, method) == pytest.approx(1.0, rel=1e-11)


def test_a_slope_that_no_float_can_hold_is_refused_not_called_wrong():
    with pytest.raises(GradientError, match="has a slope there that no float can hold") as caught:
        gradcheck(lambda x: 1 / x, 1e-200)
    assert caught.value.reason == "inf"


def test_a_wave_shorter_than_the_floats_are_apart_is_refused():
    with pytest.raises(GradientError, match="varies from one float to the next"):
        gradcheck(engine.sin, 1e20)


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
