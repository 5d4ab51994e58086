"""Where everything stands on the page: the layout of `engine.drawing`, for wide and for narrow screens."""

from __future__ import annotations

from typing import Any, Final

from engine.drawing.layout import Direction, Layout, Point, Way, arrange
from engine.drawing.picture import Arrow, Box, Picture, picture
from engine.drawing.svg import head_path, stroke_path
from engine.drawing.text import width
from engine.value import Value

HEIGHT: Final = 54.0
FIGURES: Final = 88.0  # room for any number of four digits
CHIP: Final = 40.0
SIDE: Final = 12.0
SIGN: Final = Point(64.0, 18.0)  # room for a local gradient
DIRECTIONS: Final[tuple[Direction, ...]] = ("LR", "TB")


def scenes(root: Value, nodes: int) -> dict[str, Any]:
    """The graph of that many nodes from left to right and from top to bottom."""
    seen = picture(root, nodes, gradients=True)
    sizes = [Point(chip(box) + FIGURES, HEIGHT) for box in seen.boxes]
    return {d: scene(seen, arrange(seen, sizes, sign, d)) for d in DIRECTIONS}


def chip(box: Box) -> float:
    """The width of the part of a card that holds its name."""
    name = width(box.name, 15) if box.kind != "constant" else 0.0
    return max(CHIP, 2 * SIDE + max(name, width(box.label, 12))) if box.name else 0.0


def sign(arrow: Arrow) -> Point:
    return SIGN if arrow.local else Point(0.0, 0.0)


def scene(seen: Picture, layout: Layout) -> dict[str, Any]:
    """Cards in the order of the nodes, [x, y, width, height, width of the chip]; wires; and arrows, in the
    order of nodes and their operands: the wires each runs through, its head, the middle of its label."""
    ways = layout.ways
    feeding = {way.link.head: i for i, way in enumerate(ways) if way.link.arrow is None}
    places = zip(seen.boxes, layout.places, strict=True)
    return {
        "size": rounded(*layout.size),
        "cards": [rounded(*corner(p.middle, p.size), *p.size, chip(box)) for box, p in places],
        "wires": [stroke_path(way) for way in ways],
        "arrows": [
            {
                "wires": run(i, ways, feeding, len(seen.boxes)),
                "head": head_path(way),
                "label": rounded(*way.label) if way.link.arrow.local else None,
            }
            for i, way in enumerate(ways)
            if way.link.arrow is not None
        ],
    }


def corner(middle: Point, size: Point) -> Point:
    return Point(middle.x - size.x / 2, middle.y - size.y / 2)


def rounded(*numbers: float) -> list[float]:
    return [round(x, 1) for x in numbers]


def run(i: int, ways: list[Way], feeding: dict[int, int], boxes: int) -> list[int]:
    """The wires of an arrow, from its head back to the card it comes from; arrows may share some."""
    found = [i]
    while ways[found[-1]].link.tail >= boxes:
        found.append(feeding[ways[found[-1]].link.tail])
    return found
