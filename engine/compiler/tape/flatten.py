"""A graph laid flat: its nodes as lines of a tape, in the order in which they were made.

The marks that sweeps leave on nodes serve here as well: positive ones say what was met, as in a sweep;
then -1, -2 ... say that a node is slot 0, 1 ..., and no sweep takes a negative mark for its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from engine.compiler.errors import Enclosed, TracingError
from engine.compiler.tape.columns import NONE, Columns, Writer
from engine.compiler.tape.symbol import ENDED, dead
from engine.modes import STATE
from engine.node import INPUT, Node
from engine.primitive import Primitive
from engine.value import Value

SPARSE: Final = 4  # stamps a symbol, from where on symbols are sorted rather than put in buckets


def flattened(
    inputs: Sequence[Node], results: Sequence[Node], began: int, limit: int
) -> tuple[Columns, list[int]]:
    """The graph below the results, and their slots. Hold LOCK.

    Raises TracingError above `limit` symbols and for those of a trace that is over; Enclosed where it meets
    the inputs of another trace that runs, or those of a transform that runs since before the epoch `began`.
    """
    symbols, values = gathered(inputs, results, limit)
    refuse_enclosing(values, began)
    writer = Writer(len(inputs))
    for i in range(len(inputs)):
        inputs[i].mark = -1 - i
    for value in values:
        value.mark = -1 - writer.add_constant(value._data)
    previous: Primitive = INPUT
    op = 0
    for node in in_order(symbols):
        if node is None:
            continue
        if node.primitive is not previous:
            previous = node.primitive
            op = writer.row(previous)
        left = node.left
        right = node.right
        if left is not None:
            second = -1 - right.mark if isinstance(right, Node) else NONE
            node.mark = -1 - writer.add(op, -1 - left.mark, second)
        else:
            assert isinstance(right, tuple)
            node.mark = -1 - writer.add_many(op, [-1 - x.mark for x in right])
    return writer.columns(), [-1 - x.mark for x in results]


def gathered(inputs: Sequence[Node], results: Sequence[Node], limit: int) -> tuple[list[Node], list[Value]]:
    """All symbols at and below the results but the inputs, and the values that they meet; all are marked."""
    STATE.sweep += 1
    seen = STATE.sweep
    for node in inputs:
        node.mark = seen
    symbols: list[Node] = []
    values: list[Value] = []
    stack: list[Node] = list(results)
    while stack:
        node = stack.pop()
        if node.mark == seen:
            continue
        node.mark = seen
        if isinstance(node, Value):
            values.append(node)
            continue
        symbols.append(node)
        left = node.left
        right = node.right
        if left is not None:
            if left.mark != seen:
                stack.append(left)
            if isinstance(right, Node) and right.mark != seen:
                stack.append(right)
        elif isinstance(right, tuple):
            stack.extend(right)
        else:
            raise dead(node) if node.primitive is ENDED else Enclosed
        if len(symbols) > limit:
            raise TracingError(
                f"the trace has more than {limit:,} operations: compile a smaller piece of the function, "
                f"for example one example under vmap instead of a loop over a batch"
            )
    return symbols, values


def refuse_enclosing(values: Sequence[Value], began: int) -> None:
    """Raises Enclosed if a captured value was computed from the inputs of a transform that still runs."""
    seen = STATE.sweep
    stack: list[Node] = list(values)
    while stack:
        node = stack.pop()
        if node.primitive is INPUT and node.epoch < began:
            raise Enclosed
        for parent in node.parents:
            if parent.mark != seen:
                parent.mark = seen
                stack.append(parent)


def in_order(symbols: list[Node]) -> Sequence[Node | None]:
    """Symbols in the order of their creation, by buckets: None is a stamp that a symbol elsewhere has."""
    if not symbols:
        return symbols
    low = high = symbols[0].epoch
    for node in symbols:
        epoch = node.epoch
        if epoch < low:
            low = epoch
        elif epoch > high:
            high = epoch
    if high - low >= SPARSE * len(symbols):
        return sorted(symbols, key=attrgetter("epoch"))
    buckets: list[Node | None] = [None] * (high - low + 1)
    for node in symbols:
        buckets[node.epoch - low] = node
    return buckets
