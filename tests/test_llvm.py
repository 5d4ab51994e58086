"""Machine code: the engine's bits from scalar code, 4 ulp from lanes, and no crash whatever comes in."""

import contextlib
import copy
import gc
import importlib.util
import json
import math
import pickle
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import Value, dot, exp, functions, grad, primitives, relu, sin, value_and_grad, vmap
from engine.compiler import jit
from engine.compiler.arrays import Arrays
from engine.compiler.backend import Block, Layout, Options
from engine.compiler.llvm import executable, llvm, plan, program
from engine.compiler.llvm.executable import Native
from engine.compiler.passes import simplified
from engine.compiler.tape import Tape
from engine.compiler.trace import trace
from engine.primitive import TABLE, Primitive, custom
from engine.testing.expression import ordered
from engine.testing.strategies import expressions

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llvmlite") is None, reason="llvmlite is not installed"
)
BATCH = 25  # expressions in one tape: 20 tapes make the 500 of CI, 800 the 20,000 of the night
DATA = Path(__file__).parent / "data"
GOLDEN = json.loads((DATA / "golden.json").read_text())["ops"]
EDGES = json.loads((DATA / "edge-conventions.json").read_text())
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -0.5, 2.0, 1e308, -3.0, 0.75, -40.0]
SPELLED: dict[str, Any] = {
    "fabs": primitives.abs,
    "log_base": functions.log,
    "logsumexp2": primitives.logaddexp,
    "leaky_relu": functions.leaky_relu,
    "elu": functions.elu,
    "gelu": functions.gelu,
}
W, X, Y = (
    np.array([0.5, -1.25]),
    np.array([[1.0, 2.0], [-0.5, 0.25], [3.0, -1.0]]),
    np.array([1.0, -1.0, 1.0]),
)


def loss(w, x, y):
    return relu(1.0 - y * dot(list(w), list(x))) + exp(-w[0] * w[0])


def bits(x: float) -> bytes:
    return b"nan" if math.isnan(x) else struct.pack("<d", x)


def same(xs: Sequence[float], ys: Sequence[float]) -> bool:
    return list(map(bits, xs)) == list(map(bits, ys))


def within(got: float, expected: float, ulps: float) -> bool:
    if bits(got) == bits(expected) or got == expected == 0.0:
        return True
    return math.isfinite(got) and math.isfinite(expected) and abs(got - expected) <= ulps * math.ulp(expected)


def on_scalars(tape: Tape, points: Sequence[Sequence[float]]) -> Any:
    run = Native(tape, Layout((Block(len(tape.inputs), False),)), Options())
    return [run.arrays([np.array(point)], 0).tolist() for point in points]


def on_lanes(tape: Tape, points: Sequence[Sequence[float]]) -> Any:
    run = Native(tape, Layout((Block(len(tape.inputs), True),), True), Options())
    return run.arrays([np.array(points)], len(points)).tolist()


def together(drawn: Sequence[Any]) -> tuple[Tape, list[float], list[float]]:
    """Value and gradient of many expressions as one tape; the point, and what the engine says there."""
    point = [x for e in drawn for x in e.inputs]

    def all_of_them(xs: Sequence[Any]) -> list[Any]:
        results, rest = [], iter(xs)
        for e in drawn:
            own = [next(rest) for _ in e.inputs]
            value, gradient = value_and_grad(e, tuple(range(len(own))))(*own)
            results += [value, *gradient]
        return results

    return simplified(trace(all_of_them, [f"x{i}" for i in range(len(point))])), point, all_of_them(point)


# Numbers


@settings(max_examples={20: 2, 200: 20, 5000: 800}.get(settings.default.max_examples, 2))
@given(st.lists(expressions(), min_size=BATCH, max_size=BATCH))
def test_random_expressions_have_the_engines_bits_on_scalars_and_4_ulp_of_the_condition_on_lanes(drawn):
    tape, point, expected = together(drawn)
    assert same(on_scalars(tape, [point])[0], expected)
    lanes = iter(on_lanes(tape, [point])[0])
    for e in drawn:
        value, _ = next(lanes), [next(lanes) for _ in e.inputs]
        e.root.zero_grad()
        e.root.backward()
        condition = math.fsum(abs(node.grad * node.data) for node in ordered(e.root) if node.parents)
        assert abs(value - e.root.data) <= 4.0 * 2.3e-16 * condition + 5e-324, e


def arity(row: Primitive) -> int:
    return len(row.partials) if row.gradient is None else 4


ROWS = [row for name, row in TABLE.items() if name not in ("power_term", "polygamma")]


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
    f, count = SPELLED.get(name) or getattr(primitives, name), GOLDEN[name]["arity"]

    def everything(xs: Sequence[Any]) -> list[Any]:
        value, gradient = value_and_grad(f, tuple(range(count)))(*xs)
        return [value, *gradient, *([grad(grad(f))(*xs)] if count == 1 else [])]

    tape = simplified(trace(everything, "xyz"[:count]))
    rows = [[None if x is None else float.fromhex(x) for x in point] for point in GOLDEN[name]["points"]]
    points = [row[:count] for row in rows]
    for row, *results in zip(rows, on_scalars(tape, points), on_lanes(tape, points), strict=True):
        for got in results:
            pairs = zip(got, row[count:], strict=False)
            assert all(b is None or within(a, b, 4.0) for a, b in pairs), (row, got)


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
def test_sums_do_not_depend_on_the_number_of_threads(reduce):
    xs = np.random.default_rng(0).normal(size=(3 * executable.CHUNK + 5, 2))
    mapped = vmap(value_and_grad(loss), in_axes=(None, 0, None), reduce=reduce)
    one, two, three = (jit(mapped, threads=n)(W, xs, 1.0) for n in (1, 2, 3))
    assert np.array_equal(one[1], two[1])
    assert np.array_equal(one[1], three[1])
    np.testing.assert_allclose(one[1], jit(mapped, backend="numpy")(W, xs, 1.0)[1], rtol=1e-11)


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


@pytest.mark.parametrize("count", [plan.SEGMENT, 5 * plan.SEGMENT, 2 * program.LARGE])
def test_long_tapes_in_segments_have_the_engines_bits(count):
    def chain(x, y):
        for _ in range(count):
            x, y = sin(x * y) + 0.5, x - 0.25
        return x * y

    assert jit(value_and_grad(chain, (0, 1)))(0.3, 0.7) == value_and_grad(chain, (0, 1))(0.3, 0.7)


def test_memory_of_the_heap_serves_large_tapes_on_lanes():
    def chain(x):
        total = x
        for k in range(program.LARGE):
            total = total + sin(x * float(k)) * total
        return total

    xs = np.linspace(-1e-3, 1e-3, 9)
    got = jit(vmap(value_and_grad(chain)))(xs)
    expected = jit(vmap(value_and_grad(chain)), backend="numpy")(xs)
    np.testing.assert_allclose(got[1], expected[1], rtol=1e-9)


# Calls


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


ARRAYS = [
    X,
    X.astype("float32"),
    np.asfortranarray(X),
    X[::-1],
    X[:, ::-1],
    np.repeat(X, 2, axis=0)[::2],
    X.astype(int),
    X.astype(">f8"),
    X.astype(object),
    np.ma.masked_array(X),
    X.copy().view(type("Sub", (np.ndarray,), {})),
    np.frombuffer(b"\0" + X.tobytes(), dtype="u1")[1:].view("f8").reshape(3, 2),
    np.broadcast_to(X[0], (3, 2)),
    np.concatenate([X, X]),
    X * math.nan,
]


@pytest.mark.parametrize("xs", ARRAYS, ids=lambda x: f"{type(x).__name__}-{x.dtype.str}-{x.strides}")
def test_arrays_of_any_kind_give_what_their_numbers_say(xs):
    g = jit(vmap(value_and_grad(loss), in_axes=(None, 0, None), reduce="mean"))
    g(W, X, 1.0)
    for _ in range(2):
        plain = np.array(np.asarray(xs), dtype=float)
        expected = vmap(value_and_grad(loss), in_axes=(None, 0, None), reduce="mean")(W, plain, 1.0)
        got = g(W, xs, 1.0)
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-14)
        np.testing.assert_allclose(got[1], expected[1], rtol=1e-14)
    np.testing.assert_array_equal(g(W, X, 1.0)[1], g(W, X.copy(), 1.0)[1])


@pytest.mark.parametrize(
    "args",
    [
        (W, X, Y[:2]),
        (W, X[:0], Y[:0]),
        (W, X, 1.0),
        (W, 1.0, Y),
        (W, X.astype(complex), Y),
        (W, X.astype(str), Y),
        (W, None, Y),
        (W, X),
        (),
    ],
)
def test_batches_that_do_not_fit_are_an_error(args):
    g = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="mean"))
    expected = g(W, X, Y)
    with pytest.raises((TypeError, ValueError)):
        g(*args)
    assert g(W, X, Y)[0] == expected[0]


OBJECTS = st.recursive(
    st.floats()
    | st.integers()
    | st.text(max_size=3)
    | st.none()
    | st.booleans()
    | st.sampled_from([W, X, Y, X.T, W[:0]]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.lists(OBJECTS, max_size=4))
def test_no_arguments_crash_it(args):
    nested = NESTED(W, [X, Y])
    with contextlib.suppress(TypeError, ValueError, IndexError, OverflowError):
        NESTED(*args)
    assert same([NESTED(W, [X, Y])[0]], [nested[0]])


def product(w, xy):
    x, y = xy
    return dot(list(w), list(x[0])) * y[0] + dot(list(w), list(x[1])) * y[2]


NESTED = jit(value_and_grad(product), backend="llvm")


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

    def work():
        wrong.extend(k for _ in range(200) for k, args in enumerate(inputs) if g(*args)[0] != expected[k])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_copies_and_pickles_compile_again():
    g = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="mean"))
    expected = g(W, X, Y)[1]
    for again in (copy.deepcopy(g), pickle.loads(pickle.dumps(g))):
        assert np.array_equal(again(W, X, Y)[1], expected)


def test_code_outlives_the_function_that_made_it_and_not_longer():
    g = jit(lambda x: x * 2.0)
    g(1.0)
    short = g.latest_direct
    del g
    gc.collect()
    assert short(21.0) == 42.0


def test_rows_that_are_python_functions_run_on_numpy():
    twice = custom(lambda x: 2.0 * x, lambda x: 2.0, name="twice")
    g = jit(vmap(value_and_grad(lambda x: twice(x) * x)))
    np.testing.assert_allclose(g(np.array([1.0, 3.0]))[1], [4.0, 12.0])
    assert isinstance(g.latest.executable, Arrays)


def test_without_llvmlite_numpy_computes_and_says_so_once(monkeypatch):
    def missing():
        raise ImportError("no llvmlite")

    monkeypatch.setattr(executable, "binding", missing)
    executable.installed.cache_clear()
    tape, layout = trace(lambda xs: [xs[0] * 2.0], "x"), Layout((Block(1, False),))
    with pytest.warns(RuntimeWarning, match=r"chainrule\[jit\]"):
        assert isinstance(llvm(tape, layout, Options()), Arrays)
    assert isinstance(llvm(tape, layout, Options()), Arrays)
    executable.installed.cache_clear()


def test_without_a_vector_library_or_known_objects_the_numbers_are_the_same(monkeypatch):
    tape = trace(lambda xs: [sin(xs[0]) * exp(xs[0]), primitives.sech2(xs[0])], "x")
    points = [[x] for x in SPECIAL]
    expected = on_lanes(tape, points)
    monkeypatch.setattr("engine.compiler.llvm.lanes.vector_function", lambda name, arity: None)
    for got, want in zip(on_lanes(tape, points), expected, strict=True):
        assert all(within(a, b, 4.0) for a, b in zip(got, want, strict=True))
    monkeypatch.setattr("engine.compiler.llvm.python_objects.offsets_hold", lambda: False)
    assert jit(lambda x, y: x * y)(2.0, 3.0) == 6.0


def test_scipy_and_modules_use_it_without_ceremony():
    optimize = pytest.importorskip("scipy.optimize")
    found = optimize.minimize(jit(value_and_grad(lambda w: (w[0] - 3.0) ** 2 + w[1] ** 2)), W, jac=True)
    np.testing.assert_allclose(found.x, [3.0, 0.0], atol=1e-6)


def test_threads_may_compile_at_the_same_time():
    results: list[float] = []

    def work(k):
        results.append(jit(value_and_grad(lambda x: sin(x * k) * exp(x)))(0.5)[0])

    threads = [threading.Thread(target=work, args=(float(k),)) for k in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted((sin(0.5 * k) * exp(0.5)) for k in range(12))


def test_code_that_nobody_holds_is_freed():
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1])

    def compiled(k: int) -> None:
        jit(value_and_grad(lambda x: sin(x * k)))(0.5)

    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    for k in range(30):
        compiled(k)
    gc.collect()
    before = resident()
    for k in range(60):
        compiled(k)
    gc.collect()
    assert resident() - before < 120  # pages of 4 KB: 2 for each function, a tenth of what each takes
