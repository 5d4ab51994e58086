"""A nest as a function: tiles of its grid, one after the other, each over all groups of lanes of a block.

What a tile reads of numbers that all examples share, it finds in the nearest cache; sums over the examples
stay in registers from the first group to the last. Each example adds its terms in the order of the tape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

from engine.compiler.llvm.code import Function
from engine.compiler.llvm.host import accumulators
from engine.compiler.llvm.loop_operations import LoopOperations, has_kernel, parts
from engine.compiler.llvm.memory import Memory, lane_parameters
from engine.compiler.llvm.nests import Nest
from engine.compiler.llvm.plan import LONG
from engine.compiler.llvm.regions import BLOCK, CONSTANTS, LANES, SUMS, Regions
from engine.compiler.llvm.rows import ROWS
from engine.compiler.loops.loop import Loop, Stride
from engine.primitives import sum as total

SIMPLE: Final = 4  # cells of a tile without inner sums: there is nothing to be gained by more
LINES: Final = 300  # of a tile
BUSY: Final = 6  # what a step costs in any case, counted in sums and loads
# Without it LLVM may lay spilled vectors across lines of the cache, which costs half of the time
ATTRIBUTES: Final = "noinline nounwind alignstack(64)"


class NestFunction(LoopOperations):
    """The text of one nest."""

    def __init__(self, nest: Nest, regions: Regions, memory: Memory, fast: bool) -> None:
        super().__init__(memory.shape, fast)
        self.nest, self.regions, self.memory = nest, regions, memory
        strides = [x for each in nest.statements for x in (each.loop.result, *each.loop.strides)]
        self.strides = list(dict.fromkeys(strides))
        self.pointers: dict[Stride, str] = {}
        self.known: dict[Stride, list[str]] = {}  # what is in registers
        self.group = ""

    def function(self, name: str) -> Function:
        lead = self.nest.lead
        rows, columns = best_tile(self.nest)
        for row, height in self.steps(lead.rows, rows):
            for column, width in self.steps(lead.columns, columns):
                self.row, self.column, self.cells = row, column, list(product(range(height), range(width)))
                self.tile()
        self.code.do("ret void")
        return self.code.function("void", name, lane_parameters(self.shape), ATTRIBUTES)

    def steps(self, count: int, most: int) -> Iterator[tuple[str, int]]:
        """From where on, and how many at once."""
        for first, last, size in parts(count, most):
            if last - first == size:
                yield str(first), size
            else:
                with self.code.counting(first, last, size) as at:
                    yield at, size

    def tile(self) -> None:
        """All groups of lanes of a tile."""
        shared = [x for x in self.strides if self.regions.of(x).memory != LANES]
        self.pointers = {x: self.pointer(x) for x in shared}
        sums = {each: self.begun(self.wheres(each.loop.result)) for each in self.nest.sums}
        with self.code.counting(0, "%groups") as group:
            self.group = self.code.address("%lanes", group, self.shape.type)
            self.pointers |= {x: self.pointer(x) for x in self.strides if x not in shared}
            mask = self.mask(group) if sums else ""
            self.known = {}
            for each in self.nest.statements:
                values = self.known[each.loop.result] = self.values(each.loop)
                if each.is_stored:
                    self.store(each.loop.result, values)
                for place, value in zip(sums.get(each, ()), values, strict=False):
                    self.add(place, value, mask)
        for each, places in sums.items():
            x, size = each.loop.result, self.shape.one.size
            self.end(places, self.wheres(x), self.each(x, self.first(x, "%totals", size), size))

    def values(self, loop: Loop) -> list[str]:
        """In all cells."""
        count, self.operands = len(self.cells), loop.strides
        if loop.primitive is total:
            return self.sums(loop, count)
        if loop.primitive.gradient is not None:
            is_spelled = loop.primitive.key in ROWS and loop.length <= LONG
            return [self.spelled(loop) if is_spelled else self.row_of_list(loop)]
        columns = [self.loaded(i, "0", count) for i in range(len(self.operands))]
        return [self.applied(loop.primitive, names) for names in zip(*columns, strict=True)]

    def spelled(self, loop: Loop) -> str:
        """A short row of a list that is instructions, as segments have it: in its own precision."""
        names, at = list[str](), 0
        for repeat in loop.repeats:
            places = range(at, at + len(repeat.terms))
            names += [self.loaded(i, str(k), 1)[0] for k in range(repeat.times) for i in places]
            at += len(repeat.terms)
        return self.applied(loop.primitive, names)

    # Memory

    def loaded(self, operand: int, k: str, count: int) -> list[str]:
        """Read once where it is the same for several cells, or for all repetitions."""
        x = self.operands[operand]
        if x in self.known:
            return self.known[x]
        places = [row * x.down + column * x.across for row, column in self.cells]
        wheres = dict(zip(places, self.wheres(x, k), strict=True))
        found = {place: self.load(x, where) for place, where in wheres.items()}
        names = [found[place] for place in places]
        if k.isdecimal() and not x.along:
            self.known[x] = names
        return names

    def load(self, x: Stride, where: str) -> str:
        if self.regions.of(x).memory == LANES:
            return self.code.let(f"load {self.shape.type}, ptr {where}, align {self.shape.size}")
        return self.code.splat(self.shape, self.code.let(f"load {self.shape.number}, ptr {where}"))

    def store(self, x: Stride, values: Iterable[str]) -> None:
        for value, where in zip(values, self.wheres(x), strict=True):
            self.code.do(f"store {self.shape.type} {value}, ptr {where}, align {self.shape.size}")

    def pointer(self, x: Stride) -> str:
        """Where it lies in the first cell of the tile."""
        memory = self.regions.of(x).memory
        base = {LANES: self.group, SUMS: "%sums", CONSTANTS: "@constants"}.get(memory)
        if base is None:
            place = self.code.address("%in", memory.removeprefix(BLOCK), "ptr")
            base = self.code.let(f"load ptr, ptr {place}")
        return self.first(x, base, self.unit(x))

    def first(self, x: Stride, base: str, unit: int) -> str:
        pointer = self.moved(base, str(x.base - self.regions.of(x).shift), unit)
        return self.moved(self.moved(pointer, self.row, x.down * unit), self.column, x.across * unit)

    def wheres(self, x: Stride, k: str = "0") -> list[str]:
        """Where it lies in each cell, in repetition k."""
        return self.each(x, self.moved(self.pointers[x], k, x.along * self.unit(x)), self.unit(x))

    def each(self, x: Stride, pointer: str, unit: int) -> list[str]:
        steps = [(row * x.down + column * x.across) * unit for row, column in self.cells]
        return [self.code.address(pointer, step) if step else pointer for step in steps]

    def unit(self, x: Stride) -> int:
        """Bytes from a place in its memory to the next."""
        sizes = {LANES: self.memory.stride, SUMS: self.shape.size}
        return sizes.get(self.regions.of(x).memory, self.shape.one.size)

    def moved(self, pointer: str, index: str, step: int) -> str:
        """A pointer so many steps of bytes further."""
        offset = self.times(index, step)
        return pointer if offset == "0" else self.code.address(pointer, offset)


def best_tile(nest: Nest) -> tuple[int, int]:
    """Rows and columns: as many sums as registers hold, for as few loads as can be."""
    lead, loops = nest.lead, [each.loop for each in nest.statements]
    if any(has_kernel(loop.primitive) for loop in loops):
        return 1, 1
    heaviest = max(loops, key=lambda loop: loop.length)
    chains = len(nest.sums) + (heaviest.primitive is total)
    most = min(accumulators() // chains if chains else SIMPLE, LINES // len(loops))

    def cost(tile: tuple[int, int]) -> float:
        rows, columns = tile
        loads = sum((rows if x.down else 1) * (columns if x.across else 1) for x in heaviest.strides)
        tiles = -(-lead.rows // rows) * -(-lead.columns // columns)
        return tiles * (max(rows * columns, loads, BUSY) + 0.35 * loads + 2)

    rows = range(1, min(lead.rows, max(most, 1)) + 1)
    return min(((r, c) for r in rows for c in range(1, min(lead.columns, max(most // r, 1)) + 1)), key=cost)
