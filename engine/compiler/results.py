"""What a compiled function returns: the flat outputs of a tape as the structure that was traced."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, final

from engine.trees import Tree, is_array


@final
class Results:
    """A structure of results. `skeleton` is one of zeros: it can be pickled, a traced one cannot."""

    def __init__(self, skeleton: Any) -> None:
        self.skeleton = skeleton
        self.tree = Tree(skeleton)

    def __reduce__(self) -> Any:
        return Results, (self.skeleton,)

    @property
    def is_number(self) -> bool:
        return len(self.tree.pieces) == 1 and type(self.skeleton) is float

    def one(self, outputs: Any) -> Any:
        """The results of one call, from a sequence of floats or of nodes."""
        return outputs[0] if self.is_number else self.tree.build(list(outputs))

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

    def stacked(self, outputs: Any, in_arrays: bool) -> Any:
        """The results of all examples, (examples, outputs): arrays, or lists if nothing was an array."""
        arrays = in_arrays or any(piece.shape is not None for piece in self.tree.pieces)
        pieces = []
        for i, piece in self.tree.offsets():
            columns = outputs[:, i : i + len(piece.scalars)]
            shape = (len(outputs), *(piece.shape or ()))
            pieces.append(columns.reshape(shape) if arrays else columns[:, 0].tolist())
        return self.tree.assemble(pieces)


def skeleton_of(tree: Tree) -> Any:
    """The structure with 0.0 for every number. Raises TypeError if there is none."""
    if not tree.scalars:
        raise TypeError(
            "a compiled function returns numbers, or arrays and containers of them; this one returned nothing"
        )
    return tree.build([0.0] * len(tree.scalars))


def has_array(args: Sequence[Any]) -> bool:
    return any(map(is_array, args))
