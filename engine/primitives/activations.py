"""Activations of neurons."""

from __future__ import annotations

from typing import Any, Final

from engine.kernels import elementary, gates, joint, logistic, slopes, special
from engine.kernels import gelu as gelu_kernels
from engine.primitive import Primitive
from engine.primitives.exponentials import exp, expm1, log, sqrt
from engine.primitives.rounding import abs, sign
from engine.primitives.row import helper, row
from engine.primitives.selection import (
    clamp,
    greater,
    inside,
    less,
    less_equal,
    maximum,
    not_above,
    select,
    step,
)
from engine.primitives.special import erf, normal_density
from engine.primitives.trigonometry import sech2, tanh

relu: Final[Primitive] = row(
    "relu",
    elementary.relu,
    lambda x: step(x),
    doc="its derivatives at 0 are 0, by convention",
    kink=lambda x: x,
    formula=lambda x: maximum(x, 0.0),
    structural=True,
)
relu6: Final[Primitive] = row(
    "relu6",
    elementary.relu6,
    lambda x: inside(x, 0.0, 6.0),
    kink=lambda x: x * (x - 6.0),
    formula=lambda x: clamp(x, 0.0, 6.0),
    structural=True,
)
hardtanh: Final[Primitive] = row(
    "hardtanh",
    elementary.hardtanh,
    lambda x: inside(x, -1.0, 1.0),
    kink=lambda x: x * x - 1.0,
    formula=lambda x: clamp(x, -1.0, 1.0),
    structural=True,
)
leaky_relu: Final[Primitive] = row(
    "leaky_relu",
    joint.leaky_relu,
    lambda x, slope: leaky_slope(x, slope),
    lambda x, slope: -relu(-x),
    kink=lambda x, slope: x,
    formula=lambda x, slope: select(greater(x, 0.0), x, slope * x),
    structural=(False, lambda x, slope: not_above(x, 0.0)),
)
elu: Final[Primitive] = row(
    "elu",
    joint.elu,
    lambda x, alpha: elu_slope(x, alpha),
    lambda x, alpha: expm1(-relu(-x)),
    kink=lambda x, alpha: x,
    formula=lambda x, alpha: select(greater(x, 0.0), x, alpha * (exp(x) - 1.0)),
    structural=(False, lambda x, alpha: not_above(x, 0.0)),
    ulps=1.5,
)
sigmoid: Final[Primitive] = row(
    "sigmoid",
    logistic.sigmoid,
    lambda x: sigmoid_slope(x),
    symbol=r"\sigma",
    formula=lambda x: 1.0 / (1.0 + exp(-x)),
    ulps=2.0,
)
logsigmoid: Final[Primitive] = row(
    "logsigmoid",
    logistic.logsigmoid,
    lambda x: sigmoid(-x),
    symbol=r"\ln\sigma",
    formula=lambda x: -log(1.0 + exp(-x)),
    ulps=1.5,
)
softplus: Final[Primitive] = row(
    "softplus",
    logistic.softplus,
    lambda x: sigmoid(x),
    formula=lambda x: log(1.0 + exp(x)),
    ulps=1.5,
)
silu: Final[Primitive] = row(
    "silu", gates.silu, lambda x: silu_slope(x), formula=lambda x: x * sigmoid(x), ulps=2.0
)
mish: Final[Primitive] = row(
    "mish",
    gates.mish,
    lambda x: mish_slope(x),
    formula=lambda x: x * tanh(softplus(x)),
    ulps=3.0,
)
gelu: Final[Primitive] = row(
    "gelu",
    special.gelu,
    lambda x: gelu_slope(x),
    formula=lambda x: x / 2.0 * (1.0 + erf(x / sqrt(2.0))),
    ulps=2.0,
)
gelu_tanh: Final[Primitive] = row(
    "gelu_tanh",
    gates.gelu_tanh,
    lambda x: gelu_tanh_slope(x),
    python='gelu({0}, "tanh")',
    symbol=r"\operatorname{gelu}",
    formula=lambda x: x * sigmoid(gelu_tanh_inner(x)),
    ulps=2.0,
)
softsign: Final[Primitive] = row(
    "softsign",
    elementary.softsign,
    lambda x: softsign_slope(x),
    kink=lambda x: x,
    formula=lambda x: x / (1.0 + abs(x)),
    ulps=1.5,
)

# Helper rows: what the table needs to be closed under differentiation

leaky_slope: Final[Primitive] = helper(
    "leaky_slope",
    joint.leaky_slope,
    None,
    lambda x, slope: less_equal(x, 0.0),
    kink=lambda x, slope: x,
    formula=lambda x, slope: select(greater(x, 0.0), 1.0, slope),
    structural=True,
)
elu_slope: Final[Primitive] = helper(
    "elu_slope",
    joint.elu_slope,
    lambda x, alpha: elu_curvature(x, alpha),
    lambda x, alpha: elu_curvature(x, 1.0),
    kink=lambda x, alpha: x,
    formula=lambda x, alpha: select(greater(x, 0.0), 1.0, alpha * exp(x)),
    structural=lambda x, alpha: not_above(x, 0.0),
)
elu_curvature: Final[Primitive] = helper(
    "elu_curvature",
    joint.elu_curvature,
    lambda x, alpha: elu_curvature(x, alpha),
    lambda x, alpha: elu_curvature(x, 1.0),
    kink=lambda x, alpha: x,
    formula=lambda x, alpha: select(less(x, 0.0), alpha * exp(x), 0.0),
    structural=lambda x, alpha: step(-x),
)
sigmoid_slope: Final[Primitive] = helper(
    "sigmoid_slope",
    logistic.sigmoid_slope,
    lambda x: sigmoid_curvature(x),
    formula=lambda x: sigmoid(x) * (1.0 - sigmoid(x)),
)
sigmoid_curvature: Final[Primitive] = helper(
    "sigmoid_curvature",
    logistic.sigmoid_curvature,
    lambda x: sigmoid_slope(x) * (1.0 - 6.0 * sigmoid_slope(x)),
    formula=lambda x: sigmoid(x) * (1.0 - sigmoid(x)) * (1.0 - 2.0 * sigmoid(x)),
)
silu_slope: Final[Primitive] = helper(
    "silu_slope",
    gates.silu_slope,
    lambda x: silu_curvature(x),
    formula=lambda x: sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x))),
)


def silu_third(x: Any) -> Any:
    """The third derivative of silu; beyond 1000 it is 0."""
    x = clamp(x, -1000.0, 1000.0)
    return 3.0 * sigmoid_curvature(x) + x * (sigmoid_slope(x) * (1.0 - 6.0 * sigmoid_slope(x)))


silu_curvature: Final[Primitive] = helper(
    "silu_curvature",
    gates.silu_curvature,
    silu_third,
    formula=lambda x: sigmoid_slope(x) * (2.0 + x * (1.0 - 2.0 * sigmoid(x))),
)
mish_slope: Final[Primitive] = helper(
    "mish_slope",
    gates.mish_slope,
    lambda x: mish_curvature(x),
    formula=lambda x: tanh(softplus(x)) + x * sech2(softplus(x)) * sigmoid(x),
)


def mish_third(x: Any) -> Any:
    """The third derivative of x T with T = tanh(softplus(x)): 3 T'' + x T'''; beyond 1000 it is 0."""
    x = clamp(x, -1000.0, 1000.0)
    gate, wall = tanh(softplus(x)), sech2(softplus(x))
    s, s1, s2 = sigmoid(x), sigmoid_slope(x), sigmoid_curvature(x)
    bend = s1 - 2.0 * gate * s * s
    bend1 = s2 - 2.0 * wall * s * s * s - 4.0 * gate * s * s1
    return wall * (3.0 * bend + x * (bend1 - 2.0 * gate * s * bend))


mish_curvature: Final[Primitive] = helper(
    "mish_curvature",
    gates.mish_curvature,
    mish_third,
    formula=lambda x: (
        sech2(softplus(x)) * sigmoid(x) * (2.0 + x * (1.0 - sigmoid(x) * (1.0 + 2.0 * tanh(softplus(x)))))
    ),
)
gelu_slope: Final[Primitive] = helper(
    "gelu_slope",
    special.gelu_slope,
    lambda x: gelu_curvature(x),
    formula=lambda x: (1.0 + erf(x / sqrt(2.0))) / 2.0 + x * normal_density(x),
)


def gelu_third(x: Any) -> Any:
    """The third derivative of gelu; beyond 50 it is 0, and x * x would overflow."""
    x = clamp(x, -50.0, 50.0)
    return -x * normal_density(x) * (4.0 - x * x)


gelu_curvature: Final[Primitive] = helper(
    "gelu_curvature",
    special.gelu_curvature,
    gelu_third,
    formula=lambda x: (2.0 - x**2) * normal_density(x),
)
GELU_TANH_A = 1.5957691216057308  # 2 sqrt(2/pi)
GELU_TANH_B = 0.07135481627260025  # 0.044715 times that


def gelu_tanh_inner(x: Any) -> Any:
    """v, of x sigmoid(v)."""
    return x * (GELU_TANH_A + GELU_TANH_B * x**2)


def gelu_tanh_steep(x: Any) -> Any:
    return GELU_TANH_A + 3.0 * GELU_TANH_B * x**2


def gelu_tanh_second(x: Any) -> Any:
    s, steep = sigmoid(gelu_tanh_inner(x)), gelu_tanh_steep(x)
    return s * (1.0 - s) * (2.0 * steep + x * ((1.0 - 2.0 * s) * steep**2 + 6.0 * GELU_TANH_B * x))


gelu_tanh_slope: Final[Primitive] = helper(
    "gelu_tanh_slope",
    gates.gelu_tanh_slope,
    lambda x: gelu_tanh_curvature(x),
    formula=lambda x: (
        sigmoid(gelu_tanh_inner(x)) + x * sigmoid_slope(gelu_tanh_inner(x)) * gelu_tanh_steep(x)
    ),
)


def gelu_tanh_third(x: Any) -> Any:
    """The third derivative of x sigmoid(v), v = a x + b x**3; beyond 40 it is 0, and v would overflow."""
    x = clamp(x, -40.0, 40.0)
    v, v1 = x * (GELU_TANH_A + GELU_TANH_B * x * x), GELU_TANH_A + 3.0 * GELU_TANH_B * x * x
    v2 = 6.0 * GELU_TANH_B * x
    s1, s2 = sigmoid_slope(v), sigmoid_curvature(v)
    s3 = s1 * (1.0 - 6.0 * s1)
    second, third = s2 * v1 * v1 + s1 * v2, s3 * v1 * v1 * v1 + 3.0 * s2 * v1 * v2 + s1 * 6.0 * GELU_TANH_B
    return 3.0 * second + x * third


gelu_tanh_curvature: Final[Primitive] = helper(
    "gelu_tanh_curvature", gelu_kernels.gelu_tanh_curvature, gelu_tanh_third, formula=gelu_tanh_second
)
softsign_slope: Final[Primitive] = helper(
    "softsign_slope",
    slopes.softsign_slope,
    lambda x: -2.0 * (sign(x) * softsign_slope(x) / (1.0 + abs(x))),
    kink=lambda x: x,
    formula=lambda x: 1.0 / (1.0 + abs(x)) ** 2,
)
