"""A tape as loops: how it is unrolled, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from math import copysign
from typing import Final, final

from engine.compiler.loops.loop import Loop, Repeat, Stride
from engine.compiler.tape.columns import Entry, columns_of
from engine.compiler.tape.names import OMITTED, SHOWN, shortened, spelled, stem, unused
from engine.compiler.tape.tape import Tape
from engine.node import CONSTANT, INPUT
from engine.primitives import add, mul, sub
from engine.primitives import sum as total
from engine.text import folded

ELEMENT: Final = re.compile(r"(.+)\[(\d+)\]")


@final
class Rolled:
    """Places 0, 1 ... are the inputs, then the constants, then what the loops compute, in their order; the
    results are the last of them, from place `results` on."""

    def __init__(
        self, inputs: Sequence[str], constants: Sequence[float], loops: Sequence[Loop], results: int
    ) -> None:
        self.inputs = tuple(inputs)
        self.constants = tuple(constants)
        self.loops = tuple(loops)
        self.results = results

    @property
    def size(self) -> int:
        """The number of places."""
        last = self.loops[-1]
        return last.place + last.rows * last.columns

    def unrolled(self) -> Tape:
        """A flat tape that gives the same bits."""
        entries = [Entry(INPUT) for _ in self.inputs] + [Entry(CONSTANT, (), x) for x in self.constants]
        slots = list(range(len(entries)))
        for loop in self.loops:
            result = added if loop.primitive is total else applied
            for row, column in loop.grid():
                terms = [(minus, [slots[i] for i in places]) for minus, places in loop.terms(row, column)]
                slots.append(result(entries, loop, terms))
        return Tape(self.inputs, columns_of(entries), slots[self.results :])

    def __str__(self) -> str:
        """One line for each loop."""
        return LoopText(self).whole()


@final
class LoopText:
    """A rolled tape in writing. Names of places and counters are such that no input has them."""

    def __init__(self, rolled: Rolled) -> None:
        self.rolled = rolled
        self.inputs = rolled.inputs
        self.computed = len(rolled.inputs) + len(rolled.constants)  # the first such place
        self.elements = [element(name, place) for place, name in enumerate(rolled.inputs)]
        names = {name for name, _ in self.elements}
        self.stem = stem("v", names)
        self.i, self.j, self.k = (unused(letter, names) for letter in "ijk")

    def whole(self) -> str:
        loops, results = self.rolled.loops, self.rolled.results
        lines = folded([loop for loop in loops if loop.place < results], SHOWN, OMITTED, self.line)
        last = [f"{self.result(loop)}{self.grid(loop)}" for loop in loops if loop.place >= results]
        lines = [*self.given(), *lines, f"return {', '.join(last[:SHOWN])}"]
        return "\n".join([f"({shortened(self.inputs)}) ->", *(f"    {line}" for line in lines)])

    def given(self) -> list[str]:
        """What loops read by place although it is not computed: all inputs in a row, constants."""
        count = len(self.inputs)
        spans = merged(self.spans())
        lines = []
        if spans and spans[0][0] < count:
            lines.append(f"{self.stem}[0:{count}] = {shortened(self.arguments())}")
        for low, end in ((max(low, count), min(end, self.computed)) for low, end in spans):
            if low < end:
                numbers = self.rolled.constants[low - count : end - count]
                lines.append(f"{self.stem}[{low}:{end}] = {shortened(list(map(repr, numbers)))}")
        return lines

    def arguments(self) -> list[str]:
        """All inputs in few words: x, *w for w[0], w[1] ..."""
        pairs = zip(self.inputs, self.elements, strict=True)
        return list(dict.fromkeys(name if name == whole else f"*{name}" for whole, (name, _) in pairs))

    def spans(self) -> Iterator[tuple[int, int]]:
        """From where to before where lie operands that are written as places, of those not computed."""
        for loop in self.rolled.loops:
            for repeat in loop.repeats:
                for x in [x for term in repeat.terms for x in term.operands]:
                    low, high = x.reach(loop.rows, loop.columns, repeat.times)
                    if low < high and low < self.computed and self.array(low, high)[0] == self.stem:
                        yield low, high + 1

    def line(self, loop: Loop) -> str:
        return f"{self.operand(loop.result, loop, 1)} = {self.result(loop)}{self.grid(loop)}"

    def result(self, loop: Loop) -> str:
        """What one result of a loop is."""
        if loop.primitive is not total:
            names = [self.operand(x, loop, 1) for x in loop.strides]
            if loop.lines == loop.length:
                return spelled(loop.primitive, names)
            names = [self.repeat(repeat, loop, "*") for repeat in loop.repeats]
            return f"{loop.primitive.name}({', '.join(names)})"
        text = " + ".join(self.repeat(repeat, loop, "sum") for repeat in loop.repeats)
        text = text if copysign(1.0, loop.start) < 0.0 else f"0.0 + {text}"
        return text.replace("+ -", "- ")

    def repeat(self, repeat: Repeat, loop: Loop, opening: str) -> str:
        """Some terms: v3, v1 * v2, sum(v[3 + k] * w[k] for k in range(4))."""
        terms = []
        for minus, operands in repeat.terms:
            product = " * ".join(self.operand(x, loop, repeat.times) for x in operands)
            terms.append(f"-{product}" if minus else product)
        if repeat.times == 1:
            return (" + " if opening == "sum" else ", ").join(terms)
        return f"{opening}({', '.join(terms)} for {self.k} in range({repeat.times}))"

    def operand(self, x: Stride, loop: Loop, count: int) -> str:
        """v3 if it is one place, v[3 + 16*i + j] if it depends on row, column, repetition."""
        letters = (self.i, self.inner(loop), self.k)
        steps = zip(x[1:], (loop.rows, loop.columns, count), letters, strict=True)
        moving = [(step, letter) for step, times, letter in steps if step and times > 1]
        if not moving:
            return self.name(x.base)
        array, start = self.array(*x.reach(loop.rows, loop.columns, count))
        first = x.base - start
        index = " + ".join(letter if step == 1 else f"{step}*{letter}" for step, letter in moving)
        index = f"{first} + {index}" if first else index
        return f"{array}[{index}]".replace("+ -", "- ").replace("- 1*", "- ")

    def array(self, low: int, high: int) -> tuple[str, int]:
        """The array that these places lie in, and where its first element does."""
        if high < len(self.inputs) and self.elements[low] == self.elements[high]:
            return self.elements[low]
        return self.stem, 0

    def name(self, place: int) -> str:
        """A place alone: an input by its name, a constant as a number, all else v7."""
        if place < len(self.inputs):
            return self.inputs[place]
        if place < self.computed:
            return repr(self.rolled.constants[place - len(self.inputs)])
        return f"{self.stem}{place}"

    def inner(self, loop: Loop) -> str:
        """The letter of the columns: that of the rows, if there is just one row."""
        return self.j if loop.rows > 1 else self.i

    def grid(self, loop: Loop) -> str:
        """The grid that a line is computed for."""
        ranges = [(loop.rows, self.i), (loop.columns, self.inner(loop))]
        return "".join(f" for {letter} in range({times})" for times, letter in ranges if times > 1)


def element(name: str, place: int) -> tuple[str, int]:
    """The array of an input w[3], and the place of w[0]; of any other input itself."""
    found = ELEMENT.fullmatch(name)
    return (found[1], place - int(found[2])) if found else (name, place)


def merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that touch as one."""
    result: list[tuple[int, int]] = []
    for low, end in sorted(spans):
        if result and low <= result[-1][1]:
            before = result.pop()
            low, end = before[0], max(before[1], end)
        result.append((low, end))
    return result


def applied(entries: list[Entry], loop: Loop, terms: Sequence[tuple[bool, list[int]]]) -> int:
    """The slot of a row of the table."""
    entries.append(Entry(loop.primitive, tuple([i for _, slots in terms for i in slots])))
    return len(entries) - 1


def added(entries: list[Entry], loop: Loop, terms: Sequence[tuple[bool, list[int]]]) -> int:
    """The slot of a sum."""
    entries.append(Entry(CONSTANT, (), loop.start))
    result = len(entries) - 1
    for minus, slots in terms:
        if len(slots) == 2:
            entries.append(Entry(mul, tuple(slots)))
        term = slots[0] if len(slots) == 1 else len(entries) - 1
        entries.append(Entry(sub if minus else add, (result, term)))
        result = len(entries) - 1
    return result
