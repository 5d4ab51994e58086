"""`out=`: results written into arrays that the caller gives."""

import gc
import pickle
import sys
import tracemalloc

import numpy as np
import pytest
from small import W, in_threads, loss

from engine import Value, dot, jit, sin, value_and_grad, vmap

X, Y = np.random.default_rng(0).normal(size=(21, 2)), np.linspace(-1.0, 1.0, 21)


def step(reduce="mean", **options):
    return jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce=reduce), **options)


CASES = {
    "reduced": (step(), (W, X, Y)),
    "stacked": (step(None), (W, X, Y)),
    "single precision": (step("sum", dtype="float32"), (W, X, Y)),
    "threads": (step("sum", threads=2), (W, np.tile(X, (500, 1)), np.tile(Y, 500))),
    "numpy": (step(None, backend="numpy"), (W, X, Y)),
    "one column": (jit(vmap(lambda x: sin(x) * x)), (Y,)),
    "matrices": (jit(vmap(lambda x: np.array([[x[0], x[1]], [sin(x[0]), 2.0]]))), (X,)),
    "numbers": (jit(lambda x, y: [x * y, (x, {"b": y, "a": 3.0})]), (2.0, 3.0)),
    "dicts": (jit(value_and_grad(lambda p: p["w"][0] * p["b"])), ({"w": W, "b": 2.0},)),
    "many": (jit(lambda x: x * 2.0), (np.arange(5000.0),)),
}


def like(result, dtype="float64", fill=7.0):
    """Arrays for a result."""
    if isinstance(result, dict):
        return {key: like(part, dtype, fill) for key, part in result.items()}
    if isinstance(result, (list, tuple)):
        return type(result)(like(part, dtype, fill) for part in result)
    return np.full(np.shape(result), fill, dtype)


def flat(tree):
    parts = tree.values() if isinstance(tree, dict) else tree
    return [x for part in parts for x in flat(part)] if isinstance(tree, (dict, list, tuple)) else [tree]


@pytest.mark.parametrize("case", CASES)
def test_results_are_written_into_the_arrays_to_the_bit_and_they_come_back(case):
    f, args = CASES[case]
    expected = f(*args)
    dtype = f.options.dtype
    out = like(expected, dtype)
    held = flat(out)
    for _ in range(2):
        for array in held:
            array[...] = 7.0
        assert f(*args, out=out) is out
        assert all(a is b for a, b in zip(held, flat(out), strict=True))
        for got, want in zip(held, flat(expected), strict=True):
            np.testing.assert_array_equal(got, np.asarray(want, dtype))


def test_without_arrays_out_is_as_if_it_were_not_there():
    assert jit(lambda x: x * 2.0)(3.0, out=None) == 6.0


def test_nothing_is_allocated():
    f = jit(vmap(value_and_grad(lambda w, x: dot(list(w), [x] * 500)), in_axes=(None, 0), reduce="mean"))
    w = np.arange(500.0)
    out = like(f(w, Y))

    def peak(**keywords):
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(10):
            f(w, Y, **keywords)
        return tracemalloc.get_traced_memory()[1] - before

    tracemalloc.start()
    try:
        assert peak() > w.nbytes
        assert [peak(out=out) for _ in range(20)][-1] < w.nbytes // 4
    finally:
        tracemalloc.stop()


def test_results_may_go_where_the_arguments_are():
    scaled = jit(lambda x: x[::-1] * 2.0)
    x = np.arange(4.0)
    assert scaled(x, out=x) is x
    assert x.tolist() == [6.0, 4.0, 2.0, 0.0]
    squares = jit(vmap(lambda x: x * x))
    memory = np.arange(11.0)
    for _ in range(2):
        memory[:] = np.arange(11.0)
        squares(memory[:-1], out=memory[1:])
        assert memory.tolist() == [0.0, *(k * k for k in range(10))]
    descent = jit(lambda w, g: w - 0.5 * g)
    w, g = W.copy(), np.ones(2)
    for _ in range(3):
        descent(w, g, out=w)
    assert w.tolist() == (W - 1.5).tolist()


READ_ONLY = np.zeros(2)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ((np.empty(()), np.empty(3)), ValueError, r"out\[1\].*shape \(2,\).*got shape \(3,\)"),
        ((np.empty(1), np.empty(2)), ValueError, r"out\[0\].*shape \(\)"),
        ((np.empty(()), np.empty(2, "float32")), TypeError, "float64.*got float32"),
        ((np.empty(()), np.empty(2, ">f8")), TypeError, "float64.*got >f8"),
        ((np.empty(()), np.empty(4)[::2]), ValueError, "C-contiguous.*strides"),
        ((np.empty(()), READ_ONLY), ValueError, "writeable=False"),
        ((np.empty(()), [0.0, 0.0]), TypeError, r"out\[1\].*got list"),
        ((1.0, np.empty(2)), TypeError, r"out\[0\].*got float"),
        ([np.empty(()), np.empty(2)], ValueError, "tuple of 2.*got list"),
        ((np.empty(()),), ValueError, "tuple of 2.*got tuple"),
        (np.empty(3), ValueError, "tuple of 2.*got ndarray"),
        ({"value": np.empty(()), "gradient": np.empty(2)}, ValueError, "tuple of 2.*got dict"),
        ("text", ValueError, "tuple of 2.*got str"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_and_nothing_is_written(wrong, error, said):
    f = step()
    f(W, X, Y)
    for array in (a for a in flat(wrong) if isinstance(a, np.ndarray) and a.flags.writeable):
        array[...] = 7.0
    for _ in range(2):
        with pytest.raises(error, match=said):
            f(W, X, Y, out=wrong)
    assert all(np.all(a == 7.0) for a in flat(wrong) if isinstance(a, np.ndarray) and a.flags.writeable)


def test_keys_that_differ_are_refused():
    f = jit(lambda p: {"a": p["a"] * 2.0, "b": p["b"]})
    with pytest.raises(ValueError, match="dict of 2"):
        f({"a": 1.0, "b": 2.0}, out={"a": np.empty(()), "c": np.empty(())})


def test_the_arrays_of_another_order_of_keys_are_found_by_their_keys():
    f = jit(lambda p: {"a": p["a"] * 2.0, "b": p["b"]})
    out = {"b": np.empty(()), "a": np.empty(())}
    for _ in range(2):
        assert f({"a": 1.0, "b": 5.0}, out=out) is out
        assert (out["a"], out["b"]) == (2.0, 5.0)


def test_subclasses_of_arrays_take_results_as_they_do_with_numpy(tmp_path):
    out = np.memmap(tmp_path / "results", "float64", "w+", shape=(21,))
    assert jit(vmap(sin))(Y, out=out) is out
    np.testing.assert_allclose(np.fromfile(tmp_path / "results"), np.sin(Y), rtol=1e-15)


def test_a_parameter_of_that_name_takes_precedence():
    f = jit(lambda x, out: x * out)
    assert [f(2.0, out=3.0), f(2.0, 3.0), f(2.0, out=4.0)] == [6.0, 6.0, 8.0]
    assert jit(lambda x, **rest: x * rest["out"])(2.0, out=3.0) == 6.0
    mapped, result = jit(vmap(lambda x, out: x * out)), np.empty(21)  # what is mapped has no keywords
    assert mapped(Y, Y, out=result) is result
    np.testing.assert_array_equal(result, Y * Y)


def test_other_keywords_stay_arguments_beside_it():
    f, out = jit(lambda x, y: x * y), np.empty(())
    for y in (3.0, 4.0):
        assert f(2.0, y=y, out=out) is out
        assert out == 2.0 * y


def test_values_do_not_fit_into_arrays():
    with pytest.raises(TypeError, match="leave it away"):
        jit(lambda x: x * 2.0)(Value(1.0), out=np.empty(()))
    with pytest.raises(TypeError, match="leave it away"):
        jit(lambda x: jit(lambda y: y * 2.0)(x, out=np.empty(())))(1.0)


def test_a_pickle_knows_it_too():
    f = step()
    expected = f(W, X, Y)
    out = like(expected)
    again = pickle.loads(pickle.dumps(f))
    for _ in range(2):
        assert again(W, X, Y, out=out)[1].tolist() == expected[1].tolist()


def test_threads_have_arrays_of_their_own():
    f, wrong = step(), []
    expected = {k: f(W * k, X, Y)[1].tolist() for k in range(8)}

    def work(k):
        out = (np.empty(()), np.empty(2))
        wrong.extend(k for _ in range(200) if f(W * k, X, Y, out=out)[1].tolist() != expected[k])

    in_threads(work, 8)
    assert not wrong


@pytest.mark.parametrize("case", [case for case in CASES if case != "threads"])
def test_no_reference_is_lost_or_kept(case):
    f, args = CASES[case]
    out = like(f(*args), f.options.dtype)
    held = [out, *flat(out), *args, *flat(list(args)), np.dtype("float64"), "a", "b"]
    gc.collect()  # rubbish of other tests may hold some of them
    before = [sys.getrefcount(x) for x in held]
    for _ in range(200):
        f(*args)
        f(*args, out=out)
        f(*args, out=None)
    gc.collect()
    after = [sys.getrefcount(x) for x in held]
    assert all(abs(b - a) < 100 for a, b in zip(before, after, strict=True))
    assert all(sys.getrefcount(x) < 6 for x in flat(f(*args)) if isinstance(x, np.ndarray))
