"""What recording does here and now: `no_grad` and `debug`, per thread and per asyncio task."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar
from typing import Any, Final


class State:
    """Counters that every operation looks at: plain attributes, because a ContextVar costs 13 ns."""

    def __init__(self) -> None:
        self.modes = 0  # contexts entered and not yet left, anywhere; 0 means nobody needs a look
        self.epoch = 0  # how often any leaf was given new data
        self.sweep = 0  # marks handed out to topological orders


STATE: Final = State()
LOCK: Final = threading.RLock()  # around counters, marks and adjoints: graphs may share leaves

RECORDING: Final[ContextVar[bool]] = ContextVar("recording", default=True)
DEBUGGING: Final[ContextVar[bool]] = ContextVar("debugging", default=False)


class Mode(ContextDecorator):
    """Sets a context variable inside a `with` block, or inside the function it decorates."""

    def __init__(self, variable: ContextVar[bool], setting: bool) -> None:
        self.variable = variable
        self.setting = setting
        self.outer: list[bool] = []

    def _recreate_cm(self) -> Mode:
        return Mode(self.variable, self.setting)

    def __enter__(self) -> Mode:
        self.outer.append(self.variable.get())
        self.variable.set(self.setting)
        with LOCK:
            STATE.modes += 1
        return self

    def __exit__(self, *exception: object) -> None:
        with LOCK:
            STATE.modes -= 1
        self.variable.set(self.outer.pop())


def no_grad() -> Mode:
    """Computes without recording: results are leaves. A context manager and a decorator."""
    return Mode(RECORDING, False)


def recording() -> Mode:
    """Records, also inside `no_grad`: what a transform needs for its own graph."""
    return Mode(RECORDING, True)


def debug() -> Mode:
    """Every node made inside remembers the line of the user's source that made it."""
    return Mode(DEBUGGING, True)


