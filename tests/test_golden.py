"""Every point of data/golden.json: correctly rounded values and derivatives, to a few ulp."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alike import GOLDEN, golden

from engine.transform import grad, jvp, value_and_grad


def points() -> Iterator[Any]:
    for name, op in GOLDEN.items():
        for i, point in enumerate(op["points"]):
            numbers = [None if x is None else float.fromhex(x) for x in point]
            yield pytest.param(golden(name), op["arity"], numbers, id=f"{name}-{i}")


def ulps(got: float, expected: float | None) -> float:
    if expected is None or got == expected or (got != got and expected != expected):
        return 0.0
    if not math.isfinite(expected) or not math.isfinite(got):
        return math.inf
    if expected == 0.0 or got == 0.0 or (got < 0.0) != (expected < 0.0):
        return math.inf if math.ulp(expected) > 5e-324 else abs(got - expected) / 5e-324
    return abs(got - expected) / math.ulp(expected)


def directional(f: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda x: jvp(f, (x,), (1.0,))[1]


@pytest.mark.parametrize(("f", "arity", "numbers"), list(points()))
def test_values_are_within_3_ulp_and_first_derivatives_within_4(
    f: Callable[..., Any], arity: int, numbers: list[float]
) -> None:
    inputs, (value, *derivatives) = numbers[:arity], numbers[arity:]
    got, gradient = value_and_grad(f, tuple(range(arity)))(*inputs)
    assert f(*inputs) == got
    assert ulps(got, value) <= 3.0
    for slope, expected in zip(gradient, derivatives[:arity], strict=True):
        assert ulps(slope, expected) <= 4.0


@pytest.mark.parametrize(("f", "arity", "numbers"), list(points()))
def test_forward_mode_is_within_4_ulp(f: Callable[..., Any], arity: int, numbers: list[float]) -> None:
    for i in range(arity):
        partial = [*numbers[:arity]]

        def along(x: Any, i: int = i, partial: list[float] = partial) -> Any:
            return f(*partial[:i], x, *partial[i + 1 :])

        assert ulps(directional(along)(partial[i]), numbers[arity + 1 + i]) <= 4.0


@pytest.mark.parametrize(("f", "arity", "numbers"), [p for p in points() if p.values[1] == 1])
def test_second_derivatives_are_within_4_ulp_in_every_nesting(
    f: Callable[..., Any], arity: int, numbers: list[float]
) -> None:
    x, expected = numbers[0], numbers[3]
    assert ulps(grad(grad(f))(x), expected) <= 4.0
    assert ulps(directional(grad(f))(x), expected) <= 4.0
    assert ulps(grad(directional(f))(x), expected) <= 4.0
