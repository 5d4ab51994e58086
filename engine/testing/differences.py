"""Derivatives by finite differences, each with an estimate of its own error.

The adaptive rule (FiniteDifferences.jl): nine values bound the seventh derivative, the bound gives
the step where truncation and round-off are equally small, seven values at that step give the slope.
Steps are powers of two, so that x + k * step is exact and rounds nothing into the slope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import comb, factorial, frexp, fsum, hypot, inf, isfinite, ldexp, nan, sqrt, ulp
from typing import Final, NamedTuple

EPSILON: Final = 2.0**-52
ORDER: Final = 7  # of the derivative that bounds the truncation error of a seven-point rule
ROUNDS: Final = 160  # of shrinking a stencil that is too wide: a kink at 0 takes them all
SMALLEST: Final = 2.0**-1000  # step
CLOSE: Final = 2.0**-48  # step from where on the edge of the domain can only be 0
VAGUE: Final = 1e-6  # relative error
CLEAR: Final = 1e-8
SHARP: Final = 1e-10
UNEVEN: Final[tuple[float, ...]] = tuple(k * 2.0**-20 for k in (1192379, 1436549, 1696631))
SUBNORMAL: Final = 2.0**-1073  # the rounding of the smallest values
HUGE: Final = 2.0**1000  # values from where on a sum of them may overflow
LESS: Final = 2.0**-8  # what they are multiplied by, then
BINOMIALS: Final = {n: tuple(float((-1) ** k * comb(n, k)) for k in range(n + 1)) for n in (4, 5, 6, ORDER)}
Scalar = Callable[[float], float]


class Estimate(NamedTuple):
    """A slope, what it may be wrong by, the step it came from, and whether the search for it ended."""

    slope: float
    error: float
    step: float
    settled: bool

    @property
    def vague(self) -> bool:
        """Whether less than six digits are known: of a zero slope, of noise, or at a kink."""
        return not self.error <= VAGUE * abs(self.slope)

    @property
    def clear(self) -> bool:
        """Whether more than eight digits are known."""
        return self.error <= CLEAR * abs(self.slope)

    def contradicts(self, other: Estimate) -> bool:
        """Whether this slope is known so well that the other one cannot be right."""
        apart = abs(self.slope - other.slope)
        return apart > self.error + other.error and self.error <= VAGUE * max(apart, abs(self.slope))


class Rule(NamedTuple):
    """Weights on a grid for the slope, and the wider grid that bounds the truncation error."""

    grid: tuple[int, ...]
    weights: tuple[float, ...]
    probe: tuple[int, ...]

    def reversed(self) -> Rule:
        """The rule on the other side of x."""
        grid = tuple(-k for k in self.grid)
        return Rule(grid, tuple(-w for w in self.weights), tuple(-k for k in self.probe))

    @property
    def noise_factor(self) -> float:
        return fsum(abs(w) for w in self.weights)

    @property
    def truncation_factor(self) -> float:
        terms = (abs(w * k**ORDER) for w, k in zip(self.weights, self.grid, strict=True))
        return fsum(terms) / factorial(ORDER)


CENTRAL: Final = Rule(
    tuple(range(-3, 4)), (-1 / 60, 3 / 20, -3 / 4, 0.0, 3 / 4, -3 / 20, 1 / 60), tuple(range(-4, 5))
)
FORWARD: Final = Rule(
    tuple(range(7)), (-49 / 20, 6.0, -15 / 2, 20 / 3, -15 / 4, 6 / 5, -1 / 6), tuple(range(9))
)
BACKWARD: Final = FORWARD.reversed()


def careful(f: Scalar) -> Scalar:
    """f, with nan where it raises as Python's own functions do, or by an assertion or an index: beyond
    the edge of the domain."""

    def value(x: float) -> float:
        try:
            return f(x)
        except (ArithmeticError, ValueError, LookupError, AssertionError):
            return nan
        except Exception as error:
            error.add_note(f"raised beside the point, where differences ask: at {x!r}")
            raise

    return value


def power_of_two(x: float) -> float:
    """The largest power of two up to x > 0."""
    return ldexp(0.5, frexp(x)[1])


def adaptive(
    f: Scalar, x: float, rule: Rule = CENTRAL, *, noise: float = 0.0, widest: float = inf
) -> Estimate:
    """The slope of f at x. `noise` is the error of a value of f, if it is more than its rounding."""
    step = power_of_two(min(max(1.0, abs(x)) / 16, widest, 2.0**1019))
    for _ in range(ROUNDS):
        values = [f(x + k * step) for k in rule.probe]
        if not all(map(isfinite, values)):  # beyond the edge of the domain, at the end as close as x is to 0
            nearest = min(step / 16, abs(x) / 8 or step)
            step = power_of_two(max(step / 16 if step > CLOSE else nearest, ulp(x)))
            continue
        roundoff = max(EPSILON * max(map(abs, values)), SUBNORMAL, noise)
        bound = highest(values, ORDER) * rule.truncation_factor
        ideal = step * (roundoff * rule.noise_factor / (6 * bound)) ** (1 / ORDER) if bound > 0.0 else step
        chosen = min(step, power_of_two(max(ideal, 8 * ulp(x))))
        nearer = [f(x + k * chosen) for k in rule.grid]
        scale = chosen / step
        if scale >= 1 / 16 and highest(nearer, 5) <= 8 * scale**5 * highest(values, 5) + 32 * roundoff:
            error = (roundoff * rule.noise_factor + bound * scale**ORDER) / chosen
            return Estimate(weighted_sum(rule, nearer) / chosen, error, chosen, True)
        if chosen < SMALLEST:
            break
        step = min(chosen, step / 2)
    return Estimate(nan, inf, step, False)


def weighted_sum(rule: Rule, values: Sequence[float]) -> float:
    """Step times the slope; nan where a value is not finite."""
    return combined_estimate(rule.weights, values) if all(map(isfinite, values)) else nan


def combined_estimate(weights: Iterable[float], values: Sequence[float]) -> float:
    """The sum of finite values, each times its weight: inf only if it is out of range itself."""
    share = LESS if max(map(abs, values)) > HUGE else 1.0
    return fsum(w * (share * y) for w, y in zip(weights, values, strict=True)) / share


def highest(values: Sequence[float], order: int) -> float:
    """The largest difference of that order. Of nine values, more than one: by symmetry, the middle
    one may vanish for a function that is no polynomial.
    """
    return max(abs(difference(values[i:], order)) for i in range(len(values) - order))


def difference(values: Sequence[float], order: int) -> float:
    """The difference of that order at the first values."""
    return combined_estimate(BINOMIALS[order], values[: order + 1])


def estimate_slope(f: Scalar, x: float, noise: float = 0.0, rule: Rule = CENTRAL) -> Estimate:
    """The slope of f at x; where it comes out blurred, again in steps of the size of x, and where vague,
    with the noise that f is found to have."""
    first = adaptive(f, x, rule, noise=noise)
    if 0.0 < abs(x) < 1.0 and not first.error <= SHARP * abs(first.slope):
        finer = adaptive(f, x, rule, noise=noise, widest=abs(x) / 16)
        if not finer.vague and finer.error < first.error:
            first = finer
    if not first.vague:
        return first
    second = adaptive(f, x, rule, noise=max(noise, noise_near(f, x)))
    return second if second.settled else first


def noise_near(f: Scalar, x: float) -> float:
    """The noise of f beside x, but not there: what breaks at the point itself is no noise."""
    room = power_of_two(max(1.0, abs(x))) / 256
    return max(noise_at(f, x + side * room, 16 * room) for side in (-1.0, 1.0))


def noise_at(f: Scalar, x: float, step: float) -> float:
    """How far a value of f may be off, seen in the highest differences of values that lie close
    together (Jorge More and Stefan Wild, "Estimating computational noise", 2011). At one distance,
    rounding errors may be all alike: the largest of some.
    """
    spacing = power_of_two(max(step * 2.0**-20, 8 * ulp(x)))
    found = 0.0
    for share in UNEVEN:
        values = [f(x + k * spacing * share) for k in range(-4, 5)]
        if not all(map(isfinite, values)):
            return 0.0
        found = max(found, *(3 * standard_deviation(values, order) for order in (4, 5, 6)))
    return found


def standard_deviation(values: Sequence[float], order: int) -> float:
    """Of independent errors in the values, from their differences of one order."""
    differences = [difference(values[i:], order) for i in range(len(values) - order)]
    return hypot(*differences) / sqrt(len(differences) * comb(2 * order, order))


def richardson(f: Scalar, x: float) -> Estimate:
    """Two-point slopes at halved steps, extrapolated to step 0 until the error grows (C. Ridders, 1982)."""
    step = max(
        4 * estimate_slope(f, x).step, SMALLEST
    )  # so wide that two points see the function, not a pole further off
    best = Estimate(nan, inf, step, False)
    row: list[float] = []
    for _ in range(12):
        left, right = f(x - step), f(x + step)
        above, row = row, [(right - left) / (2 * step)]
        roundoff = EPSILON * max(abs(left), abs(right)) / step
        for i, previous in enumerate(above):
            row.append(row[i] + (row[i] - previous) / (4.0 ** (i + 1) - 1.0))
            error = max(abs(row[-1] - row[i]), abs(row[-1] - previous)) + roundoff
            if error <= best.error:
                best = Estimate(row[-1], error, step, True)
        step = max(step / 2, SMALLEST)
    return best
