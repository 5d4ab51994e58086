"""A graph as its readers see it: the nodes in order, fresh gradients, a name for every node."""

from __future__ import annotations

from collections.abc import Sequence

from engine.modes import LOCK
from engine.node import Node
from engine.sweep import pull, stale, topological_order
from engine.text import clean
from engine.value import Value


class Snapshot:
    """The graph below root, with the gradients that `backward()` gives where all were 0.0 before; the
    `grad` of the nodes is neither read nor written. `extra` nodes get names as well.

    Raises StaleGraphError if a leaf was given new data since the graph was computed.
    """

    def __init__(self, root: Value, extra: Sequence[Node] = ()) -> None:
        with LOCK:
            self.order = topological_order([root])
        for node in self.order:
            for parent in node.parents:
                if parent.epoch > node.epoch:
                    raise stale(node, parent)
        active = {id(node) for node in self.order if not node.is_constant}
        adjoints = pull(self.order, {id(root): 1.0}, active, on_nodes=False)
        # Adding 0.0 is what a leaf does: it turns -0.0 into 0.0.
        self.gradients = {
            id(node): adjoints.get(id(node), 0.0) + 0.0 if node.is_variable else adjoints.get(id(node), 0.0)
            for node in self.order
        }
        self.names = names([*self.order, *(node for node in extra if id(node) not in self.gradients)])


def names(order: Sequence[Node]) -> dict[int, str]:
    """A name for each node, no two alike: its label, or v1, v2, ... Constants have none."""
    named = [(id(node), clean(node.label)) for node in order if node.label]
    taken = {label for _, label in named}
    found: dict[int, str] = {}
    tallies: dict[str, int] = {}
    for key, label in named:
        if label:
            found[key] = label if label not in tallies else free_name(f"{label}_", tallies, taken)
            tallies.setdefault(label, 1)
    for node in order:
        if not node.is_constant and id(node) not in found:
            found[id(node)] = free_name("v", tallies, taken)
    return found


def free_name(stem: str, tallies: dict[str, int], taken: set[str]) -> str:
    """The next free name of that stem: v1, v2, ...; x_2, x_3, ... for leaves that share a label."""
    first = 1 if stem == "v" else 2
    tallies[stem] = tallies.get(stem, first - 1) + 1
    while f"{stem}{tallies[stem]}" in taken:
        tallies[stem] += 1
    taken.add(f"{stem}{tallies[stem]}")
    return f"{stem}{tallies[stem]}"
