"""The chain rule, backwards.

`pull` is backpropagation. On floats it gives numbers; on nodes, the derivative as another graph. What
comes after it is the same on floats alone, fast: `reverse`, the loop behind `backward()`, keeps its
sums on the nodes instead of in a dict, and has the rules of the commonest rows written out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, Final

from engine.edges import edges, local_gradient, passed, slope
from engine.modes import LOCK, STATE, sweeping
from engine.node import CONSTANT, LEAF, Node
from engine.order import Places, stale, topological_order
from engine.primitives.activations import relu
from engine.primitives.arithmetic import add, mul, neg, sub
from engine.primitives.nary import dot
from engine.primitives.nary import sum as total


def pull(order: Sequence[Node], seeds: dict[int, Any], active: Places, on_nodes: bool) -> dict[int, Any]:
    """Reverse sweep: the adjoints of all active nodes by id, from the seeds of some of them."""
    adjoints = dict(seeds)
    waiting = [-active[key] for key in seeds if key in active]  # only what the seeds reach is walked,
    heapify(waiting)  # the last one first
    while waiting:
        node = order[-heappop(waiting)]
        for edge in edges(node, active, on_nodes):
            if edge.operand not in adjoints:
                heappush(waiting, -active[edge.operand])
            accumulate(adjoints, edge.operand, edge.passes(adjoints[id(node)]))
    return adjoints


def accumulate(sums: dict[int, Any], key: int, term: Any) -> None:
    sums[key] = sums[key] + term if key in sums else term


# From here on the same on floats, fast

Gradients = Mapping[int, Sequence[float | None]]  # local ones, by id of the node
NOT_ASKED: Final[Gradients] = {}


def reverse(root: Node, seed: float, finish: Callable[[list[Node]], Any], since: int = 0) -> Any:
    """Backpropagation: leaves seed * d(root)/d(node) in the `adjoint` of each node made since an epoch, added
    to its grad for a variable; returns finish(topological order), called while the lock is still held.

    Raises StaleGraphError if a leaf below has changed since.
    """
    with sweeping():
        order = topological_order([root], (), since)
        foreign = [node for node in order if node.primitive.foreign] if STATE.foreign else []
        if not foreign:
            sweep_back(order, seed, NOT_ASKED)
            return finish(order)
    # A user's rule may do anything, even start another sweep: so it is asked before any adjoint is
    # written, and without the lock.
    asked = {id(node): local_gradient(node) for node in foreign}
    with sweeping():
        order = topological_order([root], (), since)
        sweep_back(order, seed, asked)
        return finish(order)


def sweep_back(order: list[Node], seed: float, asked: Gradients) -> None:
    """`pull` into the adjoints of the nodes, which are cleared. A node has the mark of this sweep once
    something has come to it. `asked` has the local gradients of foreign primitives.
    """
    STATE.sweep += 1
    live = STATE.sweep
    order[-1].adjoint = seed
    order[-1].mark = live
    for node in reversed(order):
        left = node.left
        right = node.right
        adjoint = node.adjoint
        primitive = node.primitive
        if node.mark != live:  # only jumps, such as floor, look at it
            node.adjoint = node._grad if primitive is LEAF else 0.0
        elif left is None:  # n-ary, or a leaf
            if isinstance(right, tuple):
                sweep_back_many(node, right, asked, live)
            elif primitive is LEAF:  # gradients of variables accumulate over backward passes
                node.adjoint = node._grad + adjoint
            elif primitive is CONSTANT:
                node.adjoint = 0.0
        elif left.epoch > node.epoch:
            raise stale(node, left)
        elif isinstance(right, Node):
            if right.epoch > node.epoch:
                raise stale(node, right)
            if primitive is add:
                left.adjoint += adjoint
                right.adjoint += adjoint
            elif primitive is mul:
                left.adjoint += adjoint * right._data
                right.adjoint += adjoint * left._data
            elif primitive is sub:
                left.adjoint += adjoint
                right.adjoint -= adjoint
            elif primitive.irregular:
                sweep_back_many(node, (left, right), asked, live)
                continue
            else:
                if left.primitive is not CONSTANT:
                    left.adjoint += adjoint * slope(node, 0)
                if right.primitive is not CONSTANT:
                    right.adjoint += adjoint * slope(node, 1)
            left.mark = live
            right.mark = live
        elif primitive is neg:
            left.adjoint -= adjoint
            left.mark = live
        elif primitive is relu:
            if not left._data <= 0.0:
                left.adjoint += adjoint
                left.mark = live
        elif primitive.irregular:
            sweep_back_many(node, (left,), asked, live)
        else:
            left.adjoint += adjoint * slope(node, 0)
            left.mark = live


def sweep_back_many(node: Node, operands: tuple[Node, ...], asked: Gradients, live: int) -> None:
    """The step of `sweep_back` at an n-ary node, or at one whose rule may pass nothing on."""
    adjoint = node.adjoint
    primitive = node.primitive
    epoch = node.epoch
    for operand in operands:
        if operand.epoch > epoch:
            raise stale(node, operand)
    if primitive is total:
        for operand in operands:
            operand.adjoint += adjoint
            operand.mark = live
    elif primitive is dot:
        half = len(operands) // 2
        for i in range(half):
            operand = operands[i]
            operand.adjoint += adjoint * operands[half + i]._data
            operand.mark = live
        for i in range(half):
            operand = operands[half + i]
            operand.adjoint += adjoint * operands[i]._data
            operand.mark = live
    else:
        gradient = asked.get(id(node)) or passed(node)
        for operand, derivative in zip(operands, gradient, strict=True):
            if derivative is not None:
                operand.adjoint += adjoint * derivative
                operand.mark = live


def recompute(root: Node) -> None:
    """Brings every node below root up to date with the data of the leaves, or, on error, none."""
    with sweeping():
        order = topological_order([root])
        STATE.epoch += 1
        epoch = STATE.epoch  # what is assigned from here on is newer than what is computed now
    # All numbers first, then all assignments: a kernel of a user may raise half-way, or sweep.
    values: dict[int, float] = {}
    outdated: list[Node] = []
    for node in order:
        parents = node.parents
        if any(parent.epoch > node.epoch or id(parent) in values for parent in parents):
            data = [values.get(id(parent), parent._data) for parent in parents]
            values[id(node)] = node.primitive.evaluate(data)
            outdated.append(node)
    with LOCK:
        for node in outdated:
            node._data = values[id(node)]
            node.epoch = epoch
