"""Order, reverse sweep, forward sweep: all the calculus there is.

`reverse` is backpropagation on floats, the loop behind `backward()`. `pull` and `push` are the chain
rule for floats or nodes alike: on nodes they build the derivative as another graph.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import Any, Final

from engine.errors import StaleGraphError
from engine.modes import LOCK, STATE, no_grad
from engine.node import CONSTANT, LEAF, Node
from engine.primitives.activations import relu
from engine.primitives.arithmetic import add, mul, neg, sub
from engine.primitives.nary import dot
from engine.primitives.nary import sum as total

MINUS_ZERO: Final = -0.0  # the one number that changes nothing it is added to, not even -0.0


def topological_order(roots: Sequence[Node], boundary: Iterable[Node] = ()) -> list[Node]:
    """The roots and every node below them, operands first; nothing below `boundary`. Hold LOCK.

    Also clears the adjoints, while each node is at hand.
    """
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
            if left is not None and left.mark != placed:
                waiting.append(node)
                node = left
            elif isinstance(right, Node) and right.mark != placed:
                waiting.append(node)
                node = right
            elif isinstance(right, tuple) and (missing := [x for x in right if x.mark != placed]):
                waiting.append(node)
                waiting.extend(reversed(missing))
                node = waiting.pop()
            else:
                node.mark = placed
                node.adjoint = MINUS_ZERO
                order.append(node)
                break
    return order


def reverse(root: Node, seed: float, finish: Callable[[list[Node]], Any]) -> Any:
    """Backpropagation: leaves seed * d(root)/d(node) in the `adjoint` of each node, added to its
    grad for a variable; returns finish(topological order), called while the lock is still held.

    Raises StaleGraphError if a leaf below has changed since.
    """
    given: dict[int, Sequence[Any]] | None = None
    while True:
        with LOCK:
            order = topological_order([root])
            if sweep_back(order if given is None else cleared(order), seed, given):
                return finish(order)
        # A user's rule may run anything, also another sweep: it is asked before any adjoint is
        # written, and without the lock.
        given = {id(node): local_gradient(node) for node in order if node.primitive.foreign}


def sweep_back(order: list[Node], seed: float, given: dict[int, Sequence[Any]] | None) -> bool:
    """The reverse sweep over nodes whose adjoints are cleared; `given` holds the local gradients of
    foreign primitives. False, without an answer, if it meets an irregular primitive and has None.
    """
    order[-1].adjoint = seed
    for node in reversed(order):
        left = node.left
        right = node.right
        adjoint = node.adjoint
        primitive = node.primitive
        if left is None:
            if isinstance(right, tuple):
                if primitive.irregular and given is None:
                    return False
                sweep_back_many(node, right, given)
            elif primitive is LEAF:
                node.adjoint = node._grad + adjoint
            elif primitive is CONSTANT:
                node.adjoint = 0.0
            continue
        if left.epoch > node.epoch:
            raise stale(node, left)
        if isinstance(right, Node):
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
                if given is None:
                    return False
                sweep_back_many(node, (left, right), given)
            else:
                if left.primitive is not CONSTANT:
                    left.adjoint += adjoint * slope(node, 0)
                if right.primitive is not CONSTANT:
                    right.adjoint += adjoint * slope(node, 1)
        elif primitive is neg:
            left.adjoint -= adjoint
        elif primitive is relu:
            left.adjoint += adjoint * 0.0 if left._data <= 0.0 else adjoint
        elif primitive.irregular:
            if given is None:
                return False
            sweep_back_many(node, (left,), given)
        else:
            left.adjoint += adjoint * slope(node, 0)
    return True


def sweep_back_many(node: Node, operands: tuple[Node, ...], given: dict[int, Sequence[Any]] | None) -> None:
    """The step of `sweep_back` at a node with a tuple of operands."""
    adjoint = node.adjoint
    epoch = node.epoch
    for operand in operands:
        if operand.epoch > epoch:
            raise stale(node, operand)
    if node.primitive is total:
        for operand in operands:
            operand.adjoint += adjoint
    elif node.primitive is dot:
        half = len(operands) // 2
        for i in range(half):
            operands[i].adjoint += adjoint * operands[half + i]._data
        for i in range(half):
            operands[half + i].adjoint += adjoint * operands[i]._data
    else:
        gradient = local_gradient(node) if given is None else given.get(id(node)) or local_gradient(node)
        for operand, derivative in zip(operands, gradient, strict=True):
            if derivative is not None:
                operand.adjoint += adjoint * derivative


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
    if primitive.gradient is None:
        rows = enumerate(primitive.partials)
        return [None if partial is None else slope(node, i) for i, partial in rows]
    operands = node.parents
    try:
        gradient = primitive.gradient([operand._data for operand in operands])
    except ArithmeticError:
        if primitive.foreign:
            raise
        with no_grad():
            gradient = primitive.gradient(operands)
    return [None if derivative is None else as_number(derivative) for derivative in gradient]


def as_number(x: Any) -> float:
    return x._data if isinstance(x, Node) else float(x)


def cleared(order: list[Node]) -> list[Node]:
    """The nodes that a gradient can reach, with adjoints to add to. The others, at which only jumps
    such as floor look, have nothing to wait for: a variable keeps its grad."""
    for node in order:
        node.adjoint = node._grad if node.primitive is LEAF else 0.0
    live = reached(order)
    for node in live:
        node.adjoint = MINUS_ZERO
    return live


def reached(order: list[Node]) -> list[Node]:
    """The nodes that a gradient can reach."""
    alive = {id(order[-1])}
    for node in reversed(order):
        if id(node) in alive:
            partials = node.primitive.partials
            parents = enumerate(node.parents)
            alive.update(id(p) for i, p in parents if not partials or partials[i] is not None)
    return [node for node in order if id(node) in alive]


def stale(node: Node, operand: Node) -> StaleGraphError:
    """The error for a node that is older than its operand; names the leaf that was changed."""
    with LOCK:
        below = topological_order([operand])
    leaf = next((leaf for leaf in below if not leaf.parents and leaf.epoch > node.epoch), operand)
    return StaleGraphError(
        f"{leaf!r} was given new data after {node.op}(...) had been computed from the old: "
        f"call forward() on the root to recompute the graph, or build it again"
    )


def recompute(root: Node) -> None:
    """Brings every node below root up to date with the data of the leaves, or, on error, none."""
    with LOCK:
        values: dict[int, float] = {}
        outdated: list[Node] = []
        for node in topological_order([root]):
            parents = node.parents
            if any(parent.epoch > node.epoch or id(parent) in values for parent in parents):
                data = [values.get(id(parent), parent._data) for parent in parents]
                values[id(node)] = node.primitive.evaluate(data)
                outdated.append(node)
        STATE.epoch += 1
        for node in outdated:
            node._data = values[id(node)]
            node.epoch = STATE.epoch


def times(x: Any, y: Any) -> Any:
    """x * y, without a node for a factor of one: exact, and it keeps derivative graphs short."""
    if isinstance(x, float) and x == 1.0:
        return y
    if isinstance(y, float) and y in (1.0, -1.0):
        return x if y == 1.0 else -x
    return x * y


def edges(node: Node, active: Container[int], on_nodes: bool) -> Iterator[tuple[int, Any]]:
    """(id of operand, partial derivative to it) of the active operands, on floats or on nodes."""
    primitive = node.primitive
    parents = node.parents
    for parent in parents:
        if parent.epoch > node.epoch and isinstance(parent, type(node)):
            raise stale(node, parent)
    if primitive.gradient is not None:
        gradient = primitive.gradient(parents) if on_nodes else local_gradient(node)
        for parent, derivative in zip(parents, gradient, strict=True):
            if derivative is not None and id(parent) in active:
                yield id(parent), derivative
    else:
        for i, partial in enumerate(primitive.partials):
            if partial is not None and id(parents[i]) in active:
                yield id(parents[i]), partial(*parents) if on_nodes else slope(node, i)


def dependents(order: Sequence[Node], sources: Iterable[int]) -> set[int]:
    """The ids of the nodes in `order` that depend on the sources."""
    active = set(sources)
    for node in order:
        if any(id(parent) in active for parent in node.parents):
            active.add(id(node))
    return active


def accumulate(sums: dict[int, Any], key: int, term: Any) -> None:
    sums[key] = sums[key] + term if key in sums else term


def pull(order: Sequence[Node], seeds: dict[int, Any], active: set[int], on_nodes: bool) -> dict[int, Any]:
    """Reverse sweep: the adjoints of all active nodes by id, from the seeds of some of them."""
    adjoints = dict(seeds)
    for node in reversed(order):
        if id(node) in adjoints:
            adjoint = adjoints[id(node)]
            for parent, derivative in edges(node, active, on_nodes):
                accumulate(adjoints, parent, times(adjoint, derivative))
    return adjoints


def push(order: Sequence[Node], tangents: dict[int, Any], on_nodes: bool) -> dict[int, Any]:
    """Forward sweep: the tangents of all nodes by id, from those of the inputs."""
    tangents = dict(tangents)
    for node in order:
        if id(node) not in tangents:
            for parent, derivative in edges(node, tangents, on_nodes):
                accumulate(tangents, id(node), times(derivative, tangents[parent]))
    return tangents
