"""Passes over a tape: the same numbers, to the bit, from fewer operations.

One walk in order folds constants by the kernels, applies the identities and shares what is
computed twice; one walk back drops what no output needs. All outputs go through together, so that
a value and its gradient share. There is no calculus in here.
"""

from __future__ import annotations

import struct
from typing import Final, final

from engine.compiler.tape.identities import RULES, Pattern, Term, all_match
from engine.compiler.tape.tape import Entry, Tape
from engine.compiler.tape.trace import collector_paused
from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive
from engine.primitives import add, maximum, minimum, mul

COMMUTATIVE: Final = frozenset((add, mul, maximum, minimum))
BITS: Final = struct.Struct("<d").pack  # tells 0.0 from -0.0, and nan from nothing


def simplified(tape: Tape) -> Tape:
    """The tape after all passes: same inputs, same outputs."""
    with collector_paused():
        builder = Builder(tape)
        return builder.live_tape([builder.places[slot] for slot in tape.outputs])


@final
class Builder:
    """A tape that is built up line by line, each one simplified against those before it.

    Its lines are in three lists, for speed: of a slot the row, the operands, and what a constant is.
    """

    def __init__(self, tape: Tape) -> None:
        count = len(tape.inputs)
        self.inputs = tape.inputs
        self.rows: list[Primitive] = [INPUT] * count
        self.operands: list[tuple[int, ...]] = [()] * count
        self.numbers: list[float] = [0.0] * count
        self.known: dict[Primitive, dict[object, int]] = {}
        self.places = places = list(range(count))
        for primitive, operands, number in tape.entries[count:]:
            if operands:
                places.append(self.apply(primitive, tuple([places[i] for i in operands])))
            else:
                places.append(self.constant(number))

    def constant(self, number: float) -> int:
        return self.place(BITS(number), CONSTANT, (), number)

    def place(self, key: object, primitive: Primitive, operands: tuple[int, ...], number: float) -> int:
        """The slot of a line: that of its twin, if it has one."""
        twins = self.known.get(primitive)
        if twins is None:
            twins = self.known[primitive] = {}
        fresh = len(self.rows)
        slot = twins.setdefault(key, fresh)
        if slot == fresh:
            self.rows.append(primitive)
            self.operands.append(operands)
            self.numbers.append(number)
        return slot

    def apply(self, primitive: Primitive, operands: tuple[int, ...]) -> int:
        """The slot of a row applied to slots."""
        rows = self.rows
        for i in operands:
            if rows[i] is not CONSTANT:
                break
        else:
            number = self.folded(primitive, operands)
            if number is not None:
                return self.constant(number)
        if primitive in RULES:
            rewritten = self.rewritten(primitive, operands)
            if rewritten is not None:
                return rewritten
        if primitive in COMMUTATIVE and operands[0] > operands[1]:
            return self.place((operands[1], operands[0]), primitive, operands, 0.0)
        return self.place(operands, primitive, operands, 0.0)

    def folded(self, primitive: Primitive, operands: tuple[int, ...]) -> float | None:
        """The constant that it is; None for what may have effects, or raises: let it, when it is run."""
        if primitive.foreign:
            return None
        try:
            return primitive.evaluate([self.numbers[i] for i in operands])
        except ArithmeticError:
            return None

    def rewritten(self, primitive: Primitive, operands: tuple[int, ...]) -> int | None:
        """What the first identity that fits makes of it."""
        general, by_operand = RULES[primitive]
        rules = general
        for table, i in zip(by_operand, operands, strict=True):
            more = table.get(self.rows[i])
            if more is not None:
                rules = rules + more
        for pattern, result in rules:
            found: dict[str, int] = {}
            if all_match(pattern, operands, self.line, found):
                return self.build(result, found)
        return None

    def line(self, slot: int) -> tuple[Primitive, tuple[int, ...], float]:
        return self.rows[slot], self.operands[slot], self.numbers[slot]

    def build(self, result: Term, found: dict[str, int]) -> int:
        """The slot of the right-hand side of an identity."""
        if isinstance(result, Pattern):
            return self.apply(result.primitive, tuple([self.build(part, found) for part in result.operands]))
        return found[result] if isinstance(result, str) else self.constant(result)

    def live_tape(self, outputs: list[int]) -> Tape:
        """Only what an output needs; inputs stay."""
        live = bytearray(len(self.rows))
        for slot in outputs:
            live[slot] = 1
        for slot in range(len(self.rows) - 1, len(self.inputs) - 1, -1):
            if live[slot]:
                for i in self.operands[slot]:
                    live[i] = 1
        places = [0] * len(self.rows)
        entries: list[Entry] = []
        for slot, operands in enumerate(self.operands):
            if live[slot] or slot < len(self.inputs):
                places[slot] = len(entries)
                moved = tuple([places[i] for i in operands])
                entries.append(Entry(self.rows[slot], moved, self.numbers[slot]))
        return Tape(self.inputs, entries, [places[slot] for slot in outputs])
