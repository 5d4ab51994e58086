"""Nodes in topological order: operands before what is computed from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from engine.errors import StaleGraphError
from engine.modes import LOCK, STATE, sweeping
from engine.node import CONSTANT, Node

Places = dict[int, int]  # where the nodes that depend on some variables stand in their order, by id
NOWHERE: Final = -1
MINUS_ZERO: Final = -0.0  # the one number that changes nothing it is added to, not even -0.0


def topological_order(roots: Sequence[Node], boundary: Iterable[Node] = (), since: int = 0) -> list[Node]:
    """The roots and every node below them, operands first; nothing below `boundary`, nothing made before
    the epoch `since`. Hold LOCK.

    Also clears the adjoints, while each node is at hand.
    """
    # A list of nodes to come back to instead of recursion: chains of a million nodes are ordinary. Marks are
    # stamps that are never used again, so that nobody has to wipe them off.
    STATE.sweep += 1
    placed = STATE.sweep
    order: list[Node] = []
    for node in boundary:
        node.mark = placed
        order.append(node)
    waiting = list(reversed(roots))
    while waiting:
        node = waiting.pop()
        if node.mark == placed:
            continue
        while True:  # down to a node whose operands are all placed
            left = node.left
            right = node.right
            if left is not None and left.mark != placed and left.epoch >= since:
                waiting.append(node)
                node = left
            elif isinstance(right, Node) and right.mark != placed and right.epoch >= since:
                waiting.append(node)
                node = right
            elif isinstance(right, tuple) and (
                missing := [x for x in right if x.mark != placed and x.epoch >= since]
            ):
                waiting.append(node)
                waiting.extend(reversed(missing))
                node = waiting.pop()
            else:
                node.mark = placed
                node.adjoint = MINUS_ZERO
                order.append(node)
                break
    return order


def nodes_in_order(root: Node, boundary: Iterable[Node] = ()) -> list[Node]:
    """The same below one root, for readers, who do not hold the lock."""
    with sweeping():
        return topological_order([root], boundary)


def sever(order: Sequence[Node]) -> None:
    """What depends on constants alone becomes one, and lets its operands go. Hold LOCK."""
    for node in order:
        left = node.left
        right = node.right
        if left is not None:
            if left.primitive is not CONSTANT:
                continue
            if isinstance(right, Node) and right.primitive is not CONSTANT:
                continue
        elif not isinstance(right, tuple) or any(x.primitive is not CONSTANT for x in right):
            continue
        node.primitive = CONSTANT
        node.left = node.right = None


def dependents(order: Sequence[Node], sources: Iterable[int]) -> Places:
    """The nodes in `order` that depend on the sources, and those."""
    active = dict.fromkeys(sources, NOWHERE)
    for place, node in enumerate(order):
        if id(node) in active:
            active[id(node)] = place
            continue
        for parent in node.parents:
            if id(parent) in active:
                active[id(node)] = place
                break
    return {key: place for key, place in active.items() if place != NOWHERE}


def stale(node: Node, operand: Node) -> StaleGraphError:
    """The error for a node that is older than its operand; names the leaf that was changed."""
    with LOCK:
        below = topological_order([operand])
    leaf = next((leaf for leaf in below if leaf.is_leaf and leaf.epoch > node.epoch), operand)
    return StaleGraphError(
        f"{leaf!r} was given new data after {node.op}(...) had been computed from the old: "
        f"call forward() on the root to recompute the graph, or build it again"
    )
