"""What a compiled function returns: the flat outputs of a tape as the structure that was traced."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cached_property
from typing import Any, final

from engine.primitive import Traceable
from engine.text import brief
from engine.trees import Tree, is_array, parts


@final
class Results:
    """A structure of results. `skeleton` is one of zeros: it can be pickled, a traced one cannot."""

    def __init__(self, skeleton: Any) -> None:
        self.skeleton = skeleton
        self.tree = Tree(skeleton)

    def __reduce__(self) -> Any:
        return Results, (self.skeleton,)

    def from_array(self, outputs: Any) -> Any:
        """The results of one call, from an array of all outputs."""
        pieces = [
            outputs.item(place)
            if shape is None
            else outputs[place].reshape(shape)
            if len(shape) != 1
            else outputs[place]
            for place, shape in self.cuts
        ]
        return self.tree.assemble(pieces)

    @cached_property
    def cuts(self) -> list[tuple[Any, tuple[int, ...] | None]]:
        """Of each piece its place among the outputs, a number or a slice, and its shape."""
        return [
            (i if piece.shape is None else slice(i, i + len(piece.scalars)), piece.shape)
            for i, piece in self.tree.offsets()
        ]

    @property
    def pieces(self) -> tuple[Any, ...]:
        """The numbers and arrays of the skeleton, without the structure."""
        return tuple(piece.build(piece.scalars) for piece in self.tree.pieces)

    def in_arrays(self, has_array: bool) -> bool:
        """Whether those of many examples are arrays: they are lists if nothing was an array."""
        return has_array or any(piece.shape is not None for piece in self.tree.pieces)

    def stacked(self, outputs: Any, has_array: bool) -> Any:
        """The results of all examples, (examples, outputs)."""
        arrays = self.in_arrays(has_array)
        pieces = []
        for i, piece in self.tree.offsets():
            columns = outputs[:, i : i + len(piece.scalars)]
            shape = (len(outputs), *(piece.shape or ()))
            stack = sys.modules["numpy"].ascontiguousarray
            pieces.append(stack(columns.reshape(shape)) if arrays else columns[:, 0].tolist())
        return self.tree.assemble(pieces)


def skeleton_of(tree: Tree) -> Any:
    """The structure with 0.0 for every number. Raises TypeError if there is none."""
    if not tree.scalars:
        raise TypeError(
            "a compiled function returns numbers, or arrays and containers of them; this one returned nothing"
        )
    return tree.build([0.0] * len(tree.scalars))


def written(results: Any, out: Any, dtype: str) -> Any:
    """`out`, with the results copied into its arrays. Raises TypeError or ValueError before anything is."""
    for result, array in list(matched(results, out, dtype, "out")):
        array[...] = result
    return out


def matched(result: Any, out: Any, dtype: str, name: str) -> Iterator[tuple[Any, Any]]:
    """Each number or array of the results with the array that takes it."""
    own, given = items(result), items(out)
    if own is None:
        check(result, out, dtype, name)
        yield result, out
    elif given is None or type(out) is not type(result) or own.keys() != given.keys():
        kind = f"{type(result).__name__} of {len(own)}"
        raise ValueError(
            f"{name} has to be a {kind}, as the result is: got {type(out).__name__} {brief(out, 60)}"
        )
    else:
        for key, part in own.items():
            yield from matched(part, given[key], dtype, f"{name}[{key!r}]")


def items(tree: Any) -> dict[Any, Any] | None:
    """The parts of a container by key or place; None for what has none."""
    split = parts(tree)
    if split is None or isinstance(tree, dict):
        return tree if split else None
    return dict(enumerate(split[0]))


def check(result: Any, array: Any, dtype: str, name: str) -> None:
    """Raises TypeError or ValueError if an array cannot take a result."""
    if isinstance(result, Traceable):
        raise TypeError("out takes numbers: where Values go in, Values come out, so leave it away")
    shape = getattr(result, "shape", ())
    wanted = f"{name} has to be an array of {dtype}, of shape {shape}, C-contiguous and writeable"
    if not is_array(array) or array.dtype != dtype:
        raise TypeError(f"{wanted}: got {array.dtype if is_array(array) else type(array).__name__}")
    if array.shape != shape:
        raise ValueError(f"{wanted}: got shape {array.shape}")
    if not (array.flags.c_contiguous and array.flags.writeable):
        raise ValueError(f"{wanted}: got strides {array.strides}, writeable={array.flags.writeable}")
