"""A mapped function that asks its numbers: each example takes its own path, those of one path together.

All examples go to a path; a program of nothing but its guards says for each, on lanes, where it turns off.
Those that stay are computed on lanes, those that turn off at one guard go on together. Results return to
their places, so that what the examples add up to does not depend on the paths: from left to right.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from engine.compiler.numpy_backend import reduced
from engine.compiler.paths import Path, Paths, Turn
from engine.compiler.specialisation import Specialisation
from engine.compiler.tape.tape import Answer

Trace = Callable[[Sequence[Answer], int], Specialisation]  # the path of an example, of which so much is known


class Group(NamedTuple):
    """Examples that may be on a path: where they have turned off, and the paths that they tried there."""

    path: Path
    examples: Any
    turn: Turn | None
    tried: frozenset[Path]


def spread(paths: Paths, inputs: Sequence[Any], trace: Trace) -> tuple[Path, Any] | None:
    """The outputs, and the path that most examples take. None if one of them has to run eagerly."""
    numpy, layout = sys.modules["numpy"], paths.latest.program.layout
    every = numpy.arange(layout.examples(inputs))
    groups, found = [Group(paths.latest, every, None, frozenset())], list[tuple[Any, Path, Any]]()
    while groups:
        group = groups.pop()
        program = group.path.program
        rows = program.rows(inputs, group.examples)
        failed = program.first_failed(rows)
        stay = failed < 0
        if stay.any():
            if program.raises:
                return None
            group.path.calls += int(stay.sum())
            found.append((group.examples[stay], group.path, program.on_lanes(program.rows(rows, stay))))
        for k in numpy.unique(failed[~stay]):
            following = beyond(paths, group, group.path.turns[k], group.examples[failed == k], trace)
            if following is None:
                return None
            groups.append(following)
    paths.latest = max(found, key=lambda part: len(part[0]))[1]
    outputs = gathered(len(every), found)
    return paths.latest, outputs if layout.reduce is None else reduced(outputs, layout.reduce)


def beyond(paths: Paths, group: Group, turn: Turn, examples: Any, trace: Trace) -> Group | None:
    """Where examples that turn off are tried next; None if they have to run eagerly."""
    last = group.turn
    if last is not None and turn.k < last.k:
        return None  # only arithmetic that is not exact, as with fast_math, answers a question twice
    tried = frozenset([group.path])
    if last is not None and turn.fork is last.fork:
        tried |= group.tried
    path = next((path for path in turn.others() if path not in tried), None)
    if path is None:
        path = paths.grow(turn, lambda answers: trace(answers, int(examples[0])))
    return None if path is None or path in tried else Group(path, examples, turn, tried)


def gathered(count: int, found: Sequence[tuple[Any, Path, Any]]) -> Any:
    """The outputs of so many examples. Raises ValueError if their results have different structures."""
    _, first, like = found[0]
    outputs = sys.modules["numpy"].empty((count, like.shape[1]), like.dtype)
    for examples, path, part in found:
        if path.program.results.tree.form != first.program.results.tree.form:
            raise ValueError("vmap needs results of one structure from all examples, got different ones")
        outputs[examples] = part
    return outputs
