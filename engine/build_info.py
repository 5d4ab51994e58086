"""Which engine runs: one source, compiled by mypyc where a C compiler was at hand, or interpreted."""

from __future__ import annotations

from pathlib import Path
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
    note = Path(__file__).with_name("interpreted.txt")
    return note.read_text(encoding="utf-8").strip() if note.exists() else "it runs from its source tree"
