"""The graph that a picture shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.edges import local_gradient
from engine.order import nodes_in_order
from engine.primitives import identity
from engine.value import Value


class OrderedGraph(NamedTuple):
    """A graph at one moment. Nodes are known by their places in topological order."""

    nodes: Sequence[Value]
    operands: Sequence[Sequence[int]]
    data: Sequence[float]
    grad: Sequence[float]
    slopes: dict[int, Sequence[float | None]]  # local gradients, of the nodes for which they were kept

    def keep(self, places: Iterable[int]) -> None:
        """Notes the local gradients of these nodes as they are now."""
        for i in places:
            if self.operands[i]:
                self.slopes[i] = local_gradient(self.nodes[i])

    def is_constant(self, i: int) -> bool:
        return self.nodes[i].is_constant


def below(root: Value, links: bool) -> OrderedGraph:
    """The graph of the root. Transforms make links of their arguments, nodes that only stand for
    another; without links, that one stands there itself."""
    order = [node for node in nodes_in_order(root) if isinstance(node, Value)]
    place: dict[int, int] = {}
    nodes: list[Value] = []
    for v in order:
        if not links and v.primitive is identity and v is not root:
            place[id(v)] = place[id(v.left)]
        else:
            place[id(v)] = len(nodes)
            nodes.append(v)
    operands = [[place[id(x)] for x in v.parents] for v in nodes]
    return OrderedGraph(nodes, operands, [v.data for v in nodes], [v.grad for v in nodes], {})
