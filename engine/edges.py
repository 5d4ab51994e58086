"""Edges: the local derivative of a node to an operand, and whether anything passes there."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Any, final

from engine.modes import no_grad
from engine.node import CONSTANT, Node
from engine.order import stale
from engine.primitive import Coefficient


@final
class Edge:
    """From a node to its operand i, by id: the partial derivative, and where something passes (`condition`
    is None, for everywhere, or a symbol that is not 0 there).
    """

    def __init__(self, node: Node, i: int, operand: int, local: Any, condition: Any) -> None:
        self.node = node
        self.i = i
        self.operand = operand
        self.local = local
        self.condition = condition if isinstance(condition, Node) and condition.is_symbol else None

    def passes(self, x: Any) -> Any:
        """What passes of a derivative x, one way or the other."""
        carrier = x if isinstance(x, Node) and x.is_symbol else self.node
        return carrier.through(self.node, self.i, x, self.local, self.condition)


def edges(node: Node, active: Container[int], on_nodes: bool) -> Iterator[Edge]:
    """The edges to the active operands that the node looks at, on floats or on nodes."""
    primitive = node.primitive
    parents = node.parents
    for parent in parents:
        # Epochs of Values and of symbols count different things: only like is compared with like.
        if parent.epoch > node.epoch and isinstance(parent, type(node)):
            raise stale(node, parent)
    if primitive.gradient is not None:
        gradient = primitive.gradient(parents) if on_nodes else local_gradient(node)
        for i, (parent, local) in enumerate(zip(parents, gradient, strict=True)):
            if local is not None and id(parent) in active:
                condition = local if primitive.gated else None
                if not is_closed(condition):
                    yield Edge(node, i, id(parent), local, condition)
    else:
        for i, partial in enumerate(primitive.partials):
            if partial is not None and id(parents[i]) in active and not ignores(node, i, active):
                local = partial(*parents) if on_nodes else slope(node, i)
                condition = symbolic_gate(node, i, local, active) if node.is_symbol else None
                if not is_closed(condition):
                    yield Edge(node, i, id(parents[i]), local, condition)


def is_closed(condition: Any) -> bool:
    """Whether nothing passes for sure."""
    return condition is not None and as_number(condition) == 0.0  # a symbol's is nan


def symbolic_gate(node: Node, i: int, local: Any, active: Container[int] = ()) -> Any:
    """What is 0 where a symbol does not look at its operand i; None if it looks at it anyway."""
    gate = node.primitive.structural[i]
    if isinstance(gate, bool):
        return local if gate else None
    return None if is_variable_factor(node, i, active) else gate(*node.parents)


def is_variable_factor(node: Node, i: int, active: Container[int]) -> bool:
    """Whether the gate to operand i is a coefficient that is no constant, here or in a transform around."""
    others = (x for j, x in enumerate(node.parents) if j != i)
    varies = (x.primitive is not CONSTANT or id(x) in active for x in others)
    return isinstance(node.primitive.structural[i], Coefficient) and any(varies)


def ignores(node: Node, i: int, active: Container[int] = ()) -> bool:
    """Whether a node does not look at its operand i, as the column `structural` says: nothing passes there,
    so that an infinite slope beyond is not multiplied by 0. A symbol does not know."""
    gate = node.primitive.structural[i]
    if node.is_symbol:
        return False
    if isinstance(gate, bool):
        return gate and slope(node, i) == 0.0
    if is_variable_factor(node, i, active):
        return False
    return as_number(gate(*[operand._data for operand in node.parents])) == 0.0


def passed(node: Node) -> Sequence[float | None]:
    """The local gradient, None for operands that take none or that the node does not look at."""
    primitive = node.primitive
    if primitive.gradient is not None:
        gradient = local_gradient(node)
        return [None if x == 0.0 else x for x in gradient] if primitive.gated else gradient
    result: list[float | None] = []
    operands = node.parents
    for i in range(len(operands)):
        local: float | None = None
        if primitive.partials[i] is not None and operands[i].primitive is not CONSTANT:
            local = slope(node, i)
            if (local == 0.0 or local != local) and ignores(node, i):  # only then it may: few gates are asked
                local = None
        result.append(local)
    return result


def slope(node: Node, i: int) -> float:
    """The derivative of a node to its i-th operand, to which there is an edge."""
    partial = node.primitive.partials[i]
    assert partial is not None
    operands = node.parents
    try:
        return as_number(partial(*[operand._data for operand in operands]))
    except ArithmeticError:  # Python's floats raise where IEEE 754 has an answer; nodes never do
        with no_grad():
            return as_number(partial(*operands))


def local_gradient(node: Node) -> Sequence[float | None]:
    """The derivative of a node to each operand, as floats; None where no gradient can pass."""
    primitive = node.primitive
    if primitive.gradient is None:  # one partial a time: one that raises does not cost the others
        rows = enumerate(primitive.partials)
        return [None if partial is None else slope(node, i) for i, partial in rows]
    operands = node.parents
    try:
        gradient = primitive.gradient([operand._data for operand in operands])
    except ArithmeticError:
        if primitive.foreign:  # a user's own error, for the user
            raise
        with no_grad():
            gradient = primitive.gradient(operands)
    return [None if derivative is None else as_number(derivative) for derivative in gradient]


def as_number(x: Any) -> float:
    return x._data if isinstance(x, Node) else float(x)
