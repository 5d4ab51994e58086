"""A row as somebody would add one: the kernel, in the subset that its neighbours use, and the row."""

import math

from engine import Primitive
from engine.domain import POSITIVE
from engine.kernels.elementary import log
from engine.primitives import log as logarithm
from engine.primitives import over


def log_ratio(x: float, y: float) -> float:
    """log(x / y); near 1 from the difference, which is exact there."""
    if 0.5 * y < x and x < 2.0 * y:
        return math.log1p((x - y) / y)
    return log(x) - log(y)


LOG_RATIO = Primitive(
    "log_ratio",
    log_ratio,
    lambda x, y: over(1.0, x),
    lambda x, y: -over(1.0, y),
    domain=POSITIVE,
    latex=r"\ln\tfrac{{0}}{{1}}",
    formula=lambda x, y: logarithm(x / y),
)
