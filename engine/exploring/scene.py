"""Where everything stands on the page: the layout of `engine.drawing`, for wide and for narrow screens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from engine.drawing.layout import Arrangement, Direction, Point, Way, arrange
from engine.drawing.picture import Arrow, Box, Picture
from engine.drawing.svg import head_path, stroke_path
from engine.text import width

HEIGHT: Final = 54.0
FIGURES: Final = 80.0  # room for any number of four digits
CHIP: Final = 40.0
SIDE: Final = 12.0
SIGN: Final = Point(48.0, 18.0)  # room for a local gradient
DIRECTIONS: Final[tuple[Direction, ...]] = ("LR", "TB")


def scenes(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The graph from left to right and from top to bottom; `nodes` as `document` describes them."""
    boxes = [Box(node["kind"], node["symbol"], node["name"], "", "", "zero", "") for node in nodes]
    seen = Picture(boxes, list(arrows(nodes)), hidden=0, scale=0.0, insides={})
    chips = [chip(node) for node in nodes]
    sizes = [Point(chip + FIGURES, HEIGHT) for chip in chips]
    return {d: scene(seen, chips, arrange(seen, sizes, sign, d)) for d in DIRECTIONS}


def arrows(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Arrow]:
    """One for each operand, with a label where a gradient can pass."""
    for head, node in enumerate(nodes):
        for tail, slope in zip(node["parents"], node["local"], strict=True):
            passes = slope is not None and nodes[tail]["kind"] != "constant"
            yield Arrow(tail, head, "slope" if passes else "", 0.0)


def chip(node: Mapping[str, Any]) -> float:
    """The width of the part of a card that holds its symbol and its name."""
    if node["kind"] == "constant":
        return 0.0
    symbol, name = width(node["symbol"], 15), width(node["name"], 12 if node["symbol"] else 15)
    return max(CHIP, 2 * SIDE + max(symbol, name))


def sign(arrow: Arrow) -> Point:
    return SIGN if arrow.local else Point(0.0, 0.0)


def scene(seen: Picture, chips: Sequence[float], layout: Arrangement) -> dict[str, Any]:
    """Cards in the order of the nodes, [x, y, width, height, width of the chip]; wires; and arrows, in the
    order of nodes and their operands: the wires each runs through, its head, the middle of its label."""
    ways = layout.ways
    feeding = {way.link.head: i for i, way in enumerate(ways) if way.link.arrow is None}
    places = zip(chips, layout.places, strict=True)
    return {
        "size": rounded(*layout.size),
        "cards": [rounded(*corner(p.middle, p.size), *p.size, chip) for chip, p in places],
        "wires": [stroke_path(way) for way in ways],
        "arrows": [
            {
                "wires": wires(i, ways, feeding, len(seen.boxes)),
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


def wires(i: int, ways: list[Way], feeding: dict[int, int], boxes: int) -> list[int]:
    """The wires of an arrow, from its head back to the card it comes from; arrows may share some."""
    found = [i]
    while ways[found[-1]].link.tail >= boxes:
        found.append(feeding[ways[found[-1]].link.tail])
    return found
