"""A graph as its readers see it: the nodes in order, fresh gradients, a name for every node."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from engine.node import Node
from engine.order import dependents, nodes_in_order, stale
from engine.sweep import pull
from engine.text import clean
from engine.value import Value


class Snapshot:
    """The graph below root, with the gradients that `backward()` gives where all were 0.0 before; the
    `grad` of the nodes is neither read nor written. With targets, the gradients are those to the targets
    alone, which get names wherever they are.

    Raises StaleGraphError if a leaf was given new data since the graph was computed.
    """

    def __init__(self, root: Value, targets: Sequence[Node] | None = None) -> None:
        self.order = nodes_in_order(root)
        for node in self.order:
            for parent in node.parents:
                if parent.epoch > node.epoch:
                    raise stale(node, parent)
        asked = self.order if targets is None else targets
        variables = [id(node) for node in asked if not node.is_constant]
        active = dependents(self.order, variables)
        adjoints = pull(self.order, {id(root): 1.0}, active, on_nodes=False)
        # Adding 0.0 is what a leaf does: it turns -0.0 into 0.0.
        self.gradients = {
            id(node): adjoints.get(id(node), 0.0) + 0.0 if node.is_variable else adjoints.get(id(node), 0.0)
            for node in asked
        }
        self.names = names([*self.order, *(targets or ())])


def names(order: Sequence[Node]) -> dict[int, str]:
    """A name for each node, no two alike: its label, or v1, v2, ... Constants have none."""
    named = [(id(node), clean(node.label)) for node in order if node.note is not None and node.label]
    taken = {label for _, label in named}
    found: dict[int, str] = {}
    tallies: dict[str, int] = {}
    for key, label in named:
        if label and key not in found:
            found[key] = label if label not in tallies else free_name(f"{label}_", tallies, taken)
            tallies.setdefault(label, 1)
    free = (name for i in count(1) if (name := f"v{i}") not in taken)
    for node in order:
        if id(node) not in found and not node.is_constant:
            found[id(node)] = next(free)
    return found


def free_name(stem: str, tallies: dict[str, int], taken: set[str]) -> str:
    """The next free name of that stem for leaves that share a label: x_2, x_3, ..."""
    tallies[stem] = tallies.get(stem, 1) + 1
    while f"{stem}{tallies[stem]}" in taken:
        tallies[stem] += 1
    taken.add(f"{stem}{tallies[stem]}")
    return f"{stem}{tallies[stem]}"
