"""`explore(root)`: one HTML file, without a network and without a framework, in which the graph computes."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from engine.drawing.palette import DARK, LIGHT, Palette
from engine.exploring.document import document, dumps
from engine.exploring.history import frames
from engine.exploring.program import program
from engine.exploring.scene import scenes
from engine.files import AnyPath, write_file
from engine.order import nodes_in_order
from engine.text import escape
from engine.value import Value

MAX_NODES: Final = 500  # more cannot be followed step by step
FRAME: Final = 760  # the height of the page in a notebook, in pixels
SCRIPTS: Final = ("sweep.js", "math.js", "graph.js", "page.js")


def explore(root: Value, *, history: Sequence[Mapping[str, object]] | None = None) -> Exploration:
    """An interactive page of the graph below root: forward and backward, step by step, with sliders for
    the leaves.

    history   the leaves' numbers by label, one mapping for each step of a training run: the page can
              scrub through them, and plots the root over the steps

    Raises ValueError for a graph of more than 500 nodes, and for a history that does not fit.
    """
    count = len(nodes_in_order(root)) if isinstance(root, Value) else 0
    if count > MAX_NODES:
        raise ValueError(
            f"the graph has {count:,} nodes, the page shows up to {MAX_NODES}: explore a node nearer to "
            f"the leaves, or draw(root), which folds what is far away"
        )
    content = document(root)
    source, reason = program(root)
    page = {"scenes": scenes(content["nodes"]), "history": frames(root, history), "reason": reason}
    return Exploration(content | page, source)


class Exploration:
    """The page, as it was when `explore` was called. A notebook shows it in a frame of its own."""

    def __init__(self, content: dict[str, Any], program: str) -> None:
        self.content = content
        self.program = program

    def to_html(self) -> str:
        """The whole file: it loads nothing, and its policy forbids any script but its own."""
        styles = "\n".join([*variables(), text("page.css")])
        script = "\n".join(['"use strict";', self.program, *map(text, SCRIPTS)])
        return fill(
            text("page.html"),
            title=escape(self.content["expression"]),
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

    def _repr_html_(self) -> str:
        return (
            f'<iframe sandbox="allow-scripts" title="Backpropagation, step by step" width="100%" '
            f'height="{FRAME}" style="border:0" srcdoc="{escape(self.to_html())}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<Exploration of {len(self.content['nodes'])} nodes: save(path) writes an HTML page>"


def text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


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
    """The colours of `draw` as custom properties."""
    yield ":root{" + ";".join(colours(LIGHT)) + "}"
    yield "@media (prefers-color-scheme:dark){:root{" + ";".join(colours(DARK)) + "}}"
    for tone in LIGHT.lines:
        ink = tone if tone in LIGHT.inks else tone[0]
        yield f".tint.{tone}{{fill:var(--tint-{tone})}}.ink.{tone}{{fill:var(--ink-{ink})}}"
        yield f".wire.{tone}{{stroke:var(--line-{tone})}}.head.{tone}{{fill:var(--line-{tone})}}"


def colours(palette: Palette) -> Iterator[str]:
    for name in ("paper", "card", "chip", "border", "ink", "faint", "wire"):
        yield f"--{name}:{getattr(palette, name)}"
    for group, found in (("tint", palette.tints), ("ink", palette.inks), ("line", palette.lines)):
        for tone, colour in found.items():
            yield f"--{group}-{tone}:{colour}"
