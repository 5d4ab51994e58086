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

from engine.compiler.llvm.code import Code, Shape, begin_loop, end_loop
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

    def function(self) -> str:
        self.reserve()
        if self.plan.sums:
            self.chunks()
        elif self.shape.lanes:
            self.loop("%begin", "%end")
        else:
            for k in range(len(self.plan.segments)):
                self.call(k, "%slots", "0", "1")
        release(self.code, self.plan.scratch_size)
        parameters = f"ptr %in, i64 %begin, i64 %end, ptr %out, i64 %stride, {self.plan.one.type} %divisor"
        return f"define i32 @run({parameters}) nounwind {{\n{self.code.text()}\n  ret i32 0\n}}"

    def reserve(self) -> None:
        """Memory for the sums, and behind them for the slots and arrays of each group of a tile."""
        reserve(self.code, self.plan.scratch_size)
        self.code.do(f"%slots = getelementptr i8, ptr %scratch, i64 {self.plan.sums_size}")

    def chunks(self) -> None:
        code = self.code
        chunk = begin_loop(code, "%begin", "%end", CHUNK)
        behind = code.let(f"add i64 {chunk.at}, {CHUNK}")
        end = code.let(f"call i64 @llvm.smin.i64(i64 {behind}, i64 %end)")
        self.clear()
        self.loop(chunk.at, end)
        self.finish(code.let(f"icmp eq i64 {chunk.at}, %begin"), code.let(f"icmp eq i64 {end}, %end"))
        end_loop(code, chunk)

    def clear(self) -> None:
        index = begin_loop(self.code, "0", str(self.plan.padded))
        where = self.code.address("%scratch", index.at, self.shape.type)
        self.code.do(f"store {self.shape.type} zeroinitializer, ptr {where}")
        end_loop(self.code, index)

    def call(self, segment: int, slots: str, example: str, bits: str) -> None:
        memory = f"ptr %in, ptr {slots}, ptr {'%scratch' if self.plan.sums else '%out'}"
        rest = f"i64 {example}, i64 %stride, {self.plan.word} {bits}"
        self.code.do(f"call void @segment{segment}({memory}, {rest})")

    def loop(self, first: str, last: str) -> None:
        """One tile after the other; each segment takes all groups of lanes of a tile."""
        code, width = self.code, self.shape.lanes * self.plan.tile
        tile = begin_loop(code, first, last, width)
        behind = code.let(f"add i64 {tile.at}, {width}")
        end = code.let(f"call i64 @llvm.smin.i64(i64 {behind}, i64 {last})")
        self.groups(tile.at, end, self.gather_all)
        for k in range(len(self.plan.segments)):
            self.groups(tile.at, end, partial(self.segment, k))
        end_loop(code, tile)

    def groups(self, first: str, end: str, work: Callable[[str, str], None]) -> None:
        """Work for each group of lanes: on its first example, and the memory for its slots."""
        code = self.code
        index = begin_loop(code, first, end, self.shape.lanes)
        before = code.let(f"sub i64 {index.at}, {first}")
        offset = code.let(f"mul i64 {before}, {self.plan.region // self.shape.lanes}")
        work(index.at, code.address("%slots", offset))
        end_loop(code, index)

    def segment(self, k: int, example: str, slots: str) -> None:
        _, mask = self.examples(example)
        bits = self.code.let(f"bitcast {self.shape.of('i1')} {mask} to {self.plan.word}")
        self.call(k, slots, example, bits)

    def examples(self, first: str) -> tuple[str, str]:
        """The numbers of the examples in the lanes of a group, and a mask of the lanes that hold one."""
        rows = self.rows(first)
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

    def rows(self, first: str) -> str:
        """The numbers from the first on, one in each lane."""
        counting = f"<{', '.join(f'i64 {k}' for k in range(self.shape.lanes))}>"
        return self.code.let(f"add {self.ints} {self.code.splat(self.shape, first, 'i64')}, {counting}")

    def gather(self, block: int, size: int, slots: str, rows: str) -> None:
        """The columns of a batched block, (examples, size), as slots."""
        code, shape, bits = self.code, self.shape, self.shape.of("i1")
        base = code.let(f"load ptr, ptr {code.address('%in', block, 'ptr')}")
        firsts = code.let(f"mul {self.ints} {rows}, {shape.all('i64', str(size))}")
        index = begin_loop(code, "0", str(size))
        at = code.let(f"add {self.ints} {firsts}, {code.splat(shape, index.at, 'i64')}")
        pointers = code.let(f"getelementptr {shape.number}, ptr {base}, {self.ints} {at}")
        column = code.let(
            f"call {shape.type} @llvm.masked.gather.{shape.suffix}.v{shape.lanes}p0("
            f"{shape.of('ptr')} {pointers}, i32 {self.plan.one.size}, "
            f"{bits} {shape.all('i1', 'true')}, {shape.type} poison)"
        )
        code.do(f"store {shape.type} {column}, ptr {code.address(slots, index.at, shape.type)}")
        end_loop(code, index)

    def finish(self, first: str, last: str) -> None:
        """Lanes are added, those of as many sums at once as there are lanes; behind the first chunk to those
        before, after the last one divided, for a mean."""
        code, shape = self.code, self.shape
        divisor = code.let(
            f"select i1 {last}, {shape.number} %divisor, {shape.number} {self.plan.one.constant(1.0)}"
        )
        divisor = code.splat(shape, divisor)
        index = begin_loop(code, "0", str(self.plan.padded), shape.lanes)
        places = [code.let(f"add i64 {index.at}, {k}") for k in range(shape.lanes)]
        sums = [code.let(f"load {shape.type}, ptr {code.address('%scratch', k, shape.type)}") for k in places]
        result = halved(code, shape, sums)
        count = shape.all("i64", str(len(self.plan.tape.outputs)))
        inside = code.let(f"icmp slt {self.ints} {self.rows(index.at)}, {count}")
        where = code.address("%out", index.at, shape.number)
        total = code.let(f"fadd {shape.type} {self.plan.load(code, where, inside)}, {result}")
        result = code.let(f"select i1 {first}, {shape.type} {result}, {shape.type} {total}")
        self.plan.store(code, code.let(f"fdiv {shape.type} {result}, {divisor}"), where, inside)
        end_loop(code, index)


def reserve(code: Code, size: int) -> None:
    """So many bytes at %scratch, aligned to 64; the function ends with 1 if there is no memory."""
    if size <= STACK:
        code.do(f"%scratch = alloca [{size} x i8], align 64")
        return
    code.do(f"%memory = call ptr @malloc(i64 {size + 64})")
    failed, fine = code.label(), code.label()
    code.branch(code.let("icmp eq ptr %memory, null"), failed, fine)
    code.begin(failed)
    code.do("ret i32 1")
    code.begin(fine)
    ahead = code.let(f"ptrtoint ptr {code.address('%memory', 63)} to i64")
    code.do(f"%scratch = inttoptr i64 {code.let(f'and i64 {ahead}, -64')} to ptr")


def release(code: Code, size: int) -> None:
    if size > STACK:
        code.do("call void @free(ptr %memory)")


def halved(code: Code, shape: Shape, xs: Sequence[str]) -> str:
    """The sums of the lanes of as many vectors as they have lanes, as one vector.

    In each, the upper half is added to the lower one until one number is left. Two vectors that are half
    done fit into one: so there are half as many of them after every step.
    """
    width = shape.lanes
    while width > 1:
        half = width // 2
        first = [i for i in range(2 * shape.lanes) if i % width < half]
        low, high = picked(first), picked([i + half for i in first])
        xs = [
            code.let(f"fadd {shape.type} {both(code, shape, a, b, low)}, {both(code, shape, a, b, high)}")
            for a, b in zip(xs[::2], xs[1::2], strict=True)
        ]
        width = half
    return xs[0]


def both(code: Code, shape: Shape, a: str, b: str, order: str) -> str:
    """Lanes of two vectors, in an order."""
    return code.let(f"shufflevector {shape.type} {a}, {shape.type} {b}, {order}")


def picked(lanes: Sequence[int]) -> str:
    return f"<{len(lanes)} x i32> <{', '.join(f'i32 {k}' for k in lanes)}>"
