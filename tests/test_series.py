"""Series of any order: their coefficients against mpmath's, and that they nest with everything."""

import math
import os
import random

import numpy as np
import pytest

import engine
from engine import Value, grad, jacobian, jet, jit, jvp, taylor, vmap
from engine.primitive import TABLE

exact = pytest.importorskip("exact", exc_type=ImportError)
mp = exact.mpmath
ORDER = 12 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 6
ORDERLY = sorted(
    set(exact.NAMES) - {"ceil", "floor", "floordiv", "round", "sign", "trunc"}
)  # the rest is flat


def path_of(row, source):
    """Coefficients of a path through the middle of the domain, a list for each operand."""
    intervals = row.domain * 4 if row.gradient else row.domain
    while True:
        starts = [
            source.uniform(max(x.low, -3.0), min(x.high, 3.0))
            if math.isfinite(x.low)
            else source.uniform(-2, 2)
            for x in intervals
        ]
        if row.kink is None or abs(row.kink(starts) if row.gradient else row.kink(*starts)) > 0.05:
            return [[x, source.uniform(-1, 1), source.uniform(-1, 1)] for x in starts]


def expected(name, path, order):
    starts = [terms[0] for terms in path]
    variables = exact.VARIABLES[: len(path)] if len(path) < 6 else None
    built = exact.SMOOTH.get(name) or (lambda *xs: exact.CHOOSING[name](*starts, *xs))
    f = exact.differentiated(exact.sp.sympify(built(*variables)), (0,) * len(path))
    with mp.workdps(60):
        return [
            float(mp.re(c))
            for c in mp.taylor(lambda t: f(*(mp.polyval(terms[::-1], t) for terms in path)), mp.mpf(0), order)
        ]


def coefficients(f, path, order):
    padded = [[*terms[1:], *[0.0] * order][:order] for terms in path]
    start, series = jet(f, tuple(terms[0] for terms in path), padded, factorial_scaled=False)
    return [start, *series]


@pytest.mark.parametrize("name", ORDERLY)
def test_every_row_has_the_series_that_mpmath_finds(name):
    row, source = TABLE[name], random.Random(name)
    for _ in range(2):
        path = path_of(row, source)
        found, truth = coefficients(row, path, ORDER), expected(name, path, ORDER)
        for k, (x, y) in enumerate(zip(found, truth, strict=True)):
            size = max(map(abs, truth[max(0, k - 2) : k + 3]))
            assert abs(x - y) <= 1e-13 * size, (path, k, x, y)


def wave(x):
    return engine.tanh(engine.exp(x) * engine.sin(x))


def test_compiled_is_the_same_to_the_bit_and_linear_in_the_order():
    def entries(order):
        f = jit(lambda x: taylor(wave, x, order))
        assert f(0.3) == taylor(wave, 0.3, order)
        return len(f.tape)

    assert entries(20) <= 400
    assert abs(entries(20) - 2 * entries(15) + entries(10)) < 3


def test_derivatives_are_scaled_as_in_jax():
    f = (lambda x, y: x * y, (2.0, 3.0), ([1.0, 0.5], [0.0, 1.0]))
    assert jet(*f) == (6.0, [3.0, 3.5])
    assert jet(*f, factorial_scaled=False) == (6.0, [3.0, 3.5])
    assert jet(engine.exp, (0.0,), ([1.0, 0.0, 0.0, 0.0],)) == (1.0, [1.0, 1.0, 1.0, 1.0])


def test_trees_of_arguments_and_results_keep_their_structure():
    def f(p, v):
        return {"norm": p[0] * p[1], "scaled": v * p[0]}

    value, series = jet(f, ([2.0, 3.0], np.array([1.0, 2.0])), ([[1.0, 0.0]], [np.zeros(2)]))
    assert value["norm"] == 6.0
    assert series["norm"] == [3.0]
    np.testing.assert_array_equal(series["scaled"][0], [1.0, 2.0])
    assert taylor(lambda x: (x, x * x), 3.0, 2) == ([3.0, 1.0, 0.0], [9.0, 6.0, 1.0])


def test_it_nests_with_every_transform():
    third = taylor(wave, 0.3, 5)
    assert grad(lambda x: taylor(wave, x, 3)[3])(0.3) == pytest.approx(4 * third[4], rel=1e-12)
    assert taylor(grad(wave), 0.3, 3)[3] == pytest.approx(4 * third[4], rel=1e-12)
    assert taylor(lambda x: taylor(wave, x, 2)[2], 0.3, 2)[2] == pytest.approx(6 * third[4], rel=1e-12)
    assert jvp(lambda x: taylor(wave, x, 1)[1], 0.3, 1.0)[1] == pytest.approx(2 * third[2], rel=1e-12)
    assert jacobian(lambda x: taylor(wave, x, 2))(0.3) == pytest.approx(
        [third[1], 2 * third[2], 3 * third[3]]
    )
    rows = vmap(lambda x: taylor(wave, x, 2))(np.array([0.3, 0.4]))
    assert jit(vmap(lambda x: taylor(wave, x, 2)))(np.array([0.3, 0.4]))[1] == pytest.approx(rows[1])
    assert taylor(jit(wave), 0.3, 2) == pytest.approx(third[:3], rel=1e-13)


def test_no_perturbation_confusion():
    assert grad(lambda x: x * taylor(lambda y: x + y, 1.0, 1)[1])(1.0) == 1.0
    assert taylor(lambda x: x * grad(lambda y: x * y)(x), 3.0, 2) == [9.0, 6.0, 1.0]


def test_values_in_values_out_that_stay_connected():
    x, speed = Value(2.0), Value(3.0)
    value, [slope] = jet(lambda t: t**3, (x,), ([speed],))
    assert (value.data, slope.data) == (8.0, 36.0)
    slope.backward()
    assert (x.grad, speed.grad) == (36.0, 12.0)
    (only,) = jet(lambda t: t * t, (2.0,), ([speed],))[1]
    assert only.data == 12.0
    constant = Value(5.0) * Value(2.0)
    assert taylor(lambda t: constant * t + constant, 1.0, 2) == [20.0, 10.0, 0.0]


def test_a_primitive_of_a_user_has_a_series():
    cube = engine.custom(lambda x: x * x * x, lambda x: 3 * x * x, name="cube")
    assert taylor(cube, 2.0, 4) == [8.0, 12.0, 6.0, 1.0, 0.0]


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 64])
def test_whole_powers_have_series_at_0_compiled_or_not(n):
    unit = [float(k == n) for k in range(9)]
    assert taylor(lambda x: x**n, 0.0, 8) == unit
    assert jit(lambda x: taylor(lambda x: x**n, x, 8))(0.0) == unit


def test_a_fractional_power_has_as_many_derivatives_at_0_as_it_has():
    assert taylor(lambda x: x**2.5, 0.0, 3) == [0.0, 0.0, 0.0, math.inf]


def test_what_is_not_looked_at_brings_no_nan():
    assert taylor(lambda x: engine.maximum(1.0, engine.sqrt(x)), 0.0, 2) == [1.0, 0.0, 0.0]
    assert taylor(lambda x: engine.where(x < 1, x, 1 / x), 0.0, 2) == [0.0, 1.0, 0.0]
    f = jit(lambda x: taylor(lambda x: engine.where(x < 1, x, 1 / x), x, 2))
    assert f(0.0) == [0.0, 1.0, 0.0]


def test_long_graphs_need_no_recursion():
    def f(x):
        for _ in range(20_000):
            x = x * 1.0001
        return engine.softmax([x, *[0.1] * 3000])[0]

    assert len(taylor(f, 0.1, 2)) == 3


def test_large_orders_stay_finite():
    assert taylor(engine.exp, 0.0, 200)[200] == pytest.approx(float(1 / mp.factorial(200)), abs=5e-324)
    assert jet(engine.sin, (0.0,), ([1.0] + [0.0] * 199,))[1][168] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("f", "point", "row"),
    [(engine.abs, 0.0, "abs"), (engine.relu, 0.0, "relu"), (engine.floor, 2.0, "floor")],
)
def test_a_kink_is_named_with_its_point(f, point, row):
    with pytest.raises(ValueError, match=rf"{row} has a kink at {point}"):
        taylor(f, point, 2)
    assert jet(lambda x, y: f(x) * y, (point, 3.0), ([0.0], [1.0]))[1] == [f(point)]  # x stands still


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="0 or more, got -1"):
        taylor(engine.exp, 1.0, -1)
    with pytest.raises(TypeError):
        taylor(engine.exp, 1.0, 1.5)
    with pytest.raises(TypeError, match="one number"):
        taylor(lambda x: x[0], [1.0, 2.0], 2)
    with pytest.raises(ValueError, match="of length 1, 2"):
        jet(lambda x, y: x, (1.0, 2.0), ([1.0], [1.0, 2.0]))
    with pytest.raises(ValueError, match="each of its 2 primals"):
        jet(lambda x, y: x, (1.0, 2.0), ([1.0],))
    with pytest.raises(TypeError, match="primals in a tuple"):
        jet(engine.exp, 1.0, ([1.0],))
    with pytest.raises(ValueError, match="like its primal"):
        jet(lambda x: x[0], ([1.0, 2.0],), ([1.0],))


def test_order_0_is_the_value():
    assert taylor(engine.exp, 0.0, 0) == [1.0]
    assert jet(engine.exp, (0.0,), ([],)) == (1.0, [])
