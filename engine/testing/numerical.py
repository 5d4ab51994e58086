"""Gradients of any function of numbers, from its values alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

from engine.testing.differences import BACKWARD, FORWARD, Estimate, Scalar, estimate_slope, richardson
from engine.testing.subject import Function, Subject, subject


def one_sided(f: Scalar, x: float) -> Estimate:
    """The slope to the right, or to the left where there is nothing on the right."""
    ahead = estimate_slope(f, x, rule=FORWARD)
    return ahead if ahead.settled else estimate_slope(f, x, rule=BACKWARD)


METHODS: Final[dict[str, Callable[[Scalar, float], Estimate]]] = {
    "central": estimate_slope,
    "forward": one_sided,
    "richardson": richardson,
}


def numerical_gradient(
    f: Function, inputs: Any, method: Literal["central", "forward", "richardson"] = "central"
) -> Any:
    """The derivatives of f at the inputs, in the shape of the inputs, about twelve digits of them.

    "central" is the adaptive seven-point rule; "forward" the same on one side, for points at the edge
    of a domain, to the left where there is nothing on the right; "richardson" extrapolates two-point
    slopes. f gets plain numbers; if it cannot take them, because it uses methods such as `x.exp()`, it
    gets Values.

    >>> [round(d, 11) for d in numerical_gradient(lambda x, y: x * x * y, (3.0, 2.0))]
    [12.0, 9.0]
    """
    if method not in METHODS:
        raise ValueError(f"method is one of {', '.join(METHODS)}, got {method!r}")
    case = subject_for(f, inputs)
    slopes = [METHODS[method](case.along(i), x).slope for i, x in enumerate(case.xs)]
    built = case.tree.build(slopes)
    return type(inputs)(built) if isinstance(inputs, (tuple, list)) else built[0]


def subject_for(f: Function, inputs: Any) -> Subject:
    """f on plain numbers if it takes them, otherwise on Values."""
    case = subject(f, inputs, numbers=True)
    try:
        case.value(case.xs)
    except (AttributeError, TypeError):
        case = subject(f, inputs)
        case.value(case.xs)
    except ArithmeticError:  # the point is a pole; its neighbours may not be
        pass
    return case
