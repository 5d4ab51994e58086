"""Nested arguments, flat and back: lists, tuples, dicts, dataclasses, arrays, sparse matrices, modules.

A tree falls into pieces, single numbers or whole arrays, and a function that puts pieces of the same
kind together again. A class of yours takes part if it has `tree_parts()`, which returns its parts
and a function from new parts to a new object, as `nn.Module` does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from copy import copy
from importlib import import_module
from math import prod
from typing import Any, Final, NamedTuple

Rebuild = Callable[[Sequence[Any]], Any]

# What is a number for sure, asked first, for most parts of most trees are; the classes of nodes join in.
NUMBERS: Final[set[type]] = {float, int}


def is_array(x: object) -> bool:
    # Whoever passes an array has imported NumPy; another thread may just be doing so.
    array = getattr(sys.modules.get("numpy"), "ndarray", None)
    return array is not None and isinstance(x, array)


def array_of(scalars: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """A NumPy array: float64 if there are only floats, otherwise of objects, a `NodeArray`."""
    numpy = import_module("numpy")  # a pickle may bring the first array of a process
    if all(type(x) is float for x in scalars):
        return numpy.array(scalars, dtype=float).reshape(shape)
    array = numpy.empty(len(scalars), dtype=object)
    array[:] = scalars
    return array.reshape(shape).view(import_module("engine.node_array").NodeArray)


class Piece(NamedTuple):
    scalars: list[Any]
    shape: tuple[int, ...] | None  # of an array, which is flat here; None for a number

    def build(self, scalars: Sequence[Any]) -> Any:
        return scalars[0] if self.shape is None else array_of(scalars, self.shape)


def parts(tree: Any) -> tuple[Sequence[Any], Rebuild] | None:
    """The children of a container and the way back; None for what is a piece itself."""
    if type(tree) in NUMBERS:
        return None
    if isinstance(tree, dict):
        keys = keys_of(tree)
        return [tree[key] for key in keys], lambda new: dict_like(tree, keys, new)
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return tree, lambda new: type(tree)(*new)
    if isinstance(tree, (list, tuple)):
        return tree, type(tree)
    if tree is None:
        return (), lambda new: None
    split = getattr(tree, "tree_parts", None)
    if split is not None:
        return split()  # type: ignore[no-any-return]
    if is_sparse(tree):
        return [tree.data], lambda new: sparse_like(tree, new[0])
    if is_dataclass(tree):
        names = fields_of(tree, static=False)
        return [getattr(tree, name) for name in names], lambda new: replaced(tree, names, new)
    return None


def is_sparse(tree: Any) -> bool:
    """Whether it is a matrix of SciPy's in rows. As with arrays: whoever has one has imported SciPy."""
    matrix = getattr(sys.modules.get("scipy.sparse"), "csr_array", None)
    return matrix is not None and isinstance(tree, matrix)


def sparse_like(matrix: Any, data: Any) -> Any:
    """A matrix with other numbers in the same places. Raises ValueError for a batch of them."""
    if data.ndim != 1:
        raise ValueError(
            f"a sparse matrix has no batch axis: of {len(data)} of them only the data can be stacked"
        )
    pattern = (data, matrix.indices.copy(), matrix.indptr.copy())  # SciPy changes them in place
    return type(matrix)(pattern, shape=matrix.shape)


def is_dataclass(tree: Any) -> bool:
    """Whether it is an object of one. Its module is slow to import: whoever has one has done so."""
    return hasattr(type(tree), "__dataclass_fields__")


def fields_of(tree: Any, static: bool) -> list[str]:
    """The fields of a dataclass that are, or are not, `field(metadata={"static": True})`, as for JAX."""
    fields = sys.modules["dataclasses"].fields(tree)
    return [field.name for field in fields if bool(field.metadata.get("static")) == static]


def settings_of(tree: Any) -> list[Any]:
    """What a container has beside its parts: keys, places in a matrix, static fields of a dataclass."""
    if isinstance(tree, dict):
        return keys_of(tree)
    if is_sparse(tree):
        return [tree.shape, tree.indices.tobytes(), tree.indptr.tobytes()]
    if is_dataclass(tree) and not hasattr(tree, "tree_parts"):
        return [getattr(tree, name) for name in fields_of(tree, static=True)]
    return []


def replaced(tree: Any, names: Sequence[str], values: Sequence[Any]) -> Any:
    """A dataclass like `tree` with other fields; nothing is initialised again."""
    twin = copy(tree)
    for name, value in zip(names, values, strict=True):
        object.__setattr__(twin, name, value)  # also of a frozen one
    return twin


def keys_of(tree: dict[Any, Any]) -> list[Any]:
    """In the order of the parts: one of the keys alone, whatever the order of insertion."""
    return sorted(tree, key=repr)


def dict_like(tree: Any, keys: Sequence[Any], values: Sequence[Any]) -> Any:
    """A dict like `tree`, also of its subclass, with other values."""
    twin = copy(tree)
    for key, value in zip(keys, values, strict=True):
        twin[key] = value
    return twin


class End(NamedTuple):  # stands behind the parts of a container: from here on we are outside of it
    container: int


def walk(tree: Any) -> Iterator[tuple[Any, tuple[Sequence[Any], Rebuild] | None]]:
    """A tree and all that it holds, each container before its parts, with what `parts` says of it. No
    recursion. Raises ValueError for what contains itself."""
    around: dict[int, Any] = {}  # the containers that we are in; alive, so that none takes the id of another
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if type(part) is End:
            del around[part.container]
            continue
        split = parts(part)
        yield part, split
        if split is not None and split[0]:
            if id(part) in around:
                raise ValueError(f"a {type(part).__name__} contains itself: it has no end as an argument")
            around[id(part)] = part
            waiting.append(End(id(part)))
            waiting.extend(reversed(split[0]))


class Tree:
    """A nested argument taken apart: `scalars` in order, and `build` for others in their place.

    `form` is the structure without the numbers, flat: equal for trees that fit together.
    """

    def __init__(self, tree: Any) -> None:
        self.kind = type(tree).__name__
        self.pieces: list[Piece] = []
        self.has_arrays = False
        self.containers: list[tuple[int, Rebuild] | None] = []  # as they are walked; None for a piece
        form: list[Any] = []
        for part, split in walk(tree):
            if split is None:
                if type(part) in NUMBERS or not is_array(part):
                    piece = Piece([part], None)
                else:
                    piece = Piece(list(part.flat), part.shape)
                    self.has_arrays = True
                self.pieces.append(piece)
                self.containers.append(None)
                form.append(piece.shape)
            else:
                self.containers.append((len(split[0]), split[1]))
                form.append((type(part), len(split[0]), *map(repr, settings_of(part))))
        self.form: Hashable = tuple(form)
        self.scalars = [x for piece in self.pieces for x in piece.scalars]

    @property
    def is_scalar(self) -> bool:
        """Whether it is one number, or an array of no dimension."""
        return self.form in ((None,), ((),))

    def assemble(self, new: Sequence[Any]) -> Any:
        """The same containers around new pieces."""
        left = list(new)
        built: list[Any] = []
        for container in reversed(self.containers):
            if container is None:
                built.append(left.pop())
            else:
                count, rebuild = container
                built.append(rebuild([built.pop() for _ in range(count)]))
        return built.pop()

    def build(self, scalars: Sequence[Any]) -> Any:
        """The same tree of other scalars."""
        if not self.has_arrays:
            return self.assemble(scalars)
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


def with_nodes(tree: Any, function: Callable[[Any], Any]) -> Any:
    """A tree in which `function` has been applied to all nodes; whatever else it holds stays as it is."""

    def renewed(piece: Any) -> Any:
        if not is_array(piece):
            return function(piece)
        return array_of(list(map(function, piece.flat)), piece.shape) if piece.dtype == object else piece

    return Tree(tree).assemble([renewed(piece) for piece, split in walk(tree) if split is None])


def outer(outputs: Tree, inputs: Tree, rows: Sequence[Sequence[Any]]) -> list[Any]:
    """A matrix, a row per output and a column per input: per piece of the outputs, a tree of inputs."""
    blocks = []
    for i, piece in outputs.offsets():
        if piece.shape is None:
            blocks.append(inputs.build(rows[i]))
        else:
            blocks.append(inputs.build_columns(rows[i : i + prod(piece.shape)], piece.shape))
    return blocks
