"""Losses, of one example."""

from __future__ import annotations

from typing import Final

from engine.domain import POSITIVE, REAL, UNIT
from engine.kernels import joint, lists, logarithms
from engine.primitive import Primitive
from engine.primitives.activations import relu, sigmoid_slope
from engine.primitives.exponentials import logit
from engine.primitives.nary import residuals
from engine.primitives.rounding import abs, sign
from engine.primitives.row import row
from engine.primitives.selection import clamp, inside, less, maximum

binary_cross_entropy: Final[Primitive] = row(
    "binary_cross_entropy",
    logarithms.bce,
    lambda p, y: bce_slope(p, y),
    lambda p, y: -clamp(logit(p), -100.0, 100.0),
    domain=UNIT,
)
binary_cross_entropy_with_logits: Final[Primitive] = row(
    "binary_cross_entropy_with_logits",
    logarithms.bce_logits,
    lambda z, y: logistic_residual(z, y),
    lambda z, y: -z,
)
huber: Final[Primitive] = row(
    "huber",
    joint.huber,
    lambda x, delta: huber_slope(x, delta),
    lambda x, delta: relu(abs(x) - delta),
    domain=(REAL, POSITIVE),
    kink=lambda x, delta: x * x - delta * delta,
)
cross_entropy: Final[Primitive] = row(
    "cross_entropy",
    lists.cross_entropy,
    gradient=residuals,
    python="cross_entropy([{*}], 0)",
    doc="-log softmax of the first operand, the logit of the target",
)

# Helper rows: what the table needs to be closed under differentiation

bce_slope: Final[Primitive] = row(
    "bce_slope",
    logarithms.bce_slope,
    lambda p, y: bce_curvature(p, y),
    lambda p, y: -1.0 / maximum(p * (1.0 - p), 1e-12),
    domain=UNIT,
)
bce_curvature: Final[Primitive] = row(
    "bce_curvature",
    logarithms.bce_curvature,
    lambda p, y: 2.0 * ((1.0 - y) / ((1.0 - p) * (1.0 - p) * (1.0 - p)) - y / (p * p * p)),
    lambda p, y: 1.0 / (p * p) - 1.0 / ((1.0 - p) * (1.0 - p)),
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
huber_slope: Final[Primitive] = row(
    "huber_slope",
    joint.huber_slope,
    lambda x, delta: inside(x, -delta, delta),
    lambda x, delta: sign(x) * less(delta, abs(x)),
    domain=(REAL, POSITIVE),
    kink=lambda x, delta: x * x - delta * delta,
    doc="x between -delta and delta, then constant; its slope is 0 on the bounds",
)
