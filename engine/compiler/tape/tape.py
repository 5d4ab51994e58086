"""The tape: a traced function as a flat list of rows of the table, operands first.

Every backend reads this one data structure; no backend changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, final

from engine.compiler.loops.rolled_tape import SHOWN, Rolled, ends
from engine.compiler.loops.roller import Roller
from engine.compiler.tape.entry import Entry, spelled
from engine.compiler.tape.names import array_of, stem
from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive

__all__ = ["Entry", "Tape", "spelled"]


@final
class Tape:
    """`entries[i]` computes slot i from earlier slots; `outputs` are the slots of the results.

    The first `len(inputs)` entries are the inputs, in the order of the flat arguments, used or not.
    All others stand in the order in which the traced function created them. Outputs may repeat and
    may be inputs or constants.
    """

    def __init__(self, inputs: Sequence[str], entries: Sequence[Entry], outputs: Sequence[int]) -> None:
        self.inputs = tuple(inputs)
        self.entries = list(entries)
        self.outputs = tuple(outputs)

    @cached_property
    def stem(self) -> str:
        """What slots are called, with their numbers: v, if no input is called like one."""
        return stem("v", set(map(array_of, self.inputs)))

    def __reduce__(self) -> Any:
        kinds: dict[Primitive, Any] = {INPUT: "input", CONSTANT: "constant"}
        rows = [(kinds.get(e.primitive, e.primitive), e.operands, e.number) for e in self.entries]
        return unpickled, (self.inputs, rows, self.outputs)

    def __len__(self) -> int:
        return len(self.entries)

    def operations(self) -> Iterator[tuple[int, Entry]]:
        """(slot, entry) of what is neither an input nor a constant."""
        return ((i, e) for i, e in enumerate(self.entries) if e.operands)

    def rolled(self) -> Rolled:
        """The same as loops, which give the same bits."""
        return Roller(self.inputs, self.entries, self.outputs).rolled()

    def regular(self) -> Rolled | None:
        """The same, if loops are few for what they compute; it costs little to learn that they are not."""
        return Roller(self.inputs, self.entries, self.outputs).regular()

    def run(
        self,
        inputs: Sequence[Any],
        apply: Callable[[Primitive, list[Any]], Any],
        constant: Callable[[float], Any] = float,
    ) -> list[Any]:
        """The outputs at inputs of any kind, one line after the other: `apply` is what becomes of a row
        and its operands, `constant` of a number."""
        slots = list(inputs)
        for primitive, operands, number in self.entries[len(slots) :]:
            slots.append(apply(primitive, [slots[i] for i in operands]) if operands else constant(number))
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
        names = [self.name(i) for i in entry.operands]
        return f"{self.stem}{slot} = {spelled(entry.primitive, names, lambda p: p.python)}"

    def __str__(self) -> str:
        """One line for each operation; of a long tape the loops, or if there are none, its ends."""
        slots = [i for i, _ in self.operations()]
        rolled = self.regular() if len(slots) > SHOWN else None
        if rolled is not None:
            return str(rolled)
        head = f"({', '.join(self.inputs[:SHOWN])}{', ...' if len(self.inputs) > SHOWN else ''}) ->"
        lines = ends(slots, self.line)
        results = ", ".join(self.name(i) for i in self.outputs[:SHOWN])
        return "\n".join([head, *(f"    {line}" for line in lines), f"    return {results}"])

    def __repr__(self) -> str:
        return (
            f"<tape of {len(self.entries)} entries, {len(self.inputs)} inputs, {len(self.outputs)} outputs>"
        )


def unpickled(inputs: Sequence[str], rows: Sequence[Any], outputs: Sequence[int]) -> Tape:
    """INPUT and CONSTANT are known by identity: a pickle has words for them."""
    kinds: dict[Any, Primitive] = {"input": INPUT, "constant": CONSTANT}
    return Tape(
        inputs, [Entry(kinds.get(kind, kind), slots, number) for kind, slots, number in rows], outputs
    )
