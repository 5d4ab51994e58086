"""What a picture of a graph shows, before anybody says where: boxes and the arrows between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from engine.drawing.text import clean, number, symbol
from engine.modes import LOCK
from engine.node import CONSTANT, Node
from engine.sweep import local_gradient, topological_order
from engine.value import Value

STEPS: Final = (0.01, 0.1, 0.5)  # shares of the largest gradient at which a colour deepens


class Box(NamedTuple):
    """A node, or all the nodes that were folded away."""

    kind: str  # "leaf", "constant", "operation" or "fold"
    name: str  # the label of a leaf, the symbol of an operation
    label: str  # the label of an operation
    value: str
    gradient: str  # "" where there is none to show
    tone: str
    exact: str  # all digits, for a tooltip


class Arrow(NamedTuple):
    """An operand on its way into an operation; tail and head count boxes."""

    tail: int
    head: int
    local: str  # the local gradient, "" where there is none to show
    flow: float  # what flows back along it: gradient of the head times local gradient
    folded: bool = False


class Picture(NamedTuple):
    """Boxes in topological order, the root last; `scale` is the largest gradient among them."""

    boxes: list[Box]
    arrows: list[Arrow]
    hidden: int
    scale: float

    def tone(self, gradient: float) -> str:
        return tone(gradient, self.scale)


def tone(gradient: float, scale: float) -> str:
    """The colour of a gradient: "zero", "nan", or sign and strength from "n4" over "n1" and "p1" to "p4"."""
    if gradient == 0.0:
        return "zero"
    if math.isnan(gradient):
        return "nan"
    strength = 1 + sum(abs(gradient) >= step * scale for step in STEPS)
    return f"{'p' if gradient > 0.0 else 'n'}{strength}"


def picture(root: Value, max_nodes: int, gradients: bool) -> Picture:
    """The graph below root; beyond max_nodes, what is farther from the root is folded into one box."""
    with LOCK:
        order = [node for node in topological_order([root]) if isinstance(node, Value)]
    shown = order if len(order) <= max_nodes else nearest(order, max_nodes)
    scale = max((abs(v.grad) for v in shown if math.isfinite(v.grad)), default=0.0) if gradients else 0.0
    boxes = [box(v, scale, gradients) for v in shown]
    hidden = len(order) - len(shown)
    if not hidden:
        return Picture(boxes, arrows(shown, len(shown), gradients), hidden, scale)
    # Leaves come first, then the fold: some of them may feed it.
    fold = sum(not v.parents for v in shown)
    boxes.insert(fold, folded(hidden))
    return Picture(boxes, feeding(order, shown, fold) + arrows(shown, fold, gradients), hidden, scale)


def nearest(order: Sequence[Value], limit: int) -> list[Value]:
    """The nodes nearest to the root, leaves first.

    The distance of an operation is its longest path, so that nothing that is hidden depends on an
    operation that is shown, and folding makes no circle. Leaves depend on nothing: their shortest counts.
    """
    place = {id(v): i for i, v in enumerate(order)}
    distance = [-1] * len(order)
    distance[-1] = 0
    for i in range(len(order) - 1, -1, -1):
        step = distance[i] + 1
        for parent in order[i].parents:
            j = place[id(parent)]
            if distance[j] < 0 or (step > distance[j]) == bool(parent.parents):
                distance[j] = step
    kept = sorted(range(len(order)), key=lambda i: (distance[i], -i))[:limit]
    return [order[i] for i in sorted(kept, key=lambda i: (bool(order[i].parents), i))]


def box(v: Value, scale: float, gradients: bool) -> Box:
    operation = bool(v.parents)
    constant = v.primitive is CONSTANT
    label = clean(v.label)
    exact = f"{label or v.op or 'value'}: {v.data!r}"
    shows_gradient = gradients and not constant
    return Box(
        kind="operation" if operation else "constant" if constant else "leaf",
        name=symbol(v.primitive) if operation else label,
        label=label if operation else "",
        value=number(v.data),
        gradient=number(v.grad) if shows_gradient else "",
        tone=tone(v.grad, scale) if shows_gradient else "zero",
        exact=f"{exact}, gradient {v.grad!r}" if shows_gradient else exact,
    )


def folded(hidden: int) -> Box:
    words = f"\N{HORIZONTAL ELLIPSIS} {hidden:,} more {'node' if hidden == 1 else 'nodes'}"
    return Box("fold", words, "", "", "", "zero", f"{hidden:,} nodes farther from the root are folded here")


def feeding(order: Sequence[Value], shown: Sequence[Value], fold: int) -> list[Arrow]:
    """The arrows from leaves that are shown into the fold."""
    place = {id(v): i for i, v in enumerate(shown)}
    hidden = (v for v in order if id(v) not in place)
    tails = {place[id(parent)] for v in hidden for parent in v.parents if id(parent) in place}
    return [Arrow(tail, fold, "", 0.0, folded=True) for tail in sorted(tails)]


def arrows(shown: Sequence[Value], fold: int, gradients: bool) -> list[Arrow]:
    """One arrow for each operand, repeats kept; one for all the hidden operands of an operation."""
    place = {id(v): i + (i >= fold) for i, v in enumerate(shown)}
    result = []
    for v in shown:
        operands = list(passing(v, gradients))
        for parent, local, flow in operands:
            if id(parent) in place:
                result.append(Arrow(place[id(parent)], place[id(v)], local, flow))
        hidden = [flow for parent, _, flow in operands if id(parent) not in place]
        if hidden:
            result.append(Arrow(fold, place[id(v)], "", sum(hidden), folded=True))
    return result


def passing(v: Value, gradients: bool) -> Iterator[tuple[Node, str, float]]:
    """Each operand, the local gradient to it in words, and what flows back to it."""
    parents = v.parents
    slopes = local_gradient(v) if gradients and parents else [None] * len(parents)
    for parent, slope in zip(parents, slopes, strict=True):
        if slope is None or parent.primitive is CONSTANT:
            yield parent, "", 0.0
        else:
            yield parent, number(slope), v.grad * slope if v.grad else 0.0
