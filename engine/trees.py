"""Nested arguments, flat and back: lists, tuples, dicts, NumPy arrays and modules of numbers.

A tree falls into pieces, single numbers or whole arrays, and a function that puts pieces of the same
kind together again. A class of yours takes part if it has `tree_parts()`, which returns its parts
and a function from new parts to a new object, as `nn.Module` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from copy import copy
from math import prod
from typing import Any, NamedTuple

Rebuild = Callable[[Sequence[Any]], Any]


def is_array(x: object) -> bool:
    numpy = sys.modules.get("numpy")  # whoever passes an array has imported it
    return numpy is not None and isinstance(x, numpy.ndarray)


def array_of(scalars: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """A NumPy array: float64 if there are only floats, of objects otherwise."""
    numpy = sys.modules["numpy"]
    if all(type(x) is float for x in scalars):
        return numpy.array(scalars, dtype=float).reshape(shape)
    array = numpy.empty(len(scalars), dtype=object)
    array[:] = scalars
    return array.reshape(shape)


class Piece(NamedTuple):
    """A number (no shape) or an array of numbers, flat."""

    scalars: list[Any]
    shape: tuple[int, ...] | None

    def build(self, scalars: Sequence[Any]) -> Any:
        return scalars[0] if self.shape is None else array_of(scalars, self.shape)


def parts(tree: Any) -> tuple[Sequence[Any], Rebuild] | None:
    """The children of a container and the way back; None for what is a piece itself."""
    if isinstance(tree, dict):
        keys = keys_of(tree)
        return [tree[key] for key in keys], lambda new: renewed(tree, keys, new)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return tree, lambda new: type(tree)(*new)
    if isinstance(tree, (list, tuple)):
        return tree, type(tree)
    if tree is None:
        return (), lambda new: None
    split = getattr(tree, "tree_parts", None)
    return None if split is None else split()


def keys_of(tree: dict[Any, Any]) -> list[Any]:
    """In the order of the parts: one of the keys alone, whatever the order of insertion."""
    return sorted(tree, key=repr)


def renewed(tree: Any, keys: Sequence[Any], values: Sequence[Any]) -> Any:
    """A dict like `tree`, also of its subclass, with other values."""
    twin = copy(tree)
    for key, value in zip(keys, values, strict=True):
        twin[key] = value
    return twin


class Tree:
    """A nested argument taken apart: `scalars` in order, and `build` for others in their place.

    `form` is the structure without the numbers: equal for trees that fit together.
    """

    def __init__(self, tree: Any) -> None:
        self.kind = type(tree).__name__
        self.pieces: list[Piece] = []
        self.assemble, self.form = self._split(tree)
        self.scalars = [x for piece in self.pieces for x in piece.scalars]

    def _split(self, tree: Any) -> tuple[Rebuild, Any]:
        """Appends the pieces of `tree`; returns the way from new pieces to a new tree, and the form."""
        start = len(self.pieces)
        children = parts(tree)
        if children is None:
            piece = Piece(list(tree.flat), tree.shape) if is_array(tree) else Piece([tree], None)
            self.pieces.append(piece)
            return lambda new: new[start], piece.shape
        inner = [self._split(child) for child in children[0]]
        keys = tuple(map(repr, keys_of(tree))) if isinstance(tree, dict) else ()
        form = (type(tree), keys, *(form for _, form in inner))
        return lambda new: children[1]([build(new) for build, _ in inner]), form

    def build(self, scalars: Sequence[Any]) -> Any:
        """The same tree of other scalars."""
        return self.assemble([p.build(scalars[i : i + len(p.scalars)]) for i, p in self.offsets()])

    def offsets(self) -> list[tuple[int, Piece]]:
        """Each piece with the place of its first scalar."""
        starts, position = [], 0
        for piece in self.pieces:
            starts.append((position, piece))
            position += len(piece.scalars)
        return starts

    def build_columns(self, rows: Sequence[Sequence[Any]], shape: tuple[int, ...]) -> Any:
        """The tree in which each piece has `shape`, one entry per row, in front of its own shape."""
        return self.assemble(
            [
                array_of([x for row in rows for x in row[i : i + len(p.scalars)]], shape + (p.shape or ()))
                for i, p in self.offsets()
            ]
        )


def outer(outputs: Tree, inputs: Tree, rows: Sequence[Sequence[Any]]) -> list[Any]:
    """A matrix, a row per output and a column per input: per piece of the outputs, a tree of inputs."""
    blocks = []
    for i, piece in outputs.offsets():
        if piece.shape is None:
            blocks.append(inputs.build(rows[i]))
        else:
            blocks.append(inputs.build_columns(rows[i : i + prod(piece.shape)], piece.shape))
    return blocks
