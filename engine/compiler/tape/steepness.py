"""Where a product with 0 may not be 0: rows whose derivatives, or values, can be infinite or nan at finite
operands. Found by trying.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product
from math import isfinite
from typing import Any, Final

from engine.primitive import Primitive, as_float

ENDS: Final = (-1e308, -1e3, -1.5, -1.0, -0.5, -5e-324, 0.0, 5e-324, 0.5, 1.0, 1.5, 1e3, 1e308)
FEW_ENDS: Final = (-1e308, -1.0, 0.0, 5e-324, 1e3)  # for rows of three or more
ORDINARY: Final = (-1e6, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 1e6)


@cache
def is_steep(row: Primitive, i: int) -> bool:
    """Whether the derivative to operand i can be infinite or nan at finite operands."""
    count = arity(row)
    points = product(ENDS if count < 3 else FEW_ENDS, repeat=count)
    return row.foreign or not all(is_finite(slope_at, row, i, list(xs)) for xs in points)


@cache
def is_wild(row: Primitive) -> bool:
    """Whether the row can be infinite or nan at ordinary operands, as sums and products are not."""
    if not row.partials and row.gradient is None:
        return False  # an input
    points = product(ORDINARY, repeat=arity(row))
    return not (row.foreign or all(is_finite(Primitive.evaluate, row, list(xs)) for xs in points))


def arity(row: Primitive) -> int:
    """How many operands to try; 3 are many."""
    return 3 if row.gradient is not None else len(row.partials)


def slope_at(row: Primitive, i: int, xs: list[float]) -> Any:
    local = row.local_gradient(xs)[min(i, len(xs) - 1)]
    return 0.0 if local is None else local


def is_finite(number: Callable[..., Any], *args: Any) -> bool:
    """Whether it is a finite number; where Python raises, IEEE 754 has an infinite one."""
    try:
        return isfinite(as_float(number(*args)))
    except ArithmeticError:
        return False
