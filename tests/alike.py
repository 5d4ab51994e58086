"""What compiled code is held to: the bits of the engine, or a few ulp, on the golden points too."""

import json
import math
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine import functions, primitives
from engine.primitive import TABLE, Primitive

DATA = Path(__file__).parent / "data"
GOLDEN = json.loads((DATA / "golden.json").read_text())["ops"]
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, -0.5, 2.0, 1e308, -3.0, 0.75, -40.0]
SPELLED: dict[str, Callable[..., Any]] = {
    "fabs": primitives.abs,
    "log_base": functions.log,
    "logsumexp2": primitives.logaddexp,
    "leaky_relu": functions.leaky_relu,
    "elu": functions.elu,
    "gelu": functions.gelu,
}
ROWS = [row for name, row in TABLE.items() if name not in ("power_term", "polygamma")]


def golden(name: str) -> Callable[..., Any]:
    """The function of a row of the golden file."""
    return SPELLED.get(name) or getattr(primitives, name)


def arity(row: Primitive) -> int:
    return len(row.partials) if row.gradient is None else 4


def bits(x: float) -> bytes:
    return b"nan" if math.isnan(x) else struct.pack("<d", x)


def same(xs: Sequence[float], ys: Sequence[float]) -> bool:
    return list(map(bits, xs)) == list(map(bits, ys))


def within(got: float, expected: float | None, ulps: float) -> bool:
    if expected is None or bits(got) == bits(expected) or got == expected == 0.0:
        return True
    return math.isfinite(got) and math.isfinite(expected) and abs(got - expected) <= ulps * math.ulp(expected)


def near(a: float, b: float, rtol: float = 1e-9) -> bool:
    return a == b or (a != a and b != b) or abs(a - b) <= rtol * max(abs(a), abs(b), 1e-6)
