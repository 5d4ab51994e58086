"""`jit(vmap(f))`: one example is traced, many are computed; and the NumPy backend over arrays."""

import math

import numpy as np
import pytest
from hypothesis import given

import engine
from engine import (
    Value,
    dot,
    grad,
    tanh,
    value_and_grad,
    vmap,
)
from engine.compiler import jit
from engine.order import nodes_in_order
from engine.primitive import TABLE
from engine.testing.strategies import expressions


def loss(w, x, y):
    return (tanh(dot(w, x)) - y) ** 2


W, X, Y = np.linspace(-1.0, 1.0, 3), np.linspace(-2.0, 2.0, 15).reshape(5, 3), np.linspace(0.0, 1.0, 5)


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
@pytest.mark.parametrize("axes", [(None, 0, 0), (None, 1, 0)])
def test_a_mapped_function_is_traced_once_and_looped_over(reduce, axes):
    calls = []

    def counted(w, x, y):
        calls.append(1)
        return loss(w, x, y)

    xs = X if axes[1] == 0 else X.T.copy()
    compiled = jit(vmap(value_and_grad(counted), in_axes=axes, reduce=reduce))
    value, gradient = compiled(W, xs, Y)
    assert len(calls) == 1
    expected, slopes = vmap(value_and_grad(loss), in_axes=axes, reduce=reduce)(W, xs, Y)
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-13, atol=1e-15)
    compiled(W, np.concatenate([xs, xs], axis=axes[1]), np.concatenate([Y, Y]))
    assert len(calls) == 1


def test_lists_of_examples_give_lists():
    compiled, plain = (t(vmap(loss, in_axes=(None, 0, 0))) for t in (jit, lambda f: f))
    args = (W.tolist(), X.tolist(), Y.tolist())
    assert compiled(*args) == pytest.approx(plain(*args))
    assert type(compiled(*args)) is list


def test_examples_inside_containers_are_mapped():
    g = vmap(lambda w, batch: loss(w, batch["x"], batch["y"]), in_axes=(None, 0))
    np.testing.assert_allclose(jit(g)(W, {"x": X, "y": Y}), g(W, {"x": X, "y": Y}), rtol=1e-14)


def test_wrappers_of_a_mapped_function_are_not_taken_for_it():
    total = grad(lambda w: engine.sum(vmap(lambda w, x: dot(w, x), in_axes=(None, 0))(w, X)))
    np.testing.assert_allclose(jit(total)(W), total(W))
    g = grad(vmap(lambda x: x * x, reduce="sum"))
    np.testing.assert_allclose(jit(g)(Y), g(Y))


@pytest.mark.parametrize("args", [(W, X[:4], Y), (W, X[:0], Y[:0]), (W, X)])
def test_batches_that_do_not_fit_are_refused_as_without_jit(args):
    g = vmap(loss, in_axes=(None, 0, 0))
    with pytest.raises(ValueError, match="vmap|in_axes") as plain:
        g(*args)
    with pytest.raises(ValueError, match="vmap|in_axes") as compiled:
        jit(g)(*args)
    assert str(compiled.value) == str(plain.value)


def test_values_of_a_mapped_function_stay_connected():
    w = [Value(x) for x in W]
    mean = jit(vmap(loss, in_axes=(None, 0, 0), reduce="mean"))(w, X.tolist(), Y.tolist())
    mean.backward()
    slopes = grad(vmap(loss, in_axes=(None, 0, 0), reduce="mean"))(list(W), X.tolist(), Y.tolist())
    assert [v.grad for v in w] == pytest.approx(slopes)


def test_single_precision_is_single():
    result = jit(vmap(loss, in_axes=(None, 0, 0)), dtype="float32")(W, X, Y)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, vmap(loss, in_axes=(None, 0, 0))(W, X, Y), rtol=1e-5)


SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -0.5, 2.0, 1e308, -3.0, 0.75, -40.0]
GRID = np.array([[a, b, 0.5, 2.0] for a in SPECIAL for b in SPECIAL])


@pytest.mark.parametrize(
    "row",
    [row for name, row in TABLE.items() if name not in ("power_term", "polygamma")],
    ids=lambda r: r.name,
)
def test_every_row_over_arrays_is_within_4_ulp_of_its_kernel(row):
    count = len(row.partials) if row.gradient is None else 4
    got = jit(vmap(lambda x: row(*x[:count])), backend="numpy")(GRID)
    for point, a in zip(GRID.tolist(), got.tolist(), strict=True):
        b = row(*point[:count])
        assert a == b or (a != a and b != b) or abs(a - b) <= 4.0 * math.ulp(b), point


@given(expressions())
def test_numpy_is_within_4_ulp_of_the_condition(expression):
    def first(*columns):
        return expression(*columns)

    expected = expression(*expression.inputs)
    got = jit(vmap(first), backend="numpy")(*(np.array([x, x]) for x in expression.inputs))
    expression.root.backward()
    steps = [node for node in nodes_in_order(expression.root) if node.parents]
    condition = math.fsum(abs(node.grad * node.data) for node in steps)
    assert abs(got[0] - expected) <= 4.0 * 2.3e-16 * condition + 5e-324
    assert got[1] == got[0]
