"""The public functions that take lists, options or defaults: they choose a row and its operands."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from engine import primitives as p
from engine.arrays import elementwise
from engine.primitive import Primitive, Traceable, as_float
from engine.text import brief
from engine.trees import is_array

# fmt: off
__all__ = [
    "clamp",
    "cross_entropy",
    "dot",
    "elu",
    "gelu",
    "huber",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "leaky_relu",
    "log",
    "log_softmax",
    "logsumexp",
    "max",
    "mean",
    "min",
    "norm",
    "prod",
    "round",
    "softmax",
    "stop_gradient",
    "sum",
    "where",
]
# fmt: on


def operands(name: str, xs: object, least: int = 1) -> Sequence[Any]:
    """xs as a list or a tuple. Raises TypeError for what is no iterable, ValueError for too few."""
    if isinstance(xs, (list, tuple)):
        items: Sequence[Any] = xs
    elif isinstance(xs, (str, bytes)) or not isinstance(xs, Iterable):
        raise TypeError(f"{name} takes an iterable, such as a list of Values, got {type(xs).__name__}")
    else:
        items = list(xs)
    if len(items) < least:
        raise ValueError(f"{name} needs at least one number, got an empty {type(xs).__name__}")
    return items


def sum(xs: Iterable[Any], start: Any = None) -> Any:
    """The sum of xs as one node, added to start if there is one; 0.0 if there are none."""
    items = operands("sum", xs, 0)
    if start is not None:
        return p.sum(start, *items)
    return p.sum(*items) if items else 0.0


def prod(xs: Iterable[Any]) -> Any:
    """The product of xs as one node; 1.0 if there are none."""
    items = operands("prod", xs, 0)
    return p.prod(*items) if items else 1.0


def mean(xs: Iterable[Any]) -> Any:
    """The arithmetic mean. Raises ValueError for an empty xs."""
    return p.mean(*operands("mean", xs))


def dot(xs: Iterable[Any], ys: Iterable[Any]) -> Any:
    """x1 y1 + x2 y2 + ... as one node. Raises ValueError if the lengths differ."""
    left, right = operands("dot", xs, 0), operands("dot", ys, 0)
    if len(left) != len(right):
        raise ValueError(f"dot needs two lists of one length, got {len(left)} and {len(right)} numbers")
    return p.dot.apply((*left, *right)) if left else 0.0


def norm(xs: Iterable[Any]) -> Any:
    """The Euclidean length; its gradient at the origin is 0, second derivatives there are nan."""
    items = operands("norm", xs, 0)
    return p.norm(*items) if items else 0.0


def max(x: Any, *others: Any, key: Any = None, default: Any = ...) -> Any:
    """The largest of a list, or of several numbers; ties share the gradient equally.

    With a key, as in Python, the first whose key is largest. Raises ValueError for an empty list
    without a default.
    """
    return extreme(p.max, builtins.max, (x, *others), key, default)


def min(x: Any, *others: Any, key: Any = None, default: Any = ...) -> Any:
    """The smallest of a list, or of several numbers; ties share the gradient equally.

    With a key, as in Python, the first whose key is smallest. Raises ValueError for an empty list
    without a default.
    """
    return extreme(p.min, builtins.min, (x, *others), key, default)


def extreme(row: Primitive, python: Any, xs: Sequence[Any], key: Any, default: Any) -> Any:
    """Which of xs, or of the list that is alone there: the row decides, unless keys are compared."""
    items = xs if len(xs) > 1 else operands(row.name, xs[0], least=default is ...)
    if not items:
        return default
    return row(*items) if key is None else python(items, key=key)


def round(x: Any, ndigits: int | None = None) -> Any:
    """x rounded half to even, to a whole number or to so many digits; no gradient passes."""
    if ndigits is None:
        return p.round(x)
    if is_array(x):
        return elementwise(round, (x, ndigits))
    number: Any = x if isinstance(x, Traceable) else as_float(x)
    return builtins.round(number, ndigits)


def logsumexp(xs: Iterable[Any]) -> Any:
    """log(exp(x1) + exp(x2) + ...), exact for any xs; -inf masks an entry."""
    return p.logsumexp(*operands("logsumexp", xs))


def softmax(xs: Iterable[Any]) -> list[Any]:
    """exp(x) over the sum of all of them, for each x."""
    items = operands("softmax", xs)
    return [first(p.softmax, items, i) for i in range(len(items))]


def log_softmax(xs: Iterable[Any]) -> list[Any]:
    """The logarithm of the softmax, for each x."""
    items = operands("log_softmax", xs)
    return [first(p.log_softmax, items, i) for i in range(len(items))]


def first(primitive: Primitive, items: Sequence[Any], i: int) -> Any:
    """The primitive with the i-th item as its first operand."""
    return primitive(items[i], *items[:i], *items[i + 1 :])


def cross_entropy(logits: Iterable[Any], target: Any) -> Any:
    """-log softmax(logits)[target]; for a list of weights as target, their weighted sum.

    Raises IndexError for a target out of range, ValueError for weights of another length.
    """
    items = operands("cross_entropy", logits)
    if isinstance(target, Iterable):
        return weighted_cross_entropy(items, list(target))
    index = as_index(target)
    if not 0 <= index < len(items):
        raise IndexError(
            f"cross_entropy got target {index} for {len(items)} logits: give 0 to {len(items) - 1}"
        )
    return first(p.cross_entropy, items, index)


def as_index(target: Any) -> int:
    """A class as an int. Raises TypeError for what is no whole number."""
    number = math.nan if isinstance(target, Traceable) else as_float(target)
    if not number.is_integer():
        raise TypeError(
            "the target of cross_entropy is the index of a class, or a weight for each class; "
            f"got {brief(target)}"
        )
    return int(number)


def weighted_cross_entropy(items: Sequence[Any], weights: Sequence[Any]) -> Any:
    """Classes of weight 0 are left out, so that they may be masked."""
    if len(weights) != len(items):
        raise ValueError(f"cross_entropy needs a weight for each logit, got {len(weights)} for {len(items)}")
    used = [i for i, weight in enumerate(weights) if isinstance(weight, Traceable) or weight != 0.0]
    return dot([weights[i] for i in used], [first(p.cross_entropy, items, i) for i in used])


def log(x: Any, base: Any = None) -> Any:
    """The natural logarithm, or that to a base."""
    return p.log(x) if base is None else p.log_base(x, base)


def gelu(x: Any, approximate: str | None = None) -> Any:
    """x Phi(x) with the exact normal distribution, or with the tanh that approximates it."""
    if approximate not in (None, "none", "tanh"):
        raise ValueError(f'gelu takes approximate=None or "tanh", got {approximate!r}')
    return p.gelu_tanh(x) if approximate == "tanh" else p.gelu(x)


def clamp(x: Any, min_value: Any, max_value: Any) -> Any:
    """x kept from min_value to max_value; on the bounds the gradient passes, as in PyTorch."""
    return p.clamp(x, min_value, max_value)


def leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    """x where it is positive, else slope * x."""
    return p.leaky_relu(x, slope)


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x where it is positive, else alpha * (exp(x) - 1)."""
    return p.elu(x, alpha)


def huber(x: Any, delta: Any = 1.0) -> Any:
    """x**2 / 2 up to delta, from there on delta * (|x| - delta / 2)."""
    return p.huber(x, delta)


def where(cond: Any, a: Any, b: Any) -> Any:
    """a if cond, else b; nothing, not even nan, passes into the arm not taken."""
    if is_array(cond) or is_array(a) or is_array(b):
        return elementwise(where, (cond, a, b))
    if isinstance(cond, Traceable):
        return cond.select(a, b)
    arm, other = (a, b) if cond else (b, a)
    if isinstance(arm, Traceable):
        return arm.record(p.where, (arm,))
    return other.record(p.where, (arm,)) if isinstance(other, Traceable) else as_float(arm)


def stop_gradient(x: Any) -> Any:
    """The same number, but for every derivative a constant."""
    if is_array(x):
        return elementwise(stop_gradient, (x,))
    return x.detach() if isinstance(x, Traceable) else as_float(x)


def isnan(x: Any) -> Any:
    """Whether a number, or the data of a Value, is nan."""
    return asked(lambda x: not x == x, x)  # noqa: SIM201


def isinf(x: Any) -> Any:
    """Whether a number, or the data of a Value, is inf or -inf."""
    return asked(lambda x: abs(x) == math.inf, x)


def isfinite(x: Any) -> Any:
    """Whether a number, or the data of a Value, is neither inf nor nan."""
    return asked(lambda x: abs(x) < math.inf, x)


def isclose(a: Any, b: Any, rel_tol: float = 1e-9, abs_tol: float = 0.0) -> Any:
    """Whether two numbers, or the data of two Values, are as near as math.isclose asks."""

    def near(x: Any, y: Any) -> bool:
        if x == y or not (isfinite(x) and isfinite(y)):
            return bool(x == y)
        apart = abs(x - y)
        return bool(apart <= abs(rel_tol * y) or apart <= abs(rel_tol * x) or apart <= abs_tol)

    if rel_tol < 0.0 or abs_tol < 0.0:
        raise ValueError(f"tolerances are not negative, got {rel_tol} and {abs_tol}")
    return asked(near, a, b)


def asked(question: Callable[..., Any], *xs: Any) -> Any:
    """The answer to a question about data; an array of answers where one is asked about arrays. What is asked
    are comparisons, which traced numbers answer, too."""

    def answer(*numbers: Any) -> bool:
        return bool(question(*(x if isinstance(x, Traceable) else as_float(x) for x in numbers)))

    return elementwise(answer, xs) if any(map(is_array, xs)) else answer(*xs)
