"""From a Python function to a tape: it is called with symbols, and what they recorded is laid flat."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from engine.compiler.tape.flatten import flattened
from engine.compiler.tape.questions import ASKED, Questions
from engine.compiler.tape.symbol import Symbol, applied
from engine.compiler.tape.tape import Guard, Tape
from engine.modes import LOCK, STATE, collector_paused, recording, sweeping
from engine.node import INPUT, Node
from engine.primitive import as_float
from engine.source import user_line
from engine.value import constant

LIMIT: Final = 5_000_000  # symbols of one trace: 3 GB


def trace(
    f: Callable[[list[Any]], Iterable[Any]], names: Sequence[str], questions: Questions | None = None
) -> Tape:
    """The tape of f, from one flat list of numbers to another, with every node as f recorded it.

    Raises TracingError if f asks a number for its value and there is nobody to answer.
    """
    line = user_line()
    with LOCK:
        STATE.traces += 1
        STATE.epoch += 1  # tells values that f makes from values that it found
        began = STATE.epoch
    inputs = [Symbol(INPUT) for _ in names]
    token = ASKED.set(questions)
    if questions is not None:
        questions.begin(inputs)
    try:
        with recording(), collector_paused():
            results = [x if isinstance(x, Node) else constant(result(x)) for x in f(inputs)]
            asked = [] if questions is None else questions.asked
            with sweeping():
                nodes = [*results, *(question.condition for question in asked)]
                entries, slots = flattened(inputs, nodes, began, LIMIT)
            outputs, conditions = slots[: len(results)], slots[len(results) :]
            del results, nodes  # before the collector is on again, and walks through the graph
        guards = [Guard(slot, q.answer, q.line) for slot, q in zip(conditions, asked, strict=True)]
        return Tape(names, entries, outputs, guards)
    finally:
        ASKED.reset(token)
        for x in inputs:  # f may have kept them
            x.end(line)
        with LOCK:
            STATE.traces -= 1


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
