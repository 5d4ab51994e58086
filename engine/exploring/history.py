"""A training run as the page scrubs through it: the numbers of every node at every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from engine.exploring.document import number, open_edges, slopes
from engine.node import Node
from engine.primitive import as_float
from engine.snapshot import Snapshot
from engine.text import brief
from engine.value import Value

Steps = Sequence[Mapping[str, object]]


def frames(root: Value, history: Steps | None, replayed: bool) -> list[Any]:
    """What the page scrubs through: for each step the numbers of the leaves, from which the page computes all
    others, or, of a graph that only Python can compute, the data and local gradients of all nodes. The
    user's graph stays as it is.

    Raises ValueError for a label that no leaf has, or that several have.
    """
    steps: Steps = getattr(history, "by_label", history) or []
    if not steps:
        return []
    twin = deepcopy(root)
    order = Snapshot(twin).order
    leaves = values_by_label(order)
    found: list[Any] = []
    for step in steps:
        move(leaves, step)
        if replayed:
            found.append([number(node._data) for node in order if node.is_variable])
        else:
            twin.forward()
            found.append(state(order))
    return found


def values_by_label(order: Sequence[Node]) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for node in order:
        if isinstance(node, Value) and node.is_variable:
            found.setdefault(node.label, []).append(node)
    return found


def move(leaves: Mapping[str, list[Value]], step: Mapping[str, object]) -> None:
    """Gives leaves their numbers of a step."""
    for label, data in step.items():
        matches = leaves.get(label, [])
        if len(matches) != 1:
            known = ", ".join(repr(name) for name, found in leaves.items() if len(found) == 1 and name)
            raise ValueError(
                f"history names the leaf {brief(label)}, which {len(matches) or 'no'} leaves are labelled: "
                f"the labels are {known[:200]}"
            )
        matches[0].data = as_float(data)


def state(order: Sequence[Node]) -> dict[str, Any]:
    return {
        "data": [number(node._data) for node in order],
        "local": [[None if s is None else number(s) for s in slopes(node)] for node in order],
        "open": [open_edges(node) for node in order],
    }
