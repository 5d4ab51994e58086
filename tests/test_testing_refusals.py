"""What the checker calls the things that it cannot check."""

import itertools
import math
import random

import numpy as np
import pytest

import engine
from engine import Value, log, relu, sin
from engine.testing import GradientError, gradcheck


def reason(f, inputs, **options):
    with pytest.raises(GradientError) as caught:
        gradcheck(f, inputs, **options)
    return caught.value.reason


def test_a_random_function_is_called_not_deterministic():
    assert reason(lambda x: x + random.random(), 1.0) == "random"
    count = itertools.count()
    with pytest.raises(GradientError, match="not deterministic"):
        gradcheck(lambda x: x * x, 1.0, gradient=lambda x: 2 * x + next(count))


def test_a_state_that_changes_between_calls_is_called_not_deterministic():
    count = itertools.count()
    assert reason(lambda x: x * x + 1e-3 * (next(count) > 5), 2.0, gradient=lambda x: 2 * x) == "random"
    dropout = random.Random(0)
    assert reason(lambda x: x * x * (dropout.random() < 0.9), 2.0, gradient=lambda x: 2 * x) == "random"


def test_nan_and_infinity_are_named():
    with pytest.raises(GradientError, match="is nan there"):
        gradcheck(log, -1.0)
    with pytest.raises(GradientError, match="-inf"):
        gradcheck(log, 0.0)


@pytest.mark.parametrize("x", [math.inf, math.nan])
def test_a_point_that_is_not_finite_is_named_before_the_function_is_asked(x):
    with pytest.raises(GradientError, match=f"asked at y = {x}: choose a finite point"):
        gradcheck(lambda x, y: x * engine.tanh(y), (1.0, x))


def test_the_function_is_named_also_when_it_is_a_row_of_the_table():
    with pytest.raises(GradientError, match="^exp at x = 1000.0 is inf there"):
        gradcheck(engine.exp, 1000.0)


@pytest.mark.parametrize("lost", [math.inf, math.nan])
def test_a_hand_written_gradient_that_is_not_finite_is_wrong_and_said_to_be(lost):
    with pytest.raises(GradientError, match="is wrong: 1 of 2 derivatives is not finite") as caught:
        gradcheck(lambda x, y: x * y, (1.0, 2.0), gradient=lambda x, y: (y, lost))
    assert caught.value.reason == "wrong"
    with pytest.raises(GradientError, match="is wrong: it is not finite"):
        gradcheck(lambda x: x * x, 1.0, gradient=lambda x: lost)


def test_an_error_inside_a_hand_written_gradient_is_passed_on_with_a_note():
    with pytest.raises(ZeroDivisionError) as caught:
        gradcheck(lambda x: x * x, 2.0, gradient=lambda x: x / 0.0)
    assert caught.value.__notes__ == ["raised by the gradient given of <lambda> at x = 2.0"]


def test_an_error_of_the_function_is_passed_on_with_a_note():
    with pytest.raises(ZeroDivisionError) as caught:
        gradcheck(lambda x: 1.0 / x, 0.0, gradient=lambda x: 0.0)
    assert caught.value.__notes__ == ["raised by <lambda> at x = 0.0"]

    def table(x):
        if x > 1.5:
            raise RuntimeError("outside the table")
        return x * x

    with pytest.raises(RuntimeError) as beside:
        gradcheck(table, 1.49, gradient=lambda x: 2 * x)
    assert "raised beside the point, where differences ask: at 1." in beside.value.__notes__[0]


@pytest.mark.parametrize("edge", [AssertionError, IndexError, ValueError, ZeroDivisionError])
def test_errors_beside_the_point_may_be_the_edge_of_the_domain(edge):
    def inside(x):
        if not 0.0 < x < 2.0:
            raise edge
        return x * x

    assert gradcheck(inside, 1.99, gradient=lambda x: 2 * x)


def test_a_gradient_may_work_in_place():
    point = np.array([1.0, 2.0])
    assert gradcheck(lambda x: float(x @ x), point, gradient=lambda x: np.multiply(x, 2.0, out=x))
    assert point.tolist() == [1.0, 2.0]


def test_nan_equals_nan_only_when_declared():
    assert reason(log, -1.0) == "nan"
    assert gradcheck(log, -1.0, nan_ok=True)
    assert reason(lambda x: x * 0.0 + math.nan, 1.0, nan_ok=True) == "wrong"
    assert reason(lambda x: x * x, 1.0, gradient=lambda x: math.nan) == "wrong"


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (abs, 0.0),
        (lambda x: 1.0 + abs(x), 0.0),
        (relu, 0.0),
        (lambda x: relu(x - 3.0) * 1e-3 + 1.0, 3.0),
        (lambda x: engine.maximum(x, 2.0), 2.0),
        (engine.floor, 1.0),
        (engine.cbrt, 0.0),
        (engine.sqrt, 0.0),
        (lambda x: engine.tanh(engine.minimum(x, 9.3)), 9.3),
    ],
)
def test_a_kink_an_edge_or_a_jump_is_said_to_be_one(f, x):
    assert reason(f, x) == "kink"


def test_a_kink_is_described():
    with pytest.raises(GradientError, match="kink there: slope -1 on the left, 1 on the right"):
        gradcheck(abs, 0.0)
    with pytest.raises(GradientError, match="slope 0 on the left, 3 on the right"):
        gradcheck(lambda x, y: relu(x) * y, (0.0, 3.0))
    with pytest.raises(GradientError, match="edge of the domain"):
        gradcheck(engine.sqrt, 0.0)
    with pytest.raises(GradientError, match="the derivative to x of .* has a kink"):
        gradcheck(lambda x: relu(x) * x, 0.0, order=2)


@pytest.mark.parametrize("distance", [1e-1, 1e-3, 1e-6, 1e-9, -1e-9])
def test_a_kink_beside_the_point_is_no_false_alarm(distance):
    assert gradcheck(relu, distance)
    assert gradcheck(lambda x: abs(x - 2.0), 2.0 + distance)


def test_a_jump_beside_the_point_is_no_kink_though_rounding_blurs_the_slope():
    assert gradcheck(lambda z: engine.acos(engine.fmod(218.142, z) * 2.8634e-12), 0.5)


@pytest.mark.parametrize(
    "f", [lambda x: x * x, lambda x: x**4, lambda x: engine.cos(x), lambda x: x * abs(x)]
)
def test_a_slope_of_zero_is_no_kink(f):
    assert gradcheck(f, 0.0)


def test_a_constant_function_and_an_ignored_input_are_named():
    with pytest.raises(GradientError, match="is constant"):
        gradcheck(lambda x: 3.0, 1.0)
    with pytest.raises(GradientError, match="is constant"):
        gradcheck(lambda x, y: math.pi, (1.0, 2.0), gradient=lambda x, y: (0.0, 0.0))
    with pytest.raises(GradientError, match="ignores y"):
        gradcheck(lambda x, y: x * x, (1.0, 2.0))


def test_entries_of_an_array_may_be_ignored_but_not_all_of_them():
    x = np.array([0.5, 0.0, -1.0])
    assert gradcheck(lambda w: float(np.tanh(w @ x)), np.ones(3), gradient=lambda w: x / np.cosh(w @ x) ** 2)
    assert gradcheck(lambda table: table[1] * table[1], ([2.0, 3.0, 4.0],))
    wrong = reason(lambda w: float(w @ x), (np.ones(3),), gradient=lambda w: x + np.array([0.0, 1.0, 0.0]))
    assert wrong == "wrong"
    with pytest.raises(GradientError, match="ignores table: leave it out"):
        gradcheck(lambda x, table: x * x, (1.0, [2.0, 3.0]))


def test_numbers_are_named_as_they_are_reached():
    def f(matrix, layer):
        return float(matrix.sum() ** 2) * layer["bias"][1]

    with pytest.raises(GradientError) as caught:
        gradcheck(f, (np.ones((2, 2)), {"bias": (0.0, 2.0)}), gradient=lambda m, layer: (m, (0.0, 0.0)))
    names = ["matrix[0, 0]", "matrix[0, 1]", "matrix[1, 0]", "matrix[1, 1]", "layer['bias'][0]"]
    assert [row.name.split(" =")[0] for row in caught.value.rows] == [*names, "layer['bias'][1]"]


def test_a_flat_stretch_is_neither():
    assert gradcheck(relu, -3.0)
    assert gradcheck(lambda x: x * 0.0, 1.0)
    assert gradcheck(lambda x: max(x, 0.0), -3.0, gradient=lambda x: float(x > 0.0))


def test_a_graph_that_was_cut_is_named():
    with pytest.raises(GradientError, match=r"not in its graph.*\.data"):
        gradcheck(lambda x, y: x * Value(y.data), (2.0, 3.0))


def test_an_unused_side_of_a_branch_is_not_cut():
    assert gradcheck(lambda x, y: x * x if x > y else y * y, (3.0, 2.0))


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        ((3.0, 1.0), {}, "a function is needed"),
        ((sin,), {}, "inputs are needed"),
        ((sin, ()), {}, "no number among the inputs"),
        ((sin, "a"), {}, "real number"),
        ((lambda x: [x, x], 1.0), {}, "returns one number"),
        ((sin, 1.0), {"order": 3}, "order is 1 or 2"),
        ((sin, 1.0), {"modes": "reverse"}, "modes is a tuple"),
        ((sin, 1.0), {"modes": ("backward",)}, "modes is a tuple"),
        ((sin, 1.0), {"rtol": -1.0}, "rtol is a number from 0 on, got -1.0"),
        ((sin, 1.0), {"atol": math.nan}, "atol is a number from 0 on, got nan"),
        ((sin, 1.0), {"order": 2, "gradient": math.cos}, "order 1"),
        ((sin, 1.0), {"gradient": [0.5]}, r"a function that takes what f takes, got list \[0.5\]"),
    ],
)
def test_arguments_without_sense_are_refused(arguments, options, error):
    with pytest.raises((TypeError, ValueError), match=error):
        gradcheck(*arguments, **options)
