"""The memory of a mapped program: how much it needs for a block of examples, and where things lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.compiler.llvm.code import Shape

GROUPS: Final = 32  # of lanes, in a block
ROOM: Final = 1_000_000  # bytes of a block: more falls out of the cache


class Memory(NamedTuple):
    """slots    numbers for each example, the batched inputs first
    sums     over the examples: lanes of each
    array    the operands of the longest kernel of a list
    outputs  the slot, or the sum, that each output is
    room     in bytes, for the slots of one block
    by_group  whether the slots of a group of lanes lie together, as straight code reads them, instead of all
              groups of a slot
    """

    shape: Shape
    slots: int
    sums: int
    array: int
    outputs: Sequence[int]
    room: int = ROOM
    by_group: bool = False

    @property
    def groups(self) -> int:
        """Of lanes, in a block."""
        return max(1, min(GROUPS, self.room // (max(self.slots, 1) * self.shape.size)))

    @property
    def stride(self) -> int:
        """Bytes from slot to slot: an odd number of lines, so that they do not fall on one another in the
        cache."""
        return self.shape.size if self.by_group else (self.groups | 1) * self.shape.size

    @property
    def step(self) -> int:
        """Bytes from group to group."""
        return self.slots * self.shape.size if self.by_group else self.shape.size

    @property
    def places(self) -> dict[str, int]:
        """Where each part of it begins."""
        sums = self.slots * max(self.stride, self.groups * self.shape.size)
        totals = sums + self.sums * self.shape.size
        array = totals + -(-self.sums * self.shape.one.size // 64) * 64
        return {"lanes": 0, "sums": sums, "totals": totals, "array": array}

    @property
    def size(self) -> int:
        return self.places["array"] + self.array * Shape(self.shape.lanes).size + 64


def lane_parameters(shape: Shape) -> list[str]:
    """Of all functions that compute a block of examples: `tail` has a bit for each lane of the last group
    that holds one, `fresh` and `final` say that a block begins or ends a chunk."""
    memories = [f"ptr noalias %{name}" for name in ("lanes", "sums", "totals", "array")]
    return ["ptr %in", *memories, "i64 %groups", f"i{shape.lanes or 8} %tail", "i1 %fresh", "i1 %final"]
