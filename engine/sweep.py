"""The chain rule: order, reverse sweep and forward sweep, all the calculus there is.

`pull` is backpropagation. On floats it gives numbers; on nodes, the derivative as another graph. What
comes after `push` is the same on floats alone, fast: `reverse`, the loop behind `backward()`, keeps its
sums on the nodes instead of in a dict, and has the rules of the commonest rows written out.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, Final, final

from engine.errors import StaleGraphError
from engine.modes import LOCK, STATE, no_grad, sweeping
from engine.node import CONSTANT, LEAF, Node
from engine.primitive import Coefficient
from engine.primitives.activations import relu
from engine.primitives.arithmetic import add, mul, neg, sub
from engine.primitives.nary import dot
from engine.primitives.nary import sum as total

Places = dict[int, int]  # where the nodes that depend on some variables stand in their order, by id


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


def accumulate(sums: dict[int, Any], key: int, term: Any) -> None:
    sums[key] = sums[key] + term if key in sums else term


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


def passed(node: Node) -> Sequence[float | None]:
    """The local gradient, None for operands that take none or that the node does not look at."""
    primitive = node.primitive
    if primitive.gradient is not None:
        gradient = local_gradient(node)
        return [None if x == 0.0 else x for x in gradient] if primitive.gated else gradient
    result: list[float | None] = []
    for i, operand in enumerate(node.parents):
        is_edge = primitive.partials[i] is not None and operand.primitive is not CONSTANT
        result.append(slope(node, i) if is_edge and not ignores(node, i) else None)
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


def stale(node: Node, operand: Node) -> StaleGraphError:
    """The error for a node that is older than its operand; names the leaf that was changed."""
    with LOCK:
        below = topological_order([operand])
    leaf = next((leaf for leaf in below if leaf.is_leaf and leaf.epoch > node.epoch), operand)
    return StaleGraphError(
        f"{leaf!r} was given new data after {node.op}(...) had been computed from the old: "
        f"call forward() on the root to recompute the graph, or build it again"
    )


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
