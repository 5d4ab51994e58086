"""Exponentials, logarithms, powers and roots."""

from __future__ import annotations

from typing import Any, Final

from engine.domain import ABOVE_MINUS_ONE, ABOVE_ONE, NONZERO, POSITIVE, REAL, UNIT, WHOLE
from engine.kernels import elementary, joint, logarithms, powers, slopes
from engine.primitive import Coefficient, Primitive
from engine.primitives.arithmetic import over
from engine.primitives.row import POWER, PRODUCT, helper, row
from engine.primitives.selection import defined, maximum, step

LOG2_E: Final = 1.4426950408889634
LOG10_E: Final = 0.4342944819032518
exp: Final[Primitive] = row("exp", elementary.exp, lambda x: exp(x), latex="e^{{0}}", precedence=POWER)
exp2: Final[Primitive] = row(
    "exp2",
    elementary.exp2,
    lambda x: exp2_slope(x),
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
    ulps=1.5,
)
log_base: Final[Primitive] = row(
    "log_base",
    logarithms.log_base,
    lambda x, base: log_base_slope(x, base),
    lambda x, base: log_base_drift(x, base),
    domain=(POSITIVE, ABOVE_ONE),
    python="log({0}, {1})",
    latex=r"\log_{{1}}\left({0}\right)",
    formula=lambda x, base: log(x) / log(base),
    ulps=2.0,
)
pow: Final[Primitive] = row(
    "pow",
    powers.power,
    lambda x, y: power_slope(x, y),
    lambda x, y: power_log(x, y),
    domain=(POSITIVE, REAL),
    sign="**",
    latex="{0}^{{1}}",
    precedence=POWER,
    structural=(Coefficient(lambda x, y: y), False),  # x**0 is 1, whatever x is
)
sqrt: Final[Primitive] = row(
    "sqrt", elementary.sqrt, lambda x: sqrt_slope(x), domain=POSITIVE, latex=r"\sqrt{{0}}"
)
cbrt: Final[Primitive] = row(
    "cbrt", elementary.cbrt, lambda x: cbrt_slope(x), domain=NONZERO, latex=r"\sqrt[3]{{0}}"
)
logit: Final[Primitive] = row(
    "logit",
    logarithms.logit,
    lambda p: logit_slope(p),
    domain=UNIT,
    formula=lambda p: log(p / (1.0 - p)),
    ulps=1.5,
)
logaddexp: Final[Primitive] = row(
    "logaddexp",
    logarithms.logaddexp,
    lambda x, y: logistic_difference(x, y),
    lambda x, y: logistic_difference(y, x),
    latex=r"\ln\left(e^{{0}}+e^{{1}}\right)",
    formula=lambda x, y: log(exp(x) + exp(y)),
    ulps=4.0,
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
    structural=(False, Coefficient(lambda x, y: x * defined(y))),
    ulps=1.5,
)

# Helper rows: what the table needs to be closed under differentiation

exp2_slope: Final[Primitive] = helper(
    "exp2_slope",
    elementary.exp2_slope,
    lambda x: exp2_curvature(x),
    formula=lambda x: 2.0**x * log(2.0),
)
exp2_curvature: Final[Primitive] = helper(
    "exp2_curvature",
    elementary.exp2_curvature,
    lambda x: exp2_curvature(x) * elementary.LN2,
    formula=lambda x: 2.0**x * log(2.0) ** 2,
)
power_slope: Final[Primitive] = helper(
    "power_slope",
    powers.power_slope,
    lambda x, y: power_term(y * (y - 1.0), x, y, 2.0, 0.0),
    lambda x, y: power_twist(x, y),
    domain=(POSITIVE, REAL),
    formula=lambda x, y: y * x ** (y - 1.0),
    structural=(Coefficient(lambda x, y: y * (y - 1.0)), False),  # 0 or 1, whatever x is
)
power_log: Final[Primitive] = helper(
    "power_log",
    powers.power_log,
    lambda x, y: power_twist(x, y),
    lambda x, y: power_term(1.0, x, y, 0.0, 2.0),
    domain=(POSITIVE, REAL),
    formula=lambda x, y: x**y * log(x),
)
power_twist: Final[Primitive] = helper(
    "power_twist",
    powers.power_twist,
    lambda x, y: power_term(2.0 * y - 1.0, x, y, 2.0, 0.0) + power_term(y * (y - 1.0), x, y, 2.0, 1.0),
    lambda x, y: power_term(2.0, x, y, 1.0, 1.0) + power_term(y, x, y, 1.0, 2.0),
    domain=(POSITIVE, REAL),
    formula=lambda x, y: x ** (y - 1.0) * (1.0 + y * log(x)),
)
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
        Coefficient(lambda c, x, y, n, k: c * step(maximum(maximum(y - n, n - y), k))),
        Coefficient(lambda c, x, y, n, k: c),
        False,
        False,
    ),
)
sqrt_slope: Final[Primitive] = helper(
    "sqrt_slope",
    slopes.sqrt_slope,
    lambda x: -0.5 * sqrt_slope(x) / x,
    domain=POSITIVE,
    formula=lambda x: 1.0 / (2.0 * sqrt(x)),
)


def log_base_twist(x: Any, base: Any) -> Any:
    """-1 / (x base log(base)**2), the mixed derivative; nan where log(x) is."""
    return -over(1.0 / (log(base) * log(base)) / base, x) * defined(log(x))


log_base_slope: Final[Primitive] = helper(
    "log_base_slope",
    logarithms.log_base_slope,
    lambda x, base: -over(log_base_slope(x, base), x),
    lambda x, base: log_base_twist(x, base),
    domain=(POSITIVE, ABOVE_ONE),
    formula=lambda x, base: 1.0 / log(base) / x,
)
log_base_drift: Final[Primitive] = helper(
    "log_base_drift",
    logarithms.log_base_drift,
    lambda x, base: log_base_twist(x, base),
    lambda x, base: -(log_base_drift(x, base) * (1.0 + 2.0 / log(base)) / base),
    domain=(POSITIVE, ABOVE_ONE),
    formula=lambda x, base: -log(x) / (base * log(base) ** 2),
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
logistic_slope: Final[Primitive] = helper(
    "logistic_slope",
    logarithms.logistic_slope,
    lambda x, y: logistic_curvature(x, y),
    lambda x, y: -logistic_curvature(x, y),
    formula=lambda x, y: exp(x) * exp(y) / (exp(x) + exp(y)) ** 2,
)
logistic_curvature: Final[Primitive] = helper(
    "logistic_curvature",
    logarithms.logistic_curvature,
    lambda x, y: logistic_slope(x, y) * (1.0 - 6.0 * logistic_slope(x, y)),
    lambda x, y: logistic_slope(x, y) * (6.0 * logistic_slope(x, y) - 1.0),
    formula=lambda x, y: exp(x) * exp(y) * (exp(y) - exp(x)) / (exp(x) + exp(y)) ** 3,
)
xlogy_slope: Final[Primitive] = helper(
    "xlogy_slope",
    joint.xlogy_slope,
    None,
    lambda x, y: over(1.0, y),
    domain=(REAL, POSITIVE),
    formula=lambda x, y: log(y),
)
