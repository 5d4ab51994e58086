"""Comparisons, and what chooses one of its operands."""

from __future__ import annotations

from typing import Final

from engine.domain import NONZERO, REAL
from engine.kernels import elementary, joint
from engine.primitive import Primitive
from engine.primitives.row import COMPARISON, row

less: Final[Primitive] = row(
    "less",
    joint.less,
    None,
    None,
    kink=elementary.sub,
    python="{0} < {1}",
    latex="{0}<{1}",
    precedence=COMPARISON,
)
less_equal: Final[Primitive] = row(
    "less_equal",
    joint.less_equal,
    None,
    None,
    kink=elementary.sub,
    python="{0} <= {1}",
    latex=r"{0}\le {1}",
    precedence=COMPARISON,
)
greater: Final[Primitive] = row(
    "greater",
    joint.greater,
    None,
    None,
    kink=elementary.sub,
    python="{0} > {1}",
    latex="{0}>{1}",
    precedence=COMPARISON,
)
greater_equal: Final[Primitive] = row(
    "greater_equal",
    joint.greater_equal,
    None,
    None,
    kink=elementary.sub,
    python="{0} >= {1}",
    latex=r"{0}\ge {1}",
    precedence=COMPARISON,
)
where: Final[Primitive] = row("where", elementary.identity, lambda x: 1.0, doc="the arm that was taken")
maximum: Final[Primitive] = row(
    "maximum",
    joint.maximum,
    lambda x, y: wins(x, y),
    lambda x, y: wins(y, x),
    kink=elementary.sub,
    latex=r"\max\left({0}, {1}\right)",
)
minimum: Final[Primitive] = row(
    "minimum",
    joint.minimum,
    lambda x, y: wins(-x, -y),
    lambda x, y: wins(-y, -x),
    kink=elementary.sub,
    latex=r"\min\left({0}, {1}\right)",
)
clamp: Final[Primitive] = row(
    "clamp",
    joint.clamp,
    lambda x, low, high: within(x, low, high),
    lambda x, low, high: less(x, low) * less_equal(low, high),
    lambda x, low, high: less(high, maximum(x, low)),
    kink=lambda x, low, high: (x - low) * (x - high) * (high - low),
)

# Helper rows: what the table needs to be closed under differentiation

select: Final[Primitive] = row(
    "select",
    joint.select,
    None,
    lambda condition, a, b: select(condition, 1.0, 0.0),
    lambda condition, a, b: select(condition, 0.0, 1.0),
    domain=(NONZERO, REAL, REAL),
    python="where({0}, {1}, {2})",
    latex=r"\begin{cases}{1}&\text{if }{0}\\{2}&\text{otherwise}\end{cases}",
)
step: Final[Primitive] = row(
    "step", elementary.step, None, kink=elementary.identity, doc="1 for x > 0, else 0"
)
wins: Final[Primitive] = row(
    "wins", joint.wins, None, None, kink=elementary.sub, doc="the slope of maximum to its first argument"
)
inside: Final[Primitive] = row(
    "inside",
    joint.inside,
    None,
    None,
    None,
    kink=lambda x, low, high: (x - low) * (x - high),
    doc="1 strictly between the bounds, else 0",
)
within: Final[Primitive] = row(
    "within",
    joint.within,
    None,
    None,
    None,
    kink=lambda x, low, high: (x - low) * (x - high),
    doc="1 between the bounds and on them, else 0",
)
matches: Final[Primitive] = row(
    "matches", joint.matches, None, None, kink=elementary.sub, doc="1 where both are equal, or both nan"
)


defined: Final[Primitive] = row("defined", elementary.defined, None, doc="1 for a number, nan for nan")
