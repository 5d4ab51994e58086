"""How a row is written: its precedence, its place in the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from engine.primitive import Primitive, register

COMPARISON: Final = 10
SUM: Final = 20
PRODUCT: Final = 30
SIGN: Final = 40
POWER: Final = 50


def row(
    name: str, value: Callable[..., float], *partials: Callable[..., Any] | None, **columns: Any
) -> Primitive:
    """A new row of the table; the columns are described at Primitive."""
    return register(Primitive(name, value, *partials, **columns))


def helper(
    name: str, value: Callable[..., float], *partials: Callable[..., Any] | None, **columns: Any
) -> Primitive:
    """A row that the table needs to be closed under differentiation: readers see its formula."""
    return row(name, value, *partials, helper=True, **columns)


def function(latex: str) -> str:
    return rf"{latex}\left({{0}}\right)"
