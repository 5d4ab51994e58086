"""Errors that operations make when they round, and what becomes of them from node to node."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final, NamedTuple, final

from engine import primitives as p
from engine.edges import passed
from engine.node import Node
from engine.order import nodes_in_order
from engine.primitive import Primitive
from engine.primitives.losses import cross_entropy
from engine.primitives.nary import dot, log_softmax, logsumexp, mean, norm, prod
from engine.primitives.nary import sum as total
from engine.primitives.selection import where

Rational = Callable[[Sequence[Fraction]], Fraction]
DIGITS: Final = 53 * math.log10(2.0)  # of a double
WHOLE: Final = 8  # powers up to it are taken exactly
SEEN: Final = 4.0  # ulps by which an error has to move an operand to be seen at all
STEEP: Final = 16.0  # and by which the result has to move

EXACT: Final[dict[Primitive, Rational]] = {
    p.add: lambda xs: xs[0] + xs[1],
    p.sub: lambda xs: xs[0] - xs[1],
    p.mul: lambda xs: xs[0] * xs[1],
    p.div: lambda xs: xs[0] / xs[1],
    p.reciprocal: lambda xs: 1 / xs[0],
    p.square: lambda xs: xs[0] ** 2,
    total: lambda xs: Fraction(sum(xs)),
    mean: lambda xs: Fraction(sum(xs), len(xs)),
    prod: lambda xs: Fraction(math.prod(xs)),
    dot: lambda xs: Fraction(sum(map(Fraction.__mul__, xs[: len(xs) // 2], xs[len(xs) // 2 :]))),
}
ROOTS: Final[dict[Primitive, Rational]] = {  # of what
    p.sqrt: lambda xs: xs[0],
    p.hypot: lambda xs: xs[0] ** 2 + xs[1] ** 2,
    norm: lambda xs: Fraction(sum(x**2 for x in xs)),
}
UNROUNDED: Final = frozenset((p.neg, p.abs, p.copysign, p.fmod, p.remainder, where))
SUMS: Final = frozenset(  # which may cancel inside
    (p.logaddexp, p.binary_cross_entropy_with_logits, logsumexp, log_softmax, cross_entropy)
)


class Error(NamedTuple):
    """Of a number: what is known, with its sign; how much else there may be; and how far from straight the
    rows below are over that distance, of which derivatives do not tell."""

    known: float = 0.0
    unknown: float = 0.0
    bent: float = 0.0

    @property
    def size(self) -> float:
        return math.hypot(self.known, self.unknown) + self.bent


NONE: Final = Error()


def own_error(node: Node) -> tuple[float, float | None]:
    """How far a value is from its row at the values of the operands, at most; and exactly, if that is known:
    row minus value."""
    row, value, xs = node.primitive, node._data, [x._data for x in node.parents]
    if is_unrounded(row) or not math.isfinite(value) or not all(map(math.isfinite, xs)):
        return 0.0, 0.0
    known = known_error(row, value, xs)
    if known is not None:
        return abs(known), known
    largest = abs(value)
    if row in SUMS:
        slopes = zip(xs, passed(node), strict=True)
        largest = max(largest, *(abs(x * d) for x, d in slopes if d is not None))
    ulps = row.ulps + (len(xs) / 4.0 if row.gradient is not None else 0.0)
    return ulps * math.ulp(largest), None


def is_unrounded(row: Primitive) -> bool:
    """Whether its value is one of its operands, or a whole number."""
    flat = row.gradient is None and not any(row.partials)
    return flat or row in UNROUNDED or True in row.structural or row.name == "identity"


def known_error(row: Primitive, value: float, xs: Sequence[float]) -> float | None:
    """Of what is rational, or the root of that."""
    exact = [Fraction(x) for x in xs]
    if row is p.pow and xs[1] in range(WHOLE + 1):
        return float(exact[0] ** int(xs[1]) - Fraction(value))
    if row in EXACT and not (row in (p.div, p.reciprocal) and exact[-1] == 0):
        return float(EXACT[row](exact) - Fraction(value))
    if row in ROOTS and value > 0.0:  # x = (v + e)**2
        v = Fraction(value)
        return float((ROOTS[row](exact) - v * v) / (2 * v))
    return None


@final
class ErrorFlow:
    """The errors of all nodes, each passed on to those that use it."""

    def __init__(self) -> None:
        self.errors: dict[int, Error] = {}

    def of(self, node: Node) -> Error:
        return self.errors.get(id(node), NONE)

    def reach(self, node: Node) -> tuple[float, float]:
        """Takes the errors of the operands along to a node. Returns what it adds, at most, and how many
        times it magnifies a relative error."""
        most, known = own_error(node)
        slopes = [0.0 if d is None else d for d in passed(node)]
        arriving = [(d, self.of(x)) for x, d in zip(node.parents, slopes, strict=True) if d]
        random = [d * error.unknown for d, error in arriving if error.unknown]
        if known is None:
            random.append(most / math.sqrt(12.0))  # as if anything up to half of it were as likely
        self.errors[id(node)] = Error(
            sum(d * error.known for d, error in arriving if error.known) + (known or 0.0),
            math.hypot(*random),
            self.bend(node, slopes) if any(self.of(x) != NONE for x in node.parents) else 0.0,
        )
        relative = (abs(d * x._data) for x, d in zip(node.parents, slopes, strict=True) if d)
        return most, max((x / abs(node._data) if node._data else math.inf for x in relative), default=0.0)

    def bend(self, node: Node, slopes: Sequence[float]) -> float:
        """How far a row is from straight over its errors; where operands bend, over that, too."""
        row, value, xs = node.primitive, node._data, [x._data for x in node.parents]
        errors = [self.of(x) for x in node.parents]
        spread = [error.bent for error in errors]
        found = sum(abs(d) * r for d, r in zip(slopes, spread, strict=True) if r)
        if row.foreign:
            return found
        if found:
            found = max(found, *(abs(moved(row, xs, slopes, spread, way) - value) for way in (1.0, -1.0)))
        shifts = [
            e.known if abs(e.known) > e.unknown else math.copysign(e.unknown, d)
            for e, d in zip(errors, slopes, strict=True)
        ]
        shifts = [e if abs(e) > SEEN * math.ulp(x) else 0.0 for e, x in zip(shifts, xs, strict=True)]
        if any(shifts):
            straight = sum(d * e for d, e in zip(slopes, shifts, strict=True) if e)
            there = row.evaluate([x + e for x, e in zip(xs, shifts, strict=True)]) - value
            far = max(abs(straight), abs(there))
            if not (far <= STEEP * math.ulp(value) or abs(there - straight) <= far / 2.0):
                found += abs(there - straight)
        return math.inf if math.isnan(found) else found


def moved(
    row: Primitive, xs: Sequence[float], slopes: Sequence[float], by: Sequence[float], way: float
) -> float:
    """The row where every operand is moved so that all push the value one way."""
    return row.evaluate([x + way * math.copysign(r, d) for x, d, r in zip(xs, slopes, by, strict=True)])


def right_digits(error: float, value: float) -> float:
    """How many decimal digits of a value are right."""
    if error == 0.0:
        return DIGITS
    if value == 0.0 or not error < abs(value):
        return 0.0
    return min(DIGITS, -math.log10(error / abs(value)))


def digits_below(root: Node) -> dict[int, float]:
    """How many digits are right, for each node by id."""
    flow = ErrorFlow()
    order = nodes_in_order(root)
    for node in order:
        if not node.is_leaf:
            flow.reach(node)
    return {id(node): right_digits(flow.of(node).size, node._data) for node in order}
