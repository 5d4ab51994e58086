"""Derivatives compared: |analytic - numeric| <= rtol |numeric| + 10 error, where the error is the one that
the difference rule estimates for itself at this point. What agrees has agreed to about nine digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite, ulp
from operator import attrgetter
from typing import Final, NamedTuple

from engine.testing.analytic import Rounding
from engine.testing.differences import Estimate, Scalar, adaptive, noise_at, noise_near
from engine.testing.errors import GradientError
from engine.testing.subject import Subject

SAFETY: Final = 10.0  # times the estimated error of the differences
NARROWER: Final = (64.0**-2, 64.0**-3, 64.0**-4)  # shares of its step, in search of a narrow stretch
UNSEEN: Final = 2.0**-1060  # values so small that floats are steps
COARSE: Final = 2.0**16  # times its step: noise shows in values that differ by more than their last bit


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
        row = row_of(case.input_name(i), ours, estimate, rtol, atol)
        for second in second_looks(along(i), case.xs[i], estimate, known, i) if not row.agrees else ():
            row = max(row, row_of(case.input_name(i), ours, second, rtol, atol), key=lambda r: r.agrees)
        rows.append(row)
    wrong = [row for row in rows if not row.agrees]
    if wrong:
        require_rest(case, text, along)
        head = f"{title} of {case.describe(text)} is wrong: {summary(rows, wrong)}"
        raise GradientError("wrong", f"{head}\n\n{table(rows)}", tuple(rows))


def require_rest(case: Subject, text: str, along: Callable[[int], Scalar]) -> None:
    """Raises GradientError if an input has lost its meaning: sin(1e20) jumps from float to float."""
    for i, x in enumerate(case.xs):
        if is_restless(along(i), x):
            what = f"{case.describe(text)} varies from one float to the next along {case.names[i]}"
            raise GradientError("kink", f"{what}: choose a point nearer to 0")


def is_restless(f: Scalar, x: float) -> bool:
    """Whether the next floats change f as much as those a hundred times further off."""
    near, far = ([f(x + k * share * ulp(x)) for k in range(-2, 3)] for share in (1, 100))
    return max(near) - min(near) > max(map(abs, far)) / 8 > UNSEEN


def summary(rows: Sequence[Row], wrong: Sequence[Row]) -> str:
    lost = [row for row in wrong if not isfinite(row.analytic)]
    count = f"{len(lost or wrong)} of {len(rows)} derivatives" if len(rows) > 1 else "it"
    if lost:
        return f"{count} {'is' if len(lost) == 1 else 'are'} not finite"
    return f"{count} {'differs' if len(rows) == 1 else 'differ'}"


def row_of(name: str, analytic: float, numeric: Estimate, rtol: float, atol: float) -> Row:
    return Row(name, analytic, numeric, rtol * abs(numeric.slope) + SAFETY * numeric.error + atol)


def second_looks(f: Scalar, x: float, first: Estimate, known: Rounding, i: int) -> list[Estimate]:
    """Differences again, where a function could have misled them; their errors allow for the rounding
    of the derivative itself."""
    noise = max(known.value, noise_at(f, x, first.step))
    found = vague_again(f, x, first.step, noise) if first.vague else sharp_again(f, x, first, noise)
    return [look._replace(error=look.error + known.slopes[i]) for look in found]


def vague_again(f: Scalar, x: float, step: float, noise: float) -> list[Estimate]:
    """Of a function that is noisier than its rounding, or flat but for a narrow stretch."""
    noise = max(noise, noise_near(f, x))
    narrow = [adaptive(f, x, noise=noise, widest=step * share) for share in NARROWER]
    usual = [adaptive(f, x, noise=noise), adaptive(f, x, noise=noise, widest=step / 64)]
    return [*usual, *(look for look in narrow if not look.vague)]


def sharp_again(f: Scalar, x: float, first: Estimate, noise: float) -> list[Estimate]:
    """Of one with a period that the steps are a multiple of, or with more noise than they have seen:
    what is known well gives way to what is known well, or at least best."""
    noise, finer = (max(noise, noise_at(f, x, COARSE * step)) for step in (first.step, first.step / 64))
    looks = [
        adaptive(f, x, noise=noise, widest=first.step),
        adaptive(f, x, noise=noise),
        adaptive(f, x, noise=finer, widest=first.step / 64),
    ]
    best = min(looks, key=attrgetter("error"))
    return [look for look in looks if look is best or look.clear or look.contradicts(first)]


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
