"""The chain rule of a graph as data: paths, local derivatives and what they add up to."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import islice
from math import prod
from typing import Final, NamedTuple

from engine.edges import local_gradient
from engine.modes import recording
from engine.node import Node
from engine.notation import Notation, Text, expression, named
from engine.order import dependents
from engine.snapshot import Snapshot
from engine.value import Value

PATHS: Final = 10  # of one derivative that are written out
FACTORS: Final = 6  # of one path
STEPS: Final = 30  # local steps
TARGETS: Final = 12  # derivatives, if none is asked for
FORMULAS: Final = 1000  # local derivatives of one operation
MANY: Final = 10**15  # from here on paths are not counted any more


class Edge(NamedTuple):
    """The i-th operand of an operation, and the derivative to it."""

    head: Node
    i: int
    slope: float

    @property
    def tail(self) -> Node:
        return self.head.parents[self.i]


Path = list[Edge]


class Sum(NamedTuple):
    """The derivative of the root to one node: the first of all paths to it, and what they add up to."""

    target: Node
    paths: list[Path]
    number: int
    total: float


class Chain:
    """The chain rule for the derivatives of root to some targets."""

    def __init__(self, root: Value, targets: Sequence[Node]) -> None:
        shown = targets[:TARGETS]
        reading = Snapshot(root, shown)
        self.root = root
        self.order = reading.order
        self.names = reading.names
        self.gradients = reading.gradients
        active = dependents(self.order, map(id, shown))
        self.heads = [node for node in self.order if id(node) in active and node.parents]
        self.edges = {id(node): edges(node, active) for node in self.heads}
        self.sums = [self.sum(target) for target in shown]
        self.omitted = len(targets) - len(self.sums)

    def sum(self, target: Node) -> Sum:
        counts = self.counts(target)
        paths = list(islice(self.paths(target, counts), PATHS))
        return Sum(target, paths, counts.get(id(self.root), 0), self.gradients.get(id(target), 0.0))

    def counts(self, target: Node) -> dict[int, int]:
        """How many paths lead from each node down to the target; nodes without one are left out."""
        counts = {id(target): 1}
        for node in self.heads:
            if node is not target:
                ways = sum(counts.get(id(edge.tail), 0) for edge in self.edges.get(id(node), ()))
                if ways:
                    counts[id(node)] = min(ways, MANY)
        return counts

    def paths(self, target: Node, counts: dict[int, int]) -> Iterator[Path]:
        """The paths from the root down to the target, in the order of the operands."""
        path: Path = []
        stack = [iter(self.edges.get(id(self.root), ()))]
        if target is self.root:
            yield path
            return
        while stack:
            edge = next((edge for edge in stack[-1] if id(edge.tail) in counts), None)
            if edge is None:
                stack.pop()
                del path[-1:]
            elif edge.tail is target:
                yield [*path, edge]
            else:
                path.append(edge)
                stack.append(iter(self.edges[id(edge.tail)]))

    def expression(self, notation: Notation) -> str:
        return expression(self.order, self.names, notation)

    def name(self, node: Node, notation: Notation) -> Text:
        return named(node, self.names, notation)

    def formula(self, node: Node, notation: Notation) -> str:
        """An operation, of the names of its operands."""
        operands = notation.written(node.primitive, node.parents)
        return notation.apply(node.primitive, [self.name(operand, notation) for operand in operands]).text

    def formulas(self, node: Node, notation: Notation) -> list[str]:
        """Its local derivatives, of the names of its operands; "" for one that is a mere number, and
        where there are too many."""
        if len(node.parents) > FORMULAS:
            return [""] * len(node.parents)
        known = {id(operand): self.name(operand, notation) for operand in node.parents}
        return [slope_text(derivative, node, known, notation) for derivative in local_formulas(node)]

    def steps(self) -> list[tuple[Node, list[Edge]]]:
        """The operations on the paths that are written out, operands first, with the edges they use."""
        used = {(id(edge.head), edge.i) for s in self.sums for path in s.paths for edge in path}
        heads = {head for head, _ in used}
        return [
            (node, [edge for edge in self.edges[id(node)] if (id(node), edge.i) in used])
            for node in self.heads
            if id(node) in heads
        ]


def edges(node: Node, active: Container[int]) -> list[Edge]:
    """From an operation to its active operands, as far as a gradient can pass to them."""
    slopes = zip(node.parents, local_gradient(node), strict=True)
    return [
        Edge(node, i, slope)
        for i, (parent, slope) in enumerate(slopes)
        if slope is not None and id(parent) in active and not parent.is_constant
    ]


def local_formulas(node: Node) -> Sequence[object]:
    """The local derivatives of an operation as graphs over its operands; numbers for a user's own rule."""
    if node.primitive.foreign:
        return local_gradient(node)
    with recording():
        return node.primitive.local_gradient(node.parents)


def slope_text(derivative: object, node: Node, known: Mapping[int, Text], notation: Notation) -> str:
    """A local derivative of a node; "" for one that is a mere number, or too long."""
    if not isinstance(derivative, Node):
        return ""
    text, _, number = notation.graph(derivative, node.parents, known)
    return text if number is None and len(text) <= notation.limit else ""


def product(path: Path) -> float:
    """As the sweep has it: from the root down."""
    return prod((edge.slope for edge in path), start=1.0)
