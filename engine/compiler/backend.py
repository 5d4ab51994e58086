"""What a backend is: from a tape to something that runs on numbers and on arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from engine.compiler.calls.results import Results
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


class Options(NamedTuple):
    """The options of `jit` that concern the generated code."""

    threads: int = 1
    dtype: str = "float64"
    fast_math: bool = False


class Executable(Protocol):
    """A tape that can run; safe to call from several threads."""

    def numbers(self, *xs: float) -> Sequence[float]:
        """All outputs, from one float for each input."""

    def direct(self, args: Sequence[Any], results: Results) -> Callable[..., Any] | None:
        """The shortest way from arguments of this structure to the results, if there is any: a function that
        returns NotImplemented for arguments that it cannot take."""

    def arrays(self, blocks: Sequence[Any], examples: int) -> Any:
        """All outputs, from an array (C-contiguous, of the dtype) for each block of the layout.

        Returns shape (outputs,), or (examples, outputs) for a mapped function that is not reduced.
        """


Backend = Callable[[Tape, Layout, Options], Executable]
