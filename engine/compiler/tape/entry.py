"""What one line of a tape is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.primitive import ATOM, Primitive


class Entry(NamedTuple):
    """One line of a tape.

    primitive   a row of the table, or INPUT, or CONSTANT
    operands    the places of its operands on the tape, all of them earlier; an n-ary row has any number
    number      what a constant is; 0.0 for all others
    """

    primitive: Primitive
    operands: tuple[int, ...] = ()
    number: float = 0.0


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
