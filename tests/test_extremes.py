"""Derivatives where a formula leaves the range of floats on its way, or cancels, or has no answer."""

import ctypes
import math
import os
import platform
import random
from math import inf, nan

import numpy as np
import pytest

import engine
from engine import (
    Value,
    erf,
    erfc,
    gelu,
    grad,
    hessian,
    jit,
    jvp,
    mish,
    norm,
    silu,
    softmax,
    value_and_grad,
    vmap,
)
from engine import primitives as p
from engine.primitive import TABLE


def first(f, i=0):
    return grad(f, i)


def second(f, i=0, j=0):
    return grad(lambda *xs: grad(f, i)(*xs), j)


def third(f):
    return grad(grad(grad(f)))


def alike(got, expected, ulps=4):
    if expected != expected or math.isinf(expected):
        return got == expected or (got != got and expected != expected)
    return abs(got - expected) <= ulps * math.ulp(expected)


# What is differentiated, how, where, and the value, rounded from 60 digits
CASES = {
    "a huge exponent": (second(lambda x: x**1e155), (0.5,), 0.0),
    "a tiny exponent": (first(lambda x: x**1e-30), (1e-310,), 1.000000000000003e280),
    "2**x where it overflows": (first(lambda x: 2.0**x), (1024.0,), 1.2460659279417838e308),
    "2**x by its exponent": (first(lambda x, y: x**y, 1), (2.0, 1024.0), 1.2460659279417838e308),
    "exp2 where it overflows": (first(p.exp2), (1024.2,), 1.431353881644626e308),
    "exp2 twice": (second(p.exp2), (1025.0,), 1.7274141694893189e308),
    "exp2 out of range": (first(p.exp2), (1024.6,), inf),
    "a mixed logarithm": (second(engine.log, 0, 1), (1e-320, 1e150), -8.382835413980326e164),
    "the other way": (second(engine.log, 1, 0), (1e-320, 1e150), -8.382835413980326e164),
    "a logarithm to a tiny base": (first(engine.log, 1), (1e100, 1e-307), -4.607947902930024e303),
    "sqrt twice": (second(p.sqrt), (4e-206,), -3.125e307),
    "elu": (first(engine.elu, 0), (-1000.0, 1e290), 5.075958897549457e-145),
    "elu twice": (second(engine.elu), (-1000.0, 1e290), 5.075958897549457e-145),
    "atan2 at subnormals": (second(p.atan2, 0, 1), (5e-324, 5e-324), 0.0),
    "atan2 at a subnormal": (second(p.atan2), (5e-324, 5e-324), -inf),
    "atan2 on an axis": (second(p.atan2), (0.0, 5e-324), 0.0),
    "erf far out": (third(erf), (1e200,), 0.0),
    "erfc far out": (third(erfc), (-1e200,), 0.0),
    "gelu far out": (third(gelu), (1e200,), 0.0),
    "mish far out": (third(mish), (1.2e308,), 0.0),
    "erf at the end": (third(erf), (inf,), 0.0),
    "gelu at the end": (third(gelu), (-inf,), 0.0),
    "silu at the end": (third(silu), (inf,), 0.0),
    "mish at the end": (third(mish), (inf,), 0.0),
    "mod of an infinity": (first(lambda x, y: x % y, 1), (5.0, -inf), 1.0),
    "mod, to the number": (first(lambda x, y: x % y, 0), (5.0, -inf), 1.0),
    "mod of the other sign": (first(lambda x, y: x % y, 1), (-5.0, inf), 1.0),
    "mod of its own sign": (first(lambda x, y: x % y, 1), (5.0, inf), 0.0),
    "mod of nothing": (first(lambda x, y: x % y, 1), (5.0, 0.0), nan),
    "fmod of an infinity": (first(p.fmod, 1), (5.0, -inf), 0.0),
    "remainder of an infinity": (first(p.remainder, 1), (5.0, -inf), 0.0),
    "xlogy at the origin": (first(p.xlogy, 0), (0.0, 0.0), -inf),
    "xlogy, to its logarithm": (first(p.xlogy, 1), (0.0, 0.0), 0.0),
    "a softmax of almost equal logits": (second(lambda x, y: softmax([x, y])[0]), (1e-17, 0.0), -1.25e-18),
    "softmax, mixed": (second(lambda x, y: softmax([x, y])[0], 0, 1), (1e-10, 0.0), 1.25e-11),
    "softmax, the other way": (second(lambda x, y: softmax([x, y])[0], 1, 0), (1e-10, 0.0), 1.25e-11),
    "softmax, of the other": (second(lambda x, y: softmax([x, y])[0], 1, 1), (1e-10, 0.0), -1.25e-11),
    "a power where its slope turns": (
        second(lambda x, y: x**y, 0, 1),
        (1.4177611846184226, -2.8),
        0.005992517529785674,
    ),
    "a label that is almost the share": (
        first(p.binary_cross_entropy_with_logits, 0),
        (0.0, 0.5 - 2.0**-54),
        2.0**-54,
    ),
    "hypot at its point": (second(p.hypot), (0.0, 0.0), nan),
    "hypot at its point, mixed": (second(p.hypot, 0, 1), (0.0, 0.0), nan),
    "hypot on an axis": (second(p.hypot), (0.0, 2.0), 0.5),
    "abs at its kink, by convention": (second(abs), (0.0,), 0.0),
    "relu at its kink, by convention": (second(engine.relu), (0.0,), 0.0),
}


@pytest.mark.parametrize("name", CASES)
def test_a_derivative_at_an_extreme_is_right_eager_and_compiled(name):
    f, xs, expected = CASES[name]
    assert alike(f(*xs), expected), f(*xs)
    assert alike(jit(f)(*xs), expected), jit(f)(*xs)


@pytest.mark.parametrize("name", CASES)
def test_it_stays_so_among_many_examples(name):
    f, xs, expected = CASES[name]
    found = jit(vmap(f))(*(np.full(9, x) for x in xs))
    assert all(alike(float(y), expected) for y in found), found


def test_the_second_derivative_of_a_length_at_its_point_is_not_there():
    for f in (lambda p: norm(p) ** 2, norm, lambda p: engine.hypot(p[0], p[1]) ** 2):
        assert all(math.isnan(x) for row in hessian(f)([0.0, 0.0]) for x in row)
    assert hessian(norm)([3.0, 0.0]) == [[0.0, 0.0], [0.0, 1 / 3]]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_whole_small_exponents_multiply_and_keep_the_value_of_the_power(n):
    def f(x):
        return x**n

    for x in (0.7, -1.9, 1e200, -3e-170, 5e-324, 0.0, inf, -inf):
        slope, bend = float(n), float(n * (n - 1))
        for _ in range(n - 1):
            slope *= x
        for _ in range(n - 2):
            bend *= x
        for transform in (lambda f: f, jit):
            assert transform(grad(f))(x) == slope
            assert transform(grad(grad(f)))(x) == bend
            assert transform(value_and_grad(f))(x)[0] == p.pow(x, float(n))
    assert jvp(f, (3.0,), (1.0,))[1] == n * 3.0 ** (n - 1)


def test_the_second_derivative_of_a_square_is_a_number_on_the_tape():
    f = jit(grad(grad(lambda x: x**2)))
    assert f(3.0) == f(nan) == 2.0
    assert "2.0" in str(f.tape)
    assert "**" not in str(f.tape)
    slope = jit(grad(lambda x: x**2))
    assert slope(3.0) == 6.0
    assert "2.0 * x" in str(slope.tape)


def test_a_product_leaves_the_range_only_if_it_is_out_of_it():
    xs = [1e-200, 1e-200, 1e200, 1e200]
    for transform in (lambda f: f, jit):
        value, slopes = transform(value_and_grad(engine.prod))(xs)
        assert alike(value, 1.0)
        assert all(map(alike, slopes, [1e200, 1e200, 1e-200, 1e-200]))
        assert transform(grad(engine.prod))([0.0, 5e-324, 1e300, 1e300, 2.0])[1:] == [0.0] * 4
    assert hessian(engine.prod)([2.0, 3.0, 5.0, 7.0])[0] == [0.0, 35.0, 21.0, 15.0]
    many = [1e-200] * 5 + [1e200] * 5
    assert alike(engine.prod(many), 1.0, 40)
    assert all(map(lambda got, x: alike(got, 1 / x, 40), grad(engine.prod)(many), many))
    wide = hessian(engine.prod)([-2.0, -1.5e135, 1e135, 0.5])[0]
    assert all(map(alike, wide, [0.0, 5e134, -7.5e134, -1.5e270]))
    assert engine.prod([inf, 0.0, 1.0, 1.0]) != engine.prod([inf, 1.0])


@pytest.mark.parametrize("digits", [0, 1, 2, 5, 10, 16, 22, 300, -1, -2, -5, -22, -400])
def test_rounding_to_digits_is_pythons(digits):
    source = random.Random(digits)
    numbers = [2.675, 0.5, 2.5, 0.125, 1e300, 1e22, 12345.5, 5e-324, 1.7976931348623157e308, 0.0, -0.0]
    numbers += [source.uniform(-9.0, 9.0) * 10.0 ** source.randint(-8, 17) for _ in range(300)]
    numbers += [source.randint(0, 10**6) / 8.0 for _ in range(100)]
    f = jit(lambda x: round(x, digits))
    for x in (*numbers, *(-x for x in numbers)):
        try:
            expected = round(x, digits)
        except OverflowError:  # 1.7976931348623157e308 to tens of them
            continue
        assert round(Value(x), digits).data.hex() == f(x).hex() == float(expected).hex(), x
    assert math.isnan(round(Value(nan), digits).data)
    assert grad(lambda x: round(x, digits))(2.6) == 0.0


@pytest.mark.skipif(
    platform.machine() != "x86_64" or os.name == "nt", reason="knows the modes of one machine"
)
@pytest.mark.parametrize("mode", [0x400, 0x800, 0xC00], ids=["down", "up", "toward zero"])
def test_a_library_that_has_changed_the_rounding_mode_makes_nothing_raise(mode):
    set_mode = ctypes.CDLL(None).fesetround
    for row in TABLE.values():
        for x in (0.5, 1.0, 1e-300, -2.0, 0.0, 1.0 - 2.0**-53):
            set_mode(mode)
            try:
                row(*[Value(x)] * (len(row.partials) or 2)).backward()
            finally:
                set_mode(0)
