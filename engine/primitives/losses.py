"""Losses, of one example."""

from __future__ import annotations

from typing import Final

from engine.domain import POSITIVE, REAL, UNIT
from engine.kernels import joint, lists, logarithms
from engine.primitive import Primitive
from engine.primitives.activations import relu, sigmoid, sigmoid_slope, softplus
from engine.primitives.exponentials import log, logit
from engine.primitives.nary import logsumexp, residuals
from engine.primitives.rounding import abs, sign
from engine.primitives.row import helper, row
from engine.primitives.selection import clamp, inside, less, maximum, not_above, select

binary_cross_entropy: Final[Primitive] = row(
    "binary_cross_entropy",
    logarithms.bce,
    lambda p, y: bce_slope(p, y),
    lambda p, y: -clamp(logit(p), -100.0, 100.0),
    domain=UNIT,
    formula=lambda p, y: -(y * log(p) + (1.0 - y) * log(1.0 - p)),
    ulps=2.5,
)
binary_cross_entropy_with_logits: Final[Primitive] = row(
    "binary_cross_entropy_with_logits",
    logarithms.bce_logits,
    lambda z, y: logistic_residual(z, y),
    lambda z, y: -z,
    formula=lambda z, y: softplus(z) - y * z,
    ulps=4.0,
)
huber: Final[Primitive] = row(
    "huber",
    joint.huber,
    lambda x, delta: huber_slope(x, delta),
    lambda x, delta: relu(abs(x) - delta),
    domain=(REAL, POSITIVE),
    kink=lambda x, delta: x * x - delta * delta,
    formula=lambda x, delta: select(less(delta, abs(x)), delta * (abs(x) - delta / 2.0), x**2 / 2.0),
    structural=(False, lambda x, delta: not_above(delta, abs(x))),
    ulps=1.5,
)
cross_entropy: Final[Primitive] = row(
    "cross_entropy",
    lists.cross_entropy,
    gradient=residuals,
    python="cross_entropy([{*}], 0)",
    doc="-log softmax of the first operand, the logit of the target",
    formula=lambda xs: logsumexp(*xs) - xs[0],
    ulps=4.0,
)

# Helper rows: what the table needs to be closed under differentiation

bce_slope: Final[Primitive] = helper(
    "bce_slope",
    logarithms.bce_slope,
    lambda p, y: bce_curvature(p, y),
    lambda p, y: -1.0 / maximum(p * (1.0 - p), 1e-12),
    domain=UNIT,
    formula=lambda p, y: (p - y) / (p * (1.0 - p)),
)
bce_curvature: Final[Primitive] = helper(
    "bce_curvature",
    logarithms.bce_curvature,
    lambda p, y: 2.0 * ((1.0 - y) / ((1.0 - p) * (1.0 - p) * (1.0 - p)) - y / (p * p * p)),
    lambda p, y: 1.0 / (p * p) - 1.0 / ((1.0 - p) * (1.0 - p)),
    domain=UNIT,
    formula=lambda p, y: y / p**2 + (1.0 - y) / (1.0 - p) ** 2,
)
logistic_residual: Final[Primitive] = helper(
    "logistic_residual",
    logarithms.bce_logits_slope,
    lambda z, y: sigmoid_slope(z),
    lambda z, y: -1.0,
    doc="exact for labels 0 and 1",
    formula=lambda z, y: sigmoid(z) - y,
)
huber_slope: Final[Primitive] = helper(
    "huber_slope",
    joint.huber_slope,
    lambda x, delta: inside(x, -delta, delta),
    lambda x, delta: sign(x) * less(delta, abs(x)),
    domain=(REAL, POSITIVE),
    kink=lambda x, delta: x * x - delta * delta,
    doc="x between -delta and delta, then constant; its slope is 0 on the bounds",
    formula=lambda x, delta: clamp(x, -delta, delta),
    structural=(True, lambda x, delta: not_above(delta, abs(x))),
)
