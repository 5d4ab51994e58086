"""Loops that are computed together, cell by cell, for many examples: what one reads of another stays in a
register, and what nobody else reads is not kept at all."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final, final

from engine.compiler.llvm.loop_operations import has_kernel
from engine.compiler.llvm.regions import SUMS, Regions, operands
from engine.compiler.loops.loop import Loop, Stride
from engine.primitives import relu, step
from engine.primitives import sum as total

CROWD: Final = 40  # loops in a nest
SUMMED: Final = 4  # of them, over the examples: each needs a register for each cell
WORTH: Final = 40  # terms a nest, from where on it beats code without loops, also to compile
LONG: Final = 4  # terms of a result
SHARE: Final = 3  # of the work that dense loops have to do: one part in so many


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
    def is_kernel(self) -> bool:
        """Of numbers, not of lists."""
        return has_kernel(self.loop.primitive) and self.loop.primitive.gradient is None

    @property
    def is_simple(self) -> bool:
        """Whether it is an instruction or a few."""
        return self.loop.primitive is not total and not has_kernel(self.loop.primitive)

    @property
    def is_stored(self) -> bool:
        """Whether it has to lie in memory, example by example."""
        outside = any(reader.nest is not self.nest for reader in self.readers)
        return not self.summed and (self.is_result or outside or not self.readers)


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
        loops = statement.loop.in_directions(lead.rows, lead.columns) if self.has_room(statement) else ()
        return next((loop for loop in loops if self.fits(loop, statement)), None)

    def fits(self, loop: Loop, statement: Statement) -> bool:
        return all(self.in_step(x, each) for x, each in zip(loop.strides, statement.sources, strict=True))

    def guests(self, statement: Statement, loop: Loop) -> list[tuple[Statement, Loop]] | None:
        """What waits for a statement that comes in as such a loop; None if not all of it can come along."""
        found = []
        for x, sources in zip(loop.strides, statement.sources, strict=True):
            for each in sources:
                if each.nest is None:
                    ways = each.loop.in_directions(loop.rows, loop.columns)
                    fitting = [way for way in ways if way.result == x and self.fits(way, each)]
                    if not fitting:
                        return None
                    found.append((each, fitting[0]))
        return found

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
        self.relus: dict[Hashable, Stride] = {}
        self.statements = [self.statement(loop) for loop in regions.loops()]
        for source in regions.sources if regions.layout.stacked else ():
            owner = self.owners[source]
            if owner is not None:
                owner.is_result = True
        for statement in self.statements:
            self.settle(statement)

    @property
    def pays(self) -> bool:
        """Whether loops do much of the work, and are long for the code that they take."""
        loops = [each.loop for each in self.statements]
        work, dense = sum(loop.work for loop in loops), sum(loop.work for loop in loops if is_dense(loop))
        return SHARE * dense >= work >= WORTH * len(self.nests)

    def statement(self, loop: Loop) -> Statement:
        if loop.primitive is relu:
            self.relus[shared(loop)] = loop.result
        if loop.primitive is step:  # the same of relu(x), which lies in memory more often than x does
            loop = loop.reading(self.relus.get(shared(loop), loop.strides[0]))
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
        """Into a nest that there is, together with what waits for it, or each into one of its own."""
        if self.may_wait(statement):
            return
        nest = self.home(statement)
        loop = nest.fitted(statement) if nest else None
        guests = nest.guests(statement, loop) if nest and loop else None
        if nest and loop and guests is not None:
            for each, way in [*guests, (statement, loop)]:
                nest.add(each, way)
        else:
            for sources in statement.sources:
                for each in sources:
                    if each.nest is None:
                        self.enter(each)
            self.enter(statement)

    def may_wait(self, statement: Statement) -> bool:
        """Whether it is as well computed by its only reader, of what lies in memory in any case."""
        readers, sources = statement.readers, set[Statement]().union(*statement.sources)
        alone = len(readers) == 1 and not statement.is_result and statement.is_simple
        if not alone or readers[0].summed or not readers[0].is_simple:
            return False
        return bool(sources) and all(
            each.nest and not all(reader.is_simple for reader in each.readers) for each in sources
        )

    def enter(self, statement: Statement) -> None:
        nest = self.home(statement)
        loop = nest.fitted(statement) if nest else None
        if nest is None or loop is None:
            nest, loop = Nest(len(self.nests)), statement.loop
            self.nests.append(nest)
        nest.add(statement, loop)
        if statement.is_kernel:
            self.kernels.setdefault(shared(loop), nest)

    def home(self, statement: Statement) -> Nest | None:
        """The nest that it might go into: of a kernel, that of another one that reads the same."""
        if statement.is_kernel:
            return self.kernels.get(shared(statement.loop))
        if not statement.is_simple:
            return None
        nests = [each.nest for sources in statement.sources for each in sources if each.nest]
        return max(nests, key=lambda nest: nest.number, default=None)


def shared(loop: Loop) -> Hashable:
    """What kernels have in common whose beginnings are computed once."""
    return loop.rows, loop.columns, loop.repeats


def is_dense(loop: Loop) -> bool:
    """Whether it adds much to one result, or what it reads serves rows and columns of them."""
    in_row, in_column = (any(x[way] == 0 for x in loop.strides) for way in (2, 1))
    return loop.length >= LONG or (loop.rows > 1 and loop.columns > 1 and in_row and in_column)
