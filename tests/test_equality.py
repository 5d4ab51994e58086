"""== and its kin ask for data, exactly as between plain numbers; the hash is that of the node."""

import math
import random
from decimal import Decimal
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from unittest.mock import ANY

import numpy as np
import pytest

import engine
from engine import TracingError, Value, jit, value_and_grad
from engine.testing import GradientError, gradcheck

NUMBERS = [0.0, -0.0, 1, True, 0.1, Fraction(1, 10), 2**53, 2**53 + 1, 10**400, math.inf, -math.inf]
NUMBERS += [
    math.nan,
    -math.inf,
    5e-324,
    Fraction(1, 3),
    np.float64(0.1),
    np.float32(0.5),
    np.int64(2**53),
    np.True_,
]


@pytest.mark.parametrize("ask", [eq, ne, lt, le, gt, ge])
def test_comparisons_are_those_of_plain_numbers(ask):
    for x in (0.0, 1.0, 0.1, 2.0**53, math.inf, math.nan, 1 / 3, 5e-324):
        for y in NUMBERS:
            assert ask(Value(x), y) is bool(ask(x, y)), (x, y)
            assert bool(ask(y, Value(x))) is bool(ask(y, x)), (y, x)
            if type(y) is float:
                assert ask(Value(x), Value(y)) is ask(x, y)


def test_comparison_is_exact_beyond_the_integers_of_a_double():
    assert (Value(2.0**53) < 2**53 + 1) is True
    assert Value(2.0**53) != 2**53 + 1
    assert Value(0.1) != Fraction(1, 10)
    assert Value(1.0) < 10**400


@pytest.mark.parametrize("other", [None, "1", (1,), [1.0], {}, object(), Decimal(2)])
def test_what_is_no_number_is_not_equal(other):
    assert (Value(1.0) == other) is False
    assert (Value(1.0) != other) is True
    assert other != Value(1.0)


def test_what_knows_better_has_its_say():
    assert Value(1.0) == ANY
    assert (Value(1.0) == np.array([1.0, 2.0])).tolist() == [True, False]
    assert (np.array([Value(1.0), 2.0], dtype=object) == 2.0).tolist() == [False, True]
    with pytest.raises(TypeError):
        Value(1.0) < None


def test_the_hash_is_the_nodes_own_and_lists_search_by_number():
    a, b = Value(1.0), Value(1.0)
    before = hash(a)
    a.data = 2.0
    assert hash(a) == before
    a.data = 1.0
    assert len({a, b}) == 2
    assert a == b
    assert 1.0 not in {a}
    assert {a: "first"}.get(b) is None
    assert 1 in [a]
    assert [Value(3.0), b].index(1) == [Value(3.0), b].index(a) == 1
    assert [a, b, 2.0].count(1.0) == 2
    assert Value(math.nan) not in [Value(math.nan)]


def sinc(x):
    return 1.0 if x == 0 else engine.sin(x) / x


def test_a_function_keeps_its_branches_under_transforms():
    assert value_and_grad(sinc)(0.0) == (1.0, 0.0)
    assert engine.jvp(sinc, 0.0, 1.0) == (1.0, 0.0)
    assert engine.vmap(sinc)([0.0, 1.0]) == [1.0, math.sin(1.0)]
    assert engine.grad(lambda x, n: x if n == 1 else x * x)(3.0, 1) == 1.0
    assert engine.grad(lambda x: x * (x in (0, 2)) + x)(2.0) == 2.0
    assert engine.grad(engine.grad(lambda x: x**3 if x != 2 else 5 * x * x))(2.0) == 10.0


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: 1.0 if x == 0 else x * x,
        lambda x: 1.0 if x != 0 else x,
        lambda x: x * (x in (0, 1)),
        lambda x: x * [1.0, 2.0, 0.0].index(x),
    ],
)
def test_a_trace_answers_as_the_numbers_do(ask):
    fast = jit(ask)
    assert [fast(x) for x in (2.0, 0.0, 1.0, -0.0)] == [ask(x) for x in (2.0, 0.0, 1.0, -0.0)]


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda x: {0: x}.get(x, 0.0), "hash"),
        (lambda x: x * len({x}), "hash"),
    ],
)
def test_a_trace_names_the_line_of_the_question(ask, what):
    with pytest.raises(TracingError, match=rf"{what}.*test_equality\.py:\d+"):
        jit(ask)(2.0)


def test_a_trace_is_not_nothing():
    assert jit(lambda x: x * 2 if x is not None and x != None else 0.0)(2.0) == 4.0  # noqa: E711


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x if x != 0 else 2 * x,
        lambda x: 3 * x if x in (0, 1) else x,
        lambda x: 5.0 if x == 0 else x + 1,
        lambda x: 0.0 if x == 0 else x,
    ],
)
def test_the_checker_names_the_branch(f):
    with pytest.raises(GradientError, match=r"x [!=]= \d.* \(test_equality\.py:\d+\), but .*branch taken"):
        gradcheck(f, [0.0])
    assert gradcheck(f, [0.5])


# Programs with comparisons: each is a body of statements on x, y and an accumulator


def statement(rng, depth):
    a, b = rng.choices(["x", "y", "total", str(rng.randint(-2, 3)), "0.5"], k=2)
    question = rng.choice(
        [
            f"{a} == {b}",
            f"{a} != {b}",
            f"{a} < {b}",
            f"{a} in (0, 1, 2.5)",
            f"{a} % 2 == 0",
            f"[x, y, 1.0].count({b}) > 1",
            f"min(x, y, {a}) == {b}",
            f"sorted([x, y, {a}])[1] >= {b}",
            "[x, y, 0.0].index(y) == 1",
            f"{a} and not {b}",
        ]
    )
    then = rng.choice(
        [
            f"total += {a} * {b}",
            f"total = total - {a} * x",
            f"total = engine.sin(total) + {a}",
            f"total += sorted([x, y, {a}])[1]",
            f"total = engine.exp(-total * total) * {b} + x",
            f"total = max(total, {a}) * y",
            f"total += collatz({a})",
        ]
    )
    if depth and rng.random() < 0.5:
        then = statement(rng, depth - 1).replace("\n", "\n    ")
    return f"if {question}:\n    {then}\nelse:\n    total = total + {b} * y"


def collatz(n):
    steps = 0
    n = abs(n)
    while n != 1 and n != 0 and steps < 30:
        n = n / 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return n * steps


@pytest.mark.parametrize("seed", range(200))
def test_a_program_with_comparisons_keeps_its_value(seed):
    rng = random.Random(seed)
    body = "\n".join(statement(rng, 2) for _ in range(4)).replace("\n", "\n    ")
    scope = {"engine": engine, "collatz": collatz}
    exec(f"def f(x, y):\n    total = x * y\n    {body}\n    return total", scope)
    f = scope["f"]
    for _ in range(5):
        x, y = rng.choices([0.0, -0.0, 1.0, 2.0, 3.0, 7.0, 0.5, -1.5, 2.5], k=2)
        expected = float(f(x, y)).hex()
        assert value_and_grad(f, argnums=(0, 1))(x, y)[0].hex() == expected, (x, y)
        assert engine.jvp(f, (x, y), (1.0, 0.0))[0].hex() == expected, (x, y)
