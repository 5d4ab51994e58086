"""A batch: which axes of the arguments of a call run over examples, and what becomes of their results.

Arrays and lists have axes; tuples, dicts and modules are mapped inside, all parts along the same axis.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.primitive import as_float, is_number
from engine.text import brief
from engine.trees import Tree, is_array, parts

Axis = int | None


class Batch(NamedTuple):
    """`in_axes` is one axis for all arguments or a sequence with one for each; None is the same argument for
    all examples, a tree like the argument has an axis for each part. `reduce` is None to stack the results,
    along `out_axes`, "sum" or "mean"."""

    in_axes: Any
    reduce: str | None
    out_axes: Any = 0

    def checked(self) -> Batch:
        """Raises ValueError for another way to reduce, or for axes of results that are reduced."""
        if self.reduce not in (None, "sum", "mean"):
            raise ValueError(f'reduce is None, "sum" or "mean", got {self.reduce!r}')
        if self.reduce is not None and not is_axis(self.out_axes, 0):
            raise ValueError(f"out_axes is for results that are stacked, not for reduce={self.reduce!r}")
        return self

    def axes(self, count: int) -> Sequence[Any]:
        """The axes of each of so many arguments. Raises ValueError for another number of them."""
        in_axes = self.in_axes
        axes = [in_axes] * count if in_axes is None or isinstance(in_axes, int) else list(in_axes)
        if len(axes) != count:
            raise ValueError(f"in_axes has {len(axes)} entries for a call with {count} arguments")
        if not all(axis is None or isinstance(axis, int) for axis in Tree(axes).scalars):
            raise ValueError(f"in_axes holds ints and None, or trees of them, got {brief(in_axes, 60)}")
        return axes


def is_axis(axis: Any, number: int) -> bool:
    return isinstance(axis, int) and axis == number


def batch_length(args: Sequence[Any], axes: Sequence[Any]) -> int:
    """How many examples there are. Raises ValueError if there are none, or not as many everywhere."""
    found = [sorted(set(lengths(arg, axis))) for arg, axis in zip(args, axes, strict=True)]
    different = {n for each in found for n in each}
    if len(different) != 1 or 0 in different:
        each = ", ".join(f"{' and '.join(map(str, n))} in argument {i}" for i, n in enumerate(found) if n)
        raise ValueError(f"vmap needs one batch length above 0, got {each or 'no mapped axis'}")
    return different.pop()


def lengths(arg: Any, axis: Any) -> list[int]:
    """How many examples each mapped part of an argument holds. Raises ValueError for an axis it lacks."""
    if axis is None:
        return []
    if is_array(arg):
        if not isinstance(axis, int):
            raise ValueError(f"in_axes has {brief(axis)} for an array: give an int or None")
        if not -arg.ndim <= axis < arg.ndim:
            raise ValueError(f"in_axes asks for axis {axis} of an array of shape {arg.shape}")
        return [arg.shape[axis]]
    if isinstance(arg, list) and is_axis(axis, 0):
        require_rows(arg)
        return [len(arg)]
    children = parts(arg)
    if children is None:
        kind = f"{type(arg).__name__} {brief(arg)}"
        raise ValueError(f"in_axes asks for axis {brief(axis)} of {kind}, which has none: use None")
    axes = inner(arg, axis, len(children[0]))
    return [n for child, at in zip(children[0], axes, strict=True) for n in lengths(child, at)]


def require_rows(examples: list[Any]) -> None:
    """Raises ValueError for a list of arrays: for JAX it is two arguments, for us it would be two rows."""
    while examples and isinstance(examples[0], list):
        examples = examples[0]
    if any(map(is_array, examples)):
        raise ValueError(
            "a list of arrays may mean rows, or a container of batches: np.stack it for rows, make it a "
            "tuple to map inside of it"
        )


def inner(arg: Any, axis: Any, count: int) -> list[Any]:
    """The axes of the `count` parts of a container. A list is itself the first axis; a tree has them all.
    Raises ValueError for a tree of another structure."""
    if axis is None or isinstance(axis, int):
        return [axis - 1 if isinstance(arg, list) and axis is not None else axis] * count
    axes = list((parts(axis) or ((), None))[0])
    keys = isinstance(arg, dict) and isinstance(axis, dict) and axis.keys() ^ arg.keys()
    if type(axis) is not type(arg) or len(axes) != count or keys:
        kind = type(arg).__name__
        raise ValueError(f"axes are {brief(axis)} for {kind} {brief(arg)}: they have to look alike")
    return axes


def examples(arg: Any, axis: Any, count: int) -> list[Any]:
    """The argument of each example, along an axis that `lengths` has checked."""
    if axis is None:
        return [arg] * count
    if is_array(arg):
        return [as_example(arg.take(i, axis)) for i in range(count)]
    if isinstance(arg, list) and is_axis(axis, 0):
        return [as_example(x) for x in arg]
    children, rebuild = parts(arg) or ((), type(arg))
    axes = inner(arg, axis, len(children))
    columns = (examples(child, at, count) for child, at in zip(children, axes, strict=True))
    return [rebuild(row) for row in zip(*columns, strict=True)]


def as_example(x: Any) -> Any:
    """Numbers as floats, whatever their type was."""
    if is_array(x):
        return x if x.dtype == object else x.astype(float)
    return as_float(x) if is_number(x) else x


def placed(stacked: Tree, like: Any, out_axes: Any) -> Any:
    """Arrays of results, stacked in front, with that axis where `out_axes` wants it; None takes the first."""
    numpy = sys.modules["numpy"]
    pieces = [piece.build(piece.scalars) for piece in stacked.pieces]
    moved = [
        as_example(piece[0]) if axis is None else numpy.moveaxis(piece, 0, axis)
        for piece, axis in zip(pieces, axes_of_pieces(like, out_axes), strict=True)
    ]
    return stacked.assemble(moved)


def axes_of_pieces(tree: Any, axes: Any) -> list[Axis]:
    """One axis for each number or array of a tree, from one for all or a tree of them."""
    if axes is None or isinstance(axes, int):
        return [axes] * len(Tree(tree).pieces)
    children = (parts(tree) or ((), None))[0]
    found = zip(children, inner(tree, axes, len(children)), strict=True)
    return [axis for child, at in found for axis in axes_of_pieces(child, at)]
