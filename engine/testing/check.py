"""`gradcheck`: derivatives from the graph, or written by hand, against finite differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import inf, isnan
from typing import Any, Final, Literal

from engine.testing.analytic import CURVATURES, SLOPES, recording_of, rounding, symmetries
from engine.testing.branches import turning_guard
from engine.testing.comparison import compare
from engine.testing.differences import Scalar, careful, estimate_slope
from engine.testing.errors import GradientError
from engine.testing.refusals import require_attached, require_smooth, slopes, steady_value
from engine.testing.subject import Function, Subject, plain, subject
from engine.text import brief
from engine.trees import Tree

Mode = Literal["reverse", "forward"]
BRANCHED: Final = ("wrong", "kink", "constant", "ignored", "detached")  # what a branch can be the reason of


def gradcheck(
    f: Function,
    inputs: Any = None,
    *,
    order: Literal[1, 2] = 1,
    modes: Sequence[Mode] = ("reverse", "forward"),
    rtol: float = 1e-9,
    atol: float = 0.0,
    gradient: Function | None = None,
    nan_ok: bool = False,
) -> bool:
    """True, if the derivatives of f at the inputs are right.

    inputs      one number, list, array or dict for each argument; an `Expression` brings its own
    order       2 checks the second derivatives as well, reverse and forward over each of the modes
    modes       which ways of differentiation are checked
    rtol, atol  what is allowed beside the error of the differences
    gradient    a gradient written by hand, to be checked instead: it takes what f takes, plain numbers,
                and returns a number for each
    nan_ok      declares that f and all its derivatives are nan there

    Raises GradientError with a table, or with the reason why nothing can be checked there: f is not
    deterministic, is nan or infinite, has a kink, is constant, or ignores an argument (single entries of
    an array may be ignored). Raises TypeError and ValueError for arguments that make no sense. What is
    narrower than a millionth of x, or of 1, may go unseen.
    """
    validate(order, modes, gradient, {"rtol": rtol, "atol": atol})
    case = subject(f, inputs, numbers=gradient is not None)
    try:
        return check(case, order, modes, rtol, atol, gradient, nan_ok)
    except GradientError as error:
        raise with_branches(error, case) from None


def check(
    case: Subject,
    order: int,
    modes: Sequence[Mode],
    rtol: float,
    atol: float,
    gradient: Function | None,
    nan_ok: bool,
) -> bool:
    value = steady_value(case, nan_ok)
    if nan_ok and isnan(value):
        return all_nan(case, modes, gradient)
    if gradient is not None:
        numeric = slopes(case, value, [False] * len(case.xs), "")
        compare(case, "the gradient given", by_hand(case, gradient), numeric, rtol, atol)
        return True
    graph = recording_of(case, value)
    numeric = slopes(case, value, graph.reached, graph.text)
    require_attached(case, graph.reached, numeric)
    for mode in modes:
        title = f"the gradient in {mode} mode"
        compare(case, title, SLOPES[mode](case), numeric, rtol, atol, graph.text, rounding=graph.rounding)
    symmetries(case, graph)
    if order == 2:
        check_curvature(case, modes, rtol, atol, graph.text)
    return True


def with_branches(error: GradientError, case: Subject) -> GradientError:
    """The error, and the guard that holds at the point but not beside it, where the differences look."""
    guard = turning_guard(case) if error.reason in BRANCHED and not case.numbers else ""
    if not guard:
        return error
    note = f"{guard}, but not beside it: the derivative is that of the branch taken, choose another point"
    return GradientError(error.reason, f"{error}\n{note}", error.rows)


def validate(
    order: int, modes: Sequence[str], gradient: Function | None, tolerances: Mapping[str, float]
) -> None:
    if order not in (1, 2):
        raise ValueError(f"order is 1 or 2, got {order!r}")
    if isinstance(modes, str) or not modes or set(modes) - SLOPES.keys():
        raise ValueError(f'modes is a tuple of "reverse" and "forward", got {modes!r}')
    for name, tolerance in tolerances.items():
        if not 0.0 <= tolerance < inf:
            raise ValueError(f"{name} is a number from 0 on, got {tolerance!r}")
    if gradient is not None and order == 2:
        raise ValueError(
            "a gradient written by hand is checked at order 1: check its own gradient for order 2"
        )
    if gradient is not None and not callable(gradient):
        raise TypeError(
            f"gradient is a function that takes what f takes, got {type(gradient).__name__} {brief(gradient)}"
        )


def by_hand(case: Subject, gradient: Function) -> list[float]:
    """What a user's own gradient returns, flat."""
    try:  # from fresh arguments each time: it may work in place
        first, second = (flat(gradient(*case.tree.build(case.xs))) for _ in range(2))
    except Exception as error:
        error.add_note(f"raised by the gradient given of {case.describe()}")
        raise
    if len(first) != len(case.xs):
        raise ValueError(f"gradient has to return a number for each input: {len(case.xs)}, got {len(first)}")
    if [x.hex() for x in first] != [x.hex() for x in second]:
        raise GradientError("random", f"the gradient is not deterministic: {first} and then {second}")
    return first


def flat(result: Any) -> list[float]:
    return [plain(x) for x in Tree(result).scalars]


def all_nan(case: Subject, modes: Sequence[str], gradient: Function | None) -> bool:
    """Whether the derivatives are nan as declared. Raises GradientError if one is not."""
    found = [by_hand(case, gradient)] if gradient else [SLOPES[mode](case) for mode in modes]
    if all(isnan(x) for derivatives in found for x in derivatives):
        return True
    raise GradientError("wrong", f"{case.describe()} is nan as declared, but its derivatives are {found}")


def check_curvature(case: Subject, modes: Sequence[str], rtol: float, atol: float, text: str) -> None:
    """Each row of the Hessian against differences of that component of the gradient."""
    gradient = cache(lambda *xs: SLOPES["reverse"](case, xs))
    for i, name in enumerate(case.names):
        along, known = component(case, gradient, i), rounding(case, i)
        numeric = [estimate_slope(along(j), x, known.value) for j, x in enumerate(case.xs)]
        for j, estimate in enumerate(numeric):
            require_smooth(case, j, along(j), estimate, f"the derivative to {name} of {case.describe(text)}")
        for mode in modes:
            for over, curvature in CURVATURES[mode].items():
                title = f"the derivative to {name}, differentiated {over},"
                compare(case, title, curvature(case, i), numeric, rtol, atol, text, along, known)


def component(case: Subject, gradient: Callable[..., Sequence[float]], i: int) -> Callable[[int], Scalar]:
    """The derivative to the i-th input as a function of each input alone."""
    return lambda j: careful(lambda x: gradient(*case.xs[:j], x, *case.xs[j + 1 :])[i])
