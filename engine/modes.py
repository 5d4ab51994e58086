"""What recording does here and now: `no_grad` and `debug`, per thread and per asyncio task."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar
from weakref import ref

F = TypeVar("F", bound=Callable[..., Any])


class State:
    """Counters that every operation looks at: plain attributes, because a ContextVar costs 13 ns."""

    def __init__(self) -> None:
        self.modes = 0  # blocks that some context may be in; 0 means nobody needs a look
        self.epoch = 0  # how often any leaf was given new data
        self.foreign = 0  # primitives of users ever made; 0 means no sweep has to look for one
        self.sweep = 0  # marks handed out to sweeps
        self.traces = 0  # traces that run now, in all threads; 0 means every symbol is dead


STATE: Final = State()
LOCK: Final = threading.RLock()  # around counters, marks and adjoints: graphs may share leaves

if hasattr(os, "register_at_fork"):  # the child of a fork gets a lock that nobody holds, and no half sweep
    os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release)


def sweeping() -> Any:
    """The lock, for whoever marks nodes. Raises RuntimeError if this thread is doing that already: only a
    signal handler, or a finaliser, can come in the middle of it."""
    if LOCK._is_owned():  # type: ignore[attr-defined]
        raise RuntimeError(
            "a sweep is running in this very thread, and this one would spoil it: let a signal handler set a "
            "flag, and sweep when the flag is seen"
        )
    return LOCK


class Entry:
    """A block that was entered: what it sets, the Mode that lives as long as it does, the block around it."""

    def __init__(self, setting: bool, block: Mode, outer: Entry | None) -> None:
        self.setting = setting
        self.block = ref(block.pulse)
        self.outer = outer
        self.left = False  # a task that began inside keeps the setting
        self.pulse: set[None] = set()  # lives as long: native classes take no weak references, but sets do

    @property
    def is_lost(self) -> bool:
        """Whether it ended without `__exit__`: a Ctrl-C can come before the first instruction of that."""
        return not self.left and self.block() is None


LEFT: Final[list[ref[set[None]]]] = []  # pulses of blocks that were left: a task may have one for longer


def forget_ended() -> None:
    """Blocks that were left, and that no context has any more, count no more."""
    with LOCK:
        lasting = [pulse for pulse in LEFT if pulse() is not None]
        STATE.modes -= len(LEFT) - len(lasting)
        LEFT[:] = lasting


RECORDING: Final[ContextVar[Entry | None]] = ContextVar("recording", default=None)
DEBUGGING: Final[ContextVar[Entry | None]] = ContextVar("debugging", default=None)
VARIABLES: Final = {"recording": RECORDING, "debugging": DEBUGGING}


def setting(variable: ContextVar[Entry | None], default: bool) -> bool:
    """What the innermost block sets."""
    entry = variable.get()
    while entry is not None and entry.is_lost:
        entry = entry.outer
    return default if entry is None else entry.setting


GENERATOR: Final = 0x20 | 0x80 | 0x200  # flags of functions whose body runs later, after the call


class Mode(ContextDecorator):
    """Sets a context variable inside a `with` block, or inside the function it decorates.

    What it saves stands in the context, so that threads and tasks may share it.
    """

    def __init__(self, name: str, setting: bool) -> None:
        self.name = name
        self.setting = setting
        self.variable = VARIABLES[name]
        self.pulse: set[None] = set()

    def __reduce__(self) -> Any:
        return Mode, (self.name, self.setting)

    def _recreate_cm(self) -> Mode:
        return Mode(self.name, self.setting)

    def __call__(self, function: F) -> F:
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & GENERATOR:
            raise TypeError(
                f"{function.__name__} is a generator or a coroutine, whose body runs after the call: "
                f"use a with block inside of it"
            )
        return super().__call__(function)

    def __enter__(self) -> Mode:
        with LOCK:
            STATE.modes += 1
        self.variable.set(Entry(self.setting, self, self.variable.get()))
        return self

    def __exit__(self, *exception: object) -> None:
        entry = self.variable.get()
        while entry is not None and entry.block() is not self.pulse:
            entry = entry.outer
        if entry is None:  # this is another context: a generator that was closed elsewhere
            with LOCK:
                STATE.modes -= 1
            return
        entry.left = True
        self.variable.set(entry.outer)
        with LOCK:
            LEFT.append(ref(entry.pulse))
        entry = None  # it may have been the last to have it
        forget_ended()


def no_grad() -> Mode:
    """Computes without recording: results are leaves. A context manager and a decorator."""
    return Mode("recording", False)


def recording() -> Mode:
    """Records, also inside `no_grad`: what a transform needs for its own graph."""
    return Mode("recording", True)


def debug() -> Mode:
    """Every node made inside remembers the line of the user's source that made it."""
    return Mode("debugging", True)


@contextmanager
def collector_paused() -> Iterator[None]:
    """No cyclic garbage collection inside: graphs have no cycles, but looking for them takes a third of the
    time. Somebody who had switched it off finds it off.
    """
    enabled = gc.isenabled()
    try:
        gc.disable()
        yield
    finally:
        if enabled:
            gc.enable()
