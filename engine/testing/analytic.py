"""Derivatives from the graph, in every mode, and the symmetries that they have to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Final, NamedTuple

from engine.edges import local_gradient
from engine.modes import recording
from engine.order import nodes_in_order
from engine.testing.differences import EPSILON
from engine.testing.errors import GradientError
from engine.testing.expression import python_of
from engine.testing.subject import Subject, plain
from engine.transform import grad, jvp
from engine.value import Value, constant

SEED: Final = 4.0  # a power of two: multiplying by it is exact
UNDERFLOW: Final = 1e-280  # below, factors of two may be rounded away; from inf on, there are none


def reverse(case: Subject, xs: Sequence[float] = ()) -> list[float]:
    return [*grad(case, range(len(case.xs)))(*(xs or case.xs))]


def forward(case: Subject, xs: Sequence[float] = ()) -> list[float]:
    point = tuple(xs or case.xs)
    return [plain(jvp(case, point, unit)[1]) for unit in units(len(point))]


def units(n: int) -> list[tuple[float, ...]]:
    return [tuple(float(i == j) for j in range(n)) for i in range(n)]


def reverse_slope(case: Subject, i: int) -> Callable[..., Any]:
    """The derivative to the i-th input as a function, in reverse mode."""
    gradient = grad(case, range(len(case.xs)))
    return lambda *xs: gradient(*xs)[i]


def forward_slope(case: Subject, i: int) -> Callable[..., Any]:
    """The same in forward mode."""
    return lambda *xs: jvp(case, xs, units(len(xs))[i])[1]


def reverse_over(derivative: Callable[..., Any], case: Subject) -> list[float]:
    return [*grad(derivative, range(len(case.xs)))(*case.xs)]


def forward_over(derivative: Callable[..., Any], case: Subject) -> list[float]:
    return [plain(jvp(derivative, case.xs, unit)[1]) for unit in units(len(case.xs))]


SLOPES: Final[dict[str, Callable[..., list[float]]]] = {"reverse": reverse, "forward": forward}
CURVATURES: Final[dict[str, dict[str, Callable[[Subject, int], list[float]]]]] = {
    "reverse": {
        "reverse over reverse": lambda case, i: reverse_over(reverse_slope(case, i), case),
        "forward over reverse": lambda case, i: forward_over(reverse_slope(case, i), case),
    },
    "forward": {
        "reverse over forward": lambda case, i: reverse_over(forward_slope(case, i), case),
        "forward over forward": lambda case, i: forward_over(forward_slope(case, i), case),
    },
}


class Rounding(NamedTuple):
    """What rounding may add up to: in a value, and in each of its derivatives."""

    value: float
    slopes: list[float]


class Recording(NamedTuple):
    """The graph of f at the point."""

    root: Value
    leaves: list[Value]
    text: str
    reached: list[bool]  # which leaves are in it

    @property
    def noise(self) -> float:
        """What all the rounding inside may add up to in the value, to first order."""
        order = nodes_in_order(self.root)
        return EPSILON * sum(
            abs(g * node._data) for g, node in zip(gradients(self.root, 1.0), order, strict=True)
        )

    @property
    def magnitudes(self) -> list[float]:
        """The gradient with every term taken absolutely: its rounding stays where terms cancel."""
        sums = {id(self.root): 1.0}
        for node in reversed(nodes_in_order(self.root)):
            partials = [0.0 if slope is None else slope for slope in local_gradient(node)]
            for parent, partial in zip(node.parents, partials, strict=True):
                sums[id(parent)] = sums.get(id(parent), 0.0) + abs(partial) * sums.get(id(node), 0.0)
        return [sums.get(id(leaf), 0.0) for leaf in self.leaves]

    @property
    def rounding(self) -> Rounding:
        return Rounding(self.noise, [EPSILON * x for x in self.magnitudes])


def rounding(case: Subject, i: int) -> Rounding:
    """That of the derivative to the i-th input, in whichever mode it is larger: a sum that cancels
    may be multiplied by zero in one of them, and not in the other."""
    leaves = [Value(x) for x in case.xs]
    roots = [derivative(case, i)(*leaves) for derivative in (reverse_slope, forward_slope)]
    nodes = [root if isinstance(root, Value) else constant(root) for root in roots]
    back, ahead = (Recording(node, leaves, "", []).rounding for node in nodes)
    return Rounding(max(back.value, ahead.value), [*map(max, back.slopes, ahead.slopes)])


def recording_of(case: Subject, value: float) -> Recording:
    """Raises GradientError if recording changes the value."""
    leaves = [Value(x, name) for x, name in zip(case.xs, case.names, strict=True)]
    with recording():
        root = case(*leaves)
    if plain(root).hex() != value.hex():
        raise GradientError("random", f"the value is {plain(root)!r} when recorded, {value!r} when not")
    if not isinstance(root, Value):  # a function that never saw its arguments, or read their .data
        return Recording(constant(root), leaves, "", [False] * len(leaves))
    below = {id(node) for node in nodes_in_order(root)}
    return Recording(root, leaves, python_of(root), [id(leaf) in below for leaf in leaves])


def symmetries(case: Subject, graph: Recording) -> None:
    """Twice the same bits, nothing from a zero seed, four times as much from four times the seed."""
    once, again = backward(graph, 1.0), backward(graph, 1.0)
    require(case, once, again, "backward() run twice gives")
    require(case, [0.0] * len(once), [abs(x) for x in backward(graph, 0.0)], "a seed of zero gives")
    for x, y in zip(once, backward(graph, SEED), strict=True):
        if inf > abs(y - SEED * x) > UNDERFLOW:
            require(case, [SEED * x], [y], f"a seed of {SEED} gives")


def backward(graph: Recording, seed: float) -> list[float]:
    """What backward() gives the leaves from a clean start; 0.0 for those that are not in the graph."""
    pairs = zip(nodes_in_order(graph.root), gradients(graph.root, seed), strict=True)
    found = {id(node): gradient for node, gradient in pairs}
    return [found.get(id(leaf), 0.0) for leaf in graph.leaves]


def gradients(root: Value, seed: float) -> list[float]:
    """What backward() gives every node of the graph; leaves of the user's own stay as they were."""
    order = nodes_in_order(root)
    before = [node.grad for node in order]
    for node in order:
        node.grad = 0.0
    root.backward(seed)
    after = [node.grad for node in order]
    for node, gradient in zip(order, before, strict=True):
        node.grad = gradient
    return after


def require(case: Subject, expected: Sequence[float], got: Sequence[float], what: str) -> None:
    if [x.hex() for x in expected] != [x.hex() for x in got]:
        raise GradientError(
            "unrepeatable", f"{what} {list(got)} instead of {list(expected)} for {case.names}"
        )
