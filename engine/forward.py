"""Forward mode: a graph as what it is to its inputs, for any number of directions."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, final

from engine.edges import edges, passed
from engine.node import Node
from engine.order import Places, stale


@final
class Linear:
    """What a graph is to its inputs, which come first in `order`: all local derivatives that lead from them
    to others, made once for every direction. A node is known by its place in the order.
    """

    def __init__(self, order: Sequence[Node], active: Places, on_nodes: bool) -> None:
        self.on_nodes = on_nodes
        # The users of each node: place, which operand of theirs it is, and an Edge or the number.
        self.users: list[list[tuple[int, int, Any]]] = [[] for _ in order]
        for place in sorted(active.values()):
            node = order[place]
            found = edges_on_nodes(node, active) if on_nodes else edges_on_floats(node, active)
            for i, (operand, local) in enumerate(found):
                self.users[operand].append((place, i, local))

    def push(self, seeds: Sequence[Any]) -> dict[int, Any]:
        """Forward sweep: the tangents of the nodes that something has come to, from those of the inputs. A
        seed of None is not 0: it is never multiplied.
        """
        tangents = {place: seed for place, seed in enumerate(seeds) if seed is not None}
        terms: dict[int, list[tuple[int, Any]]] = {}
        waiting: list[int] = []
        for place in tangents:
            self.pass_on(place, tangents[place], terms, waiting)
        while waiting:
            place = heappop(waiting)
            tangents[place] = tangent = in_order_of_operands(terms.pop(place))
            self.pass_on(place, tangent, terms, waiting)
        return tangents

    def pass_on(
        self, place: int, x: Any, terms: dict[int, list[tuple[int, Any]]], waiting: list[int]
    ) -> None:
        for user, i, local in self.users[place]:
            term = local.passes(x) if self.on_nodes else local * x
            if user in terms:
                terms[user].append((i, term))
            else:
                terms[user] = [(i, term)]
                heappush(waiting, user)


def in_order_of_operands(terms: list[tuple[int, Any]]) -> Any:
    """The sum, as it would be formed at the node."""
    if len(terms) > 1:
        terms.sort()  # no two have the same place: the terms are never compared
    total = terms[0][1]
    for _, term in terms[1:]:
        total = total + term
    return total


def edges_on_nodes(node: Node, active: Places) -> list[tuple[int, Any]]:
    return [(active[edge.operand], edge) for edge in edges(node, active, on_nodes=True)]


def edges_on_floats(node: Node, active: Places) -> list[tuple[int, Any]]:
    operands = node.parents
    if not any(id(operand) in active for operand in operands):
        return []
    for operand in operands:
        if operand.epoch > node.epoch:
            raise stale(node, operand)
    pairs = zip(operands, passed(node), strict=True)
    return [(active[id(x)], local) for x, local in pairs if local is not None and id(x) in active]
