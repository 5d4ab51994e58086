"""Drawn expressions, many together on one tape, and how far a rounding error can go in them."""

import random
from collections.abc import Sequence
from itertools import islice
from typing import Any

from alike import same
from hypothesis import settings
from hypothesis import strategies as st

from engine import value_and_grad
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import trace
from engine.testing.strategies import expressions

BATCH = 25  # expressions in one program: 20 programs make the 500 of CI, 800 the 20,000 of the night

EXACT = frozenset(  # rows that do not round
    """abs ceil copysign defined detach floor fmod greater greater_equal identity inside less less_equal
    matches max maximum min minimum mod neg relu round select sign step trunc where wins within""".split()
)


def batches(share: int = 1) -> int:
    """How many programs this profile asks for, or a share of them."""
    profile = settings.default.max_examples if settings.default else 20
    return max(2, {20: 2, 200: 20, 5000: 800}.get(profile, 2) // share)


def batch(size: int = BATCH, **options: Any) -> st.SearchStrategy[list[Any]]:
    return st.lists(expressions(**options), min_size=size, max_size=size)


def together(drawn: Sequence[Any]) -> tuple[Tape, list[float], list[float]]:
    """Value and gradient of many expressions as one tape; the point, and what the engine says there."""
    point = [x for e in drawn for x in e.inputs]

    def all_of_them(xs: Sequence[Any]) -> list[Any]:
        results, rest = [], iter(xs)
        for e in drawn:
            own = [next(rest) for _ in e.inputs]
            value, gradient = value_and_grad(e, tuple(range(len(own))))(*own)
            results += [value, *gradient]
        return results

    return trace(all_of_them, [f"x{i}" for i in range(len(point))]), point, all_of_them(point)


def as_the_engine(drawn: Sequence[Any], got: Sequence[float], expected: Sequence[float]) -> bool:
    """The engine's bits but for the sign of zero in slopes: nothing passes closed gates in a sweep; compiled,
    linear rows below it multiply a 0, of either sign."""
    numbers = iter(zip(got, expected, strict=True))
    for e in drawn:
        value, *slopes = islice(numbers, 1 + len(e.inputs))
        if not same(value[:1], value[1:]) or not same(
            [x + 0.0 for x, _ in slopes], [y + 0.0 for _, y in slopes]
        ):
            return False
    return not list(numbers)


def shaken(tape: Tape, point: Sequence[float], ulps: float, runs: int = 5) -> list[float]:
    """How far the outputs move, at most, when every operation is off by as many ulp at random."""
    exact = tape.evaluate(point)
    worst = [abs(x) * ulps * 2.3e-16 + 1e-300 for x in exact]
    rng = random.Random(0)
    for _ in range(runs):
        slots = list(point)
        for primitive, operands, number in tape.entries[len(slots) :]:
            x = primitive.evaluate([slots[i] for i in operands]) if operands else number
            exactly = not operands or primitive.name in EXACT
            slots.append(x if exactly else x * (1.0 + rng.uniform(-ulps, ulps) * 2.3e-16))
        moved = [abs(slots[i] - x) for i, x in zip(tape.outputs, exact, strict=True)]
        worst = [max(a, b) if b == b else float("inf") for a, b in zip(worst, moved, strict=True)]
    return [10.0 * x for x in worst]
