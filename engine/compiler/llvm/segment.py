"""The functions of a tape: each computes a segment of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from engine.compiler.llvm.code import Function
from engine.compiler.llvm.operations import Operations
from engine.compiler.llvm.plan import Plan, is_long
from engine.compiler.tape.tape import Entry
from engine.node import CONSTANT, INPUT

SHORT_RUN: Final = 8  # slots side by side that are copied one by one


class Segment(Operations):
    """The text of one segment. `known` has the names of slots that are in registers."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.shape, plan.fast)
        self.plan = plan
        self.tape = plan.tape
        self.known: dict[int, str] = {}
        self.blocks: dict[int, str] = {}

    def function(self, index: int) -> Function:
        """Each result is kept, handed on or given out; the last segment gives out inputs and constants."""
        outputs = self.plan.outputs
        for slot in self.plan.segments[index]:
            entry = self.plan.entries[slot]
            self.known[slot] = self.operation(entry)
            if slot in self.plan.places:
                self.keep(slot)
            for k in outputs.get(slot, ()):
                self.give(k, self.known[slot])
        for slot in outputs if index == len(self.plan.segments) - 1 else ():
            if not self.plan.entries[slot].operands:
                for k in outputs[slot]:
                    self.give(k, self.read(slot))
        self.code.do("ret void")
        return self.code.function("void", f"segment{index}", self.plan.parameters, "noinline nounwind")

    def read(self, slot: int) -> str:
        """A slot in a register."""
        if slot not in self.known:
            entry = self.plan.entries[slot]
            if entry.primitive is CONSTANT:
                return self.shape.constant(entry.number)
            self.known[slot] = self.input(slot) if entry.primitive is INPUT else self.load(slot)
        return self.known[slot]

    def input(self, slot: int) -> str:
        block, offset, batched = self.plan.sources[slot]
        if batched:
            return self.load(slot)
        if block not in self.blocks:
            self.blocks[block] = self.code.let(f"load ptr, ptr {self.code.address('%in', block, 'ptr')}")
        where = self.code.address(self.blocks[block], offset, self.shape.number)
        return self.code.splat(self.shape, self.code.let(f"load {self.shape.number}, ptr {where}"))

    def place(self, slot: int) -> str:
        return self.code.address("%scratch", self.plan.places[slot], self.shape.type)

    def load(self, slot: int) -> str:
        return self.code.let(f"load {self.shape.type}, ptr {self.place(slot)}, align {self.shape.size}")

    def keep(self, slot: int) -> None:
        self.code.do(
            f"store {self.shape.type} {self.known[slot]}, ptr {self.place(slot)}, align {self.shape.size}"
        )

    def give(self, output: int, x: str) -> None:
        """A result: stored, or added to the sum over examples, in the lanes that hold one."""
        kind, code = self.shape.type, self.code
        if not self.shape.lanes:
            code.do(f"store {kind} {x}, ptr {code.address('%out', output, kind)}")
            return
        mask = code.let(f"bitcast {self.plan.word} %bits to {self.shape.of('i1')}")
        if self.plan.sums:
            where = code.address("%out", output, kind)
            before = code.let(f"load {kind}, ptr {where}, align {self.shape.size}")
            after = self.slots.select(mask, code.let(f"fadd {kind} {before}, {x}"), before)
            code.do(f"store {kind} {after}, ptr {where}, align {self.shape.size}")
        else:
            row = code.let(f"mul i64 %stride, {output}")
            where = code.address("%out", code.let(f"add i64 {row}, %example"), self.shape.number)
            code.store_masked(self.shape, x, where, mask)

    # Operations

    def operation(self, entry: Entry) -> str:
        if is_long(entry):
            array = self.gathered(entry.operands)
            return self.called(entry.primitive, [f"ptr {array}", f"i64 {len(entry.operands)}"])
        return self.applied(entry.primitive, [self.read(i) for i in entry.operands])

    def gathered(self, slots: Sequence[int]) -> str:
        """The operands of a long row, copied into the array that the scratch memory has for them."""
        kind = self.plan.kernel_shape.type
        array = self.code.address("%scratch", self.plan.array_offset)
        done = 0
        for run in runs(slots, self.location):
            start = self.code.address(array, done, kind)
            if len(run) < SHORT_RUN:
                for k, slot in enumerate(run):
                    self.put(start, k, self.read(slot))
            else:
                with self.code.counting(0, len(run)) as index:
                    self.put(start, index, self.fetch(run[0], index))
            done += len(run)
        return array

    def location(self, slot: int) -> tuple[str, int] | None:
        """Which memory a slot lies in, and where; None for one in a register and for a constant."""
        if slot in self.plan.places:
            return "scratch", self.plan.places[slot]
        if slot < len(self.tape.inputs):
            block, offset, _ = self.plan.sources[slot]
            return f"block {block}", offset
        return None

    def fetch(self, first: int, index: str) -> str:
        """The slot that lies so many places behind the first."""
        if first in self.plan.places:
            where = self.code.address(self.place(first), index, self.shape.type)
            return self.code.let(f"load {self.shape.type}, ptr {where}, align {self.shape.size}")
        block, offset, _ = self.plan.sources[first]
        base = self.code.let(f"load ptr, ptr {self.code.address('%in', block, 'ptr')}")
        place = self.code.let(f"add i64 {index}, {offset}")
        where = self.code.address(base, place, self.shape.number)
        return self.code.splat(self.shape, self.code.let(f"load {self.shape.number}, ptr {where}"))


def runs(slots: Sequence[int], location: Callable[[int], tuple[str, int] | None]) -> Iterator[list[int]]:
    """Slots in groups that lie side by side in one memory."""
    run: list[int] = []
    following: tuple[str, int] | None = None
    for slot in slots:
        here = location(slot)
        if run and (here is None or here != following):
            yield run
            run = []
        run.append(slot)
        following = None if here is None else (here[0], here[1] + 1)
    yield run
