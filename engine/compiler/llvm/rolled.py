"""A rolled tape as machine code: its loops as functions, few and short work written out between them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from engine.compiler.backend import Layout, Options
from engine.compiler.llvm.code import Code, Function, Shape, constants
from engine.compiler.llvm.driver import GUARD, expect_guards, guard_holds, reserve, run_function
from engine.compiler.llvm.grids import LANES, Grid, lanes_of, padding
from engine.compiler.llvm.library import Module, library
from engine.compiler.llvm.loop_operations import has_kernel
from engine.compiler.llvm.operations import Operations
from engine.compiler.llvm.plan import NUMBER, SEGMENT
from engine.compiler.loops.loop import Loop
from engine.compiler.loops.rolled_tape import Rolled
from engine.compiler.tape.tape import Guard
from engine.primitive import Primitive
from engine.primitives import sum as total

BASE: Final = re.compile(r"%base(\d+)")
MEMORY: Final = ("ptr %memory", "ptr %array")  # parameters of every function of loops
CALLS: Final = 200  # in one function
SHORT: Final = 8  # results a line of code, from where on a loop is worth its function


class Call(NamedTuple):
    """A function, and the places to call it with."""

    name: str
    bases: list[int]


def is_short(loop: Loop) -> bool:
    return loop.work < SHORT * loop.lines


def pays(program: RolledProgram) -> bool:
    """Whether loops do most of the work, in a text that is short for it; nothing written out may be long."""
    loops = program.rolled.loops
    work = sum(loop.work for loop in loops)
    short = [loop.work for loop in loops if is_short(loop)]
    text = sum(len(grid.code.lines) for _, grid in program.written.values())
    return sum(short) * 4 < work and max(short, default=0) <= SEGMENT and text < work // 2


class Lines(Operations):
    """Short loops, written out result after result. `known` are the places that are in registers."""

    def __init__(self, number: str, fast: bool) -> None:
        super().__init__(Shape(0, number), fast)
        self.known: dict[int, str] = {}

    def write(self, loop: Loop) -> None:
        place = loop.place
        for row, column in loop.grid():
            terms = [(minus, [self.read(i) for i in operands]) for minus, operands in loop.terms(row, column)]
            self.known[place] = self.result(loop, terms)
            where = self.code.address("%memory", place, self.shape.number)
            self.code.do(f"store {self.shape.type} {self.known[place]}, ptr {where}")
            place += 1

    def read(self, place: int) -> str:
        if place not in self.known:
            where = self.code.address("%memory", place, self.shape.number)
            self.known[place] = self.code.let(f"load {self.shape.type}, ptr {where}")
        return self.known[place]

    def result(self, loop: Loop, terms: Sequence[tuple[bool, list[str]]]) -> str:
        if loop.primitive is not total:
            return self.applied(loop.primitive, [name for _, names in terms for name in names])
        result = self.shape.constant(loop.start)
        for minus, names in terms:
            x = names[0] if len(names) == 1 else self.slots.binary("fmul", *names)
            result = self.slots.binary("fsub" if minus else "fadd", result, x)
        return result


class RolledProgram:
    """The text of a rolled tape in one layout: `grids` to be optimised, `body` to be translated fast. The
    last results are what guards look at."""

    def __init__(self, rolled: Rolled, layout: Layout, options: Options, guards: Sequence[Guard]) -> None:
        self.rolled = rolled
        self.guards = guards
        self.layout = layout
        self.number = NUMBER[options.dtype]
        self.fast = options.fast_math
        self.written: dict[str, tuple[str, Grid]] = {}  # loops that are functions, by their text
        self.calls: list[Call] = []
        self.lines: list[Function] = []
        for group in grouped(rolled.loops):
            if is_short(group[0]):
                self.write_out(group)
            else:
                grid = Grid(group[0], self.number, self.fast)
                name, _ = self.written.setdefault(grid.body(), (f"grid{len(self.written)}", grid))
                self.calls.append(Call(name, grid.bases))
        counts = Counter(call.name for call in self.calls)
        self.once = {call.name: call.bases for call in self.calls if counts[call.name] == 1}

    def write_out(self, loops: Sequence[Loop]) -> None:
        lines = Lines(self.number, self.fast)
        for loop in loops:
            lines.write(loop)
        name = f"lines{len(self.lines)}"
        lines.code.do("ret void")
        self.lines.append(lines.code.function("void", name, MEMORY, "noinline nounwind"))
        self.calls.append(Call(name, []))

    @property
    def library(self) -> Module:
        """What is optimised: the loops, and the kernels that they call, on numbers and on lanes."""
        rows: dict[int, dict[Primitive, None]] = {0: {}, LANES: {}}
        for loop in self.rolled.loops:
            if has_kernel(loop.primitive):
                rows[0 if is_short(loop) else lanes_of(loop, self.fast)][loop.primitive] = None
        parts = [library(list(kernels), Shape(lanes)) for lanes, kernels in rows.items()]
        functions = {function.name: function for part in parts for function in part.functions}
        constants = dict.fromkeys(text for part in parts for text in part.constants)
        return Module(list(constants), [*functions.values(), *self.grids])

    @property
    def grids(self) -> list[Function]:
        """Functions of where operands begin; these are constants if one is called once."""
        return [self.grid(name, grid) for name, grid in self.written.values()]

    def grid(self, name: str, grid: Grid) -> Function:
        bases = self.once.get(name)
        parameters = [] if bases else [f"i64 %base{k}" for k in range(len(grid.bases))]
        function = grid.code.function("void", name, [*MEMORY, *parameters])
        if bases is None:
            return function
        return function._replace(text=BASE.sub(lambda base: str(bases[int(base[1])]), function.text))

    @property
    def body(self) -> list[Function]:
        """`run`, as in `driver`, behind what it calls: inputs and constants go to their places first, results
        to `out` at last."""
        code, kind, rolled = Code(), self.number, self.rolled
        low, high = self.extent()
        array = (high - low) * self.size // 64 * 64 + 64
        size = array + self.array_length * 8
        memory = reserve(code, size)
        code.do(f"%places = getelementptr {kind}, ptr %scratch, i64 {-low}")
        code.do(f"%array = getelementptr i8, ptr %scratch, i64 {array}")
        place = 0
        for k, block in enumerate(self.layout.blocks):
            source = code.let(f"load ptr, ptr {code.address('%in', k, 'ptr')}")
            code.copy(code.address("%places", place, kind), source, block.size * self.size)
            place += block.size
        code.copy(code.address("%places", place, kind), "@constants", len(rolled.constants) * self.size)
        parts = self.parts
        for part in parts:
            code.run(part.name, ["ptr %places", "ptr %array"])
        results = code.address("%places", rolled.results, kind)
        outputs = rolled.size - rolled.results - len(self.guards)
        for k, guard in enumerate(self.guards):
            x = code.let(f"load {kind}, ptr {code.address(results, outputs + k, kind)}")
            holds = guard_holds(code, Shape(0, kind), guard, x)
            expect_guards(code, code.let(f"select i1 {holds}, i32 0, i32 {GUARD + k}"))
        code.copy("%out", results, outputs * self.size)
        return [*self.lines, *parts, run_function(code, memory, kind)]

    @property
    def parts(self) -> list[Function]:
        """The calls of all loops, cut in functions: LLVM takes quadratic time over a long one."""
        cuts = [self.calls[at : at + CALLS] for at in range(0, len(self.calls), CALLS)]
        return [self.part(k, calls) for k, calls in enumerate(cuts)]

    def part(self, k: int, calls: Sequence[Call]) -> Function:
        code = Code()
        for call in calls:
            bases = [] if call.name in self.once else [f"i64 {base}" for base in call.bases]
            code.run(call.name, [*MEMORY, *bases])
        code.do("ret void")
        return code.function("void", f"part{k}", MEMORY, "noinline nounwind")

    @property
    def constants(self) -> str:
        return constants("constants", Shape(0, self.number), self.rolled.constants)

    @property
    def array_length(self) -> int:
        """The most operands of a kernel of lists."""
        return max(loop.length for loop in self.rolled.loops if loop.primitive is not total)

    @property
    def size(self) -> int:
        """Of a number, in bytes."""
        return Shape(0, self.number).size

    def extent(self) -> tuple[int, int]:
        """The lowest place that lanes touch, and the highest."""
        ends = [padding(loop, self.fast) for loop in self.rolled.loops]
        return min(0, *(low for low, _ in ends)), max(high for _, high in ends)


def grouped(loops: Sequence[Loop]) -> Iterator[list[Loop]]:
    """Short loops that follow each other together, up to a number of operands; others alone."""
    group: list[Loop] = []
    work = 0
    for loop in loops:
        if group and (not is_short(group[0]) or not is_short(loop) or work + loop.work > SEGMENT):
            yield group
            group, work = [], 0
        group.append(loop)
        work += loop.work
    yield group
