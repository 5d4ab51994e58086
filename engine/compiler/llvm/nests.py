"""Loops that are computed together, cell by cell, for many examples: what one reads of another stays in a
register, and what nobody else reads is not kept at all."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, final

from engine.compiler.llvm.loop_operations import has_kernel
from engine.compiler.llvm.regions import SUMS, Regions, operands
from engine.compiler.loops.loop import Loop, Stride
from engine.primitives import sum as total

CROWD: Final = 40  # loops in a nest
SUMMED: Final = 4  # of them, over the examples: each needs a register for each cell
WORTH: Final = 50  # terms a nest, from where on it beats code without loops


@final
class Statement:
    """A loop, who computes each of its operands, who reads it, and the nest that it is in."""

    def __init__(self, loop: Loop, memory: str, sources: Sequence[set[Statement]]) -> None:
        self.loop = loop
        self.sources = sources
        self.readers: list[Statement] = []
        self.nest: Nest | None = None
        self.summed = memory == SUMS
        self.is_result = False
        for source in set[Statement]().union(*sources):
            source.readers.append(self)

    @property
    def is_stored(self) -> bool:
        """Whether it has to lie in memory, example by example."""
        outside = (reader.nest is not self.nest for reader in self.readers)
        return not self.summed and (self.is_result or any(outside))


@final
class Nest:
    """Statements on the grid of the first one. Nests are computed in the order of their numbers."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.statements: list[Statement] = []

    @property
    def lead(self) -> Loop:
        return self.statements[0].loop

    @property
    def sums(self) -> list[Statement]:
        return [each for each in self.statements if each.summed]

    def add(self, statement: Statement, loop: Loop) -> None:
        statement.loop, statement.nest = loop, self
        self.statements.append(statement)

    def has_room(self, statement: Statement) -> bool:
        """A sum over examples does not go with inner sums: there are too few registers for both."""
        if not statement.summed:
            return len(self.statements) < CROWD
        inner = any(each.loop.primitive is total for each in self.statements)
        return not inner and len(self.sums) < SUMMED

    def fitted(self, statement: Statement) -> Loop | None:
        """Its loop on our grid, if it reads of us just the cell that it is in."""
        lead = self.lead
        for loop in statement.loop.in_directions(lead.rows, lead.columns):
            pairs = zip(loop.strides, statement.sources, strict=True)
            if all(self.in_step(x, sources) for x, sources in pairs):
                return loop
        return None

    def in_step(self, x: Stride, sources: set[Statement]) -> bool:
        ours = [each for each in sources if each.nest is self]
        return not ours or (len(sources) == 1 and ours[0].loop.result == x)


class Nests:
    """All loops of a mapped tape. Simple rows go to the last nest that they read of."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        self.nests: list[Nest] = []
        self.owners: list[Statement | None] = [None] * len(regions.memories)
        self.kernels: dict[Hashable, Nest] = {}
        self.statements = [self.statement(loop) for loop in regions.loops()]
        for source in regions.sources if regions.layout.stacked else ():
            owner = self.owners[source]
            if owner is not None:
                owner.is_result = True
        for statement in self.statements:
            self.settle(statement)

    @property
    def pays(self) -> bool:
        """Whether loops are long for the code that they take."""
        return sum(each.loop.work for each in self.statements) >= WORTH * len(self.nests)

    def statement(self, loop: Loop) -> Statement:
        sources = [self.computing(x, loop, times) for x, times in operands(loop)]
        found = Statement(loop, self.regions.of(loop.result).memory, sources)
        for places in loop.result.places(loop.rows, loop.columns, 1):
            self.owners[places] = [found] * len(range(*places.indices(len(self.owners))))
        return found

    def computing(self, x: Stride, loop: Loop, times: int) -> set[Statement]:
        """What computes an operand."""
        spans = x.places(loop.rows, loop.columns, times)
        return {owner for places in spans for owner in self.owners[places] if owner}

    def settle(self, statement: Statement) -> None:
        """Into a nest that there is, or into one of its own."""
        loop = statement.loop
        nest = self.home(statement)
        fitted = nest.fitted(statement) if nest and nest.has_room(statement) else None
        if nest is None or fitted is None:
            nest, fitted = Nest(len(self.nests)), loop
            self.nests.append(nest)
        nest.add(statement, fitted)
        if is_kernel(loop):
            self.kernels.setdefault(shared(loop), nest)

    def home(self, statement: Statement) -> Nest | None:
        """The nest that it might go into: of a kernel, that of another one that reads the same."""
        loop = statement.loop
        if is_kernel(loop):
            return self.kernels.get(shared(loop))
        if loop.primitive is total or has_kernel(loop.primitive):
            return None
        nests = [each.nest for sources in statement.sources for each in sources if each.nest]
        return max(nests, key=lambda nest: nest.number, default=None)


def is_kernel(loop: Loop) -> bool:
    """Of numbers, not of lists."""
    return has_kernel(loop.primitive) and loop.primitive.gradient is None


def shared(loop: Loop) -> Hashable:
    """What kernels have in common whose beginnings are computed once."""
    return loop.rows, loop.columns, loop.repeats
