"""JavaScript of a long regular tape: loops over one array. No engine optimises ten thousand lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, final

from engine.compiler.kernels.definition import kernel_of
from engine.compiler.loops.loop import Loop, Stride
from engine.compiler.loops.rolled_tape import Rolled
from engine.compiler.loops.roller import regular
from engine.compiler.sources.braces import Dialect
from engine.compiler.tape.tape import Tape
from engine.primitives import identity
from engine.primitives import sum as total

LONG: Final = 300  # operations that are not worth a loop
WORTH: Final = 4  # terms a written one
Term = Callable[[Loop, bool, list[str]], str]


def loops_of(tape: Tape) -> Rolled | None:
    """The tape as loops, if it is long and they are short for it."""
    found = regular(tape) if sum(1 for _ in tape.operations()) > LONG else None
    if found is None:
        return None
    lines, work = sum(loop.lines for loop in found.loops), sum(loop.work for loop in found.loops)
    return found if WORTH * lines <= work else None


@final
class LoopedFunction:
    """The lines of `function name(x)` for a rolled tape; what it works in stands in front of it."""

    def __init__(self, rolled: Rolled, name: str, dialect: Dialect) -> None:
        self.rolled = rolled
        self.name = name
        self.dialect = dialect

    def lines(self) -> Iterator[str]:
        inputs, constants = len(self.rolled.inputs), self.rolled.constants
        yield f"const {self.name}_memory = new Float64Array({self.rolled.size});"
        if constants:
            yield f"{self.name}_memory.set([{', '.join(map(self.dialect.number, constants))}], {inputs});"
        for loop in filter(is_listed, self.rolled.loops):
            yield f"const {self.list_of(loop)} = new Float64Array({loop.length});"
        yield f"function {self.name}(x) {{"
        size = self.rolled.size - self.rolled.results
        yield f"    const v = {self.name}_memory, y = new Array({size});"
        yield f"    for (let i = 0; i < {inputs}; i++) v[i] = x[i];"
        for loop in self.rolled.loops:
            yield from self.loop(loop)
        yield "    return y;"
        yield "}"

    def list_of(self, loop: Loop) -> str:
        return f"{self.name}_list{loop.place}"

    def loop(self, loop: Loop) -> Iterator[str]:
        first = loop.place - self.rolled.results
        start = Stride(loop.place if first < 0 else first, loop.columns, 1, 0)
        place = f"{'v' if first < 0 else 'y'}[{index(start, loop, 1)}]"
        for letter, times in (("i", loop.rows), ("j", loop.columns)):
            if times > 1:
                yield f"    for (let {letter} = 0; {letter} < {times}; {letter}++)"
        yield "    {"
        if loop.primitive is total:
            yield f"        let s = {self.dialect.number(loop.start)};"
            yield from self.repeated(loop, self.added)
            yield f"        {place} = s;"
        elif is_listed(loop):
            yield "        let n = 0;"
            yield from self.repeated(loop, self.listed)
            kernel = self.dialect.called(kernel_of(loop.primitive.value))
            yield f"        {place} = {kernel}({self.list_of(loop)});"
        else:
            names = [f"v[{index(x, loop, 1)}]" for x in loop.strides]
            copied = loop.primitive is identity
            value = names[0] if copied else self.dialect.operation(loop.primitive, names)
            yield f"        {place} = {value};"
        yield "    }"

    def repeated(self, loop: Loop, write: Term) -> Iterator[str]:
        for repeat in loop.repeats:
            many = repeat.times > 1
            if many:
                yield f"        for (let k = 0; k < {repeat.times}; k++) {{"
            for minus, operands in repeat.terms:
                names = [f"v[{index(x, loop, repeat.times)}]" for x in operands]
                yield f"        {'    ' * many}{write(loop, minus, names)}"
            if many:
                yield "        }"

    def added(self, loop: Loop, minus: bool, names: list[str]) -> str:
        return f"s {'-' if minus else '+'}= {' * '.join(names)};"

    def listed(self, loop: Loop, minus: bool, names: list[str]) -> str:
        return " ".join(f"{self.list_of(loop)}[n++] = {name};" for name in names)


def is_listed(loop: Loop) -> bool:
    """Whether it is a row of many operands, which takes them in a list."""
    return loop.primitive is not total and loop.primitive.gradient is not None


def index(x: Stride, loop: Loop, times: int) -> str:
    """A place, from the counters of the rows i, the columns j and the repetitions k that it depends on."""
    steps = zip(x[1:], (loop.rows, loop.columns, times), "ijk", strict=True)
    moving = [
        letter if step == 1 else f"{step} * {letter}" for step, count, letter in steps if step and count > 1
    ]
    return " + ".join([str(x.base), *moving])
