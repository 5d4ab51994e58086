"""A tape as loops: how it is unrolled, and how it is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import copysign
from typing import Final, TypeVar, final

from engine.compiler.entries import Entry, spelled
from engine.compiler.loops import Loop, Piece, Stride
from engine.node import CONSTANT, INPUT
from engine.primitives import add, mul, sub
from engine.primitives import sum as total

SHOWN: Final = 200  # lines of a longer tape that are printed: half from its start, half from its end
Step = TypeVar("Step")
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

    def unrolled(self) -> tuple[list[Entry], list[int]]:
        """Entries and outputs of a flat tape that gives the same bits."""
        entries = [Entry(INPUT) for _ in self.inputs] + [Entry(CONSTANT, (), x) for x in self.constants]
        slots = list(range(len(entries)))
        for loop in self.loops:
            result = added if loop.primitive is total else applied
            for row, column in loop.grid():
                terms = [(minus, [slots[i] for i in places]) for minus, places in loop.terms(row, column)]
                slots.append(result(entries, loop, terms))
        return entries, slots[self.results :]

    def __str__(self) -> str:
        """One line for each loop."""
        lines = ends([loop for loop in self.loops if loop.place < self.results], self.line)
        last = [f"{self.result(loop)}{grid(loop)}" for loop in self.loops if loop.place >= self.results]
        head = f"({', '.join(self.inputs[:SHOWN])}{', ...' if len(self.inputs) > SHOWN else ''}) ->"
        return "\n".join([head, *(f"    {line}" for line in lines), f"    return {', '.join(last[:SHOWN])}"])

    def line(self, loop: Loop) -> str:
        place = Stride(loop.place, loop.columns, 1, 0)
        return f"{self.operand(place, loop, 1)} = {self.result(loop)}{grid(loop)}"

    def result(self, loop: Loop) -> str:
        """What one result of a loop is."""
        if loop.primitive is not total:
            names = [self.operand(x, loop, 1) for x in loop.strides]
            if loop.lines == loop.length:
                return spelled(loop.primitive, names, lambda row: row.python)
            names = [self.piece(piece, loop, "*") for piece in loop.pieces]
            return f"{loop.primitive.name}({', '.join(names)})"
        text = " + ".join(self.piece(piece, loop, "sum") for piece in loop.pieces)
        text = text if copysign(1.0, loop.start) < 0.0 else f"0.0 + {text}"
        return text.replace("+ -", "- ")

    def piece(self, piece: Piece, loop: Loop, opening: str) -> str:
        """Some terms: v3, v1 * v2, sum(v[3 + k] * w[k] for k in range(4))."""
        terms = []
        for minus, operands in piece.terms:
            product = " * ".join(self.operand(x, loop, piece.times) for x in operands)
            terms.append(f"-{product}" if minus else product)
        if piece.times == 1:
            return (" + " if opening == "sum" else ", ").join(terms)
        return f"{opening}({', '.join(terms)} for k in range({piece.times}))"

    def operand(self, x: Stride, loop: Loop, count: int) -> str:
        """v3 if it is one place, v[3 + 16*i + j] if it depends on row, column, repetition."""
        steps = [(x.down, loop.rows, "i"), (x.across, loop.columns, inner(loop)), (x.along, count, "k")]
        moving = [(step, letter) for step, times, letter in steps if step and times > 1]
        if not moving:
            return self.name(x.base)
        stem, first = self.element(x, loop, count)
        index = " + ".join(letter if step == 1 else f"{step}*{letter}" for step, letter in moving)
        index = f"{first} + {index}" if first else index
        return f"{stem}[{index}]".replace("+ -", "- ").replace("- 1*", "- ")

    def element(self, x: Stride, loop: Loop, count: int) -> tuple[str, int]:
        """The array that an operand lies in, and its first place there."""
        last = x.at(loop.rows - 1, loop.columns - 1, count - 1)
        ends = [ELEMENT.fullmatch(self.inputs[i]) for i in (x.base, last) if i < len(self.inputs)]
        stems = {end[1] for end in ends if end}
        if len(ends) == 2 and all(ends) and len(stems) == 1 and ends[0]:
            return stems.pop(), int(ends[0][2])
        return "v", x.base

    def name(self, place: int) -> str:
        """A place alone: an input by its name, a constant as a number, all else v7."""
        if place < len(self.inputs):
            return self.inputs[place]
        constant = place - len(self.inputs)
        return repr(self.constants[constant]) if constant < len(self.constants) else f"v{place}"


def inner(loop: Loop) -> str:
    """The letter of the columns: that of the rows, if there is just one row."""
    return "j" if loop.rows > 1 else "i"


def grid(loop: Loop) -> str:
    """The grid that a line is computed for."""
    ranges = [(loop.rows, "i"), (loop.columns, inner(loop))]
    return "".join(f" for {letter} in range({times})" for times, letter in ranges if times > 1)


def ends(steps: Sequence[Step], line: Callable[[Step], str]) -> list[str]:
    """Lines for steps, without the middle if they are many."""
    if len(steps) <= SHOWN:
        return list(map(line, steps))
    half = SHOWN // 2
    return [*map(line, steps[:half]), f"... {len(steps) - SHOWN} lines ...", *map(line, steps[-half:])]


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
