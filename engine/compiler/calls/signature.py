"""How a function takes its arguments, and what one call of it was given."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from engine.batch import Batch
from engine.compiler.calls.arguments import Arguments
from engine.compiler.calls.functions import Function


class Call(NamedTuple):
    """One call.

    key        equal for calls that one specialisation serves
    traced     what is not static, keywords as a dict behind the rest
    arguments  the same, taken apart
    is_plain   whether it is nothing but arguments that are all traced, with examples along first axes
    """

    key: Hashable
    args: Sequence[Any]
    statics: Sequence[int]
    traced: Sequence[Any]
    arguments: Arguments
    is_plain: bool

    def inline(self, f: Function) -> Function:
        """f as a function of what is traced."""
        fixed = {i: self.args[i] for i in self.statics}

        def traced(*rest: Any) -> Any:
            given = iter(rest)
            args = [fixed[i] if i in fixed else next(given) for i in range(len(self.args))]
            return f(*args, **next(given, {}))

        return traced


class Signature(NamedTuple):
    """Which arguments are static, what of them is mapped, and whether `out` is a keyword of ours."""

    statics: tuple[int, ...]
    batch: Batch | None
    writes: bool

    def read(self, args: Sequence[Any], keywords: dict[str, Any]) -> Call:
        """Raises TypeError or ValueError for arguments that nothing can be traced with."""
        statics = positions(self.statics, len(args))
        traced = [arg for i, arg in enumerate(args) if i not in statics] + ([keywords] if keywords else [])
        axes = None
        if self.batch is not None:
            axes = [axis for i, axis in enumerate(self.batch.axes(len(args))) if i not in statics]
            axes += [0] if keywords else []  # as in JAX: keywords run over examples
        arguments = Arguments(traced, axes)
        fixed = tuple(static(args[i]) for i in statics)
        key = (fixed, len(args), bool(keywords), arguments.key)
        is_plain = not statics and not keywords and all(axis in (0, None) for axis in axes or ())
        return Call(key, args, statics, traced, arguments, is_plain)


class Static(NamedTuple):
    """A static argument in a key: 1, 1.0 and True are different programs."""

    kind: type
    value: Hashable


def static(x: Any) -> Static:
    """Raises TypeError if it cannot be a key."""
    try:
        hash(x)
    except TypeError:
        raise TypeError(f"a static argument has to be hashable, got {type(x).__name__} {x!r:.40}") from None
    return Static(type(x), x)


def positions(statics: Sequence[int], count: int) -> list[int]:
    """The static arguments of a call with `count` arguments. Raises TypeError."""
    for i in statics:
        if not -count <= i < count:
            raise TypeError(f"static_argnums asks for argument {i}, but the call has {count} of them")
    return [i % count for i in statics]
