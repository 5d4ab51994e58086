"""Which engine runs: one source, compiled by mypyc where a C compiler was at hand, or interpreted."""

from __future__ import annotations

import os
from typing import Final

from engine import primitive

__version__ = "0.1.0"

# Extensions are compiled as one group, so that any hot module speaks for all of them.
compiled: Final[bool] = not (primitive.__file__ or "").endswith(".py")


def describe() -> str:
    """Version and build in one line, with the reason why if the engine is interpreted."""
    return f"chainrule {__version__}, " + ("compiled" if compiled else f"interpreted ({_reason()})")


def _reason() -> str:
    """What the build hook wrote into the wheel; a source tree is never compiled."""
    note = os.path.join(os.path.dirname(__file__), "interpreted.txt")  # pathlib takes 6 ms to import
    if not os.path.exists(note):
        return "it runs from its source tree"
    with open(note, encoding="utf-8") as file:
        return file.read().strip()
