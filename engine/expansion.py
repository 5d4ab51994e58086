"""Series of numbers along a path, made from partial derivatives: no row has a rule of its own for that.

Along a path, z = row(x, y, ...) has the derivative z' = sum of partial * x'. Partials are expressions in
rows, so their coefficients are made in the same way; and coefficient k of z, which is coefficient k - 1 of
z' divided by k, needs k - 1 of theirs at most. A few rows have a recurrence instead: where partials of
partials never end, as of a power, or where it is shorter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, final

from engine import primitives as p
from engine.modes import sweeping
from engine.node import Node, times
from engine.order import topological_order
from engine.primitive import Primitive
from engine.primitives.arithmetic import over
from engine.primitives.nary import dot
from engine.primitives.nary import sum as total
from engine.primitives.selection import select
from engine.text import brief
from engine.value import Value, constant

MOST_FACTORS: Final = 64  # a power of more is no product


@final
class Series:
    """A number along a path: its Taylor coefficients, as far as they are known. None is 0; beyond the last
    are zeros, of what is constant or given.

    `level` is how many times it stands for a derivative: so many coefficients fewer are needed of it.
    """

    __slots__ = ("terms", "rule", "operands", "row", "level", "partials", "slopes")

    def __init__(
        self,
        terms: list[Any],
        rule: Callable[[Series, int], Any] | None = None,
        operands: tuple[Series, ...] = (),
        row: Primitive | None = None,
        level: int = 0,
    ) -> None:
        self.terms = terms
        self.rule = rule
        self.operands = operands
        self.row = row
        self.level = level
        self.partials: list[Series | None] = []
        self.slopes: list[Any] = []

    @property
    def is_constant(self) -> bool:
        return self.rule is None and len(self.terms) == 1

    def term(self, k: int) -> Any:
        return self.terms[k] if k < len(self.terms) else None

    def first(self, count: int) -> list[Any]:
        """So many coefficients."""
        return self.terms[:count] + [None] * (count - len(self.terms))

    def first_slopes(self, count: int) -> list[Any]:
        """So many coefficients of its derivative."""
        for j in range(len(self.slopes) + 1, count + 1):
            x = self.term(j)
            self.slopes.append(None if x is None else times(float(j), x))
        return self.slopes[:count]


@final
class Expansion:
    """All series that one result needs, each behind those of its operands.

    An expression that comes again, as exp does in its own derivative, is the same series.
    """

    def __init__(self, order: int, on_nodes: bool) -> None:
        self.order = order
        self.on_nodes = on_nodes
        self.series: list[Series] = []
        self.known: dict[Any, Series] = {}

    def start(self, node: Node) -> Any:
        return node if self.on_nodes and not node.is_constant else node._data

    def given(self, node: Node, path: Sequence[Any]) -> Series:
        moves = any(x is not None for x in path)
        return Series([self.start(node), *path] if moves else [self.start(node)])

    def constant(self, x: Any) -> Series:
        key = id(x) if isinstance(x, Node) else float(x).hex()
        return self.known.setdefault(key, Series([x]))

    def read(self, order: Sequence[Node], found: dict[int, Series], level: int) -> None:
        """Finds the series of all nodes in an order, from those that are found."""
        for node in order:
            if id(node) not in found:
                # What f has from outside, and was made before, does not stand in the order.
                operands = [found.get(id(x)) or self.constant(self.start(x)) for x in node.parents]
                found[id(node)] = self.of_node(node, tuple(operands), level)

    def of_node(self, node: Node, operands: tuple[Series, ...], level: int) -> Series:
        row = node.primitive
        if row.name == "identity":  # also a link of a transform
            return operands[0]
        if all(x.is_constant for x in operands):
            return self.constant(self.start(node))
        if level == 0:
            refuse_kink(node)
        if row.gradient is None and not any(row.partials):
            return self.constant(self.start(node))
        key = (row, *map(id, operands))
        if key not in self.known:
            self.known[key] = self.of_row(node, operands, level)
        return self.known[key]

    def of_row(self, node: Node, operands: tuple[Series, ...], level: int) -> Series:
        row = node.primitive
        rule = RULES.get(row, by_partials)
        if row is p.pow and operands[1].is_constant:
            exponent = operands[1].terms[0]
            if is_few(exponent):
                return self.expression(lambda x, y: product(x, int(exponent)), operands, level)
            if node.is_symbol or node.parents[0]._data != 0.0:
                rule = of_power
        elif row is p.pow:  # x**y = exp(y log(x))
            operands = (self.expression(lambda x, y: y * p.log(x), operands, level),)
            rule = of_exponential
        made = Series([self.start(node)], rule, operands, row, level)
        self.series.append(made)
        return made

    def expression(self, f: Callable[..., Any], operands: Sequence[Series], level: int) -> Series:
        [found] = self.expressions(lambda xs: [f(*xs)], operands, level)
        assert found is not None
        return found

    def expressions(
        self, f: Callable[[Sequence[Any]], Sequence[Any]], operands: Sequence[Series], level: int
    ) -> list[Series | None]:
        """The series of what f computes from the operands; None where that is None."""
        nodes = list(map(as_node, operands))
        results = f(nodes)
        with sweeping():
            order = topological_order([y for y in results if isinstance(y, Node)], nodes)
        found = {id(node): x for node, x in zip(nodes, operands, strict=True)}
        self.read(order, found, level)
        return [
            None if y is None else found[id(y)] if isinstance(y, Node) else self.constant(y) for y in results
        ]

    def advance(self) -> None:
        """All coefficients, order by order: those of one order need none of it but their operands'."""
        for k in range(1, self.order + 1):
            for z in self.series:  # grows on the first round, by the partials, which stand at higher levels
                if k > self.order - z.level:
                    break
                if k == 1 and z.rule is by_partials:
                    z.partials = self.expressions(moving_partials(z), z.operands, z.level + 1)
                assert z.rule is not None
                z.terms.append(z.rule(z, k))


def as_node(x: Series) -> Node:
    """What stands for a number while an expression of it is recorded: constants alone take no gradient."""
    start = x.terms[0]
    if isinstance(start, Node):
        return start
    return constant(start) if x.is_constant else Value(start)


def moving_partials(z: Series) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """The partial derivatives to operands that are not constant."""
    row = z.row
    assert row is not None
    if row.gradient is not None:
        return row.gradient
    pairs = list(zip(row.partials, z.operands, strict=True))
    return lambda xs: [None if d is None or x.is_constant else d(*xs) for d, x in pairs]


def by_partials(z: Series, k: int) -> Any:
    """z' = sum of partial * x'."""
    assert z.row is not None
    straight, left, right = [], list[Any](), list[Any]()
    for i, (d, x) in enumerate(zip(z.partials, z.operands, strict=True)):
        if d is None or x.is_constant:
            continue
        if d.is_constant:
            straight.append(along(z.row, i, d.terms[0], x.term(k)))
        else:
            left += d.first(k)
            right += x.first_slopes(k)[::-1]
    bent = scalar_product(left, right)
    return added([*straight, bent if bent is None or k == 1 else bent / float(k)])


def along(row: Primitive, i: int, partial: Any, x: Any) -> Any:
    """partial * x; 0 where the row does not look at its operand, even if x is infinite."""
    if x is None or (not isinstance(partial, Node) and partial == 0.0):
        return None
    passed = times(partial, x)
    gated = row.structural[0 if row.gradient is not None else i] is True
    return select(partial, passed, 0.0) if gated and isinstance(partial, Node) else passed


def of_products(z: Series, k: int) -> Any:
    half = (len(z.operands) + 1) // 2  # of a square, both are the same
    left = [term for x in z.operands[:half] for term in x.first(k + 1)]
    right = [term for y in z.operands[-half:] for term in reversed(y.first(k + 1))]
    return scalar_product(left, right)


def of_quotient(z: Series, k: int) -> Any:
    """z y = x."""
    x, y = z.operands
    rest = scalar_product(z.first(k), y.first(k + 1)[:0:-1])
    top = added([x.term(k), None if rest is None else -rest])
    return None if top is None else p.div(top, y.terms[0])


def of_power(z: Series, k: int) -> Any:
    """x z' = y z x', of a constant y."""
    x, y = z.operands
    weights = [times(y.terms[0] * float(k - j) - float(j), z.terms[j]) for j in range(k)]
    top = scalar_product(weights, x.first(k + 1)[:0:-1])
    return None if top is None else p.div(top, times(float(k), x.terms[0]))


def of_exponential(z: Series, k: int) -> Any:
    """z' = z u'."""
    [u] = z.operands
    top = scalar_product(z.first(k), u.first_slopes(k)[::-1])
    return None if top is None else top / float(k)


def of_choice(z: Series, k: int) -> Any:
    condition, *arms = z.operands
    a, b = (arm.term(k) for arm in arms)
    if a is None and b is None:
        return None
    return select(condition.terms[0], 0.0 if a is None else a, 0.0 if b is None else b)


RULES: Final[dict[Primitive, Callable[[Series, int], Any]]] = {
    p.mul: of_products,
    p.square: of_products,
    dot: of_products,
    p.div: of_quotient,
    over: of_quotient,
    select: of_choice,
}


def is_few(exponent: Any) -> bool:
    """Whether a power is a product of so many: also where x is 0."""
    return isinstance(exponent, float) and exponent in range(MOST_FACTORS + 1)


def product(x: Any, n: int) -> Any:
    """x**n, by squares."""
    if n < 2:
        return x if n else 1.0
    root = product(x, n // 2)
    return root * root * x if n % 2 else root * root


def scalar_product(left: Sequence[Any], right: Sequence[Any]) -> Any:
    pairs = [(x, y) for x, y in zip(left, right, strict=True) if x is not None and y is not None]
    if len(pairs) < 2:
        return times(*pairs[0]) if pairs else None
    numbers = [x for x, _ in pairs] + [y for _, y in pairs]
    # The kernel alone: three times faster than asking each number whether it is one
    return dot.value(numbers) if all(type(x) is float for x in numbers) else dot(*numbers)


def added(terms: Sequence[Any]) -> Any:
    there = [x for x in terms if x is not None]
    if len(there) < 3:
        return None if not there else there[0] if len(there) == 1 else there[0] + there[1]
    return total(*there)


def refuse_kink(node: Node) -> None:
    """Raises ValueError where a row stands on a kink."""
    row = node.primitive
    if row.kink is None or node.is_symbol:
        return
    xs = [x._data for x in node.parents]
    if (row.kink(xs) if row.gradient is not None else row.kink(*xs)) == 0.0:
        raise ValueError(
            f"{row.name} has a kink at {brief(xs, 60)[1:-1]}: there is no series, only the slope of jvp"
        )
