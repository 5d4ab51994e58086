"""Functions as they are called: without their static arguments, by names, out of pickles."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from typing import Any

from engine.compiler.tape.names import stem
from engine.transform import Mapped

Function = Callable[..., Any]


def argument_names(f: Function, statics: Sequence[int], count: int) -> list[str]:
    """What to call the traced arguments on a tape: like the parameters; x0, x1 ... where one is not plain."""
    names = [p.name for i, p in enumerate(positional(f)) if i not in statics][:count]
    x = stem("x", names)
    plain = [name if name.isascii() and len(name) <= 40 else f"{x}{i}" for i, name in enumerate(names)]
    return plain if len(plain) == count else [f"x{i}" for i in range(count)]


def positional(f: Function) -> list[Parameter]:
    """The parameters that a call fills by position, none if they cannot be known."""
    try:
        parameters = signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def arity(f: Function) -> int | None:
    """How many arguments a call has by position; None if that is not known, or not one number."""
    try:
        parameters = signature(f).parameters.values()
    except (TypeError, ValueError):
        return None
    return None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(positional(f))


def takes_keyword(f: Function | None, name: str) -> bool:
    """Whether a call may have this keyword; False for what is mapped, which takes none."""
    try:
        parameters = {} if f is None or isinstance(f, Mapped) else signature(f).parameters
    except (TypeError, ValueError):
        return False
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def picklable(f: Function | None) -> Function | None:
    """f if pickle can find it by its name, else None."""
    try:
        pickle.dumps(f)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return f
