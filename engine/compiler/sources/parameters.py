"""Parameters and numbers as Python text."""

from __future__ import annotations

import keyword
from collections.abc import Collection

from engine.compiler.tape.names import array_of, stem
from engine.compiler.tape.tape import Tape


def arguments(tape: Tape, own: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """The parameters, and how each input is read: w[3] of a parameter w. One whose name cannot stay, for it
    is no identifier or among our own, is called x0 if it is the first, x1 if it is the second ..."""
    bases = list(map(array_of, tape.inputs))
    x = stem("x", bases)
    parameters = {
        base: base if base.isidentifier() and not keyword.iskeyword(base) and base not in own else f"{x}{i}"
        for i, base in enumerate(dict.fromkeys(bases))
    }
    names = [parameters[base] + name[len(base) :] for base, name in zip(bases, tape.inputs, strict=True)]
    return list(parameters.values()), names


def literal(x: float) -> str:
    """A number that Python reads back to the bit."""
    return repr(x) if x - x == 0.0 else f'float("{x!r}")'
