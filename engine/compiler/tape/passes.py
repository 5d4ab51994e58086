"""Passes over a tape: the same numbers, to the bit, from fewer operations.

One walk in order folds constants by the kernels, applies the identities and shares what is
computed twice; one walk back drops what no output needs. All outputs go through together, so that
a value and its gradient share. There is no calculus in here.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence
from typing import Final, final

from engine.compiler.tape.columns import LISTED, NONE, Columns, Writer
from engine.compiler.tape.identities import RULES, Pattern, Rule, Side, same_bits
from engine.compiler.tape.symbol import TRUTHS
from engine.compiler.tape.tape import Tape
from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive
from engine.primitives import add, maximum, minimum, mul

COMMUTATIVE: Final = frozenset((add, mul, maximum, minimum))
BITS: Final = struct.Struct("<d").pack  # tells 0.0 from -0.0, and nan from nothing
FEW: Final = 12  # users of a line that are looked through one by one
DEAD: Final = -1

# Rows that an identity asks for as operands: where none of them is, nothing has to be looked up
TELLING: Final = frozenset(row for rules in RULES.values() for table in rules.by_operand for row in table)


def simplified(tape: Tape) -> Tape:
    """The tape after all passes: same inputs, same outputs."""
    builder = Builder(len(tape.inputs))
    places = builder.read(tape.entries)
    columns, roots = builder.live_columns([places[slot] for slot in tape.roots])
    count = len(tape.outputs)
    guards = [guard._replace(slot=slot) for guard, slot in zip(tape.guards, roots[count:], strict=True)]
    return Tape(tape.inputs, columns, roots[:count], guards)


@final
class Kind:
    """A row of the table, and which of its applications are known: `pairs` beyond the first users of a
    line, `lists` by the bytes of their operands."""

    def __init__(self, primitive: Primitive) -> None:
        rules = RULES.get(primitive)
        self.primitive = primitive
        self.foreign = primitive.foreign
        self.solved = primitive.solved
        self.commutes = primitive in COMMUTATIVE
        self.telling = primitive in TELLING
        self.general: list[Rule] = rules.general if rules is not None else []
        self.by_operand: list[dict[Primitive, list[Rule]]] = rules.by_operand if rules is not None else []
        self.pairs: dict[int, int] = {}
        self.lists: dict[bytes, int] = {}


@final
class Line:
    """A line under construction; operands as in `Columns`. The users of a line are a chain: `user` is the
    newest one that has it as its younger operand, `next` the one before for this line's operand."""

    def __init__(self, kind: Kind, left: int, right: int) -> None:
        self.kind = kind
        self.left = left
        self.right = right
        self.user = NONE
        self.next = NONE
        self.place = DEAD


@final
class Builder:
    """A tape that is built up line by line, each one simplified against those before it."""

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.kinds: dict[Primitive, Kind] = {}
        self.constants = self.kind(CONSTANT)
        self.lines = [Line(self.kind(INPUT), NONE, NONE) for _ in range(inputs)]
        self.numbers: list[float] = []
        self.known: dict[bytes, int] = {}
        self.listed: list[bytes] = []

    def kind(self, primitive: Primitive) -> Kind:
        kind = self.kinds.get(primitive)
        if kind is None:
            kind = self.kinds[primitive] = Kind(primitive)
        return kind

    def read(self, columns: Columns) -> list[int]:
        """For each line of a tape its slot in here."""
        kinds = [self.kind(row) for row in columns.rows]
        places = list(range(self.inputs))
        start = self.inputs
        lines = zip(columns.op[start:], columns.left[start:], columns.right[start:], strict=True)
        for op, left, right in lines:
            if left >= 0:
                second = places[right] if right >= 0 else NONE
                places.append(self.apply(kinds[op], places[left], second))
            elif left == LISTED:
                operands = [places[slot] for slot in columns.list_at(right)]
                places.append(self.apply_list(kinds[op], operands))
            else:
                places.append(self.constant(columns.numbers[right]))
        return places

    def constant(self, number: float) -> int:
        key: bytes = BITS(number)
        slot = self.known.get(key, NONE)
        if slot == NONE:
            slot = self.known[key] = len(self.lines)
            self.lines.append(Line(self.constants, NONE, len(self.numbers)))
            self.numbers.append(number)
        return slot

    def apply(self, kind: Kind, left: int, right: int) -> int:
        """The slot of a row applied to one or two slots."""
        first = self.lines[left].kind
        second = self.lines[right].kind if right >= 0 else first
        if first is self.constants and second is self.constants:
            slot = self.folded(kind, operands_of(left, right))
            if slot >= 0:
                return slot
        if first.telling or second.telling or kind.general:
            slot = self.rewritten(kind, operands_of(left, right))
            if slot >= 0:
                return slot
        return self.shared(kind, left, right)

    def shared(self, kind: Kind, left: int, right: int) -> int:
        """The slot of the twin of a line, or a new one. A twin is among the users of the younger operand."""
        lines = self.lines
        swaps = kind.commutes
        younger = left if left > right else right
        home = lines[younger]
        users = 0
        at = home.user
        while at >= 0:
            line = lines[at]
            if line.kind is kind:
                if line.left == left and line.right == right:
                    return at
                if swaps and line.left == right and line.right == left:
                    return at
            users += 1
            at = line.next
        slot = len(lines)
        line = Line(kind, left, right)
        if users < FEW:
            line.next = home.user
            home.user = slot
        else:
            in_order = swaps or left == younger
            key = (younger << 31 | (right + 1 if left == younger else left + 1)) << 1 | in_order
            twin = kind.pairs.setdefault(key, slot)
            if twin != slot:
                return twin
        lines.append(line)
        return slot

    def apply_list(self, kind: Kind, operands: list[int]) -> int:
        """The slot of a row applied to any number of slots."""
        if kind.solved:
            return operands[0]
        if len(operands) <= 2:
            return self.apply(kind, operands[0], operands[1] if len(operands) == 2 else NONE)
        if all(self.lines[slot].kind is self.constants for slot in operands):
            slot = self.folded(kind, operands)
            if slot >= 0:
                return slot
        slot = self.rewritten(kind, operands)
        if slot >= 0:
            return slot
        key = array("i", operands).tobytes()
        slot = kind.lists.setdefault(key, len(self.lines))
        if slot == len(self.lines):
            self.lines.append(Line(kind, LISTED, len(self.listed)))
            self.listed.append(key)
        return slot

    def folded(self, kind: Kind, operands: list[int]) -> int:
        """The constant that it is; NONE for what may have effects, or raises: let it, when it is run."""
        if kind.foreign:
            return NONE
        try:
            return self.constant(kind.primitive.evaluate([self.number(slot) for slot in operands]))
        except ArithmeticError:
            return NONE

    def number(self, slot: int) -> float:
        return self.numbers[self.lines[slot].right]

    def rewritten(self, kind: Kind, operands: list[int]) -> int:
        """What the first identity that fits makes of it, or NONE."""
        for rules in self.candidates(kind, operands):
            for pattern, result in rules:
                found: dict[str, int] = {}
                if self.all_fit(pattern, operands, found):
                    return self.build(result, found)
        return NONE

    def candidates(self, kind: Kind, operands: list[int]) -> list[list[Rule]]:
        """The identities that may fit, in their order."""
        groups = [kind.general]
        for i in range(len(kind.by_operand)):
            rules = kind.by_operand[i].get(self.lines[operands[i]].kind.primitive)
            if rules is not None:
                groups.append(rules)
        return groups

    def all_fit(self, pattern: Pattern, operands: list[int], found: dict[str, int]) -> bool:
        parts = pattern.operands
        return all(self.fits(parts[i], operands[i], found) for i in range(len(operands)))

    def fits(self, pattern: Side, slot: int, found: dict[str, int]) -> bool:
        """Whether a slot looks like a pattern; `found` takes the slots of variables. A b is a truth value."""
        kind = self.lines[slot].kind
        if isinstance(pattern, str):
            return found.setdefault(pattern, slot) == slot and (pattern != "b" or kind.primitive in TRUTHS)
        if isinstance(pattern, float):
            return kind is self.constants and same_bits(self.number(slot), pattern)
        return kind.primitive is pattern.primitive and self.all_fit(pattern, self.operands(slot), found)

    def operands(self, slot: int) -> list[int]:
        line = self.lines[slot]
        if line.left == LISTED:
            return array("i", self.listed[line.right]).tolist()
        return operands_of(line.left, line.right) if line.left >= 0 else []

    def build(self, result: Side, found: dict[str, int]) -> int:
        """The slot of the right-hand side of an identity."""
        if isinstance(result, Pattern):
            operands = [self.build(part, found) for part in result.operands]
            return self.apply_list(self.kind(result.primitive), operands)
        return found[result] if isinstance(result, str) else self.constant(result)

    def live_columns(self, outputs: Sequence[int]) -> tuple[Columns, list[int]]:
        """Only what an output needs, and the outputs' slots; inputs stay."""
        self.mark_live(outputs)
        writer = Writer(self.inputs)
        for slot in range(self.inputs):
            self.lines[slot].place = slot
        for slot in range(self.inputs, len(self.lines)):
            line = self.lines[slot]
            if line.place != DEAD:
                line.place = self.write(writer, line)
        return writer.columns(), [self.lines[slot].place for slot in outputs]

    def mark_live(self, outputs: Sequence[int]) -> None:
        lines = self.lines
        for slot in outputs:
            lines[slot].place = 0
        for slot in range(len(lines) - 1, self.inputs - 1, -1):
            line = lines[slot]
            if line.place == DEAD:
                continue
            if line.left >= 0:
                lines[line.left].place = 0
                if line.right >= 0:
                    lines[line.right].place = 0
            elif line.left == LISTED:
                for operand in self.operands(slot):
                    lines[operand].place = 0

    def write(self, writer: Writer, line: Line) -> int:
        """The place of a line on the new tape, behind its operands."""
        lines = self.lines
        if line.left >= 0:
            right = lines[line.right].place if line.right >= 0 else NONE
            return writer.add(writer.row(line.kind.primitive), lines[line.left].place, right)
        if line.left == LISTED:
            operands = array("i", self.listed[line.right])
            return writer.add_many(writer.row(line.kind.primitive), [lines[slot].place for slot in operands])
        return writer.add_constant(self.numbers[line.right])


def operands_of(left: int, right: int) -> list[int]:
    return [left] if right < 0 else [left, right]
