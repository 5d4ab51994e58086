"""A graph in parts, each of which is one box of its picture: a node, a neuron, a layer, or a fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final, Literal, NamedTuple

from engine.drawing.graph import OrderedGraph
from engine.drawing.owners import Level, owners

Fold = Literal["neuron", "layer", "depth"]
LEVELS: Final[tuple[Level, ...]] = ("neuron", "layer")
OPENED: Final = 60  # parts that are shown of one that is opened


class Part(NamedTuple):
    """`name` is the path of a neuron or layer, "" of other nodes folded together, None of a single node."""

    name: str | None
    nodes: Sequence[int]


def parts_of(graph: OrderedGraph, limit: int, fold: Fold | None) -> list[Part]:
    """The parts to show, in topological order, the one with the root last. If even the coarsest are
    more than the limit, those farthest from the root are folded."""
    nodes = range(len(graph.nodes))
    coarsest = [Part(None, [i]) for i in nodes]
    if fold == "depth" or (fold is None and len(nodes) <= limit):
        return nearest(graph, coarsest, limit)
    for level in LEVELS if fold is None else (fold,):
        whose = owners(graph, level)
        for rest in (False, True) if whose else ():
            coarsest = parts_by_owner(graph, nodes, whose, rest) or coarsest
            if len(coarsest) <= limit:
                return coarsest
    return nearest(graph, coarsest, limit)


def parts_by_owner(
    graph: OrderedGraph, nodes: Sequence[int], whose: Mapping[int, str], rest: bool = False
) -> list[Part] | None:
    """Parts by owner; with `rest`, also those who have none, between one layer and the next.

    A model that is applied to its own output would make a circle: then by owner and stage. None if
    that does not help.
    """
    stage = stages(graph, nodes, whose)
    others = {i: ("", stage[i]) for i in nodes[:-1] if i not in whose} if rest else {}
    for staged in (False, True):
        keys = {i: (owner, stage[i] if staged else 0) for i, owner in whose.items()}
        try:
            return in_order(graph, parts_by_key(nodes, keys | others))
        except CycleError:
            continue
    return None


def stages(graph: OrderedGraph, nodes: Sequence[int], whose: Mapping[int, str]) -> dict[int, int]:
    """How often the way to each node changes its owner. A parameter is where it is used first."""
    stage: dict[int, int] = {}
    for i in nodes:
        owner = whose.get(i)
        before = [stage.get(x, 0) + (whose.get(x) != owner) for x in graph.operands[i]]
        stage[i] = max(before, default=0)
    for i in sorted(whose, key=lambda i: -stage[i]):
        for x in graph.operands[i]:
            if not graph.operands[x] and whose.get(x) == whose[i]:
                stage[x] = stage[i]
    return stage


def parts_by_key(nodes: Sequence[int], keys: Mapping[int, tuple[str, int]]) -> list[Part]:
    """Nodes of one key in one part, those that have none alone."""
    found: dict[object, list[int]] = {}
    for i in nodes:
        found.setdefault(keys.get(i, i), []).append(i)
    names = (key[0] if isinstance(key, tuple) else "" for key in found)
    return [
        Part(name if name or len(part) > 1 else None, part)
        for name, part in zip(names, found.values(), strict=True)
    ]


def in_order(graph: OrderedGraph, parts: Sequence[Part]) -> list[Part]:
    """In topological order. Raises CycleError."""
    needs = dict(enumerate(tails(graph, parts, places(parts))))
    return [parts[i] for i in TopologicalSorter(needs).static_order()]


def places(parts: Sequence[Part]) -> dict[int, int]:
    """The part of each node."""
    return {i: place for place, part in enumerate(parts) for i in part.nodes}


def tails(graph: OrderedGraph, parts: Sequence[Part], place: Mapping[int, int]) -> Iterator[set[int]]:
    """For each part the others that it depends on."""
    for here, part in enumerate(parts):
        yield {place.get(x, here) for i in part.nodes for x in graph.operands[i]} - {here}


def outputs(graph: OrderedGraph, place: Mapping[int, int]) -> set[int]:
    """The nodes that other parts use."""
    return {x for i, here in place.items() for x in graph.operands[i] if place.get(x, here) != here}


def nearest(graph: OrderedGraph, parts: list[Part], limit: int) -> list[Part]:
    """The parts nearest to the last one, leaves first, then all the others as one.

    The distance of a part is its longest path, so that nothing that is hidden depends on an
    operation that is shown, and folding makes no circle. Leaves depend on nothing: their shortest counts.
    """
    if len(parts) <= limit:
        return parts
    needs = list(tails(graph, parts, places(parts)))
    distance = [0] * len(parts)
    reached = [False] * len(parts)
    for i in range(len(parts) - 1, -1, -1):
        for j in needs[i]:
            if not reached[j] or (distance[i] >= distance[j]) == bool(needs[j]):
                distance[j] = distance[i] + 1
            reached[j] = True
    kept = set(sorted(range(len(parts)), key=lambda i: (distance[i], -i))[:limit])
    hidden = [i for place, part in enumerate(parts) if place not in kept for i in part.nodes]
    leaves = [parts[i] for i in sorted(kept) if not needs[i]]
    return [*leaves, Part("", hidden), *[parts[i] for i in sorted(kept) if needs[i]]]


def parts_inside(graph: OrderedGraph, part: Part, neurons: Mapping[int, str]) -> list[Part]:
    """A part by itself: what feeds it, by neuron, and then its own nodes, those of a layer by neuron too."""
    feeding = {x for i in part.nodes for x in graph.operands[i]}
    nodes = sorted(feeding.union(part.nodes))
    whose = {i: neurons[i] for i in nodes if neurons.get(i, part.name) != part.name}
    alone = [Part(None, [i]) for i in nodes]
    return nearest(graph, (parts_by_owner(graph, nodes, whose) if whose else None) or alone, OPENED)
