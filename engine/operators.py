"""Python's syntax, spelled in primitives: what every graph node can do in an expression."""

from __future__ import annotations

from numbers import Number
from operator import index
from typing import Any, Final, Self

from engine import functions as f
from engine import primitives as p
from engine.primitive import Primitive, Traceable, as_float, is_number

HOPELESS: Final = (str, bytes, type(None), list, tuple, dict, set, Number)  # no Real comes so far


def binary(primitive: Primitive, x: object, y: object) -> Any:
    """primitive(x, y); NotImplemented for types, such as arrays, that may know better."""
    if isinstance(x, Traceable) and isinstance(y, Traceable):
        return primitive.apply((x, y))
    other = y if isinstance(x, Traceable) else x
    # An array that is told NotImplemented goes on by itself, element by element.
    return primitive.apply((x, y)) if is_number(other) else unlike(other)


def unlike(other: object) -> Any:
    """NotImplemented; for what can never stand in an expression, the TypeError that says why."""
    if isinstance(other, HOPELESS) and not is_number(other):
        as_float(other)
    return NotImplemented


class Operators(Traceable):
    """Operators and fluent methods. The methods carry NumPy's names, so `np.exp` finds them."""

    __slots__ = ()

    def __add__(self, other: object) -> Any:
        return binary(p.add, self, other)

    def __radd__(self, other: object) -> Any:
        return binary(p.add, other, self)

    def __sub__(self, other: object) -> Any:
        return binary(p.sub, self, other)

    def __rsub__(self, other: object) -> Any:
        return binary(p.sub, other, self)

    def __mul__(self, other: object) -> Any:
        return binary(p.mul, self, other)

    def __rmul__(self, other: object) -> Any:
        return binary(p.mul, other, self)

    def __truediv__(self, other: object) -> Any:
        return binary(p.div, self, other)

    def __rtruediv__(self, other: object) -> Any:
        return binary(p.div, other, self)

    def __floordiv__(self, other: object) -> Any:
        return binary(p.floordiv, self, other)

    def __rfloordiv__(self, other: object) -> Any:
        return binary(p.floordiv, other, self)

    def __mod__(self, other: object) -> Any:
        return binary(p.mod, self, other)

    def __rmod__(self, other: object) -> Any:
        return binary(p.mod, other, self)

    def __divmod__(self, other: object) -> Any:
        return self // other, self % other

    def __rdivmod__(self, other: object) -> Any:
        return other // self, other % self

    def __pow__(self, other: object) -> Any:
        return binary(p.pow, self, other)

    def __rpow__(self, other: object) -> Any:
        return binary(p.pow, other, self)

    def __neg__(self) -> Any:
        return p.neg(self)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Any:
        return p.abs(self)

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            return p.round(self)
        return p.round_digits(self, float(index(digits)))

    def __floor__(self) -> Any:
        return p.floor(self)

    def __ceil__(self) -> Any:
        return p.ceil(self)

    def __trunc__(self) -> Any:
        return p.trunc(self)

    def __lt__(self, other: object) -> Any:
        return binary(p.less, self, other)

    def __le__(self, other: object) -> Any:
        return binary(p.less_equal, self, other)

    def __gt__(self, other: object) -> Any:
        return binary(p.greater, self, other)

    def __ge__(self, other: object) -> Any:
        return binary(p.greater_equal, self, other)

    def __hash__(self) -> int:
        return object.__hash__(self)  # said once more where order is defined: mypyc would drop it

    # Python asks these for a number and would go on without the graph: a gradient of 0, and no error.

    def __float__(self) -> float:
        raise self.refuse("float(v)")

    def __int__(self) -> int:
        raise self.refuse("int(v)")

    def __complex__(self) -> complex:
        raise self.refuse("complex(v)")

    def refuse(self, what: str) -> TypeError:
        return TypeError(
            f"{what} would cut the graph in silence: use the functions of the engine, such as engine.exp "
            f"for math.exp; for an array of nodes, a list or np.empty(n, dtype=object); for the bare "
            f"number, without its derivative, ask for .data or .item()"
        )

    # `np.exp(array of Values)` calls the method `exp` of each, and so on: the names are NumPy's.

    def exp(self) -> Any:
        return p.exp(self)

    def exp2(self) -> Any:
        return p.exp2(self)

    def expm1(self) -> Any:
        return p.expm1(self)

    def log1p(self) -> Any:
        return p.log1p(self)

    def log2(self) -> Any:
        return p.log2(self)

    def log10(self) -> Any:
        return p.log10(self)

    def sqrt(self) -> Any:
        return p.sqrt(self)

    def cbrt(self) -> Any:
        return p.cbrt(self)

    def reciprocal(self) -> Any:
        return p.reciprocal(self)

    def square(self) -> Any:
        return p.square(self)

    def sin(self) -> Any:
        return p.sin(self)

    def cos(self) -> Any:
        return p.cos(self)

    def tan(self) -> Any:
        return p.tan(self)

    def arcsin(self) -> Any:
        return p.asin(self)

    def arccos(self) -> Any:
        return p.acos(self)

    def arctan(self) -> Any:
        return p.atan(self)

    def sinh(self) -> Any:
        return p.sinh(self)

    def cosh(self) -> Any:
        return p.cosh(self)

    def tanh(self) -> Any:
        return p.tanh(self)

    def arcsinh(self) -> Any:
        return p.asinh(self)

    def arccosh(self) -> Any:
        return p.acosh(self)

    def arctanh(self) -> Any:
        return p.atanh(self)

    def degrees(self) -> Any:
        return p.degrees(self)

    def radians(self) -> Any:
        return p.radians(self)

    def rad2deg(self) -> Any:
        return p.degrees(self)

    def deg2rad(self) -> Any:
        return p.radians(self)

    # NumPy's names for what Python has an operator or another name for.

    def fabs(self) -> Any:
        return p.abs(self)

    def sign(self) -> Any:
        return p.sign(self)

    def floor(self) -> Any:
        return p.floor(self)

    def ceil(self) -> Any:
        return p.ceil(self)

    def trunc(self) -> Any:
        return p.trunc(self)

    def rint(self) -> Any:
        return p.round(self)

    def erf(self) -> Any:
        return p.erf(self)

    def erfc(self) -> Any:
        return p.erfc(self)

    def lgamma(self) -> Any:
        return p.lgamma(self)

    def gamma(self) -> Any:
        return p.gamma(self)

    def relu(self) -> Any:
        return p.relu(self)

    def relu6(self) -> Any:
        return p.relu6(self)

    def sigmoid(self) -> Any:
        return p.sigmoid(self)

    def logsigmoid(self) -> Any:
        return p.logsigmoid(self)

    def softplus(self) -> Any:
        return p.softplus(self)

    def silu(self) -> Any:
        return p.silu(self)

    def mish(self) -> Any:
        return p.mish(self)

    def softsign(self) -> Any:
        return p.softsign(self)

    def hardtanh(self) -> Any:
        return p.hardtanh(self)

    def abs(self) -> Any:
        return p.abs(self)

    def round(self) -> Any:
        return p.round(self)

    def log(self, base: object = None) -> Any:
        return f.log(self, base)

    def gelu(self, approximate: str | None = None) -> Any:
        return f.gelu(self, approximate)

    def leaky_relu(self, slope: object = 0.01) -> Any:
        return f.leaky_relu(self, slope)

    def elu(self, alpha: object = 1.0) -> Any:
        return f.elu(self, alpha)

    def clamp(self, min_value: object, max_value: object) -> Any:
        return f.clamp(self, min_value, max_value)

    def arctan2(self, other: object) -> Any:
        return binary(p.atan2, self, other)

    def hypot(self, other: object) -> Any:
        return binary(p.hypot, self, other)

    def fmod(self, other: object) -> Any:
        return binary(p.fmod, self, other)

    def logaddexp(self, other: object) -> Any:
        return binary(p.logaddexp, self, other)

    def maximum(self, other: object) -> Any:
        return binary(p.maximum, self, other)

    def minimum(self, other: object) -> Any:
        return binary(p.minimum, self, other)

    def conjugate(self) -> Self:
        return self
