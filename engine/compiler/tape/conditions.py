"""The guards of a tape in words."""

from __future__ import annotations

import os
from typing import Final

from engine.compiler.tape.tape import Guard, Tape
from engine.notation import BY_NAME, Text
from engine.primitives.row import SIGN

DEPTH: Final = 4  # rows inside each other, and
WIDTH: Final = 60  # characters, up to which an operand is written out; beyond, it is the name of its slot
FEW: Final = 6  # operands


def conditions(tape: Tape) -> list[str]:
    """`x > 0.0 (user.py:12)` for each guard, in the order in which they are asked."""
    return [f"{condition(tape, guard)} ({place(guard)})" for guard in tape.guards]


def condition(tape: Tape, guard: Guard) -> str:
    text = written(tape, guard.slot, DEPTH).text
    if not isinstance(guard.answer, bool):
        return f"{text} == {guard.answer}"
    return text if guard.answer else f"not {text}"


def place(guard: Guard) -> str:
    """user.py:12 of the line that asked."""
    return os.path.basename(guard.line.partition(": ")[0])


def written(tape: Tape, slot: int, depth: int) -> Text:
    entry, name = tape.entries[slot], tape.name(slot)
    if entry.operands and depth and len(entry.operands) <= FEW:
        text = BY_NAME.apply(entry.primitive, [written(tape, i, depth - 1) for i in entry.operands])
        if len(text.text) <= WIDTH:
            return text
    return Text(name, SIGN) if name.startswith("-") else Text(name)
