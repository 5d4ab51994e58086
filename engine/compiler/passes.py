"""Passes over a tape: the same numbers, to the bit, from fewer operations.

One walk in order folds constants by the kernels, applies the identities and shares what is
computed twice; one walk back drops what no output needs. All outputs go through together, so that
a value and its gradient share. There is no calculus in here.
"""

from __future__ import annotations

import struct
from typing import Final

from engine.compiler.identities import RULES, Pattern, Term, all_match
from engine.compiler.tape import Entry, Tape
from engine.compiler.trace import collector_paused
from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive
from engine.primitives import add, maximum, minimum, mul

COMMUTATIVE: Final = frozenset((add, mul, maximum, minimum))
BITS: Final = struct.Struct("<d").pack  # tells 0.0 from -0.0, and nan from nothing


def simplified(tape: Tape) -> Tape:
    """The tape after all passes: same inputs, same outputs."""
    with collector_paused():
        builder = Builder(tape)
        outputs = [builder.places[slot] for slot in tape.outputs]
        return without_dead_code(Tape(tape.inputs, builder.entries, outputs))


class Builder:
    """A tape that is built up entry by entry, each one simplified against those before it."""

    def __init__(self, tape: Tape) -> None:
        self.entries: list[Entry] = [Entry(INPUT) for _ in tape.inputs]
        self.known: dict[object, int] = {}
        self.places = list(range(len(tape.inputs)))
        for primitive, operands, number in tape.entries[len(tape.inputs) :]:
            if operands:
                self.places.append(self.apply(primitive, tuple([self.places[i] for i in operands])))
            else:
                self.places.append(self.constant(number))

    def constant(self, number: float) -> int:
        return self.place(BITS(number), Entry(CONSTANT, (), number))

    def place(self, key: object, entry: Entry) -> int:
        """The slot of an entry: that of its twin, if it has one."""
        slot = self.known.setdefault(key, len(self.entries))
        if slot == len(self.entries):
            self.entries.append(entry)
        return slot

    def apply(self, primitive: Primitive, operands: tuple[int, ...]) -> int:
        """The slot of a row applied to slots."""
        entries = self.entries
        for i in operands:
            if entries[i].primitive is not CONSTANT:
                break
        else:
            number = self.folded(primitive, operands)
            if number is not None:
                return self.constant(number)
        rewritten = self.rewritten(primitive, operands)
        if rewritten is not None:
            return rewritten
        key = tuple(sorted(operands)) if primitive in COMMUTATIVE else operands
        return self.place((primitive, key), Entry(primitive, operands))

    def folded(self, primitive: Primitive, operands: tuple[int, ...]) -> float | None:
        """The constant that it is; None for what may have effects, or raises: let it, when it is run."""
        if primitive.foreign:
            return None
        try:
            return primitive.evaluate([self.entries[i].number for i in operands])
        except ArithmeticError:
            return None

    def rewritten(self, primitive: Primitive, operands: tuple[int, ...]) -> int | None:
        """What the first identity that fits makes of it."""
        rules = RULES.get((primitive, -1, None))
        for i, operand in enumerate(operands if primitive in REWRITTEN else ()):
            rules = (rules or []) + RULES.get((primitive, i, self.entries[operand].primitive), [])
        for pattern, result in rules or ():
            found: dict[str, int] = {}
            if all_match(pattern, operands, self.entries.__getitem__, found):
                return self.build(result, found)
        return None

    def build(self, result: Term, found: dict[str, int]) -> int:
        """The slot of the right-hand side of an identity."""
        if isinstance(result, Pattern):
            return self.apply(result.primitive, tuple([self.build(part, found) for part in result.operands]))
        return found[result] if isinstance(result, str) else self.constant(result)


REWRITTEN: Final = frozenset(primitive for primitive, _, _ in RULES)


def without_dead_code(tape: Tape) -> Tape:
    """Only what an output needs; inputs stay, constants move to where they are first needed."""
    live = bytearray(len(tape.entries))
    for slot in tape.outputs:
        live[slot] = 1
    for slot in range(len(tape.entries) - 1, len(tape.inputs) - 1, -1):
        if live[slot]:
            for i in tape.entries[slot].operands:
                live[i] = 1
    places: dict[int, int] = {}
    entries: list[Entry] = []
    for slot, (primitive, operands, number) in enumerate(tape.entries):
        if live[slot] or slot < len(tape.inputs):
            places[slot] = len(entries)
            entries.append(Entry(primitive, tuple([places[i] for i in operands]), number))
    return Tape(tape.inputs, entries, [places[slot] for slot in tape.outputs])
