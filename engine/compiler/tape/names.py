"""Names for what is generated, beside those that people gave."""

from __future__ import annotations

from collections.abc import Collection
from string import digits


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
