"""`Symbol`: a node without a number. Whatever is computed from symbols becomes a graph of symbols.

The primitives and the sweeps do not know: derivatives of symbols are symbols. Values that meet a
symbol in an expression stand in its graph as constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import nan
from typing import Any, Final, NoReturn, final

from engine.arrays import elementwise
from engine.compiler.errors import TracingError
from engine.kernels import elementary
from engine.modes import RECORDING, STATE, setting
from engine.node import CONSTANT, Node, Note, no_value
from engine.primitive import Primitive, Traceable, is_number, register
from engine.primitives import add, identity, mul, neg, select
from engine.source import user_line
from engine.trees import is_array
from engine.value import Value, constant

STAMPS: Final = count(1 << 40)  # symbols are numbered as they are made, later than any epoch of values
GATES: Final = frozenset((add, mul, neg, select))
ENDED: Final = Primitive("", no_value)  # the input of a trace that is over
detach: Final = register(
    Primitive("detach", elementary.identity, None, python="{0}", formula=lambda x: x, helper=True)
)


class Symbol(Node):
    """A primitive applied to operands, or an input: no data. `epoch` counts in order of creation."""

    __slots__ = ()

    def __init__(
        self, primitive: Primitive, left: Node | None = None, right: Node | tuple[Node, ...] | None = None
    ) -> None:
        super().__init__(nan)
        self.primitive = primitive
        self.left = left
        self.right = right
        self.epoch = next(STAMPS)

    def record(self, primitive: Primitive, operands: Sequence[object]) -> Any:
        if not STATE.traces:
            raise dead(self)
        if any(map(is_array, operands)):
            return elementwise(primitive, operands)
        nodes = [x if isinstance(x, Node) else constant(x) for x in operands]
        made = through_gates(primitive, nodes) if primitive in GATES else applied(primitive, nodes)
        return Symbol(detach, made) if STATE.modes and not setting(RECORDING, True) else made

    def select(self, a: object, b: object) -> Any:
        """`where(self, a, b)`: both arms are computed, one of them is taken."""
        return applied(select, [x if isinstance(x, Node) else constant(x) for x in (self, a, b)])

    @property
    def is_symbol(self) -> bool:
        return True

    def detach(self) -> Symbol:
        """The same number; no gradient passes."""
        return Symbol(detach, self)

    @property
    def data(self) -> NoReturn:
        raise unknown(".data")

    @data.setter
    def data(self, number: object) -> NoReturn:
        raise unknown("assigning .data")

    def item(self) -> NoReturn:
        raise unknown(".item()") if STATE.traces else dead(self)

    def end(self, line: str) -> None:
        """An input, when its trace, which began at that line, is over."""
        self.primitive = ENDED
        self.note = Note("", line)

    def backward(self, seed: object = 1.0) -> NoReturn:
        raise unknown("backward()")

    def zero_grad(self) -> NoReturn:
        raise unknown("zero_grad()")

    def forward(self) -> NoReturn:
        raise unknown("forward()")

    def local_gradient(self) -> NoReturn:
        raise unknown("local_gradient()")

    def __bool__(self) -> bool:
        raise unknown("a branch, a comparison of more than two or a builtin such as max()")

    def __eq__(self, other: object) -> Any:
        if isinstance(other, Traceable) or is_number(other):
            raise unknown("==, !=, or a search such as `x in (0, 1)`,")
        return NotImplemented

    def __ne__(self, other: object) -> Any:
        return self.__eq__(other)

    def __hash__(self) -> int:
        raise unknown("hash(), in a set or as a key of a dict,")

    def refuse(self, what: str) -> TypeError:
        return unknown(what)

    def __format__(self, spec: str) -> str:
        if spec:
            raise unknown(f"format {spec!r}")
        return repr(self)

    def __repr__(self) -> str:
        return f"<symbol {self.op or 'input'}>"

    def __reduce__(self) -> NoReturn:
        raise unknown("a copy or a pickle")


@final
class Gated(Symbol):
    """select(live, x, 0): a derivative that is there only where `live` is not 0.

    In a sweep it is a gate around x: products and sums go on inside of it, so that 0 is never
    multiplied by the inf of an arm that was not taken. To everything else it is the selected number.
    The partial derivatives of the row `select` are the gates that a sweep begins with.
    """

    __slots__ = ()

    def __init__(self, live: Node, inner: Node) -> None:
        super().__init__(select, None, (live, inner, constant(0.0)))

    @property
    def live(self) -> Node:
        return self.parents[0]

    @property
    def inner(self) -> Node:
        return self.parents[1]

    def as_result(self) -> Node:
        """The number: what the user's code does with it stays outside the gate."""
        return applied(identity, [self])


def unknown(what: str) -> TracingError:
    """The error for asking a traced number what it is."""
    line = user_line()
    return TracingError(
        f"{what} needs the value of a traced number, which is only known when the compiled function runs"
        f"{f' ({line})' if line else ''}: use engine.where(condition, a, b) instead of a branch, the "
        f"functions of the engine instead of those of math, or make the argument static (static_argnums)"
    )


def dead(symbol: Node) -> TracingError:
    """The error for using a symbol when its trace is over."""
    node = symbol
    while node.parents:
        node = next(x for x in node.parents if isinstance(x, Symbol))
    line = f", by {node.source}," if node.source else ""
    return TracingError(
        f"{symbol!r} was made while a function was traced{line} and its trace is over: what a compiled "
        f"function leaves in a global, a list or an attribute has no value; let it return the number instead"
    )


def applied(primitive: Primitive, nodes: Sequence[Node]) -> Symbol:
    """The symbol of a primitive applied to nodes. Raises TypeError for too few or too many of them."""
    if primitive.gradient is not None:
        return Symbol(primitive, None, tuple(nodes))
    if len(nodes) != len(primitive.partials):
        raise TypeError(f"{primitive.name} takes {len(primitive.partials)} operands, got {len(nodes)}")
    if len(nodes) == 1:
        return Symbol(primitive, nodes[0])
    return Symbol(primitive, nodes[0], nodes[1]) if len(nodes) == 2 else Symbol(primitive, None, tuple(nodes))


def through_gates(primitive: Primitive, nodes: Sequence[Node]) -> Symbol:
    """The same where a sweep may be at work: gates are opened, moved outwards, or made."""
    if primitive is select and is_one(nodes[1]) and is_zero(nodes[2]):
        return Gated(nodes[0], nodes[1])
    if primitive is select and is_zero(nodes[1]) and is_one(nodes[2]):
        return Gated(applied(select, nodes), nodes[2])
    if primitive is neg and isinstance(nodes[0], Gated):
        return Gated(nodes[0].live, -nodes[0].inner)
    if primitive is mul and any(isinstance(node, Gated) for node in nodes):
        return product(nodes[0], nodes[1])
    if primitive is add and any(isinstance(node, Gated) for node in nodes):
        return total(nodes[0], nodes[1])
    return applied(primitive, nodes)


def product(x: Node, y: Node) -> Symbol:
    """A derivative times a derivative is there where both are."""
    if not isinstance(x, Gated):
        assert isinstance(y, Gated)
        return Gated(y.live, times(x, y.inner))
    if not isinstance(y, Gated):
        return Gated(x.live, times(x.inner, y))
    return Gated(both(x.live, y.live), times(x.inner, y.inner))


def total(x: Node, y: Node) -> Symbol:
    """A derivative plus a derivative: where only one of them is there, nothing is added to it."""
    if not isinstance(x, Gated):
        assert isinstance(y, Gated)
        return applied(select, (y.live, x + y.inner, x))
    if not isinstance(y, Gated):
        return applied(select, (x.live, x.inner + y, y))
    if same(x.live, y.live):
        return Gated(x.live, x.inner + y.inner)
    either = applied(select, (x.live, constant(1.0), y.live))
    sums = applied(select, (y.live, x.inner + y.inner, x.inner))
    return Gated(either, applied(select, (x.live, sums, y.inner)))


def times(x: Node, y: Node) -> Any:
    """x * y, without a node for a factor that a gate began with."""
    if is_one(x):
        return y
    return x if is_one(y) else x * y


def is_one(x: Node) -> bool:
    return isinstance(x, Value) and x.primitive is CONSTANT and x.data == 1.0


def both(c: Node, d: Node) -> Node:
    """1 where both conditions hold."""
    return c if same(c, d) else applied(select, (c, d, constant(0.0)))


def same(c: Node, d: Node) -> bool:
    """Whether two conditions are one, or both the opposite of one."""
    if c is d:
        return True
    return all(x.primitive is select and x.parents[1:2] and is_zero(x.parents[1]) for x in (c, d)) and (
        c.parents[0] is d.parents[0] and is_one(c.parents[2]) and is_one(d.parents[2])
    )


def is_zero(x: Node) -> bool:
    return isinstance(x, Value) and x.primitive is CONSTANT and x.data == 0.0
