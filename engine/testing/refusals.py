"""What cannot be checked, each thing by its name: no value, no steady one, a kink, an ignored argument."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, isnan
from typing import Final

from engine.testing.comparison import SAFETY
from engine.testing.differences import Estimate, Scalar, estimate_slope
from engine.testing.errors import GradientError
from engine.testing.roughness import roughness
from engine.testing.subject import Subject

PROBES: Final = (0.0, 1.0, -1.0, 0.5, -3.0, 7.0, 100.0)  # other values of an input, to see whether it matters


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
        error.add_note(f"raised by {case.describe()}")
        raise
    require_steady(case, value)
    if not isfinite(value) and not (isnan(value) and nan_ok):
        what = f"is {value!r} there: a derivative needs a finite value"
        raise GradientError("nan" if isnan(value) else "inf", f"{case.describe()} {what}")
    return value


def require_steady(case: Subject, value: float) -> None:
    """Raises GradientError if the value at the point is no longer what it was."""
    again = case.value(case.xs)
    if value.hex() != again.hex():
        raise unsteady(case, f"two calls returned {value!r} and {again!r}")


def unsteady(case: Subject, what: str) -> GradientError:
    text = f"{case.describe()} is not deterministic: {what}: fix its seed, or remove its state"
    return GradientError("random", text)


def slopes(case: Subject, value: float, reached: Sequence[bool], text: str) -> list[Estimate]:
    """The derivative to every input by differences. Raises GradientError if there is none to compare."""
    found = [estimate_slope(case.along(i), x) for i, x in enumerate(case.xs)]
    require_repeatable(case, value, found)
    require_used(case, [known or e.slope != 0.0 for known, e in zip(reached, found, strict=True)])
    for i, estimate in enumerate(found):
        require_smooth(case, i, case.along(i), estimate, case.describe(text))
    return found


def require_repeatable(case: Subject, value: float, found: Sequence[Estimate]) -> None:
    """Raises GradientError if what looks like noise comes out differently the next time."""
    for i, estimate in enumerate(found):
        if estimate.vague and repr(estimate_slope(case.along(i), case.xs[i])) != repr(estimate):
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
            "constant", f"{case.describe()} is constant: it ignores every input, check another function"
        )
    if ignored:
        names = ", ".join(ignored)
        raise GradientError("ignored", f"{case.describe()} ignores {names}: leave it out, or make use of it")


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
            raise GradientError("detached", f"{case.describe()}: {what}")


def require_smooth(case: Subject, i: int, f: Scalar, estimate: Estimate, what: str) -> None:
    """Raises GradientError if f is not smooth where differences have failed, or its slope is too large."""
    if not estimate.vague and isfinite(estimate.slope):
        return
    if estimate.settled and not isfinite(estimate.slope):
        text = (
            f"{what} has a slope there that no float can hold (along {case.names[i]}): choose another point"
        )
        raise GradientError("inf", text)
    how = roughness(f, case.xs[i], estimate)
    if how or not estimate.settled:
        how = how or "varies too fast there for differences"
        raise GradientError("kink", f"{what} {how} (along {case.names[i]}): choose another point")
