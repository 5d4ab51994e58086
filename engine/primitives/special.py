"""The error function, the gamma function and what belongs to them."""

from __future__ import annotations

from math import pi
from typing import Any, Final

from engine.domain import POSITIVE, SYMMETRIC_UNIT, WHOLE
from engine.kernels import elementary, gammas, polygammas, special
from engine.primitive import Primitive
from engine.primitives.exponentials import exp, sqrt
from engine.primitives.row import helper, row
from engine.primitives.selection import clamp

erf: Final[Primitive] = row("erf", elementary.erf, lambda x: erf_slope(x))
erfc: Final[Primitive] = row("erfc", special.erfc, lambda x: -erf_slope(x), ulps=1.5)
erfinv: Final[Primitive] = row(
    "erfinv",
    special.erfinv,
    lambda y: erfinv_slope(y),
    domain=SYMMETRIC_UNIT,
    symbol=r"\operatorname{erf}^{-1}",
    ulps=1.5,
)
lgamma: Final[Primitive] = row(
    "lgamma",
    gammas.lgamma,
    lambda x: polygamma(0.0, x),
    domain=POSITIVE,
    latex=r"\ln\left|\Gamma\left({0}\right)\right|",
    ulps=2.5,
)
gamma: Final[Primitive] = row(
    "gamma",
    gammas.gamma,
    lambda x: gamma(x) * polygamma(0.0, x),
    domain=POSITIVE,
    symbol=r"\Gamma",
    ulps=1.5,
)
polygamma: Final[Primitive] = row(
    "polygamma",
    polygammas.polygamma,
    None,
    lambda n, x: polygamma(n + 1.0, x),
    domain=(WHOLE, POSITIVE),
    latex=r"\psi^{({0})}\left({1}\right)",
)

# Helper rows: what the table needs to be closed under differentiation

erf_slope: Final[Primitive] = helper(
    "erf_slope",
    special.erf_slope,
    lambda x: erf_curvature(x),
    latex=r"\tfrac{2}{\sqrt{\pi}}e^{-{0}^{2}}",
    formula=lambda x: 2.0 / sqrt(pi) * exp(-(x**2)),
)


def erf_third(x: Any) -> Any:
    """The third derivative of erf; beyond 40 it is 0, and x * x would overflow."""
    x = clamp(x, -40.0, 40.0)
    return (4.0 * x * x - 2.0) * erf_slope(x)


erf_curvature: Final[Primitive] = helper(
    "erf_curvature",
    special.erf_curvature,
    erf_third,
    formula=lambda x: -4.0 / sqrt(pi) * x * exp(-(x**2)),
)
erfinv_slope: Final[Primitive] = helper(
    "erfinv_slope",
    special.erfinv_slope,
    lambda y: 2.0 * erfinv(y) * erfinv_slope(y) * erfinv_slope(y),
    domain=SYMMETRIC_UNIT,
    formula=lambda y: sqrt(pi) / 2.0 * exp(erfinv(y) ** 2),
)
normal_density: Final[Primitive] = helper(
    "normal_density",
    special.normal_density,
    lambda x: -x * normal_density(x),
    symbol=r"\varphi",
    formula=lambda x: exp(-(x**2) / 2.0) / sqrt(2.0 * pi),
)
