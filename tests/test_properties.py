"""Random graphs: against a second engine, against finite differences, one sweep against the other."""

import copy
import math
import os
import pickle
from fractions import Fraction

import pytest
import reference
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine import Value, functions, grad, jvp, where
from engine.modes import recording
from engine.primitive import TABLE, Primitive
from engine.testing import Expression, expressions, from_primitive, gradcheck
from engine.testing.strategies import SMOOTH

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
MANY = settings(max_examples=20_000 if NIGHTLY else 500, suppress_health_check=list(HealthCheck))
SOME = settings(max_examples=2_000 if NIGHTLY else 100, suppress_health_check=list(HealthCheck))
FEW = settings(max_examples=500 if NIGHTLY else 100, suppress_health_check=list(HealthCheck))
AWKWARD = (0.0, -0.0, -1.0, 1.0, 1e308, -math.inf, math.inf, math.nan)


@st.composite
def programs(draw):
    """Steps over small integers; operands reach back anywhere, so there is fan-out and repetition."""
    inputs = draw(st.lists(st.integers(-4, 4), min_size=1, max_size=3))
    program = []
    for _ in range(draw(st.integers(1, 14))):
        place = st.integers(0, len(inputs) + len(program) - 1)
        program.append((draw(st.sampled_from("+ - * / neg".split())), draw(place), draw(place)))
    return program, inputs


def is_exact(number):
    return Fraction(float(number)) == number


@FEW
@given(programs())
def test_arithmetic_is_that_of_exact_fractions(drawn):
    program, inputs = drawn
    try:
        expected = reference.run(program, map(Fraction, inputs))
        slopes = reference.gradient(program, inputs)
    except ZeroDivisionError:
        assume(False)
    assume(all(map(is_exact, expected)) and all(is_exact(x.denominator) for x in expected))
    assume(max(abs(x.numerator * x.denominator) for x in [*expected, *slopes]) < 2**20)
    divisors = [expected[j] for symbol, _, j in program if symbol == "/"]
    assume(all(is_exact(1 / x) for x in divisors))  # 3x/x sums 3/x and -3x/xx: one is rounded
    leaves = [Value(x) for x in inputs]
    root = reference.run(program, leaves)[-1]
    root.backward()
    assert Fraction(root.data) == expected[-1]
    assert [Fraction(leaf.grad) for leaf in leaves] == slopes or not all(map(is_exact, slopes))


@MANY
@given(expressions())
def test_the_gradients_of_random_expressions_agree_with_differences(e):
    assert gradcheck(e)


@SOME
@given(expressions(max_nodes=12))
def test_the_second_derivatives_of_random_expressions_agree_with_differences(e):
    assert gradcheck(e, order=2)


@FEW
@given(expressions())
def test_what_is_printed_can_be_pasted(e):
    names = {name: getattr(functions, name, row) for name, row in TABLE.items()}
    names |= {name: getattr(functions, name) for name in functions.__all__}
    twin = eval(repr(e), {"Expression": Expression, **names})
    assert repr(twin) == repr(e)
    assert twin.root.data == e.root.data


@FEW
@given(expressions())
def test_an_expression_is_the_same_on_numbers_and_values(e):
    with recording():
        recorded = e(*map(Value, e.inputs))
    assert e(*e.inputs) == e.root.data == recorded.data


@FEW
@given(expressions())
def test_both_sweeps_give_the_same_gradient(e):
    n = range(len(e.inputs))
    on_floats = grad(e, n)(*e.inputs)
    on_nodes = [float(getattr(x, "data", x)) for x in grad(e, n)(*map(Value, e.inputs))]
    assert on_nodes == pytest.approx(on_floats, rel=1e-9, abs=1e-12 * max(map(abs, on_floats)))


@FEW
@given(expressions(ops=["add", "sub", "mul", "neg", "relu", "sum", "dot"]))
def test_the_fast_paths_of_the_sweep_are_the_rows_to_the_bit(e):
    def slowly(*xs):
        known = dict(zip(map(id, e.variables), xs, strict=True))
        for node in order(e.root):
            if id(node) not in known:
                operands = [known[id(parent)] for parent in node.parents]
                known[id(node)] = twin(node.primitive)(*operands) if operands else node.data
        return known[id(e.root)]

    n = range(len(e.inputs))
    assert [x.hex() for x in grad(slowly, n)(*e.inputs)] == [x.hex() for x in grad(e, n)(*e.inputs)]


def twin(row):
    """The same row, but not the object that the sweep looks for."""
    return Primitive(row.name, row.value, *row.partials, gradient=row.gradient, structural=row.structural)


def order(root):
    found, stack = {}, [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            found.setdefault(id(node), node)
        elif id(node) not in found:
            stack += [(node, True), *((parent, False) for parent in node.parents)]
    return list(found.values())


@FEW
@given(expressions(), st.integers(-8, 8))
def test_copies_and_pickles_have_the_same_gradient(e, k):
    twins = [e.root, copy.deepcopy(e.root), pickle.loads(pickle.dumps(e.root))]
    gradients = []
    for root in twins:
        root.zero_grad()
        root.backward(2.0**k)
        gradients.append(sorted((leaf.label, leaf.grad.hex()) for leaf in order(root) if leaf.label))
    assert gradients[0] == gradients[1] == gradients[2]


@FEW
@given(expressions())
def test_forward_brings_the_graph_back_to_the_bit(e):
    before = e.root.data
    for leaf in e.variables:
        leaf.data = leaf.data
    e.root.forward()
    assert e.root.data.hex() == before.hex()


@pytest.mark.parametrize("name", [row.name for row in SMOOTH])
@settings(max_examples=200 if NIGHTLY else 10, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_public_primitive_is_right_to_second_order(name, data):
    assert gradcheck(data.draw(from_primitive(name)), order=2)


@pytest.mark.parametrize("x", AWKWARD)
@pytest.mark.parametrize("row", SMOOTH, ids=lambda row: row.name)
def test_nothing_comes_out_of_the_arm_that_is_not_taken(row, x):
    count = 2 if row.gradient else len(row.partials)

    def f(v, c):
        return where(c > 0.0, row(*[v * 1.0] * count), 2.0 * v)

    assert grad(f)(x, -1.0) == 2.0
    assert jvp(lambda v: f(v, -1.0), x, 1.0)[1] == 2.0
    assert grad(grad(f))(x, -1.0) == 0.0
    leaf = Value(x)
    where(Value(-1.0) > 0.0, row(*[leaf] * count), 2.0 * leaf).backward()
    assert leaf.grad == 2.0
