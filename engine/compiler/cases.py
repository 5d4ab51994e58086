"""All known paths of a function as one program without questions, for what is written out: each result is
the one of the path whose guards hold, nan where none is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import nan
from typing import Any

from engine.compiler.errors import Untranslatable
from engine.compiler.specialisation import Specialisation
from engine.compiler.tape.symbol import applied
from engine.compiler.tape.tape import Guard
from engine.compiler.tape.trace import replay, trace
from engine.node import Node
from engine.primitives import select
from engine.primitives.selection import equal
from engine.value import constant


def merged(programs: Sequence[Specialisation]) -> Specialisation:
    """Raises Untranslatable if the results of two paths differ in their structure."""
    ending = [program for program in programs if not program.raises]
    first = ending[0] if ending else programs[0]
    for program in ending:
        if program.results.tree.form != first.results.tree.form:
            line = program.recorded.guards[-1].line
            raise Untranslatable(f"all paths of what is written out have to return alike: not so at {line}")

    def cases(inputs: Sequence[Any]) -> Sequence[Any]:
        results: Sequence[Any] = [constant(nan)] * len(first.recorded.outputs)
        for program in ending:
            numbers = replay(program.recorded.with_guards(), inputs)
            outputs, asked = numbers[: len(results)], numbers[len(results) :]
            pairs = list(zip(program.recorded.guards, asked, strict=True))
            true: Node = constant(1.0)
            holds = reduce(both, pairs[::-1], true)
            results = [applied(select, (holds, x, y)) for x, y in zip(outputs, results, strict=True)]
        return results

    return Specialisation(
        trace(cases, first.recorded.inputs), first.results, first.layout, first.backend, first.options
    )


def both(others: Node, pair: tuple[Guard, Node]) -> Node:
    """1 where a guard holds, and those behind it, else 0."""
    guard, x = pair
    if not isinstance(guard.answer, bool):
        x = applied(equal, (x, constant(float(guard.answer))))
    arms = (others, constant(0.0)) if guard.answer is not False else (constant(0.0), others)
    return applied(select, (x, *arms))
