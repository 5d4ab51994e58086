"""The graph as a program in JavaScript, so that the page can compute without Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from engine.compiler.errors import Untranslatable
from engine.compiler.sources.javascript import javascript_source
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import trace
from engine.edges import symbolic_gate
from engine.node import Node
from engine.snapshot import Snapshot
from engine.text import clean
from engine.value import Value, constant

STANDING: Final = "const RULES = null;"


def program(root: Value) -> tuple[str, str]:
    """The source of `RULES`, the function from the numbers of the leaves to those of all operations: for
    each its value, and its local derivatives without those that are null.

    It is null for a graph with rules of the user's own, which only Python can run; then the second
    text says so.
    """
    order = Snapshot(root).order
    foreign = sorted({clean(node.op) for node in order if node.primitive.foreign})
    if foreign:
        return (
            STANDING,
            f"The leaves stand still here: only Python knows how to compute {', '.join(foreign)}.",
        )
    try:
        source = javascript_source(tape(order), "rules")
    except Untranslatable as error:
        return STANDING, f"The leaves stand still here: {error}."
    return f"const RULES = (() => {{\n{source}return rules;\n}})();", ""


def tape(order: Sequence[Node]) -> Tape:
    """Leaves in, all operations and their local derivatives out."""
    leaves = [node for node in order if node.is_variable]
    names = [f"x{i}" for i in range(len(leaves))]
    return simplified(trace(lambda xs: list(outputs(order, leaves, xs)), names))


def outputs(order: Sequence[Node], leaves: Sequence[Node], xs: Sequence[Any]) -> Iterator[Any]:
    known = {id(leaf): x for leaf, x in zip(leaves, xs, strict=True)}
    for node in order:
        if node.parents:
            operands = [known[id(parent)] for parent in node.parents]
            known[id(node)] = node.primitive(*operands)
            yield known[id(node)]
            yield from edges(node, known[id(node)], operands)
        elif id(node) not in known:
            known[id(node)] = constant(node._data)


def edges(node: Node, result: Any, operands: Sequence[Any]) -> Iterator[Any]:
    """The local derivatives; of a row that may ignore operands each with its gate, 0 where it does."""
    for i, slope in enumerate(node.primitive.local_gradient(operands)):
        if slope is not None:
            yield slope
            if node.primitive.gated:
                gate = symbolic_gate(result, i, slope) if node.primitive.gradient is None else slope
                yield 1.0 if gate is None else gate
