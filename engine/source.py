"""The line of the user's source that is being executed: the innermost one outside this project."""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType
from typing import Final

ROOT: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOUSE: Final = tuple(os.path.join(ROOT, name, "") for name in ("engine", "nn"))


def user_level() -> int:
    """The stacklevel of a warning that shows the nearest line outside `engine` and `nn`."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HOUSE):
        level, frame = level + 1, frame.f_back
    return level


def user_line(innermost: FrameType | None = None) -> str:
    """'file:line: text' of the nearest frame outside `engine` and `nn`, from the caller's on, or ""."""
    frame: FrameType | None = innermost or sys._getframe()
    while frame is not None and frame.f_code.co_filename.startswith(HOUSE):
        frame = frame.f_back
    if frame is None:
        return ""
    path, line = frame.f_code.co_filename, frame.f_lineno
    return f"{path}:{line}: {linecache.getline(path, line).strip()}"
