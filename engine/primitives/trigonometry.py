"""Circular and hyperbolic functions, angles and lengths."""

from __future__ import annotations

from typing import Final

from engine.domain import ABOVE_ONE, SYMMETRIC_UNIT
from engine.kernels import elementary, joint, logistic, slopes, special
from engine.primitive import Primitive
from engine.primitives.arithmetic import square
from engine.primitives.row import PRODUCT, function, row

DEGREES: Final = 57.29577951308232  # in a radian
RADIANS: Final = 0.017453292519943295  # in a degree
sin: Final[Primitive] = row("sin", elementary.sin, lambda x: cos(x), latex=function(r"\sin"))
cos: Final[Primitive] = row("cos", elementary.cos, lambda x: -sin(x), latex=function(r"\cos"))
tan: Final[Primitive] = row(
    "tan", elementary.tan, lambda x: sec2(x), kink=elementary.cos, latex=function(r"\tan")
)
asin: Final[Primitive] = row(
    "asin", elementary.asin, lambda x: asin_slope(x), domain=SYMMETRIC_UNIT, latex=function(r"\arcsin")
)
acos: Final[Primitive] = row(
    "acos", elementary.acos, lambda x: -asin_slope(x), domain=SYMMETRIC_UNIT, latex=function(r"\arccos")
)
atan: Final[Primitive] = row("atan", elementary.atan, lambda x: atan_slope(x), latex=function(r"\arctan"))
atan2: Final[Primitive] = row(
    "atan2",
    joint.atan2,
    lambda y, x: angle_slope(x, y),
    lambda y, x: -angle_slope(y, x),
    kink=lambda y, x: y if x <= 0.0 else special.hypot(x, y),
    latex=r"\operatorname{atan2}\left({0}, {1}\right)",
)
hypot: Final[Primitive] = row(
    "hypot",
    special.hypot,
    lambda x, y: unit(x, y),
    lambda x, y: unit(y, x),
    kink=special.hypot,
    latex=r"\sqrt{{0}^{2}+{1}^{2}}",
)
degrees: Final[Primitive] = row("degrees", elementary.degrees, lambda x: DEGREES)
radians: Final[Primitive] = row("radians", elementary.radians, lambda x: RADIANS)
sinh: Final[Primitive] = row("sinh", elementary.sinh, lambda x: cosh(x), latex=function(r"\sinh"))
cosh: Final[Primitive] = row("cosh", elementary.cosh, lambda x: sinh(x), latex=function(r"\cosh"))
tanh: Final[Primitive] = row("tanh", elementary.tanh, lambda x: sech2(x), latex=function(r"\tanh"))
asinh: Final[Primitive] = row(
    "asinh", elementary.asinh, lambda x: asinh_slope(x), latex=r"\operatorname{arsinh}\left({0}\right)"
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

# Helper rows: what the table needs to be closed under differentiation

sec2: Final[Primitive] = row(
    "sec2",
    slopes.sec2,
    lambda x: 2.0 * (tan(x) * sec2(x)),
    kink=elementary.cos,
    latex=function(r"\sec^{2}"),
)
asin_slope: Final[Primitive] = row(
    "asin_slope",
    slopes.asin_slope,
    lambda x: x * asin_slope(x) * atanh_slope(x),
    domain=SYMMETRIC_UNIT,
    latex=r"\frac{1}{\sqrt{1-{0}^{2}}}",
    precedence=PRODUCT,
)
atan_slope: Final[Primitive] = row(
    "atan_slope",
    slopes.atan_slope,
    lambda x: -2.0 * atan_ratio(x) * atan_slope(x),
    latex=r"\frac{1}{1+{0}^{2}}",
    precedence=PRODUCT,
)
atan_ratio: Final[Primitive] = row(
    "atan_ratio",
    slopes.atan_ratio,
    lambda x: atan_slope(x) - 2.0 * atan_ratio(x) * atan_ratio(x),
    latex=r"\frac{{0}}{1+{0}^{2}}",
    precedence=PRODUCT,
)
angle_slope: Final[Primitive] = row(
    "angle_slope",
    joint.angle_slope,
    lambda x, y: angle_curvature(x, y),
    lambda x, y: -2.0 * angle_slope(x, y) * angle_slope(y, x),
    kink=special.hypot,
    doc="x / (x**2 + y**2), 0 at the origin",
)
angle_curvature: Final[Primitive] = row(
    "angle_curvature",
    joint.angle_curvature,
    lambda x, y: 2.0 * angle_slope(x, y) * (square(angle_slope(x, y)) - 3.0 * square(angle_slope(y, x))),
    lambda x, y: 2.0 * angle_slope(y, x) * (3.0 * square(angle_slope(x, y)) - square(angle_slope(y, x))),
    kink=special.hypot,
    doc="(y**2 - x**2) / (x**2 + y**2)**2",
)
unit: Final[Primitive] = row(
    "unit",
    joint.unit,
    lambda x, y: unit(y, x) * angle_slope(y, x),
    lambda x, y: -unit(y, x) * angle_slope(x, y),
    kink=special.hypot,
    doc="x / hypot(x, y), 0 at the origin",
)
sech2: Final[Primitive] = row(
    "sech2", logistic.sech2, lambda x: tanh_curvature(x), latex=r"\operatorname{sech}^{2}\left({0}\right)"
)
tanh_curvature: Final[Primitive] = row(
    "tanh_curvature",
    logistic.tanh_curvature,
    lambda x: sech2(x) * (4.0 * tanh(x) * tanh(x) - 2.0 * sech2(x)),
    latex=r"\tanh''\left({0}\right)",
)
asinh_slope: Final[Primitive] = row(
    "asinh_slope",
    slopes.asinh_slope,
    lambda x: -(atan_ratio(x) * asinh_slope(x)),
    latex=r"\frac{1}{\sqrt{1+{0}^{2}}}",
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
atanh_slope: Final[Primitive] = row(
    "atanh_slope",
    slopes.atanh_slope,
    lambda x: 2.0 * x * atanh_slope(x) * atanh_slope(x),
    domain=SYMMETRIC_UNIT,
    latex=r"\frac{1}{1-{0}^{2}}",
    precedence=PRODUCT,
)
