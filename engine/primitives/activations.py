"""Special functions, activations of neurons, losses."""

from __future__ import annotations

from typing import Any, Final

from engine.domain import POSITIVE, REAL, SYMMETRIC_UNIT, UNIT, WHOLE
from engine.kernels import elementary, gammas, gates, joint, logarithms, logistic, polygammas, slopes, special
from engine.kernels import gelu as gelu_kernels
from engine.primitive import Primitive
from engine.primitives.arithmetic import abs as absolute
from engine.primitives.arithmetic import (
    function,
    inside,
    less,
    less_equal,
    maximum,
    row,
    sign,
    step,
    within,
)
from engine.primitives.elementary import expm1, logit, sech2, tanh

erf_curvature: Final[Primitive] = row(
    "erf_curvature",
    special.erf_curvature,
    lambda x: (4.0 * x * x - 2.0) * erf_slope(x),
    latex=r"\operatorname{erf}''\left({0}\right)",
)
erf_slope: Final[Primitive] = row(
    "erf_slope",
    special.erf_slope,
    lambda x: erf_curvature(x),
    latex=r"\tfrac{2}{\sqrt{\pi}}e^{-{0}^{2}}",
)
erf: Final[Primitive] = row("erf", elementary.erf, lambda x: erf_slope(x))
erfc: Final[Primitive] = row("erfc", special.erfc, lambda x: -erf_slope(x))
erfinv_slope: Final[Primitive] = row(
    "erfinv_slope",
    special.erfinv_slope,
    lambda y: 2.0 * erfinv(y) * erfinv_slope(y) * erfinv_slope(y),
    domain=SYMMETRIC_UNIT,
)
erfinv: Final[Primitive] = row(
    "erfinv",
    special.erfinv,
    lambda y: erfinv_slope(y),
    domain=SYMMETRIC_UNIT,
    latex=r"\operatorname{erf}^{-1}\left({0}\right)",
)
polygamma: Final[Primitive] = row(
    "polygamma",
    polygammas.polygamma,
    None,
    lambda n, x: polygamma(n + 1.0, x),
    domain=(WHOLE, POSITIVE),
    latex=r"\psi^{({0})}\left({1}\right)",
)
lgamma: Final[Primitive] = row(
    "lgamma",
    gammas.lgamma,
    lambda x: polygamma(0.0, x),
    domain=POSITIVE,
    latex=r"\ln\left|\Gamma\left({0}\right)\right|",
)
gamma: Final[Primitive] = row(
    "gamma",
    gammas.gamma,
    lambda x: gamma(x) * polygamma(0.0, x),
    domain=POSITIVE,
    latex=function(r"\Gamma"),
)

sigmoid_curvature: Final[Primitive] = row(
    "sigmoid_curvature",
    logistic.sigmoid_curvature,
    lambda x: sigmoid_slope(x) * (1.0 - 6.0 * sigmoid_slope(x)),
    latex=r"\sigma''\left({0}\right)",
)
sigmoid_slope: Final[Primitive] = row(
    "sigmoid_slope", logistic.sigmoid_slope, lambda x: sigmoid_curvature(x), latex=r"\sigma'\left({0}\right)"
)
sigmoid: Final[Primitive] = row(
    "sigmoid", logistic.sigmoid, lambda x: sigmoid_slope(x), latex=function(r"\sigma")
)
softplus: Final[Primitive] = row("softplus", logistic.softplus, lambda x: sigmoid(x))
logsigmoid: Final[Primitive] = row(
    "logsigmoid", logistic.logsigmoid, lambda x: sigmoid(-x), latex=r"\ln\sigma\left({0}\right)"
)
silu_curvature: Final[Primitive] = row(
    "silu_curvature",
    gates.silu_curvature,
    lambda x: 3.0 * sigmoid_curvature(x) + x * (sigmoid_slope(x) * (1.0 - 6.0 * sigmoid_slope(x))),
    latex=r"\operatorname{silu}''\left({0}\right)",
)
silu_slope: Final[Primitive] = row(
    "silu_slope",
    gates.silu_slope,
    lambda x: silu_curvature(x),
    latex=r"\operatorname{silu}'\left({0}\right)",
)
silu: Final[Primitive] = row("silu", gates.silu, lambda x: silu_slope(x))


def mish_third(x: Any) -> Any:
    """The third derivative of x T with T = tanh(softplus(x)): 3 T'' + x T'''."""
    gate, wall = tanh(softplus(x)), sech2(softplus(x))
    s, s1, s2 = sigmoid(x), sigmoid_slope(x), sigmoid_curvature(x)
    bend = s1 - 2.0 * gate * s * s
    bend1 = s2 - 2.0 * wall * s * s * s - 4.0 * gate * s * s1
    return wall * (3.0 * bend + x * (bend1 - 2.0 * gate * s * bend))


mish_curvature: Final[Primitive] = row(
    "mish_curvature", gates.mish_curvature, mish_third, latex=r"\operatorname{mish}''\left({0}\right)"
)
mish_slope: Final[Primitive] = row(
    "mish_slope",
    gates.mish_slope,
    lambda x: mish_curvature(x),
    latex=r"\operatorname{mish}'\left({0}\right)",
)
mish: Final[Primitive] = row("mish", gates.mish, lambda x: mish_slope(x))

normal_density: Final[Primitive] = row(
    "normal_density", special.normal_density, lambda x: -x * normal_density(x), latex=function(r"\varphi")
)
gelu_curvature: Final[Primitive] = row(
    "gelu_curvature",
    special.gelu_curvature,
    lambda x: -x * normal_density(x) * (4.0 - x * x),
    latex=r"\operatorname{gelu}''\left({0}\right)",
)
gelu_slope: Final[Primitive] = row(
    "gelu_slope",
    special.gelu_slope,
    lambda x: gelu_curvature(x),
    latex=r"\operatorname{gelu}'\left({0}\right)",
)
gelu: Final[Primitive] = row("gelu", special.gelu, lambda x: gelu_slope(x))
GELU_TANH_A = 1.5957691216057308  # 2 sqrt(2/pi)
GELU_TANH_B = 0.07135481627260025  # 0.044715 times that


def gelu_tanh_third(x: Any) -> Any:
    """The third derivative of x sigmoid(v), v = a x + b x**3; beyond 40 it is 0, and v would overflow."""
    x = clamp(x, -40.0, 40.0)
    v, v1 = x * (GELU_TANH_A + GELU_TANH_B * x * x), GELU_TANH_A + 3.0 * GELU_TANH_B * x * x
    v2 = 6.0 * GELU_TANH_B * x
    s1, s2 = sigmoid_slope(v), sigmoid_curvature(v)
    s3 = s1 * (1.0 - 6.0 * s1)
    second, third = s2 * v1 * v1 + s1 * v2, s3 * v1 * v1 * v1 + 3.0 * s2 * v1 * v2 + s1 * 6.0 * GELU_TANH_B
    return 3.0 * second + x * third


gelu_tanh_curvature: Final[Primitive] = row(
    "gelu_tanh_curvature", gelu_kernels.gelu_tanh_curvature, gelu_tanh_third
)
gelu_tanh_slope: Final[Primitive] = row(
    "gelu_tanh_slope", gates.gelu_tanh_slope, lambda x: gelu_tanh_curvature(x)
)
gelu_tanh: Final[Primitive] = row(
    "gelu_tanh",
    gates.gelu_tanh,
    lambda x: gelu_tanh_slope(x),
    python='gelu({0}, "tanh")',
    latex=r"\operatorname{gelu}\left({0}\right)",
)

relu: Final[Primitive] = row("relu", elementary.relu, lambda x: step(x), kink=elementary.identity)
relu6: Final[Primitive] = row(
    "relu6", elementary.relu6, lambda x: inside(x, 0.0, 6.0), kink=lambda x: x * (x - 6.0)
)
hardtanh: Final[Primitive] = row(
    "hardtanh", elementary.hardtanh, lambda x: inside(x, -1.0, 1.0), kink=lambda x: x * x - 1.0
)
clamp: Final[Primitive] = row(
    "clamp",
    joint.clamp,
    lambda x, low, high: within(x, low, high),
    lambda x, low, high: less(x, low) * less_equal(low, high),
    lambda x, low, high: less(high, maximum(x, low)),
    kink=lambda x, low, high: (x - low) * (x - high) * (high - low),
)
leaky_slope: Final[Primitive] = row(
    "leaky_slope", joint.leaky_slope, None, lambda x, slope: less_equal(x, 0.0), kink=lambda x, slope: x
)
leaky_relu: Final[Primitive] = row(
    "leaky_relu",
    joint.leaky_relu,
    lambda x, slope: leaky_slope(x, slope),
    lambda x, slope: -relu(-x),
    kink=lambda x, slope: x,
)
elu_curvature: Final[Primitive] = row(
    "elu_curvature",
    joint.elu_curvature,
    lambda x, alpha: elu_curvature(x, alpha),
    lambda x, alpha: elu_curvature(x, 1.0),
    kink=lambda x, alpha: x,
)
elu_slope: Final[Primitive] = row(
    "elu_slope",
    joint.elu_slope,
    lambda x, alpha: elu_curvature(x, alpha),
    lambda x, alpha: elu_curvature(x, 1.0),
    kink=lambda x, alpha: x,
)
elu: Final[Primitive] = row(
    "elu",
    joint.elu,
    lambda x, alpha: elu_slope(x, alpha),
    lambda x, alpha: expm1(-relu(-x)),
    kink=lambda x, alpha: x,
)
softsign_slope: Final[Primitive] = row(
    "softsign_slope",
    slopes.softsign_slope,
    lambda x: -2.0 * (sign(x) * softsign_slope(x) / (1.0 + absolute(x))),
    kink=elementary.identity,
)
softsign: Final[Primitive] = row(
    "softsign",
    elementary.softsign,
    lambda x: softsign_slope(x),
    kink=elementary.identity,
)

bce_curvature: Final[Primitive] = row(
    "bce_curvature",
    logarithms.bce_curvature,
    lambda p, y: 2.0 * ((1.0 - y) / ((1.0 - p) * (1.0 - p) * (1.0 - p)) - y / (p * p * p)),
    lambda p, y: 1.0 / (p * p) - 1.0 / ((1.0 - p) * (1.0 - p)),
    domain=UNIT,
)
bce_slope: Final[Primitive] = row(
    "bce_slope",
    logarithms.bce_slope,
    lambda p, y: bce_curvature(p, y),
    lambda p, y: -1.0 / maximum(p * (1.0 - p), 1e-12),
    domain=UNIT,
)
binary_cross_entropy: Final[Primitive] = row(
    "binary_cross_entropy",
    logarithms.bce,
    lambda p, y: bce_slope(p, y),
    lambda p, y: -clamp(logit(p), -100.0, 100.0),
    domain=UNIT,
)
logistic_residual: Final[Primitive] = row(
    "logistic_residual",
    logarithms.bce_logits_slope,
    lambda z, y: sigmoid_slope(z),
    lambda z, y: -1.0,
    latex=r"\left(\sigma\left({0}\right)-{1}\right)",
    doc="sigmoid(z) - y, exact for labels 0 and 1",
)
binary_cross_entropy_with_logits: Final[Primitive] = row(
    "binary_cross_entropy_with_logits",
    logarithms.bce_logits,
    lambda z, y: logistic_residual(z, y),
    lambda z, y: -z,
)
huber_slope: Final[Primitive] = row(
    "huber_slope",
    joint.huber_slope,
    lambda x, delta: inside(x, -delta, delta),
    lambda x, delta: sign(x) * less(delta, absolute(x)),
    domain=(REAL, POSITIVE),
    kink=lambda x, delta: x * x - delta * delta,
    doc="x between -delta and delta, then constant; its slope is 0 on the bounds",
)
huber: Final[Primitive] = row(
    "huber",
    joint.huber,
    lambda x, delta: huber_slope(x, delta),
    lambda x, delta: relu(absolute(x) - delta),
    domain=(REAL, POSITIVE),
    kink=lambda x, delta: x * x - delta * delta,
)
