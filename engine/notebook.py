"""In a notebook, a Value at the end of a cell shows its graph."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from engine.node import Node
from engine.value import Value

LIMIT: Final = 100  # nodes; a larger graph shows as text until somebody asks to draw it


def show_graphs(draw: Callable[[Value], Any]) -> None:
    """Tells IPython how to show a Value, if it is IPython that runs us."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        formatter = shell.display_formatter.formatters["image/svg+xml"]
        formatter.for_type(Value, partial(picture, draw))


def picture(draw: Callable[[Value], Any], root: Value) -> str | None:
    """The SVG of a small graph. None, which leaves it to the text, of a leaf and of a large graph."""
    return None if root.is_leaf or is_large(root) else draw(root)._repr_svg_()


def is_large(root: Node) -> bool:
    """Whether there are more than LIMIT nodes below root; looks at no more than it has to."""
    seen = {id(root)}
    stack = [root]
    while stack and len(seen) <= LIMIT:
        fresh = {id(parent): parent for parent in stack.pop().parents if id(parent) not in seen}
        seen.update(fresh)
        stack += fresh.values()
    return len(seen) > LIMIT
