"""The functions of a tape: each computes a segment of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from engine.compiler.kernel import is_atom, kernel_of
from engine.compiler.llvm.code import Code, begin_loop, end_loop
from engine.compiler.llvm.kernels import atom_name, kernel_name
from engine.compiler.llvm.plan import Plan, is_long
from engine.compiler.llvm.rows import ROWS, Slots
from engine.compiler.tape import Entry
from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive

SHORT_RUN: Final = 8  # slots side by side that are copied one by one


class Segment:
    """The text of one segment. `known` has the names of slots that are in registers."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tape = plan.tape
        self.shape = plan.shape
        self.code = Code()
        self.slots = Slots(self.code, self.shape, plan.fast)
        self.known: dict[int, str] = {}
        self.blocks: dict[int, str] = {}

    def function(self, index: int) -> str:
        """Each result is kept, handed on or given out; the last segment gives out inputs and constants."""
        outputs = self.plan.outputs
        for slot in self.plan.segments[index]:
            entry = self.tape.entries[slot]
            self.known[slot] = self.operation(entry)
            if slot in self.plan.places:
                self.keep(slot)
            for k in outputs.get(slot, ()):
                self.give(k, self.known[slot])
        for slot in outputs if index == len(self.plan.segments) - 1 else ():
            if not self.tape.entries[slot].operands:
                for k in outputs[slot]:
                    self.give(k, self.read(slot))
        heading = f"define internal void @segment{index}({self.plan.parameters}) noinline nounwind"
        return f"{heading} {{\n{self.code.text()}\n  ret void\n}}"

    def read(self, slot: int) -> str:
        """A slot in a register."""
        if slot not in self.known:
            entry = self.tape.entries[slot]
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
            self.plan.store(code, x, where, mask)

    # Operations

    def operation(self, entry: Entry) -> str:
        primitive = entry.primitive
        if is_long(entry):
            return self.called(
                primitive, [f"ptr {self.gathered(entry.operands)}", f"i64 {len(entry.operands)}"]
            )
        names = [self.read(i) for i in entry.operands]
        if primitive.name in ROWS:
            return ROWS[primitive.name](self.slots, names)
        if primitive.gradient is not None:
            return self.listed(primitive, names)
        xs = [f"{self.plan.kernel_shape.type} {self.widened(name)}" for name in names]
        return self.called(primitive, xs)

    def called(self, primitive: Primitive, arguments: Sequence[str]) -> str:
        shape = self.plan.kernel_shape
        if is_atom(primitive.value):
            return self.narrowed(
                self.code.let(
                    f"call {shape.type} @{atom_name(primitive.value.__name__, shape)}({', '.join(arguments)})"
                )
            )
        if shape.lanes:
            arguments = [f"{shape.of('i1')} {shape.all('i1', 'true')}", *arguments]
        name = kernel_name(kernel_of(primitive.value), shape)
        return self.narrowed(self.code.let(f"call {shape.type} @{name}({', '.join(arguments)})"))

    def listed(self, primitive: Primitive, names: Sequence[str]) -> str:
        """A kernel of a list: its operands side by side in memory."""
        kind = self.plan.kernel_shape.type
        array = self.code.name()
        self.code.lines.insert(0, f"  {array} = alloca {kind}, i64 {len(names)}")
        for k, name in enumerate(names):
            self.code.do(
                f"store {kind} {self.widened(name)}, ptr {self.code.address(array, k, kind)}, align 8"
            )
        return self.called(primitive, [f"ptr {array}", f"i64 {len(names)}"])

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
                index = begin_loop(self.code, "0", str(len(run)))
                self.put(start, index.at, self.fetch(run[0], index.at))
                end_loop(self.code, index)
            done += len(run)
        return array

    def put(self, array: str, index: str | int, x: str) -> None:
        kind = self.plan.kernel_shape.type
        self.code.do(f"store {kind} {self.widened(x)}, ptr {self.code.address(array, index, kind)}, align 8")

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

    def widened(self, name: str) -> str:
        """A float32 as the double that kernels compute with."""
        if self.shape.number == "double":
            return name
        return self.code.let(f"fpext {self.shape.type} {name} to {self.plan.kernel_shape.type}")

    def narrowed(self, name: str) -> str:
        if self.shape.number == "double":
            return name
        return self.code.let(f"fptrunc {self.plan.kernel_shape.type} {name} to {self.shape.type}")


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
