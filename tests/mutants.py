"""Wrong rules on purpose: does the checker notice?

    python tests/mutants.py

Prints killed / total for three seeds, and lists every survivor. The mutants of the sweep and the
transforms are in source_mutants.py.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from math import inf, isfinite
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, given, seed, settings

from engine.modes import no_grad, recording
from engine.node import Node
from engine.primitive import TABLE, Primitive
from engine.testing import Expression, GradientError, from_primitive, gradcheck
from engine.testing.analytic import reverse
from engine.testing.subject import subject

SEEDS = (1, 2, 3)
POINTS = 60  # at which a rule is tried, at most
KINDS = ("scaled", "negated", "dropped", "assigned", "swapped", "edge")
SLIGHTLY = 1.0 + 1e-7

SAME = "the partials of all arguments are the same number"
ELSEWHERE = "this partial does not depend on this argument, so it cannot be off by one in it"
EQUIVALENT = {
    ("add", "swapped", 0): SAME,
    ("sum", "swapped", 0): SAME,
    ("sum", "swapped", 1): SAME,
    ("mean", "swapped", 0): SAME,
    ("mean", "swapped", 1): SAME,
    ("fmod", "edge", 0): ELSEWHERE,
    ("mod", "edge", 0): ELSEWHERE,
    ("remainder", "edge", 0): ELSEWHERE,
    ("leaky_slope", "edge", 1): ELSEWHERE,
    ("leaky_relu", "edge", 1): ELSEWHERE,
    ("elu", "edge", 1): ELSEWHERE,
    ("elu_slope", "edge", 1): ELSEWHERE,
    ("elu_curvature", "edge", 1): ELSEWHERE,
}
# shift takes no gradient, although its value moves: the results do not depend on it. The others are what prod
# is made of: the octaves that one takes away, in a jump, the other gives back.
RULELESS = ("shift", "fraction", "scaled")
DEAD_ARMS = {"select": Expression(lambda a, b: TABLE["select"](0.0, a, b), a=2.0, b=3.0)}


class Mutant(NamedTuple):
    row: Primitive
    kind: str
    argument: int

    @property
    def name(self) -> str:
        return f"{self.row.name}, argument {self.argument}: {self.kind}"


def rules() -> Iterator[Primitive]:
    """The rows that have a rule to be mutated."""
    for row in TABLE.values():
        if row.name not in RULELESS and (row.gradient is not None or any(row.partials)):
            yield row


def mutants(row: Primitive) -> Iterator[Mutant]:
    """Every way of making its rule wrong, for every argument; of an n-ary row, the first two."""
    count = 2 if row.gradient is not None else len(row.partials)
    for i in range(count):
        if row.gradient is None and row.partials[i] is None:
            continue
        yield from (Mutant(row, kind, i) for kind in ("scaled", "negated", "dropped", "assigned"))
        if row.gradient is not None or (i + 1 < count and row.partials[i + 1]):
            yield Mutant(row, "swapped", i)
        if row.kink is not None or row.domain[0 if row.gradient else i].low > -inf:
            yield Mutant(row, "edge", i)


def mutated(mutant: Mutant) -> Primitive:
    """The row with the wrong rule. The value is right, as it would be in a user's first draft."""
    row, i = mutant.row, mutant.argument

    def gradient(xs: list[Any]) -> list[Any]:
        partials = list(row.local_gradient(xs))
        if i < len(partials):
            wrong(mutant, partials, xs)
        return partials

    return Primitive(row.name, row.evaluate, gradient=gradient, domain=row.domain)


def wrong(mutant: Mutant, partials: list[Any], xs: list[Any]) -> None:
    """Spoils the partials in place."""
    row, kind, i = mutant
    if partials[i] is None:
        return
    if kind == "scaled":
        partials[i] = partials[i] * SLIGHTLY
    elif kind == "negated":
        partials[i] = -partials[i]
    elif kind == "dropped":
        partials[i] = None
    elif kind == "swapped" and i + 1 < len(partials):
        partials[i], partials[i + 1] = partials[i + 1], partials[i]
    elif kind == "edge":
        partials[i] = beyond_the_edge(row, partials[i], xs, i)


def beyond_the_edge(row: Primitive, partial: Any, xs: list[Any], i: int) -> Any:
    """The partial as if the kinks lay one further down, or none where the domain has just begun."""
    data = [x._data if isinstance(x, Node) else x for x in xs]
    if row.kink is not None:
        with no_grad():
            return row.local_gradient([*data[:i], data[i] + 1.0, *data[i + 1 :]])[i]
    return 0.0 if data[i] < row.domain[0 if row.gradient else i].low + 1.0 else partial


def points(row: Primitive, number: int) -> list[Expression]:
    """Applications of the row at points where it is smooth."""
    found = [DEAD_ARMS[row.name]] if row.name in DEAD_ARMS else []

    @seed(number)
    @settings(
        max_examples=POINTS, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(from_primitive(row))
    def collect(e: Expression) -> None:
        found.append(e)

    collect()
    return found


def planted(mutant: Mutant, point: Expression) -> Expression:
    """The application at that point, of the mutated row."""
    with recording():
        root = mutated(mutant)(*point.root.parents)
    return Expression.of(root, point.variables)


def rejected(check: Callable[..., bool], mutant: Mutant, point: Expression) -> bool:
    if mutant.kind == "assigned":
        return assigned_rejected(check, mutant, point)
    return not check(planted(mutant, point))


def assigned_rejected(check: Callable[..., bool], mutant: Mutant, point: Expression) -> bool:
    """`=` for `+=`: in row(x, ...) + x, what the row sends to x overwrites what came before."""
    operand = point.root.parents[mutant.argument] if mutant.argument < len(point.root.parents) else None
    if operand not in point.variables:
        return False
    i = point.variables.index(operand)

    def twice(*xs: Any) -> Any:
        return point(*xs) + xs[i]

    def overwritten(*xs: Any) -> list[float]:
        return reverse(subject(point, xs))

    return not check(twice, point.inputs, gradient=overwritten)


def ours(f: Any, inputs: Any = None, **options: Any) -> bool:
    try:
        return gradcheck(f, inputs, **options)
    except GradientError:
        return False


def torchs(f: Any, inputs: Any = None, gradient: Any = None) -> bool:
    """The comparison that torch.autograd.gradcheck makes by default: eps=1e-6, atol=1e-5, rtol=1e-3."""
    case = subject(f, inputs)
    analytic = gradient(*case.xs) if gradient else reverse(case)
    for i, x in enumerate(case.xs):
        along = case.along(i)
        numeric = (along(x + 1e-6) - along(x - 1e-6)) / 2e-6
        if not abs(analytic[i] - numeric) <= 1e-5 + 1e-3 * abs(numeric):
            return False
    return True


def killed(check: Callable[..., bool], mutant: Mutant, tried: list[Expression]) -> bool:
    return any(rejected(check, mutant, point) for point in tried)


class Score(NamedTuple):
    total: Counter[str]
    ours: Counter[str]
    torchs: Counter[str]
    survivors: list[str]
    false_alarms: list[str]


def score(number: int, rows: list[Primitive]) -> Score:
    """Tries every mutant that is not equivalent, with the points of that seed."""
    found = Score(Counter(), Counter(), Counter(), [], [])
    for row in rows:
        tried = [point for point in points(row, number) if isfinite(point.root.data)]
        found.false_alarms.extend(repr(point) for point in tried if not ours(point))
        for mutant in mutants(row):
            if (row.name, mutant.kind, mutant.argument) in EQUIVALENT:
                continue
            found.total[mutant.kind] += 1
            if killed(ours, mutant, tried):
                found.ours[mutant.kind] += 1
            else:
                found.survivors.append(mutant.name)
            found.torchs[mutant.kind] += killed(torchs, mutant, tried)
    return found


def report(number: int, found: Score) -> None:
    everything = found.total.total()
    print(f"seed {number}: killed {found.ours.total()} / {everything} rule mutants,", end=" ")
    print(f"by PyTorch's default tolerances {found.torchs.total()} / {everything}")
    for kind in KINDS:
        print(f"  {kind:9} {found.ours[kind]:5} / {found.total[kind]:<5} {found.torchs[kind]:5}")
    for line in found.survivors:
        print(f"  survived: {line}")
    for line in found.false_alarms:
        print(f"  false alarm: {line}")


def main() -> int:
    scores = {number: score(number, list(rules())) for number in SEEDS}
    for number, found in scores.items():
        report(number, found)
    print(f"{len(EQUIVALENT)} equivalent mutants were left out:")
    for (name, kind, argument), reason in EQUIVALENT.items():
        print(f"  {name}, argument {argument}: {kind}: {reason}")
    return any(found.survivors or found.false_alarms for found in scores.values())


if __name__ == "__main__":
    sys.exit(main())
