"""The column `structural` says of an operand that is ignored, and of no other, that it is."""

import random
from collections.abc import Iterator
from itertools import product
from math import inf, isfinite, nan
from typing import Any

import pytest

from engine import Value, jit
from engine.primitive import TABLE, Primitive

SPECIAL = [-inf, -1e300, -7.0, -1.0, -0.5, -5e-324, -0.0, 0.0, 5e-324, 0.5, 1.0, 6.0, 7.0, 1e300, inf, nan]
SOME = {  # numbers for arguments that do not take all
    "power_term": {3: [0.0, 1.0, 2.0], 4: [0.0, 1.0]},
    "select": {0: [0.0, 1.0, nan]},
    "huber": {1: [0.5, 1.0, 7.0, inf, nan]},
    "huber_slope": {1: [0.5, 1.0, 7.0, inf, nan]},
}
CASES = [
    pytest.param(row, i, id=f"{row.name}-{i}")
    for row in TABLE.values()
    for i, entry in enumerate(row.structural)
    if entry and (row.gradient or row.partials[i])
]


def arity(row: Primitive) -> int:
    return 3 if row.gradient else len(row.partials)


def special(row: Primitive) -> Iterator[list[float]]:
    numbers = SPECIAL if arity(row) < 3 else [-1.0, -0.0, 5e-324, 1.0, 7.0, inf, nan]
    return map(list, product(*(SOME.get(row.name, {}).get(i, numbers) for i in range(arity(row)))))


def drawn(row: Primitive) -> Iterator[list[float]]:
    source = random.Random(row.name)
    for _ in range(300):
        xs = [source.uniform(-8.0, 8.0) for _ in range(arity(row))]
        yield [source.choice(SOME.get(row.name, {}).get(i, [x])) for i, x in enumerate(xs)]


def entry(row: Primitive, i: int) -> Any:
    return row.structural[0 if row.gradient else i]


def gate(row: Primitive, i: int, xs: list[Any]) -> Any:
    """0 where operand i is ignored."""
    if entry(row, i) is True:
        return row.local_gradient(xs)[i]
    return entry(row, i)(*xs) if entry(row, i) else 1.0


def moved(xs: list[float], i: int, x: float) -> list[float]:
    return [*xs[:i], x, *xs[i + 1 :]]


def same(x: float, y: float) -> bool:
    return x == y or (x != x and y != y)


@pytest.mark.parametrize(("row", "i"), CASES)
def test_nothing_depends_on_an_operand_that_is_ignored(row, i):
    ways = [sorted(SPECIAL[:-1], reverse=down) for down in (False, True)]
    for xs in filter(lambda xs: gate(row, i, xs) == 0.0, special(row)):
        for way in ways:
            for x in way[way.index(xs[i]) :] if xs[i] == xs[i] else []:
                if gate(row, i, moved(xs, i, x)) != 0.0:
                    break  # the end of this side
                if row.name != "power_term" or isfinite(x * x):  # where c x**0 does not round
                    assert same(row.evaluate(moved(xs, i, x)), row.evaluate(xs))


@pytest.mark.parametrize(("row", "i"), CASES)
def test_the_slope_to_an_operand_that_is_ignored_is_zero(row, i):
    for xs in special(row):
        if gate(row, i, xs) == 0.0 and all(map(isfinite, xs)):
            assert row.local_gradient(xs)[i] == 0.0


@pytest.mark.parametrize(("row", "i"), CASES)
def test_an_operand_that_is_not_ignored_matters(row, i):
    live = [xs for xs in drawn(row) if gate(row, i, xs) != 0.0]
    assert live
    for xs in live:
        others = [xs[i] * 1.25, xs[i] * 0.75, *SPECIAL[:-1]]
        assert any(not same(row.evaluate(moved(xs, i, x)), row.evaluate(xs)) for x in others)


@pytest.mark.parametrize(("row", "i"), CASES)
def test_a_nan_that_is_returned_is_not_ignored(row, i):
    for xs in special(row):
        y, without = row.evaluate(xs), row.evaluate(moved(xs, i, 1.0))
        if y != y and without == without:
            assert gate(row, i, xs) != 0.0


@pytest.mark.parametrize(
    ("name", "i", "xs"),
    [
        ("maximum", 0, [2.0, 2.0]),
        ("minimum", 1, [2.0, 2.0]),
        ("max", 1, [1.0, 2.0, 2.0]),
        ("clamp", 0, [1.0, 1.0, 3.0]),
        ("clamp", 1, [1.0, 1.0, 3.0]),
        ("clamp", 2, [3.0, 1.0, 3.0]),
        ("huber", 1, [-2.0, 2.0]),
        ("elu_slope", 0, [0.0, 0.5]),
        ("elu_slope", 0, [-800.0, 0.5]),  # a slope that is 0 by underflow
        ("abs", 0, [0.0]),
        ("hypot", 0, [0.0, 0.0]),
    ],
)
def test_nothing_is_ignored_at_a_tie_or_where_a_slope_is_zero_by_convention(name, i, xs):
    assert gate(TABLE[name], i, xs) != 0.0


@pytest.mark.parametrize(("row", "i"), [case for case in CASES if callable(entry(*case.values))])
def test_gates_are_expressions_in_rows(row, i):
    for xs in list(drawn(row))[:5]:
        number = gate(row, i, xs)
        node = gate(row, i, [Value(x) for x in xs])
        assert (node.data if isinstance(node, Value) else node) == number
    assert jit(lambda *xs: gate(row, i, list(xs)) + 0.0 * xs[0])(*xs) == number
