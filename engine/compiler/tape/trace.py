"""From a Python function to a tape: it is called with symbols, and what they recorded is laid flat."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, Final

from engine.compiler.errors import Enclosed, TracingError
from engine.compiler.tape.symbol import Symbol, applied
from engine.compiler.tape.tape import Entry, Tape
from engine.modes import LOCK, STATE, recording
from engine.node import CONSTANT, INPUT, Node
from engine.primitive import as_float
from engine.value import Value, constant

LIMIT: Final = 5_000_000  # symbols of one trace: 3 GB


@contextmanager
def collector_paused() -> Iterator[None]:
    """A graph has no cycles: looking for them takes a third of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def trace(f: Callable[[list[Any]], Iterable[Any]], names: Sequence[str]) -> Tape:
    """The tape of f, from one flat list of numbers to another, with every node as f recorded it."""
    with LOCK:
        STATE.epoch += 1  # tells values that f makes from values that it found
        began = STATE.epoch
    inputs = [Symbol(INPUT) for _ in names]
    with recording(), collector_paused():
        results = [x if isinstance(x, Node) else constant(result(x)) for x in f(inputs)]
        return flat(names, inputs, results, began)


def result(x: object) -> float:
    """A result that is a plain number. Raises TypeError for a string or None."""
    try:
        return as_float(x)
    except TypeError as error:
        raise TypeError(
            f"a compiled function returns numbers, or arrays and containers of them; {error}"
        ) from None


def flat(names: Sequence[str], inputs: list[Any], results: Sequence[Node], began: int) -> Tape:
    """The graph below the results as a tape, in the order of creation."""
    symbols, values = gathered(results)
    if any(v.primitive is INPUT and v.epoch < began for v in leaves(values)):
        raise Enclosed
    places = {id(x): i for i, x in enumerate(inputs)}
    entries = [Entry(INPUT) for _ in inputs]
    for node in values:
        places[id(node)] = len(entries)
        entries.append(Entry(CONSTANT, (), node._data))
    for node in symbols:
        if id(node) not in places:
            if node.primitive is INPUT:
                raise Enclosed
            operands = located(node, places)
            places[id(node)] = len(entries)
            entries.append(Entry(node.primitive, operands))
    return Tape(names, entries, [places[id(node)] for node in results])


def located(node: Node, places: dict[int, int]) -> tuple[int, ...]:
    """The slots of the operands of a node."""
    left, right = node.left, node.right
    if left is not None and isinstance(right, Node):
        return places[id(left)], places[id(right)]
    return tuple([places[id(x)] for x in node.parents])


def gathered(results: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """The symbols at and below the results, in the order of their creation, and the values they meet."""
    seen: set[int] = set()
    symbols: list[Node] = []
    values: list[Node] = []
    stack = list(results)
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, Value):
                values.append(node)
                continue
            symbols.append(node)
            stack.extend(node.parents)
            if len(symbols) > LIMIT:
                raise TracingError(
                    f"the trace has more than {LIMIT:,} operations: compile a smaller piece of the function, "
                    f"for example one example under vmap instead of a loop over a batch"
                )
    symbols.sort(key=attrgetter("epoch"))
    return symbols, values


def leaves(values: Sequence[Node]) -> list[Node]:
    """What captured values were computed from."""
    seen: set[int] = set()
    found: list[Node] = []
    stack = list(values)
    while stack:
        node = stack.pop()
        if id(node) not in seen:
            seen.add(id(node))
            stack.extend(node.parents)
            if not node.parents:
                found.append(node)
    return found


def replay(tape: Tape, inputs: Sequence[Any]) -> list[Any]:
    """The results of a tape at symbols: recorded again, node by node, so that transforms apply to it."""
    return tape.run(inputs, applied, constant)
