"""Functions of many arguments.

An n-ary row has a `gradient` instead of partials: from the list of operands to all the derivatives.
What it needs of "all operands but this one" is built from running results of both sides, so that
nothing is divided out or subtracted again, and second derivatives are accurate too.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from engine.domain import POSITIVE, REAL, WHOLE
from engine.kernels import joint, lists, products
from engine.primitive import Primitive
from engine.primitives.exponentials import exp, exp2, log, logistic_slope, sqrt
from engine.primitives.row import helper, row
from engine.primitives.selection import matches
from engine.primitives.trigonometry import hypot, unit

FEW: Final = (
    8  # factors: of more, products are not multiplied anew for each; second derivatives can be inf then
)


def all_but_each(terms: Sequence[Any], combine: Callable[[Any, Any], Any], empty: float) -> list[Any]:
    """For each term, all the others combined, in linear time."""
    before: list[Any] = [empty]
    after: list[Any] = [empty]
    for term in terms[:-1]:
        before.append(combine(before[-1], term))
    for term in reversed(terms[1:]):
        after.append(combine(after[-1], term))
    return [combine(left, right) for left, right in zip(before, reversed(after), strict=True)]


def products_of_others(xs: Sequence[Any]) -> list[Any]:
    """For each of xs, the product of all the others, out of range only if it is so at the end."""
    if len(xs) < 4:  # two factors are out of range on the way only if their product is
        return all_but_each(xs, operator.mul, 1.0)
    if len(xs) <= FEW:
        return [prod(*xs[:i], *xs[i + 1 :]) for i in range(len(xs))]
    before, after = running_products(xs[:-1]), running_products(xs[:0:-1])
    return [scaled(x * y, k + m) for (x, k), (y, m) in zip(before, reversed(after), strict=True)]


def running_products(xs: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The products of the first of xs, each as a fraction and the octaves that were taken from it."""
    products: list[tuple[Any, Any]] = [(1.0, 0.0)]
    for x in xs:
        part, taken = products[-1]
        products.append((fraction(part, x), taken + octave(part, x)))
    return products


def weights(xs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """exp(x) for each x, scaled so that the largest is 1; and the sum of the others for each."""
    top = shift(*xs)
    terms = [shifted_exp(x, top) for x in xs]
    return terms, all_but_each(terms, operator.add, 0.0)


def shares(xs: Sequence[Any]) -> list[Any]:
    """The softmax of xs."""
    return [share(term, others) for term, others in zip(*weights(xs), strict=True)]


def residuals(xs: Sequence[Any]) -> list[Any]:
    """The softmax of xs minus 1 for the first, which is minus the share of all the others."""
    terms, others = weights(xs)
    return [-share(others[0], terms[0]), *map(share, terms[1:], others[1:])]


def softmax_gradient(xs: Sequence[Any]) -> list[Any]:
    """Of the first share s: s (1 - s), then -s times each other share, without a subtraction.

    Of two logits a row has both, whose derivative does not cancel where they are equal."""
    if len(xs) == 2:
        slope = logistic_slope(*xs)
        return [slope, -slope]
    terms, others = weights(xs)
    first = share(terms[0], others[0])
    return [
        first * share(others[0], terms[0]),
        *(-first * share(term, rest) for term, rest in zip(terms[1:], others[1:], strict=True)),
    ]


def ties(xs: Sequence[Any], chosen: Any) -> list[Any]:
    """1 shared by all of xs that equal the chosen one."""
    hits = [matches(x, chosen) for x in xs]
    count = functools.reduce(operator.add, hits)
    return [hit / count for hit in hits]


def spread(xs: list[float]) -> float:
    """How far the largest is above the next: 0 at the kinks of max."""
    first, second = sorted(xs)[-1:-3:-1] if len(xs) > 1 else (1.0, 0.0)
    return first - second


sum: Final[Primitive] = row("sum", lists.total, gradient=lambda xs: [1.0] * len(xs))
prod: Final[Primitive] = row("prod", products.product, gradient=products_of_others)
mean: Final[Primitive] = row(
    "mean",
    lists.mean,
    gradient=lambda xs: [1.0 / len(xs)] * len(xs),
    formula=lambda xs: sum(*xs) / float(len(xs)),
)
dot: Final[Primitive] = row(
    "dot",
    lists.dot,
    gradient=lambda xs: [*xs[len(xs) // 2 :], *xs[: len(xs) // 2]],
    python="dot([{left}], [{right}])",
    latex=r"\left({left}\right)\cdot\left({right}\right)",
    formula=lambda xs: sum(*map(operator.mul, xs[: len(xs) // 2], xs[len(xs) // 2 :])),
)
norm: Final[Primitive] = row(
    "norm",
    lists.norm,
    gradient=lambda xs: [unit(x, rest) for x, rest in zip(xs, all_but_each(xs, hypot, 0.0), strict=True)],
    kink=lists.norm,
    latex=r"\left\Vert {*}\right\Vert",
    formula=lambda xs: sqrt(sum(*[x**2 for x in xs])),
)
max: Final[Primitive] = row(
    "max", lists.largest, gradient=lambda xs: ties(xs, max(*xs)), kink=spread, structural=True, symbol=r"\max"
)
min: Final[Primitive] = row(
    "min",
    lists.smallest,
    gradient=lambda xs: ties(xs, min(*xs)),
    kink=lambda xs: spread([-x for x in xs]),
    structural=True,
    symbol=r"\min",
)
logsumexp: Final[Primitive] = row(
    "logsumexp",
    lists.logsumexp,
    gradient=shares,
    formula=lambda xs: log(sum(*map(exp, xs))),
    ulps=4.0,
)
softmax: Final[Primitive] = row(
    "softmax",
    lists.softmax,
    gradient=softmax_gradient,
    python="softmax([{*}])[0]",
    doc="the component of the first operand",
    formula=lambda xs: exp(xs[0]) / sum(*map(exp, xs)),
    ulps=2.5,
)
log_softmax: Final[Primitive] = row(
    "log_softmax",
    lists.log_softmax,
    gradient=lambda xs: [-residual for residual in residuals(xs)],
    python="log_softmax([{*}])[0]",
    doc="the component of the first operand",
    formula=lambda xs: xs[0] - logsumexp(*xs),
    ulps=4.0,
)

# Helper rows: what the table needs to be closed under differentiation

shift: Final[Primitive] = helper(
    "shift",
    lists.largest,
    gradient=lambda xs: [None] * len(xs),
    doc="the largest, where the result does not depend on it: it takes no gradient",
    formula=lambda xs: 0.0,
)
shifted_exp: Final[Primitive] = helper(
    "shifted_exp",
    joint.shifted_exp,
    lambda x, top: shifted_exp(x, top),
    None,
    formula=lambda x, top: exp(x - top),
)
share: Final[Primitive] = helper(
    "share",
    joint.share,
    lambda x, y: share(y, x) / (x + y),
    lambda x, y: -share(x, y) / (x + y),
    domain=POSITIVE,
    formula=lambda x, y: x / (x + y),
)
fraction: Final[Primitive] = helper(
    "fraction",
    products.fraction,
    lambda p, x: scaled(x, -octave(p, x)),
    lambda p, x: scaled(p, -octave(p, x)),
    formula=lambda p, x: p * x,
)
octave: Final[Primitive] = helper("octave", products.octave, None, None, formula=lambda p, x: 0.0)
scaled: Final[Primitive] = helper(
    "scaled",
    products.scaled,
    lambda x, k: scaled(1.0, k),
    None,
    domain=(REAL, WHOLE),
    doc="x 2**(512 k)",
    formula=lambda x, k: x * exp2(512.0 * k),
)
