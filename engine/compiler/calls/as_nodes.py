"""Values in, Values out: the results of compiled code as nodes of the user's graph.

Each result is one node, whose parents are the numbers and Values that came in. Its local gradient is
compiled when a sweep first asks for it; where a transform asks for nodes, they are recorded anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol, final

from engine import functions
from engine.compiler.errors import TracingError
from engine.compiler.tape.tape import Tape
from engine.node import Node
from engine.primitive import Primitive, as_float
from engine.primitives import select
from engine.transform import grad
from engine.trees import Tree
from engine.value import Value, constant, record_node


class Rule(Protocol):
    """One result as the rule of a primitive."""

    def value(self, xs: Sequence[float]) -> float: ...

    def gradient(self, operands: Sequence[Any]) -> Sequence[Any]: ...


class CompiledTape(Protocol):
    """What a rule needs of a compiled function."""

    recorded: Tape

    def numbers(self, xs: Sequence[float]) -> Sequence[float]:
        """All outputs."""

    def slopes(self, output: int, xs: Sequence[float]) -> Sequence[float]:
        """The derivatives of an output to every input."""


@final
class TapeOutput:
    """One result of a compiled function, which `choose` finds for the operands."""

    def __init__(self, choose: Callable[[Sequence[Any]], CompiledTape], output: int) -> None:
        self.choose = choose
        self.output = output

    def value(self, xs: Sequence[float]) -> float:
        return self.choose(xs).numbers(xs)[self.output]

    def gradient(self, operands: Sequence[Any]) -> Sequence[Any]:
        compiled = self.choose(operands)
        if all(type(x) is float for x in operands):
            with suppress(TracingError):  # the rule of a primitive of a user asks its operands
                return compiled.slopes(self.output, operands)

        def recorded(*operands: Any) -> Any:
            return compiled.recorded.run(operands, decided)[self.output]

        gradient: Sequence[Any] = grad(recorded, tuple(range(len(operands))))(*operands)
        return gradient


@final
class FunctionOutput:
    """The same of a mapped function, whose tape is one example of many: derivatives by the function."""

    def __init__(self, f: Callable[..., Any], flat: Tree, output: int) -> None:
        self.f = f
        self.flat = flat
        self.output = output

    def recorded(self, *operands: Any) -> Any:
        return Tree(self.f(*self.flat.build(operands))).scalars[self.output]

    def value(self, xs: Sequence[float]) -> float:
        return number(self.recorded(*xs))

    def gradient(self, operands: Sequence[Any]) -> Sequence[Any]:
        gradient: Sequence[Any] = grad(self.recorded, tuple(range(len(operands))))(*operands)
        return gradient


def as_nodes(
    results: Sequence[Any], arguments: Sequence[Any], name: str, rule: Callable[[int], Rule]
) -> list[Value]:
    """The numbers that compiled code computed for these arguments, as nodes; each has its rule."""
    operands = tuple([x if isinstance(x, Node) else constant(x) for x in arguments])

    def node(y: Any, by: Rule) -> Value:
        primitive = Primitive(name, by.value, gradient=by.gradient, foreign=True)
        return record_node(number(y), primitive, None, operands)

    return [node(y, rule(k)) for k, y in enumerate(results)]


def number(x: Any) -> float:
    """The number of a Value, or of anything that is a number."""
    return x.data if isinstance(x, Value) else as_float(x)


def decided(primitive: Primitive, operands: Sequence[Any]) -> Any:
    """A row of a tape at numbers or nodes of any kind: a condition of values takes one arm."""
    return functions.where(*operands) if primitive is select else primitive.apply(tuple(operands))
