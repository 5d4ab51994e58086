"""The picture for PNG and PDF: placed by ourselves, as in the SVG, and painted by Graphviz.

Finding places is what dot may need hours for; with all places given (`neato -n2`) it is quick.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Final

from engine.drawing.cards import card_size, figures_width
from engine.drawing.dot import FONT, brush, table
from engine.drawing.layout import MARGIN, Arrangement, Direction, Point, Way, arrange
from engine.drawing.legend import captions
from engine.drawing.marks import SIZES, n
from engine.drawing.palette import LIGHT
from engine.drawing.picture import Box, Picture
from engine.drawing.svg import sign_size
from engine.text import escape, typeset, width

DPI: Final = 144.0  # twice the resolution of a plain screen
BORDER: Final = 1.5
MAX_PIXELS: Final = 4e7  # of a picture, which is then less sharp
MAX_SIDE: Final = 30_000.0  # of a picture; the painter gives up beyond 32,767


def image_lines(picture: Picture, direction: Direction, gradients: bool) -> Iterator[str]:
    """The statements of a DOT file in which everything has its place."""
    layout = arrange(picture, [card_size(box) for box in picture.boxes], sign_size, direction)
    yield f'graph [outputorder=edgesfirst bgcolor="{LIGHT.paper}" pad=0.2 dpi={n(resolution(layout.size))}]'
    yield f'node [shape=plain fontname="{FONT}" fontsize=14 fontcolor="{LIGHT.ink}"]'
    yield "edge [arrowsize=0.6]"
    yield from card_lines(picture, layout)
    yield from way_lines(picture, layout)
    words = " \N{MIDDLE DOT} ".join(captions(picture, gradients))
    if words:
        middle = Point(MARGIN + 0.42 * width(words, SIZES["small"]), layout.size.y)
        yield f"legend [{at(middle)} {faint(words)}]"


def resolution(size: Point) -> float:
    return min(DPI, 72 * MAX_SIDE / max(size), 72 * sqrt(MAX_PIXELS / (size.x * size.y)))


def card_lines(picture: Picture, layout: Arrangement) -> Iterator[str]:
    root = len(picture.boxes) - 1
    for i, (box, place) in enumerate(zip(picture.boxes, layout.places, strict=True)):
        yield f"s{i} [{at(place.middle)} label=<{table(box, i == root, *cell_sizes(box, place.size))}>]"


def cell_sizes(box: Box, size: Point) -> tuple[Point, Point]:
    """Of the chip, and of the value and of the gradient, within the border."""
    size = Point(size.x - 2 * BORDER, size.y - 2 * BORDER)
    figures = figures_width(box) if box.name else size.x
    return Point(size.x - figures, size.y), Point(figures, size.y / 2 if box.gradient else size.y)


def way_lines(picture: Picture, layout: Arrangement) -> Iterator[str]:
    """Joints of long arrows are points without size, ways between them edges of their own."""
    for joint in {way.link.head for way in layout.ways if not way.link.arrow}:
        yield f'j{joint} [shape=point width=0 style=invis pos="0,0"]'
    for i, way in enumerate(layout.ways):
        link = way.link
        ends = f"{slot(link.tail, layout)} -> {slot(link.head, layout)}"
        yield f"{ends} [{curve(way)} {brush(link.flow, link.folded, picture)}]"
        if link.arrow and link.arrow.local:
            yield f"l{i} [{at(way.label)} {faint(typeset(link.arrow.local))}]"


def slot(number: int, layout: Arrangement) -> str:
    return f"s{number}" if number < len(layout.places) else f"j{number}"


def faint(words: str) -> str:
    patch = f'<table border="0" cellborder="0" cellpadding="1" bgcolor="{LIGHT.paper}">'
    return f'fontsize=11 fontcolor="{LIGHT.faint}" label=<{patch}<tr><td>{escape(words)}</td></tr></table>>'


def at(point: Point) -> str:
    return f'pos="{xy(point)}"'


def xy(point: Point) -> str:
    """Graphviz counts upwards."""
    return f"{n(point.x)},{n(-point.y)}"


def curve(way: Way) -> str:
    """Two Bezier curves, the second of them straight."""
    points = [way.start, *way.controls, way.unbend, way.unbend, way.end, way.end]
    path = " ".join(xy(point) for point in points)
    if not way.link.arrow:
        return f'dir=none pos="{path}"'
    return f'pos="e,{xy(way.tip)} {path}"'
