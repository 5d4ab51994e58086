"""Functions to functions: derivatives of ordinary Python functions of numbers, in JAX's grammar.

Arguments and results may be numbers, Values, NumPy arrays and nested tuples, lists, dicts and
modules of these. Numbers in, numbers out; Values in, Values out, which stay connected. A transform
records a graph of its own: it never reads or writes `grad`, and works inside `no_grad`.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import update_wrapper
from importlib import import_module
from itertools import accumulate
from types import MethodType
from typing import Any, final

from engine import functions
from engine.batch import Batch, batch_length, examples, is_axis, placed
from engine.choice import Argnames, Argnums, Choice, Function
from engine.modes import collector_paused
from engine.recorded_call import RecordedCall, as_plain, sought
from engine.text import brief
from engine.trees import Tree, array_of, is_array, outer


class Transform(ABC):
    """A function made of another, called like it. It can be pickled if the other can, and by its own name
    if it took the place of the other, as a decorator does."""

    def __init__(self, f: Function, choice: Choice) -> None:
        update_wrapper(self, f, updated=())
        self.f = f
        self.choice = choice

    @abstractmethod
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """What the function that made it promises."""

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        return name_of(self) or (type(self), (self.f, self.choice))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {getattr(self.f, '__qualname__', self.f)}>"

    def run(self, args: Sequence[Any], keywords: dict[str, Any]) -> RecordedCall:
        chosen = self.choice.keys(self.f, args, keywords)
        return RecordedCall(self.f, args, chosen, keywords, self.choice.has_aux)

    def with_aux(self, result: Any, run: RecordedCall) -> Any:
        return (result, run.auxiliary()) if self.choice.has_aux else result


def name_of(f: object) -> str:
    """The name under which pickle finds this very object, "" if there is none."""
    found: Any = sys.modules.get(getattr(f, "__module__", ""))
    name: str = getattr(f, "__qualname__", "")
    for part in name.split("."):
        found = getattr(found, part, None)
    return name if found is f else ""


class ValueAndGrad(Transform):
    def __call__(self, *args: Any, **keywords: Any) -> tuple[Any, Any]:
        run = self.run(args, keywords)
        y = run.scalar("value_and_grad")
        gradient = run.arguments.build(run.gradient(y))
        return self.with_aux(run.plain(y), run), self.choice.pack(gradient)


class Grad(Transform):
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        run = self.run(args, keywords)
        y = run.scalar("grad")
        return self.with_aux(self.choice.pack(run.arguments.build(run.gradient(y))), run)


class Jacobian(Transform):
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        run = self.run(args, keywords)
        matrix = [run.gradient(y) for y in run.results.scalars]
        return self.with_aux(matrix_tree(run, self.choice, matrix), run)


class SparseJacobian(Transform):
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        with collector_paused():  # it would walk through the graph again and again: time linear in it
            run = self.run(args, keywords)
            rows = [run.reached(y) for y in run.results.scalars]
        data = [x for row in rows for _, x in row]
        columns = [place for row in rows for place, _ in row]
        starts = [0, *accumulate(map(len, rows))]
        matrix = import_module("scipy.sparse").csr_array(
            (array_of(data, (len(data),)), columns, starts), shape=(len(rows), len(run.inputs))
        )
        return self.with_aux(matrix, run)


class ForwardJacobian(Transform):
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        run = self.run(args, keywords)
        count = len(run.inputs)
        columns = run.push_forward([{direction: 1.0} for direction in range(count)], count)
        matrix = [list(row) for row in zip(*columns, strict=True)]
        return self.with_aux(matrix_tree(run, self.choice, matrix), run)


def value_and_grad(
    f: Function, argnums: Argnums = 0, has_aux: bool = False, *, argnames: Argnames = None
) -> Function:
    """The function that returns f(*args) and its gradient to the arguments at `argnums`.

    `argnames` chooses them by name instead. With `has_aux`, f returns (result, aux), and the new function
    ((result, aux), gradient). Raises TypeError if f does not return one number.
    """
    return ValueAndGrad(f, Choice(argnums, argnames, has_aux))


def grad(f: Function, argnums: Argnums = 0, has_aux: bool = False, *, argnames: Argnames = None) -> Function:
    """The gradient of f to the arguments at `argnums`, or at `argnames`.

    With `has_aux`, f returns (result, aux), and the new function (gradient, aux). Raises TypeError if f
    does not return one number.
    """
    return Grad(f, Choice(argnums, argnames, has_aux))


def jacobian(
    f: Function,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    argnames: Argnames = None,
    sparse: bool = False,
) -> Function:
    """All derivatives of all results, by one reverse sweep for each result.

    Returns the tree of the results with a tree of arguments in place of every number; arrays of
    shapes s and t give one array of shape s + t. `argnames` and `has_aux` are those of `grad`.

    With `sparse`, one `scipy.sparse.csr_array`: a row for each number of the results, a column for each of
    the arguments. A sweep visits only what its result depends on. Raises ImportError without SciPy.
    """
    if sparse:
        with_scipy()
        return SparseJacobian(f, Choice(argnums, argnames, has_aux))
    return Jacobian(f, Choice(argnums, argnames, has_aux))


def jacfwd(
    f: Function, argnums: Argnums = 0, has_aux: bool = False, *, argnames: Argnames = None
) -> Function:
    """The same as `jacobian`, by one forward sweep for each argument."""
    return ForwardJacobian(f, Choice(argnums, argnames, has_aux))


def matrix_tree(run: RecordedCall, choice: Choice, matrix: Sequence[Sequence[Any]]) -> Any:
    """A row per result, a column per input, as a tree of results of trees of arguments."""
    blocks = outer(run.results, run.arguments, matrix)
    return run.results.assemble([choice.pack(block) for block in blocks])


def with_scipy() -> None:
    """Raises ImportError, with the extra to install, if there is no SciPy."""
    try:
        import_module("scipy.sparse")
    except ImportError:
        raise ImportError("sparse=True needs SciPy: pip install 'chainrule[sparse]'") from None


def hessian(
    f: Function,
    argnums: Argnums = 0,
    has_aux: bool = False,
    *,
    argnames: Argnames = None,
    sparse: bool = False,
) -> Function:
    """The second derivatives of f, reverse over reverse. `argnames` and `has_aux` are those of `grad`,
    `sparse` is that of `jacobian`.
    """
    gradient = grad(f, argnums, has_aux, argnames=argnames)
    return jacobian(gradient, argnums, has_aux, argnames=argnames, sparse=sparse)


def as_arguments(x: Any) -> tuple[Any, ...]:
    """The arguments of a call: a tuple is several of them."""
    return x if type(x) is tuple else (x,)


def vjp(f: Function, *x: Any, has_aux: bool = False) -> Any:
    """f(*x), and the function from a cotangent of the result to the tuple of cotangents of x.

    With `has_aux`, f returns (result, aux), and aux comes third.
    """
    run = RecordedCall(f, x, range(len(x)), {}, has_aux)
    run.retire()

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        seeds = matching(run.results, cotangent, "a cotangent like the result of f")
        return tuple(run.arguments.build(run.pull_back(run.results.scalars, seeds)))

    return (run.values(), pullback, run.auxiliary()) if has_aux else (run.values(), pullback)


def jvp(f: Function, x: Any, v: Any, has_aux: bool = False) -> Any:
    """f(x), and its derivative in the direction v. Tuples x and v are several arguments: f(*x).

    With `has_aux`, f returns (result, aux), and aux comes third.
    """
    run = RecordedCall(f, as_arguments(x), range(len(as_arguments(x))), {}, has_aux)
    tangents = matching(run.arguments, list(as_arguments(v)), "a direction like x")
    seeds = [{} if sought(x) is None else {0: x} for x in tangents]
    derivative = run.results.build(run.push_forward(seeds, 1)[0])
    return (run.values(), derivative, run.auxiliary()) if has_aux else (run.values(), derivative)


def hvp(f: Function, x: Any, v: Any) -> Any:
    """The Hessian of f at x times v, without the Hessian: the gradient of the slope of f along v."""
    argnums = range(len(x)) if type(x) is tuple else 0
    gradient = grad(f, argnums)

    def along(*args: Any) -> Any:
        found = Tree(gradient(*args))
        pairs = zip(found.scalars, matching(found, v, "a direction like x"), strict=True)
        sought_for = [(x, y) for x, y in pairs if sought(y) is not None]
        return functions.dot(*zip(*sought_for, strict=True)) if sought_for else 0.0

    return grad(along, argnums)(*as_arguments(x))


def matching(tree: Tree, other: Any, what: str) -> list[Any]:
    """The scalars of `other`, which has to look like `tree`. Raises ValueError."""
    taken = Tree(other)
    if taken.form != tree.form:
        raise ValueError(
            f"{what} is needed, {tree.kind} of {len(tree.scalars)} numbers; got {taken.kind} of "
            f"{len(taken.scalars)}, or of another structure: {brief(other, 60)}"
        )
    return [as_plain(x) for x in taken.scalars]


def vmap(f: Function, in_axes: Any = 0, reduce: str | None = None, *, out_axes: Any = 0) -> Function:
    """f, over a batch: of every argument, one example after the other along its axis in `in_axes`.

    Arrays and lists have axes, tuples, dicts, dataclasses and modules are mapped inside, by a tree of axes
    if they have several; None broadcasts; keywords run along their first axes. `reduce` is None to stack the
    results along `out_axes`, "sum" or "mean" to combine them. Raises ValueError for an empty batch or axes
    of different length.
    """
    return Mapped(f, Batch(in_axes, reduce, out_axes).checked())


@final
class Mapped:
    """What `vmap` returns. `jit` knows it by its class: it traces one example and loops itself."""

    def __init__(self, f: Function, batch: Batch) -> None:
        update_wrapper(self, f, updated=())
        self.example = f
        self.batch = batch

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        return name_of(self) or (Mapped, (self.example, self.batch))

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        every = (*args, keywords) if keywords else args
        axes = [*self.batch.axes(len(args)), 0][: len(every)]
        count = batch_length(every, axes)
        columns = [examples(arg, axis, count) for arg, axis in zip(every, axes, strict=True)]
        rows = list(zip(*columns, strict=True))
        results = [self.example(*row[: len(args)], **(row[-1] if keywords else {})) for row in rows]
        return combined(results, self.batch, any(map(is_array, (*args, *keywords.values()))))


def combined(results: list[Any], batch: Batch, of_arrays: bool) -> Any:
    """The results of all examples: stacked (arrays, if an argument was one) or reduced."""
    trees = [Tree(result) for result in results]
    first = trees[0]
    if any(tree.form != first.form for tree in trees):
        raise ValueError("vmap needs results of one structure from all examples, got different ones")
    columns = list(zip(*(tree.scalars for tree in trees), strict=True))
    if batch.reduce is not None:
        combine = functions.sum if batch.reduce == "sum" else functions.mean
        return first.build([combine(column) for column in columns])
    in_front = is_axis(batch.out_axes, 0)
    if in_front and not of_arrays and all(piece.shape is None for piece in first.pieces):
        return first.assemble([list(column) for column in columns])
    rows = [[as_plain(x) for x in tree.scalars] for tree in trees]
    stacked = first.build_columns(rows, (len(results),))
    return stacked if in_front else placed(Tree(stacked), results[0], batch.out_axes)
