"""Exponentials, logarithms, powers and roots."""

from __future__ import annotations

from typing import Final

from engine.domain import ABOVE_MINUS_ONE, ABOVE_ONE, NONZERO, POSITIVE, REAL, UNIT, WHOLE
from engine.kernels import elementary, joint, logarithms, powers, slopes
from engine.primitive import Primitive
from engine.primitives.arithmetic import over
from engine.primitives.row import POWER, PRODUCT, helper, row
from engine.primitives.selection import defined, maximum, step

LN2: Final = 0.6931471805599453
LOG2_E: Final = 1.4426950408889634
LOG10_E: Final = 0.4342944819032518
exp: Final[Primitive] = row("exp", elementary.exp, lambda x: exp(x), latex="e^{{0}}", precedence=POWER)
exp2: Final[Primitive] = row(
    "exp2",
    elementary.exp2,
    lambda x: exp2(x) * LN2,
    latex="2^{{0}}",
    precedence=POWER,
    formula=lambda x: 2.0**x,
)
expm1: Final[Primitive] = row(
    "expm1",
    elementary.expm1,
    lambda x: exp(x),
    latex=r"\left(e^{{0}}-1\right)",
    python="expm1({0})",
    formula=lambda x: exp(x) - 1.0,
)
log: Final[Primitive] = row("log", elementary.log, lambda x: over(1.0, x), domain=POSITIVE, symbol=r"\ln")
log1p: Final[Primitive] = row(
    "log1p",
    elementary.log1p,
    lambda x: over(1.0, 1.0 + x),
    domain=ABOVE_MINUS_ONE,
    latex=r"\ln\left(1+{0}\right)",
    formula=lambda x: log(1.0 + x),
)
log2: Final[Primitive] = row(
    "log2",
    elementary.log2,
    lambda x: over(LOG2_E, x),
    domain=POSITIVE,
    symbol=r"\log_{2}",
    formula=lambda x: log(x) / log(2.0),
)
log10: Final[Primitive] = row(
    "log10",
    elementary.log10,
    lambda x: over(LOG10_E, x),
    domain=POSITIVE,
    symbol=r"\log_{10}",
    formula=lambda x: log(x) / log(10.0),
)
log_base: Final[Primitive] = row(
    "log_base",
    logarithms.log_base,
    lambda x, base: over(1.0 / log(base), x),
    lambda x, base: -(log(x) / base) / (log(base) * log(base)),
    domain=(POSITIVE, ABOVE_ONE),
    python="log({0}, {1})",
    latex=r"\log_{{1}}\left({0}\right)",
    formula=lambda x, base: log(x) / log(base),
)
pow: Final[Primitive] = row(
    "pow",
    powers.power,
    lambda x, y: power_term(y, x, y, 1.0, 0.0),
    lambda x, y: power_term(1.0, x, y, 0.0, 1.0),
    domain=(POSITIVE, REAL),
    sign="**",
    latex="{0}^{{1}}",
    precedence=POWER,
    structural=(lambda x, y: y, False),  # x**0 is 1, whatever x is
)
sqrt: Final[Primitive] = row(
    "sqrt", elementary.sqrt, lambda x: 0.5 * inverse_sqrt(x), domain=POSITIVE, latex=r"\sqrt{{0}}"
)
cbrt: Final[Primitive] = row(
    "cbrt", elementary.cbrt, lambda x: cbrt_slope(x), domain=NONZERO, latex=r"\sqrt[3]{{0}}"
)
logit: Final[Primitive] = row(
    "logit", logarithms.logit, lambda p: logit_slope(p), domain=UNIT, formula=lambda p: log(p / (1.0 - p))
)
logaddexp: Final[Primitive] = row(
    "logaddexp",
    logarithms.logaddexp,
    lambda x, y: logistic_difference(x, y),
    lambda x, y: logistic_difference(y, x),
    latex=r"\ln\left(e^{{0}}+e^{{1}}\right)",
    formula=lambda x, y: log(exp(x) + exp(y)),
)
xlogy: Final[Primitive] = row(
    "xlogy",
    joint.xlogy,
    lambda x, y: xlogy_slope(x, y),
    lambda x, y: over(x, y),
    domain=(REAL, POSITIVE),
    latex=r"{0}\,\ln\left({1}\right)",
    precedence=PRODUCT,
    formula=lambda x, y: x * log(y),
    structural=(False, lambda x, y: x * defined(y)),
)

# Helper rows: what the table needs to be closed under differentiation

power_term: Final[Primitive] = helper(
    "power_term",
    powers.power_term,
    lambda c, x, y, n, k: power_term(1.0, x, y, n, k),
    lambda c, x, y, n, k: (
        power_term(c * (y - n), x, y, n + 1.0, k) + power_term(c * k, x, y, n + 1.0, k - 1.0)
    ),
    lambda c, x, y, n, k: power_term(c, x, y, n, k + 1.0),
    None,
    None,
    domain=(REAL, POSITIVE, REAL, WHOLE, WHOLE),
    doc="c x**(y - n) log(x)**k: every derivative of a power is a sum of these",
    formula=lambda c, x, y, n, k: c * x ** (y - n) * log(x) ** k,
    structural=(
        False,
        lambda c, x, y, n, k: c * defined(x) * step(maximum(maximum(y - n, n - y), k)),
        lambda c, x, y, n, k: c,
        False,
        False,
    ),
)
inverse_sqrt: Final[Primitive] = helper(
    "inverse_sqrt",
    slopes.inverse_sqrt,
    lambda x: -0.5 * (inverse_sqrt(x) / x),
    domain=POSITIVE,
    formula=lambda x: 1.0 / sqrt(x),
)
cbrt_slope: Final[Primitive] = helper(
    "cbrt_slope",
    slopes.cbrt_slope,
    lambda x: (-2.0 / 3.0) * cbrt_slope(x) / x,
    domain=NONZERO,
    formula=lambda x: 1.0 / (3.0 * cbrt(x) ** 2),
)
logit_slope: Final[Primitive] = helper(
    "logit_slope",
    logarithms.logit_slope,
    lambda p: (2.0 * p - 1.0) * logit_slope(p) * logit_slope(p),
    domain=UNIT,
    formula=lambda p: 1.0 / (p * (1.0 - p)),
)
logistic_difference: Final[Primitive] = helper(
    "logistic_difference",
    logarithms.logistic_difference,
    lambda x, y: logistic_difference(x, y) * logistic_difference(y, x),
    lambda x, y: -logistic_difference(x, y) * logistic_difference(y, x),
    formula=lambda x, y: exp(x) / (exp(x) + exp(y)),
)
xlogy_slope: Final[Primitive] = helper(
    "xlogy_slope",
    joint.xlogy_slope,
    None,
    lambda x, y: over(1.0, y),
    domain=(REAL, POSITIVE),
    formula=lambda x, y: log(y),
)
