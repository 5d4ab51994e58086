"""Machine code: the engine's bits from scalar code, 4 ulp from lanes, and no crash whatever comes in."""

import importlib.util
import json
import math
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from alike import DATA, GOLDEN, ROWS, SPECIAL, arity, golden, same, within
from drawn import as_the_engine, batch, batches, together
from hypothesis import given, settings
from native import on_lanes, on_scalars
from small import W, X, Y, loss

import engine
from engine import dot, grad, sin, value_and_grad, vmap
from engine.compiler import jit
from engine.compiler.backend import Block, Layout, Options
from engine.compiler.llvm import executable, plan
from engine.compiler.numpy_backend import NumpyBackend
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.trace import trace
from engine.order import nodes_in_order
from engine.primitive import TABLE

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llvmlite") is None, reason="llvmlite is not installed"
)
EDGES = json.loads((DATA / "edge-conventions.json").read_text())


# Numbers


@settings(max_examples=batches())
@given(batch())
def test_random_expressions_have_the_engines_bits_on_scalars_and_4_ulp_of_the_condition_on_lanes(drawn):
    traced, point, expected = together(drawn)
    tape = simplified(traced)
    assert as_the_engine(drawn, on_scalars(tape, [point])[0], expected)
    lanes = iter(on_lanes(tape, [point])[0])
    for e in drawn:
        value, _ = next(lanes), [next(lanes) for _ in e.inputs]
        e.root.zero_grad()
        e.root.backward()
        condition = math.fsum(abs(node.grad * node.data) for node in nodes_in_order(e.root) if node.parents)
        assert abs(value - e.root.data) <= 4.0 * 2.3e-16 * condition + 5e-324, e


def test_every_row_has_its_kernels_bits_on_scalars_and_4_ulp_on_lanes_also_at_the_edges():
    tape = trace(lambda xs: [row(*xs[: arity(row)]) for row in ROWS], "abcd")
    points = [[a, b, *rest] for a in SPECIAL for b in SPECIAL for rest in ([0.25, 3.0], [math.nan, -0.0])]
    everything = zip(points, on_scalars(tape, points), on_lanes(tape, points), strict=True)
    for point, scalars, lanes in everything:
        expected = tape.evaluate(point)
        assert same(scalars, expected), point
        wrong = [r.name for r, a, b in zip(ROWS, lanes, expected, strict=True) if not within(a, b, 4.0)]
        assert not wrong, point


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_points_come_out_of_compiled_code(name):
    f, count = golden(name), GOLDEN[name]["arity"]

    def everything(xs: Sequence[Any]) -> list[Any]:
        value, gradient = value_and_grad(f, tuple(range(count)))(*xs)
        return [value, *gradient, *([grad(grad(f))(*xs)] if count == 1 else [])]

    tape = simplified(trace(everything, "xyz"[:count]))
    rows = [[None if x is None else float.fromhex(x) for x in point] for point in GOLDEN[name]["points"]]
    points = [row[:count] for row in rows]
    for row, *results in zip(rows, on_scalars(tape, points), on_lanes(tape, points), strict=True):
        for got in results:
            pairs = zip(got, row[count:], strict=False)
            assert all(within(a, b, 4.0) for a, b in pairs), (row, got)


@pytest.mark.parametrize("lanes", [False, True])
def test_edges_are_where_the_engine_has_them(lanes):
    rows = [row for row in EDGES if row["op"] in TABLE and row["strength"] != "free"]
    for row in rows:
        f, point = TABLE[row["op"]], [float(x) for x in row["inputs"]]
        if arity(f) != len(point):
            continue

        def both(xs, f=f, point=point):
            value, gradient = value_and_grad(f, tuple(range(len(point))))(*xs)
            return [value, *gradient]

        tape = simplified(trace(both, "xyzuvw"[: len(point)]))
        got = (on_lanes if lanes else on_scalars)(tape, [point])[0]
        assert all(within(a, b, 4.0) for a, b in zip(got, both(point), strict=True)), row


# Batches


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 16, 17, 100])
def test_a_batch_of_any_length_is_that_of_numpy(reduce, count):
    rng = np.random.default_rng(count)
    xs, ys = rng.normal(size=(count, 2)), rng.normal(size=count)
    mapped = vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce=reduce)
    got, expected = jit(mapped)(W, xs, ys), jit(mapped, backend="numpy")(W, xs, ys)
    np.testing.assert_allclose(got[0], expected[0], rtol=1e-14)
    np.testing.assert_allclose(got[1], expected[1], rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_sums_do_not_depend_on_the_number_of_threads(reduce, monkeypatch):
    monkeypatch.setattr(executable, "SHARED", 0)
    xs = np.random.default_rng(0).normal(size=(3 * executable.CHUNK + 5, 2))
    mapped = vmap(value_and_grad(loss), in_axes=(None, 0, None), reduce=reduce)
    one, two, three = (jit(mapped, threads=n)(W, xs, 1.0) for n in (1, 2, 3))
    assert np.array_equal(one[1], two[1])
    assert np.array_equal(one[1], three[1])
    np.testing.assert_allclose(one[1], jit(mapped, backend="numpy")(W, xs, 1.0)[1], rtol=1e-11)


def test_threads_are_kept_from_call_to_call(monkeypatch):
    monkeypatch.setattr(executable, "SHARED", 0)
    f = jit(vmap(sin, reduce="sum"), threads=2)
    xs = np.linspace(0.0, 1.0, 3 * executable.CHUNK)
    f(xs)
    before = set(threading.enumerate())
    f(xs)
    assert set(threading.enumerate()) == before


@pytest.mark.parametrize("backend", [executable.Native, NumpyBackend])
@pytest.mark.parametrize("reduce", [None, "mean"])
def test_an_executable_is_ready_and_fills_the_outputs_of_its_caller(backend, reduce):
    tape = trace(lambda xs: [xs[0] * xs[1], xs[0] - xs[1]], "xy")
    layout = Layout((Block(1, False), Block(1, True)), True, reduce)
    run = backend(tape, layout, Options())
    outputs = np.full((3, 2) if reduce is None else 2, 7.0)
    assert run.ready.is_set()
    assert run.run([np.array([2.0]), np.array([[1.0], [2.0], [3.0]])], outputs) == -1
    expected = np.array([[2.0, 1.0], [4.0, 0.0], [6.0, -1.0]])
    np.testing.assert_array_equal(outputs, expected if reduce is None else expected.mean(axis=0))


def test_a_nan_in_one_example_stays_there():
    xs = np.linspace(-2.0, 2.0, 21)
    xs[5] = math.nan
    got = jit(vmap(value_and_grad(lambda x: engine.log(x) * engine.tanh(x))))(xs)[1]
    assert [i for i, x in enumerate(got) if math.isnan(x)] == [
        *range(10),
        *([10] if math.isnan(got[10]) else []),
    ]


def test_single_precision_has_sixteen_lanes_and_its_own_rounding():
    xs = np.random.default_rng(0).normal(size=(37, 2)).astype("float32")
    got = jit(vmap(loss, in_axes=(None, 0, None)), dtype="float32")(W, xs, 1.0)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, vmap(loss, in_axes=(None, 0, None))(W, xs.astype(float), 1.0), rtol=1e-5)
    assert jit(lambda x: x / 3.0, dtype="float32")(1.0) == float(np.float32(1.0) / np.float32(3.0))
    assert jit(lambda x: x * 1e300, dtype="float32")(1.0) == math.inf


def test_fast_math_is_close_and_keeps_nan():
    fast = jit(vmap(loss, in_axes=(None, 0, 0)), fast_math=True)
    np.testing.assert_allclose(fast(W, X, Y), vmap(loss, in_axes=(None, 0, 0))(W, X, Y), rtol=1e-13)
    assert math.isnan(fast(W, X * math.nan, Y)[0])


# Sizes


@pytest.mark.parametrize("count", [plan.LONG, plan.LONG + 1, 500, 4000])
def test_rows_of_many_operands_are_loops_with_the_engines_bits(count):
    def f(x, w):
        return dot(list(x), list(w)) + engine.logsumexp(list(x)) * engine.mean(
            [a * b for a, b in zip(x, w, strict=True)]
        )

    x, w = np.random.default_rng(0).normal(size=(2, count))
    value, (dx, dw) = jit(value_and_grad(f, (0, 1)))(x, w)
    expected, (ex, ew) = value_and_grad(f, (0, 1))(x, w)
    assert value == expected
    assert np.array_equal(dx, ex)
    assert np.array_equal(dw, ew)


@pytest.mark.parametrize("count", [plan.SEGMENT, 5 * plan.SEGMENT, 2 * plan.LARGE])
def test_long_tapes_in_segments_have_the_engines_bits(count):
    def chain(x, y):
        for _ in range(count):
            x, y = sin(x * y) + 0.5, x - 0.25
        return x * y

    assert jit(value_and_grad(chain, (0, 1)))(0.3, 0.7) == value_and_grad(chain, (0, 1))(0.3, 0.7)


def test_memory_of_the_heap_serves_large_tapes_on_lanes():
    def chain(x):
        total = x
        for k in range(plan.LARGE_MAPPED):
            total = total + sin(x * float(k)) * total
        return total

    xs = np.linspace(-1e-3, 1e-3, 9)
    got = jit(vmap(value_and_grad(chain)))(xs)
    expected = jit(vmap(value_and_grad(chain)), backend="numpy")(xs)
    np.testing.assert_allclose(got[1], expected[1], rtol=1e-9)
