"""NumPy: functions of the engine on arrays, and arrays in the hands of functions that are differentiated."""

import pickle

import numpy as np
import pytest

import engine
from engine import Value, grad, hessian, jacobian, jit, jvp, value_and_grad, vmap

X = np.array([1.0, -2.0, 3.0])
W = np.arange(6.0).reshape(2, 3)


def summed_in_place(x):
    y = x.copy()
    y += 1.5
    y[0] = 0.5
    return np.sum(np.exp(y * 0.1))


PROGRAMS = [
    lambda x: np.sum(np.exp(np.maximum(x, 0.5))),
    lambda x: np.sum(np.exp(np.where(x > 0, x, 0.0))),
    lambda x: np.sum(np.tanh(np.clip(x, -1.0, 2.0))),
    lambda x: np.sum(np.exp(np.hstack([x, [1.0, 2.0]]))),
    lambda x: np.sum(np.sin(np.concatenate([np.zeros(2), x]))),
    lambda x: np.sum(np.cos(np.pad(x, 1))),
    lambda x: np.sum(np.exp(np.dot(W, x))),
    lambda x: np.sum(np.sqrt((W @ x) ** 2 + 1.0)),
    lambda x: np.sum(np.log1p(np.einsum("ij,j->i", W, x) ** 2)),
    lambda x: np.sum(np.arctan2(np.stack([x, np.ones(3)]), 2.0)),
    lambda x: np.exp(x[1:])[0] + np.exp(x[:2]).sum(),
    lambda x: np.mean(np.exp(x - np.mean(x))),
    lambda x: np.sum(np.exp(np.outer(x, [1.0, 0.0]))),
    lambda x: np.sqrt(np.sum(np.square(x))),
    lambda x: np.sum(np.where(np.isnan(x) | ~np.isfinite(x), 0.0, x) * 2.0),
    lambda x: np.max(np.exp(x)) + np.min(x) + np.prod(x),
    lambda x: np.sum(np.exp(np.vstack([x, np.zeros(3)]).T @ np.ones(2))),
    lambda x: np.sum(np.exp(np.roll(x, 1)) * x + np.diff(np.append(x, 0.0))),
    lambda x: x[np.argmax(x)] * np.sort(x)[0],
    lambda x: np.sum(np.exp(np.cumsum(np.concatenate([x, [0.0]])))),
    lambda x: np.sum(np.exp(np.zeros_like(x) + x)),
    lambda x: np.sum(np.exp(0.1 * np.tril(np.outer(x, x)))),
    lambda x: sum(np.sum(np.exp(part)) for part in np.split(np.append(x, 0.0), 2)),
    summed_in_place,
    lambda x: engine.sum(engine.exp(np.where(x > 0, x, 0.0))),
]


@pytest.mark.parametrize("f", PROGRAMS)
def test_plain_numbers_may_stand_among_the_nodes(f):
    value, gradient = value_and_grad(f)(X)
    assert value == pytest.approx(float(f(X)), rel=1e-13)
    assert gradient.dtype == float
    step = 1e-6
    numeric = [(float(f(X + h)) - float(f(X - h))) / (2 * step) for h in np.eye(3) * step]
    assert gradient == pytest.approx(np.array(numeric), rel=1e-6, abs=1e-7)
    assert jvp(f, X, np.ones(3))[1] == pytest.approx(gradient.sum(), rel=1e-12)


def test_second_derivatives_and_examples_too():
    padded = lambda x: np.sum(np.exp(np.concatenate([np.zeros(1), x])))  # noqa: E731
    np.testing.assert_allclose(hessian(padded)(X), np.diag(np.exp(X)), rtol=1e-15)
    rows = jacobian(lambda x: np.exp(np.pad(x, 1)))(X)[1:4]
    np.testing.assert_allclose(rows, np.diag(np.exp(X)), rtol=1e-15)
    np.testing.assert_allclose(vmap(grad(padded))(W), np.exp(W), rtol=1e-15)


def test_a_trace_takes_them_too():
    f = lambda x: np.sum(np.exp(np.maximum(np.concatenate([x, [0.0]]), 0.5)))  # noqa: E731
    assert jit(f)(X) == pytest.approx(f(X), rel=1e-14)
    np.testing.assert_allclose(jit(grad(f))(X), grad(f)(X), rtol=1e-14)


def test_functions_take_arrays_element_by_element():
    v = Value(0.5)
    np.testing.assert_array_equal(engine.relu(W - 2), np.maximum(W - 2, 0.0))
    assert engine.exp(W).dtype == float
    np.testing.assert_array_equal(engine.clamp(X, 0, 1), [1, 0, 1])
    np.testing.assert_array_equal(engine.log(W + 1, 2.0), [[engine.log(n, 2.0) for n in r] for r in W + 1])
    np.testing.assert_array_equal(engine.where(X > 0, X, 7), [1, 7, 3])
    np.testing.assert_array_equal(engine.maximum(W, X), np.maximum(W, X))
    np.testing.assert_array_equal(engine.round(X / 3, 2), [0.33, -0.67, 1.0])
    np.testing.assert_array_equal(engine.gelu(X, approximate="tanh"), [engine.gelu(x, "tanh") for x in X])
    for mixed in (engine.maximum(v, X), engine.maximum(X, v), engine.maximum(np.array([v, 2.0, 0]), X)):
        assert mixed.dtype == object
        mixed.sum().backward()
    assert v.grad == 2.0
    assert engine.exp(np.array(1.0)) == engine.exp(1.0)
    assert engine.exp(np.zeros((0, 3))).shape == (0, 3)
    with pytest.raises(ValueError, match="shape"):
        engine.maximum(np.ones(2), np.ones(3))
    with pytest.raises(TypeError, match="str"):
        engine.exp(np.array(["1"]))


def test_without_recording_they_take_values_and_give_values():
    with engine.no_grad():
        y = engine.exp(np.array([Value(0.0), 1.0], dtype=object))
    assert (y[0].data, y[0].parents, y[1]) == (1.0, (), engine.exp(1.0))


def test_lists_of_arrays_are_summed_like_numbers():
    np.testing.assert_array_equal(engine.sum(W), W.sum(0))
    np.testing.assert_array_equal(engine.max(X, 0 * X), np.maximum(X, 0))
    assert engine.dot(X, X) == 14.0


@pytest.mark.parametrize(
    ("ask", "expected"), [(engine.isnan, [0, 0, 1]), (engine.isinf, [0, 1, 0]), (engine.isfinite, [1, 0, 0])]
)
def test_questions_to_numbers(ask, expected):
    numbers = [1.0, -np.inf, np.nan]
    assert [ask(x) for x in numbers] == [ask(Value(x)) for x in numbers] == list(map(bool, expected))
    np.testing.assert_array_equal(ask(np.array(numbers)), np.array(expected, dtype=bool))
    chosen = jit(lambda x: 1.0 if ask(x) else 2.0)
    assert [chosen(x) for x in numbers] == [1.0 if yes else 2.0 for yes in expected]


def test_stop_gradient_of_anything():
    stop = engine.stop_gradient
    assert stop(2) == 2.0
    assert grad(lambda x: stop(x) * x)(3.0) == 3.0
    assert grad(grad(lambda x: stop(x * x) * x * x))(3.0) == 18.0
    assert jit(grad(lambda x: stop(x) * x))(3.0) == 3.0
    np.testing.assert_array_equal(grad(lambda x: np.sum(stop(x) * x))(X), X)
    x = Value(3.0)
    (stop(x) * x).backward()
    assert x.grad == 3.0


def test_a_node_in_an_array_of_floats_is_refused_with_the_way_out():
    r = np.zeros(2)
    with pytest.raises(TypeError, match=r"a list or np\.empty\(n, dtype=object\)"):
        r[0] = Value(1.0)


def test_arrays_of_nodes_travel():
    x = jacobian(lambda x: x * x)(np.array([Value(1.0), Value(2.0)]))
    assert [y.data for y in pickle.loads(pickle.dumps(x)).flat] == [2.0, 0.0, 0.0, 4.0]


@pytest.mark.parametrize("around", [lambda f: f, jit])
def test_a_list_of_arrays_is_no_batch(around):
    for batch in ([X, X], [[X, X], [X, X]]):
        with pytest.raises(ValueError, match=r"np\.stack.* tuple"):
            around(vmap(lambda x: x[0]))(batch)
    assert around(vmap(lambda x: x[0]))([[1.0], [2.0]]) == [1.0, 2.0]
