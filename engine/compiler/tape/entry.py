"""What one line of a tape is."""

from __future__ import annotations

from typing import NamedTuple

from engine.primitive import Primitive


class Entry(NamedTuple):
    """One line of a tape.

    primitive   a row of the table, or INPUT, or CONSTANT
    operands    the places of its operands on the tape, all of them earlier; an n-ary row has any number
    number      what a constant is; 0.0 for all others
    """

    primitive: Primitive
    operands: tuple[int, ...] = ()
    number: float = 0.0
