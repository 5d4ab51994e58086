"""What a row of the table says of itself: the signature and the docstring of a primitive, from its columns.

`help`, pydoc, IPython and `inspect.signature` ask for them; this loads when somebody does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from inspect import Parameter, Signature, getdoc
from inspect import signature as signature_of
from math import inf
from typing import Any

from engine import primitives
from engine.domain import Interval
from engine.edges import local_gradient
from engine.modes import recording
from engine.notation import BY_NAME, PYTHON, Text, short
from engine.primitive import Primitive, custom
from engine.value import Value


def signature(row: Primitive) -> Signature:
    """The operands by the names that the kernel has for them; of a row of many operands, any number."""
    function = function_of(row)
    if function is not None:
        return signature_of(function)
    if row.gradient is not None:
        return Signature([Parameter("operands", Parameter.VAR_POSITIONAL)])
    return Signature([Parameter(name, Parameter.POSITIONAL_ONLY) for name in names(row)])


@lru_cache(256)  # whoever transforms a row copies its docstring
def docstring(row: Primitive) -> str:
    """Formula, derivatives, domain, kinks, edges, an example; of a user's function what that says."""
    if row.foreign:
        function = function_of(row)
        return (function is not None and getdoc(function)) or row.doc or row.name
    try:
        return "\n".join(lines(row, operands(row)))
    except Exception as error:  # in a rule of the user's: whoever asks for help is told, not stopped
        return f"{row.doc or row.name}\n\nIts rules cannot be shown: {type(error).__name__}: {error}"


def function_of(row: Primitive) -> Any:
    """What a user gave `custom` as the value; None for other rows."""
    made = row.recipe
    return made[1][0] if made is not None and made[0] is custom else None


def operands(row: Primitive) -> list[Value]:
    """Those of an example, inside the domain."""
    domains = row.domain * len(names(row)) if row.gradient is not None else row.domain
    points = (number_in(interval, i) for i, interval in enumerate(domains))
    return [Value(point, name) for point, name in zip(points, names(row), strict=True)]


def names(row: Primitive) -> list[str]:
    """What the operands are called; of a row of many, those of an example."""
    if row.gradient is not None:
        return ["x1", "x2", "y1", "y2"] if "{left}" in row.python else ["x1", "x2", "x3"]
    try:
        known = list(signature_of(row.value).parameters)
    except ValueError:  # a builtin that does not tell
        known = []
    return known if len(known) == len(row.partials) else [f"x{i + 1}" for i in range(len(row.partials))]


def number_in(interval: Interval, i: int) -> float:
    """A number in the interval, another one for each operand."""
    if interval.whole:
        return float(i)
    low = max(interval.low, min(interval.high, 3.0) - 3.0)
    return round(low + (min(interval.high, low + 3.0) - low) * (0.2 + 0.15 * i), 3)


def lines(row: Primitive, xs: Sequence[Value]) -> Iterator[str]:
    yield formula(row, xs)
    yield from filter(None, [row.doc])
    yield ""
    with recording():
        partials = row.local_gradient(xs)
    yield from (f"d/d{x.label} = {written(slope, xs)}" for x, slope in zip(xs, partials, strict=True))
    if row.gradient is None:
        yield smoothness(row, xs)
        yield f"within {row.ulps:g} ulp of the true value"
    if row.gradient is None and len(xs) == 1:
        yield from edges(row)
    if row.name in primitives.__all__:
        numbers = [x.data for x in xs]
        yield from ("", f">>> engine.{row.name}({', '.join(map(repr, numbers))})", repr(row(*numbers)))


def formula(row: Primitive, xs: Sequence[Value]) -> str:
    """How it is called, and as what it is written where that is something else."""
    call = f"{row.name}({', '.join(x.label for x in xs)})"
    with recording():
        forms = [row(*xs)] if row.formula is None else [row(*xs), row.expressed(xs)]
    return " = ".join(dict.fromkeys([call, *(written(form, xs) for form in forms)]))


def written(result: Any, xs: Sequence[Value]) -> str:
    """A graph over the operands as text; None is the slope to what nothing passes to."""
    graph, known = 0.0 if result is None else result, {id(x): Text(x.label) for x in xs}
    texts = (notation.graph(graph, xs, known).text for notation in (PYTHON, BY_NAME))
    return next((text for text in texts if len(text) <= PYTHON.limit), "...")


def smoothness(row: Primitive, xs: Sequence[Value]) -> str:
    ranges = [interval.described(x.label) for x, interval in zip(xs, row.domain, strict=True)]
    smooth = f"smooth for {', '.join(filter(None, ranges))}" if any(ranges) else "smooth everywhere"
    if row.kink is None:
        return smooth
    with recording():
        return f"{smooth}, but not where {written(row.kink(*xs), xs)} = 0"


def edges(row: Primitive) -> Iterator[str]:
    """Value and slope of a function of one number at the ends of its domain, at 0 and at infinity."""
    domain = row.domain[0]
    for x in sorted({-inf, 0.0, inf, domain.low, domain.high, *domain.holes}):
        (slope,) = local_gradient(row(Value(x)))
        yield f"at {short(x)}: {short(row(x))}, slope {short(slope or 0.0)}"
