"""What a compiled function is written out as: Python, LaTeX, SymPy."""

import importlib
import math
from typing import Any

import numpy as np
import pytest
from alike import near
from drawn import batch, batches, shaken, together
from hypothesis import given, settings

from engine import (
    Value,
    clamp,
    cross_entropy,
    dot,
    erf,
    exp,
    gelu,
    grad,
    log,
    relu,
    sin,
    softplus,
    tanh,
    value_and_grad,
    where,
)
from engine.compiler import Untranslatable, jit
from engine.compiler.sources.namespaces import NAMESPACES
from engine.compiler.sources.python import python_source
from engine.compiler.sources.sympy import sympy_expressions
from engine.compiler.tape.trace import trace
from engine.primitive import TABLE, custom
from engine.testing.strategies import SMOOTH, expressions, from_primitive

HOSTILE = ['x; import os; os.system("id")', "lambda", "", "1x", "naïve", "f(", "__import__('os')"]
GAMMAS = {"gamma", "lgamma", "polygamma"}
LACKS = {"numpy": GAMMAS, "jax": set(), "torch": set()}


def wave(x, y):
    return sin(x * y) * x + exp(y) / (1.0 + x * x) + where(x > y, log(x), tanh(y))


def run(source: str, name: str = "f") -> Any:
    names: dict[str, Any] = {}
    exec(compile(source, "generated", "exec"), names)
    return names[name]


# Python


@settings(max_examples=max(20, settings.default.max_examples // 10))
@given(expressions())
def test_the_source_for_math_has_the_engines_bits(expression):
    both = jit(value_and_grad(expression, tuple(range(len(expression.inputs)))))
    value, gradient = both(*expression.inputs)
    result = run(both.to_python("math"))(*expression.inputs)
    assert repr(list(result)) == repr([value, *gradient])


LIBRARIES = [name for name in NAMESPACES if importlib.util.find_spec(name)]


def prepared(namespace):
    if namespace == "jax":
        importlib.import_module("jax").config.update("jax_enable_x64", True)


@pytest.mark.parametrize("namespace", LIBRARIES)
@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: row.name)
def test_every_row_is_an_expression_or_a_function_of_its_name(namespace, row):
    prepared(namespace)
    digits = 1e-8 if row.name in GAMMAS else 1e-12  # these are the library's own

    @settings(max_examples=3, derandomize=True)
    @given(from_primitive(row))
    def agree(expression):
        tape = jit(expression)
        tape(*expression.inputs)
        source = tape.to_python(namespace)
        assert row.name in NAMESPACES[namespace].spelled or f"def {row.name}" in source or len(tape.tape) < 4
        assert near(float(run(source)(*expression.inputs)), expression(*expression.inputs), digits)

    if row.name in LACKS[namespace]:
        with pytest.raises(Untranslatable, match=rf"numpy lacks .*{row.name} \(.*as long as data say\)"):
            python_source(trace(lambda xs: [row(*xs)], "xy"[: len(row.partials)]), namespace)
    elif row.name not in ("select", "step", "wins", "matches", "defined", "shift", "less", "detach"):
        agree()


@pytest.mark.parametrize("namespace", LIBRARIES)
def test_sources_of_other_libraries_work_on_arrays_too(namespace):
    prepared(namespace)
    source = jit(value_and_grad(wave, (0, 1))).to_python(namespace)
    xs, ys = np.linspace(0.1, 2.0, 5), np.linspace(2.0, 0.2, 5)
    columns = [np.asarray(column) for column in run(source)(xs, ys)]
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        value, gradient = value_and_grad(wave, (0, 1))(float(x), float(y))
        assert all(near(c[i], e) for c, e in zip(columns, [value, *gradient], strict=True))


@pytest.mark.parametrize("namespace", LIBRARIES)
def test_random_expressions_agree_in_other_libraries(namespace):
    prepared(namespace)

    @settings(max_examples=batches(share=4))
    @given(batch(size=10, ops=[row for row in SMOOTH if row.name not in GAMMAS]))
    def agree(drawn):
        tape, point, expected = together(drawn)
        got = run(python_source(tape, namespace))(*point)
        room = shaken(tape, point, 16.0)
        for a, b, c in zip(map(float, got), expected, room, strict=True):
            assert a == b or abs(a - b) <= c

    agree()


def test_arguments_that_are_no_numbers_are_indexed():
    f = jit(lambda w, x: dot(w, x))
    f([1.0, 2.0], np.array([3.0, 4.0]))
    assert "def f(w, x):" in f.to_python("math")
    assert run(f.to_python("math"))([1.0, 2.0], [3.0, 4.0]) == 11.0


def test_everything_that_a_namespace_lacks_is_in_one_error():
    twice = custom(lambda x: 2.0 * x, lambda x: 2.0, name="twice")
    with pytest.raises(Untranslatable, match=r"numpy lacks 2 .*lgamma \(.*, twice \("):
        jit(lambda x: gelu(x) + TABLE["lgamma"](x) + twice(x)).to_python("numpy")
    with pytest.raises(ValueError, match="math, numpy, jax, torch"):
        jit(wave).to_python("fortran")


@pytest.mark.parametrize("name", [*HOSTILE, "math", "numpy", "float", "sum", "logistic_softplus"])
def test_a_name_that_no_function_of_python_can_have_is_refused(name):
    namespace = "numpy" if name == "numpy" else "math"
    with pytest.raises(ValueError, match="a function in Python is called by|choose another name"):
        jit(lambda x: softplus(x)).to_python(namespace, name)


def test_parameters_never_hide_what_the_source_needs():
    hiding = (
        lambda math, v1: sin(math) * v1,
        lambda numpy, x0: sin(x0) * numpy,
        lambda float, x1: sin(x1) * float + 2.0,  # noqa: A006
        lambda logistic_softplus, y: softplus(y) * logistic_softplus,  # a kernel's name
    )
    for f in hiding:
        for namespace in ("math", "numpy"):
            assert near(float(run(jit(f).to_python(namespace))(2.0, 3.0)), f(2.0, 3.0))


@pytest.mark.parametrize(
    ("f", "kept"),
    [
        (lambda v1, v_: v1 / v_, "v1, v_"),
        (lambda x0, v2: x0 / v2, "x0, v2"),
        (lambda math, x0: math / x0, "x_0, x0"),
        (lambda größe, x0: größe / x0, "x_0, x0"),
    ],
)
def test_parameters_keep_their_names(f, kept):
    source = jit(f).to_python()
    assert f"def f({kept}):" in source
    assert run(source)(3.0, 4.0) == 0.75


TROUBLE = 'x; system("id"); //'


@pytest.mark.parametrize("label", [TROUBLE, "class", "naïve", "s\nystem", "x*/ system /*", "a" * 100_000])
def test_labels_keywords_and_keys_never_reach_generated_code(label):
    captured = Value(2.0, label)
    functions = [
        (jit(lambda x: sin(x) * captured), (3.0,), {}),
        (jit(lambda p: sin(p[label]) * captured), ({label: 3.0},), {}),
        (jit(lambda **p: sin(p[label]) * captured), (), {label: 3.0}),
    ]
    for f, args, keywords in functions:
        f.f.__name__ = label
        assert f(*args, **keywords) == 2.0 * math.sin(3.0)
        sources = [f.to_c("f"), f.to_javascript("f"), f.to_python(), f.to_latex(), str(f.tape)]
        assert not any("system" in source or len(source) > 5_000 for source in sources)
        assert callable(run(sources[2]))


# LaTeX and SymPy


def test_latex_is_one_formula_or_lines_that_share():
    assert jit(lambda x, y: sin(x) ** 2 / y).to_latex() == r"\frac{\sin\left(x\right)^{2}}{y}"
    text = jit(value_and_grad(lambda x, y: sin(x * y) * x, (0, 1))).to_latex()
    assert text.startswith("\\begin{aligned}\n")
    assert r"y_{0} &= " in text
    assert text.count("{") == text.count("}")


def test_indexed_arguments_have_indices_in_latex():
    f = jit(lambda w: w[0] * w[1])
    f([1.0, 2.0])
    assert f.to_latex() == r"w_{0}\,w_{1}"


sympy = pytest.importorskip("sympy") if importlib.util.find_spec("sympy") else None
needs_sympy = pytest.mark.skipif(sympy is None, reason="sympy is not installed")


@needs_sympy
@pytest.mark.parametrize(
    "f",
    [
        wave,
        lambda x, y: cross_entropy([x, y, x * y], 1),
        lambda x, y: erf(x) * gelu(y) + relu(x - y),
        lambda x, y: x**y + clamp(x, 0.5, 1.0) * TABLE["lgamma"](y),
        lambda x, y: TABLE["silu"](x) + TABLE["mish"](y) + TABLE["atan2"](x, y),
    ],
)
def test_sympys_own_derivative_agrees(f):
    compiled = jit(f)
    expression = sympy.sympify(compiled)
    x, y = sympy.symbols("x y", real=True)
    for point in ((0.7, 1.3), (1.9, 0.4)):
        at = dict(zip((x, y), map(sympy.Rational, point), strict=True))
        value, gradient = value_and_grad(f, (0, 1))(*point)
        for ours, theirs in zip(
            (value, *gradient), (expression, expression.diff(x), expression.diff(y)), strict=True
        ):
            assert near(ours, float(theirs.evalf(30, at, maxn=1000)), 1e-12)


@needs_sympy
@settings(max_examples=batches(share=2))
@given(batch(size=1, ops="add sub mul div sin cos exp log tanh sqrt pow atan".split(), max_nodes=9))
def test_sympys_derivative_of_random_expressions_agrees(drawn):
    tape, point, expected = together(drawn)
    expression = sympy_expressions(trace(lambda xs: [drawn[0](*xs)], drawn[0].names))
    symbols = [sympy.Symbol(name, real=True) for name in drawn[0].names]
    at = dict(zip(symbols, map(sympy.Rational, point), strict=True))
    for theirs, ours, room in zip(
        [expression, *map(expression.diff, symbols)], expected, shaken(tape, point, 4.0), strict=True
    ):
        assert abs(float(theirs.evalf(30, at, maxn=1000)) - ours) <= room


@needs_sympy
def test_several_results_are_several_expressions_and_floats_are_exact():
    first, second = jit(lambda x: (x * 0.1, grad(lambda t: t * t)(x))).to_sympy()
    x = sympy.Symbol("x", real=True)
    assert first == x * sympy.Rational(0.1)
    assert second == 2 * x


@needs_sympy
def test_what_sympy_lacks_is_in_one_error():
    twice = custom(lambda x: 2.0 * x, lambda x: 2.0, name="twice")
    with pytest.raises(Untranslatable, match="sympy lacks 1 operations.*twice"):
        jit(lambda x: twice(x)).to_sympy()
