"""In a notebook, a Value at the end of a cell shows its graph."""

from __future__ import annotations

import importlib
import sys
from typing import Final, cast

from engine.node import Node
from engine.value import Value

LIMIT: Final = 100  # nodes; a larger graph shows as text until somebody asks to draw it


def show_graphs() -> None:
    """Tells IPython how to show a Value, if it is IPython that runs us."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.display_formatter.formatters["image/svg+xml"].for_type(Value, picture)


def picture(root: Value) -> str | None:
    """The SVG of a small graph. None, which leaves it to the text, of a leaf and of a large graph."""
    if root.is_leaf or is_large(root):
        return None
    # drawing is loaded when there is something to draw, as everything that reads the graph
    return cast(str, importlib.import_module("engine.drawing").draw(root)._repr_svg_())


def is_large(root: Node) -> bool:
    """Whether there are more than LIMIT nodes below root; looks at no more than it has to."""
    seen = {id(root)}
    stack = [root]
    while stack and len(seen) <= LIMIT:
        fresh = {id(parent): parent for parent in stack.pop().parents if id(parent) not in seen}
        seen.update(fresh)
        stack += fresh.values()
    return len(seen) > LIMIT
