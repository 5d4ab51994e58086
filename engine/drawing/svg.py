"""The picture as SVG: shapes and text only, with its own colours for light and for dark pages.

No ids, no scripts: several pictures can stand in one page, and style rules begin with `.chainrule`
so that they leave the page around them alone. Links are for `engine.drawing.page`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.drawing.cards import card, card_size
from engine.drawing.layout import Direction, Point, Way, arrange
from engine.drawing.legend import legend
from engine.drawing.marks import SIZES, head, n, rectangle, text
from engine.drawing.picture import Arrow, Picture
from engine.text import typeset, width

MIN_WIDTH: Final = 420.0  # room for the legend
NO_LINKS: Final[Mapping[int, str]] = {}


def svg(
    picture: Picture,
    direction: Direction,
    gradients: bool,
    links: Mapping[int, str] = NO_LINKS,
    fitting: float | None = None,
) -> str:
    """The picture, as wide as it is or fitting a width; `links` leads from boxes, by place, to ids in the
    page around it."""
    layout = arrange(picture, [card_size(box) for box in picture.boxes], sign_size, direction)
    wide = max(layout.size.x, MIN_WIDTH)
    below, depth = legend(picture, gradients, wide)
    high = layout.size.y + depth
    scale = 1.0 if fitting is None else fitting / wide
    root = picture.boxes[-1]
    title = f"Expression graph: {len(picture.boxes)} nodes, {len(picture.arrows)} arrows"
    cards = [
        card(box, place, direction, box is root, links.get(i, ""))
        for i, (box, place) in enumerate(zip(picture.boxes, layout.places, strict=True))
    ]
    lines = [
        *head(wide, high, scale, title),
        f'<g transform="translate({n((wide - layout.size.x) / 2)} 0)">',
        *[line(way, picture) for way in layout.ways],
        *[sign(way) for way in layout.ways],
        *cards,
        "</g>",
        f'<g transform="translate(0 {n(layout.size.y)})">',
        *below,
        "</g>",
        "</svg>",
    ]
    return "\n".join(part for part in lines if part) + "\n"


def sign_size(arrow: Arrow) -> Point:
    """How much room the label of an arrow takes."""
    if not arrow.local:
        return Point(0.0, 0.0)
    return Point(width(typeset(arrow.local), SIZES["sign"]) + 8, SIZES["sign"] + 5)


def line(way: Way, picture: Picture) -> str:
    """The stroke, and the arrowhead if it ends at a card."""
    arrow = way.link.arrow
    style = picture.tone(way.link.flow) + (" folded" if way.link.folded else "")
    stroke = f'<path class="line {style}" d="{stroke_path(way)}"/>'
    if not arrow:
        return stroke
    return f'<g class="arrow">{stroke}<path class="head {style}" d="{head_path(way)}"/></g>'


def stroke_path(way: Way) -> str:
    first, second = way.controls
    curve = " ".join(f"{n(x)} {n(y)}" for x, y in (first, second, way.unbend))
    return f"M{n(way.start.x)} {n(way.start.y)}C{curve}L{n(way.end.x)} {n(way.end.y)}"


def head_path(way: Way) -> str:
    """A triangle as wide as it is long."""
    (x, y), dx, dy = way.end, way.tip.x - way.end.x, way.tip.y - way.end.y
    corners = (way.tip, (x - dy / 2, y + dx / 2), (x + dy / 2, y - dx / 2))
    return "M" + "L".join(f"{n(u)} {n(v)}" for u, v in corners) + "Z"


def sign(way: Way) -> str:
    """The local gradient, on a patch of paper."""
    arrow = way.link.arrow
    if not arrow or not arrow.local:
        return ""
    size = sign_size(arrow)
    corner = Point(way.label.x - size.x / 2, way.label.y - size.y / 2)
    patch = rectangle("patch", corner, size, 4)
    return f'<g class="sign">{patch}{text(typeset(arrow.local), way.label.x, way.label.y, "sign")}</g>'
