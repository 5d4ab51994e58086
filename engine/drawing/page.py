"""The picture as a page of its own. A neuron or layer that is folded into one box opens without any
script: the box is a link into a <details> element, and a browser opens that on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.drawing.layout import Direction
from engine.drawing.palette import DARK, FONT, LIGHT
from engine.drawing.picture import Picture
from engine.drawing.svg import svg
from engine.text import escape

PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Expression graph</title>
<style>
body {{ margin: 24px; background: {light.paper}; color: {light.ink}; font-family: {font} }}
details {{ margin: 10px 0 0 14px }}
summary {{ cursor: pointer; padding: 4px }}
details > div {{ overflow-x: auto; border-left: 2px solid {light.border}; padding-left: 8px }}
div:target {{ border-color: {light.ink} }}
a .card, a .chip {{ cursor: pointer }}
a:hover .frame, a:focus .frame {{ stroke-width: 3 }}
@media (prefers-color-scheme: dark) {{ body {{ background: {dark.paper}; color: {dark.ink} }} }}
</style>
<body>
{content}</body>
</html>
"""


def page(picture: Picture, direction: Direction, gradients: bool) -> str:
    content = "".join(unfolding(picture, direction, gradients, "box"))
    return PAGE.format(content=content, light=LIGHT, dark=DARK, font=FONT)


def unfolding(picture: Picture, direction: Direction, gradients: bool, name: str) -> Iterator[str]:
    """The picture, and the insides of its groups, each to be opened, with ids that begin with the name."""
    links = {i: f"{name}-{i}" for i in picture.insides}
    yield svg(picture, direction, gradients, links)
    for i, draw_inside in picture.insides.items():
        box = picture.boxes[i]
        yield f'<details><summary>{escape(f"{box.name}, {box.label}")}</summary>\n<div id="{links[i]}">\n'
        yield from unfolding(draw_inside(), direction, gradients, links[i])
        yield "</div></details>\n"
