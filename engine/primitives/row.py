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
    name: str,
    value: Callable[..., float],
    *partials: Callable[..., Any] | None,
    sign: str = "",
    symbol: str = "",
    **columns: Any,
) -> Primitive:
    """A new row of the table; the columns are described at Primitive. `sign` is what Python writes between
    two operands, and LaTeX if it has no other; `symbol` is what LaTeX calls a function. A row of many
    operands takes them as a list."""
    if "gradient" in columns:
        columns = {"python": f"{name}([{{*}}])"} | columns
    if sign:
        columns = {"python": f"{{0}} {sign} {{1}}", "latex": f"{{0}}{sign}{{1}}"} | columns
    if symbol:
        columns["latex"] = rf"{symbol}\left({{*}}\right)"
    return register(Primitive(name, value, *partials, **columns))


def helper(
    name: str, value: Callable[..., float], *partials: Callable[..., Any] | None, **columns: Any
) -> Primitive:
    """A row that the table needs to be closed under differentiation: readers see its formula."""
    return row(name, value, *partials, helper=True, **{"ulps": 4.0} | columns)
