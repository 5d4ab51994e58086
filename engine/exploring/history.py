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


def frames(root: Value, history: Sequence[Mapping[str, object]] | None) -> list[dict[str, Any]]:
    """Data and local gradients of all nodes for each step; the user's graph stays as it is.

    Raises ValueError for a label that no leaf has, or that several have.
    """
    if not history:
        return []
    twin = deepcopy(root)
    leaves = values_by_label(twin)
    return [frame(twin, leaves, step) for step in history]


def values_by_label(root: Value) -> dict[str, list[Value]]:
    found: dict[str, list[Value]] = {}
    for node in Snapshot(root).order:
        if isinstance(node, Value) and node.is_variable:
            found.setdefault(node.label, []).append(node)
    return found


def frame(root: Value, leaves: Mapping[str, list[Value]], step: Mapping[str, object]) -> dict[str, Any]:
    for label, data in step.items():
        matches = leaves.get(label, [])
        if len(matches) != 1:
            known = ", ".join(repr(name) for name, found in leaves.items() if len(found) == 1 and name)
            raise ValueError(
                f"history names the leaf {brief(label)}, which {len(matches) or 'no'} leaves are labelled: "
                f"the labels are {known[:200]}"
            )
        matches[0].data = as_float(data)
    root.forward()
    return state(Snapshot(root).order)


def state(order: Sequence[Node]) -> dict[str, Any]:
    return {
        "data": [number(node._data) for node in order],
        "local": [[None if s is None else number(s) for s in slopes(node)] for node in order],
        "open": [open_edges(node) for node in order],
    }
