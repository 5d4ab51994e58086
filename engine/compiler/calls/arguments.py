"""What a compiled function is called with: its structure, by which traces are told apart, and its
numbers, as arrays in the order of the tape."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from math import prod
from typing import Any, Final, NamedTuple

from engine.batch import batch_length, inner, is_axis
from engine.compiler.backend import Block
from engine.primitive import Traceable, as_float
from engine.trees import is_array, parts, settings_of

NUMBER: Final = "number"
NUMBERS: Final = frozenset({float, int})  # what a long sequence mostly consists of
PLAIN: Final = (str, bytes, int, float, bool, type(None))


class Leaf(NamedTuple):
    """A number, a tuple of plain numbers, an array, or a batch with the examples along the first axis."""

    data: Any
    block: Block

    @property
    def is_array(self) -> bool:
        """Whether it is a block by itself."""
        return self.block.batched or is_array(self.data)


class Arguments:
    """The arguments of one call, taken apart.

    key       equal for calls that one trace serves
    example   the arguments of one example, to trace with
    leaves    the numbers, in order
    examples  how many, 0 if nothing is mapped
    has_array whether one of the arguments is an array
    """

    def __init__(self, args: Sequence[Any], axes: Sequence[Any] | None) -> None:
        self.leaves: list[Leaf] = []
        self.examples = 0 if axes is None else batch_length(args, axes)
        taken = [self.take(arg, axis) for arg, axis in zip(args, axes or [None] * len(args), strict=True)]
        self.key: Hashable = tuple(key for key, _ in taken)
        self.example = [example for _, example in taken]
        self.has_array = any(map(is_array, args))

    def take(self, arg: Any, axis: Any) -> tuple[Hashable, Any]:
        """(key, one example) of an argument; its numbers become leaves."""
        if is_array(arg):
            return self.take_array(arg, axis)
        if isinstance(arg, list) and is_axis(axis, 0):
            return self.take_examples(arg)
        if type(arg) in (list, tuple) and arg and NUMBERS.issuperset(map(type, arg)) and axis is None:
            self.leaves.append(Leaf(tuple(arg), Block(len(arg), False)))
            return (type(arg), NUMBER, len(arg)), arg
        children = parts(arg)
        if children is None:
            return self.take_number(arg)
        axes = inner(arg, axis, len(children[0]))
        taken = [self.take(child, at) for child, at in zip(children[0], axes, strict=True)]
        keys = [key for key, _ in taken]
        if type(arg) in (list, tuple) and arg and keys.count(NUMBER) == len(keys):
            return (type(arg), NUMBER, len(keys)), children[1]([example for _, example in taken])
        kind: tuple[Any, ...] = (type(arg), details(arg), *keys)
        return kind, children[1]([example for _, example in taken]) if axis is not None else arg

    def take_number(self, arg: Any) -> tuple[Hashable, Any]:
        if not isinstance(arg, Traceable):
            try:
                as_float(arg)
            except TypeError as error:
                raise TypeError(
                    f"{error}; what is no number, such as a string or a self, has to be static "
                    f"(static_argnums, static_argnames)"
                ) from None
        self.leaves.append(Leaf(arg, Block(1, False)))
        return NUMBER, arg

    def take_array(self, arg: Any, axis: int | None) -> tuple[Hashable, Any]:
        check_dtype(arg)
        if axis is None:
            self.leaves.append(Leaf(arg, Block(arg.size, False)))
            return ("array", arg.shape), arg
        rows = sys.modules["numpy"].moveaxis(arg, axis, 0)
        self.leaves.append(Leaf(rows, Block(prod(rows.shape[1:]), True)))
        return ("rows", rows.shape[1:]), rows[0]

    def take_examples(self, arg: list[Any]) -> tuple[Hashable, Any]:
        """A list of examples: all of one structure, each with its numbers in a row."""
        taken = [Arguments([example], None) for example in arg]
        keys = {each.key for each in taken}
        if len(keys) > 1:
            raise ValueError("vmap needs examples of one structure: those in a list differ")
        rows = [each.flat() for each in taken]
        self.leaves.append(Leaf(rows, Block(len(rows[0]), True)))
        return ("list of examples", *keys), arg[0]

    def flat(self) -> list[Any]:
        """All numbers and nodes, one after the other."""
        return [x for leaf in self.leaves for x in scalars(leaf.data)]

    def numbers(self, example: int, dtype: str) -> list[float]:
        """Those of one example."""
        blocks = merged(self.leaves)
        pairs = zip(self.inputs(blocks, dtype), blocks, strict=True)
        return [x for column, block in pairs for x in (column[example] if block.batched else column).tolist()]

    def nodes(self) -> list[Any]:
        """What is no plain number: Values and symbols."""
        return [
            x
            for leaf in self.leaves
            if may_hold_nodes(leaf.data)
            for x in scalars(leaf.data)
            if isinstance(x, Traceable)
        ]

    def without_nodes(self, number: Callable[[Any], float]) -> None:
        """Puts the number of each node in its place."""
        for i, leaf in enumerate(self.leaves):
            if may_hold_nodes(leaf.data):
                self.leaves[i] = Leaf(renewed(leaf.data, number), leaf.block)

    def inputs(self, blocks: Sequence[Block], dtype: str) -> list[Any]:
        """An array for each block of a layout."""
        numpy = sys.modules["numpy"]
        leaves = iter(self.leaves)
        arrays = []
        for block in blocks:
            leaf = next(leaves)
            if leaf.is_array:
                shape = (self.examples, block.size) if block.batched else (block.size,)
                arrays.append(numpy.ascontiguousarray(leaf.data, dtype=dtype).reshape(shape))
            else:
                numbers = list(scalars(leaf.data))
                while len(numbers) < block.size:  # what follows each other has been merged
                    numbers += scalars(next(leaves).data)
                arrays.append(numpy.array(numbers, dtype=dtype))
        return arrays


def merged(leaves: Sequence[Leaf]) -> tuple[Block, ...]:
    """The layout of leaves: runs of single numbers as one block."""
    blocks: list[Block] = []
    in_numbers = False
    for leaf in leaves:
        if in_numbers and not leaf.is_array:
            blocks[-1] = Block(blocks[-1].size + leaf.block.size, False)
        else:
            blocks.append(leaf.block)
        in_numbers = not leaf.is_array
    return tuple(blocks)


def scalars(data: Any) -> Iterable[Any]:
    """The numbers of a leaf."""
    if isinstance(data, list):
        return [x for row in data for x in row]
    if isinstance(data, tuple):
        return data
    return data.flat if is_array(data) else [data]


def may_hold_nodes(data: Any) -> bool:
    return isinstance(data, (Traceable, list)) or (is_array(data) and data.dtype == object)


def renewed(data: Any, number: Callable[[Any], float]) -> Any:
    """The leaf with numbers in place of its nodes."""
    if isinstance(data, list):
        return [[number(x) for x in row] for row in data]
    if is_array(data):
        return sys.modules["numpy"].array([number(x) for x in data.flat], dtype=float).reshape(data.shape)
    return number(data)


def check_dtype(array: Any) -> None:
    """Raises TypeError for arrays of what is no real number."""
    if array.dtype.kind not in "fiubO":
        raise TypeError(
            f"arrays of real numbers are needed, got one of {array.dtype}: convert it with astype(float)"
        )
    if array.dtype.kind == "O":
        for x in array.flat:
            if not isinstance(x, Traceable):
                as_float(x)


def details(tree: Any) -> Hashable:
    """What tells apart two containers of one type: the keys of a dict, the settings of a module."""
    if isinstance(tree, dict):
        return tuple(tree)
    if isinstance(tree, (list, tuple)) or tree is None:
        return None
    if hasattr(tree, "tree_parts"):
        return settings(tree, {})
    return tuple(settings(x, {}) for x in settings_of(tree))


def settings(x: Any, seen: dict[int, int]) -> Hashable:
    """All that a module holds besides its parameters, as a key. Two that share differently differ."""
    if isinstance(x, PLAIN):
        return (type(x).__name__, repr(x))
    if id(x) in seen:
        return ("again", seen[id(x)])
    seen[id(x)] = len(seen)
    if isinstance(x, Traceable):
        return NUMBER
    if is_array(x):
        return ("array", x.shape) if x.dtype == object else ("array", x.shape, x.tobytes())
    if isinstance(x, dict):
        return ("dict", *((key, settings(value, seen)) for key, value in x.items()))
    if isinstance(x, (list, tuple)):
        return (type(x), *(settings(part, seen) for part in x))
    if hasattr(x, "tree_parts"):
        return (type(x), settings(vars(x), seen))
    return Held(x)


class Held:
    """Any other object, by identity; kept alive, so that no other takes its place."""

    def __init__(self, x: object) -> None:
        self.x = x

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and self.x is other.x

    def __hash__(self) -> int:
        return id(self.x)
