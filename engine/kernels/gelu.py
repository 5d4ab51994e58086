"""The second derivative of the gelu that a tanh approximates."""

from __future__ import annotations

import math

from engine.kernels.gates import A_REST, A, exp_times, gelu_tanh_argument, gelu_tanh_steepness
from engine.kernels.special import horner, product_error, sum_error

ROOT = 1.4185040087908283  # of this derivative, and what its rounding left
ROOT_REST = 8.089265124388305e-17
# Its Taylor series there, highest power first: the formula cancels
SERIES = (
    3.007050913088175e-10,
    5.3427653791305414e-11,
    -2.207298319503112e-09,
    2.851641780735067e-09,
    1.1237042794566375e-08,
    -3.602721872649386e-08,
    -2.4601994673299104e-08,
    2.779934168936508e-07,
    -2.3134876605993593e-07,
    -1.501746538549582e-06,
    3.568864966961748e-06,
    4.884341759522852e-06,
    -2.918654105104775e-05,
    6.138879668243466e-06,
    0.00017619942054101047,
    -0.00026173756856854425,
    -0.0007514200775098502,
    0.002643461146696662,
    0.0007632001136916162,
    -0.01671150756085392,
    0.020035361162701274,
    0.056750540975161724,
    -0.16109481693213482,
    -0.008168951883944803,
    0.432081111593848,
    -0.4095488174124191,
)


def gelu_tanh_curvature(x: float) -> float:
    """With v = A x + B x^3: sigmoid'(v) (4 v' - 2 A - x v'^2 tanh(v / 2)), an even function."""
    size = math.fabs(x)
    if size > 25.0:
        return -0.0
    z = (size - ROOT) - ROOT_REST
    if math.fabs(z) <= 0.45:
        return horner(z, SERIES) * z
    v = gelu_tanh_argument(size, 0.0)
    rest = gelu_tanh_argument(size, 1.0)
    slope = gelu_tanh_steepness(size, 0.0)
    slope_rest = gelu_tanh_steepness(size, 1.0)
    lift = 4.0 * slope - 2.0 * A
    lift_rest = sum_error(4.0 * slope, -2.0 * A) + 4.0 * slope_rest - 2.0 * A_REST
    bend = slope * slope
    bend_rest = product_error(slope, slope) + 2.0 * slope * slope_rest
    drop = size * bend
    drop_rest = product_error(size, bend) + size * bend_rest
    e = math.exp(-v)
    wall = (1.0 - e) / (1.0 + e)  # tanh(v / 2)
    small = sum_error(lift, -drop) + (lift_rest - drop_rest) + 2.0 * drop * e / (1.0 + e)
    small -= rest * (2.0 * drop * e / ((1.0 + e) * (1.0 + e)) + wall * (lift - drop * wall))
    c = (lift - drop) + small
    return exp_times(c, -v) if v > 700.0 else e * c / (1.0 + e * (2.0 + e))
