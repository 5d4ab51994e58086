"""`gradcheck`: derivatives from the graph, or written by hand, against finite differences.

What agrees has agreed to about nine digits: |analytic - numeric| <= rtol |numeric| + 10 error, where
the error is the one that the difference rule estimates for itself at this point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import inf, isfinite, isnan
from typing import Any, Final, Literal, NamedTuple

from engine.testing.analytic import CURVATURES, SLOPES, Rounding, recorded, rounding, symmetries
from engine.testing.differences import Estimate, Scalar, adaptive, careful, estimated, noise_at, noise_near
from engine.testing.errors import GradientError
from engine.testing.expression import shortened
from engine.testing.roughness import roughness
from engine.testing.subject import Function, Subject, plain, subject
from engine.trees import Tree

SAFETY: Final = 10.0  # times the estimated error of the differences
COARSE: Final = 2.0**16  # times its step: noise shows in values that differ by more than their last bit
PROBES: Final = (0.0, 1.0, -1.0, 0.5, -3.0, 7.0, 100.0)  # other values of an input, to see whether it matters
Mode = Literal["reverse", "forward"]


class Row(NamedTuple):
    """One derivative, both ways."""

    name: str
    analytic: float
    numeric: Estimate
    allowed: float

    @property
    def error(self) -> float:
        return abs(self.analytic - self.numeric.slope)

    @property
    def agrees(self) -> bool:
        return self.error <= self.allowed


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
    value = steady_value(case, nan_ok)
    if nan_ok and isnan(value):
        return all_nan(case, modes, gradient)
    if gradient is not None:
        numeric = slopes(case, value, [False] * len(case.xs), "")
        compare(case, "the gradient given", by_hand(case, gradient), numeric, rtol, atol)
        return True
    graph = recorded(case, value)
    numeric = slopes(case, value, graph.reached, graph.text)
    require_attached(case, graph.reached, numeric)
    for mode in modes:
        title = f"the gradient in {mode} mode"
        compare(case, title, SLOPES[mode](case), numeric, rtol, atol, graph.text, rounding=graph.rounding)
    symmetries(case, graph)
    if order == 2:
        check_curvature(case, modes, rtol, atol, graph.text)
    return True


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
            f"gradient is a function that takes what f takes, got {type(gradient).__name__} {gradient!r:.40}"
        )


def steady_value(case: Subject, nan_ok: bool) -> float:
    """The value at the point. Raises GradientError if it differs between two calls, or is not finite."""
    for name, x in zip(case.names, case.xs, strict=True):
        if not isfinite(x) and not nan_ok:
            raise GradientError(
                "nan" if isnan(x) else "inf", f"asked at {name} = {x!r}: choose a finite point"
            )
    try:
        value = case.value(case.xs)
    except Exception as error:
        error.add_note(f"raised by {describe(case)}")
        raise
    require_steady(case, value)
    if not isfinite(value) and not (isnan(value) and nan_ok):
        what = f"is {value!r} there: a derivative needs a finite value"
        raise GradientError("nan" if isnan(value) else "inf", f"{describe(case)} {what}")
    return value


def require_steady(case: Subject, value: float) -> None:
    """Raises GradientError if the value at the point is no longer what it was."""
    again = case.value(case.xs)
    if value.hex() != again.hex():
        raise unsteady(case, f"two calls returned {value!r} and {again!r}")


def unsteady(case: Subject, what: str) -> GradientError:
    text = f"{describe(case)} is not deterministic: {what}: fix its seed, or remove its state"
    return GradientError("random", text)


def describe(case: Subject, text: str = "") -> str:
    """The function and the point, for a message."""
    name = getattr(case.f, "__name__", "") or getattr(case.f, "name", "") or "f"
    point = ", ".join(case.named(i) for i in range(min(len(case.xs), 8)))
    more = ", ..." if len(case.xs) > 8 else ""
    return f"{shortened(text) if text else name} at {point}{more}"


def slopes(case: Subject, value: float, reached: Sequence[bool], text: str) -> list[Estimate]:
    """The derivative to every input by differences. Raises GradientError if there is none to compare."""
    found = [estimated(case.along(i), x) for i, x in enumerate(case.xs)]
    require_repeatable(case, value, found)
    require_used(
        case, [known or estimate.slope != 0.0 for known, estimate in zip(reached, found, strict=True)]
    )
    for i, estimate in enumerate(found):
        require_smooth(case, i, case.along(i), estimate, describe(case, text))
    return found


def require_repeatable(case: Subject, value: float, found: Sequence[Estimate]) -> None:
    """Raises GradientError if what looks like noise comes out differently the next time."""
    for i, estimate in enumerate(found):
        if estimate.vague and repr(estimated(case.along(i), case.xs[i])) != repr(estimate):
            raise unsteady(case, f"differences along {case.names[i]} gave two different slopes")
    require_steady(case, value)


def require_used(case: Subject, used: Sequence[bool]) -> None:
    """Raises GradientError for an argument that does not matter; single entries of one need not.
    An input that is known to be used is not ignored, even if it changes nothing here."""
    ignored = [
        name
        for name, entries in case.arguments
        if entries and not any(used[i] for i in entries) and all(ignores(case, i) for i in entries)
    ]
    if len(ignored) == sum(bool(entries) for _, entries in case.arguments):
        raise GradientError(
            "constant", f"{describe(case)} is constant: it ignores every input, check another function"
        )
    if ignored:
        names = ", ".join(ignored)
        raise GradientError("ignored", f"{describe(case)} ignores {names}: leave it out, or make use of it")


def ignores(case: Subject, i: int) -> bool:
    """Whether no other value of that input changes the result."""
    f = case.along(i)
    value = f(case.xs[i]).hex()
    return all(f(x).hex() == value for x in (*PROBES, -case.xs[i], 2.0 * case.xs[i]))


def require_attached(case: Subject, reached: Sequence[bool], numeric: Sequence[Estimate]) -> None:
    """Raises GradientError for an input that moves the result, but is not in its graph."""
    for i, estimate in enumerate(numeric):
        if not reached[i] and abs(estimate.slope) > SAFETY * estimate.error:
            cure = "is there a .data, .item() or detach() on the way?"
            what = (
                f"{case.names[i]} moves the result by {estimate.slope:.6g}, but is not in its graph: {cure}"
            )
            raise GradientError("detached", f"{describe(case)}: {what}")


def require_smooth(case: Subject, i: int, f: Scalar, estimate: Estimate, what: str) -> None:
    """Raises GradientError if f is not smooth where differences have failed."""
    if not estimate.vague:
        return
    how = roughness(f, case.xs[i], estimate)
    if how or not estimate.settled:
        how = how or "varies too fast there for differences"
        raise GradientError("kink", f"{what} {how} (along {case.names[i]}): choose another point")


def by_hand(case: Subject, gradient: Function) -> list[float]:
    """What a user's own gradient returns, flat."""
    try:  # from fresh arguments each time: it may work in place
        first, second = (flat(gradient(*case.tree.build(case.xs))) for _ in range(2))
    except Exception as error:
        error.add_note(f"raised by the gradient given of {describe(case)}")
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
    raise GradientError("wrong", f"{describe(case)} is nan as declared, but its derivatives are {found}")


def compare(
    case: Subject,
    title: str,
    analytic: Sequence[float],
    numeric: Sequence[Estimate],
    rtol: float,
    atol: float,
    text: str = "",
    along: Callable[[int], Scalar] | None = None,
    rounding: Rounding | None = None,
) -> None:
    """Raises GradientError with a table unless every analytic derivative is within what is allowed."""
    along = along or case.along
    known = rounding or Rounding(0.0, [0.0] * len(analytic))
    rows = []
    for i, (ours, estimate) in enumerate(zip(analytic, numeric, strict=True)):
        row = judged(case.named(i), ours, estimate, rtol, atol)
        for second in second_looks(along(i), case.xs[i], estimate, known, i) if not row.agrees else ():
            row = max(row, judged(case.named(i), ours, second, rtol, atol), key=lambda r: r.agrees)
        rows.append(row)
    wrong = [row for row in rows if not row.agrees]
    if wrong:
        head = f"{title} of {describe(case, text)} is wrong: {summary(rows, wrong)}"
        raise GradientError("wrong", f"{head}\n\n{table(rows)}", tuple(rows))


def summary(rows: Sequence[Row], wrong: Sequence[Row]) -> str:
    lost = [row for row in wrong if not isfinite(row.analytic)]
    count = f"{len(lost or wrong)} of {len(rows)} derivatives" if len(rows) > 1 else "it"
    if lost:
        return f"{count} {'is' if len(lost) == 1 else 'are'} not finite"
    return f"{count} {'differs' if len(rows) == 1 else 'differ'}"


def judged(name: str, analytic: float, numeric: Estimate, rtol: float, atol: float) -> Row:
    return Row(name, analytic, numeric, rtol * abs(numeric.slope) + SAFETY * numeric.error + atol)


def second_looks(f: Scalar, x: float, first: Estimate, known: Rounding, i: int) -> list[Estimate]:
    """Differences again, where a function could have misled them: noisier than its rounding, with a
    period that the steps happen to be a multiple of, or flat but for a narrow stretch."""
    measured = (noise_at(f, x + k * first.step, first.step) for k in (-3, 0, 3))
    around = noise_near(f, x) if first.vague else noise_at(f, x, COARSE * first.step)
    noise = max(known.value, around, *measured)

    def looks(*shares: float) -> list[Estimate]:
        return [adaptive(f, x, noise=noise, widest=first.step * share) for share in shares]

    found = looks(inf, 1 / 64)
    if first.vague:
        found += [look for look in looks(64.0**-2, 64.0**-3, 64.0**-4) if not look.vague]
    else:
        found = [look for look in found if look.clear or look.contradicts(first)]
    return [look._replace(error=look.error + known.slopes[i]) for look in found]


def table(rows: Sequence[Row]) -> str:
    """The derivatives, wrong ones first, at most 20 of them."""
    head = ("input", "analytic", "numeric", "error", "allowed", "")
    body = [
        (
            r.name,
            repr(r.analytic),
            repr(r.numeric.slope),
            f"{r.error:.1e}",
            f"{r.allowed:.1e}",
            "" if r.agrees else "<-",
        )
        for r in sorted(rows, key=lambda r: r.agrees)[:20]
    ]
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in (head, *body)
    ]
    return "\n".join(f"  {line}" for line in lines)


def check_curvature(case: Subject, modes: Sequence[str], rtol: float, atol: float, text: str) -> None:
    """Each row of the Hessian against differences of that component of the gradient."""
    gradient = cache(lambda *xs: SLOPES["reverse"](case, xs))
    for i, name in enumerate(case.names):
        along, known = component(case, gradient, i), rounding(case, i)
        numeric = [estimated(along(j), x, known.value) for j, x in enumerate(case.xs)]
        for j, estimate in enumerate(numeric):
            require_smooth(case, j, along(j), estimate, f"the derivative to {name} of {describe(case, text)}")
        for mode in modes:
            for over, curvature in CURVATURES[mode].items():
                title = f"the derivative to {name}, differentiated {over},"
                compare(case, title, curvature(case, i), numeric, rtol, atol, text, along, known)


def component(case: Subject, gradient: Callable[..., Sequence[float]], i: int) -> Callable[[int], Scalar]:
    """The derivative to the i-th input as a function of each input alone."""
    return lambda j: careful(lambda x: gradient(*case.xs[:j], x, *case.xs[j + 1 :])[i])
