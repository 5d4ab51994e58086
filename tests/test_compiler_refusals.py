"""`jit`: what it refuses, and what it says then."""

import math

import numpy as np
import pytest

from engine import (
    Value,
    exp,
    relu,
    sin,
    vmap,
)
from engine.compiler import TracingError, jit
from engine.compiler.tape import trace as tracing
from nn import MLP


def f(x, y):
    return sin(x * y) * x + exp(y)


@pytest.mark.parametrize(
    ("bad", "asked"),
    [
        (lambda x: x.data, ".data"),
        (lambda x: x.item(), ".item()"),
        (lambda x: float(x), "float"),
        (lambda x: math.sin(x), "float"),
        (lambda x: [1.0, 2.0][int(x)], "int"),
        (lambda x: f"{x:.3f}", "format"),
        (lambda x: range(x), "counts"),
        (lambda x: (x * x).backward(), "backward"),
        (lambda x: np.array([x], dtype=float), "float"),
    ],
)
def test_asking_a_traced_number_for_its_value_names_the_line_and_the_cure(bad, asked):
    with pytest.raises(TracingError) as caught:
        jit(bad)(1.5)
    assert asked in str(caught.value)
    assert "test_compiler_refusals.py" in str(caught.value)
    assert "engine.where" in str(caught.value)


@pytest.mark.parametrize("result", [None, "text", (), [], object(), 1j, {"a": "b"}])
def test_a_function_that_returns_no_number_is_refused(result):
    with pytest.raises(TypeError, match="a compiled function returns numbers"):
        jit(lambda x: result)(1.0)


@pytest.mark.parametrize("arg", ["text", None, 1j, np.array(["a"]), np.array([1j]), object()])
def test_arguments_that_are_no_numbers_are_refused(arg):
    with pytest.raises(TypeError):
        jit(lambda x: 2.0)(arg) if arg is not None else jit(lambda x: x * 2.0)(arg)


@pytest.mark.parametrize(
    "options",
    [{"backend": "fortran"}, {"dtype": "int8"}, {"threads": 0}, {"threads": 1.5}, {"max_paths": 0}],
)
def test_options_that_do_not_exist_are_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} is"):
        jit(f, **options)


def test_a_trace_without_an_end_is_refused(monkeypatch):
    monkeypatch.setattr(tracing, "LIMIT", 1_000)

    def f(x):
        for _ in range(2_000):
            x = sin(x)
        return x

    with pytest.raises(TracingError, match="more than 1,000 operations"):
        jit(f)(1.0)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="takes a function"):
        jit(3.0)
    with pytest.raises(TypeError, match="call <compiled .*> first"):
        jit(vmap(f)).tape


def test_captured_lists_and_branches_on_them_are_fine():
    weights = [Value(1.0), 2.0, np.float64(3.0)]
    g = jit(lambda x: sum(w * x for w in weights if not isinstance(w, float) or w > 2.5))
    assert g(2.0) == 8.0


def test_a_relu_network_gives_the_engines_numbers():
    model = MLP(2, [8, 8, 1], rng=0)
    g = jit(lambda x, y: model([x, y]))
    assert g(0.3, -0.7) == model([0.3, -0.7]).data
    assert jit(lambda x: relu(x))(-1.0) == 0.0
