"""Where a function is smooth, as data: the domain column of the table of primitives."""

from __future__ import annotations

from math import inf
from typing import NamedTuple


class Interval(NamedTuple):
    """The open interval (low, high), without the points in `holes`; if `whole`, its whole numbers."""

    low: float
    high: float
    holes: tuple[float, ...] = ()
    whole: bool = False

    def __contains__(self, x: object) -> bool:
        if not isinstance(x, (int, float)) or (self.whole and x % 1.0 != 0.0):
            return False
        return self.low < x < self.high and x not in self.holes

    def described(self, name: str) -> str:
        """The condition on a number of that name, such as "0 < x < 1"; "" if there is none."""
        if self.whole:
            return f"{name} = 0, 1, 2, ..."
        low = "" if self.low == -inf else f"{self.low:g} < "
        high = "" if self.high == inf else f" < {self.high:g}"
        bounds = [f"{low}{name}{high}"] if low or high else []
        return " and ".join([*bounds, *(f"{name} != {hole:g}" for hole in self.holes)])


REAL = Interval(-inf, inf)
POSITIVE = Interval(0.0, inf)
NONZERO = Interval(-inf, inf, (0.0,))
ABOVE_MINUS_ONE = Interval(-1.0, inf)
ABOVE_ONE = Interval(1.0, inf)
UNIT = Interval(0.0, 1.0)
SYMMETRIC_UNIT = Interval(-1.0, 1.0)
WHOLE = Interval(-0.5, 3.5, whole=True)  # an order: 0, 1, 2, 3; more is right but less accurate
