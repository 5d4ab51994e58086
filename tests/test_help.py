"""`help` and signatures: of everything public, of every row, and the same in the compiled build."""

import ast
import functools
import importlib
import inspect
import math
import operator
import pydoc
from pathlib import Path

import pytest

import engine
import engine.testing
import nn
from engine.primitive import TABLE, Primitive

HOME = Path(engine.__file__).parent
THINGS = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (engine, engine.testing, nn)
    for name in module.__all__
    if not isinstance(getattr(module, name), (bool, str))
}
ROWS = list(TABLE.values())
TANH = """\
tanh(x)

d/dx = 1 - tanh(x) ** 2
smooth everywhere
within 2 ulp of the true value
at -inf: -1, slope 0
at 0: 0, slope 1
at inf: 1, slope 0

>>> engine.tanh(0.6)
0.5370495669980353"""


@pytest.mark.parametrize("name", THINGS)
def test_everything_public_says_what_it_is_and_how_it_is_called(name):
    assert inspect.getdoc(THINGS[name])
    assert pydoc.render_doc(THINGS[name])
    if callable(THINGS[name]) and not hasattr(THINGS[name], "with_traceback"):
        inspect.signature(THINGS[name])


def test_no_two_rows_share_a_text():
    assert len({row.__doc__ for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_tells_its_name_and_a_derivative_to_every_operand(row):
    head, *rest = row.__doc__.splitlines()
    assert head.startswith(f"{row.name}(")
    operands = [line for line in rest if line.startswith("d/d")]
    assert len(operands) == (len(row.partials) or 3 + (row.name == "dot"))
    assert "cannot be shown" not in row.__doc__


@pytest.mark.parametrize("name", engine.primitives.__all__)
def test_the_example_of_a_row_runs(name):
    *_, call, result = TABLE[name].__doc__.splitlines()
    assert repr(eval(call.removeprefix(">>> "))) == result


def test_help_shows_the_row_and_so_does_ipython():
    assert TANH in inspect.getdoc(engine.tanh)
    shown = pydoc.plain(pydoc.render_doc(engine.tanh))
    assert all(line.strip() in shown for line in TANH.splitlines())
    assert pytest.importorskip("IPython.core.oinspect").getdoc(engine.tanh) == TANH


def test_kinks_domains_and_formulas_are_told():
    assert "smooth everywhere, but not where x - y = 0" in engine.maximum.__doc__
    assert "smooth for 0 < p < 1" in engine.logit.__doc__
    assert "at 0: inf, slope -inf" in engine.reciprocal.__doc__
    assert engine.sigmoid.__doc__.startswith("sigmoid(x) = 1 / (1 + exp(-x))\n")


def test_the_operands_are_called_as_in_the_kernel():
    assert str(inspect.signature(engine.atan2)) == "(y, x, /)"
    assert str(inspect.signature(TABLE["softmax"])) == "(*operands)"


def test_a_primitive_of_a_user_has_the_words_and_the_signature_of_its_function():
    def cube(x, *, scale=1.0):
        """x to the third."""
        return scale * x**3

    primitive = engine.custom(cube, lambda x, scale: (3 * scale * x**2, x**3))
    assert primitive.__doc__ == "x to the third."
    assert inspect.signature(primitive) == inspect.signature(cube)
    assert engine.custom(lambda x: x, lambda x: 1.0, name="same").__doc__ == "same"


def test_rows_from_outside_are_described_even_if_their_kernel_does_not_tell_names():
    row = Primitive("distance", math.hypot, lambda x, y: x / engine.hypot(x, y), None)
    assert str(inspect.signature(row)) == "(x1, x2, /)"
    assert "d/dx1 = x1 / hypot(x1, x2)\nd/dx2 = 0\n" in row.__doc__


def test_a_rule_that_raises_does_not_stop_help():
    row = Primitive("bad", operator.neg, lambda x: x.missing, doc="the opposite")
    text = "the opposite\n\nIts rules cannot be shown: AttributeError: "
    assert row.__doc__.startswith(text)


def test_the_class_keeps_its_own():
    assert inspect.getdoc(Primitive).startswith("One row of the table.")
    assert list(inspect.signature(Primitive).parameters)[:3] == ["name", "value", "partials"]


def documented(tree, owner):
    """The functions and classes in a tree, and what the source says of them."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            thing = inspect.getattr_static(owner, node.name)
            yield thing, ast.get_docstring(node)
            if isinstance(node, ast.ClassDef):
                yield from documented(node, thing)


@pytest.mark.parametrize("file", sorted(HOME.rglob("*.py")), ids=lambda file: str(file.relative_to(HOME)))
def test_what_the_source_says_is_what_help_says(file):
    name = ".".join(file.relative_to(HOME.parent).with_suffix("").parts).removesuffix(".__init__")
    if name == "engine.__main__":
        return
    module = importlib.import_module(name)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert inspect.getdoc(module) == ast.get_docstring(tree)
    for thing, text in documented(tree, module):
        if text is not None and not isinstance(thing, (functools.cached_property, Primitive)):
            assert inspect.getdoc(thing) == text
