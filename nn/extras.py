"""Libraries that only some features need: `import nn` itself takes the standard library alone."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType


def import_extra(module: str, purpose: str, extra: str = "nn") -> ModuleType:
    """A module of that extra. Raises ModuleNotFoundError, saying how to install it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"{purpose} needs {missing.name}: pip install 'chainrule[{extra}]'", name=missing.name
        ) from None
