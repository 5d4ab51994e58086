"""Arithmetic."""

from __future__ import annotations

from typing import Final

from engine.domain import NONZERO, POSITIVE, REAL
from engine.kernels import elementary, joint
from engine.primitive import Coefficient, Primitive
from engine.primitives.row import POWER, PRODUCT, SIGN, SUM, helper, row
from engine.primitives.selection import defined

add: Final[Primitive] = row(
    "add", elementary.add, lambda x, y: 1.0, lambda x, y: 1.0, sign="+", precedence=SUM
)
sub: Final[Primitive] = row(
    "sub", elementary.sub, lambda x, y: 1.0, lambda x, y: -1.0, sign="-", precedence=SUM
)
mul: Final[Primitive] = row(
    "mul", elementary.mul, lambda x, y: y, lambda x, y: x, sign="*", latex=r"{0}\,{1}", precedence=PRODUCT
)
div: Final[Primitive] = row(
    "div",
    elementary.div,
    lambda x, y: 1.0 / y,
    lambda x, y: -(x / y) / y,
    domain=(REAL, NONZERO),
    sign="/",
    latex=r"\frac{{0}}{{1}}",
    precedence=PRODUCT,
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
    formula=lambda x: 1.0 / x,
)
square: Final[Primitive] = row(
    "square", elementary.square, lambda x: x + x, latex="{0}^{2}", precedence=POWER
)

# Helper rows: what the table needs to be closed under differentiation

identity: Final[Primitive] = helper(
    "identity", elementary.identity, lambda x: 1.0, python="{0}", formula=lambda x: x
)
over: Final[Primitive] = helper(
    "over",
    joint.over,
    lambda x, y: over(1.0, y),
    lambda x, y: -over(over(x, y), y),
    domain=(REAL, POSITIVE),
    doc="x / y where y is not negative; nan elsewhere, as log is",
    formula=lambda x, y: x / y,
    structural=(False, Coefficient(lambda x, y: x * defined(y))),
)
