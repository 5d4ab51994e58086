"""Cards: the symbol or the label on the left, the value above the gradient on the right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.drawing.layout import Direction, Place, Point
from engine.drawing.marks import RADIUS, SIZES, panel, rectangle, text
from engine.drawing.picture import Box
from engine.text import escape, typeset, width

ROW: Final = 23.0
SIDE: Final = 10.0  # free space on both sides of a text
CHIP: Final = 36.0  # the least width of a chip
FIGURES: Final = 76.0  # the least width of value and gradient
BOLD: Final = 1.1  # how much wider bold letters are


def card_size(box: Box) -> Point:
    """Width and height that the box needs."""
    rows = 2 if box.gradient or box.kind == "fold" or box.label else 1.2
    return Point(chip_width(box) + figures_width(box), rows * ROW)


def chip_width(box: Box) -> float:
    if not box.name:
        return 0.0
    name = width(box.name, SIZES[name_style(box)] * BOLD)
    return max(CHIP, 2 * SIDE + max(name, width(box.label, SIZES["small"])))


def figures_width(box: Box) -> float:
    if not box.value:
        return 0.0
    return max(FIGURES, 2 * SIDE + max(width(typeset(f), SIZES["value"]) for f in (box.value, box.gradient)))


def name_style(box: Box) -> str:
    return "symbol" if box.kind == "operation" and len(box.name) <= 2 else "label"


def card(box: Box, place: Place, direction: Direction, is_root: bool, link: str = "") -> str:
    """The card; a click on it leads to the element whose id is the link."""
    corner = Point(place.middle.x - place.size.x / 2, place.middle.y - place.size.y / 2)
    parts = fold_parts if box.kind == "fold" else node_parts
    role = f"node {box.kind} root" if is_root else f"node {box.kind}"
    back = stack(corner, place.size, direction) if box.kind in ("group", "fold") else []
    inside = "".join([*back, rectangle("card", corner, place.size), *parts(box, corner, place.size)])
    drawn = f'<g class="{role}"><title>{escape(box.exact)}</title>{inside}</g>'
    return f'<a href="#{link}">{drawn}</a>' if link else drawn


def fold_parts(box: Box, corner: Point, size: Point) -> Iterator[str]:
    yield text(box.name, corner.x + size.x / 2, corner.y + size.y / 2, "label faint")


def node_parts(box: Box, corner: Point, size: Point) -> Iterator[str]:
    chip = size.x - figures_width(box) if box.name else 0.0
    figures = Point(corner.x + chip, corner.y)
    if box.kind in ("operation", "group"):
        yield panel("chip", corner, Point(chip, size.y), (RADIUS, 0, 0, RADIUS))
    yield from figures_parts(box, figures, Point(size.x - chip, size.y))
    yield from name_parts(box, corner.x + chip / 2, corner.y + size.y / 2)
    yield rectangle("frame", corner, size)


def stack(corner: Point, size: Point, direction: Direction) -> Iterator[str]:
    """Cards that look out from behind, where no arrow ends."""
    for step in (8.0, 4.0):
        up, right = (step, 0.0) if direction in ("LR", "RL") else (0.0, step)
        back = Point(size.x - 2 * up, size.y - 2 * right)
        yield rectangle("card", Point(corner.x + up + right, corner.y - up + right), back)


def figures_parts(box: Box, corner: Point, size: Point) -> Iterator[str]:
    middle, split = corner.x + size.x / 2, corner.y + size.y / 2
    if not box.value:
        return
    if not box.gradient:
        yield text(typeset(box.value), middle, split, "value")
        return
    half = Point(size.x, size.y / 2)
    radii = (0.0, 0.0, RADIUS, 0.0 if box.name else RADIUS)
    yield panel(f"tint {box.tone}", Point(corner.x, split), half, radii)
    yield text(typeset(box.value), middle, split - ROW / 2, "value")
    yield text(typeset(box.gradient), middle, split + ROW / 2, f"value {box.tone}")


def name_parts(box: Box, x: float, y: float) -> Iterator[str]:
    if box.name:
        yield text(box.name, x, y - 8 if box.label else y, name_style(box))
    if box.label:
        yield text(box.label, x, y + 12, "small faint")
