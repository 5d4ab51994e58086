"""A row that the engine does not know, its kernel alone: every target has it, and every reader."""

import math
from collections.abc import Iterator
from fractions import Fraction

import lowerable
import numpy as np
import pytest
from hypothesis import given
from outside import LOG_RATIO
from targets import TARGETS, need, wrong

import engine
from engine import Primitive, Value, grad, jit, value_and_grad, vmap
from engine.compiler import Untranslatable
from engine.primitive import TABLE
from engine.testing import from_primitive, gradcheck

POINTS = [(2.0, 3.0), (1.0 + 2.0**-52, 1.0), (1e-300, 1e300), (0.75, 0.7499), (5e-324, 1e-323), (7.0, 7.0)]
X, Y = (np.array(column) for column in zip(*POINTS, strict=True))
both = value_and_grad(LOG_RATIO, (0, 1))


def numbers(result):
    value, gradient = result
    return [value, *gradient]


EXPECTED = [numbers(both(*point)) for point in POINTS]


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    """Others that loop over the table do not see it."""
    engine.register(LOG_RATIO)
    yield
    del TABLE[LOG_RATIO.name]


def exact(x, y):
    """The value from the exact ratio."""
    near = 0.5 * y < x < 2.0 * y
    return math.log1p(float(Fraction(x) / Fraction(y) - 1)) if near else math.log(x) - math.log(y)


def test_eager_value_gradient_and_second_derivative_are_right():
    for x, y in POINTS:
        value, gradient = both(x, y)
        assert abs(value - exact(x, y)) <= 2.0 * math.ulp(value)
        assert gradient == (1.0 / x, -1.0 / y)
    assert grad(grad(LOG_RATIO))(2.0, 3.0) == -0.25
    assert math.isnan(LOG_RATIO(-1.0, 2.0))
    assert LOG_RATIO(0.0, 2.0) == -math.inf


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_says_what_the_engine_says_also_where_it_hurts(target):
    need(target)
    assert wrong(target, LOG_RATIO) == []


def test_compiled_numbers_and_lanes_have_its_bits():
    one, many = jit(both, backend="llvm"), jit(vmap(both), backend="llvm")
    assert repr([numbers(one(*point)) for point in POINTS]) == repr(EXPECTED)
    assert repr(np.column_stack(numbers(many(X, Y))).tolist()) == repr(EXPECTED)


def test_the_numpy_backend_has_it_as_numpy_rounds():
    one, many = jit(both, backend="numpy"), jit(vmap(both), backend="numpy")
    np.testing.assert_allclose([numbers(one(*point)) for point in POINTS], EXPECTED, rtol=1e-15)
    np.testing.assert_allclose(np.column_stack(numbers(many(X, Y))), EXPECTED, rtol=1e-15)


def test_readers_write_it_as_its_notation_and_its_formula_say():
    assert jit(lambda x, y: 2.0 * LOG_RATIO(x, y)).to_latex() == r"2\,\ln\tfrac{x}{y}"
    z = LOG_RATIO(Value(2.0, "x"), Value(3.0, "y"))
    assert "log_ratio(x, y)" in str(engine.explain(z))
    assert "log_ratio" in engine.draw(z)._repr_svg_()
    assert '"expression":"log_ratio(x, y)"' in engine.to_json(z)
    assert "log_ratio(x, y)" in str(jit(lambda x, y: LOG_RATIO(x, y)).tape)


def test_sympys_own_derivative_agrees():
    sympy = pytest.importorskip("sympy")
    x, y = sympy.symbols("x y", real=True)
    expression = jit(lambda x, y: LOG_RATIO(x, y)).to_sympy()
    assert expression == sympy.log(x / y)
    at = {x: 2, y: 3}
    slopes = [float(expression.diff(symbol).subs(at)) for symbol in (x, y)]
    assert slopes == pytest.approx(both(2.0, 3.0)[1], rel=1e-15)


@given(from_primitive(LOG_RATIO))
def test_strategies_draw_it_in_its_domain_and_the_checker_is_content(expression):
    assert all(x > 0.0 for x in expression.inputs)
    assert gradcheck(expression, expression.inputs)


# Kernels that a target cannot have

WRITERS = {
    "C": lambda f, path: f.to_c("f"),
    "JavaScript": lambda f, path: f.to_javascript("f"),
    "numpy": lambda f, path: f.to_python("numpy"),
    "jax": lambda f, path: f.to_python("jax"),
    "torch": lambda f, path: f.to_python("torch"),
    "ONNX": lambda f, path: f.to_onnx(path),
}
WITHOUT_LOOPS = ("numpy", "jax", "torch", "ONNX")


def refusal(kernel, target, path):
    f = jit(lambda x: Primitive("outside", kernel, lambda x: 1.0)(x), backend="numpy")
    with pytest.raises(Untranslatable) as error:
        WRITERS[target](f, path / "f.onnx")
    return str(error.value)


@pytest.mark.parametrize("target", WRITERS)
@pytest.mark.parametrize(("kernel", "line"), [(lowerable.again, 52), (lowerable.worded, 57)])
def test_a_kernel_outside_of_the_subset_is_refused_by_name_line_and_target(target, kernel, line, tmp_path):
    text = refusal(kernel, target, tmp_path)
    assert text.startswith(f"{target} lacks 1 operations of this function: outside (")
    assert f"in line {line} of lowerable" in text


@pytest.mark.parametrize("target", WITHOUT_LOOPS)
def test_a_loop_that_data_end_is_refused_where_there_are_none(target, tmp_path):
    text = refusal(lowerable.endless, target, tmp_path)
    assert f"{target} lacks 1 operations" in text
    assert "outside ('x > 1.0' in line 41 of lowerable goes on as long as data say)" in text


@pytest.mark.parametrize("target", WRITERS)
@pytest.mark.parametrize("name", ["exp", "add", "softplus", "sum"])
def test_a_function_of_yours_is_refused_also_under_the_name_of_a_row(name, target, tmp_path):
    thrice = engine.custom(lambda x: 3.0 * x, lambda x: 3.0, name=name)
    with pytest.raises(Untranslatable, match=rf"{target} lacks 1 .*: {name} \(a Python function of yours\)"):
        WRITERS[target](jit(lambda x: thrice(x), backend="numpy"), tmp_path / "f.onnx")


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("name", ["exp", "add", "relu", "square", "select", "dot"])
def test_a_function_of_yours_is_compiled_as_itself_also_under_the_name_of_a_row(name, backend):
    thrice = engine.custom(lambda x: 3.0 * x, lambda x: 3.0, name=name)
    assert jit(value_and_grad(lambda x: thrice(x) * x), backend=backend)(2.0) == (12.0, 12.0)
    assert jit(vmap(lambda x: thrice(x)), backend=backend)(np.array([2.0, 3.0])).tolist() == [6.0, 9.0]
