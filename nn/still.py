"""A network as a still: `draw(model, x)` shows activations, gradients and weights at one sample.

Discs are neurons, lines are weights, in the colours of a graph's picture. Of wide layers the loudest neurons
stand for all, and each matrix of weights is a strip below.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import inf, isfinite, isqrt
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.drawing.layout import Point
from engine.drawing.marks import head, n, rectangle, text
from engine.drawing.page import PAGE
from engine.drawing.palette import DARK, FONT, LIGHT
from engine.drawing.picture import tone
from engine.files import AnyPath, write_file
from engine.snapshot import Snapshot
from engine.text import escape, number, typeset
from engine.trees import is_array
from engine.value import Value
from nn.data import Loss
from nn.layers import Layer, chain_of
from nn.losses import as_list
from nn.module import Module

CROWD: Final = 10  # neurons that all stand there
LOUDEST: Final = 4  # of a wider layer
WRITTEN: Final = 48  # weights that are written out
RADIUS: Final = 25.0
ROW: Final = 17.0  # of the weights before a neuron
PITCH: Final = 84.0
SPAN: Final = 250.0  # from layer to layer
TOP: Final = 62.0
SIDE: Final = 70.0
STRIP: Final = 200.0  # the width of a strip of weights
CELLS: Final = 48  # of a strip, in each direction
PICTURE: Final = 16  # inputs, beyond which a square number of them is an image


class Unit(NamedTuple):
    """A neuron or an input: its place in its layer, what it says, and the gradient of the loss to that."""

    at: int
    says: float
    gradient: float | None


class Shown(NamedTuple):
    """A layer: its units, those that stand there, and where."""

    title: str
    line: str
    units: list[Unit]
    seen: list[Unit]


class NetworkDrawing:
    """The picture of a network at one sample. In a notebook it shows itself."""

    def __init__(self, svg: str, about: str) -> None:
        self.svg = svg
        self.about = about

    def _repr_svg_(self) -> str:
        return self.svg

    def to_html(self) -> str:
        return PAGE.format(content=self.svg, light=LIGHT, dark=DARK, font=FONT)

    def save(self, path: AnyPath) -> Path:
        """Writes .svg or .html, and returns the path."""
        match Path(os.fsdecode(path)).suffix.lower():
            case ".svg":
                return write_file(path, self.svg.encode())
            case ".html":
                return write_file(path, self.to_html().encode())
            case suffix:
                raise ValueError(f"the picture of a network is saved as .svg or .html, got {suffix!r}")

    def __repr__(self) -> str:
        return f"<Drawing of {self.about}>"


def draw(
    model: Module, x: Any, target: Any = None, *, loss: Loss | None = None, width: float | None = None
) -> NetworkDrawing:
    """A picture of the network at the sample x: what each neuron says, and the weights between them; with a
    loss and a target also the gradient of the loss to every neuron.

    width  in pixels; the picture shrinks with the page in any case

    Raises ValueError for a model that is no chain of layers, or an x of another width.
    """
    chain = chain_of(model)
    if chain is None:
        raise ValueError(
            f"{type(model).__name__} is no plain chain of layers: "
            f"draw the graph of its output, engine.draw(model(x))"
        )
    values, root = outcome(chain, x, target, loss)
    gradients = Snapshot(root).gradients if root is not None else {}
    columns = [
        shown_layer(k, values, chain, [gradients.get(id(v)) for v in layer]) for k, layer in enumerate(values)
    ]
    sizes = "-".join(str(len(column.units)) for column in columns)
    return NetworkDrawing(Sheet(columns, chain, root, width).svg(), f"{type(model).__name__} {sizes}")


def outcome(
    chain: Sequence[Layer], x: Any, target: Any, loss: Loss | None
) -> tuple[list[list[Value]], Value | None]:
    """The inputs and what every layer says, and the loss."""
    given = as_list(x.tolist() if is_array(x) else x)
    values = [[xi if isinstance(xi, Value) else Value(xi) for xi in given]]
    for layer in chain:
        values.append(as_list(layer(values[-1])))
    if loss is None:
        return values, None
    outputs = values[-1]
    root = loss(outputs[0] if len(outputs) == 1 else outputs, target)
    return values, root if isinstance(root, Value) else None


def shown_layer(
    k: int, values: Sequence[Sequence[Value]], chain: Sequence[Layer], gradients: Sequence[float | None]
) -> Shown:
    """All units of a small layer, the loudest of a wide one, in their order."""
    units = [Unit(i, v.data, g) for i, (v, g) in enumerate(zip(values[k], gradients, strict=True))]
    title = "inputs" if k == 0 else "output" if k == len(chain) else f"layer {k - 1}"
    line = f"{len(units)}" if k == 0 else f"{len(units)} \N{MIDDLE DOT} {chain[k - 1].activation}"
    if len(units) <= CROWD:
        return Shown(title, line, units, units)
    loudest = sorted(units, key=lambda unit: -abs(unit.says) if unit.says == unit.says else -inf)
    return Shown(title, line, units, sorted(loudest[:LOUDEST]))


def scale_of(numbers: Iterable[float | None]) -> float:
    """The largest that is finite."""
    return max((abs(x) for x in numbers if x is not None and isfinite(x)), default=0.0)


class Sheet:
    """One still on its way to SVG."""

    def __init__(
        self, columns: Sequence[Shown], chain: Sequence[Layer], root: Value | None, width: float | None
    ) -> None:
        self.columns = columns
        self.chain = chain
        self.root = root
        self.width = width
        count = sum(len(a.seen) * len(b.seen) for a, b in pairwise(columns))
        self.written = count <= WRITTEN and not any(map(is_crowd, columns))
        before = [0, *(len(column.seen) for column in columns)]
        self.pitches = [
            max(PITCH if root else 68.0, ROW * count + 12) if self.written else (PITCH if root else 64.0)
            for count in before
        ]
        self.rows = [len(c.seen) + is_crowd(c) for c in columns]
        self.height = max(rows * pitch for rows, pitch in zip(self.rows, self.pitches, strict=False))
        self.left = SIDE + (130.0 if self.is_image() else 0.0)
        self.right = self.left + SPAN * (len(columns) - 1)

    def is_image(self) -> bool:
        count = len(self.columns[0].units)
        return count > PICTURE and isqrt(count) ** 2 == count

    def place(self, k: int, row: int) -> Point:
        """The middle of a disc."""
        across = (row - (self.rows[k] - 1) / 2) * self.pitches[k]
        return Point(self.left + SPAN * k, TOP + self.height / 2 + across)

    def svg(self) -> str:
        strips, deep = self.strips(TOP + self.height + 16)
        wide = self.right + (150.0 if self.root else SIDE)
        high = TOP + self.height + deep + 40
        scale = 1.0 if self.width is None else self.width / wide
        parts = [
            *head(wide, high, scale, f"Network: {' to '.join(f'{len(c.units)}' for c in self.columns)}"),
            *self.edges(),
            *self.discs(),
            *self.outcome(),
            *strips,
            *self.legend(wide / 2, high - 18),
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def weight(self, k: int, head: Unit, tail: Unit) -> float:
        weight: float = self.chain[k - 1].neurons[head.at].w[tail.at].data
        return weight

    def edges(self) -> Iterator[str]:
        for k in range(1, len(self.columns)):
            heads, tails = self.columns[k].seen, self.columns[k - 1].seen
            weights = {
                (h, t): self.weight(k, head, tail)
                for h, head in enumerate(heads)
                for t, tail in enumerate(tails)
            }
            scale = scale_of(weights.values())
            for (h, t), weight in weights.items():
                yield from self.edge(k, h, t, weight, scale)

    def edge(self, k: int, h: int, t: int, weight: float, scale: float) -> Iterator[str]:
        """A line from disc to disc, or to the number of the weight before the disc."""
        start, end = self.place(k - 1, self.row(k - 1, t)), self.place(k, self.row(k, h))
        room = RADIUS + (58.0 if self.written else 0.0)
        port = (t - (len(self.columns[k - 1].seen) - 1) / 2) * ROW if self.written else 0.0
        x0, x1, y1 = start.x + RADIUS, end.x - room, end.y + port
        middle = (x0 + x1) / 2
        colour = tone(weight, scale)
        curve = f"C{n(middle)} {n(start.y)} {n(middle)} {n(y1)} {n(x1)} {n(y1)}"
        yield f'<path class="line {colour}" d="M{n(x0)} {n(start.y)}{curve}"/>'
        if self.written:
            yield text(brief_number(weight), x1 + 4, y1, f"small {colour}", "start")

    def row(self, k: int, i: int) -> int:
        """Where unit i of those seen stands: the last of a crowd below the words on the others."""
        column = self.columns[k]
        return i + (is_crowd(column) and i == len(column.seen) - 1)

    def discs(self) -> Iterator[str]:
        gradients = scale_of(unit.gradient for column in self.columns for unit in column.units)
        for k, column in enumerate(self.columns):
            x = self.place(k, 0).x
            yield text(column.title, x, 20, "label")
            yield text(column.line, x, 38, "small faint")
            loudness = scale_of(unit.says for unit in column.units)
            for i, unit in enumerate(column.seen):
                middle = self.place(k, self.row(k, i))
                yield from disc(unit, middle, tone(unit.says, loudness), gradients)
                if k == 0:
                    yield text(f"x{unit.at + 1}", x - RADIUS - 8, middle.y, "small faint", "end")
                elif k == len(self.columns) - 1 and len(column.units) > 1:
                    yield text(f"{unit.at}", x + RADIUS + 8, middle.y, "small faint", "start")
            if is_crowd(column):
                middle = self.place(k, len(column.seen) - 1)
                words = f"\N{HORIZONTAL ELLIPSIS} {len(column.units) - len(column.seen)} more"
                yield rectangle("chip", Point(middle.x - 38, middle.y - 12), Point(76, 24), 12)
                yield text(words, middle.x, middle.y, "small")
        if self.is_image():
            yield from self.sample()

    def sample(self) -> Iterator[str]:
        """The inputs as an image."""
        units = self.columns[0].units
        side, loudest = isqrt(len(units)), scale_of(unit.says for unit in units)
        cell = 104.0 / side
        corner = Point(18.0, TOP + self.height / 2 - 52)
        for unit in units:
            place = Point(corner.x + unit.at % side * cell, corner.y + unit.at // side * cell)
            yield rectangle(f"tint {tone(unit.says, loudest)}", place, Point(cell, cell), 0)
        yield text("the sample", corner.x + 52, corner.y + 118, "small faint")

    def outcome(self) -> Iterator[str]:
        if self.root is not None:
            x, y = self.right + 88, TOP + self.height / 2
            yield rectangle("chip", Point(x - 44, y - 22), Point(88, 44), 10)
            yield text(typeset(number(self.root.data)), x, y - 8, "value")
            yield text("loss", x, y + 11, "small faint")

    def strips(self, top: float) -> tuple[list[str], float]:
        """The weights of all layers as rows of cells, if some are not seen above."""
        if not any(map(is_crowd, self.columns)):
            return [], 0.0
        parts: list[str] = []
        deepest = 0.0
        for k, layer in enumerate(self.chain):
            rows = [[w.data for w in neuron.w] for neuron in layer.neurons]
            cells = pooled(rows)
            size = min(STRIP / len(cells[0]), 9.0)
            middle = self.left + SPAN * (k + 0.5)
            x = middle - size * len(cells[0]) / 2
            words = f"weights {layer.nout} \N{MULTIPLICATION SIGN} {layer.nin}"
            parts.append(text(words, middle, top, "small faint"))
            scale = scale_of(w for row in rows for w in row)
            for i, row in enumerate(cells):
                for j, w in enumerate(row):
                    corner = Point(x + j * size, top + 14 + i * size)
                    parts.append(rectangle(f"tint {tone(w, scale)}", corner, Point(size, size), 0))
            deepest = max(deepest, 30 + size * len(cells))
        return parts, deepest

    def legend(self, middle: float, y: float) -> Iterator[str]:
        for at, colour, words in ((-230, "n4", "weight \N{MINUS SIGN}"), (-130, "p4", "weight +")):
            yield f'<path class="line {colour}" d="M{n(middle + at)} {n(y)}h26"/>'
            yield text(words, middle + at + 34, y, "small faint", "start")
        yield f'<circle class="tint p3" cx="{n(middle - 16)}" cy="{n(y)}" r="8"/>'
        yield text("what it says", middle, y, "small faint", "start")
        if self.root is not None:
            yield text("\N{PARTIAL DIFFERENTIAL} 0.3", middle + 90, y, "small p4", "start")
            yield text("gradient of the loss", middle + 128, y, "small faint", "start")


def is_crowd(column: Shown) -> bool:
    return len(column.seen) < len(column.units)


def brief_number(x: float) -> str:
    """In at most six characters or so: three digits, two of small numbers."""
    return typeset(number(float(f"{x:.3g}" if abs(x) >= 0.1 else f"{x:.2g}")))


def disc(unit: Unit, middle: Point, colour: str, scale: float) -> Iterator[str]:
    says = brief_number(unit.says)
    exact = f"{unit.says!r}" + (f", gradient {unit.gradient!r}" if unit.gradient is not None else "")
    yield f'<g class="node"><title>{escape(exact)}</title>'
    yield f'<circle class="tint {colour}" cx="{n(middle.x)}" cy="{n(middle.y)}" r="{n(RADIUS)}"/>'
    yield text(says, middle.x, middle.y, f"small {colour}")
    if unit.gradient is not None:
        words = f"\N{PARTIAL DIFFERENTIAL} {typeset(number(unit.gradient))}"
        yield text(words, middle.x, middle.y + RADIUS + 11, f"small {tone(unit.gradient, scale)}")
    yield "</g>"


def pooled(rows: Sequence[Sequence[float]]) -> list[list[float]]:
    """A matrix in few cells, each the loudest of a block."""
    down, across = -(-len(rows) // CELLS), -(-len(rows[0]) // CELLS)
    return [
        [
            max((w for row in rows[i : i + down] for w in row[j : j + across]), key=abs)
            for j in range(0, len(rows[0]), across)
        ]
        for i in range(0, len(rows), down)
    ]
