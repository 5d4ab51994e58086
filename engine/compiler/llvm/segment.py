"""The functions of a tape: each computes a segment of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Final

from engine.compiler.llvm.code import Function
from engine.compiler.llvm.driver import GUARD, guard_holds
from engine.compiler.llvm.memory import lane_parameters
from engine.compiler.llvm.operations import Operations
from engine.compiler.llvm.plan import BEFORE, Plan, is_long
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
        self.memory = plan.memory
        self.blocks: dict[int, str] = {}

    def function(self, index: int) -> Function:
        """Each result is kept, handed on or given out."""
        slots, code, shape = self.plan.segments[index], self.code, self.shape
        checks = self.plan.checks.get(index, {})
        rest = self.rest if index == len(self.plan.segments) - 1 else []
        outputs = [k for slot in [*slots, *rest] for k in self.plan.outputs.get(slot, ())]
        self.sums = {k: code.address("%sums", k, shape.type) for k in outputs}
        if self.plan.sums:
            with code.when("%fresh"):
                for where in self.sums.values():
                    self.set(where, shape.constant(0.0))
        with code.counting(0, "%groups") if shape.lanes else nullcontext("0") as group:
            self.slots_at = code.address("%lanes", code.let(f"mul i64 {group}, {self.memory.step}"))
            self.inside = self.mask(group) if self.plan.sums else ""
            self.check(checks.get(BEFORE, ()))
            for slot in slots:
                self.known[slot] = self.operation(self.plan.entries[slot])
                if slot in self.plan.places:
                    self.keep(self.known[slot], self.plan.places[slot])
                self.give(slot)
                self.check(checks.get(slot, ()))
            for slot in rest:
                self.give(slot)
        if self.plan.sums:
            with code.when("%final"):
                totals = [code.address("%totals", k, shape.number) for k in outputs]
                self.add_lanes(list(self.sums.values()), totals)
        kind = "i32" if checks else "void"
        code.do("ret i32 0" if checks else "ret void")
        return code.function(kind, f"segment{index}", lane_parameters(shape), "noinline nounwind")

    def check(self, guards: Sequence[int]) -> None:
        """Goes on only if all these guards hold."""
        if not guards:
            return
        code, known = self.code, [self.tape.guards[k] for k in guards]
        holds = [guard_holds(code, self.shape, guard, self.read(guard.slot)) for guard in known]
        every, first = holds[0], str(GUARD + guards[-1])
        for x in holds[1:]:
            every = code.let(f"and i1 {every}, {x}")
        failed, fine = code.label(), code.label()
        code.branch(every, fine, failed)
        code.begin(failed)
        for k, x in list(zip(guards, holds, strict=True))[-2::-1]:
            first = code.let(f"select i1 {x}, i32 {first}, i32 {GUARD + k}")
        code.do(f"ret i32 {first}")
        code.begin(fine)

    @property
    def rest(self) -> list[int]:
        """Inputs and constants that are results."""
        return [slot for slot in self.plan.outputs if not self.plan.entries[slot].operands]

    def read(self, slot: int) -> str:
        """A slot in a register."""
        if slot not in self.known:
            entry = self.plan.entries[slot]
            if entry.primitive is CONSTANT:
                return self.shape.constant(entry.number)
            self.known[slot] = (
                self.input(slot) if entry.primitive is INPUT else self.load(self.plan.places[slot])
            )
        return self.known[slot]

    def input(self, slot: int) -> str:
        block, offset, batched = self.plan.sources[slot]
        if batched:
            return self.load(self.plan.places[slot])
        if block not in self.blocks:
            self.blocks[block] = self.code.let(f"load ptr, ptr {self.code.address('%in', block, 'ptr')}")
        where = self.code.address(self.blocks[block], offset, self.shape.number)
        return self.code.splat(self.shape, self.code.let(f"load {self.shape.number}, ptr {where}"))

    def place(self, place: int | str) -> str:
        stride = self.memory.stride
        step = place * stride if isinstance(place, int) else self.code.let(f"mul i64 {place}, {stride}")
        return self.code.address(self.slots_at, step)

    def load(self, place: int | str) -> str:
        return self.code.let(f"load {self.shape.type}, ptr {self.place(place)}, align {self.shape.size}")

    def keep(self, x: str, place: int) -> None:
        self.code.do(f"store {self.shape.type} {x}, ptr {self.place(place)}, align {self.shape.size}")

    def give(self, slot: int) -> None:
        """A result: stored, or added to the sum over examples."""
        if slot in self.plan.copies:
            self.keep(self.read(slot), self.plan.copies[slot])
        for k in () if self.plan.layout.stacked else self.plan.outputs.get(slot, ()):
            if self.plan.sums:
                self.add(self.sums[k], self.read(slot), self.inside)
            else:
                self.set(self.sums[k], self.read(slot))

    # Operations

    def operation(self, entry: Entry) -> str:
        if is_long(entry):
            array = self.gathered(entry.operands)
            return self.called(entry.primitive, [f"ptr {array}", f"i64 {len(entry.operands)}"])
        return self.applied(entry.primitive, [self.read(i) for i in entry.operands])

    def gathered(self, slots: Sequence[int]) -> str:
        """The operands of a long row, copied into the array that there is for them."""
        kind = self.plan.kernel_shape.type
        done = 0
        for run in runs(slots, self.location):
            start = self.code.address("%array", done, kind)
            if len(run) < SHORT_RUN:
                for k, slot in enumerate(run):
                    self.put(start, k, self.read(slot))
            else:
                with self.code.counting(0, len(run)) as index:
                    self.put(start, index, self.fetch(run[0], index))
            done += len(run)
        return "%array"

    def location(self, slot: int) -> tuple[str, int] | None:
        """Which memory a slot lies in, and where; None for one in a register and for a constant."""
        if slot in self.plan.places:
            return "lanes", self.plan.places[slot]
        if slot < len(self.tape.inputs):
            block, offset, _ = self.plan.sources[slot]
            return f"block {block}", offset
        return None

    def fetch(self, first: int, index: str) -> str:
        """The slot that lies so many places behind the first."""
        if first in self.plan.places:
            return self.load(self.code.let(f"add i64 {index}, {self.plan.places[first]}"))
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
