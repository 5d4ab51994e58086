"""Roots: their numbers, their derivatives by the implicit function theorem, eager and compiled."""

import math
import pickle
import random

import numpy as np
import pytest

import engine
from engine import Value, grad, hessian, jacobian, jit, root, taylor, vmap
from engine.testing import gradcheck

mp = pytest.importorskip("mpmath")


def lambert(x, a, b):
    return x * engine.exp(x) * b - a


def omega(a):
    return root(lambert, 0.5, a, 1.0)


def circle_and_curve(x, a):
    return [x[0] ** 2 + x[1] ** 2 - a, x[0] - 0.5 * engine.exp(x[1])]


def crossing(a):
    return root(circle_and_curve, [1.0, 0.5], a)


def test_derivatives_of_every_order_are_those_of_the_closed_form():
    truth = mp.taylor(lambda a: mp.lambertw(a).real, mp.mpf(2), 6)
    assert taylor(omega, 2.0, 6) == pytest.approx(list(map(float, truth)), rel=1e-13)
    f = omega
    for k in range(5):
        assert f(2.0) == pytest.approx(float(truth[k] * mp.factorial(k)), rel=1e-13)
        f = grad(f)


def test_gradients_to_several_parameters():
    assert gradcheck(lambda a, b: root(lambert, 0.5, a, b), [2.0, 1.5], order=2)
    assert grad(lambda p: root(lambda x, p: p["a"] * x - p["b"], 1.0, p))({"a": 4.0, "b": 2.0}) == {
        "a": -0.125,
        "b": 0.25,
    }


def test_systems_keep_their_structure():
    x = crossing(2.0)
    assert circle_and_curve(x, 2.0) == pytest.approx([0.0, 0.0], abs=4e-16)
    assert gradcheck(lambda a: crossing(a)[1], [2.0], order=2)
    pair = root(lambda x, a: x * x - a, np.array([1.0, 5.0]), np.array([2.0, 3.0]))
    np.testing.assert_allclose(pair, np.sqrt([2.0, 3.0]), rtol=1e-15)
    found = root(lambda p: (p["x"] + p["y"] - 3, p["x"] - p["y"] - 1), {"x": 0, "y": 0})
    assert found == {"x": 2.0, "y": 1.0}


@pytest.mark.parametrize("transform", [lambda f: f, grad, lambda f: grad(grad(f)), lambda f: taylor3(f)])
def test_compiled_it_is_machine_code_that_agrees(transform):
    f = jit(transform(omega))
    assert f(2.0) == pytest.approx(transform(omega)(2.0), rel=1e-14)
    assert "double f(" in f.to_c("f") or "void f(" in f.to_c("f")


def taylor3(f):
    return lambda x: taylor(f, x, 3)


def test_compiled_systems_and_batches():
    assert jit(jacobian(crossing))(2.0) == pytest.approx(jacobian(crossing)(2.0), rel=1e-13)
    points = np.array([0.5, 2.0, 7.0])
    np.testing.assert_allclose(jit(vmap(grad(omega)))(points), [grad(omega)(x) for x in points], rtol=1e-14)
    assert grad(jit(omega))(2.0) == pytest.approx(grad(omega)(2.0), rel=1e-14)
    assert pickle.loads(pickle.dumps(jit(omega)))(2.0) == pytest.approx(omega(2.0), rel=1e-15)


def test_compiled_it_is_nan_where_there_is_none():
    f = jit(lambda a: root(lambda x, a: x * x + a, 1.0, a))
    assert (f(-4.0), math.isnan(f(1.0))) == (2.0, True)


def test_a_value_stays_connected_and_live():
    a = Value(2.0)
    x, y = crossing(a)
    x.backward()
    assert a.grad == pytest.approx(jacobian(crossing)(2.0)[0])
    a.data = 3.0
    assert x.forward() == pytest.approx(crossing(3.0)[0], rel=1e-15)
    assert pickle.loads(pickle.dumps(y)).data == y.data


def test_a_root_of_a_root():
    def inner(b):
        return root(lambda y, b: y * y - b, 1.0, b)

    def outer(a):  # sqrt(x) + x = a
        return root(lambda x, a: inner(x) + x - a, 1.0, a)

    assert outer(3.0) == pytest.approx((math.sqrt(3.25) - 0.5) ** 2, rel=1e-15)
    assert grad(outer)(3.0) == pytest.approx(1 - 0.5 / math.sqrt(3.25), rel=1e-14)
    assert grad(grad(outer))(3.0) == pytest.approx(0.25 * 3.25**-1.5, rel=1e-13)


@pytest.mark.parametrize(
    ("f", "x0", "x"),
    [
        (engine.atan, 30.0, 0.0),
        (lambda x: engine.exp(x) - 1, 50.0, 0.0),
        (lambda x: (x + 1) ** 3 - 1, 0.7, 0.0),
        (lambda x: x - 1e-8, 1.0, 1e-8),
        (lambda x: x * 1e-300 - 1e-300, 3.0, 1.0),
        (lambda x: engine.log(x), 0.1, 1.0),
        (lambda x: x, 0, 0.0),
    ],
)
def test_newton_is_kept_from_going_astray(f, x0, x):
    assert root(f, x0) == pytest.approx(x, rel=1e-14, abs=1e-15)


def test_large_linear_systems_are_solved_with_pivots():
    source = random.Random(0)
    matrix = [[source.gauss(0, 1) if (i, j) != (0, 0) else 0.0 for j in range(8)] for i in range(8)]

    def f(x, b):
        return [engine.dot(row, x) - y for row, y in zip(matrix, b, strict=True)]

    b = [1.0] * 8
    np.testing.assert_allclose(root(f, [0.0] * 8, b), np.linalg.solve(matrix, b), rtol=1e-12)
    slopes = np.array(jit(jacobian(lambda b: root(f, [0.0] * 8, b)))(b))
    np.testing.assert_allclose(slopes, np.linalg.inv(matrix), rtol=1e-11)


@pytest.mark.parametrize(
    "f", [lambda x: x * x + 1, engine.exp, lambda x: engine.log(x - 5), lambda x: x - x + 1]
)
def test_a_root_that_is_not_there_is_an_error(f):
    with pytest.raises(ValueError, match=r"none near x0: at x = .*, f is still"):
        root(f, 1.5)


@pytest.mark.parametrize("f", [lambda x: (x - 1) ** 2, lambda x: x * x - 2 * x + 1, lambda x: (x - 1) ** 3])
def test_a_multiple_root_is_an_error(f):
    with pytest.raises(ValueError, match="multiple one at x = 1.0"):
        root(f, 3.0)
    with pytest.raises(ValueError, match="multiple"):
        grad(lambda a: root(lambda x, a: x * x * a, 0.0, a))(1.0)


def test_a_variable_from_outside_is_named():
    weight = Value(2.0, "w")
    with pytest.raises(TypeError, match=r"label='w'.*pass it as a parameter"):
        root(lambda x: x - weight, 1.0)
    with pytest.raises(TypeError, match="from outside"):
        grad(lambda a: root(lambda x: x - a, 1.0))(2.0)
    with pytest.raises(TypeError, match="from outside"):
        jit(lambda a: root(lambda x: x - a, 1.0))(2.0)
    with pytest.raises(TypeError, match="as many equations as unknowns, 2: f returned 1"):
        root(lambda x: x[0], [1.0, 2.0])


def test_the_start_takes_no_gradient():
    assert grad(lambda x0: root(lambda x, a: x * x - a, x0, 4.0))(1.0) == 0.0
    assert hessian(lambda a: root(lambda x, a: x * x - a, a, a))(4.0) == pytest.approx(-1 / 32)
