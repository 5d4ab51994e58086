"""`draw(root)`: the picture of an expression graph, with forward values and gradients."""

from __future__ import annotations

import importlib
import os
from math import inf
from pathlib import Path
from typing import Any, Final, Literal, get_args

from engine.drawing.dot import dot, dot_lines
from engine.drawing.image import image_lines
from engine.drawing.layout import Direction
from engine.drawing.page import page
from engine.drawing.parts import Fold
from engine.drawing.picture import Picture, picture
from engine.drawing.svg import svg
from engine.files import AnyPath, write_file
from engine.primitive import is_number
from engine.text import brief
from engine.value import Value

Colour = Literal["gradients", "digits"]
TEXTS: Final = (".svg", ".html", ".dot")  # written by ourselves
IMAGES: Final = (".png", ".pdf")  # painted by Graphviz, with the places given


def draw(
    root: Value,
    *,
    direction: Direction = "LR",
    max_nodes: int = 200,
    fold: Fold | None = None,
    gradients: bool = True,
    colour: Colour = "gradients",
    width: float | None = None,
) -> Drawing:
    """The graph below root as it is now: value above gradient on every node, and on every arrow the
    local gradient.

    direction   where the root is: "LR" right, "RL" left, "TB" below, "BT" above
    max_nodes   a larger graph is folded, and the picture says how many nodes it does not show
    fold        None folds a graph only if it is large: each neuron or layer of `nn` into one box if it
                has any, else what is farthest from the root; "neuron", "layer" folds these anyway,
                "depth" never
    gradients   False leaves out all that backward() is about
    colour      "gradients", or "digits": how many digits of each value are right, and which operations
                magnify relative errors, as `rounding` finds
    width       of the SVG in pixels; it shrinks with the page in any case
    """
    if not isinstance(root, Value):
        raise TypeError(f"draw takes a Value, the root of a graph, got {type(root).__name__}")
    if direction not in get_args(Direction):
        raise ValueError(f"direction is one of {', '.join(get_args(Direction))}, got {direction!r}")
    if not isinstance(max_nodes, int) or max_nodes < 1:
        raise ValueError(f"max_nodes is a whole number from 1 on, got {max_nodes!r}")
    if fold is not None and fold not in get_args(Fold):
        raise ValueError(f"fold is None, {', '.join(map(repr, get_args(Fold)))}, got {fold!r}")
    if colour not in get_args(Colour):
        raise ValueError(f"colour is one of {', '.join(get_args(Colour))}, got {colour!r}")
    if width is not None and not (is_number(width) and 0 < width < inf):
        raise ValueError(f"width is a number of pixels above 0, got {brief(width)}")
    digits = colour == "digits"
    shown = picture(root, max_nodes, gradients or digits, fold, links=False, digits=digits)
    return Drawing(shown, direction, gradients or digits, width)


class Drawing:
    """A picture of a graph at one moment. In a notebook it shows itself.

    The places are always our own: the same picture on every machine. SVG and HTML need nothing
    else; PNG and PDF are painted by Graphviz. For a layout by dot there is `to_graphviz()`.
    """

    def __init__(
        self, picture: Picture, direction: Direction, gradients: bool, width: float | None = None
    ) -> None:
        self.picture = picture
        self.direction: Direction = direction
        self.gradients = gradients
        self.width = width

    @property
    def source(self) -> str:
        """The picture in DOT."""
        return dot(self.picture, self.direction)

    def _repr_svg_(self) -> str:
        return svg(self.picture, self.direction, self.gradients, fitting=self.width)

    def __repr__(self) -> str:
        hidden = f", {self.picture.hidden:,} nodes folded" if self.picture.hidden else ""
        return f"<Drawing of {len(self.picture.boxes)} nodes and {len(self.picture.arrows)} arrows{hidden}>"

    def to_html(self) -> str:
        """A page of its own, without scripts, in which neurons and layers that are folded open."""
        return page(self.picture, self.direction, self.gradients)

    def to_graphviz(self) -> Any:
        """A `graphviz.Digraph`. Raises ImportError without the package graphviz (extra `draw`)."""
        return load_graphviz().Digraph(
            body=[f"\t{line}\n" for line in dot_lines(self.picture, self.direction)]
        )

    def save(self, path: AnyPath) -> Path:
        """Writes .svg, .html, .dot, .png or .pdf, and returns the path."""
        suffix = Path(os.fsdecode(path)).suffix.lower()
        return write_file(path, self.file_bytes(suffix))

    def file_bytes(self, suffix: str) -> bytes:
        match suffix:
            case ".svg":
                return self._repr_svg_().encode()
            case ".html":
                return self.to_html().encode()
            case ".dot":
                return self.source.encode()
            case ".png" | ".pdf":
                return self.image(suffix[1:])
        known = ", ".join(TEXTS + IMAGES)
        raise ValueError(
            f"a drawing can be saved as {known}, got {suffix or 'a name without an extension'!r}"
        )

    def image(self, form: str) -> bytes:
        graphviz = load_graphviz()
        body = [f"\t{line}\n" for line in image_lines(self.picture, self.direction, self.gradients)]
        try:
            data: bytes = graphviz.Digraph(engine="neato", body=body).pipe(format=form, neato_no_op=2)
        except graphviz.ExecutableNotFound:
            raise RuntimeError(
                f".{form} needs the program dot, which is not on the PATH: install Graphviz "
                f"(apt install graphviz, brew install graphviz, or https://graphviz.org/download), "
                f"or save as .svg or .html, which need nothing"
            ) from None
        return data


def load_graphviz() -> Any:
    """The package graphviz, which is not there on every machine: `import engine` must not need it."""
    try:
        return importlib.import_module("graphviz")
    except ImportError:
        raise ImportError(
            "this needs the package graphviz: pip install 'chainrule[draw]' "
            "(.svg, .html and .dot need nothing)"
        ) from None
