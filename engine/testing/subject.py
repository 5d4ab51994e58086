"""The function under test, flat: numbers in, one number out, and a name for every input."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from engine.modes import no_grad
from engine.node import Node
from engine.primitive import as_float
from engine.testing.differences import Scalar, careful
from engine.testing.expression import shortened
from engine.text import brief
from engine.trees import Tree, is_array, keys_of, parts
from engine.value import Value

Function = Callable[..., Any]


@dataclass(frozen=True)
class Subject:
    """f at a point. `numbers`: f is called with floats, otherwise with Values that record nothing."""

    f: Function
    tree: Tree
    xs: tuple[float, ...]
    names: tuple[str, ...]
    arguments: tuple[tuple[str, range], ...]  # the name of each, and which inputs it holds
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

    def input_name(self, i: int) -> str:
        return f"{self.names[i]} = {self.xs[i]!r}"

    def describe(self, text: str = "") -> str:
        """The function, or its expression, and the point, for a message."""
        name = getattr(self.f, "__name__", "") or getattr(self.f, "name", "") or "f"
        point = ", ".join(self.input_name(i) for i in range(min(len(self.xs), 8)))
        more = ", ..." if len(self.xs) > 8 else ""
        return f"{shortened(text) if text else name} at {point}{more}"


def subject(f: Function, inputs: Any, *, numbers: bool = False) -> Subject:
    """f at inputs: a tuple or list has one entry per argument, anything else is the only argument.

    Raises TypeError for what cannot be called, and for inputs that are no numbers.
    """
    if not callable(f):
        raise TypeError(
            f"a function is needed, got {type(f).__name__} {brief(f)}: for a graph, pass lambda x: ..."
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
    names: list[str] = []
    held = []
    for name, argument in zip(parameters(f, len(arguments)), arguments, strict=True):
        found = input_names(argument, name)
        held.append((name, range(len(names), len(names) + len(found))))
        names += found
    return Subject(f, tree, xs, tuple(names), tuple(held), numbers)


def input_names(tree: Any, name: str) -> list[str]:
    """What the numbers in an argument are called: x, w[2], M[1, 1], layer['bias'][0]; a Value its label."""
    names: list[str] = []
    waiting = [(tree, name)]
    while waiting:
        part, name = waiting.pop()
        split = parts(part)
        if split is not None:
            ways = [name + step for step in steps(part, len(split[0]))]
            waiting.extend(reversed(list(zip(split[0], ways, strict=True))))
        elif is_array(part) and part.shape:
            indices = product(*map(range, part.shape))
            names += [f"{name}[{', '.join(map(str, index))}]" for index in indices]
        else:
            names.append(part.label or name if isinstance(part, Node) else name)
    return names


def steps(tree: Any, count: int) -> list[str]:
    """From a container to each of its parts."""
    if isinstance(tree, dict):
        return [f"[{key!r}]" for key in keys_of(tree)]
    return [f".{field}" for field in getattr(tree, "_fields", ())] or [f"[{i}]" for i in range(count)]


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
    """The result of f, if it is a number or a node. Raises TypeError otherwise, ValueError for a complex
    number: that is how Python leaves the domain of a power.
    """
    scalars = Tree(y).scalars
    if len(scalars) != 1:
        raise TypeError(
            f"a function that returns one number is needed, got {len(scalars)}: check one at a time"
        )
    if isinstance(scalars[0], complex):
        raise ValueError(f"a real number is needed, got {scalars[0]}: a power of a negative number?")
    if not isinstance(scalars[0], Node):
        as_float(scalars[0])
    return scalars[0]


def plain(x: Any) -> float:
    return x._data if isinstance(x, Node) else as_float(x)
