"""A batch: which axes of the arguments of a call run over examples, and what becomes of their results.

Arrays and lists have axes; tuples, dicts and modules are mapped inside, all parts along the same axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.primitive import as_float, is_number
from engine.trees import is_array, parts

Axis = int | None


class Batch(NamedTuple):
    """`in_axes` is one axis for all arguments or a sequence of one for each; None is the same argument for
    all examples. `reduce` is None to stack the results, "sum" or "mean"."""

    in_axes: Any
    reduce: str | None

    def checked(self) -> Batch:
        """Raises ValueError for another way to reduce."""
        if self.reduce not in (None, "sum", "mean"):
            raise ValueError(f'reduce is None, "sum" or "mean", got {self.reduce!r}')
        return self

    def axes(self, count: int) -> Sequence[Axis]:
        """The axis of each of so many arguments. Raises ValueError for another number of them."""
        in_axes = self.in_axes
        axes = [in_axes] * count if in_axes is None or isinstance(in_axes, int) else list(in_axes)
        if len(axes) != count:
            raise ValueError(f"in_axes has {len(axes)} entries for a call with {count} arguments")
        if not all(axis is None or isinstance(axis, int) for axis in axes):
            raise ValueError(f"in_axes holds an int or None for each argument, got {in_axes!r:.60}")
        return axes


def batch_length(args: Sequence[Any], axes: Sequence[Axis]) -> int:
    """How many examples there are. Raises ValueError if there are none, or not as many everywhere."""
    found = {n for arg, axis in zip(args, axes, strict=True) for n in lengths(arg, axis)}
    if len(found) != 1 or 0 in found:
        raise ValueError(f"vmap needs one batch length above 0, got {sorted(found) or 'no mapped axis'}")
    return found.pop()


def lengths(arg: Any, axis: Axis) -> list[int]:
    """How many examples each mapped part of an argument holds. Raises ValueError for an axis it lacks."""
    if axis is None:
        return []
    if is_array(arg):
        if not -arg.ndim <= axis < arg.ndim:
            raise ValueError(f"in_axes asks for axis {axis} of an array of shape {arg.shape}")
        return [arg.shape[axis]]
    if isinstance(arg, list) and axis == 0:
        require_rows(arg)
        return [len(arg)]
    children = parts(arg)
    if children is None:
        kind = f"{type(arg).__name__} {arg!r:.40}"
        raise ValueError(f"in_axes asks for axis {axis} of {kind}, which has none: use None")
    return [n for child in children[0] for n in lengths(child, inner(arg, axis))]


def require_rows(examples: list[Any]) -> None:
    """Raises ValueError for a list of arrays: for JAX it is two arguments, for us it would be two rows."""
    while examples and isinstance(examples[0], list):
        examples = examples[0]
    if any(map(is_array, examples)):
        raise ValueError(
            "a list of arrays may mean rows, or a container of batches: np.stack it for rows, make it a "
            "tuple to map inside of it"
        )


def inner(arg: Any, axis: Axis) -> Axis:
    """The axis of the parts of a container: an axis of a list is one of its own, then theirs."""
    return axis - 1 if isinstance(arg, list) and axis is not None else axis


def examples(arg: Any, axis: Axis, count: int) -> list[Any]:
    """The argument of each example, along an axis that `lengths` has checked."""
    if axis is None:
        return [arg] * count
    if is_array(arg):
        return [as_example(arg.take(i, axis)) for i in range(count)]
    if isinstance(arg, list) and axis == 0:
        return [as_example(x) for x in arg]
    children, rebuild = parts(arg) or ((), type(arg))
    columns = (examples(child, inner(arg, axis), count) for child in children)
    return [rebuild(row) for row in zip(*columns, strict=True)]


def as_example(x: Any) -> Any:
    """Numbers as floats, whatever their type was."""
    if is_array(x):
        return x if x.dtype == object else x.astype(float)
    return as_float(x) if is_number(x) else x
