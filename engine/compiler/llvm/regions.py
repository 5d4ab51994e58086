"""Where the places of a rolled tape lie when it is mapped over examples, and its loops cut to fit."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby, repeat
from typing import Any, Final, NamedTuple

from engine.compiler.backend import Layout
from engine.compiler.loops.loop import Loop, Repeat, Stride
from engine.compiler.loops.rolled_tape import Rolled

LANES: Final = "lanes"  # a number for each example
SUMS: Final = "sums"  # over the examples
CONSTANTS: Final = "constants"
NOWHERE: Final = "nowhere"  # results that lie elsewhere already
BLOCK: Final = "block "  # of inputs that are not batched, with its number behind


class Region(NamedTuple):
    """Neighbouring places in one memory: `shift` less is where each lies in there."""

    memory: str
    shift: int


class Regions:
    """Of all places. `counts` says how many there are in each memory."""

    def __init__(self, rolled: Rolled, layout: Layout) -> None:
        self.rolled, self.layout = rolled, layout
        self.sources = [
            loop.strides[0].at(row, column, 0)
            for loop in rolled.loops
            if loop.place >= rolled.results
            for row, column in loop.grid()
        ]
        self.starts: list[int] = []
        self.regions: list[Region] = []
        self.counts: Counter[str] = Counter()
        self.memories = list(self.given())
        self.memories += self.computed(len(self.memories))
        for place, memory in enumerate(self.memories):
            region = Region(memory, place - self.counts[memory])
            self.counts[memory] += 1
            if region not in self.regions[-1:]:
                self.starts.append(place)
                self.regions.append(region)

    def given(self) -> Iterator[str]:
        for k, block in enumerate(self.layout.blocks):
            yield from repeat(LANES if block.batched else f"{BLOCK}{k}", block.size)
        yield from repeat(CONSTANTS, len(self.rolled.constants))

    def computed(self, first: int) -> list[str]:
        """Of the places from the first computed one on: what is read is kept, what is only a result goes
        where results go; a result is one more place only where its source lies elsewhere."""
        goal = LANES if self.layout.stacked else SUMS
        found = [goal] * (self.rolled.results - first)
        read = bytearray(self.rolled.results)
        for loop in self.rolled.loops:
            for x, times in operands(loop) if loop.place < self.rolled.results else ():
                for places in x.places(loop.rows, loop.columns, times):
                    read[places] = b"\1" * len(range(*places.indices(len(read))))
        for place in range(first, self.rolled.results):
            if read[place]:
                found[place - first] = LANES
        memories = self.memories + found
        return found + [NOWHERE if memories[place] == goal else goal for place in self.sources]

    def of(self, x: Stride) -> Region:
        return self.regions[self.number(x.base)]

    def number(self, place: int) -> int:
        """Of the region of a place."""
        return bisect_right(self.starts, place) - 1

    @property
    def outputs(self) -> list[int]:
        """The slot, or the sum, that each output is."""
        places = enumerate(self.sources, self.rolled.results)
        found = [source if self.memories[place] == NOWHERE else place for place, source in places]
        return [place - self.regions[self.number(place)].shift for place in found]

    def loops(self) -> Iterator[Loop]:
        """All loops in pieces whose results and operands lie each in one region."""
        for loop in self.rolled.loops:
            for piece in self.pieces(loop.part(0, loop.rows, 0, loop.columns)):
                if self.of(piece.result).memory != NOWHERE:
                    yield piece if piece.columns > 1 else in_one_row(piece)

    def pieces(self, loop: Loop) -> Iterator[Loop]:
        """Cut by rows or by columns, else between the terms of sums, else in all rows or columns."""
        if all(low == high for low, high in self.ends(loop)):
            yield loop
            return
        rows, columns = loop.rows, loop.columns
        by_row = [loop.part(k, 1, 0, columns) for k in range(rows)]
        by_column = [loop.part(0, rows, k, 1) for k in range(columns)]
        found = [loop.part(k, count, 0, columns) for k, count in alike(map(self.ends, by_row))]
        if len(found) == 1:
            found = [loop.part(0, rows, k, count) for k, count in alike(map(self.ends, by_column))]
        if len(found) == 1:
            found = [loop._replace(repeats=tuple(self.cut(loop)))]
            if len(found[0].repeats) == len(loop.repeats):
                found = by_row if rows > 1 else by_column
        for part in found:
            yield from self.pieces(part)

    def ends(self, loop: Loop) -> list[tuple[int, int]]:
        """The regions of the lowest and the highest place of the results, and of each operand."""
        return [self.between(x, loop, times) for x, times in [(loop.result, 1), *operands(loop)]]

    def between(self, x: Stride, loop: Loop, times: int) -> tuple[int, int]:
        low, high = x.reach(loop.rows, loop.columns, times)
        return self.number(low), self.number(high)

    def cut(self, loop: Loop) -> Iterator[Repeat]:
        """Repeats, cut where an operand goes over to another region."""
        for terms in loop.repeats:
            single = [moved(terms, k, 1) for k in range(terms.times)]
            keys = [[self.between(x, loop, 1) for term in one.terms for x in term.operands] for one in single]
            for k, count in alike(keys):
                yield moved(terms, k, count)


def operands(loop: Loop) -> list[tuple[Stride, int]]:
    """All operands as they are written, each with how often it comes."""
    return [(x, group.times) for group in loop.repeats for term in group.terms for x in term.operands]


def alike(keys: Iterable[Any]) -> list[tuple[int, int]]:
    """Equal neighbours: from where on, and how many."""
    found, at = [], 0
    for _, group in groupby(keys):
        count = len(list(group))
        found.append((at, count))
        at += count
    return found


def moved(terms: Repeat, k: int, times: int) -> Repeat:
    """So many of the repetitions, from one on."""
    found = [
        term._replace(operands=tuple([x._replace(base=x.base + k * x.along) for x in term.operands]))
        for term in terms.terms
    ]
    return Repeat(times, tuple(found))


def in_one_row(loop: Loop) -> Loop:
    """Of many rows of one column."""
    return loop.reshaped(1, loop.rows, lambda x: x._replace(across=x.down))
