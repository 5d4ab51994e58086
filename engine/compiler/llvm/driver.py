"""The function around the segments: memory, the loop over groups of examples, the sums over them.

Of a large tape, each segment takes several groups, a tile, before the next one does: so its code and its
sums are still in the cache. Where the last group has more lanes than there are examples, they repeat the
last one, unheard. In a sum over the examples each lane adds its own, then halves of the lanes are added
until one is left. A group has as many lanes on every machine, so that all of them add in the same order.
So many examples are summed in one piece, a chunk; then chunks are added, in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from engine.compiler.llvm.code import Code, Function, Shape
from engine.compiler.llvm.plan import Plan

CHUNK: Final = 4096
STACK: Final = 32_768  # bytes of scratch memory that a thread's stack has to offer; more comes from malloc


class Driver:
    """`run(in, begin, end, out, stride, divisor)`: a table of blocks, which examples, where the results go
    and how far those of one output are from the next, what sums are divided by. Returns 1 without memory."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.shape = plan.shape
        self.ints = plan.shape.of("i64")
        self.code = Code()

    def function(self) -> Function:
        """Behind the memory for the slots and arrays of each group of a tile come the sums in it."""
        memory = reserve(self.code, self.plan.scratch_size)
        self.code.do(f"%slots = getelementptr i8, ptr %scratch, i64 {self.plan.sums_size}")
        if self.plan.sums:
            self.chunks()
        elif self.shape.lanes:
            self.loop("%begin", "%end")
        else:
            for k in range(len(self.plan.segments)):
                self.call(k, "%slots", "0", "1")
        return run_function(self.code, memory, self.shape.number)

    def chunks(self) -> None:
        code = self.code
        with code.counting("%begin", "%end", CHUNK) as first:
            end = self.end(first, CHUNK, "%end")
            self.clear()
            self.loop(first, end)
            self.finish(code.let(f"icmp eq i64 {first}, %begin"), code.let(f"icmp eq i64 {end}, %end"))

    def end(self, first: str, count: int, last: str) -> str:
        """Where so many examples end, from the first on, and the last one at the latest."""
        behind = self.code.let(f"add i64 {first}, {count}")
        return self.code.call("i64", "llvm.smin.i64", [f"i64 {behind}", f"i64 {last}"])

    def clear(self) -> None:
        with self.code.counting(0, self.plan.padded) as k:
            where = self.code.address("%scratch", k, self.shape.type)
            self.code.do(f"store {self.shape.type} zeroinitializer, ptr {where}")

    def call(self, segment: int, slots: str, example: str, bits: str) -> None:
        memory = ["ptr %in", f"ptr {slots}", f"ptr {'%scratch' if self.plan.sums else '%out'}"]
        rest = [f"i64 {example}", "i64 %stride", f"{self.plan.word} {bits}"]
        self.code.run(f"segment{segment}", [*memory, *rest])

    def loop(self, first: str, last: str) -> None:
        """One tile after the other; each segment takes all groups of lanes of a tile."""
        width = self.shape.lanes * self.plan.tile
        with self.code.counting(first, last, width) as tile:
            end = self.end(tile, width, last)
            self.groups(tile, end, self.gather_all)
            for k in range(len(self.plan.segments)):
                self.groups(tile, end, partial(self.segment, k))

    def groups(self, first: str, end: str, work: Callable[[str, str], None]) -> None:
        """Work for each group of lanes: on its first example, and the memory for its slots."""
        code = self.code
        with code.counting(first, end, self.shape.lanes) as at:
            before = code.let(f"sub i64 {at}, {first}")
            offset = code.let(f"mul i64 {before}, {self.plan.region // self.shape.lanes}")
            work(at, code.address("%slots", offset))

    def segment(self, k: int, example: str, slots: str) -> None:
        _, mask = self.examples(example)
        bits = self.code.let(f"bitcast {self.shape.of('i1')} {mask} to {self.plan.word}")
        self.call(k, slots, example, bits)

    def examples(self, first: str) -> tuple[str, str]:
        """The numbers of the examples in the lanes of a group, and a mask of the lanes that hold one."""
        rows = self.code.numbered(self.shape, first)
        end = self.code.splat(self.shape, "%end", "i64")
        return rows, self.code.let(f"icmp slt {self.ints} {rows}, {end}")

    def gather_all(self, example: str, slots: str) -> None:
        """The batched blocks, as slots."""
        code, shape, ints = self.code, self.shape, self.ints
        rows, mask = self.examples(example)
        final = code.splat(shape, code.let("sub i64 %end, 1"), "i64")
        rows = code.let(f"select {shape.of('i1')} {mask}, {ints} {rows}, {ints} {final}")
        start = 0
        for k, block in enumerate(self.plan.layout.blocks):
            if block.batched:
                self.gather(k, block.size, code.address(slots, start, shape.type), rows)
                start += block.size

    def gather(self, block: int, size: int, slots: str, rows: str) -> None:
        """The columns of a batched block, (examples, size), as slots."""
        code, shape = self.code, self.shape
        base = code.let(f"load ptr, ptr {code.address('%in', block, 'ptr')}")
        firsts = code.let(f"mul {self.ints} {rows}, {shape.all('i64', str(size))}")
        with code.counting(0, size) as k:
            at = code.let(f"add {self.ints} {firsts}, {code.splat(shape, k, 'i64')}")
            column = code.gathered(
                shape, code.let(f"getelementptr {shape.number}, ptr {base}, {self.ints} {at}")
            )
            code.do(f"store {shape.type} {column}, ptr {code.address(slots, k, shape.type)}")

    def finish(self, first: str, last: str) -> None:
        """Lanes are added, those of as many sums at once as there are lanes; behind the first chunk to those
        before, after the last one divided, for a mean."""
        code, shape = self.code, self.shape
        divisor = code.let(
            f"select i1 {last}, {shape.number} %divisor, {shape.number} {self.shape.one.constant(1.0)}"
        )
        divisor = code.splat(shape, divisor)
        with code.counting(0, self.plan.padded, shape.lanes) as at:
            places = [code.let(f"add i64 {at}, {k}") for k in range(shape.lanes)]
            result = halved(code, shape, list(map(self.sums, places)))
            count = shape.all("i64", str(len(self.plan.tape.outputs)))
            inside = code.let(f"icmp slt {self.ints} {code.numbered(shape, at)}, {count}")
            where = code.address("%out", at, shape.number)
            total = code.let(f"fadd {shape.type} {code.load_masked(shape, where, inside)}, {result}")
            result = code.let(f"select i1 {first}, {shape.type} {result}, {shape.type} {total}")
            code.store_masked(shape, code.let(f"fdiv {shape.type} {result}, {divisor}"), where, inside)

    def sums(self, place: str) -> str:
        """What each lane has added to a sum."""
        where = self.code.address("%scratch", place, self.shape.type)
        return self.code.let(f"load {self.shape.type}, ptr {where}")


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
    code.do("ret i32 1")
    code.begin(fine)
    ahead = code.let(f"ptrtoint ptr {code.address(memory, 63)} to i64")
    code.do(f"%scratch = inttoptr i64 {code.let(f'and i64 {ahead}, -64')} to ptr")
    return memory


def run_function(code: Code, memory: str, number: str) -> Function:
    """`run` with this body, which frees its memory at last."""
    if memory:
        code.run("free", [f"ptr {memory}"])
    code.do("ret i32 0")
    examples, results = ["i64 %begin", "i64 %end"], ["ptr %out", "i64 %stride", f"{number} %divisor"]
    return code.function("i32", "run", ["ptr %in", *examples, *results])


def halved(code: Code, shape: Shape, xs: Sequence[str]) -> str:
    """The sums of the lanes of as many vectors as they have lanes, as one vector.

    In each, the upper half is added to the lower one until one number is left. Two vectors that are half
    done fit into one: so there are half as many of them after every step.
    """
    width = shape.lanes
    while width > 1:
        half = width // 2
        first = [i for i in range(2 * shape.lanes) if i % width < half]
        pairs = zip(xs[::2], xs[1::2], strict=True)
        xs = [added(code, shape, a, b, first, [i + half for i in first]) for a, b in pairs]
        width = half
    return xs[0]


def added(code: Code, shape: Shape, a: str, b: str, low: Sequence[int], high: Sequence[int]) -> str:
    """Some lanes of two vectors plus others."""
    x, y = code.shuffled(shape, a, b, low), code.shuffled(shape, a, b, high)
    return code.let(f"fadd {shape.type} {x}, {y}")
