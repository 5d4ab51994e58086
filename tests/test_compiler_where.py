"""`where` in compiled code: nothing comes out of the arm not taken, and a live arm keeps its nan."""

import math
from functools import partial

import pytest

from engine import exp, grad, hessian, jacfwd, jvp, log, sqrt, value_and_grad, where
from engine.compiler import jit as compiled_by
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
