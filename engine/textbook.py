"""Helper rows as the formulas that readers know: what explanations show for the accurate kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from engine import functions
from engine import primitives as p
from engine.modes import LOCK, recording
from engine.node import Node
from engine.primitive import Traceable
from engine.sweep import local_gradient, times, topological_order


def power(x: Any, n: Any) -> Any:
    """x ** n, without a node for a first power."""
    if isinstance(n, Traceable) or n not in (0.0, 1.0):
        return x**n
    return x if n == 1.0 else 1.0


def power_term(c: Any, x: Any, y: Any, n: Any, k: Any) -> Any:
    logarithm = power(p.log(x), k) if isinstance(k, Traceable) or k else 1.0
    exponent = y if not isinstance(n, Traceable) and n == 0.0 else y - n
    return times(times(c, power(x, exponent)), logarithm)


# Written without care for cancellation: nobody computes with these.
FORMULAS: Final[dict[str, Callable[..., Any]]] = {
    "acosh_slope": lambda x: 1.0 / p.sqrt(x**2 - 1.0),
    "angle_slope": lambda x, y: x / (x**2 + y**2),
    "asin_slope": lambda x: 1.0 / p.sqrt(1.0 - x**2),
    "asinh_slope": lambda x: 1.0 / p.sqrt(1.0 + x**2),
    "atan_slope": lambda x: 1.0 / (1.0 + x**2),
    "atanh_slope": lambda x: 1.0 / (1.0 - x**2),
    "cbrt_slope": lambda x: 1.0 / (3.0 * p.cbrt(x) ** 2),
    "erf_slope": lambda x: 2.0 * p.exp(-(x**2)) / p.sqrt(3.141592653589793),
    "logistic_difference": lambda x, y: p.sigmoid(x - y),
    "logistic_residual": lambda z, y: p.sigmoid(z) - y,
    "logit_slope": lambda x: 1.0 / (x * (1.0 - x)),
    "over": lambda x, y: x / y,
    "power_term": power_term,
    "sec2": lambda x: 1.0 / p.cos(x) ** 2,
    "sech2": lambda x: 1.0 - p.tanh(x) ** 2,
    "share": lambda x, y: x / (x + y),
    "shifted_exp": lambda x, top: p.exp(x - top),
    "sigmoid_slope": lambda x: p.sigmoid(x) * (1.0 - p.sigmoid(x)),
    "unit": lambda x, rest: x / p.hypot(x, rest),
}


KNOWN: Final = frozenset([*p.__all__, *functions.__all__, "log_base", "gelu_tanh"])


def partials(node: Node) -> Sequence[Any]:
    """The local derivatives of a node: readable graphs over its operands, numbers where there is no
    formula that readers know, None where no gradient can pass."""
    numbers = local_gradient(node)
    if node.primitive.foreign:
        return numbers
    with recording():
        derivatives = node.primitive.local_gradient(node.parents)
        return [
            readable(derivative, number, node.parents) if isinstance(derivative, Node) else derivative
            for derivative, number in zip(derivatives, numbers, strict=True)
        ]


def readable(derivative: Node, number: float | None, operands: tuple[Node, ...]) -> Any:
    """The same graph over the operands with textbook formulas in place of helper rows, or the number."""
    with LOCK:
        order = topological_order([derivative], operands)
    built: dict[int, Any] = {id(x): x for x in operands if not x.is_constant}
    for node in order:
        if node.is_constant:
            built[id(node)] = node._data
        elif id(node) not in built:
            rule = FORMULAS.get(node.op, node.primitive)
            if rule is node.primitive and node.op not in KNOWN:
                return number
            try:
                built[id(node)] = rule(*[built[id(parent)] for parent in node.parents])
            except ArithmeticError:  # a formula of constants at its pole
                return number
    return built[id(derivative)]
