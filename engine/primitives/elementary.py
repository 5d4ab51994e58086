"""Exponentials, logarithms, circular and hyperbolic functions."""

from __future__ import annotations

from typing import Final

from engine.domain import ABOVE_MINUS_ONE, ABOVE_ONE, NONZERO, POSITIVE, REAL, SYMMETRIC_UNIT, UNIT
from engine.kernels import elementary, joint, logarithms, logistic, slopes
from engine.primitive import Primitive
from engine.primitives.arithmetic import POWER, PRODUCT, function, over, row

LN2: Final = 0.6931471805599453
LOG2_E: Final = 1.4426950408889634
LOG10_E: Final = 0.4342944819032518
DEGREES: Final = 57.29577951308232  # in a radian
RADIANS: Final = 0.017453292519943295  # in a degree

exp: Final[Primitive] = row("exp", elementary.exp, lambda x: exp(x), latex="e^{{0}}", precedence=POWER)
exp2: Final[Primitive] = row(
    "exp2", elementary.exp2, lambda x: exp2(x) * LN2, latex="2^{{0}}", precedence=POWER
)
expm1: Final[Primitive] = row(
    "expm1", elementary.expm1, lambda x: exp(x), latex=r"\left(e^{{0}}-1\right)", python="expm1({0})"
)
log: Final[Primitive] = row(
    "log", elementary.log, lambda x: over(1.0, x), domain=POSITIVE, latex=function(r"\ln")
)
log1p: Final[Primitive] = row(
    "log1p",
    elementary.log1p,
    lambda x: over(1.0, 1.0 + x),
    domain=ABOVE_MINUS_ONE,
    latex=r"\ln\left(1+{0}\right)",
)
log2: Final[Primitive] = row(
    "log2", elementary.log2, lambda x: over(LOG2_E, x), domain=POSITIVE, latex=function(r"\log_{2}")
)
log10: Final[Primitive] = row(
    "log10", elementary.log10, lambda x: over(LOG10_E, x), domain=POSITIVE, latex=function(r"\log_{10}")
)
log_base: Final[Primitive] = row(
    "log_base",
    logarithms.log_base,
    lambda x, base: over(1.0 / log(base), x),
    lambda x, base: -(log(x) / base) / (log(base) * log(base)),
    domain=(POSITIVE, ABOVE_ONE),
    python="log({0}, {1})",
    latex=r"\log_{{1}}\left({0}\right)",
)
inverse_sqrt: Final[Primitive] = row(
    "inverse_sqrt",
    slopes.inverse_sqrt,
    lambda x: -0.5 * (inverse_sqrt(x) / x),
    domain=POSITIVE,
    latex=r"\frac{1}{\sqrt{{0}}}",
    precedence=PRODUCT,
)
sqrt: Final[Primitive] = row(
    "sqrt", elementary.sqrt, lambda x: 0.5 * inverse_sqrt(x), domain=POSITIVE, latex=r"\sqrt{{0}}"
)
cbrt_slope: Final[Primitive] = row(
    "cbrt_slope",
    slopes.cbrt_slope,
    lambda x: (-2.0 / 3.0) * cbrt_slope(x) / x,
    domain=NONZERO,
    latex=r"\frac{1}{3}\,{0}^{-2/3}",
    precedence=PRODUCT,
)
cbrt: Final[Primitive] = row(
    "cbrt", elementary.cbrt, lambda x: cbrt_slope(x), domain=NONZERO, latex=r"\sqrt[3]{{0}}"
)

sin: Final[Primitive] = row("sin", elementary.sin, lambda x: cos(x), latex=function(r"\sin"))
cos: Final[Primitive] = row("cos", elementary.cos, lambda x: -sin(x), latex=function(r"\cos"))
sec2: Final[Primitive] = row(
    "sec2",
    slopes.sec2,
    lambda x: 2.0 * (tan(x) * sec2(x)),
    kink=elementary.cos,
    latex=function(r"\sec^{2}"),
)
tan: Final[Primitive] = row(
    "tan", elementary.tan, lambda x: sec2(x), kink=elementary.cos, latex=function(r"\tan")
)
atanh_slope: Final[Primitive] = row(
    "atanh_slope",
    slopes.atanh_slope,
    lambda x: 2.0 * x * atanh_slope(x) * atanh_slope(x),
    domain=SYMMETRIC_UNIT,
    latex=r"\frac{1}{1-{0}^{2}}",
    precedence=PRODUCT,
)
asin_slope: Final[Primitive] = row(
    "asin_slope",
    slopes.asin_slope,
    lambda x: x * asin_slope(x) * atanh_slope(x),
    domain=SYMMETRIC_UNIT,
    latex=r"\frac{1}{\sqrt{1-{0}^{2}}}",
    precedence=PRODUCT,
)
asin: Final[Primitive] = row(
    "asin", elementary.asin, lambda x: asin_slope(x), domain=SYMMETRIC_UNIT, latex=function(r"\arcsin")
)
acos: Final[Primitive] = row(
    "acos", elementary.acos, lambda x: -asin_slope(x), domain=SYMMETRIC_UNIT, latex=function(r"\arccos")
)
atan_ratio: Final[Primitive] = row(
    "atan_ratio",
    slopes.atan_ratio,
    lambda x: atan_slope(x) - 2.0 * atan_ratio(x) * atan_ratio(x),
    latex=r"\frac{{0}}{1+{0}^{2}}",
    precedence=PRODUCT,
)
atan_slope: Final[Primitive] = row(
    "atan_slope",
    slopes.atan_slope,
    lambda x: -2.0 * atan_ratio(x) * atan_slope(x),
    latex=r"\frac{1}{1+{0}^{2}}",
    precedence=PRODUCT,
)
atan: Final[Primitive] = row("atan", elementary.atan, lambda x: atan_slope(x), latex=function(r"\arctan"))
degrees: Final[Primitive] = row("degrees", elementary.degrees, lambda x: DEGREES)
radians: Final[Primitive] = row("radians", elementary.radians, lambda x: RADIANS)

sinh: Final[Primitive] = row("sinh", elementary.sinh, lambda x: cosh(x), latex=function(r"\sinh"))
cosh: Final[Primitive] = row("cosh", elementary.cosh, lambda x: sinh(x), latex=function(r"\cosh"))
tanh_curvature: Final[Primitive] = row(
    "tanh_curvature",
    logistic.tanh_curvature,
    lambda x: sech2(x) * (4.0 * tanh(x) * tanh(x) - 2.0 * sech2(x)),
    latex=r"\tanh''\left({0}\right)",
)
sech2: Final[Primitive] = row(
    "sech2", logistic.sech2, lambda x: tanh_curvature(x), latex=r"\operatorname{sech}^{2}\left({0}\right)"
)
tanh: Final[Primitive] = row("tanh", elementary.tanh, lambda x: sech2(x), latex=function(r"\tanh"))
asinh_slope: Final[Primitive] = row(
    "asinh_slope",
    slopes.asinh_slope,
    lambda x: -(atan_ratio(x) * asinh_slope(x)),
    latex=r"\frac{1}{\sqrt{1+{0}^{2}}}",
    precedence=PRODUCT,
)
asinh: Final[Primitive] = row(
    "asinh", elementary.asinh, lambda x: asinh_slope(x), latex=r"\operatorname{arsinh}\left({0}\right)"
)
acosh_ratio: Final[Primitive] = row(
    "acosh_ratio",
    slopes.acosh_ratio,
    lambda x: (
        -(acosh_ratio(x) * acosh_ratio(x) + acosh_slope(x) * acosh_slope(x) * acosh_slope(x) * acosh_slope(x))
    ),
    domain=ABOVE_ONE,
    latex=r"\frac{{0}}{{0}^{2}-1}",
    precedence=PRODUCT,
)
acosh_slope: Final[Primitive] = row(
    "acosh_slope",
    slopes.acosh_slope,
    lambda x: -(acosh_ratio(x) * acosh_slope(x)),
    domain=ABOVE_ONE,
    latex=r"\frac{1}{\sqrt{{0}^{2}-1}}",
    precedence=PRODUCT,
)
acosh: Final[Primitive] = row(
    "acosh",
    elementary.acosh,
    lambda x: acosh_slope(x),
    domain=ABOVE_ONE,
    latex=r"\operatorname{arcosh}\left({0}\right)",
)
atanh: Final[Primitive] = row(
    "atanh",
    elementary.atanh,
    lambda x: atanh_slope(x),
    domain=SYMMETRIC_UNIT,
    latex=r"\operatorname{artanh}\left({0}\right)",
)

logit_slope: Final[Primitive] = row(
    "logit_slope",
    logarithms.logit_slope,
    lambda p: (2.0 * p - 1.0) * logit_slope(p) * logit_slope(p),
    domain=UNIT,
    latex=r"\frac{1}{{0}\,\left(1-{0}\right)}",
    precedence=PRODUCT,
)
logit: Final[Primitive] = row("logit", logarithms.logit, lambda p: logit_slope(p), domain=UNIT)
logistic_difference: Final[Primitive] = row(
    "logistic_difference",
    logarithms.logistic_difference,
    lambda x, y: logistic_difference(x, y) * logistic_difference(y, x),
    lambda x, y: -logistic_difference(x, y) * logistic_difference(y, x),
    latex=r"\sigma\left({0}-{1}\right)",
)
logaddexp: Final[Primitive] = row(
    "logaddexp",
    logarithms.logaddexp,
    lambda x, y: logistic_difference(x, y),
    lambda x, y: logistic_difference(y, x),
    latex=r"\ln\left(e^{{0}}+e^{{1}}\right)",
)
xlogy_slope: Final[Primitive] = row(
    "xlogy_slope", joint.xlogy_slope, None, lambda x, y: over(1.0, y), domain=(REAL, POSITIVE)
)
xlogy: Final[Primitive] = row(
    "xlogy",
    joint.xlogy,
    lambda x, y: xlogy_slope(x, y),
    lambda x, y: over(x, y),
    domain=(REAL, POSITIVE),
    latex=r"{0}\,\ln\left({1}\right)",
    precedence=PRODUCT,
)
