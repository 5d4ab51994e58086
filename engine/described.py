"""Every row is described for itself: `help(engine.sin)` is about the sine, not about the class Primitive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.primitive import Primitive


class Described(property):
    """An attribute that rows compute, and that their class has as well."""

    of_class: object = None

    def __get__(self, row: Any, owner: type | None = None) -> Any:
        return self.of_class if row is None else super().__get__(row, owner)


def describe_rows(docstring: Callable[[Primitive], str], signature: Callable[[Primitive], Any]) -> None:
    """Tells rows who writes their docstring and their signature."""
    text = Described(docstring)
    text.of_class = Primitive.__doc__
    Primitive.__doc__ = text  # type: ignore[assignment]
    Primitive.__signature__ = Described(signature)  # type: ignore[attr-defined]
