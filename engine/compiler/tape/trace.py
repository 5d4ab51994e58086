"""From a Python function to a tape: it is called with symbols, and what they recorded is laid flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from engine.compiler.errors import TracingError
from engine.compiler.tape.flatten import flattened
from engine.compiler.tape.symbol import Symbol, applied
from engine.compiler.tape.tape import Tape
from engine.modes import LOCK, STATE, collector_paused, recording, sweeping
from engine.node import INPUT, Node
from engine.primitive import as_float
from engine.source import user_line
from engine.value import constant

LIMIT: Final = 5_000_000  # symbols of one trace: 3 GB


def trace(f: Callable[[list[Any]], Iterable[Any]], names: Sequence[str]) -> Tape:
    """The tape of f, from one flat list of numbers to another, with every node as f recorded it."""
    line = user_line()
    with LOCK:
        STATE.traces += 1
        STATE.epoch += 1  # tells values that f makes from values that it found
        began = STATE.epoch
    inputs = [Symbol(INPUT) for _ in names]
    try:
        with recording(), collector_paused():
            results = [x if isinstance(x, Node) else constant(result(x)) for x in f(inputs)]
            with sweeping():
                entries, outputs = flattened(inputs, results, began, LIMIT)
            del results  # before the collector is on again, and walks through the graph
        return Tape(names, entries, outputs)
    except TypeError as error:
        if "'Symbol'" in str(error) or "not Symbol" in str(error):  # Python's own: range(n), table[n]
            raise no_integer(error) from error
        raise
    finally:
        for x in inputs:  # f may have kept them
            x.end(line)
        with LOCK:
            STATE.traces -= 1


def no_integer(error: TypeError) -> TracingError:
    """The error for a traced number that was to count or to index, with the line."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    line = user_line(None if at is None else at.tb_frame)
    return TracingError(
        f"{error}{f' ({line})' if line else ''}: a traced number is only known when the compiled function "
        f"runs; what counts or indexes has to be a static argument (static_argnums, static_argnames)"
    )


def result(x: object) -> float:
    """A result that is a plain number. Raises TypeError for a string or None."""
    try:
        return as_float(x)
    except TypeError as error:
        raise TypeError(
            f"a compiled function returns numbers, or arrays and containers of them; {error}"
        ) from None


def replay(tape: Tape, inputs: Sequence[Any]) -> list[Any]:
    """The results of a tape at symbols: recorded again, node by node, so that transforms apply to it."""
    return tape.run(inputs, applied, constant)
