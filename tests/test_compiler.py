"""`jit`: what it takes, what it gives, when it traces."""

import copy
import gc
import math
import pickle
from functools import partial

import numpy as np
import pytest
from small import in_threads

import engine
from engine import (
    Value,
    dot,
    exp,
    grad,
    hessian,
    jacobian,
    jvp,
    no_grad,
    sin,
    tanh,
    value_and_grad,
    vmap,
)
from engine.compiler import TracingError, jit
from engine.compiler.cache import KEPT
from engine.compiler.tape.symbol import Symbol
from engine.primitive import custom
from nn import MLP, Module


def f(x, y):
    return sin(x * y) * x + exp(y)


def loss(w, x, y):
    return (tanh(dot(w, x)) - y) ** 2


W, X, Y = np.linspace(-1.0, 1.0, 3), np.linspace(-2.0, 2.0, 15).reshape(5, 3), np.linspace(0.0, 1.0, 5)


def flat(tree):
    return [x for part in tree for x in flat(part)] if isinstance(tree, (list, tuple)) else [tree]


# What goes in, what comes out


def test_floats_in_floats_out():
    assert jit(f)(0.3, 0.7) == f(0.3, 0.7)
    assert type(jit(f)(0.3, 0.7)) is float
    assert jit(f)(1, np.float32(2.0)) == f(1.0, 2.0)


def test_arrays_in_arrays_out():
    g = jit(lambda w, x: {"scaled": w * 2.0, "dot": dot(w, x), "pair": (x[0], [w[1]])})
    result = g(W, np.arange(3))
    np.testing.assert_array_equal(result["scaled"], W * 2.0)
    assert result["dot"] == dot(W, np.arange(3.0))
    assert result["pair"] == (0.0, [0.0])
    assert type(result["dot"]) is float


def test_shapes_and_nested_containers_come_back_as_they_are_in_python():
    def g(tree, matrix):
        return {"m": matrix * tree["a"][0], "t": (tree["b"], None, [tree["a"][1]])}

    tree, matrix = {"a": (2.0, 3.0), "b": 4.0}, np.arange(6.0).reshape(2, 3)
    compiled, plain = jit(g)(tree, matrix), g(tree, matrix)
    np.testing.assert_array_equal(compiled["m"], plain["m"])
    assert compiled["t"] == plain["t"]


def test_keywords_are_arguments():
    assert jit(f)(0.3, y=0.7) == f(0.3, 0.7)


@pytest.mark.parametrize(
    "transform",
    [
        grad,
        value_and_grad,
        lambda f: grad(f, (0, 1)),
        lambda f: grad(grad(f)),
        lambda f: jacobian(lambda x, y: [f(x, y), x], 1),
        lambda f: hessian(f, (0, 1)),
        lambda f: lambda x, y: jvp(f, (x, y), (1.0, 2.0)),
        lambda f: grad(lambda x, y: jvp(lambda t: f(t, y), x, 1.0)[1], 1),
    ],
)
def test_transforms_nest_inside_and_outside(transform):
    assert jit(transform(f))(0.3, 0.7) == transform(f)(0.3, 0.7)
    np.testing.assert_allclose(
        np.ravel(flat(transform(jit(f))(0.3, 0.7))), np.ravel(flat(transform(f)(0.3, 0.7))), rtol=1e-15
    )


def test_variables_of_transforms_around_and_inside_are_told_apart():
    assert jit(lambda x: jit(lambda y: x * y)(2.0))(3.0) == 6.0
    assert grad(lambda x: jit(lambda y: x * y)(2.0))(3.0) == 2.0
    assert jit(lambda x: grad(lambda y: x * y)(1.0))(3.0) == 3.0
    assert jit(grad(lambda x: x * grad(lambda y: x + y)(1.0)))(1.0) == 1.0


def test_values_in_values_out_that_stay_connected():
    x, y = Value(0.3), Value(0.7)
    z = jit(f)(x, y) * 2.0
    z.backward()
    assert (z.data, x.grad, y.grad) == (
        2.0 * f(0.3, 0.7),
        *grad(lambda x, y: 2.0 * f(x, y), (0, 1))(0.3, 0.7),
    )
    x.data = 1.0
    assert z.forward() == 2.0 * f(1.0, 0.7)


def test_modules_are_trees_of_parameters():
    model = MLP(2, [3, 1], rng=1)
    step = jit(value_and_grad(lambda model, x: model(x) ** 2))
    value, gradient = step(model, [0.5, -1.0])
    plain, expected = value_and_grad(lambda model, x: model(x) ** 2)(model, [0.5, -1.0])
    assert value.data == plain.data
    assert gradient.state_dict() == expected.state_dict()
    model.parameters()[-1].data += 1.0
    assert step(model, [0.5, -1.0])[0].data != value.data
    assert len(step.cache) == 1


def test_a_detached_symbol_passes_no_gradient():
    assert jit(grad(lambda x: x * x.detach()))(3.0) == 3.0

    def half_recorded(x):
        with no_grad():
            y = x * x
        return x * y

    assert jit(grad(half_recorded))(3.0) == 9.0


def test_it_works_inside_no_grad_and_on_custom_primitives():
    cube = custom(lambda x: x**3, lambda x: 3.0 * x * x, name="cube")
    with no_grad():
        assert jit(grad(cube))(2.0) == 12.0
        assert jit(grad(grad(cube)))(2.0) == 12.0


class Line(Module):
    def __init__(self):
        self.slope = Value(2.0)

    @jit
    def __call__(self, x):
        return self.slope * x


def test_methods_may_be_compiled():
    line = Line()
    assert line(3.0).data == 6.0
    line.slope.data = 4.0
    assert line(3.0).data == 12.0
    assert len(Line.__call__.cache) == 1


def test_callables_of_all_kinds_are_compiled():
    assert jit(np.sin)(0.5) == math.sin(0.5)
    assert jit(partial(lambda a, b: a * b, 2.0))(3.0) == 6.0
    assert jit(MLP(2, [1], rng=0))([0.5, 0.25]) == MLP(2, [1], rng=0)([0.5, 0.25]).data


def test_a_symbol_cannot_be_copied_or_pickled():
    for copying in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TracingError, match="copy or a pickle"):
            jit(lambda x, copying=copying: copying(x), static_argnums=1)(1.0, copying)
    shown = []
    jit(lambda x: shown.append(repr(sin(x))) or x)(1.0)
    assert shown == ["<symbol sin>"]


# Traces


def test_a_new_structure_is_a_new_trace_and_an_old_one_is_not():
    calls = []

    def total(xs):
        calls.append(1)
        return engine.sum(xs)

    g = jit(total)
    for xs in ([1.0, 2.0], [3.0, 4.0], np.array([1.0, 2.0]), np.array([1, 2]), (1.0, 2.0), [1.0, 2.0, 3.0]):
        assert g(xs) == sum(xs)
    assert len(calls) == 4


def test_static_arguments_are_part_of_the_program():
    g = jit(lambda x, n: x**n if n > 1 else x, static_argnums=1)
    assert [g(3.0, n) for n in (1, 2, 1, 2.0, True)] == [3.0, 9.0, 3.0, 9.0, 3.0]
    assert len(g.cache) == 4
    with pytest.raises(TypeError, match="hashable"):
        g(3.0, [1])
    with pytest.raises(TypeError, match="static_argnums asks for argument 1"):
        g(3.0)


def test_the_cache_is_bounded():
    g = jit(lambda xs, n: xs[0] * n, static_argnums=1, backend="numpy")
    for n in range(3 * KEPT):
        assert g([2.0], n) == 2.0 * n
    assert len(g.cache) == KEPT


def test_threads_may_share_a_compiled_function():
    g, wrong = jit(value_and_grad(f)), []
    expected = {x: value_and_grad(f)(x, 0.7) for x in (0.1, 0.2, 0.3)}

    def work(_):
        wrong.extend(x for _ in range(50) for x in expected if g(x, 0.7) != expected[x])

    in_threads(work)
    assert not wrong


def test_a_trace_leaves_nothing_behind_and_the_collector_as_it_was():
    gc.collect()
    gc.disable()
    try:
        jit(value_and_grad(f))(0.3, 0.7)
        assert not gc.isenabled()
        assert not [x for x in gc.get_objects() if isinstance(x, Symbol)]
    finally:
        gc.enable()


# Pickles


def test_a_compiled_function_of_a_module_is_pickled_by_name():
    again = pickle.loads(pickle.dumps(jit(f)))
    assert again(0.3, 0.7) == f(0.3, 0.7)


def test_one_without_a_name_takes_its_traces_along():
    both = value_and_grad(lambda w, x, y: loss(w, x, y))
    g = jit(vmap(both, in_axes=(None, 0, 0), reduce="mean"))
    _, gradient = g(W, X, Y)
    again = pickle.loads(pickle.dumps(g))
    np.testing.assert_array_equal(again(W, X, Y)[1], gradient)
    with pytest.raises(TypeError, match="pickled without its Python function"):
        again(W.tolist(), X, Y)
    assert str(again.tape) == str(g.tape)
