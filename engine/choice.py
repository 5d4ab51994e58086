"""Which arguments of a function are differentiated: by position or by name, in any kind of call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from operator import index
from typing import Any, NamedTuple

from engine.text import brief

Function = Callable[..., Any]
Argnums = int | Sequence[int]
Argnames = str | Sequence[str] | None


class Choice(NamedTuple):
    """Which arguments a transform differentiates, and whether f returns something beside its result."""

    argnums: Argnums
    argnames: Argnames
    has_aux: bool

    def keys(self, f: Function, args: Sequence[Any], keywords: dict[str, Any]) -> list[int | str]:
        """Where they stand in a call, as a position or a keyword.

        Raises TypeError if one is not there, ValueError if one is asked for twice.
        """
        if self.argnames is not None:
            names = (self.argnames,) if isinstance(self.argnames, str) else self.argnames
            keys = [key_of_name(f, name, args, keywords) for name in names]
        else:
            argnums = self.argnums if isinstance(self.argnums, Sequence) else (self.argnums,)
            keys = [key_of_number(f, index(i), args, keywords) for i in argnums]
        if len(set(keys)) != len(keys):
            asked = self.argnums if self.argnames is None else self.argnames
            raise ValueError(f"an argument is asked for twice: {brief(asked, 60)}")
        return keys

    @property
    def has_one(self) -> bool:
        return isinstance(self.argnums, int) if self.argnames is None else isinstance(self.argnames, str)

    def pack(self, derivatives: Sequence[Any]) -> Any:
        """One derivative for one argument, a tuple of them for several."""
        return derivatives[0] if self.has_one else tuple(derivatives)


def key_of_number(f: Function, i: int, args: Sequence[Any], keywords: dict[str, Any]) -> int | str:
    if -len(args) <= i < len(args):
        return i % len(args)
    name = parameters(f)[i : i + 1] if i >= 0 else []
    if name and name[0] in keywords:
        return name[0]
    given = f" by position, and {', '.join(keywords)}" if keywords else " of them"
    raise TypeError(f"argnums asks for argument {i}, but the call has {len(args)}{given}")


def key_of_name(f: Function, name: str, args: Sequence[Any], keywords: dict[str, Any]) -> int | str:
    if name in keywords:
        return name
    names = parameters(f)[: len(args)]
    if name not in names:
        given = ", ".join([*names, *keywords]) or "none by name"
        raise TypeError(f"argnames asks for {name!r}, but the call has {given}: defaults are constants")
    return names.index(name)


def parameters(f: Function) -> list[str]:
    """The names of what may be given by position, as far as they are known."""
    try:
        known = import_module("inspect").signature(f).parameters.values()  # slow to import
    except (TypeError, ValueError):  # a builtin
        return []
    return [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
