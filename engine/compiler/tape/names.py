"""Names for what is generated, beside those that people gave, and lines of them in print."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from string import digits
from typing import Final

from engine.notation import BY_NAME, Text
from engine.primitive import Primitive
from engine.primitives.row import SIGN
from engine.text import brief

OMITTED: Final = "... {} lines ..."
SHOWN: Final = 200  # lines of a tape that are printed, half of them from its end; words of a list
FUNCTION: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


def array_of(name: str) -> str:
    """The argument w of an input w[3]."""
    return name.partition("[")[0]


def unused(name: str, taken: Collection[str]) -> str:
    """The name, with as many _ behind it as it takes to differ from all others."""
    while name in taken:
        name += "_"
    return name


def stem(name: str, taken: Collection[str]) -> str:
    """The same for a name that is also numbered: no name in use is it with digits behind."""
    return unused(name, {*taken, *(other.rstrip(digits) for other in taken)})


def spelled(primitive: Primitive, names: Sequence[str]) -> str:
    """A row applied to names and numbers, in its notation."""
    operands = [Text(name, SIGN) if name.startswith("-") else Text(name) for name in names]
    return BY_NAME.apply(primitive, operands).text


def shortened(words: Sequence[str]) -> str:
    """A list without its end if it is long."""
    return ", ".join(words[:SHOWN]) + (", ..." if len(words) > SHOWN else "")


def function_name(name: object, target: str, taken: Collection[str]) -> str:
    """The name, if a function of a target can have it. Raises TypeError or ValueError."""
    if not isinstance(name, str):
        raise TypeError(f"the name of a function is a str, got {type(name).__name__} {brief(name)}")
    if not FUNCTION.fullmatch(name):
        raise ValueError(
            f"a function in {target} is called by a letter and up to 62 letters, digits and _, all ASCII; "
            f"got {name if len(name) <= 40 else name[:37] + '...'!r}"
        )
    if name in taken:
        raise ValueError(f"{target} keeps {name!r} for itself, or the source needs it: choose another name")
    return name
