"""`explain(root)`: the chain rule of a user's own expression."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.explanation.chain import Chain
from engine.explanation.mathematics import aligned, mathematics
from engine.explanation.terminal import terminal
from engine.node import Node
from engine.order import nodes_in_order
from engine.text import brief
from engine.value import Value


def explain(root: Value, wrt: Value | str | Iterable[Value | str] | None = None) -> Explanation:
    """The derivative of root to `wrt` as the chain rule has it: a sum over all paths, each a product of
    local derivatives.

    `wrt` is a node of the graph, its label, or several of them; by default all labelled leaves, or
    all leaves if none has a label. Raises ValueError for a label that no node has.
    """
    if not isinstance(root, Value):
        raise TypeError(f"explain takes a Value, the root of a graph, got {type(root).__name__}")
    order = nodes_in_order(root)
    if wrt is None:
        leaves = [node for node in order if node.is_variable]
        return Explanation(root, [leaf for leaf in leaves if leaf.label] or leaves)
    asked = [wrt] if isinstance(wrt, (Value, str)) else list(wrt)
    return Explanation(root, [node_named(target, order) for target in asked])


def node_named(target: Value | str, order: Sequence[Node]) -> Node:
    """The node that is asked for, by itself or by its label."""
    if isinstance(target, Value):
        return target
    if not isinstance(target, str):
        raise TypeError(f"wrt is a Value or a label, or several of them, got {type(target).__name__}")
    for node in order:
        if node.label == target:
            return node
    labels = ", ".join(repr(node.label) for node in order if node.label)
    raise ValueError(f"no node is labelled {brief(target, 60)}: the labels are {labels[:200] or 'all empty'}")


class Explanation:
    """What `explain` found. `str()` is for a terminal; a notebook shows it as mathematics."""

    def __init__(self, root: Value, targets: Sequence[Node]) -> None:
        self.chain = Chain(root, targets)
        self.targets = targets

    def __reduce__(self) -> Any:
        # The chain knows nodes by their ids, which a copy has not: it is made anew.
        places = {id(node): i for i, node in enumerate(self.chain.order)}
        return explained, (self.chain.root, [places.get(id(target), target) for target in self.targets])

    def __str__(self) -> str:
        return "\n".join(terminal(self.chain))

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {aligned(mathematics(self.chain))}$"

    def _repr_markdown_(self) -> str:
        return f"$$\n{aligned(mathematics(self.chain))}\n$$"

    def __repr__(self) -> str:
        shown = ", ".join(f"{s.total!r}" for s in self.chain.sums[:3])
        more = ", ..." if len(self.chain.sums) > 3 else ""
        return f"<Explanation: derivatives {shown}{more}>"


def explained(root: Value, targets: Sequence[int | Node]) -> Explanation:
    """An explanation out of its pickle: targets by their places in the graph."""
    order = nodes_in_order(root)
    return Explanation(root, [order[target] if isinstance(target, int) else target for target in targets])
