"""An expression with a point: what the strategies draw, and what a failed check prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

from engine.modes import recording
from engine.node import Node
from engine.notation import PYTHON, Text
from engine.order import nodes_in_order
from engine.primitive import ATOM
from engine.value import Value, constant

LIMIT: Final = 2000  # characters of an expression that an error message shows


class Expression:
    """A function of named variables, and a point: call it, print it, paste what it prints, check it.

    >>> from engine import sin
    >>> e = Expression(lambda x, y: sin(x * y) * x, x=0.5, y=2.0)
    >>> e(1.0, 0.0)
    0.0
    >>> e
    Expression(lambda x, y: sin(x * y) * x, x=0.5, y=2.0)

    `root` is its graph at the point, with the variables as labelled leaves: draw it, explain it.
    """

    def __init__(self, function: Callable[..., Any], **inputs: float) -> None:
        variables = [Value(x, name) for name, x in inputs.items()]
        with recording():
            result = function(*variables)
        self.hold(result if isinstance(result, Value) else constant(result), variables)

    def hold(self, root: Value, variables: Sequence[Value]) -> None:
        self.root = root
        self.variables = tuple(variables)
        self.names = tuple(variable.label for variable in variables)

    @classmethod
    def of(cls, root: Value, variables: Sequence[Value]) -> Expression:
        """The expression whose graph exists already."""
        self = cls.__new__(cls)
        self.hold(root, variables)
        return self

    @property
    def inputs(self) -> tuple[float, ...]:
        """The point, in the order of the variables."""
        return tuple(variable.data for variable in self.variables)

    @cached_property
    def _order(self) -> list[Node]:
        return nodes_in_order(self.root)

    def __call__(self, *xs: Any) -> Any:
        """The expression of other numbers, Values or symbols."""
        if len(xs) != len(self.names):
            raise TypeError(f"{self!r} takes {len(self.names)} numbers, got {len(xs)}")
        known: dict[int, Any] = {id(leaf): x for leaf, x in zip(self.variables, xs, strict=True)}
        for node in self._order:
            if id(node) not in known:
                operands = [known[id(parent)] for parent in node.parents]
                known[id(node)] = node.primitive(*operands) if operands else node._data
        return known[id(self.root)]

    def __repr__(self) -> str:
        point = "".join(f", {name}={x!r}" for name, x in zip(self.names, self.inputs, strict=True))
        return f"Expression(lambda {', '.join(self.names)}: {python_of(self.root)}{point})"


def python_of(root: Node) -> str:
    """A graph as one Python expression. What is used twice is named at its first use: (v1 := sin(x))."""
    uses, first = visits(root)
    order = nodes_in_order(root)
    shared = [node for node in order if node.parents and uses[id(node)] > 1]
    names = {id(node): f"v{i}" for i, node in enumerate(shared, 1)}
    texts: dict[int, Text] = {}

    def operand(node: Node, place: int) -> Text:
        parent = node.parents[place]
        if id(parent) not in names:
            return texts[id(parent)]
        name = names[id(parent)]
        return Text(f"({name} := {texts[id(parent)].text})" if (id(node), place) in first else name)

    for node in order:
        if node.parents:
            operands = [operand(node, i) for i in range(len(node.parents))]
            texts[id(node)] = PYTHON.apply(node.primitive, operands)
        elif node.is_constant or not node.label.isidentifier():
            texts[id(node)] = PYTHON.number(node._data)
        else:
            texts[id(node)] = Text(node.label, ATOM)
    return texts[id(root)].text


def visits(root: Node) -> tuple[Counter[int], set[tuple[int, int]]]:
    """How often each node is an operand, and which place reaches it first as Python evaluates."""
    uses: Counter[int] = Counter()
    first: set[tuple[int, int]] = set()
    stack: list[tuple[Node, Node, int]] = [(root, root, -1)]
    while stack:
        node, consumer, place = stack.pop()
        uses[id(node)] += 1
        if uses[id(node)] == 1:
            first.add((id(consumer), place))
            stack.extend((parent, node, i) for i, parent in reversed(list(enumerate(node.parents))))
    return uses, first


def shortened(text: str) -> str:
    return text if len(text) <= LIMIT else f"{text[:LIMIT]}... ({len(text)} characters)"
