"""Where a function branches at a point: a difference sees what is beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from engine.compiler.tape.conditions import conditions
from engine.compiler.tape.questions import Questions
from engine.compiler.tape.tape import Answer
from engine.compiler.tape.trace import trace
from engine.testing.subject import Subject

BESIDE: Final = 2.0**-36  # of a number, or of 1
FEW: Final = 50  # inputs that are moved


def turning_guard(case: Subject) -> str:
    """The first guard that holds at the point and not beside it, in words; "" if there is none."""
    here = guards(case, case.xs)
    for xs in beside(case.xs):
        there = guards(case, xs)
        for (words, answer), (_, other) in zip(here, there, strict=False):
            if answer != other:
                return words
    return ""


def beside(xs: Sequence[float]) -> Iterator[Sequence[float]]:
    for i, x in enumerate(xs[:FEW]):
        step = BESIDE * max(1.0, abs(x))
        for moved in (x - step, x + step):
            yield [*xs[:i], moved, *xs[i + 1 :]]


def guards(case: Subject, xs: Sequence[float]) -> list[tuple[str, Answer]]:
    """All in words, with their answers; none of a function that cannot be traced."""
    try:
        tape = trace(lambda symbols: [case(*symbols)], case.names, Questions(xs))
    except Exception:  # of the user's, or TracingError
        return []
    return list(zip(conditions(tape), (guard.answer for guard in tape.guards), strict=True))
