"""The tape: a traced function as a flat list of rows of the table, operands first.

Every backend reads this one data structure; no backend changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, final

from engine.node import CONSTANT, INPUT
from engine.primitive import ATOM, Primitive

SHOWN: Final = 200  # lines of a longer tape that are printed: half from its start, half from its end


class Entry(NamedTuple):
    """One line of a tape.

    primitive   a row of the table, or INPUT, or CONSTANT
    operands    the places of its operands on the tape, all of them earlier; an n-ary row has any number
    number      what a constant is; 0.0 for all others
    """

    primitive: Primitive
    operands: tuple[int, ...] = ()
    number: float = 0.0


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

    def __reduce__(self) -> Any:
        kinds: dict[Primitive, Any] = {INPUT: "input", CONSTANT: "constant"}
        rows = [(kinds.get(e.primitive, e.primitive), e.operands, e.number) for e in self.entries]
        return unpickled, (self.inputs, rows, self.outputs)

    def __len__(self) -> int:
        return len(self.entries)

    def operations(self) -> Iterator[tuple[int, Entry]]:
        """(slot, entry) of what is neither an input nor a constant."""
        return ((i, e) for i, e in enumerate(self.entries) if e.operands)

    def evaluate(self, numbers: Sequence[float]) -> list[float]:
        """The outputs at these inputs, by the kernels: the meaning of a tape, one line after the other."""
        slots = list(numbers)
        for primitive, operands, number in self.entries[len(slots) :]:
            slots.append(primitive.evaluate([slots[i] for i in operands]) if operands else number)
        return [slots[i] for i in self.outputs]

    def name(self, slot: int) -> str:
        """How a slot is written: an input by its name, a constant as a number, all else v7."""
        entry = self.entries[slot]
        if entry.primitive is INPUT:
            return self.inputs[slot]
        return repr(entry.number) if entry.primitive is CONSTANT else f"v{slot}"

    def line(self, slot: int) -> str:
        entry = self.entries[slot]
        names = [self.name(i) for i in entry.operands]
        return f"v{slot} = {spelled(entry.primitive, names, lambda p: p.python)}"

    def __str__(self) -> str:
        """One line for each operation; the middle of a long tape is left out."""
        slots = [i for i, _ in self.operations()]
        head = f"({', '.join(self.inputs[:SHOWN])}{', ...' if len(self.inputs) > SHOWN else ''}) ->"
        if len(slots) > SHOWN:
            middle = [f"... {len(slots) - SHOWN} lines ..."]
            lines = [self.line(i) for i in slots[: SHOWN // 2]] + middle
            lines += [self.line(i) for i in slots[-SHOWN // 2 :]]
        else:
            lines = [self.line(i) for i in slots]
        results = ", ".join(self.name(i) for i in self.outputs[:SHOWN])
        return "\n".join([head, *(f"    {line}" for line in lines), f"    return {results}"])

    def __repr__(self) -> str:
        return (
            f"<tape of {len(self.entries)} entries, {len(self.inputs)} inputs, {len(self.outputs)} outputs>"
        )


def spelled(primitive: Primitive, names: Sequence[str], notation: Callable[[Primitive], str]) -> str:
    """A row written down, with these operands in its notation."""
    written = notation(primitive)
    if primitive.gradient is not None:
        half = len(names) // 2
        sides = {"{*}": names, "{left}": names[:half], "{right}": names[half:]}
        for slot, part in sides.items():
            written = written.replace(slot, ", ".join(part))
        return written
    for i, name in enumerate(names):
        tight = name if primitive.precedence == ATOM or name[0] != "-" else f"({name})"
        written = written.replace(f"{{{i}}}", tight)
    return written


def unpickled(inputs: Sequence[str], rows: Sequence[Any], outputs: Sequence[int]) -> Tape:
    """INPUT and CONSTANT are known by identity: a pickle has words for them."""
    kinds: dict[Any, Primitive] = {"input": INPUT, "constant": CONSTANT}
    return Tape(
        inputs, [Entry(kinds.get(kind, kind), slots, number) for kind, slots, number in rows], outputs
    )
