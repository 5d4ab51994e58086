"""Where the first nan or inf came in."""

from __future__ import annotations

from math import isfinite
from typing import Final, NamedTuple

from engine.edges import local_gradient
from engine.node import Node
from engine.order import nodes_in_order
from engine.text import brief, clean
from engine.value import Value

INPUTS: Final = 6  # of the operation that are written out


class Diagnosis(NamedTuple):
    """The first number that is not finite. False if there is none.

    `kind` is "value", "gradient", or "" when all is well; `node` is where it came in, `operand` the
    one whose gradient broke; `number` is the nan or inf.
    """

    kind: str = ""
    node: Node | None = None
    number: float = 0.0
    operand: Node | None = None

    def __bool__(self) -> bool:
        return self.kind != ""

    @property
    def op(self) -> str:
        return self.node.op if self.node is not None else ""

    @property
    def label(self) -> str:
        return self.node.label if self.node is not None else ""

    @property
    def source(self) -> str:
        return self.node.source if self.node is not None else ""

    @property
    def inputs(self) -> tuple[float, ...]:
        return tuple(parent._data for parent in self.node.parents) if self.node is not None else ()

    def __str__(self) -> str:
        if self.node is None:
            return "every value and every gradient is finite"
        inputs = ", ".join(f"{prefix(p)}{p._data!r}" for p in self.node.parents[:INPUTS])
        inputs += ", ..." if len(self.node.parents) > INPUTS else ""
        where = f"{self.op}({inputs})" if self.op else f"the leaf {self.node!r}"
        parts = [f"the first {self.number} among the {self.kind}s comes from {where}"]
        if self.operand is not None:
            parts.append(f"its gradient to {prefix(self.operand) or 'operand = '}{self.operand._data!r}")
        if self.op and self.label:
            parts.append(f"labelled {self.label!r}")
        if self.op:
            parts.append(self.source or "run it under engine.debug() to see the line of source")
        return ", ".join(parts)


def prefix(node: Node) -> str:
    return f"{clean(node.label)} = " if node.label else ""


def diagnose(root: Value) -> Diagnosis:
    """Looks for the first nan or inf: of the values in the order they were computed, then of the
    gradients in the order of the backward sweep. Changes nothing. Raises TypeError for no Value.
    """
    if not isinstance(root, Value):
        raise TypeError(
            f"diagnose looks at a Value and what is below it, got {type(root).__name__} {brief(root)}"
        )
    order = nodes_in_order(root)
    for node in order:
        if not isfinite(node._data):
            return Diagnosis("value", node, node._data)
    variable = {id(node) for node in order if not node.is_constant}
    adjoints = {id(root): 1.0}
    for node in reversed(order):
        if id(node) in adjoints:  # the sweep's own step, stopped at the first sum that is not finite
            for operand, partial in zip(node.parents, local_gradient(node), strict=False):
                if partial is not None and id(operand) in variable:
                    sum_so_far = adjoints.get(id(operand), 0.0) + adjoints[id(node)] * partial
                    if not isfinite(sum_so_far):
                        return Diagnosis("gradient", node, sum_so_far, operand)
                    adjoints[id(operand)] = sum_so_far
    return Diagnosis()
