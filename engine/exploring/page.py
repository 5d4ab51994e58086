"""`explore(root)`: one HTML file, without a network and without a framework, in which the graph computes."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.drawing import draw
from engine.drawing.graph import below
from engine.drawing.palette import DARK, LIGHT, Palette
from engine.exploring.document import document, dumps
from engine.exploring.folds import folds
from engine.exploring.history import Steps, frames
from engine.exploring.program import program
from engine.files import AnyPath, write_file
from engine.order import nodes_in_order
from engine.text import escape
from engine.value import Value

MAX_NODES: Final = 5_000  # a page of 2 MB
UNREAD: Final = ("label", "op", "gradient")  # of the document, by the page
LONG: Final = 60  # nodes of a graph whose expression nobody reads
FRAME: Final = 800  # the height of the page in a notebook, in pixels


class Kind(NamedTuple):
    """A page is made of an HTML file, style sheets and scripts, in this order."""

    html: str
    styles: Sequence[str]
    scripts: Sequence[str]


GRAPH: Final = Kind(
    "page.html",
    ("base.css", "page.css"),
    [f"{n}.js" for n in "math sweep layout folds view graph start words practice leaves page".split()],
)
NETWORK: Final = Kind(
    "network.html",
    ("base.css", "network.css"),
    ["math.js", *(f"network{n}.js" for n in ("_model", "_picture", "_map", "_tables", ""))],
)


def explore(root: Value, *, history: Steps | Any = None) -> Exploration:
    """An interactive page of the graph below root: forward and backward step by step, layers, neurons and
    labelled parts folded into boxes that open; sliders for the leaves, descent, and practice.

    history   the leaves' numbers by label, one mapping for each step of a training run, or what `nn.fit`
              returned: the page can scrub through them, and plots the root over the steps

    Raises ValueError for a graph of more than 5,000 nodes, and for a history that does not fit.
    """
    count = len(nodes_in_order(root)) if isinstance(root, Value) else 0
    if count > MAX_NODES:
        raise ValueError(
            f"the graph has {count:,} nodes, the page shows up to {MAX_NODES:,}: explore a node nearer to "
            f"the leaves or fewer samples, or draw(root), which folds what is far away"
        )
    content = document(root, short=True)
    source, reason = program(root)
    folded = folds(below(root, links=True))
    content["nodes"] = [{k: x for k, x in node.items() if k not in UNREAD} for node in content["nodes"]]
    page = {"title": title(content), "history": frames(root, history, not reason), "note": reason}
    return Exploration(content | folded | page, source, draw(root)._repr_svg_())


def title(content: Mapping[str, Any]) -> str:
    """What the page is about: the expression, or of a large graph its size."""
    name, expression = content["nodes"][-1]["name"], content["expression"]
    if len(content["nodes"]) > LONG:
        return f"{name}: {len(content['nodes']):,} nodes"
    return expression if name == expression else f"{name} = {expression}"


class Exploration:
    """The page, as it was when `explore` was called. A notebook shows it in a frame of its own."""

    def __init__(self, content: dict[str, Any], program: str, still: str, kind: Kind = GRAPH) -> None:
        self.content = content
        self.program = program
        self.still = still
        self.kind = kind

    def to_html(self) -> str:
        """The whole file: it loads nothing, and its policy forbids any script but its own."""
        styles = "\n".join([*variables(), *(compact(text(name)) for name in self.kind.styles)])
        script = "\n".join(['"use strict";', stripped(self.program), *map(text, self.kind.scripts)])
        return fill(
            text(self.kind.html),
            title=escape(self.content["title"]),
            policy=policy(script, styles),
            styles=styles,
            script=script,
            content=dumps(self.content),
        )

    def save(self, path: AnyPath) -> Path:
        """Writes .html, and returns the path."""
        name = Path(os.fsdecode(path)).name
        if not name.lower().endswith((".html", ".htm")):
            raise ValueError(f"a page is saved as .html, got {name!r}: draw(root) knows more formats")
        return write_file(path, self.to_html().encode())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """The page in a frame of its own; where no script may run, the picture."""
        return {"text/html": self._repr_html_(), "image/svg+xml": self.still, "text/plain": repr(self)}

    def _repr_html_(self) -> str:
        return (
            f'<iframe sandbox="allow-scripts" title="{escape(self.content["title"])}" width="100%" '
            f'height="{FRAME}" style="border:0" srcdoc="{escape(self.to_html())}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Exploration of {self.content['title']}: save(path) writes an HTML page>"


def text(name: str) -> str:
    """A file of the page, without the comments and indents that only people need."""
    return stripped(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def compact(styles: str) -> str:
    """Style rules without the spaces that mean nothing."""
    return re.sub(r" *([{}]|[:;](?= )) *", r"\1", styles)


def stripped(source: str) -> str:
    lines = map(str.strip, source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def fill(template: str, **parts: str) -> str:
    """The template with its <!--parts-->; each piece is looked at once, so that none can name another."""
    pieces = template.split("<!--")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("-->")
        filled += [parts[name], rest]
    return "".join(filled)


def policy(script: str, styles: str) -> str:
    """No network, and no script or style but these two."""
    allowed = f"script-src {digest(script)}; style-src {digest(styles)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def digest(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def variables() -> Iterator[str]:
    """The colours of `draw` as custom properties, those of a tone on its class."""
    yield "".join(colours(LIGHT))
    yield f"@media (prefers-color-scheme:dark){{{''.join(colours(DARK))}}}"


def colours(palette: Palette) -> Iterator[str]:
    names = ("paper", "card", "chip", "border", "ink", "faint", "wire")
    yield f":root{{{';'.join(f'--{name}:{getattr(palette, name)}' for name in names)}}}"
    for tone, line in palette.lines.items():
        ink = palette.inks[tone if tone in palette.inks else tone[0]]
        yield f".{tone}{{--tint:{palette.tints[tone]};--figure:{ink};--line:{line}}}"
