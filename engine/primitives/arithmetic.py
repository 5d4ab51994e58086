"""Notation, arithmetic, comparisons, rounding, powers, angles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from engine.domain import NONZERO, POSITIVE, REAL, WHOLE
from engine.kernels import elementary, joint, special
from engine.primitive import Primitive, register

# Precedence, as in Python's grammar: the higher binds the tighter. primitive.ATOM is the highest.
COMPARISON: Final = 10
SUM: Final = 20
PRODUCT: Final = 30
SIGN: Final = 40
POWER: Final = 50


def row(
    name: str, value: Callable[..., float], *partials: Callable[..., Any] | None, **columns: Any
) -> Primitive:
    """A new row of the table; the columns are described at Primitive."""
    return register(Primitive(name, value, *partials, **columns))


def function(latex: str) -> str:
    return rf"{latex}\left({{0}}\right)"


identity: Final[Primitive] = row("identity", elementary.identity, lambda x: 1.0, python="{0}", latex="{0}")
where: Final[Primitive] = row("where", elementary.identity, lambda x: 1.0, doc="the arm that was taken")
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

add: Final[Primitive] = row(
    "add",
    elementary.add,
    lambda x, y: 1.0,
    lambda x, y: 1.0,
    python="{0} + {1}",
    latex="{0}+{1}",
    precedence=SUM,
)
sub: Final[Primitive] = row(
    "sub",
    elementary.sub,
    lambda x, y: 1.0,
    lambda x, y: -1.0,
    python="{0} - {1}",
    latex="{0}-{1}",
    precedence=SUM,
)
mul: Final[Primitive] = row(
    "mul",
    elementary.mul,
    lambda x, y: y,
    lambda x, y: x,
    python="{0} * {1}",
    latex=r"{0}\,{1}",
    precedence=PRODUCT,
)
div: Final[Primitive] = row(
    "div",
    elementary.div,
    lambda x, y: 1.0 / y,
    lambda x, y: -(x / y) / y,
    domain=(REAL, NONZERO),
    python="{0} / {1}",
    latex=r"\frac{{0}}{{1}}",
    precedence=PRODUCT,
)
over: Final[Primitive] = row(
    "over",
    joint.over,
    lambda x, y: over(1.0, y),
    lambda x, y: -over(over(x, y), y),
    domain=(REAL, POSITIVE),
    latex=r"\frac{{0}}{{1}}",
    precedence=PRODUCT,
    doc="x / y where y is not negative; nan elsewhere, as log is",
)
neg: Final[Primitive] = row(
    "neg", elementary.neg, lambda x: -1.0, python="-{0}", latex="-{0}", precedence=SIGN
)
reciprocal: Final[Primitive] = row(
    "reciprocal",
    elementary.reciprocal,
    lambda x: -(reciprocal(x) * reciprocal(x)),
    domain=NONZERO,
    latex=r"\frac{1}{{0}}",
    precedence=PRODUCT,
)
square: Final[Primitive] = row(
    "square", elementary.square, lambda x: x + x, latex="{0}^{2}", precedence=POWER
)

less: Final[Primitive] = row(
    "less", joint.less, None, None, python="{0} < {1}", latex="{0}<{1}", precedence=COMPARISON
)
less_equal: Final[Primitive] = row(
    "less_equal",
    joint.less_equal,
    None,
    None,
    python="{0} <= {1}",
    latex=r"{0}\le {1}",
    precedence=COMPARISON,
)
greater: Final[Primitive] = row(
    "greater", joint.greater, None, None, python="{0} > {1}", latex="{0}>{1}", precedence=COMPARISON
)
greater_equal: Final[Primitive] = row(
    "greater_equal",
    joint.greater_equal,
    None,
    None,
    python="{0} >= {1}",
    latex=r"{0}\ge {1}",
    precedence=COMPARISON,
)
matches: Final[Primitive] = row(
    "matches", joint.matches, None, None, doc="1 where both are equal, or both nan"
)
defined: Final[Primitive] = row("defined", elementary.defined, None, doc="1 for a number, nan for nan")
step: Final[Primitive] = row(
    "step", elementary.step, None, kink=elementary.identity, doc="1 for x > 0, else 0"
)
wins: Final[Primitive] = row("wins", joint.wins, None, None, doc="the slope of maximum to its first argument")
inside: Final[Primitive] = row(
    "inside", joint.inside, None, None, None, doc="1 strictly between the bounds, else 0"
)
within: Final[Primitive] = row(
    "within", joint.within, None, None, None, doc="1 between the bounds and on them, else 0"
)

sign: Final[Primitive] = row(
    "sign", elementary.sign, None, kink=elementary.identity, latex=r"\operatorname{sgn}\left({0}\right)"
)
floor: Final[Primitive] = row(
    "floor",
    elementary.floor,
    None,
    kink=lambda x: x - elementary.nearest(x),
    latex=r"\left\lfloor {0}\right\rfloor",
)
ceil: Final[Primitive] = row(
    "ceil",
    elementary.ceil,
    None,
    kink=lambda x: x - elementary.nearest(x),
    latex=r"\left\lceil {0}\right\rceil",
)
trunc: Final[Primitive] = row("trunc", elementary.trunc, None, kink=lambda x: x - elementary.nearest(x))
round: Final[Primitive] = row(
    "round",
    elementary.nearest,
    None,
    kink=lambda x: x - elementary.floor(x) - 0.5,
    latex=r"\left\lfloor {0}\right\rceil",
)
abs: Final[Primitive] = row(
    "abs", elementary.absolute, lambda x: sign(x), kink=elementary.identity, latex=r"\left|{0}\right|"
)
copysign: Final[Primitive] = row(
    "copysign",
    joint.copysign,
    lambda x, y: sign(x) * copysign(1.0, y),
    None,
    kink=lambda x, y: x * y,
)

power_term: Final[Primitive] = row(
    "power_term",
    joint.power_term,
    lambda c, x, y, n, k: power_term(1.0, x, y, n, k),
    lambda c, x, y, n, k: (
        power_term(c * (y - n), x, y, n + 1.0, k) + power_term(c * k, x, y, n + 1.0, k - 1.0)
    ),
    lambda c, x, y, n, k: power_term(c, x, y, n, k + 1.0),
    None,
    None,
    domain=(REAL, POSITIVE, REAL, WHOLE, WHOLE),
    latex=r"{0}\,{1}^{{2}-{3}}\,\left(\ln {1}\right)^{{4}}",
    precedence=PRODUCT,
    doc="c x**(y - n) log(x)**k: every derivative of a power is a sum of these",
)
pow: Final[Primitive] = row(
    "pow",
    joint.power,
    lambda x, y: power_term(y, x, y, 1.0, 0.0),
    lambda x, y: power_term(1.0, x, y, 0.0, 1.0),
    domain=(POSITIVE, REAL),
    python="{0} ** {1}",
    latex="{0}^{{1}}",
    precedence=POWER,
)

fmod: Final[Primitive] = row(
    "fmod",
    joint.fmod,
    lambda x, y: defined(fmod(x, y)),
    lambda x, y: -round((x - fmod(x, y)) / y),
    domain=(REAL, NONZERO),
    kink=joint.remainder,
)
mod: Final[Primitive] = row(
    "mod",
    joint.mod,
    lambda x, y: defined(mod(x, y)),
    lambda x, y: -round((x - mod(x, y)) / y),
    domain=(REAL, NONZERO),
    kink=joint.remainder,
    python="{0} % {1}",
    latex=r"{0}\bmod {1}",
    precedence=PRODUCT,
)
remainder: Final[Primitive] = row(
    "remainder",
    joint.remainder,
    lambda x, y: defined(remainder(x, y)),
    lambda x, y: -round((x - remainder(x, y)) / y),
    domain=(REAL, NONZERO),
    kink=lambda x, y: math.fabs(joint.remainder(x, y)) - 0.5 * math.fabs(y),
)
floordiv: Final[Primitive] = row(
    "floordiv",
    joint.floordiv,
    None,
    None,
    domain=(REAL, NONZERO),
    kink=joint.remainder,
    python="{0} // {1}",
    latex=r"\left\lfloor \frac{{0}}{{1}}\right\rfloor",
    precedence=PRODUCT,
)

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

angle_curvature: Final[Primitive] = row(
    "angle_curvature",
    joint.angle_curvature,
    lambda x, y: 2.0 * angle_slope(x, y) * (square(angle_slope(x, y)) - 3.0 * square(angle_slope(y, x))),
    lambda x, y: 2.0 * angle_slope(y, x) * (3.0 * square(angle_slope(x, y)) - square(angle_slope(y, x))),
    kink=special.hypot,
    doc="(y**2 - x**2) / (x**2 + y**2)**2",
)
angle_slope: Final[Primitive] = row(
    "angle_slope",
    joint.angle_slope,
    lambda x, y: angle_curvature(x, y),
    lambda x, y: -2.0 * angle_slope(x, y) * angle_slope(y, x),
    kink=special.hypot,
    doc="x / (x**2 + y**2), 0 at the origin",
)
unit: Final[Primitive] = row(
    "unit",
    joint.unit,
    lambda x, y: unit(y, x) * angle_slope(y, x),
    lambda x, y: -unit(y, x) * angle_slope(x, y),
    kink=special.hypot,
    doc="x / hypot(x, y), 0 at the origin",
)
hypot: Final[Primitive] = row(
    "hypot",
    special.hypot,
    lambda x, y: unit(x, y),
    lambda x, y: unit(y, x),
    kink=special.hypot,
    latex=r"\sqrt{{0}^{2}+{1}^{2}}",
)
atan2: Final[Primitive] = row(
    "atan2",
    joint.atan2,
    lambda y, x: angle_slope(x, y),
    lambda y, x: -angle_slope(y, x),
    kink=lambda y, x: y if x <= 0.0 else special.hypot(x, y),
    latex=r"\operatorname{atan2}\left({0}, {1}\right)",
)
