"""What stands below a picture: how to read it, and what it does not show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.drawing.layout import Point
from engine.drawing.marks import SIZES, rectangle, text
from engine.drawing.picture import Picture
from engine.text import width

LINE: Final = 20.0
MARGIN: Final = 20.0
GAP: Final = 22.0
SWATCH: Final = Point(15.0, 9.0)
SCALE: Final = ("n4", "n3", "n2", "n1", "zero", "p1", "p2", "p3", "p4")


def captions(picture: Picture, gradients: bool) -> Iterator[str]:
    if picture.hidden:
        shown = sum(box.kind not in ("fold", "group") for box in picture.boxes)
        yield f"{shown:,} of {shown + picture.hidden:,} nodes shown"
    if picture.digits:
        yield "value above"
        yield "digits that are right below"
        yield "on an arrow, how many times it magnifies relative errors"
    elif gradients and not colourful(picture):
        yield "gradients are 0 until backward() is called"
    elif gradients:
        yield "value above"
        yield "gradient below"
        yield "local gradient on the arrow"


def legend(picture: Picture, gradients: bool, room: float) -> tuple[list[str], float]:
    """The elements, from (0, 0) on in lines that fit the room, and how high they are."""
    parts: list[str] = []
    x, y = MARGIN, 0.0
    for words in captions(picture, gradients):
        length = width(words, SIZES["small"])
        if x > MARGIN and x + length > room - MARGIN:
            x, y = MARGIN, y + LINE
        parts.append(text(words, x, y, "small faint", "start"))
        x += length + GAP
    if gradients and colourful(picture) and not picture.digits:
        if x + swatches_width() > room - MARGIN:
            x, y = MARGIN, y + LINE
        parts += swatches(x, y)
    return parts, y + LINE + 4 if parts else 0.0


def colourful(picture: Picture) -> bool:
    """Whether any gradient is not zero."""
    return any(box.tone != "zero" for box in picture.boxes)


def swatches_width() -> float:
    return len(SCALE) * SWATCH.x + 2 * LINE


def swatches(x: float, y: float) -> Iterator[str]:
    yield text("\N{MINUS SIGN}", x, y, "small faint", "start")
    for i, tone in enumerate(SCALE):
        corner = Point(x + LINE / 2 + i * SWATCH.x, y - SWATCH.y / 2)
        yield rectangle(f"swatch {tone}", corner, SWATCH, 0.0)
    yield text("+", x + LINE / 2 + len(SCALE) * SWATCH.x + 4, y, "small faint", "start")
