"""What the page folds: layers and neurons, what stands around them, labelled sub-expressions, long runs.

Every box is convex: no way leads out of it and in again, so that boxes can be opened in any order and what
is shown never has a circle.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, Final, NamedTuple

from engine.drawing.graph import OrderedGraph
from engine.drawing.owners import owners
from engine.drawing.parts import Part, parts_by_owner
from engine.text import clean

FEW: Final = 8  # nodes around a model that stand alone
SMALL: Final = 20  # nodes of a graph in which no label folds
LEAST: Final = 5  # nodes that a label folds
DEEP: Final = 6  # boxes of labels in each other
MOST: Final = 48  # boxes beside each other
RUNS: Final = 12  # pieces that more of them are cut into


class Branch(NamedTuple):
    """A box and what it opens into: nodes, by their places, and boxes, in topological order."""

    title: str
    size: str  # "" for the number of nodes
    items: Sequence[Item]


Item = int | Branch


def folds(graph: OrderedGraph) -> dict[str, Any]:
    """{"groups": [{"title", "size", "parent"}], "home": the innermost group of each node}; -1 for none."""
    groups: list[dict[str, Any]] = []
    home = [-1] * len(graph.nodes)

    def enter(items: Sequence[Item], parent: int) -> None:
        for item in items:
            if isinstance(item, Branch):
                groups.append({"title": item.title, "size": item.size, "parent": parent})
                enter(item.items, len(groups) - 1)
            else:
                home[item] = parent

    enter(cut(tree(graph)), -1)
    return {"groups": groups, "home": home}


def tree(graph: OrderedGraph) -> list[Item]:
    nodes = range(len(graph.nodes))
    whose = owners(graph, "layer")
    parts = parts_by_owner(graph, nodes, whose, rest=True) if whose else None
    if parts:
        return list(modules(graph, parts, owners(graph, "neuron")))
    return list(labelled(graph)) if len(nodes) > SMALL else list(nodes)


def modules(graph: OrderedGraph, parts: Sequence[Part], neurons: dict[int, str]) -> Iterator[Item]:
    """Layers, and what stands around them if it is much."""
    met: Counter[str] = Counter()
    for part in parts:
        if part.name is None or (part.name == "" and len(part.nodes) <= FEW):
            yield from part.nodes
        elif part.name:
            met[part.name] += 1
            again = f" ({met[part.name]})" if met[part.name] > 1 else ""
            yield layer(graph, part, neurons, titled(part.name) + again)
        else:
            before = any(met.values())
            yield Branch("outcome" if part is parts[-2] else "between" if before else "data", "", part.nodes)


def layer(graph: OrderedGraph, part: Part, neurons: dict[int, str], title: str) -> Branch:
    own = {i: neurons[i] for i in part.nodes if neurons.get(i, part.name) != part.name}
    inner = parts_by_owner(graph, part.nodes, own) if len(set(own.values())) > 1 else None
    if inner is None:
        return Branch(title, "", part.nodes)
    items = [Branch(titled(p.name), f"of {title}", p.nodes) if p.name else p.nodes[0] for p in inner]
    return Branch(title, f"{len(items)} neurons", items)


def titled(path: str) -> str:
    """The last module of a path in words.

    >>> titled("layers.0"), titled("layers.0.neurons.2"), titled("model.encoder")
    ('layer 0', 'neuron 2', 'encoder')
    """
    *_, name, last = ["", *path.split(".")]
    return clean(f"{name.removesuffix('s')} {last}" if last.isdecimal() and name else last)


def labelled(graph: OrderedGraph) -> Iterator[Item]:
    """Nodes, and for each labelled operation what it alone needs: all from which every way to the root
    leads through it."""
    whose = labelled_dominators(graph)
    inside: dict[int, list[int]] = {}
    for i, owner in enumerate(whose):
        inside.setdefault(owner, []).append(i)

    def items(owner: int) -> Iterator[Item]:
        for i in inside[owner]:
            if i in inside:
                yield Branch(clean(graph.nodes[i].label), "", [*items(i), i])
            else:
                yield i

    return items(-1)


def labelled_dominators(graph: OrderedGraph) -> list[int]:
    """For each node the nearest labelled operation, not itself, that every way from it to the root passes
    and that is worth a box; -1 for none."""
    root = len(graph.nodes) - 1
    nearest: list[int] = [-1] * len(graph.nodes)  # dominator
    for i in range(root, -1, -1):
        for x in graph.operands[i]:
            nearest[x] = i if nearest[x] < 0 else common(nearest, nearest[x], i)
    sizes = [1] * len(graph.nodes)
    for i in range(root):
        sizes[nearest[i]] += sizes[i]
    owner, depth = [-1] * len(graph.nodes), [0] * len(graph.nodes)
    for i in range(root - 1, -1, -1):
        above = nearest[i]
        label = graph.nodes[above].label if above != root and depth[above] < DEEP else ""
        boxed = bool(label) and sizes[above] >= LEAST
        owner[i] = above if boxed else owner[above]
        depth[i] = depth[above] + boxed
    return owner


def common(nearest: Sequence[int], a: int, b: int) -> int:
    """The nearest node that dominates both; whoever dominates a node stands behind it."""
    while a != b:
        a, b = (nearest[a], b) if a < b else (a, nearest[b])
    return a


def cut(items: Sequence[Item]) -> list[Item]:
    """The same with long lists cut into runs, which are convex because the order is topological. The
    last item, the root, stays by itself."""
    inner = [item._replace(items=cut(item.items)) if isinstance(item, Branch) else item for item in items]
    if len(inner) <= MOST:
        return inner
    length = ceil((len(inner) - 1) / RUNS)
    runs = [inner[start : start + length] for start in range(0, len(inner) - 1, length)]
    runs[-1] = [item for item in runs[-1] if item is not inner[-1]]
    names = [f"part {k}" for k in range(1, len(runs) + 1)]
    return [
        *(Branch(name, f"of {len(runs)}", cut(run)) for name, run in zip(names, runs, strict=True)),
        inner[-1],
    ]
