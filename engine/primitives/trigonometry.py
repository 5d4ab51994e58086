"""Circular and hyperbolic functions, angles and lengths."""

from __future__ import annotations

from typing import Final

from engine.domain import ABOVE_ONE, SYMMETRIC_UNIT
from engine.kernels import elementary, joint, logistic, slopes, special
from engine.primitive import Primitive
from engine.primitives.arithmetic import square
from engine.primitives.exponentials import sqrt
from engine.primitives.row import helper, row
from engine.primitives.selection import less_equal, select

DEGREES: Final = 57.29577951308232  # in a radian
RADIANS: Final = 0.017453292519943295  # in a degree
sin: Final[Primitive] = row("sin", elementary.sin, lambda x: cos(x), symbol=r"\sin")
cos: Final[Primitive] = row("cos", elementary.cos, lambda x: -sin(x), symbol=r"\cos")
tan: Final[Primitive] = row("tan", elementary.tan, lambda x: sec2(x), kink=lambda x: cos(x), symbol=r"\tan")
asin: Final[Primitive] = row(
    "asin", elementary.asin, lambda x: asin_slope(x), domain=SYMMETRIC_UNIT, symbol=r"\arcsin"
)
acos: Final[Primitive] = row(
    "acos", elementary.acos, lambda x: -asin_slope(x), domain=SYMMETRIC_UNIT, symbol=r"\arccos"
)
atan: Final[Primitive] = row("atan", elementary.atan, lambda x: atan_slope(x), symbol=r"\arctan")
atan2: Final[Primitive] = row(
    "atan2",
    joint.atan2,
    lambda y, x: angle_slope(x, y),
    lambda y, x: -angle_slope(y, x),
    kink=lambda y, x: select(less_equal(x, 0.0), y, hypot(x, y)),
)
hypot: Final[Primitive] = row(
    "hypot",
    special.hypot,
    lambda x, y: unit(x, y),
    lambda x, y: unit(y, x),
    kink=lambda x, y: hypot(x, y),
    latex=r"\sqrt{{0}^{2}+{1}^{2}}",
    formula=lambda x, y: sqrt(x**2 + y**2),
)
degrees: Final[Primitive] = row(
    "degrees", elementary.degrees, lambda x: DEGREES, formula=lambda x: DEGREES * x
)
radians: Final[Primitive] = row(
    "radians", elementary.radians, lambda x: RADIANS, formula=lambda x: RADIANS * x
)
sinh: Final[Primitive] = row("sinh", elementary.sinh, lambda x: cosh(x), symbol=r"\sinh", ulps=1.5)
cosh: Final[Primitive] = row("cosh", elementary.cosh, lambda x: sinh(x), symbol=r"\cosh")
tanh: Final[Primitive] = row("tanh", elementary.tanh, lambda x: sech2(x), symbol=r"\tanh", ulps=2.0)
asinh: Final[Primitive] = row(
    "asinh",
    elementary.asinh,
    lambda x: asinh_slope(x),
    symbol=r"\operatorname{arsinh}",
    ulps=1.5,
)
acosh: Final[Primitive] = row(
    "acosh",
    elementary.acosh,
    lambda x: acosh_slope(x),
    domain=ABOVE_ONE,
    symbol=r"\operatorname{arcosh}",
    ulps=1.5,
)
atanh: Final[Primitive] = row(
    "atanh",
    elementary.atanh,
    lambda x: atanh_slope(x),
    domain=SYMMETRIC_UNIT,
    symbol=r"\operatorname{artanh}",
    ulps=2.0,
)

# Helper rows: what the table needs to be closed under differentiation

sec2: Final[Primitive] = helper(
    "sec2",
    slopes.sec2,
    lambda x: 2.0 * (tan(x) * sec2(x)),
    kink=lambda x: cos(x),
    formula=lambda x: 1.0 / cos(x) ** 2,
)
asin_slope: Final[Primitive] = helper(
    "asin_slope",
    slopes.asin_slope,
    lambda x: x * asin_slope(x) * atanh_slope(x),
    domain=SYMMETRIC_UNIT,
    formula=lambda x: 1.0 / sqrt(1.0 - x**2),
)
atan_slope: Final[Primitive] = helper(
    "atan_slope",
    slopes.atan_slope,
    lambda x: -2.0 * atan_ratio(x) * atan_slope(x),
    formula=lambda x: 1.0 / (1.0 + x**2),
)
atan_ratio: Final[Primitive] = helper(
    "atan_ratio",
    slopes.atan_ratio,
    lambda x: atan_slope(x) - 2.0 * atan_ratio(x) * atan_ratio(x),
    formula=lambda x: x / (1.0 + x**2),
)
angle_slope: Final[Primitive] = helper(
    "angle_slope",
    joint.angle_slope,
    lambda x, y: angle_curvature(x, y),
    lambda x, y: angle_twist(x, y),
    kink=lambda x, y: hypot(x, y),
    doc="0 at the origin",
    formula=lambda x, y: x / (x**2 + y**2),
)
angle_curvature: Final[Primitive] = helper(
    "angle_curvature",
    joint.angle_curvature,
    lambda x, y: 2.0 * angle_slope(x, y) * (square(angle_slope(x, y)) - 3.0 * square(angle_slope(y, x))),
    lambda x, y: 2.0 * angle_slope(y, x) * (3.0 * square(angle_slope(x, y)) - square(angle_slope(y, x))),
    kink=lambda x, y: hypot(x, y),
    formula=lambda x, y: (y**2 - x**2) / (x**2 + y**2) ** 2,
)
angle_twist: Final[Primitive] = helper(
    "angle_twist",
    joint.angle_twist,
    lambda x, y: 2.0 * angle_slope(y, x) * (3.0 * square(angle_slope(x, y)) - square(angle_slope(y, x))),
    lambda x, y: 2.0 * angle_slope(x, y) * (3.0 * square(angle_slope(y, x)) - square(angle_slope(x, y))),
    kink=lambda x, y: hypot(x, y),
    formula=lambda x, y: -2.0 * x * y / (x**2 + y**2) ** 2,
)
away: Final[Primitive] = helper(
    "away",
    joint.away,
    None,
    None,
    kink=lambda x, y: hypot(x, y),
    doc="nan at the origin: a length has a point there, and no second derivative",
    formula=lambda x, y: 1.0,
)
unit: Final[Primitive] = helper(
    "unit",
    joint.unit,
    lambda x, y: unit(y, x) * angle_slope(y, x) * away(x, y),
    lambda x, y: -unit(y, x) * angle_slope(x, y) * away(x, y),
    kink=lambda x, y: hypot(x, y),
    doc="0 at the origin, by convention",
    formula=lambda x, y: x / hypot(x, y),
)
sech2: Final[Primitive] = helper(
    "sech2", logistic.sech2, lambda x: tanh_curvature(x), formula=lambda x: 1.0 - tanh(x) ** 2
)
tanh_curvature: Final[Primitive] = helper(
    "tanh_curvature",
    logistic.tanh_curvature,
    lambda x: sech2(x) * (4.0 * tanh(x) * tanh(x) - 2.0 * sech2(x)),
    formula=lambda x: -2.0 * tanh(x) * (1.0 - tanh(x) ** 2),
)
asinh_slope: Final[Primitive] = helper(
    "asinh_slope",
    slopes.asinh_slope,
    lambda x: -(atan_ratio(x) * asinh_slope(x)),
    formula=lambda x: 1.0 / sqrt(1.0 + x**2),
)
acosh_slope: Final[Primitive] = helper(
    "acosh_slope",
    slopes.acosh_slope,
    lambda x: -(acosh_ratio(x) * acosh_slope(x)),
    domain=ABOVE_ONE,
    formula=lambda x: 1.0 / sqrt(x**2 - 1.0),
)
acosh_ratio: Final[Primitive] = helper(
    "acosh_ratio",
    slopes.acosh_ratio,
    lambda x: (
        -(acosh_ratio(x) * acosh_ratio(x) + acosh_slope(x) * acosh_slope(x) * acosh_slope(x) * acosh_slope(x))
    ),
    domain=ABOVE_ONE,
    formula=lambda x: x / (x**2 - 1.0),
)
atanh_slope: Final[Primitive] = helper(
    "atanh_slope",
    slopes.atanh_slope,
    lambda x: 2.0 * x * atanh_slope(x) * atanh_slope(x),
    domain=SYMMETRIC_UNIT,
    formula=lambda x: 1.0 / (1.0 - x**2),
)
