"""Loops, found again in a flat tape: what can be computed side by side, and where it lies.

Chains of additions are found first. What remains is taken level by level: results of one level do not
read each other. Those of the same form stand in the order of the tape, and their places too. Where the
places of all operands then advance in constant steps, results are a row, and like rows are a loop. Every
walk is linear in the length of the tape.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, final

from engine.compiler.loops.chains import DIFFERENCE, MINUS, PLUS, PRODUCT, ZERO, Chain, Chains
from engine.compiler.loops.loop import Loop, Repeat, Stride, Summand
from engine.compiler.loops.rolled_tape import Rolled
from engine.compiler.tape.tape import Tape
from engine.node import CONSTANT
from engine.primitive import Primitive
from engine.primitives import identity
from engine.primitives import sum as total

REGULAR: Final = 4  # results a loop, at least, in a tape that is worth rolling
HOPELESS: Final = 100  # loops that a tape may have whatever their length
PERIOD: Final = 4  # terms, at most, that come again and again

NEGATIVE: Final = frozenset((MINUS, DIFFERENCE))
PAIRS: Final = frozenset((PRODUCT, DIFFERENCE))

Key = tuple[Primitive, str]  # a row, and the kinds of its terms


def rolled(tape: Tape) -> Rolled:
    """A tape as loops, which give the same bits, however many there are."""
    roller = Roller(tape)
    roller.roll_all(hopeless=len(tape))
    return roller.result()


def regular(tape: Tape) -> Rolled | None:
    """The same, if loops are few for what they compute; it costs little to learn that they are not."""
    roller = Roller(tape)
    return roller.result() if roller.roll_all(hopeless=HOPELESS) else None


@final
class Roller:
    """One tape on its way. `places[slot]` is where a slot lies, once it has a place."""

    def __init__(self, tape: Tape) -> None:
        self.inputs = tape.inputs
        self.outputs = tape.outputs
        chains = Chains(tape)
        self.lines = chains.lines
        self.primitives = chains.primitives
        self.chains: list[Chain | None] = chains.ending
        # What is read for a slot: by its chain, where one ends there
        self.operands: list[Sequence[int]] = [
            operands if chain is None else chain.operands
            for operands, chain in zip(chains.operands, chains.ending, strict=True)
        ]
        self.places = list(range(len(tape.inputs))) + [-1] * (len(tape) - len(tape.inputs))
        self.size = len(tape.inputs)
        self.constants: list[float] = []
        self.loops: list[Loop] = []

    def roll_all(self, hopeless: int) -> bool:
        """Rolls level by level; False, and no further, if so many more loops are met than there should be."""
        live = self.live()
        for slot, primitive in enumerate(self.primitives):
            if primitive is CONSTANT and live[slot]:
                self.constants.append(self.lines[slot].number)
                self.places[slot] = self.size
                self.size += 1
        first = self.size
        levels = self.levels(live)
        if sum(map(len, levels)) > hopeless + sum(live) // REGULAR:
            return False
        for level in levels:
            for key, slots in level.items():
                self.roll_slots(key, slots)
            if len(self.loops) > hopeless + (self.size - first) // REGULAR:
                return False
        return True

    def result(self) -> Rolled:
        results = self.size
        self.roll((identity, PLUS), [[slot] for slot in self.outputs])
        return Rolled(self.inputs, self.constants, self.loops, results)

    def roll_slots(self, key: Key, slots: list[int]) -> None:
        """Loops for the slots of one form in one level."""
        if self.descends(slots):
            slots.reverse()
        first = self.size
        self.roll(key, [self.operands[slot] for slot in slots])
        for place, slot in enumerate(slots, first):
            self.places[slot] = place

    def descends(self, slots: Sequence[int]) -> bool:
        """Whether the last reads in front of the first: a sweep back met them in the opposite order."""
        return self.places[self.operands[slots[-1]][-1]] < self.places[self.operands[slots[0]][-1]]

    def live(self) -> bytearray:
        """1 for every slot that a result needs: the inner sums of chains are needed no more."""
        live = bytearray(len(self.operands))
        for slot in self.outputs:
            live[slot] = 1
        for slot in range(len(self.operands) - 1, len(self.inputs) - 1, -1):
            if live[slot]:
                for i in self.operands[slot]:
                    live[i] = 1
        return live

    def levels(self, live: bytearray) -> list[dict[Key, list[int]]]:
        """What is computed: by the longest way from the inputs, then by form, in the order of the tape."""
        depths = [0] * len(self.operands)
        levels: list[dict[Key, list[int]]] = []
        for slot in range(len(self.inputs), len(self.operands)):
            operands = self.operands[slot]
            if live[slot] and operands:
                depth = max([depths[i] for i in operands])
                depths[slot] = depth + 1
                if depth == len(levels):
                    levels.append({})
                levels[depth].setdefault(self.key(slot), []).append(slot)
        return levels

    def key(self, slot: int) -> Key:
        """The form of a step: its row, and the kinds of its terms."""
        chain = self.chains[slot]
        if chain is None:
            return self.primitives[slot], PLUS * len(self.operands[slot])
        return total, "".join(chain.kinds)

    def roll(self, key: Key, readers: Sequence[Sequence[int]]) -> None:
        """Loops for results of one form, from the slots that each of them reads."""
        places = self.places
        rows = in_rows([[places[i] for i in slots] for slots in readers])
        at = 0
        while at < len(rows):
            count, down = repeated(rows, at)
            self.loops.append(loop(key, rows[at], count, down, self.size))
            self.size += count * rows[at].columns
            at += count


@final
class Row:
    """Results in a row: the places that the first one reads, and the steps to those of the next."""

    def __init__(self, base: list[int], across: list[int], columns: int) -> None:
        self.base = base
        self.across = across
        self.columns = columns


def in_rows(readers: Sequence[list[int]]) -> list[Row]:
    """Results in rows, each as long as all that it reads advances in the same steps."""
    steps = [[i - j for i, j in zip(after, before, strict=True)] for before, after in pairwise(readers)]
    still = [0] * len(readers[0])
    found: list[Row] = []
    at = 0
    while at < len(readers):
        end = at + 1
        while end < len(readers) and steps[end - 1] == steps[at]:
            end += 1
        if end == at + 2 and end < len(steps) and steps[end - 1] == steps[end]:
            end = at + 1  # the second one begins a longer row
        found.append(Row(readers[at], steps[at] if end > at + 1 else still, end - at))
        at = end
    return found


def repeated(rows: Sequence[Row], at: int) -> tuple[int, list[int]]:
    """How many rows from one on are alike, and the constant steps from each to the next."""
    first = rows[at]
    down = [0] * len(first.base)
    count = 1
    while at + count < len(rows):
        row, before = rows[at + count], rows[at + count - 1]
        if row.columns != first.columns or row.across != first.across or first.columns == 1:
            break
        steps = [i - j for i, j in zip(row.base, before.base, strict=True)]
        if count == 1:
            down = steps
        if steps != down:
            break
        count += 1
    return count, down


def loop(key: Key, row: Row, rows: int, down: Sequence[int], place: int) -> Loop:
    """The loop of so many like rows."""
    primitive, kinds = key
    strides = [
        Stride(base, step, across, 0) for base, step, across in zip(row.base, down, row.across, strict=True)
    ]
    start = 0.0 if kinds[0] == ZERO else -0.0
    if primitive is total or primitive.gradient is not None:
        found = repeats(parted(kinds, strides))
    else:
        found = (Repeat(1, (Summand(False, tuple(strides)),)),)
    return Loop(primitive, start, rows, row.columns, Stride(place, row.columns, 1, 0), found)


def parted(kinds: str, strides: Sequence[Stride]) -> list[Summand]:
    """Operands as terms."""
    terms = []
    at = 0
    for kind in kinds.removeprefix(ZERO):
        width = 2 if kind in PAIRS else 1
        terms.append(Summand(kind in NEGATIVE, tuple(strides[at : at + width])))
        at += width
    return terms


def repeats(terms: Sequence[Summand]) -> tuple[Repeat, ...]:
    """Terms as repetitions of one or a few."""
    found = []
    at = 0
    while at < len(terms):
        period, times = 1, 1
        for length in range(1, PERIOD + 1):
            count = repetitions(terms, at, length)
            if count > 1 and count * length > times * period:
                period, times = length, count
            if times * period == len(terms) - at:
                break
        following = terms[at + period : at + 2 * period] if times > 1 else terms[at : at + period]
        pattern = map(advancing, terms[at : at + period], following)
        found.append(Repeat(times, tuple(pattern)))
        at += period * times
    return tuple(found)


def repetitions(terms: Sequence[Summand], at: int, period: int) -> int:
    """How often as many terms come again, all operands in constant steps."""
    end = at + period
    steps: list[list[int]] = []
    while end < len(terms):
        step = stepping(terms[end - period], terms[end])
        if step is None or (len(steps) >= period and step != steps[-period]):
            break
        steps.append(step)
        end += 1
    return (end - at) // period


def stepping(before: Summand, after: Summand) -> list[int] | None:
    """The steps from the operands of a term to those of a like one."""
    if before.minus != after.minus or len(before.operands) != len(after.operands):
        return None
    steps = []
    for x, y in zip(before.operands, after.operands, strict=True):
        if x.down != y.down or x.across != y.across:
            return None
        steps.append(y.base - x.base)
    return steps


def advancing(term: Summand, following: Summand) -> Summand:
    """A term with the steps to the next one of its kind."""
    pairs = zip(term.operands, following.operands, strict=True)
    return Summand(term.minus, tuple([x._replace(along=y.base - x.base) for x, y in pairs]))
