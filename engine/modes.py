"""What recording does here and now: `no_grad` and `debug`, per thread and per asyncio task."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from typing import Any, Final


class State:
    """Counters that every operation looks at: plain attributes, because a ContextVar costs 13 ns."""

    def __init__(self) -> None:
        self.modes = 0  # contexts entered and not yet left, anywhere; 0 means nobody needs a look
        self.epoch = 0  # how often any leaf was given new data
        self.foreign = 0  # primitives of users ever made; 0 means no sweep has to look for one
        self.sweep = 0  # marks handed out to sweeps


STATE: Final = State()
LOCK: Final = threading.RLock()  # around counters, marks and adjoints: graphs may share leaves

RECORDING: Final[ContextVar[bool]] = ContextVar("recording", default=True)
DEBUGGING: Final[ContextVar[bool]] = ContextVar("debugging", default=False)


Saved = tuple[bool, Any]  # a setting to return to, and what was saved before it
OUTER: Final[ContextVar[Saved | None]] = ContextVar("outer", default=None)

GENERATOR: Final = 0x20 | 0x80 | 0x200  # flags of functions whose body runs later, after the call


class Mode(ContextDecorator):
    """Sets a context variable inside a `with` block, or inside the function it decorates.

    It has no state of its own, so that threads and tasks may share it.
    """

    def __init__(self, variable: ContextVar[bool], setting: bool) -> None:
        self.variable = variable
        self.setting = setting

    def __call__(self, function: Callable[..., Any]) -> Any:
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & GENERATOR:
            raise TypeError(
                f"{function.__name__} is a generator or a coroutine, whose body runs after the call: "
                f"use a with block inside of it"
            )
        return super().__call__(function)

    def __enter__(self) -> Mode:
        saved: Saved = (self.variable.get(), OUTER.get())
        with LOCK:
            STATE.modes += 1
        try:
            OUTER.set(saved)
            self.variable.set(self.setting)
            return self
        except BaseException:  # Ctrl-C, here: nobody would leave what was not entered
            self.leave(saved)
            raise

    def __exit__(self, *exception: object) -> None:
        saved = OUTER.get()
        assert saved is not None
        self.leave(saved)

    def leave(self, saved: Saved) -> None:
        self.variable.set(saved[0])
        OUTER.set(saved[1])
        with LOCK:
            STATE.modes -= 1


def no_grad() -> Mode:
    """Computes without recording: results are leaves. A context manager and a decorator."""
    return Mode(RECORDING, False)


def recording() -> Mode:
    """Records, also inside `no_grad`: what a transform needs for its own graph."""
    return Mode(RECORDING, True)


def debug() -> Mode:
    """Every node made inside remembers the line of the user's source that made it."""
    return Mode(DEBUGGING, True)


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cyclic garbage collection inside: graphs have no cycles, but looking for them takes a third of the
    time. Somebody who had switched it off finds it off.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
