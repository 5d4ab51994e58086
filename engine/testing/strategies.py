"""Hypothesis strategies for numbers, Values, and whole expressions at points where they are smooth.

All of it follows from the table of primitives: the domain column says what may be drawn, the kink
column how far from a kink it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from keyword import iskeyword
from math import inf, isfinite
from operator import mul
from typing import Any, Final

from hypothesis import strategies as st

from engine import functions, primitives
from engine.domain import REAL, Interval
from engine.modes import recording
from engine.order import nodes_in_order
from engine.primitive import TABLE, Primitive
from engine.testing.expression import Expression
from engine.text import brief
from engine.value import Value, constant

Draw = Callable[[st.SearchStrategy[Any]], Any]
LARGEST: Final = 16.0  # magnitude of a number that is drawn, unless the domain says otherwise
SMALL: Final = 2.0
MARGIN: Final = 2.0**-6  # from the edges of a domain and from kinks: differences need some room
USUAL: Final = 49  # attempts to add an application
FASTEST: Final = 2.0**14  # how many times faster than the variables operands may move
LIMIT: Final = 2.0**20  # magnitude of a number inside an expression
COMPARISONS: Final = frozenset({"less", "less_equal", "greater", "greater_equal"})
PUBLIC: Final = (*primitives.__all__, *functions.__all__, "log_base", "gelu_tanh")
SMOOTH: Final = tuple(TABLE[name] for name in PUBLIC if name in TABLE and name not in ("where", *COMPARISONS))


def floats_in(
    domain: Interval, *, max_magnitude: float = LARGEST, margin: float = MARGIN
) -> st.SearchStrategy[float]:
    """Numbers in a domain, at least `margin` away from its edges and holes.

    `max_magnitude` bounds the numbers where the domain does not. Raises TypeError for what is no
    Interval, ValueError if nothing is left.
    """
    if not isinstance(domain, Interval):
        raise TypeError(f"a domain is an Interval such as Interval(0.0, 1.0), got {brief(domain)}")
    low = max(domain.low + margin, -max_magnitude) if domain.low > -inf else -max_magnitude
    high = min(domain.high - margin, max_magnitude) if domain.high < inf else max_magnitude
    if domain.low >= max_magnitude or domain.high <= -max_magnitude or low > high:
        raise ValueError(f"no number in {domain} is {margin} from its edges and at most {max_magnitude}")
    if domain.whole:
        return st.integers(int(domain.low + 1), int(high)).map(float)
    numbers = st.floats(low, high)
    if low < -SMALL and high > SMALL:  # much happens near 0
        numbers = st.floats(-SMALL, SMALL) | numbers
    return numbers.filter(lambda x: fits(x, domain, margin)) if domain.holes else numbers


def values(
    min_value: float | None = None, max_value: float | None = None, *, label: str = ""
) -> st.SearchStrategy[Value]:
    """Leaves: finite Values between the bounds."""
    numbers = st.floats(min_value, max_value, allow_nan=False, allow_infinity=False)
    return numbers.map(lambda x: Value(x, label))


def from_primitive(op: Primitive | str) -> st.SearchStrategy[Expression]:
    """One application of a primitive, at a point inside the domain of each argument."""
    row = as_row(op)
    return one_application(row).filter(lambda e: sound(e.root))


@st.composite
def one_application(draw: Draw, row: Primitive) -> Expression:
    count = draw(arities(row))
    inputs = {f"x{i}": draw(floats_in(interval)) for i, interval in enumerate(intervals(row, count))}
    fixed = {i for i in range(count) if is_fixed(row, i)}
    free = {name: x for i, (name, x) in enumerate(inputs.items()) if i not in fixed}

    def function(*xs: Any) -> Any:
        rest = iter(xs)
        return row(*(x if i in fixed else next(rest) for i, x in enumerate(inputs.values())))

    return Expression(function, **free)


def expressions(
    ops: Iterable[Primitive | str] | None = None,
    *,
    variables: Sequence[str] | int = ("x", "y", "z"),
    max_leaves: int = 6,
    max_nodes: int = 30,
) -> st.SearchStrategy[Expression]:
    """Random graphs, with fan-out and repeated operands, smooth at the point that comes with them.

    ops         primitives or their names; by default all that are public
    variables   their names, or how many there are at most
    max_leaves  variables and constants together
    max_nodes   leaves and applications together

    Raises ValueError for bounds that leave nothing and for names that Python cannot read, KeyError
    for a primitive that is not in the table.
    """
    rows = SMOOTH if ops is None else tuple(map(as_row, [ops] if isinstance(ops, str) else ops))
    names = [f"x{i}" for i in range(variables)] if isinstance(variables, int) else list(variables)
    if not rows or not names or max_leaves < 1 or max_nodes < 2:
        raise ValueError("expressions need an op, a variable, max_leaves >= 1 and max_nodes >= 2")
    unfit = [name for name in names if not name.isidentifier() or iskeyword(name)]
    if unfit or len(set(names)) < len(names):
        raise ValueError(f"variables are different names that Python can read, got {names}")
    return grow_expression(rows, names, max_leaves, max_nodes)


@st.composite
def grow_expression(
    draw: Draw, rows: Sequence[Primitive], names: Sequence[str], max_leaves: int, max_nodes: int
) -> Expression:
    growing = Growing(draw, names, max_leaves)
    while len(growing.nodes) < max_nodes and draw(one_more(growing, rows, max_nodes)):
        pass
    return growing.expression()


@st.composite
def one_more(draw: Draw, growing: Growing, rows: Sequence[Primitive], max_nodes: int) -> bool:
    """Tries to add an application; False is the end. A strategy of its own, so that shrinking can
    take it out as a whole.
    """
    if draw(st.integers(0, USUAL)) == 0:
        return False
    growing.apply(draw(st.sampled_from(rows)), max_nodes)
    return True


class Growing:
    """A graph in the making: its nodes so far, the newest last."""

    def __init__(self, draw: Draw, names: Sequence[str], max_leaves: int) -> None:
        self.draw = draw
        self.names = list(names)
        self.room = max_leaves
        self.nodes: list[Value] = []
        self.speeds: dict[int, float] = {}  # how fast nodes move with the variables, by id

    def apply(self, row: Primitive, max_nodes: int) -> None:
        """Adds one application, if operands can be had and the result is sound."""
        wanted = intervals(row, self.draw(arities(row)))
        operands = [self.operand(row, i, interval) for i, interval in enumerate(wanted)]
        if any(operand is None for operand in operands) or len(self.nodes) >= max_nodes:
            return
        speeds = [self.speeds.get(id(operand), 0.0) for operand in operands]
        if not any(speeds):  # a constant, in many words
            return
        with recording():
            node = row(*operands)
        if sound(node, sum(speeds)):
            steepness = map(abs, node.local_gradient())
            self.speeds[id(node)] = max(MARGIN, sum(map(mul, steepness, speeds)))
            self.nodes.append(node)

    def operand(self, row: Primitive, i: int, interval: Interval) -> Value | None:
        """An earlier node inside the domain, or a new leaf; None if there is neither. The oldest comes
        first: shrinking leads to it, and what is used no more is gone. The newest comes often.
        """
        if interval.whole:
            return constant(self.draw(floats_in(interval)))
        old = [node for node in self.nodes if fits(node.data, interval)]
        leaves = max(1, len(old)) if self.names else 1
        fresh: list[Value | None] = [None] * (leaves if self.room > 0 else 0)
        choices = [*old, *fresh, *old[-1:] * (4 * len(old))]
        if not choices:
            return None
        chosen = choices[self.draw(st.integers(0, len(choices) - 1))]
        return self.leaf(interval) if chosen is None else chosen

    def leaf(self, interval: Interval) -> Value:
        """A new variable, or a constant when all variables are there."""
        x = self.draw(floats_in(interval))
        self.room -= 1
        if self.names:
            leaf = Value(x, self.names.pop(0))
            self.speeds[id(leaf)] = 1.0
        else:
            leaf = constant(x)
        self.nodes.append(leaf)
        return leaf

    def expression(self) -> Expression:
        """The largest graph that depends on a variable, the newest of them, as a function of those in it."""
        if not self.speeds:
            self.leaf(REAL)
        moving = [node for node in reversed(self.nodes) if id(node) in self.speeds]
        root = max(moving, key=lambda node: len(nodes_in_order(node)))
        return Expression.of(root, [n for n in nodes_in_order(root) if isinstance(n, Value) and n.label])


def as_row(op: Primitive | str) -> Primitive:
    if isinstance(op, Primitive):
        return op
    if op not in TABLE:
        raise KeyError(f"ops are primitives or their names, and no primitive is named {op!r}")
    return TABLE[op]


def arities(row: Primitive) -> st.SearchStrategy[int]:
    """How many operands it takes; an n-ary one up to four."""
    if row.gradient is None:
        return st.just(len(row.partials))
    return st.sampled_from((2, 4)) if row.name == "dot" else st.integers(1, 4)


def intervals(row: Primitive, count: int) -> Sequence[Interval]:
    return row.domain * count if row.gradient is not None else row.domain


def is_fixed(row: Primitive, i: int) -> bool:
    """Whether differences to that operand mean nothing: an order, or what a row takes as given."""
    if row.gradient is not None or all(partial is None for partial in row.partials):
        return False
    return row.partials[i] is None


def fits(x: float, interval: Interval, margin: float = MARGIN) -> bool:
    """Whether x is inside and at least `margin` from edges and holes."""
    room = min(x - interval.low, interval.high - x, *(abs(x - hole) for hole in interval.holes))
    return x in interval and (room >= margin or interval.whole)


def sound(node: Value, speed: float = 1.0) -> bool:
    """Whether a node is finite, not too large, and not near a kink, for operands of that speed."""
    if not isfinite(node.data) or abs(node.data) > LIMIT or speed > FASTEST:
        return False
    kink = node.primitive.kink
    if kink is None:
        return True
    xs = [parent.data for parent in node.parents if isinstance(parent, Value)]
    distance: float = abs(kink(xs) if node.primitive.gradient is not None else kink(*xs))
    return distance >= MARGIN * max(1.0, speed)
