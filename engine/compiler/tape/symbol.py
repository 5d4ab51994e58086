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
from engine.compiler.tape.questions import ASKED
from engine.compiler.tape.steepness import is_steep, is_wild
from engine.kernels import elementary
from engine.modes import RECORDING, STATE, setting
from engine.node import CONSTANT, Node, Note, no_value, times
from engine.primitive import Primitive, Traceable, is_number, register
from engine.primitives import add, greater, greater_equal, identity, less, less_equal, matches, select
from engine.primitives.selection import equal, inside, step, within
from engine.source import user_line
from engine.trees import NUMBERS, is_array
from engine.value import Value, constant

STAMPS: Final = count(1 << 40)  # symbols are numbered as they are made, later than any epoch of values
UNASKED: Final = 0  # what `may_be_infinite` has found of a symbol
TAME: Final = 1
WILD: Final = 2
TRUTHS: Final = frozenset((less, less_equal, greater, greater_equal, equal, matches, step, inside, within))
ENDED: Final = Primitive("", no_value)  # the input of a trace that is over
detach: Final = register(
    Primitive("detach", elementary.identity, None, python="{0}", formula=lambda x: x, helper=True)
)


class Symbol(Node):
    """A primitive applied to operands, or an input: no data. `epoch` counts in order of creation."""

    __slots__ = ("wild",)

    def __init__(
        self, primitive: Primitive, left: Node | None = None, right: Node | tuple[Node, ...] | None = None
    ) -> None:
        super().__init__(nan)
        self.wild = UNASKED
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
        made = total(nodes) if primitive is add else applied(primitive, nodes)
        return Symbol(detach, made) if STATE.modes and not setting(RECORDING, True) else made

    def select(self, a: object, b: object) -> Any:
        """`where(self, a, b)`: both arms are computed, one of them is taken."""
        return applied(select, [x if isinstance(x, Node) else constant(x) for x in (self, a, b)])

    @property
    def is_symbol(self) -> bool:
        return True

    def through(self, node: Node, i: int, x: Any, local: Any, condition: Any) -> Any:
        return beyond_gates(node, i, x, local, condition)

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

    # Questions: the arguments of the call answer them, where the trace is one that can have guards.

    def __bool__(self) -> bool:
        questions = ASKED.get()
        if questions is None:
            raise unknown("a branch, a comparison of more than two or a builtin such as max()")
        return questions.truth(self)

    def __eq__(self, other: object) -> Any:
        if isinstance(other, Traceable) or is_number(other):
            return bool(equal(self, other))
        return NotImplemented

    def __ne__(self, other: object) -> Any:
        same = self.__eq__(other)
        return same if same is NotImplemented else not same

    def __index__(self) -> int:
        return self.whole("what counts or indexes")

    def __int__(self) -> int:
        return self.whole("int(v)")

    def __float__(self) -> float:
        return float(self.whole("float(v)"))

    def whole(self, what: str) -> int:
        """The whole number that it is, kept as a guard. Raises TracingError for any other number, and for one
        that is differentiated: the derivative would be lost in silence."""
        questions = ASKED.get()
        number = None if questions is None else questions.whole(self)
        if number is None:
            raise unknown(what)
        return number

    def __hash__(self) -> int:
        raise unknown("hash(), in a set or as a key of a dict,")

    def refuse(self, what: str) -> TypeError:
        return unknown(what)

    def __format__(self, spec: str) -> str:
        if not spec:
            return repr(self)
        questions = ASKED.get()
        if questions is None:
            raise unknown(f"format {spec!r}")
        # An error of the user's may say the number, for then it is raised once more: all else is refused.
        questions.refusal = unknown(f"format {spec!r}")
        return format(questions.value(self), spec)

    def __repr__(self) -> str:
        return f"<symbol {self.op or 'input'}>"

    def __reduce__(self) -> NoReturn:
        raise unknown("a copy or a pickle")


@final
class Gated(Symbol):
    """A derivative on its way in a sweep: where `live` is 0, because a gate above it is closed, it is 0; or,
    if it is `open`, it has still to be selected before anything is added to it.
    """

    __slots__ = ("live", "open")

    def __init__(self, x: Node, live: Live, open: bool) -> None:
        super().__init__(x.primitive, x.left, x.right)
        self.live = live
        self.open = open

    def as_result(self) -> Node:
        """The number: what the user's code does with it stays outside the gate."""
        return applied(identity, [selected(self)])


def selected(x: Node) -> Node:
    """A derivative that is 0 where it is not there."""
    return Gated(chosen(x.live.symbol(), x), x.live, False) if isinstance(x, Gated) and x.open else x


@final
class Live:
    """Where a derivative is there: where a condition is not 0, or in both of two places, or in either. The
    symbol that says so is built when a row asks for it: most never do.

    `strict`: below a `where`, nothing at all comes out of the arm not taken, whatever the numbers are.
    """

    def __init__(
        self, condition: Node | None, parts: tuple[Live, Live] | None, every: bool, strict: bool
    ) -> None:
        self.condition = condition
        self.parts = parts
        self.every = every
        self.strict = strict

    def symbol(self) -> Node:
        """What is 0 where it is not there."""
        waiting = [self]
        while waiting:
            live = waiting[-1]
            if live.condition is None:
                assert live.parts is not None
                x, y = live.parts
                missing = [part for part in live.parts if part.condition is None]
                if missing:
                    waiting.extend(missing)
                    continue
                arms = (y.symbol(), constant(0.0)) if live.every else (constant(1.0), y.symbol())
                live.condition = applied(select, (x.symbol(), *arms))
            waiting.pop()
        assert self.condition is not None
        return self.condition


def both(x: Live, y: Live) -> Live:
    return x if x is y else Live(None, (x, y), True, x.strict or y.strict)


def either(x: Live, y: Live) -> Live:
    return x if x is y else Live(None, (x, y), False, x.strict or y.strict)


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


def total(nodes: Sequence[Node]) -> Symbol:
    """The sum of two numbers, maybe derivatives on their way in a sweep."""
    result = applied(add, [selected(x) for x in nodes])
    lives = [x.live for x in nodes if isinstance(x, Gated)]
    return Gated(result, either(lives[0], lives[1]), False) if len(lives) == 2 else result


def beyond_gates(node: Node, i: int, x: Any, local: Any, condition: Any) -> Any:
    """`Node.through` for symbols. A gate is a select at its own node; below it a product is 0 as a factor is,
    but where the other factor may be infinite it is left open."""
    steep = is_steep(node.primitive, i) if isinstance(x, Gated) else False
    if condition is None:
        return product(x, local, steep)
    live = Live(condition, None, False, node.primitive is select)
    passed = x if condition is local and is_truth(local) else times(x, local)
    if not isinstance(x, Gated):
        return Gated(chosen(condition, passed), live, False)
    live = both(x.live, live)
    return Gated(chosen(live.symbol() if steep or x.open else condition, passed), live, False)


def product(x: Any, local: Any, steep: bool) -> Any:
    """x times a local derivative, which may be a derivative with a gate above it, too."""
    result = times(x, local)
    if result is x or result is local:
        return result
    if isinstance(x, Gated):
        open = x.open or steep or may_be_infinite(local) or (x.live.strict and isinstance(local, Symbol))
        if not isinstance(local, Gated):
            return Gated(result, x.live, open)
        return Gated(result, both(x.live, local.live), open or local.open or may_be_infinite(x))
    if isinstance(local, Gated):
        strict = local.live.strict and isinstance(x, Symbol)
        return Gated(result, local.live, local.open or strict or may_be_infinite(x))
    return result


def may_be_infinite(x: Any) -> bool:
    """Whether a symbol, or one below it, is of a row that is infinite or nan at ordinary operands."""
    if not isinstance(x, Symbol):
        return False
    waiting = [x]
    while waiting:
        at = waiting[-1]
        if at.wild == UNASKED:
            below = [x for x in at.parents if isinstance(x, Symbol)]
            unknown = [x for x in below if x.wild == UNASKED]
            if unknown and not is_wild(at.primitive):
                waiting.extend(unknown)
                continue
            at.wild = WILD if is_wild(at.primitive) or any(x.wild == WILD for x in below) else TAME
        waiting.pop()
    return x.wild == WILD


def chosen(condition: Node, x: Any) -> Symbol:
    """x where the condition is not 0; elsewhere 0, exactly."""
    return applied(select, (condition, x if isinstance(x, Node) else constant(x), constant(0.0)))


def is_truth(x: Node) -> bool:
    """Whether it is 0 or 1."""
    if x.primitive is not select:
        return x.primitive in TRUTHS
    _, a, b = x.parents
    return (is_constant(a, 1.0) and is_constant(b, 0.0)) or (is_constant(a, 0.0) and is_constant(b, 1.0))


def is_constant(x: Node, number: float) -> bool:
    return isinstance(x, Value) and x.primitive is CONSTANT and x.data == number


NUMBERS.add(Symbol)
