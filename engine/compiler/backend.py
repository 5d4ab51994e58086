"""What a backend is: from a tape to something that runs on arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, Final, NamedTuple, Protocol

from engine.compiler.tape.tape import Tape


class Block(NamedTuple):
    """Consecutive inputs of a tape that arrive as one array: (size,), or (examples, size) if batched."""

    size: int
    batched: bool


class Layout(NamedTuple):
    """How the inputs of a tape arrive, in order, and what becomes of the outputs of many examples.

    reduce   of a mapped function: None to stack the outputs, "sum" or "mean" over the examples, added
             from left to right
    mapped   the tape is one example of many
    """

    blocks: tuple[Block, ...]
    mapped: bool = False
    reduce: str | None = None

    @property
    def stacked(self) -> bool:
        """Whether there are results for each of many examples."""
        return self.mapped and self.reduce is None

    def examples(self, inputs: Sequence[Any]) -> int:
        """How many there are in an array for each block; 0 if nothing is mapped."""
        return next((len(x) for x, block in zip(inputs, self.blocks, strict=True) if block.batched), 0)


class Options(NamedTuple):
    """The options of `jit` that concern the generated code."""

    threads: int = 1
    dtype: str = "float64"
    fast_math: bool = False


class Executable(Protocol):
    """A tape that can run, whatever is behind it; safe to call from several threads.

    inputs   an array for each block of the layout, C-contiguous and of the dtype; they are only read
    outputs  (outputs,), or (examples, outputs) if they are stacked: C-contiguous, of the dtype, allocated by
             the caller, who owns it; it shares no memory with the inputs
    """

    ready: Event  # set when the fast code is there: at once, unless it is made beside the first calls

    def run(self, inputs: Sequence[Any], outputs: Any) -> int:
        """Fills `outputs`. Returns -1, or the first guard of the tape that failed: then the tape is not the
        program of these inputs, and nothing may be read from `outputs`."""

    def fast_path(self, args: Sequence[Any], result: Any, turns: tuple[Any, ...]) -> Function | None:
        """A function from arguments like these to results like `result`, without a detour over arrays; it
        returns NotImplemented for others, and where a guard fails its entry in `turns`. None where there
        is none."""


Function = Callable[..., Any]
Backend = Callable[[Tape, Layout, Options], Executable]
READY: Final = Event()  # of all whose code is there as soon as they are
READY.set()


def computed(
    executable: Executable, inputs: Sequence[Any], shape: tuple[int, ...], dtype: str
) -> tuple[Any, int]:
    """The outputs, in an array of their own, and the first guard that failed, or -1."""
    outputs = sys.modules["numpy"].empty(shape, dtype=dtype)
    return outputs, executable.run(inputs, outputs)


def refused(*args: Any, **keywords: Any) -> Any:
    """The fast path of what has none."""
    return NotImplemented
