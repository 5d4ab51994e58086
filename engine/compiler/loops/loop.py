"""A loop of a tape: a row of the table for a grid of results, operands in constant strides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from engine.primitive import Primitive


class Stride(NamedTuple):
    """Where an operand lies: at base + row * down + column * across + k * along, in repetition k."""

    base: int
    down: int
    across: int
    along: int

    def at(self, row: int, column: int, k: int) -> int:
        return self.base + row * self.down + column * self.across + k * self.along

    def reach(self, rows: int, columns: int, times: int) -> tuple[int, int]:
        """The lowest and the highest place of so many rows, columns and repetitions."""
        ways = self.down * (rows - 1), self.across * (columns - 1), self.along * (times - 1)
        return self.base + sum([min(way, 0) for way in ways]), self.base + sum([max(way, 0) for way in ways])


class Summand(NamedTuple):
    """What a sum adds, or subtracts: an operand, or the product of two; of a row, all its operands."""

    minus: bool
    operands: tuple[Stride, ...]


class Repeat(NamedTuple):
    """A few terms, one after the other, as often as `times` says."""

    times: int
    terms: tuple[Summand, ...]


class Loop(NamedTuple):
    """rows x columns results, at `place` and behind it, row by row.

    With `sum` as primitive each is `start` plus all terms of all repeats, from left to right; with any
    other row it is that row of the operands of all terms.
    """

    primitive: Primitive
    start: float
    rows: int
    columns: int
    place: int
    repeats: tuple[Repeat, ...]

    @property
    def lines(self) -> int:
        """Terms as they are written, repetitions not counted."""
        return sum([len(repeat.terms) for repeat in self.repeats])

    @property
    def length(self) -> int:
        """Terms of one result."""
        return sum([repeat.times * len(repeat.terms) for repeat in self.repeats])

    @property
    def work(self) -> int:
        """Terms of all results."""
        return self.rows * self.columns * self.length

    @property
    def strides(self) -> list[Stride]:
        """All operands as they are written."""
        return [x for repeat in self.repeats for term in repeat.terms for x in term.operands]

    def grid(self) -> Iterator[tuple[int, int]]:
        """Rows and columns in the order of the places."""
        return ((row, column) for row in range(self.rows) for column in range(self.columns))

    def terms(self, row: int, column: int) -> Iterator[tuple[bool, list[int]]]:
        """Sign and places of all terms of one result, in order."""
        for repeat in self.repeats:
            for k in range(repeat.times):
                for minus, operands in repeat.terms:
                    yield minus, [stride.at(row, column, k) for stride in operands]
