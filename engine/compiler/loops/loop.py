"""A loop of a tape: a row of the table for a grid of results, operands in constant strides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter
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

    def places(self, rows: int, columns: int, times: int) -> Iterator[slice]:
        """All places that it has, in slices as long as can be."""
        steps = [(self.down, rows), (self.across, columns), (self.along, times)]
        ways = sorted([(step, count) if step else (1, 1) for step, count in steps], key=itemgetter(1))
        (outer, i_count), (inner, j_count), (step, count) = ways
        for i in range(i_count):
            for j in range(j_count):
                first = self.base + i * outer + j * inner
                low = min(first, first + step * (count - 1))
                yield slice(low, low + abs(step) * (count - 1) + 1, abs(step))


class Summand(NamedTuple):
    """What a sum adds, or subtracts: an operand, or the product of two; of a row, all its operands."""

    minus: bool
    operands: tuple[Stride, ...]


class Repeat(NamedTuple):
    """A few terms, one after the other, as often as `times` says."""

    times: int
    terms: tuple[Summand, ...]


class Loop(NamedTuple):
    """rows x columns results, from `place` on row by row; a part of a loop has them elsewhere.

    With `sum` as primitive each is `start` plus all terms of all repeats, from left to right; with any
    other row it is that row of the operands of all terms.
    """

    primitive: Primitive
    start: float
    rows: int
    columns: int
    result: Stride
    repeats: tuple[Repeat, ...]

    @property
    def place(self) -> int:
        """Of the first result."""
        return self.result.base

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

    def reading(self, x: Stride) -> Loop:
        """The row of another operand, its only one."""
        return self._replace(repeats=(Repeat(1, (Summand(False, (x,)),)),))

    # The same results, differently

    def reshaped(self, rows: int, columns: int, change: Callable[[Stride], Stride]) -> Loop:
        """On another grid, all strides changed for it."""

        def changed(x: Stride) -> Stride:
            x = change(x)
            return x._replace(down=x.down if rows > 1 else 0, across=x.across if columns > 1 else 0)

        def term(x: Summand) -> Summand:
            return x._replace(operands=tuple(map(changed, x.operands)))

        repeats = tuple([x._replace(terms=tuple(map(term, x.terms))) for x in self.repeats])
        return self._replace(rows=rows, columns=columns, result=changed(self.result), repeats=repeats)

    def part(self, row: int, rows: int, column: int, columns: int) -> Loop:
        """So many rows and columns of it, from one on."""
        return self.reshaped(
            rows, columns, lambda x: x._replace(base=x.base + row * x.down + column * x.across)
        )

    def in_directions(self, rows: int, columns: int) -> Iterator[Loop]:
        """On a grid, if it fits there, in all directions."""
        if (self.rows, self.columns) == (rows, columns):
            loop = self
        elif self.rows == 1 and self.columns == rows * columns:
            loop = self.reshaped(rows, columns, lambda x: x._replace(down=x.across * columns))
        else:
            return
        for last_row in dict.fromkeys((0, rows - 1)):
            for last in dict.fromkeys((0, columns - 1)):
                yield loop.reshaped(rows, columns, partial(turned, last_row, last))


def turned(last_row: int, last: int, x: Stride) -> Stride:
    """Backwards from the last row, or from the last column, if it is not 0."""
    return x._replace(
        base=x.base + last_row * x.down + last * x.across,
        down=-x.down if last_row else x.down,
        across=-x.across if last else x.across,
    )
