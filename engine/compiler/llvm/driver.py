"""The function around what computes: memory, blocks of examples, the sums over them.

A block is as many groups of lanes as fit in the cache; every function takes all of it before the next one
does. Where the last group has more lanes than there are examples, they repeat the last one, unheard. In a
sum over the examples each lane adds its own, then halves of the lanes are added until one is left. A group
has as many lanes on every machine, so that all of them add in the same order. So many examples are summed in
one piece, a chunk; then chunks are added, in their order.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from engine.compiler.backend import Layout
from engine.compiler.llvm.code import Code, Function, Shape
from engine.compiler.llvm.memory import Memory
from engine.compiler.llvm.operations import transposed
from engine.compiler.tape.tape import Guard

CHUNK: Final = 4096
NO_MEMORY: Final = 1  # what `run` returns, if it is not 0
GUARD: Final = 2  # the same for guard 0: 3 for guard 1, and so on
STACK: Final = 32_768  # bytes of scratch memory that a thread's stack has to offer; more comes from malloc


class Driver:
    """`run(in, begin, end, out, stride, divisor)`: a table of blocks, which examples, where the results go
    and how far those of one output are from the next, what sums are divided by. Returns 0, or what failed;
    some functions, `checked`, return the same."""

    def __init__(
        self, layout: Layout, memory: Memory, functions: Sequence[str], checked: Collection[str] = ()
    ) -> None:
        self.layout, self.memory, self.functions, self.checked = layout, memory, functions, checked
        self.shape = memory.shape
        self.code = Code()

    def function(self) -> Function:
        code, memory = self.code, self.memory
        heap = reserve(code, memory.size)
        for name, place in memory.places.items():
            code.do(f"%{name} = getelementptr i8, ptr %scratch, i64 {place}")
        if self.layout.mapped:
            self.chunks()
        else:
            self.call_all("%out", "1", "0", "true", "true")
        return run_function(code, heap, self.shape.number)

    @property
    def constants(self) -> list[str]:
        """Which slot, or sum, is which output."""
        outputs = [*self.memory.outputs, *[0] * (-len(self.memory.outputs) % (self.shape.lanes or 1))]
        numbers = ", ".join(f"i64 {k}" for k in outputs)
        return [f"@outputs = internal constant [{len(outputs)} x i64] [{numbers}]"] if outputs else []

    def call_all(self, sums: str, groups: str, tail: str, first: str, last: str) -> None:
        """Every function, for a block of examples."""
        memory = ["ptr %in", "ptr %lanes", f"ptr {sums}", "ptr %totals", "ptr %array"]
        examples = [f"i64 {groups}", f"i{self.shape.lanes or 8} {tail}", f"i1 {first}", f"i1 {last}"]
        for name in self.functions:
            if name in self.checked:
                expect_guards(self.code, self.code.call("i32", name, [*memory, *examples]))
            else:
                self.code.run(name, [*memory, *examples])

    def chunks(self) -> None:
        code = self.code
        with code.counting("%begin", "%end", CHUNK) as first:
            end = self.end(first, str(CHUNK), "%end")
            self.blocks(first, end)
            if not self.layout.stacked:
                self.finish(code.let(f"icmp eq i64 {first}, %begin"), code.let(f"icmp eq i64 {end}, %end"))

    def end(self, first: str, count: str, last: str) -> str:
        """Where so many examples end, from the first on, and the last one at the latest."""
        return self.smaller(self.code.let(f"add i64 {first}, {count}"), last)

    def smaller(self, a: str, b: str) -> str:
        return self.code.call("i64", "llvm.smin.i64", [f"i64 {a}", f"i64 {b}"])

    def blocks(self, first: str, end: str) -> None:
        """One block after the other, all of the same size but for one group."""
        code, lanes = self.code, self.shape.lanes
        groups = self.quotient(code.let(f"sub i64 {end}, {first}"), str(lanes))
        count = self.quotient(groups, str(self.memory.groups))
        width = code.let(f"mul i64 {self.quotient(groups, count)}, {lanes}")
        with code.counting(first, end, width) as block:
            stop = self.end(block, width, end)
            examples = code.let(f"sub i64 {stop}, {block}")
            groups = self.quotient(examples, str(lanes))
            with code.counting(0, groups) as group:
                self.stage(code.let(f"add i64 {block}, {code.let(f'mul i64 {group}, {lanes}')}"), stop, group)
            missing = code.let(f"sub i64 {code.let(f'mul i64 {groups}, {lanes}')}, {examples}")
            tail = code.let(f"lshr i{lanes} -1, {code.let(f'trunc i64 {missing} to i{lanes}')}")
            is_first, is_last = (code.let(f"icmp eq i64 {a}, {b}") for a, b in ((block, first), (stop, end)))
            self.call_all("%sums", groups, tail, is_first, is_last)
            if self.layout.stacked:
                self.give(block, groups, tail)

    def quotient(self, a: str, b: str) -> str:
        """Rounded up."""
        more = self.code.let(f"add i64 {a}, {self.code.let(f'sub i64 {b}, 1')}")
        return self.code.let(f"udiv i64 {more}, {b}")

    # Inputs

    def stage(self, example: str, end: str, group: str) -> None:
        """The batched inputs of a group of examples, as slots."""
        code, lanes, number = self.code, self.shape.lanes, self.shape.number
        last = code.let(f"sub i64 {end}, 1")
        rows = [self.smaller(code.let(f"add i64 {example}, {k}"), last) for k in range(lanes)]
        slots = code.address("%lanes", code.let(f"mul i64 {group}, {self.memory.step}"))
        for k, (size, batched) in enumerate(self.layout.blocks):
            if not batched:
                continue
            base = code.let(f"load ptr, ptr {code.address('%in', k, 'ptr')}")
            pointers = [code.address(base, code.let(f"mul i64 {row}, {size}"), number) for row in rows]
            whole = size // lanes * lanes
            with code.counting(0, whole, lanes) as at:
                self.strip(pointers, at, lanes, slots)
            if whole < size:
                self.strip(pointers, str(whole), size - whole, slots)
            slots = code.address(slots, size * self.memory.stride)

    def strip(self, rows: Sequence[str], at: str, count: int, slots: str) -> None:
        """Some columns of a batched block, from one on, as slots."""
        code, shape = self.code, self.shape
        inside = ", ".join(f"i1 {int(k < count)}" for k in range(shape.lanes))
        places = [code.address(row, at, shape.number) for row in rows]
        loaded = [code.load_masked(shape, place, f"<{inside}>") for place in places]
        first = code.address(slots, code.let(f"mul i64 {at}, {self.memory.stride}"))
        for k, column in enumerate(transposed(code, shape, loaded)[:count]):
            where = code.address(first, k * self.memory.stride)
            code.do(f"store {shape.type} {column}, ptr {where}, align {shape.size}")

    # Outputs

    def output(self, k: str) -> str:
        return self.code.let(f"load i64, ptr {self.code.address('@outputs', k, 'i64')}")

    def give(self, example: str, groups: str, tail: str) -> None:
        """The outputs of a block of examples, each to its row."""
        code, shape = self.code, self.shape
        last = code.let(f"sub i64 {groups}, 1")
        mask = code.let(f"bitcast i{shape.lanes} {tail} to {shape.of('i1')}")
        with code.counting(0, len(self.memory.outputs)) as k:
            source = code.address("%lanes", code.let(f"mul i64 {self.output(k)}, {self.memory.stride}"))
            place = code.let(f"add i64 {code.let(f'mul i64 %stride, {k}')}, {example}")
            row = code.address("%out", place, shape.number)
            with code.counting(0, last) as group:
                x = self.slot(source, group)
                where = code.address(row, group, shape.type)
                code.do(f"store {shape.type} {x}, ptr {where}, align {shape.one.size}")
            code.store_masked(shape, self.slot(source, last), code.address(row, last, shape.type), mask)

    def slot(self, row: str, group: str) -> str:
        where = self.code.address(row, self.code.let(f"mul i64 {group}, {self.memory.step}"))
        return self.code.let(f"load {self.shape.type}, ptr {where}, align {self.shape.size}")

    def finish(self, first: str, last: str) -> None:
        """Totals of a chunk, as outputs: behind the first one added to those before, after the last one
        divided, for a mean."""
        code, shape = self.code, self.shape
        one = self.shape.one.constant(1.0)
        divisor = code.let(f"select i1 {last}, {shape.number} %divisor, {shape.number} {one}")
        divisor = code.splat(shape, divisor)
        with code.counting(0, len(self.memory.outputs), shape.lanes) as at:
            inside = code.below(shape, at, len(self.memory.outputs))
            where, result = code.address("%out", at, shape.number), self.totals(at)
            total = code.let(f"fadd {shape.type} {code.load_masked(shape, where, inside)}, {result}")
            result = code.let(f"select i1 {first}, {shape.type} {result}, {shape.type} {total}")
            code.store_masked(shape, code.let(f"fdiv {shape.type} {result}, {divisor}"), where, inside)

    def totals(self, first: str) -> str:
        """As many as there are lanes."""
        code, shape, result = self.code, self.shape, "poison"
        for k in range(shape.lanes):
            where = code.address("%totals", self.output(code.let(f"add i64 {first}, {k}")), shape.number)
            x = code.let(f"load {shape.number}, ptr {where}")
            result = code.let(f"insertelement {shape.type} {result}, {shape.number} {x}, i64 {k}")
        return result


def reserve(code: Code, size: int) -> str:
    """So many bytes at %scratch, aligned to 64; the function ends with 1 if there is no memory. What is to
    be freed, if they are not on the stack."""
    if size <= STACK:
        code.do(f"%scratch = alloca [{size} x i8], align 64")
        return ""
    memory = code.call("ptr", "malloc", [f"i64 {size + 64}"])
    failed, fine = code.label(), code.label()
    code.branch(code.let(f"icmp eq ptr {memory}, null"), failed, fine)
    code.begin(failed)
    code.do(f"ret i32 {NO_MEMORY}")
    code.begin(fine)
    ahead = code.let(f"ptrtoint ptr {code.address(memory, 63)} to i64")
    code.do(f"%scratch = inttoptr i64 {code.let(f'and i64 {ahead}, -64')} to ptr")
    return memory


def run_function(code: Code, memory: str, number: str) -> Function:
    """`run` with this body, which frees its memory at last, also where a guard has failed."""
    code.lines[:0] = ["  %status = alloca i32", "  store i32 0, ptr %status"]
    code.jump("finish")
    code.begin("finish")
    if memory:
        code.run("free", [f"ptr {memory}"])
    code.do(f"ret i32 {code.let('load i32, ptr %status')}")
    examples, results = ["i64 %begin", "i64 %end"], ["ptr %out", "i64 %stride", f"{number} %divisor"]
    return code.function("i32", "run", ["ptr %in", *examples, *results])


def expect_guards(code: Code, status: str) -> None:
    """Goes on in `run` only if a function has found all its guards to hold."""
    fine = code.label()
    code.do(f"store i32 {status}, ptr %status")
    code.branch(code.let(f"icmp eq i32 {status}, 0"), fine, "finish")
    code.begin(fine)


def guard_holds(code: Code, shape: Shape, guard: Guard, x: str) -> str:
    """Whether a number has the answer of a guard."""
    if isinstance(guard.answer, bool):
        test, number = ("une" if guard.answer else "oeq"), 0.0
    else:
        test, number = "oeq", float(guard.answer)
    return code.let(f"fcmp {test} {shape.type} {x}, {shape.constant(number)}")
