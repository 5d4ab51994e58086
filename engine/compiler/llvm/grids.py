"""A loop of a rolled tape as a function of the memory and of the places where its operands begin; `array` is
memory for the operands of a kernel of lists.

Lanes are neighbouring results, each of which adds its terms in order: the bits are those of numbers. Some
rows go together where they read the same, so that it is read once. The last lanes may stand behind the end
of a row: what they leave there is overwritten by what is computed next.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.compiler.llvm.code import Shape
from engine.compiler.llvm.loop_operations import LoopOperations, has_kernel, parts
from engine.compiler.loops.loop import Loop
from engine.primitives import sum as total

LANES: Final = 8
TOGETHER: Final = 8  # rows: each has a sum in a register


def lanes_of(loop: Loop, fast: bool) -> int:
    """How many results are computed at once; 0 for one after the other, as kernels do but for fast_math: on
    lanes they are a few ulp from the engine's."""
    if has_kernel(loop.primitive):
        return LANES if fast and loop.primitive.gradient is None and loop.columns > LANES // 2 else 0
    return LANES if loop.columns > LANES // 2 else LANES // 2 if loop.columns > 2 else 0


def padding(loop: Loop, fast: bool) -> tuple[int, int]:
    """The lowest and the highest place that a loop touches."""
    lanes = lanes_of(loop, fast) or 1
    columns = -(-loop.columns // lanes) * lanes
    spans = [(loop.place, loop.place + loop.rows * loop.columns + lanes)]
    for repeat in loop.repeats:
        for x in (x for term in repeat.terms for x in term.operands):
            spans.append(x.reach(loop.rows + 1, columns + 1, repeat.times + 1))
    return min(low for low, _ in spans) - lanes, max(high for _, high in spans) + lanes


class Grid(LoopOperations):
    """The text of one loop; `bases` are the places to call it with."""

    def __init__(self, loop: Loop, number: str, fast: bool) -> None:
        super().__init__(Shape(lanes_of(loop, fast), number), fast)
        self.loop = loop
        self.number = number
        self.operands = loop.strides
        self.bases = [loop.place, *(x.base for x in self.operands)]
        self.pointers: dict[int, str] = {}

    def body(self) -> str:
        """The same for all loops that differ in nothing but places, %base0 and so on."""
        for first, last, together in self.groups():
            with (
                self.counting(first, last, together) as row,
                self.counting(0, self.loop.columns, self.step) as column,
            ):
                self.point(row, column)
                results = self.sums(self.loop, together) if self.loop.primitive is total else [self.row()]
                for behind, x in enumerate(results):
                    self.store(x, behind, row, column, together)
        self.code.do("ret void")
        return self.code.text()

    @property
    def step(self) -> int:
        return self.shape.lanes or 1

    def groups(self) -> Iterator[tuple[int, int, int]]:
        """Rows from, rows to, how many of them go together."""
        rows = self.loop.rows
        shared = any(x.down == 0 for x in self.operands) or not self.shape.lanes
        if self.loop.primitive is not total or not shared or self.loop.length == 1:
            yield 0, rows, 1
            return
        yield from parts(rows, TOGETHER)

    # Operands

    def moved(self, pointer: str, index: str, factor: int) -> str:
        """The pointer so many places further."""
        step = self.times(index, factor)
        return pointer if step == "0" else self.code.address(pointer, step, self.number)

    def point(self, row: str, column: str) -> None:
        """Where the operands of a result begin."""
        for k, x in enumerate(self.operands):
            pointer = self.code.address("%memory", f"%base{k + 1}", self.number)
            self.pointers[k] = self.moved(self.moved(pointer, row, x.down), column, x.across)

    def load(self, pointer: str, across: int) -> str:
        """An operand of neighbouring results, that far apart."""
        lanes, kind, code = self.shape.lanes, self.shape.type, self.code
        if across == 0 or not lanes:
            return code.splat(self.shape, code.let(f"load {self.number}, ptr {pointer}"))
        if across == 1:
            return code.let(f"load {kind}, ptr {pointer}, align {self.shape.one.size}")
        if across == -1:
            first = code.address(pointer, 1 - lanes, self.number)
            x = code.let(f"load {kind}, ptr {first}, align {self.shape.one.size}")
            return code.shuffled(self.shape, x, "poison", reversed(range(lanes)))
        return self.gather(pointer, across)

    def gather(self, pointer: str, across: int) -> str:
        steps = ", ".join(f"i64 {k * across}" for k in range(self.shape.lanes))
        places = f"{self.shape.of('i64')} <{steps}>"
        pointers = self.code.let(f"getelementptr {self.number}, ptr {pointer}, {places}")
        return self.code.gathered(self.shape, pointers)

    # Results

    def store(self, x: str, behind: int, row: str, column: str, together: int) -> None:
        """A result; where rows go together, lanes behind the end of one would fall on another."""
        code, loop = self.code, self.loop
        pointer = code.address("%memory", "%base0", self.number)
        pointer = self.moved(self.moved(pointer, row, loop.columns), column, 1)
        pointer = self.moved(pointer, str(behind), loop.columns)
        if together == 1 or loop.columns % self.step == 0 or loop.columns < self.step:
            code.do(f"store {self.shape.type} {x}, ptr {pointer}, align {self.shape.one.size}")
        else:
            code.store_masked(self.shape, x, pointer, code.below(self.shape, column, loop.columns))

    def row(self) -> str:
        """A row of the table."""
        primitive, operands = self.loop.primitive, self.operands
        if primitive.gradient is None:
            names = [self.load(self.pointers[k], x.across) for k, x in enumerate(operands)]
            return self.applied(primitive, names)
        return self.row_of_list(self.loop)

    def loaded(self, operand: int, k: str, count: int) -> list[str]:
        """For each of the rows that go together: read once if it is the same for all."""
        stride = self.operands[operand]
        pointer = self.moved(self.pointers[operand], k, stride.along)
        if stride.down == 0:
            return [self.load(pointer, stride.across)] * count
        rows = [self.moved(pointer, str(row), stride.down) for row in range(count)]
        return [self.load(row, stride.across) for row in rows]
