"""Whole graphs, copied and pickled without recursion."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from copy import copy
from typing import Any

from engine.collector import enlist
from engine.modes import LOCK, STATE
from engine.node import CONSTANT, LEAF, Node, Note
from engine.order import nodes_in_order
from engine.primitive import Primitive

Columns = tuple[Any, ...]  # what `columns` returns and `fill` takes


def connect(node: Node, primitive: Primitive, operands: list[Node], many: bool) -> None:
    """Makes node the application of a primitive to operands, in the slots where they belong."""
    node.primitive = primitive
    if many:
        node.right = tuple(operands)
    elif operands:
        node.left = operands[0]
        node.right = operands[1] if len(operands) == 2 else None
    enlist(node, primitive.foreign)


def deep_copy(root: Node, memo: dict[int, Any]) -> Any:
    """`copy.deepcopy` of a graph; what the memo has is shared, and not looked into again."""
    waiting = [root]  # no recursion: a chain may have a million nodes
    while waiting:
        node = waiting.pop()
        parents = node.parents
        if missing := [parent for parent in parents if id(parent) not in memo]:
            waiting += [node, *missing]
        elif id(node) not in memo:
            memo[id(node)] = twin = copy(node)
            connect(twin, node.primitive, [memo[id(p)] for p in parents], node.is_nary)
    return memo[id(root)]


def columns(root: Node) -> Columns:
    """A graph as flat columns: its variables, its primitives, then one entry for each other node."""
    order = nodes_in_order(root)
    leaves = [node for node in order if node.primitive is LEAF]
    nodes = [node for node in order if node.primitive is not LEAF]
    place = {id(node): i for i, node in enumerate(leaves + nodes)}
    primitives = list({id(node.primitive): node.primitive for node in nodes}.values())
    number = {id(primitive): i for i, primitive in enumerate(primitives)}
    return (
        leaves,
        [primitive if primitive.name else None for primitive in primitives],
        array("q", [number[id(node.primitive)] for node in nodes]),
        # -1 for an n-ary node: a list of two operands is not the same as two operands
        array("q", [-1 if node.is_nary else len(node.parents) for node in nodes]),
        [len(node.parents) for node in nodes if node.is_nary],
        array("q", [place[id(parent)] for node in nodes for parent in node.parents]),
        array("d", [node._data for node in nodes]),
        array("d", [node._grad for node in nodes]),
        array("q", [node.epoch for node in nodes]),
        {i: (node.label, node.source) for i, node in enumerate(nodes) if node.note is not None},
    )


def fill(pickled: Columns, blank: Callable[[], Node]) -> Node:
    """The root of the graph that `columns` wrote down, on blank nodes."""
    leaves, primitives, kinds, arities, counts, places, data, grads, epochs, notes = pickled
    nodes: list[Node] = list(leaves)
    operands, many = iter(places), iter(counts)
    for i, arity in enumerate(arities):
        node = blank()
        count = next(many) if arity < 0 else arity
        connect(
            node, primitives[kinds[i]] or CONSTANT, [nodes[next(operands)] for _ in range(count)], arity < 0
        )
        node._data, node._grad, node.epoch = data[i], grads[i], epochs[i]
        node.note = Note(*notes[i]) if i in notes else None
        nodes.append(node)
    with LOCK:
        STATE.epoch = max(STATE.epoch, *epochs)
    return nodes[-1]
