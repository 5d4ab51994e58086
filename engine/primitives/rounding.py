"""Signs, rounding, and what is left of a division."""

from __future__ import annotations

from typing import Final

from engine.domain import NONZERO, REAL, WHOLE
from engine.kernels import elementary, joint
from engine.primitive import Primitive
from engine.primitives.row import PRODUCT, helper, row
from engine.primitives.selection import defined, less, select

abs: Final[Primitive] = row(
    "abs",
    elementary.absolute,
    lambda x: sign(x),
    kink=lambda x: x,
    latex=r"\left|{0}\right|",
    doc="its derivatives at 0 are 0, by convention",
)
sign: Final[Primitive] = row("sign", elementary.sign, None, kink=lambda x: x, symbol=r"\operatorname{sgn}")
copysign: Final[Primitive] = row(
    "copysign",
    joint.copysign,
    lambda x, y: sign(x) * copysign(1.0, y),
    None,
    kink=lambda x, y: x * y,
    formula=lambda x, y: select(less(y, 0.0), -abs(x), abs(x)),
)
floor: Final[Primitive] = row(
    "floor",
    elementary.floor,
    None,
    kink=lambda x: x - round(x),
    latex=r"\left\lfloor {0}\right\rfloor",
)
ceil: Final[Primitive] = row(
    "ceil",
    elementary.ceil,
    None,
    kink=lambda x: x - round(x),
    latex=r"\left\lceil {0}\right\rceil",
)
trunc: Final[Primitive] = row(
    "trunc",
    elementary.trunc,
    None,
    kink=lambda x: x - round(x),
    formula=lambda x: sign(x) * floor(abs(x)),
)
round: Final[Primitive] = row(
    "round",
    elementary.nearest,
    None,
    kink=lambda x: x - floor(x) - 0.5,
    latex=r"\left\lfloor {0}\right\rceil",
    formula=lambda x: ceil((2.0 * x - 1.0) / 4.0) + floor((2.0 * x + 1.0) / 4.0),
)
fmod: Final[Primitive] = row(
    "fmod",
    joint.fmod,
    lambda x, y: defined(fmod(x, y)),
    lambda x, y: -round((x - fmod(x, y)) / y),
    domain=(REAL, NONZERO),
    kink=lambda x, y: remainder(x, y),
    formula=lambda x, y: x - y * trunc(x / y),
)
mod: Final[Primitive] = row(
    "mod",
    joint.mod,
    lambda x, y: defined(mod(x, y)),
    lambda x, y: -mod_turns(x, y),
    domain=(REAL, NONZERO),
    kink=lambda x, y: remainder(x, y),
    sign="%",
    latex=r"{0}\bmod {1}",
    precedence=PRODUCT,
    formula=lambda x, y: x - y * floor(x / y),
)
remainder: Final[Primitive] = row(
    "remainder",
    joint.remainder,
    lambda x, y: defined(remainder(x, y)),
    lambda x, y: -round((x - remainder(x, y)) / y),
    domain=(REAL, NONZERO),
    kink=lambda x, y: abs(remainder(x, y)) - 0.5 * abs(y),
    formula=lambda x, y: x - y * round(x / y),
)
floordiv: Final[Primitive] = row(
    "floordiv",
    joint.floordiv,
    None,
    None,
    domain=(REAL, NONZERO),
    kink=lambda x, y: remainder(x, y),
    sign="//",
    latex=r"\left\lfloor \frac{{0}}{{1}}\right\rfloor",
    precedence=PRODUCT,
    formula=lambda x, y: floor(x / y),
)

# Helper rows: what the table needs to be closed under differentiation

mod_turns: Final[Primitive] = helper(
    "mod_turns",
    joint.mod_turns,
    None,
    None,
    domain=(REAL, NONZERO),
    kink=lambda x, y: remainder(x, y),
    formula=lambda x, y: floor(x / y),
)
round_digits: Final[Primitive] = helper(
    "round_digits",
    elementary.round_digits,
    None,
    None,
    domain=(REAL, WHOLE),
    kink=lambda x, digits: x * 10.0**digits - floor(x * 10.0**digits) - 0.5,
    formula=lambda x, digits: round(x * 10.0**digits) / 10.0**digits,
)
