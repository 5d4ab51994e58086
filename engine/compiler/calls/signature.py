"""How a function takes its arguments, and what one call of it was given."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import Any, NamedTuple

from engine.batch import Batch
from engine.compiler.calls.arguments import Arguments
from engine.compiler.calls.functions import Function, positional, takes_keyword
from engine.text import brief


class Call(NamedTuple):
    """One call.

    key        equal for calls that one specialisation serves
    statics    the positions of static arguments; `fixed` are those with a keyword
    traced     what is not static, keywords as a dict behind the rest
    arguments  the same, taken apart
    is_plain   whether it is nothing but arguments that are all traced, with examples along first axes
    """

    key: Hashable
    args: Sequence[Any]
    statics: Sequence[int]
    fixed: dict[str, Any]
    traced: Sequence[Any]
    arguments: Arguments
    is_plain: bool

    def inline(self, f: Function) -> Function:
        """f as a function of what is traced."""

        def traced(*rest: Any) -> Any:
            given = iter(rest)
            args = [arg if i in self.statics else next(given) for i, arg in enumerate(self.args)]
            return f(*args, **self.fixed, **next(given, {}))

        return traced


class Signature(NamedTuple):
    """Which arguments are static, by position and by name, and what can be given by position, the first
    `required` of it without a default; what is mapped, and whether `out` is a keyword of ours."""

    statics: tuple[int, ...]
    names: frozenset[str]
    parameters: tuple[str, ...]
    required: int
    batch: Batch | None
    writes: bool

    def read(self, args: Sequence[Any], keywords: dict[str, Any]) -> Call:
        """Raises TypeError or ValueError for arguments that nothing can be traced with."""
        statics = self.positions(len(args), keywords)
        fixed = {name: keywords[name] for name in keywords if name in self.names}
        keywords = {name: keywords[name] for name in keywords if name not in self.names}
        traced = [arg for i, arg in enumerate(args) if i not in statics] + ([keywords] if keywords else [])
        axes = None
        if self.batch is not None:
            axes = [axis for i, axis in enumerate(self.batch.axes(len(args))) if i not in statics]
            axes += [0] if keywords else []  # as in JAX: keywords run over examples
        arguments = Arguments(traced, axes)
        settings = (
            *(static(args[i]) for i in statics),
            *((name, static(x)) for name, x in sorted(fixed.items())),
        )
        key = (settings, len(args), bool(keywords), arguments.key)
        is_plain = not settings and not keywords and all(axis in (0, None) for axis in axes or ())
        return Call(key, args, statics, fixed, traced, arguments, is_plain)

    def positions(self, count: int, keywords: Collection[str]) -> list[int]:
        """The static ones of so many arguments; others have keywords or defaults. Raises TypeError."""
        for i in self.statics:
            elsewhere = i >= self.required or self.parameters[i] in keywords
            if not -count <= i < max(count, len(self.parameters) if elsewhere else 0):
                raise TypeError(f"static_argnums asks for argument {i}, but the call has {count} of them")
        return [i % count for i in self.statics if i < count]


def signature_of(
    f: Function, numbers: int | Sequence[int], names: str | Sequence[str], batch: Batch | None
) -> Signature:
    """Static arguments are known by position and by name, whichever of both was said, as in JAX.

    Raises ValueError for a name that f has not.
    """
    parameters = [p.name for p in positional(f)]
    required = sum(p.default is p.empty for p in positional(f))
    numbers = (numbers,) if isinstance(numbers, int) else tuple(numbers)
    names = (names,) if isinstance(names, str) else tuple(names)
    for name in names:
        if name not in parameters and not takes_keyword(f, name):
            raise ValueError(f"static_argnames has {name!r}, which is no argument of the function")
    statics = {*numbers, *(parameters.index(name) for name in names if name in parameters)}
    known = {*names, *(parameters[i] for i in numbers if -len(parameters) <= i < len(parameters))}
    writes = not takes_keyword(f, "out")
    return Signature(tuple(sorted(statics)), frozenset(known), tuple(parameters), required, batch, writes)


class Static(NamedTuple):
    """A static argument in a key: 1, 1.0 and True are different programs."""

    kind: type
    value: Hashable


def static(x: Any) -> Static:
    """Raises TypeError if it cannot be a key."""
    try:
        hash(x)
    except TypeError:
        raise TypeError(f"a static argument has to be hashable, got {type(x).__name__} {brief(x)}") from None
    return Static(type(x), x)
