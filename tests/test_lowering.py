"""Kernels as selects of basic rows: the bits of the kernel, or a refusal that says where and why."""

import math

import lowerable
import pytest
from alike import ROWS, SPECIAL, arity, same
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiler import Untranslatable
from engine.compiler.kernels.lowering import lowered
from engine.compiler.llvm.library import library
from engine.compiler.llvm.scalar import SCALAR
from engine.compiler.sources.c import CFile
from engine.compiler.sources.javascript import javascript_source
from engine.compiler.sources.python import python_source
from engine.compiler.tape.symbol import applied
from engine.compiler.tape.trace import trace
from engine.primitive import TABLE, Primitive, custom
from engine.value import constant

BASIC = set("add sub mul div neg abs less less_equal greater greater_equal select floor".split())
ATOMS = set(
    """acos acosh asin asinh atan atan2 atanh copysign cos cosh erf erfc exp exp2 expm1 fmod log log10 log1p
    log2 pow sin sinh sqrt tan tanh""".split()
)
WHOLE = {"power_term": {3: 1.0, 4: 1.0}}  # operands that are constants wherever the row stands
OF_DATA = {"gamma", "lgamma", "polygamma"}  # their loops go on as long as data say
NUMBERS = st.sampled_from(SPECIAL) | st.floats(-4.0, 4.0) | st.floats()


def recorded(row, count):
    known = WHOLE.get(row.name, {})
    operands = [constant(known[i]) if i in known else None for i in range(count)]
    return trace(
        lambda xs: [applied(row, [x if k is None else k for x, k in zip(xs, operands, strict=True)])],
        [f"x{i}" for i in range(count)],
    )


def from_outside(kernel):
    return recorded(Primitive("outside", kernel, lambda x: 1.0), 1)


@pytest.mark.parametrize("row", [row for row in ROWS if row.name not in OF_DATA], ids=lambda row: row.name)
def test_a_lowered_row_has_the_bits_of_its_kernel(row):
    count = arity(row)
    tape = lowered(recorded(row, count), BASIC | ATOMS | {"cbrt"}, "this target")
    rows = {entry.primitive.name for _, entry in tape.operations()}
    assert rows <= BASIC | ATOMS | {"cbrt"}

    @settings(max_examples=30, derandomize=True)
    @given(st.lists(NUMBERS, min_size=count, max_size=count))
    def agree(xs):
        xs = [WHOLE.get(row.name, {}).get(i, x) for i, x in enumerate(xs)]
        got, expected = tape.evaluate(xs)[0], row.evaluate(list(xs))
        assert same([got], [expected]) or ("cbrt" in row.name and math.isclose(got, expected, rel_tol=1e-15))

    agree()


@pytest.mark.parametrize("kernel", [lowerable.rounds, lowerable.fallen, lowerable.counting])
@pytest.mark.parametrize("x", [-2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, math.inf, math.nan])
def test_branches_and_loops_of_the_subset_are_selects(kernel, x):
    assert same(lowered(from_outside(kernel), BASIC, "this target").evaluate([x]), [kernel(x)])


@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (lowerable.endless, "'x > 1.0' in line 41 of lowerable goes on as long as data say"),
        (lowerable.long, "'int(x)' in line 47 of lowerable is an int that data decide"),
        (lowerable.again, "'def again(x: float) -> float:' in line 52 of lowerable calls itself"),
        (lowerable.worded, "\"'x'\" in line 57 of lowerable is outside of the subset"),
        (lowerable.picked, "in line 62 of lowerable is an element that data choose"),
        (lowerable.leaving, "'for i in range(3):' in line 66 of lowerable returns out of a loop"),
        (lowerable.hopeless, "'math.gamma(x)' in line 73 of lowerable needs gamma of math"),
    ],
)
def test_a_refusal_names_the_row_the_line_and_the_target(kernel, reason):
    with pytest.raises(Untranslatable) as error:
        lowered(from_outside(kernel), BASIC, "this target")
    assert str(error.value).startswith("this target lacks 1 operations of this function: outside (")
    assert reason in str(error.value)


TRANSLATORS = {
    "C": lambda tape: CFile(tape, "f").source(),
    "JavaScript": lambda tape: javascript_source(tape, "f"),
    "compiled code": lambda tape: library([e.primitive for _, e in tape.operations()], SCALAR),
    "numpy": lambda tape: python_source(tape, "numpy"),
}


@pytest.mark.parametrize("target", TRANSLATORS)
@pytest.mark.parametrize(
    ("kernel", "reason"),
    [
        (lowerable.again, "line 52 of lowerable calls itself"),
        (lowerable.worded, "line 57 of lowerable is outside of the subset"),
    ],
)
def test_every_target_refuses_what_is_outside_of_the_subset(kernel, reason, target):
    with pytest.raises(
        Untranslatable, match=f"{target} lacks 1 operations of this function: outside .*{reason}"
    ):
        TRANSLATORS[target](from_outside(kernel))


def test_all_that_is_missing_is_in_one_refusal():
    twice = custom(lambda x: 2.0 * x, lambda x: 2.0, name="twice")
    tape = trace(lambda xs: [twice(TABLE["gamma"](TABLE["erfc"](TABLE["sin"](xs[0]))))], ["x"])
    with pytest.raises(Untranslatable, match=r"lacks 4 .*sin .*erfc .*gamma .*twice \(a Python function"):
        lowered(tape, BASIC, "this target")
