"""A graph as JSON: everything that the page shows, for whoever wants to show it otherwise."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from engine.drawing.owners import short_path
from engine.edges import local_gradient, passed
from engine.explanation.chain import local_formulas, slope_text
from engine.node import Node
from engine.notation import PLAIN, Text, expression
from engine.rounded import digits_below
from engine.snapshot import Snapshot
from engine.text import clean, symbol
from engine.value import Value

VERSION: Final = 1
ADDRESS: Final = re.compile("(javascript):", re.IGNORECASE)


def to_json(root: Value) -> str:
    """The graph below root as JSON text, with the gradients that a fresh `backward()` gives.

    {"format": "chainrule graph", "version": 1, "expression": text, "nodes": [...]}, where the nodes stand
    in topological order, operands first and the root last. Each of them has

    kind      "leaf", "constant" or "operation"
    name      its label, or v1, v2, ...; no two nodes share one; a constant is called by its number
    label     the label as the user gave it, in one short line
    op        the name of the primitive, "" for a leaf; symbol: what stands in a picture
    parents   the places of the operands in the list, in argument order, repeats kept
    data      its value; gradient: d(root)/d(node), 0 for a constant
    digits    how many decimal digits of the value are right, as `rounding` finds
    local     the local derivative to each operand; null where no gradient can pass
    formula   the operation, with {0}, {1}, ... for its operands
    partials  the same for each local derivative; "" where it is a mere number

    Numbers that JSON does not know are the strings "inf", "-inf" and "nan".
    """
    return dumps(document(root))


def dumps(content: object) -> str:
    """As ASCII, without a `<`, so that it can stand in a script element; no label reads like an address."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return ADDRESS.sub(r"\1\\u003a", text)


def document(root: Value, short: bool = False) -> dict[str, Any]:
    """What `to_json` writes; with short names in place of the paths of parameters."""
    if not isinstance(root, Value):
        raise TypeError(f"a Value is needed, the root of a graph, got {type(root).__name__}")
    reading = Snapshot(root)
    order = reading.order
    called = short_names(order, reading.names) if short else reading.names
    places = {id(node): i for i, node in enumerate(order)}
    spelling = Spelling()
    digits = digits_below(root)
    return {
        "format": "chainrule graph",
        "version": VERSION,
        "expression": expression(order, called, PLAIN),
        "nodes": [
            {
                "kind": kind(node),
                "name": called.get(id(node)) or PLAIN.number(node._data).text,
                "label": clean(node.label),
                "op": clean(node.op),
                "symbol": mark(node) if node.parents else "",
                "parents": [places[id(parent)] for parent in node.parents],
                "data": number(node._data),
                "gradient": number(reading.gradients[id(node)]),
                "digits": round(digits[id(node)], 1),
                "local": [None if slope is None else number(slope) for slope in slopes(node)],
                "gated": node.primitive.gated,
                "open": open_edges(node),
                "formula": spelling.formula(node),
                "partials": spelling.partials(node),
            }
            for node in order
        ],
    }


def short_names(order: Sequence[Node], names: Mapping[int, str]) -> dict[int, str]:
    """The names, those that are paths of parameters abbreviated, wherever no two become one."""
    taken = set(names.values())
    found = dict(names)
    for node in order:
        name = short_path(node.label) if node.note is not None and node.label else ""
        if name and name not in taken:
            found[id(node)] = clean(name)
            taken.add(name)
    return found


def kind(node: Node) -> str:
    if node.parents:
        return "operation"
    return "constant" if node.is_constant else "leaf"


def mark(node: Node) -> str:
    return symbol(node.op, node.primitive.python).replace("**", "^")


def number(x: float) -> float | str:
    return x if math.isfinite(x) else repr(x)


def slopes(node: Node) -> Sequence[float | None]:
    return local_gradient(node) if node.parents else []


def open_edges(node: Node) -> list[bool]:
    """For each operand whether the node looks at it, at these numbers: what it ignores gets nothing, which
    is less than 0 times an infinite slope."""
    if not node.primitive.gated:
        return [True] * len(node.parents)
    return [slope is not None for slope in passed(node)]


def slots(node: Node) -> list[Text]:
    return [Text(f"{{{i}}}") for i in range(len(node.parents))]


class Spelling:
    """Operations and their local derivatives as text; nodes of one pattern are looked at once."""

    def __init__(self) -> None:
        self.formulas: dict[object, str] = {}
        self.known: dict[object, list[str]] = {}

    def formula(self, node: Node) -> str:
        """The operation, with {0}, {1}, ... for its operands."""
        key = node.primitive, len(node.parents)
        if key not in self.formulas:
            self.formulas[key] = PLAIN.apply(node.primitive, slots(node)).text if node.parents else ""
        return self.formulas[key]

    def partials(self, node: Node) -> list[str]:
        """One text for each operand, with {0}, {1}, ... for the operands."""
        key = pattern(node)
        if key not in self.known:
            pairs = zip(node.parents, slots(node), strict=True)
            operands = {id(parent): slot for parent, slot in pairs if not parent.is_constant}
            derivatives = local_formulas(node) if node.parents else []
            self.known[key] = [slope_text(derivative, node, operands, PLAIN) for derivative in derivatives]
        return self.known[key]


def pattern(node: Node) -> tuple[object, ...]:
    """What the formulas of a node depend on: the primitive, its constants, which operands are the same."""
    parents = node.parents
    first: dict[int, int] = {}
    places = [first.setdefault(id(parent), i) for i, parent in enumerate(parents)]
    constants = [repr(parent._data) if parent.is_constant else "" for parent in parents]
    return node.primitive, *places, *constants
