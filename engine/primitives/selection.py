"""Comparisons, and what chooses one of its operands."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

from engine.domain import NONZERO, REAL
from engine.kernels import elementary, joint
from engine.primitive import Primitive
from engine.primitives.row import COMPARISON, helper, row


def comparison(name: str, value: Callable[..., float], sign: str, **columns: Any) -> Primitive:
    return row(name, value, None, None, kink=lambda x, y: x - y, sign=sign, precedence=COMPARISON, **columns)


less: Final[Primitive] = comparison("less", joint.less, "<")
less_equal: Final[Primitive] = comparison("less_equal", joint.less_equal, "<=", latex=r"{0}\le {1}")
greater: Final[Primitive] = comparison("greater", joint.greater, ">")
greater_equal: Final[Primitive] = comparison("greater_equal", joint.greater_equal, ">=", latex=r"{0}\ge {1}")
select: Final[Primitive] = row(
    "select",
    joint.select,
    None,
    lambda condition, a, b: select(condition, 1.0, 0.0),
    lambda condition, a, b: select(condition, 0.0, 1.0),
    domain=(NONZERO, REAL, REAL),
    python="where({0}, {1}, {2})",
    latex=r"\begin{cases}{{1}}&\text{if }{{0}}\\{{2}}&\text{otherwise}\end{cases}",
    structural=True,
)
where: Final[Primitive] = row(
    "where", elementary.identity, lambda x: 1.0, doc="the arm that was taken", formula=lambda x: x
)
maximum: Final[Primitive] = row(
    "maximum",
    joint.maximum,
    lambda x, y: wins(x, y),
    lambda x, y: wins(y, x),
    kink=lambda x, y: x - y,
    symbol=r"\max",
    structural=True,
)
minimum: Final[Primitive] = row(
    "minimum",
    joint.minimum,
    lambda x, y: wins(-x, -y),
    lambda x, y: wins(-y, -x),
    kink=lambda x, y: x - y,
    symbol=r"\min",
    structural=True,
)
clamp: Final[Primitive] = row(
    "clamp",
    joint.clamp,
    lambda x, low, high: within(x, low, high),
    lambda x, low, high: less(x, low) * less_equal(low, high),
    lambda x, low, high: less(high, maximum(x, low)),
    kink=lambda x, low, high: (x - low) * (x - high) * (high - low),
    formula=lambda x, low, high: minimum(maximum(x, low), high),
    structural=(  # a bound that x stands on has a slope of 0, but it is looked at
        True,
        lambda x, low, high: wins(low, x) * wins(-low, -high),
        lambda x, low, high: wins(-high, -maximum(x, low)),
    ),
)

# Helper rows: what the table needs to be closed under differentiation

step: Final[Primitive] = helper(
    "step",
    elementary.step,
    None,
    kink=lambda x: x,
    formula=lambda x: select(greater(x, 0.0), 1.0, 0.0),
)
wins: Final[Primitive] = helper(
    "wins",
    joint.wins,
    None,
    None,
    kink=lambda x, y: x - y,
    doc="the slope of maximum to its first argument",
    formula=lambda x, y: select(greater(x, y), 1.0, select(less(x, y), 0.0, 0.5)),
)
inside: Final[Primitive] = helper(
    "inside",
    joint.inside,
    None,
    None,
    None,
    kink=lambda x, low, high: (x - low) * (x - high),
    formula=lambda x, low, high: less(low, x) * less(x, high),
)
within: Final[Primitive] = helper(
    "within",
    joint.within,
    None,
    None,
    None,
    kink=lambda x, low, high: (x - low) * (x - high),
    formula=lambda x, low, high: less_equal(low, x) * less_equal(x, high),
)
equal: Final[Primitive] = helper(
    "equal",
    joint.equal,
    None,
    None,
    kink=lambda x, y: x - y,
    sign="==",
    precedence=COMPARISON,
    formula=lambda x, y: less_equal(x, y) * less_equal(y, x),
)
matches: Final[Primitive] = helper(
    "matches",
    joint.matches,
    None,
    None,
    kink=lambda x, y: x - y,
    doc="1 where both are equal, or both nan",
    formula=lambda x, y: less_equal(x, y) * less_equal(y, x),
)
defined: Final[Primitive] = helper(
    "defined", elementary.defined, None, doc="1 for a number, nan for nan", formula=lambda x: 1.0
)


def not_above(x: Any, limit: Any) -> Any:
    """0 where x > limit, else 1; 1 for nan."""
    return within(x, -inf, limit)
