"""What a picture of a graph shows, before anybody says where: boxes and the arrows between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from engine.drawing.graph import OrderedGraph, below
from engine.drawing.owners import owners
from engine.drawing.parts import Fold, Part, outputs, parts_inside, parts_of, places
from engine.rounded import DIGITS, digits_below
from engine.text import clean, number, symbol
from engine.value import Value

LEAST: Final = 0.5  # digits that nobody misses
MAGNIFIED: Final = 10.0  # times, from which on an arrow says so
STEPS: Final = (0.01, 0.1, 0.5)  # shares of the largest gradient at which a colour deepens


class Box(NamedTuple):
    """A node, or nodes that are folded together."""

    kind: str  # "leaf", "constant", "operation", "group" (a neuron or a layer) or "fold"
    name: str  # the label of a leaf, the symbol of an operation, the path of a group
    label: str  # the label of an operation, the size of a group
    value: str
    gradient: str  # "" where there is none to show
    tone: str
    exact: str  # all digits, for a tooltip


class Arrow(NamedTuple):
    """An operand on its way into an operation; tail and head count boxes."""

    tail: int
    head: int
    local: str  # the local gradient, "" where there is none to show
    flow: (
        float  # what flows back along it, gradient of the head times local gradient, with the sign of `local`
    )
    folded: bool = False


class Picture(NamedTuple):
    """Boxes in topological order, the root last; `scale` is the largest gradient among them."""

    boxes: list[Box]
    arrows: list[Arrow]
    hidden: int  # nodes
    scale: float
    insides: Mapping[int, Callable[[], Picture]]  # of groups, by the place of the box
    digits: bool = False  # whether it shows them in place of gradients

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


def picture(
    root: Value,
    max_nodes: int,
    gradients: bool,
    fold: Fold | None = None,
    links: bool = True,
    digits: bool = False,
) -> Picture:
    """The graph below root, a large one folded; `links` shows the nodes that only stand for another."""
    graph = below(root, links)
    parts = parts_of(graph, max_nodes, fold)
    if gradients:
        graph.keep(i for part in parts if part.name != "" for i in part.nodes)
    neurons = owners(graph, "neuron") if any(part.name for part in parts) else {}
    artist = DigitsArtist(graph, neurons, digits_below(root)) if digits else Artist(graph, gradients, neurons)
    return artist.picture(parts, {len(graph.nodes) - 1})


class Artist:
    """Draws parts of a graph, and the insides of parts."""

    def __init__(self, graph: OrderedGraph, gradients: bool, neurons: Mapping[int, str]) -> None:
        self.graph = graph
        self.gradients = gradients
        self.neurons = neurons

    def picture(self, parts: Sequence[Part], ends: set[int], own: set[int] | None = None) -> Picture:
        """Parts of the graph, all of them or, of a group, those that feed it and its `own`; the `ends`
        are the nodes that something outside uses."""
        place = places(parts)
        used = outputs(self.graph, place) | ends
        faces = [face(part, used) for part in parts]
        scale = self.scale(faces)
        boxes = [self.box(part, i, scale) for part, i in zip(parts, faces, strict=True)]
        arrows = [arrow for head in range(len(parts)) for arrow in self.arriving(head, parts, faces, place)]
        tails = sorted({place[i] for i in ends})
        if len(tails) > 1:
            arrows += [Arrow(tail, len(boxes), "", 0.0, folded=True) for tail in tails]
            boxes.append(folded_box("the rest of the graph", "what uses these nodes"))
        several = {i: part for i, part in enumerate(parts) if part.name == "" or len(part.nodes) > 1}
        insides = {
            i: partial(self.inside, part, used)
            for i, part in several.items()
            if part.name and (own is None or own.issuperset(part.nodes))
        }
        hidden = sum(len(part.nodes) for part in several.values())
        return Picture(boxes, arrows, hidden, scale, insides, isinstance(self, DigitsArtist))

    def scale(self, faces: Sequence[int | None]) -> float:
        """The largest gradient that is shown."""
        sizes = (abs(self.graph.grad[i]) for i in faces if i is not None and self.gradients)
        return max(filter(math.isfinite, sizes), default=0.0)

    def inside(self, part: Part, used: set[int]) -> Picture:
        own = set(part.nodes)
        return self.picture(parts_inside(self.graph, part, self.neurons), own & used, own)

    def box(self, part: Part, i: int | None, scale: float) -> Box:
        words = f"{len(part.nodes):,} {'node' if len(part.nodes) == 1 else 'nodes'}"
        if part.name == "":
            return folded_box(words.replace(" ", " more "), f"{words} that are not shown")
        if part.name is None and i is not None:
            return self.node_box(i, scale)
        name = clean(part.name or "")
        if i is None:
            return Box("group", name, words, "", "", "zero", f"{name}: {words}")
        inner = self.node_box(i, scale)
        if len(part.nodes) == 1:
            return inner._replace(name=name, label=inner.name)
        return inner._replace(kind="group", name=name, label=words, exact=f"{name}: {words}; {inner.exact}")

    def node_box(self, i: int, scale: float) -> Box:
        v, data, grad = self.graph.nodes[i], self.graph.data[i], self.graph.grad[i]
        operation = bool(v.parents)
        constant = self.graph.is_constant(i)
        label = clean(v.label)
        exact = f"{label or v.op or 'value'}: {data!r}"
        shows_gradient = self.gradients and not constant
        return Box(
            kind="operation" if operation else "constant" if constant else "leaf",
            name=symbol(v.op, v.primitive.python) if operation else label,
            label=label if operation else "",
            value=number(data),
            gradient=number(grad) if shows_gradient else "",
            tone=tone(grad, scale) if shows_gradient else "zero",
            exact=f"{exact}, gradient {grad!r}" if shows_gradient else exact,
        )

    def arriving(
        self, head: int, parts: Sequence[Part], faces: Sequence[int | None], place: Mapping[int, int]
    ) -> Iterator[Arrow]:
        """The arrows into a box: to a node one for each operand, repeats kept, but only one for all the
        operands that come from one fold; to a group or a fold one from each other box."""
        merged: dict[int, float] = {}
        for i in parts[head].nodes:
            for x, slope, flow in self.passing(i):
                tail = place.get(x, head)
                if tail != head and parts[head].name is None and faces[tail] is not None:
                    # as strong as what flows, in the colour of the sign that is written on it
                    yield Arrow(tail, head, slope, -abs(flow) if slope.startswith("-") else abs(flow))
                elif tail != head:
                    merged[tail] = merged.get(tail, 0.0) + flow
        for tail, flow in merged.items():
            yield Arrow(tail, head, "", flow, folded="" in (parts[head].name, parts[tail].name))

    def passing(self, i: int) -> Iterator[tuple[int, str, float]]:
        """Each operand, the local gradient to it in words, and what flows back to it."""
        operands = self.graph.operands[i]
        slopes = self.graph.slopes.get(i) or [None] * len(operands)
        for x, slope in zip(operands, slopes, strict=True):
            if slope is None or self.graph.is_constant(x):
                yield x, "", 0.0
            else:
                yield x, number(slope), self.graph.grad[i] * slope if self.graph.grad[i] else 0.0


class DigitsArtist(Artist):
    """The same, with digits in place of gradients: how many of a value are right, deep where few are; and on
    the arrows how many times they magnify relative errors."""

    def __init__(self, graph: OrderedGraph, neurons: Mapping[int, str], digits: Mapping[int, float]) -> None:
        super().__init__(graph, True, neurons)
        self.digits = digits

    def scale(self, faces: Sequence[int | None]) -> float:
        return DIGITS

    def node_box(self, i: int, scale: float) -> Box:
        box, digits = super().node_box(i, scale), self.digits[id(self.graph.nodes[i])]
        if not box.gradient:
            return box
        exact = f"{box.exact.partition(', gradient')[0]}, {digits:.1f} of {DIGITS:.1f} digits are right"
        lost = max(0.0, DIGITS - LEAST - digits)
        return box._replace(gradient=f"{digits:.0f} digits", tone=tone(lost, scale), exact=exact)

    def passing(self, i: int) -> Iterator[tuple[int, str, float]]:
        value, operands = self.graph.data[i], self.graph.operands[i]
        slopes = self.graph.slopes.get(i) or [0.0] * len(operands)
        for x, slope in zip(operands, slopes, strict=True):
            change = abs((slope or 0.0) * self.graph.data[x])
            times = change / abs(value) if value else math.inf if change else 0.0
            if times >= MAGNIFIED and not self.graph.is_constant(x):
                yield x, f"\N{MULTIPLICATION SIGN}{number(float(f'{times:.1g}'))}", math.log10(times)
            else:
                yield x, "", 0.0


def face(part: Part, used: set[int]) -> int | None:
    """The node whose numbers the box shows: the only one, or the only one that others use."""
    if part.name is None:
        return part.nodes[0]
    seen = [i for i in part.nodes if i in used] if part.name else []
    return seen[0] if len(seen) == 1 else None


def folded_box(words: str, exact: str) -> Box:
    return Box("fold", f"\N{HORIZONTAL ELLIPSIS} {words}", "", "", "", "zero", exact)
