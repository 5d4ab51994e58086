"""The column of formulas: what readers see in place of rows that they do not know by name."""

import importlib.util
import random

import pytest
from alike import near
from test_primitives import arity, point

import engine
from engine import Value, explain, grad, value_and_grad
from engine.compiler import Untranslatable, jit
from engine.kernels import elementary
from engine.latex import LATEX
from engine.notation import SHORT, Text
from engine.primitive import TABLE, Primitive
from engine.testing.strategies import PUBLIC

FORMULAS = [row for row in TABLE.values() if row.formula is not None]
EXPORTED = [row for name, row in TABLE.items() if name in PUBLIC and name != "where"]
by_name = pytest.mark.parametrize("row", FORMULAS, ids=lambda row: row.name)


def operands(row: Primitive) -> list[Text]:
    return [Text(name) for name in "xyzwu"[: arity(row)]]


def test_a_row_is_exported_or_a_helper_that_has_a_formula():
    known = {*PUBLIC, "less", "less_equal", "greater", "greater_equal", "select", "polygamma"}
    assert {row.name for row in TABLE.values() if not row.helper} == known & set(TABLE)
    assert all(row.formula is not None for row in TABLE.values() if row.helper)


@by_name
def test_a_formula_is_its_kernel_at_moderate_points(row):
    if row.name == "shift":  # whatever it is, its readers' results do not depend on it
        return
    source = random.Random(row.name)
    for _ in range(20):
        xs = point(row, source)
        assert near(row.expressed(xs), row.evaluate(xs)), xs


@by_name
def test_helpers_are_written_without_names_that_nobody_knows(row):
    unknown = [
        name for name, other in TABLE.items() if other.helper and name not in ("unit", "share", "over")
    ]
    for notation in (SHORT, LATEX):
        text = notation.apply(row, operands(row)).text
        if row.helper:
            assert not any(name in text or name.replace("_", " ") in text for name in unknown)
        assert text.count("{") == text.count("}")


@pytest.mark.parametrize("row", EXPORTED, ids=lambda row: row.name)
def test_every_derivative_of_a_public_row_is_explained_as_a_formula(row):
    xs = [Value(x, name) for x, name in zip(point(row, random.Random(1)), "xyzw", strict=False)]
    y = row(*xs)
    formulas = explain(y).chain.formulas(y, LATEX)
    for formula, partial in zip(formulas, row.local_gradient(xs), strict=True):
        assert formula or not isinstance(partial, Value) or partial.op == "defined"  # a mere 1


sympy = pytest.importorskip("sympy") if importlib.util.find_spec("sympy") else None


@pytest.mark.skipif(sympy is None, reason="sympy is not installed")
@pytest.mark.parametrize("row", EXPORTED, ids=lambda row: row.name)
def test_sympy_has_every_public_row_and_its_derivatives(row):
    count = arity(row)
    f = jit(value_and_grad(lambda *xs: row(*xs), tuple(range(count))))
    source = random.Random(row.name)
    symbols = sympy.symbols("x:4", real=True)[:count]
    for _ in range(3):
        xs = point(row, source)
        value, gradient = f(*xs)
        written, *slopes = f.to_sympy()
        at = dict(zip(symbols, map(sympy.Rational, xs), strict=True))
        assert near(value, number(written, at)), xs
        for symbol, slope, expected in zip(symbols, slopes, gradient, strict=True):
            assert near(expected, number(slope, at)), xs
            if row.local_gradient(xs)[symbols.index(symbol)] is not None:
                assert near(expected, number(written.diff(symbol), at)), xs


def number(expression, at):
    expression = sympy.sympify(expression)
    steps = expression.atoms(sympy.Subs, sympy.Derivative)  # SymPy knows no derivative of floor and ceiling
    return float(expression.xreplace(dict.fromkeys(steps, sympy.Integer(0))).subs(at).evalf(30))


def test_a_row_from_outside_is_written_as_its_formula():
    sinc = Primitive(
        "sinc",
        elementary.sin,
        lambda x: sinc_slope(x),
        formula=lambda x: engine.sin(x) / x,
        kink=elementary.sin,
    )
    sinc_slope = Primitive(
        "sinc_slope",
        elementary.cos,
        None,
        formula=lambda x: (x * engine.cos(x) - engine.sin(x)) / x**2,
        helper=True,
    )
    y = sinc(Value(2.0, "x"))
    assert "dv1/dx = (x * cos(x) - sin(x)) / x ** 2 = " in str(explain(y))
    f = jit(lambda x: (sinc(x), grad(sinc)(x)))
    slope = r"\frac{x\,\cos\left(x\right)-\sin\left(x\right)}{x^{2}}"
    assert rf"y_{{1}} &= {slope}" in jit(lambda x: (sinc(x) * sinc(x), grad(sinc)(x))).to_latex()
    assert jit(lambda x: sinc(x)).to_latex() == r"\operatorname{sinc}\left(x\right)"
    if sympy is not None:
        x = sympy.Symbol("x", real=True)
        value, derivative = f.to_sympy()
        assert value == sympy.sin(x) / x
        assert sympy.simplify(derivative - value.diff(x)) == 0


def test_what_depends_on_no_variable_is_a_number():
    x = Value(3.0, "x")
    assert "dv1/dx = 0.5\n" in str(explain(x / 2.0))
    assert "dv1/dx = 0.434294 / x = " in str(explain(engine.log(x, 10)))


@pytest.mark.skipif(sympy is None, reason="sympy is not installed")
def test_what_a_formula_lacks_is_named():
    twice = engine.custom(lambda x: 2.0 * x, lambda x: 2.0, name="twice")
    four = Primitive("four", elementary.sin, lambda x: 4.0, formula=lambda x: twice(twice(x)))
    with pytest.raises(Untranslatable, match="sympy lacks 1 operations.*: twice"):
        jit(lambda x: four(x)).to_sympy()
