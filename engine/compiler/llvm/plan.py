"""What has to be known before a tape is written as machine code: how it is cut, and where its slots lie.

LLVM takes quadratic time over one long block, so a tape is cut in segments of a few hundred operands. A
segment keeps its own slots in registers; what others read lies in a scratch memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from functools import cached_property
from typing import Final

from engine.compiler.backend import Layout, Options
from engine.compiler.llvm.code import Shape
from engine.compiler.llvm.memory import Memory
from engine.compiler.tape.tape import Entry, Tape

SEGMENT: Final = 300  # operands in one function
LARGE: Final = 3_000  # operands from where on a tape is translated in a third of the time, rather than well
LARGE_MAPPED: Final = 5_000  # the same on lanes, which gain more from it
ROOM: Final = 20_000  # bytes for a block of examples: of a short tape, they stay in the nearest cache
LARGE_ROOM: Final = 30_000_000  # the same of one whose code does not: more, and the heap maps it anew
BEFORE: Final = -1  # in place of a slot: before all operations
LONG: Final = 256  # operands from where on a row of many is a loop over memory
TOGETHER: Final = {"tanh": "sech2"}  # on lanes their kernels are the same but for the last lines
NUMBER: Final = {"float64": "double", "float32": "float"}
LANES: Final = {"float64": 8, "float32": 16}  # 512 bits; LLVM splits them for what the machine has

Checks = dict[int, dict[int, list[int]]]  # by segment and slot: guards


class Plan:
    """One tape in one layout.

    shape    of a slot: a number, or lanes of numbers for a mapped tape
    entries  the lines of the tape, all at once
    sources  for each input its block, its place in there, and whether there is one for each example
    places   where in the memory of slots one is that a later segment reads, or that is a result for each
             example
    copies   the same for such results that are the same for all examples
    outputs  which results a slot is
    sums     whether results are summed over the examples
    checks   the guards that each segment checks, by the slot behind which it does
    """

    def __init__(self, tape: Tape, layout: Layout, options: Options) -> None:
        self.tape = tape
        self.entries = entries = list(tape.entries)
        self.layout = layout
        self.fast = options.fast_math
        self.shape = Shape(LANES[options.dtype] if layout.mapped else 0, NUMBER[options.dtype])
        self.kernel_shape = Shape(self.shape.lanes)  # kernels compute with doubles
        self.sources = sources(layout)
        self.large = is_large(tape, layout)
        self.array_length = max((len(e.operands) for e in entries if is_long(e)), default=0)
        order = [slot for slot, entry in enumerate(entries) if entry.operands]
        if layout.mapped:
            order = side_by_side(entries, order)
        self.segments = list(cut(entries, order))
        self.sums = layout.mapped and layout.reduce is not None
        results = set(tape.outputs) if layout.stacked else set()
        self.checks = checks(tape, self.segments, self.large)
        self.places = places(tape, self.segments, self.sources, results, self.checks)
        self.copies = {
            slot: place for place, slot in enumerate(sorted(results - self.places.keys()), len(self.places))
        }
        self.outputs: dict[int, list[int]] = {}
        for k, slot in enumerate(tape.outputs):
            self.outputs.setdefault(slot, []).append(k)

    @cached_property
    def memory(self) -> Memory:
        sums = len(self.tape.outputs) if self.sums else 0
        slots = len(self.places) + len(self.copies)
        outputs: Sequence[int] = range(sums)
        if self.layout.stacked:
            outputs = [(self.places | self.copies)[slot] for slot in self.tape.outputs]
        room = LARGE_ROOM if self.large else ROOM
        return Memory(self.shape, slots, sums, self.array_length, outputs, room, by_group=True)


def is_large(tape: Tape, layout: Layout) -> bool:
    """Whether machine code would take too long to be optimised as a whole."""
    return sum(map(len, tape.entries.operands())) > (LARGE_MAPPED if layout.mapped else LARGE)


def is_long(entry: Entry) -> bool:
    return entry.primitive.gradient is not None and len(entry.operands) > LONG


def sources(layout: Layout) -> list[tuple[int, int, bool]]:
    return [(k, j, block.batched) for k, block in enumerate(layout.blocks) for j in range(block.size)]


def cut(entries: Sequence[Entry], order: Sequence[int]) -> Iterator[list[int]]:
    """Operations in groups of bounded weight, at least one group."""
    group: list[int] = []
    weight = 0
    for slot in order:
        count = len(entries[slot].operands)
        if weight + count > SEGMENT and group:
            yield group
            group, weight = [], 0
        group.append(slot)
        weight += count
    yield group


def side_by_side(entries: Sequence[Entry], slots: Sequence[int]) -> list[int]:
    """The operations, each row that has much in common with another one right behind that one."""
    partners = {
        entries[slot].operands: slot for slot in slots if entries[slot].primitive.key in TOGETHER.values()
    }
    order: list[int] = []
    moved: set[int] = set()
    for slot in slots:
        entry = entries[slot]
        if slot not in moved:
            order.append(slot)
        partner = partners.get(entry.operands, 0)
        if partner > slot and TOGETHER.get(entry.primitive.key) == entries[partner].primitive.key:
            order.append(partner)
            moved.add(partner)
    return order


def checks(tape: Tape, segments: Sequence[Sequence[int]], large: bool) -> Checks:
    """Each guard as early as it can be known, but not before those that were asked first; in a large tape at
    the end of a segment, which is then one block, where fast translation keeps more in registers."""
    home = {slot: k for k, group in enumerate(segments) for slot in group}
    found: Checks = {}
    last = BEFORE
    for k, guard in enumerate(tape.guards):
        last = max(last, guard.slot if guard.slot in home else BEFORE)
        segment = home.get(last, 0)
        place = segments[segment][-1] if large else last
        found.setdefault(segment, {}).setdefault(place, []).append(k)
    return found


def places(
    tape: Tape,
    segments: Sequence[Sequence[int]],
    origins: Sequence[tuple[int, int, bool]],
    results: Set[int],
    found: Checks,
) -> dict[int, int]:
    """The place in memory of batched inputs, of slots that are read in another segment, of results."""
    home = {slot: k for k, group in enumerate(segments) for slot in group}
    reads = [(i, k) for slot, k in home.items() for i in tape.entries[slot].operands]
    reads += [(tape.guards[i].slot, k) for k, at in found.items() for group in at.values() for i in group]
    shared = {i for i, k in reads if home.get(i, k) != k}
    shared |= results & home.keys()
    staged = [slot for slot, (_, _, batched) in enumerate(origins) if batched]
    return {slot: place for place, slot in enumerate([*staged, *sorted(shared)])}
