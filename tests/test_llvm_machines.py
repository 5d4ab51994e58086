"""Machine code on machines of all kinds, in threads, and in memory."""

import gc
import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from alike import SPECIAL, same, within
from native import on_lanes, on_scalars
from small import in_threads

import engine
from engine import exp, primitives, relu, sin, value_and_grad, vmap
from engine.compiler import jit
from engine.compiler.backend import Block, Layout, Options
from engine.compiler.llvm import executable, host, llvm
from engine.compiler.numpy_backend import NumpyBackend
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.trace import trace
from engine.primitive import custom

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llvmlite") is None, reason="llvmlite is not installed"
)


class Features(dict):
    """What llvmlite says of a processor."""

    def flatten(self) -> str:
        return ",".join(f"+{name}" for name, there in self.items() if there)


@pytest.fixture
def plain_machine(monkeypatch):
    """A processor that has only what every one of its kind has."""
    known = [host.vector_function, host.has_avx512, host.builder]
    monkeypatch.setattr(host.binding(), "get_host_cpu_features", Features)
    monkeypatch.setattr(host.binding(), "get_host_cpu_name", lambda: "")
    for function in known:
        function.cache_clear()
    yield
    for function in known:
        function.cache_clear()


def test_without_wide_registers_the_numbers_are_the_same(plain_machine):
    assert host.vector_function("exp", 1) is None
    tape = simplified(trace(lambda xs: [*flattened(value_and_grad(deep, (0, 1))(*xs))], "xy"))
    points = np.random.default_rng(0).normal(size=(37, 2)).tolist()
    for point, scalars, lanes in zip(points, on_scalars(tape, points), on_lanes(tape, points), strict=True):
        expected = flattened(value_and_grad(deep, (0, 1))(*point))
        assert same(scalars, expected)
        assert all(math.isclose(a, b, rel_tol=1e-13) for a, b in zip(lanes, expected, strict=True))


def deep(x, y):
    return engine.tanh(x * y) * exp(sin(x)) + engine.softplus(y) * engine.erf(x) + relu(x - y) ** 2.5


def flattened(value_and_gradient):
    value, gradient = value_and_gradient
    return [value, *gradient]


def test_code_outlives_the_function_that_made_it_and_not_longer():
    g = jit(lambda x: x * 2.0)
    g(1.0)
    short = g.fast_path
    del g
    gc.collect()
    assert short(21.0) == 42.0


def test_rows_that_are_python_functions_run_on_numpy():
    twice = custom(lambda x: 2.0 * x, lambda x: 2.0, name="twice")
    g = jit(vmap(value_and_grad(lambda x: twice(x) * x)))
    np.testing.assert_allclose(g(np.array([1.0, 3.0]))[1], [4.0, 12.0])
    assert isinstance(g.latest.executable, NumpyBackend)


def test_without_llvmlite_numpy_computes_and_says_so_once(monkeypatch):
    def missing():
        raise ImportError("no llvmlite")

    monkeypatch.setattr(executable, "binding", missing)
    executable.installed.cache_clear()
    tape, layout = trace(lambda xs: [xs[0] * 2.0], "x"), Layout((Block(1, False),))
    with pytest.warns(RuntimeWarning, match=r"chainrule\[jit\]"):
        assert isinstance(llvm(tape, layout, Options()), NumpyBackend)
    assert isinstance(llvm(tape, layout, Options()), NumpyBackend)
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


def test_threads_may_compile_at_the_same_time():
    results: list[float] = []

    def work(k):
        results.append(jit(value_and_grad(lambda x: sin(x * k) * exp(x)))(0.5)[0])

    in_threads(work, 12)
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
