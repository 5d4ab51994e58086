"""The tape: a traced function as a flat list of rows of the table, operands first.

Every backend reads this one data structure; no backend changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from engine.compiler.tape.columns import Columns, Entry
from engine.compiler.tape.names import OMITTED, SHOWN, array_of, shortened, spelled, stem
from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive
from engine.text import folded

__all__ = ["Entry", "Guard", "Tape"]

Answer = bool | int  # whether a number is not 0, or which whole number it is


class Guard(NamedTuple):
    """What the traced function has asked of a slot: the tape is right where the answer is the same."""

    slot: int
    answer: Answer
    line: str

    def holds(self, x: Any) -> Any:
        """The answer for a number, or for an array of them."""
        return (x != 0.0) == self.answer if isinstance(self.answer, bool) else x == self.answer


class Tape:
    """`entries[i]` computes slot i from earlier slots; `outputs` are the slots of what it computes.

    The first `len(inputs)` entries are the inputs, in the order of the flat arguments, used or not.
    All others stand in the order in which the traced function created them. Outputs may repeat and
    may be inputs or constants. `guards` stand in the order of the questions: behind one that fails no
    other counts.
    """

    def __init__(
        self, inputs: Sequence[str], entries: Columns, outputs: Sequence[int], guards: Sequence[Guard] = ()
    ) -> None:
        self.inputs = tuple(inputs)
        self.entries = entries
        self.outputs = tuple(outputs)
        self.guards = tuple(guards)

    @property
    def roots(self) -> tuple[int, ...]:
        """The slots that are asked for: outputs, then guards."""
        return (*self.outputs, *(guard.slot for guard in self.guards))

    def with_guards(self) -> Tape:
        """The same, with what the guards look at as further outputs."""
        return Tape(self.inputs, self.entries, self.roots) if self.guards else self

    def failed(self, numbers: Sequence[float]) -> int:
        """The first guard that does not hold for what is in their slots, or -1."""
        pairs = enumerate(zip(self.guards, numbers, strict=True))
        return next((k for k, (guard, x) in pairs if not guard.holds(x)), -1)

    @cached_property
    def stem(self) -> str:
        """What slots are called, with their numbers: v, if no input is called like one."""
        return stem("v", set(map(array_of, self.inputs)))

    def __len__(self) -> int:
        return len(self.entries)

    def uses(self) -> list[int]:
        """How often each slot is read, by a line, as an output or by a guard."""
        return counted(self.entries.operands(), self.roots)

    def operations(self) -> Iterator[tuple[int, Entry]]:
        """(slot, entry) of what is neither an input nor a constant."""
        return ((i, e) for i, e in enumerate(self.entries) if e.operands)

    def run(
        self,
        inputs: Sequence[Any],
        apply: Callable[[Primitive, list[Any]], Any],
        constant: Callable[[float], Any] = float,
    ) -> list[Any]:
        """The outputs at inputs of any kind, one line after the other: `apply` is what becomes of a row
        and its operands, `constant` of a number."""
        slots = self.entries.run(inputs, apply, constant)
        return [slots[i] for i in self.outputs]

    def evaluate(self, numbers: Sequence[float]) -> list[float]:
        """The outputs at these inputs, by the kernels: the meaning of a tape."""
        return self.run(numbers, Primitive.evaluate)

    def name(self, slot: int) -> str:
        """How a slot is written: an input by its name, a constant as a number, all else v7."""
        entry = self.entries[slot]
        if entry.primitive is INPUT:
            return self.inputs[slot]
        return repr(entry.number) if entry.primitive is CONSTANT else f"{self.stem}{slot}"

    def line(self, slot: int) -> str:
        entry = self.entries[slot]
        return f"{self.stem}{slot} = {spelled(entry.primitive, [self.name(i) for i in entry.operands])}"

    def __str__(self) -> str:
        """One line for each operation; of a long tape its ends."""
        lines = folded([i for i, _ in self.operations()], SHOWN, OMITTED, self.line)
        lines += folded(self.guards, SHOWN, OMITTED, self.assertion)
        results = ", ".join(self.name(i) for i in self.outputs[:SHOWN])
        head = f"({shortened(self.inputs)}) ->"
        return "\n".join([head, *(f"    {line}" for line in lines), f"    return {results}"])

    def assertion(self, guard: Guard) -> str:
        """A guard as a line."""
        name, answer = self.name(guard.slot), guard.answer
        if isinstance(answer, bool):
            return f"assert {name}" if answer else f"assert not {name}"
        return f"assert {name} == {answer}"

    def __repr__(self) -> str:
        return (
            f"<tape of {len(self.entries)} entries, {len(self.inputs)} inputs, {len(self.outputs)} outputs>"
        )


def counted(operands: Sequence[Sequence[int]], outputs: Sequence[int]) -> list[int]:
    """How often each slot is read."""
    uses = [0] * len(operands)
    for slots in (*operands, outputs):
        for i in slots:
            uses[i] += 1
    return uses
