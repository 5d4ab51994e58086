"""The way from Python into compiled code and back: short where it can be, the same either way."""

import copy
import pickle
import sys

import numpy as np
import pytest
from scipy import optimize
from small import W, X, Y, in_threads, loss, product

import engine
from engine import Value, dot, grad, jit, relu, sin, value_and_grad, vmap
from engine.compiler.llvm import executable
from nn import MLP


def test_a_call_needs_no_frame_of_python_and_what_is_refused_is_called_all_the_same():
    f = jit(lambda x, y: x * y)
    frames = []
    assert f(2.0, 3.0) == f(2.0, 3.0) == 6.0
    sys.setprofile(lambda frame, event, arg: frames.append((event, frame.f_code.co_name)))
    f(2.0, 3.0)
    sys.setprofile(None)
    assert not [name for event, name in frames if event == "call"]
    assert f(Value(2.0), 3.0).data == 6.0
    assert f(np.array([2.0]), 3.0).tolist() == [6.0]
    with pytest.raises(TypeError):
        f(1.0)


def test_results_are_made_in_the_structure_that_was_traced():
    g = jit(lambda x, y: [x * y, (y, [x + y]), 3.0])
    for _ in range(3):
        assert g(2.0, 3.0) == [6.0, (3.0, [5.0]), 3.0]
    assert type(g(2.0, 3.0)[1]) is tuple
    assert jit(lambda p: {"sum": p["a"] + p["b"]})({"a": 1.0, "b": 2.0}) == {"sum": 3.0}


def test_the_short_way_leaves_what_it_was_not_made_for_to_the_long_one():
    g = jit(lambda x, y: x * y)
    assert g(2.0, 3.0) == 6.0
    assert [g(2, 3.0), g(True, 3.0), g(np.float64(2.0), 3.0), g(x=2.0, y=3.0)] == [6.0, 3.0, 6.0, 6.0]
    assert g(Value(2.0), 3.0).data == 6.0
    assert jit(g)(2.0, 3.0) == 6.0
    assert grad(g)(2.0, 3.0) == 3.0
    for bad in ("2", None, 2j, [1.0, 2.0]):
        with pytest.raises((TypeError, ValueError)):
            g(bad, 3.0)
    with pytest.raises(TypeError):
        g(2.0)
    with pytest.raises(OverflowError):
        g(10**400, 3.0)
    assert g(2.0, 3.0) == 6.0


def test_lists_that_change_their_length_or_their_contents_are_seen():
    data = [X.copy(), Y.copy()]
    g = jit(value_and_grad(product))
    first = g(W, data)[0]
    data[0] = data[0] * 2.0
    assert g(W, data)[0] == 2.0 * first
    data[1] = [1.0, 2.0, 3.0]
    assert g(W, data)[0] == pytest.approx(product(W, data))
    del data[1]
    with pytest.raises(ValueError, match="unpack"):
        g(W, data)


def test_results_are_new_arrays_every_time():
    g = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="sum"))
    first = g(W, X, Y)[1]
    kept = first.copy()
    first += 1.0
    assert np.array_equal(g(W, X, Y)[1], kept)


def test_threads_may_share_machine_code():
    g, wrong = jit(value_and_grad(product)), []
    inputs = [(W * k, [X, Y]) for k in range(8)]
    expected = [g(*args)[0] for args in inputs]

    def work(_):
        wrong.extend(k for _ in range(200) for k, args in enumerate(inputs) if g(*args)[0] != expected[k])

    in_threads(work)
    assert not wrong


def test_copies_and_pickles_compile_again():
    g = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="mean"))
    expected = g(W, X, Y)[1]
    for again in (copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert np.array_equal(again(W, X, Y)[1], expected)
        assert np.array_equal(again(W, X, Y)[1], expected)
        assert short(again)


# Modules, as one flat vector


def hinge(model, x, y):
    return relu(1.0 - y * model(x))


def test_a_module_travels_as_one_vector_of_its_parameters():
    model = MLP(2, [4, 1], rng=0)
    parameters, rebuild = model.tree_parts()
    step = jit(
        vmap(value_and_grad(lambda w, x, y: hinge(rebuild(w), x, y)), in_axes=(None, 0, 0), reduce="mean")
    )
    value, gradient = step(np.array([p.data for p in parameters]), X, Y)
    mean = engine.mean([hinge(model, x, y) for x, y in zip(X, Y, strict=True)])
    mean.backward()
    assert value == pytest.approx(mean.data)
    np.testing.assert_allclose(gradient, [p.grad for p in parameters], rtol=1e-13)


def test_scipy_minimises_over_that_vector_and_over_any_other():
    model = MLP(2, [4, 1], activation="tanh", rng=0)
    parameters, rebuild = model.tree_parts()
    squares = value_and_grad(lambda w, x, y: (rebuild(w)(x) - y) ** 2)
    step = jit(vmap(squares, in_axes=(None, 0, 0), reduce="mean"))
    found = optimize.minimize(step, [p.data for p in parameters], args=(X, Y), jac=True)
    assert rebuild(found.x.tolist())(X[1]).data == pytest.approx(Y[1], abs=1e-3)
    bowl = jit(value_and_grad(lambda w: (w[0] - 3.0) ** 2 + w[1] ** 2))
    np.testing.assert_allclose(optimize.minimize(bowl, W, jac=True).x, [3.0, 0.0], atol=1e-6)


def test_a_module_as_an_argument_gives_a_module_of_gradients():
    model = MLP(2, [4, 1], rng=0)
    step = jit(vmap(value_and_grad(hinge), in_axes=(None, 0, 0), reduce="mean"))
    for _ in range(2):
        value, gradient = step(model, X, Y)
        model.zero_grad()
        mean = engine.mean([hinge(model, x, y) for x, y in zip(X, Y, strict=True)])
        mean.backward()
        assert value.data == pytest.approx(mean.data)
        assert [g.data for g in gradient.parameters()] == pytest.approx([p.grad for p in model.parameters()])
        model.parameters()[0].data += 0.25


# The short way, and what it must not take


def short(f):
    """Whether the last call of f could have gone the short way."""
    return f.fast_path.__name__ == "compiled"


def test_dicts_lists_and_tuples_of_numbers_and_arrays_go_the_short_way():
    f = jit(value_and_grad(lambda p, q: dot(list(p["w"]), list(q[0])) * p["b"] + q[1][0]))
    expected = f({"b": 2.0, "w": W}, (X[0], [3.0]))
    assert f.fast_path({"b": 2.0, "w": W}, (X[0], [3.0])) is not NotImplemented
    value, gradient = f({"b": 2.0, "w": W}, (X[0], [3.0]))
    assert value == expected[0]
    assert list(gradient) == list(expected[1]) == ["b", "w"]
    assert (gradient["b"], gradient["w"].tolist()) == (expected[1]["b"], (X[0] * 2.0).tolist())


@pytest.mark.parametrize("kind", [int, bool, np.float64, np.float32, np.int64, np.uint8])
def test_numbers_of_every_kind_go_the_short_way_together_with_floats(kind):
    f = jit(value_and_grad(lambda x, ys: x * ys[0] + ys[9]))
    assert f(2.0, [3.0] * 10) == (9.0, 3.0)
    assert f.fast_path(kind(1), [kind(1), 2.0] * 5) == (3.0, 1.0)
    assert f.fast_path(Value(1.0), [3.0] * 10) is NotImplemented
    assert f.fast_path(1.0, [3.0] * 9 + [Value(1.0)]) is NotImplemented


@pytest.mark.parametrize("count", [8, 9, 199, 200, 450, 5000])
def test_sequences_of_any_length_go_the_short_way(count):
    f = jit(grad(lambda xs: engine.sum([x * x for x in xs])))
    xs = [float(k) for k in range(count)]
    for kind in (list, tuple):
        assert f(kind(xs)) == kind(2.0 * x for x in xs)
        assert f.fast_path(kind(xs)) == kind(2.0 * x for x in xs)
        assert f.fast_path(kind(xs[:-1])) is NotImplemented


def test_what_the_short_way_does_not_know_gives_the_same_numbers():
    f = jit(value_and_grad(lambda w, x: sin(w[0]) * x[1] + w[1]))
    for w, x in ((W, X[0]), (W[::-1], X[:2, 0]), (W.astype(int), X[0].astype("float32")), (W[::-1], [1, 2])):
        value, gradient = f(w, x)
        assert value == sin(float(w[0])) * float(x[1]) + float(w[1])
        assert gradient.tolist() == [engine.cos(float(w[0])) * float(x[1]), 1.0]


def test_long_work_lets_others_go_on_and_holds_its_arrays(monkeypatch):
    monkeypatch.setattr(executable, "QUICK", 0)
    f = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="sum"))
    expected = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="sum"), backend="numpy")(W, X, Y)
    for _ in range(3):
        value, gradient = f(W, X, Y)
        assert value == pytest.approx(expected[0])
        np.testing.assert_allclose(gradient, expected[1], rtol=1e-13)
    out = (np.empty(()), np.empty(2))
    assert f(W, X, Y, out=out)[1].tolist() == gradient.tolist()


def test_a_dict_is_what_its_keys_in_their_order_say():
    f = jit(lambda p: next(iter(p.values())) * 10.0 + p["b"])
    assert f({"a": 1.0, "b": 2.0}) == 12.0
    assert f({"b": 2.0, "a": 1.0}) == 22.0
    assert f({"a": 1.0, "b": 2.0}) == 12.0
    assert f({"".join(["a", ""]): 1.0, bytes([98]).decode(): 2.0}) == 12.0
    assert f({"a": 1.0, "b": 2.0, "c": 3.0}) == 12.0
    with pytest.raises(KeyError):
        f({"a": 1.0, "c": 2.0})


def test_examples_that_are_not_summed_come_in_arrays_of_their_own():
    def both(x, y):
        return value_and_grad(lambda x: sin(x[0]) * x[1] * y)(x)

    f, plain = jit(vmap(both)), vmap(both)
    for count in (3, 1, 20, 8, 1000):
        x, y = np.random.default_rng(count).normal(size=(count, 2)), np.linspace(0.0, 1.0, count)
        (value, gradient), (expected, slopes) = f(x, y), plain(x, y)
        assert short(f)
        np.testing.assert_allclose(value, expected, rtol=1e-14)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-13)
        assert gradient.flags.c_contiguous
        assert (value.shape, gradient.shape) == ((count,), (count, 2))


def test_a_list_of_examples_beside_an_array_has_to_be_as_long():
    f = jit(vmap(lambda a, x: a * x, reduce="sum"))
    assert f([1.0, 2.0, 3.0], np.ones(3)) == 6.0
    with pytest.raises(ValueError, match="one batch length"):
        f([1.0, 2.0, 3.0], np.ones(100))
    assert f([1.0, 2.0], np.ones(2)) == 3.0


@pytest.mark.parametrize("count", [4096, 4097, 20_000])
def test_a_sum_has_the_same_bits_at_every_call(count):
    f = jit(vmap(lambda x: sin(x) * x, reduce="sum"))
    x = np.random.default_rng(0).normal(size=count)
    assert len({f(x) for _ in range(3)}) == 1


def test_what_is_returned_at_another_call_is_what_was_traced():
    structures = iter([lambda x: [x, x], lambda x: (x,), lambda x: None, lambda x: "text"])
    f = jit(lambda x: next(structures)(x))
    assert [f(1.0), f(2.0)] == [[1.0, 1.0], [2.0, 2.0]]
    assert f(np.float64(3.0)) == [3.0, 3.0]
    assert f(np.array(1.0)) == (1.0,)
    for bad in ([1.0], (1.0,)):
        with pytest.raises(TypeError, match="a compiled function returns numbers"):
            f(bad)
    assert f(4.0) == [4.0, 4.0]


def test_another_shape_or_dtype_is_another_trace_or_the_same_numbers():
    f = jit(lambda x: engine.sum(x.ravel().tolist()))
    for x in (X, X.T, X[:2], X.astype("float32"), X.astype(int), X[0], np.array(2.5), X[:0], X):
        assert f(x) == pytest.approx(float(np.sum(x)))
    assert len(f.cache) == 6


def test_keywords_of_a_mapped_function_run_over_examples():
    f = vmap(loss, in_axes=(None, 0))
    np.testing.assert_array_equal(jit(f)(W, X, y=Y), f(W, X, y=Y))
    with pytest.raises(ValueError, match="3 entries for a call with 2"):
        jit(vmap(loss, in_axes=(None, 0, 0)))(W, X, y=Y)


def test_arguments_that_are_too_deep_or_contain_themselves_are_refused():
    deep = cycle = [1.0]
    for _ in range(5_000):
        deep = [deep]
    for call in (jit(lambda tree: 1.0), jit(vmap(lambda tree: 1.0))):
        with pytest.raises(ValueError, match="nested too deep"):
            call(deep)
    cycle.append(cycle)
    with pytest.raises(ValueError, match="contains itself"):
        jit(lambda tree: tree[0])(cycle)
