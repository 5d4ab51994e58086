"""`where` in compiled code: nothing comes out of the arm not taken, and a live arm keeps its nan."""

import math
import random
from functools import partial

import pytest
from test_sweep import CLOSED, FIRST

import engine
from engine import (
    exp,
    grad,
    hessian,
    jacfwd,
    jvp,
    log,
    maximum,
    relu,
    sqrt,
    value_and_grad,
    vmap,
    where,
    xlogy,
)
from engine.compiler import jit as compiled_by
from engine.compiler.tape.steepness import arity, is_steep, is_wild
from engine.functions import clamp
from engine.primitive import TABLE

jit = partial(compiled_by, backend="numpy")  # what is tested is the tape
BAD = [0.0, -1.0, 1000.0, -1000.0, math.inf, -math.inf, math.nan, 2.0]
UNARY = [row for row in TABLE.values() if row.gradient is None and len(row.partials) == 1]
TRANSFORMS = {
    "value and gradient": value_and_grad,
    "forward": lambda f: lambda x: jvp(f, x, 1.0),
    "second": lambda f: grad(grad(f)),
    "forward over reverse": lambda f: jacfwd(grad(f)),
    "third": lambda f: grad(grad(grad(f))),
}


def equal(a, b):
    """But for the order of a sum: the arm not taken has no place in the engine's graph."""
    if isinstance(a, tuple):
        return all(equal(x, y) for x, y in zip(a, b, strict=True))
    return a == b or (a != a and b != b) or math.isclose(a, b, rel_tol=1e-15)


@pytest.mark.parametrize("row", UNARY, ids=lambda row: row.name)
@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_nothing_comes_out_of_a_dead_arm_whatever_stands_in_it(row, transform):
    def first(x):
        return where(x * 0.0 > 1.0, row(x * 3.0) * x, x * 2.0)

    def second(x):
        return where(x * 0.0 <= 1.0, x * 2.0, row(x * 3.0) * x)

    for f in (first, second):
        compiled = jit(transform(f))
        for x in (0.0, -1.0, 1000.0, -1000.0):
            assert equal(compiled(x), transform(lambda x: x * 2.0)(x))


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("x", BAD)
@pytest.mark.parametrize(
    "f",
    [
        lambda x: where(x > 0.0, log(x), 0.0),
        lambda x: where(x < 0.0, exp(x), 1.0 + x),
        lambda x: where(x > 0.0, log(x), sqrt(-x)) * x,
        lambda x: where(x > 1.0, where(x > 100.0, log(x), sqrt(x - 1.0)), exp(x) / x),
        lambda x: where(x > 0.0, log(x), 1.0) + where(x > 0.0, 1.0 / x, x),
        lambda x: where(x > 0.0, log(x) * log(x), 1.0) * where(x < 0.0, log(-x) + log(-x), x),
        lambda x: log(where(x > 0.0, x, 1.0)),
        lambda x: where(x > 0.0, 1.0 / x, 2.0) - x / x,
        lambda x: grad(lambda t: where(t > 0.0, log(t), 0.0))(x) * (1.0 / x),
        lambda x: jvp(lambda t: where(t > 0.0, log(t), 0.0), x, 1.0)[1] * (1.0 / x) - 1.0 / x,
    ],
)
def test_compiled_code_says_what_the_engine_says(f, x, transform):
    assert equal(jit(transform(f))(x), transform(f)(x))


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
def test_machine_code_says_so_too(transform):
    def everything(x):
        return [transform(lambda x, row=row: where(x > 0.0, row(x * 3.0) * x, x * 2.0))(x) for row in UNARY]

    compiled = compiled_by(everything)
    for x in (0.0, -1.0, 0.25):
        assert all(equal(a, b) for a, b in zip(compiled(x), everything(x), strict=True))


def test_a_live_arms_honest_nan_is_kept():
    f = jit(grad(lambda x: where(x > -2.0, sqrt(x), 0.0)))
    assert math.isnan(f(-1.0))
    assert f(-3.0) == 0.0


def test_a_condition_may_be_a_number_and_the_arms_may_be_equal():
    assert jit(lambda x: where(x, 1.0, 2.0))(0.0) == 2.0
    assert jit(lambda x: where(x, 1.0, 2.0))(math.nan) == 1.0
    assert jit(grad(lambda x: where(x > 0.0, x, x)))(3.0) == 1.0


def test_many_arms_in_a_row_stay_linear():
    def f(x):
        for _ in range(200):
            x = where(x > 0.0, x * 0.9, log(-x))
        return x

    assert len(jit(grad(f)).tape) < 4_000
    assert equal(jit(grad(f))(2.0), grad(f)(2.0))


def test_hessians_of_two_variables_agree():
    def f(v):
        return where(v[0] > v[1], log(v[0] - v[1]) * v[0], clamp(v[0], 0.0, 1.0) * v[1] * v[1])

    for point in ([2.0, 1.0], [1.0, 1.0], [0.5, 2.0], [0.0, 0.0]):
        assert jit(hessian(f))(point) == hessian(f)(point)


COMPILED = [order for order in FIRST if order not in ("on nodes", "forward on nodes", "backward")]


@pytest.mark.parametrize("order", COMPILED)
def test_nothing_passes_a_gate_that_is_closed_in_compiled_code(order):
    for f, x in CLOSED.values():
        transformed = FIRST[order](f)
        assert jit(transformed)(x) == 0.0
        lanes = compiled_by(vmap(transformed))([x, 0.7] * 5)
        assert lanes[::2] == [0.0] * 5
        assert equal(lanes[1], transformed(0.7))


@pytest.mark.parametrize("order", COMPILED)
def test_a_live_nan_and_the_slope_of_a_convention_are_kept_in_compiled_code(order):
    for f in (lambda x: relu(log(x)), lambda x: maximum(log(x), 0.0)):
        assert math.isnan(jit(FIRST[order](f))(-1.0))
    for f in (lambda x: sqrt(abs(x)), lambda x: log(maximum(x, x) * 0.0)):
        assert not math.isfinite(jit(FIRST[order](f))(0.0))


def test_a_tie_that_shares_multiplies_as_usual():
    def f(x, y):
        return maximum(x, y) * 3.0

    assert jit(grad(f, (0, 1)))(2.0, 2.0) == grad(f, (0, 1))(2.0, 2.0) == (1.5, 1.5)


def test_jit_of_a_hessian_and_the_hessian_of_jit_agree_behind_gates():
    def f(v):
        return sqrt(relu(v[0])) * v[1] + xlogy(v[1], maximum(v[0], v[1])) + v[0] ** 2

    for point in ([-1.0, 2.0], [2.0, 0.0], [0.0, -1.0], [3.0, 2.0]):
        expected = [x for row in hessian(f)(point) for x in row]
        for compiled in (jit(hessian(f)), hessian(jit(f))):
            assert all(map(equal, (x for row in compiled(point) for x in row), expected))


def test_exports_have_the_gates():
    def root(x):
        return sqrt(maximum(x, 0.0))

    space = {}
    exec(compiled_by(grad(root)).to_python("numpy"), space)
    assert space["f"](-1.5) == 0.0


def test_a_coefficient_that_is_a_variable_keeps_its_own_slope():
    def f(x, y):
        return xlogy(x, exp(y))

    for mixed in (grad(grad(f, 1)), jit(grad(grad(f, 1))), grad(jit(grad(f, 1))), jacfwd(grad(f, 1))):
        assert mixed(0.0, 2.0) == 1.0
    assert jit(grad(lambda x: log(x) ** 0))(0.0) == 0.0


def test_rows_that_are_not_steep_have_finite_slopes_at_finite_operands():
    source = random.Random(7)
    for row in TABLE.values():
        count = arity(row)
        for i in range(count if row.partials or row.gradient else 0):
            if row.gradient is None and row.partials[i] is None:
                continue
            for _ in range(0 if is_steep(row, i) else 200):
                xs = [
                    source.choice((1.0, -1.0)) * 10.0 ** source.uniform(-300.0, 300.0) for _ in range(count)
                ]
                local = row.local_gradient(xs)[i]
                assert local is None or math.isfinite(local), (row.name, i, xs)


def test_sums_products_and_activations_are_neither_steep_nor_wild():
    for name in (
        "add",
        "sub",
        "mul",
        "neg",
        "dot",
        "sum",
        "mean",
        "relu",
        "tanh",
        "sigmoid",
        "maximum",
        "select",
    ):
        assert not is_steep(TABLE[name], 1 if name == "select" else 0)
        assert not is_wild(TABLE[name])
    for name in ("sqrt", "log", "exp", "pow", "div"):
        assert is_steep(TABLE[name], 0)


def test_gates_cost_a_network_nothing_but_their_selects():
    def loss(w):
        h = [relu(engine.dot(w[i : i + 4], w[8:12])) for i in range(4)]
        return relu(engine.dot(h, w[:4]))

    compiled = compiled_by(grad(loss))
    compiled([0.5] * 16)
    rows = [entry.primitive.name for entry in compiled.tape.entries]
    assert rows.count("select") <= 5
