"""The lines of a tape as columns of whole numbers: 12 bytes a line, where a tuple takes 200."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, final, overload

from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive

NONE: Final = -1  # in place of an operand: there is none
LISTED: Final = -2  # in place of the first operand: there are more than two
CHUNK: Final = 65536  # lines that are packed at a time


class Entry(NamedTuple):
    # One line of a tape: comments, for mypyc leaves a NamedTuple no docstring.

    primitive: Primitive  # a row of the table, or INPUT, or CONSTANT
    operands: tuple[int, ...] = ()  # their places on the tape, all earlier; an n-ary row has any number
    number: float = 0.0  # what a constant is; 0.0 for all others


@final
class Columns:
    """Lines of a tape, to be read as a sequence of entries, or column by column.

    rows     the rows of the table that occur, from INPUT and CONSTANT on
    op       for each line the place of its row in `rows`
    left     its first operand, NONE or LISTED
    right    its second operand or NONE; of a constant its place in `numbers`; of listed operands the place
             of their count in `listed`
    numbers  all constants
    listed   operands of longer lines, behind their count
    """

    def __init__(
        self,
        rows: list[Primitive],
        op: array[int],
        left: array[int],
        right: array[int],
        numbers: array[float],
        listed: array[int],
    ) -> None:
        self.rows = rows
        self.op = op
        self.left = left
        self.right = right
        self.numbers = numbers
        self.listed = listed

    def __len__(self) -> int:
        return len(self.op)

    @overload
    def __getitem__(self, slot: int) -> Entry: ...
    @overload
    def __getitem__(self, slot: slice) -> list[Entry]: ...
    def __getitem__(self, slot: int | slice) -> Entry | list[Entry]:
        if isinstance(slot, slice):
            return [self[i] for i in range(*slot.indices(len(self.op)))]
        return self.entry(self.op[slot], self.left[slot], self.right[slot])

    def __iter__(self) -> Iterator[Entry]:
        for op, left, right in zip(self.op, self.left, self.right, strict=True):
            yield self.entry(op, left, right)

    def entry(self, op: int, left: int, right: int) -> Entry:
        """A line as a reader wants it."""
        row = self.rows[op]
        if left >= 0:
            return Entry(row, (left,) if right < 0 else (left, right))
        if left == LISTED:
            return Entry(row, tuple(self.list_at(right)))
        return Entry(row, (), self.numbers[right]) if row is CONSTANT else Entry(row)

    def list_at(self, place: int) -> list[int]:
        """The operands whose count stands at a place of `listed`."""
        start = place + 1
        return self.listed[start : start + self.listed[place]].tolist()

    def primitives(self) -> list[Primitive]:
        """The row of every line."""
        return [self.rows[op] for op in self.op]

    def operands(self) -> list[tuple[int, ...]]:
        """The operands of every line."""
        found: list[tuple[int, ...]] = []
        for left, right in zip(self.left, self.right, strict=True):
            if left >= 0:
                found.append((left,) if right < 0 else (left, right))
            else:
                found.append(tuple(self.list_at(right)) if left == LISTED else ())
        return found

    def run(
        self,
        inputs: Sequence[Any],
        apply: Callable[[Primitive, list[Any]], Any],
        constant: Callable[[float], Any],
    ) -> list[Any]:
        """What `apply` and `constant` make of all lines, behind the inputs."""
        slots = list(inputs)
        start = len(slots)
        for op, left, right in zip(self.op[start:], self.left[start:], self.right[start:], strict=True):
            if left >= 0:
                operands = [slots[left]] if right < 0 else [slots[left], slots[right]]
                slots.append(apply(self.rows[op], operands))
            elif left == LISTED:
                slots.append(apply(self.rows[op], [slots[i] for i in self.list_at(right)]))
            else:
                slots.append(constant(self.numbers[right]))
        return slots

    def __reduce__(self) -> Any:
        columns = (self.op, self.left, self.right, self.numbers, self.listed)
        return unpickled, (self.rows[2:], *columns)


def unpickled(rows: list[Primitive], *columns: Any) -> Columns:
    """INPUT and CONSTANT are known by identity and have no name to be pickled by."""
    return Columns([INPUT, CONSTANT, *rows], *columns)


@final
class Writer:
    """Columns in the making. Appending to a list is cheaper than to an array: so lines are packed in
    chunks."""

    def __init__(self, inputs: int) -> None:
        self.rows: list[Primitive] = [INPUT, CONSTANT]
        self.places: dict[Primitive, int] = {INPUT: 0, CONSTANT: 1}
        self.op: list[int] = []
        self.left: list[int] = []
        self.right: list[int] = []
        self.packed: list[array[int]] = [array("i"), array("i"), array("i")]
        self.numbers: array[float] = array("d")
        self.listed: array[int] = array("i")
        self.count = 0
        for _ in range(inputs):
            self.add(0, NONE, NONE)

    def row(self, primitive: Primitive) -> int:
        """What stands for a row in the column `op`."""
        place = self.places.get(primitive)
        if place is None:
            place = self.places[primitive] = len(self.rows)
            self.rows.append(primitive)
        return place

    def add(self, op: int, left: int, right: int) -> int:
        """The slot of a new line."""
        self.op.append(op)
        self.left.append(left)
        self.right.append(right)
        if len(self.op) == CHUNK:
            self.pack()
        self.count += 1
        return self.count - 1

    def add_constant(self, number: float) -> int:
        self.numbers.append(number)
        return self.add(1, NONE, len(self.numbers) - 1)

    def add_many(self, op: int, operands: Sequence[int]) -> int:
        """The slot of a new line with any number of operands, at least one."""
        if len(operands) <= 2:
            return self.add(op, operands[0], operands[1] if len(operands) == 2 else NONE)
        place = len(self.listed)
        self.listed.append(len(operands))
        self.listed.extend(operands)
        return self.add(op, LISTED, place)

    def pack(self) -> None:
        for packed, column in zip(self.packed, (self.op, self.left, self.right), strict=True):
            packed.fromlist(column)
            column.clear()

    def columns(self) -> Columns:
        """All that was written."""
        self.pack()
        op, left, right = self.packed
        return Columns(self.rows, op, left, right, self.numbers, self.listed)


def columns_of(entries: Sequence[Entry]) -> Columns:
    """Entries, inputs first, as columns."""
    writer = Writer(sum(entry.primitive is INPUT for entry in entries))
    for primitive, operands, number in entries[writer.count :]:
        if operands:
            writer.add_many(writer.row(primitive), operands)
        else:
            writer.add_constant(number)
    return writer.columns()
