"""The few SVG elements that pictures are made of."""

from __future__ import annotations

from typing import Final

from engine.drawing.layout import Point
from engine.drawing.palette import STYLE
from engine.text import escape

SIZES: Final = {"value": 14.0, "symbol": 19.0, "label": 14.0, "small": 11.5, "sign": 11.5}  # of type
RADIUS: Final = 7.0


def n(x: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{x:.1f}".removesuffix(".0")


def head(wide: float, high: float, scale: float, title: str) -> list[str]:
    """How every picture of ours begins: its size, its title for who cannot see it, its style, its paper."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="chainrule" role="img" '
        f'width="{n(wide * scale)}" height="{n(high * scale)}" viewBox="0 0 {n(wide)} {n(high)}">',
        f"<title>{title}</title>",
        f"<style>\n{STYLE}</style>",
        rectangle("paper", Point(0, 0), Point(wide, high), 10),
    ]


def text(words: str, x: float, y: float, style: str, anchor: str = "middle") -> str:
    """Words around the height y; the first word of the style names their size."""
    base = y + 0.35 * SIZES[style.split()[0]]
    return f'<text class="{style}" x="{n(x)}" y="{n(base)}" text-anchor="{anchor}">{escape(words)}</text>'


def rectangle(style: str, corner: Point, size: Point, radius: float = RADIUS) -> str:
    return (
        f'<rect class="{style}" x="{n(corner.x)}" y="{n(corner.y)}" '
        f'width="{n(size.x)}" height="{n(size.y)}" rx="{n(radius)}"/>'
    )


def panel(style: str, corner: Point, size: Point, radii: tuple[float, float, float, float]) -> str:
    """A rectangle with a radius for each corner: top left, top right, bottom right, bottom left."""
    (x, y), (w, h) = corner, size
    a, b, c, d = radii
    path = (
        f"M{n(x + a)} {n(y)}H{n(x + w - b)}{arc(b, b, b)}V{n(y + h - c)}{arc(c, -c, c)}"
        f"H{n(x + d)}{arc(d, -d, -d)}V{n(y + a)}{arc(a, a, -a)}Z"
    )
    return f'<path class="{style}" d="{path}"/>'


def arc(radius: float, dx: float, dy: float) -> str:
    return f"a{n(radius)} {n(radius)} 0 0 1 {n(dx)} {n(dy)}" if radius else ""
