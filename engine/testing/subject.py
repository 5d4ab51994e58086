"""The function under test, flat: numbers in, one number out, and a name for every input."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.modes import no_grad
from engine.node import Node
from engine.primitive import as_float
from engine.testing.differences import Scalar, careful
from engine.trees import Tree
from engine.value import Value

Function = Callable[..., Any]


@dataclass(frozen=True)
class Subject:
    """f at a point. `numbers`: f is called with floats, otherwise with Values that record nothing."""

    f: Function
    tree: Tree
    xs: tuple[float, ...]
    names: tuple[str, ...]
    numbers: bool = False

    def __call__(self, *scalars: Any) -> Any:
        """f of flat arguments, whatever they are."""
        return one_number(self.f(*self.tree.build(scalars)))

    def value(self, xs: Sequence[float]) -> float:
        if self.numbers:
            return plain(self(*xs))
        with no_grad():
            return plain(self(*map(Value, xs)))

    def along(self, i: int) -> Scalar:
        """The value as a function of the i-th input alone; nan where it raises an arithmetic error."""
        return careful(lambda x: self.value((*self.xs[:i], x, *self.xs[i + 1 :])))

    def named(self, i: int) -> str:
        return f"{self.names[i]} = {self.xs[i]!r}"


def subject(f: Function, inputs: Any, *, numbers: bool = False) -> Subject:
    """f at inputs: a tuple or list has one entry per argument, anything else is the only argument.

    Raises TypeError for what cannot be called, and for inputs that are no numbers.
    """
    if not callable(f):
        raise TypeError(
            f"a function is needed, got {type(f).__name__} {f!r:.40}: for a graph, pass lambda x: ..."
        )
    if inputs is None:
        inputs = getattr(f, "inputs", None)
    if inputs is None:
        raise TypeError("inputs are needed: a tuple with one number, list or array for each argument")
    arguments = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    tree = Tree(arguments)
    if not tree.scalars:
        raise TypeError("there is no number among the inputs: nothing to differentiate")
    xs = tuple(plain(x) for x in tree.scalars)
    return Subject(f, tree, xs, tuple(input_names(f, arguments)), numbers)


def input_names(f: Function, arguments: Sequence[Any]) -> list[str]:
    """The label of a Value, the name of a parameter, or that name with an index."""
    names = []
    for name, argument in zip(parameters(f, len(arguments)), arguments, strict=True):
        scalars = Tree(argument).scalars
        alone = len(scalars) == 1 and scalars[0] is argument
        for i, x in enumerate(scalars):
            label = x.label if isinstance(x, Node) else ""
            names.append(label or (name if alone else f"{name}[{i}]"))
    return names


def parameters(f: Function, count: int) -> list[str]:
    names = list(getattr(f, "names", ()))
    if not names:
        try:
            signature = inspect.signature(f).parameters.values()
            names = [p.name for p in signature if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        except (TypeError, ValueError):  # a builtin without a signature
            names = []
    return [*names, *(f"x{i}" for i in range(len(names), count))][:count]


def one_number(y: Any) -> Any:
    """The result of f, if it is a number or a node. Raises TypeError otherwise."""
    scalars = Tree(y).scalars
    if len(scalars) != 1:
        raise TypeError(
            f"a function that returns one number is needed, got {len(scalars)}: check one at a time"
        )
    if not isinstance(scalars[0], Node):
        as_float(scalars[0])
    return scalars[0]


def plain(x: Any) -> float:
    return x._data if isinstance(x, Node) else as_float(x)
