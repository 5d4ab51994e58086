"""Functions to functions: derivatives of ordinary Python functions of numbers, in JAX's grammar.

Arguments and results may be numbers, Values, NumPy arrays and nested tuples, lists, dicts and
modules of these. Numbers in, numbers out; Values in, Values out, which stay connected. A transform
records a graph of its own: it never reads or writes `grad`, and works inside `no_grad`.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, update_wrapper
from operator import index
from types import MethodType
from typing import Any, Final, final

from engine import functions
from engine.batch import Batch, batch_length, examples
from engine.modes import LOCK, STATE, recording, sweeping
from engine.node import CONSTANT, INPUT, LINK, Node
from engine.primitive import Traceable, as_float
from engine.primitives import identity
from engine.sweep import dependents, pull, push, reverse, sever, topological_order
from engine.trees import Tree, is_array, outer
from engine.value import Value, constant

Function = Callable[..., Any]
Argnums = int | Sequence[int]


# The epochs in which the calls that are recorded now began, in all threads. A node that was made before the
# first of them depends on the variables of none.
RUNNING: Final[set[int]] = set()


class RecordedCall:
    """One recorded call f(*args): the graph between the scalars of some arguments and its results.

    `on_nodes`: the derivatives are nodes, because an argument is one or because an enclosing
    transform differentiates what they depend on. Otherwise they are floats.
    """

    def __init__(self, f: Function, args: Sequence[Any], positions: Sequence[int], keywords: Any) -> None:
        self.order: list[Node] = []
        for i in positions:
            if not -len(args) <= i < len(args):
                raise TypeError(f"argnums asks for argument {i}, but the call has {len(args)} of them")
        self.arguments = Tree([args[i] for i in positions])
        with LOCK:
            STATE.epoch += 1
            self.began = STATE.epoch
            RUNNING.add(self.began)
        self.inputs = [new_input(x) for x in self.arguments.scalars]
        call = list(args)
        for i, renewed in zip(positions, self.arguments.build(self.inputs), strict=True):
            call[i] = renewed
        self.connected = any(isinstance(x, Traceable) for x in self.arguments.scalars)
        try:
            with recording():
                self.results = Tree(f(*call, **keywords))
            with sweeping():
                self.since = min(RUNNING)
                roots = [y for y in self.results.scalars if isinstance(y, Node)]
                self.order = topological_order(roots, self.inputs, self.since)
            # An input that is not ours belongs to a transform around this one, which differentiates us too.
            others = self.order[len(self.inputs) :]
            self.on_nodes = self.connected or any(node.is_input for node in others)
        except BaseException:  # its traceback may keep us alive
            self.retire()
            raise

    def retire(self) -> None:
        """Once f has returned, no enclosing transform shall take these inputs for its variables."""
        RUNNING.discard(self.began)
        for x in self.inputs:
            if x.primitive is LINK:
                x.primitive = identity
            elif x.primitive is INPUT:
                x.primitive = CONSTANT

    def __del__(self) -> None:
        """Nobody asks for a derivative any more: what f has left to others is a number, and keeps nothing."""
        if self.order:
            self.retire()
            with suppress(RuntimeError), sweeping():  # in the middle of a sweep they are left as they are
                sever(self.order)

    @cached_property
    def active(self) -> set[int]:
        """The ids of what depends on the inputs."""
        return dependents(self.order, map(id, self.inputs))

    def scalar(self, transform: str) -> Any:
        """The result, if it is one number. Raises TypeError otherwise."""
        if not self.results.is_scalar:
            kind, count = self.results.kind, len(self.results.scalars)
            what = "None: is there a return?" if kind == "NoneType" else f"{kind} of {count}: see jacobian"
            raise TypeError(f"{transform} needs a function that returns one number, got {what}")
        return as_plain(self.results.scalars[0])

    def values(self) -> Any:
        """The results: as nodes, or as numbers."""
        return self.results.build([self.plain(y) for y in self.results.scalars])

    def plain(self, y: Any) -> Any:
        """A number where only numbers came in, a node where nodes did."""
        if not self.on_nodes:
            return y.item() if isinstance(y, Node) else as_float(y)
        return constant(y) if self.connected and not isinstance(y, Traceable) else y

    def gradient(self, y: Any) -> list[Any]:
        """d(y)/d(input) for each input."""
        if self.on_nodes or not isinstance(y, Node):
            return self.pull_back([y], [1.0])
        for x in self.inputs:
            x.adjoint = 0.0  # the sweep does not come to an input that y does not depend on
        gradient: list[float] = reverse(y, 1.0, lambda order: [x.adjoint for x in self.inputs], self.since)
        return gradient

    def pull_back(self, outputs: Sequence[Any], seeds: Sequence[Any]) -> list[Any]:
        """sum of seed * d(output)/d(input), for each input."""
        sums: dict[int, Any] = {}
        for y, seed in zip(outputs, seeds, strict=True):
            if id(y) in self.active:
                sums[id(y)] = sums[id(y)] + seed if id(y) in sums else seed
        with recording():
            adjoints = pull(self.order, sums, self.active, self.on_nodes)
        return [self.plain(as_result(adjoints.get(id(x), 0.0))) for x in self.inputs]

    def push_forward(self, tangents: Sequence[Any]) -> list[Any]:
        """sum of d(output)/d(input) * tangent, for each output."""
        with recording():
            given = {id(x): t for x, t in zip(self.inputs, tangents, strict=True)}
            known = push(self.order, given, self.on_nodes)
        return [self.plain(as_result(known.get(id(y), 0.0))) for y in self.results.scalars]


def new_input(x: Any) -> Any:
    """What stands for an argument in the graph of a transform: a leaf for a number, a link for a node."""
    if isinstance(x, Traceable):
        with recording():  # also where the user has written no_grad around it all
            link = identity(x)
        if isinstance(link, Value):
            link.primitive = LINK
        return link
    leaf = Value(x)
    leaf.primitive = INPUT
    return leaf


def as_result(x: Any) -> Any:
    """A derivative as the sweep hands it over: no term will be added to it any more."""
    return x.as_result() if isinstance(x, Node) else x


def positions(argnums: Argnums) -> tuple[int, ...]:
    """argnums as a tuple. Raises TypeError for what is no integer."""
    return tuple(map(index, argnums if isinstance(argnums, Sequence) else (argnums,)))


def one_or_all(argnums: Argnums, gradients: Sequence[Any]) -> Any:
    """One gradient for an int, a tuple of them for several argnums."""
    return tuple(gradients) if isinstance(argnums, Sequence) else gradients[0]


class Transform(ABC):
    """A function made of another, called like it. It can be pickled if the other can, and by its own name
    if it took the place of the other, as a decorator does."""

    def __init__(self, f: Function, argnums: Argnums) -> None:
        update_wrapper(self, f, updated=())
        self.f = f
        self.argnums = argnums

    @abstractmethod
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        """What the function that made it promises."""

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:
        return name_of(self) or (type(self), (self.f, self.argnums))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {getattr(self.f, '__qualname__', self.f)}>"

    def run(self, args: Sequence[Any], keywords: Any) -> RecordedCall:
        return RecordedCall(self.f, args, positions(self.argnums), keywords)


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
        return run.plain(y), one_or_all(self.argnums, run.arguments.build(run.gradient(y)))


class Grad(ValueAndGrad):
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return super().__call__(*args, **keywords)[1]


class Jacobian(Transform):
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        run = self.run(args, keywords)
        return matrix_tree(run, self.argnums, [run.gradient(y) for y in run.results.scalars])


class ForwardJacobian(Transform):
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        run = self.run(args, keywords)
        count = len(run.inputs)
        matrix = [run.push_forward([float(i == j) for i in range(count)]) for j in range(count)]
        return matrix_tree(run, self.argnums, [list(row) for row in zip(*matrix, strict=True)])


def value_and_grad(f: Function, argnums: Argnums = 0) -> Function:
    """The function that returns f(*args) and its gradient to the arguments at `argnums`.

    Raises TypeError if f does not return one number.
    """
    return ValueAndGrad(f, argnums)


def grad(f: Function, argnums: Argnums = 0) -> Function:
    """The gradient of f to the arguments at `argnums`. Raises TypeError if f does not return one number."""
    return Grad(f, argnums)


def jacobian(f: Function, argnums: Argnums = 0) -> Function:
    """All derivatives of all results, by one reverse sweep for each result.

    Returns the tree of the results with a tree of arguments in place of every number; arrays of
    shapes s and t give one array of shape s + t.
    """
    return Jacobian(f, argnums)


def jacfwd(f: Function, argnums: Argnums = 0) -> Function:
    """The same as `jacobian`, by one forward sweep for each argument."""
    return ForwardJacobian(f, argnums)


def matrix_tree(run: RecordedCall, argnums: Argnums, matrix: Sequence[Sequence[Any]]) -> Any:
    """A row per result, a column per input, as a tree of results of trees of arguments."""
    blocks = outer(run.results, run.arguments, matrix)
    return run.results.assemble([one_or_all(argnums, block) for block in blocks])


def hessian(f: Function, argnums: Argnums = 0) -> Function:
    """The second derivatives of f, reverse over reverse."""
    return jacobian(grad(f, argnums), argnums)


def as_arguments(x: Any) -> tuple[Any, ...]:
    """The arguments of a call: a tuple is several of them."""
    return x if type(x) is tuple else (x,)


def vjp(f: Function, *x: Any) -> tuple[Any, Function]:
    """f(*x), and the function from a cotangent of the result to the tuple of cotangents of x."""
    run = RecordedCall(f, x, range(len(x)), {})
    run.retire()

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        seeds = matching(run.results, cotangent, "a cotangent like the result of f")
        return tuple(run.arguments.build(run.pull_back(run.results.scalars, seeds)))

    return run.values(), pullback


def jvp(f: Function, x: Any, v: Any) -> tuple[Any, Any]:
    """f(x), and its derivative in the direction v. Tuples x and v are several arguments: f(*x)."""
    run = RecordedCall(f, as_arguments(x), range(len(as_arguments(x))), {})
    tangents = matching(run.arguments, list(as_arguments(v)), "a direction like x")
    return run.values(), run.results.build(run.push_forward(tangents))


def hvp(f: Function, x: Any, v: Any) -> Any:
    """The Hessian of f at x times v, forward over reverse, without the Hessian."""
    argnums = range(len(x)) if type(x) is tuple else 0
    return jvp(grad(f, argnums), x, v)[1]


def matching(tree: Tree, other: Any, what: str) -> list[Any]:
    """The scalars of `other`, which has to look like `tree`. Raises ValueError."""
    taken = Tree(other)
    if taken.form != tree.form:
        raise ValueError(
            f"{what} is needed, {tree.kind} of {len(tree.scalars)} numbers; got {taken.kind} of "
            f"{len(taken.scalars)}, or of another structure: {other!r:.60}"
        )
    return [as_plain(x) for x in taken.scalars]


def vmap(f: Function, in_axes: Any = 0, reduce: str | None = None) -> Function:
    """f, over a batch: of every argument, one example after the other along its axis in `in_axes`.

    Arrays and lists have axes, tuples, dicts and modules are mapped inside; None broadcasts.
    `reduce` is None to stack the results, "sum" or "mean" to combine them. Raises ValueError for an
    empty batch or axes of different length.
    """
    return Mapped(f, Batch(in_axes, reduce).checked())


@final
class Mapped:
    """What `vmap` returns. `jit` knows it by its class: it traces one example and loops itself."""

    def __init__(self, f: Function, batch: Batch) -> None:
        update_wrapper(self, f, updated=())
        self.example = f
        self.batch = batch

    def __reduce__(self) -> Any:
        return name_of(self) or (Mapped, (self.example, self.batch))

    def __call__(self, *args: Any) -> Any:
        axes = self.batch.axes(len(args))
        count = batch_length(args, axes)
        columns = [examples(arg, axis, count) for arg, axis in zip(args, axes, strict=True)]
        results = [Tree(self.example(*example)) for example in zip(*columns, strict=True)]
        return combined(results, self.batch.reduce, args)


def combined(results: list[Tree], reduce: str | None, args: Sequence[Any]) -> Any:
    """The results of all examples: stacked (an array if an argument was one) or reduced."""
    first = results[0]
    if any(result.form != first.form for result in results):
        raise ValueError("vmap needs results of one structure from all examples, got different ones")
    columns = list(zip(*(result.scalars for result in results), strict=True))
    if reduce is not None:
        combine = functions.sum if reduce == "sum" else functions.mean
        return first.build([combine(column) for column in columns])
    if any(map(is_array, args)) or any(piece.shape is not None for piece in first.pieces):
        rows = [[as_plain(x) for x in result.scalars] for result in results]
        return first.build_columns(rows, (len(results),))
    return first.assemble([list(column) for column in columns])


def as_plain(x: Any) -> Any:
    return x if isinstance(x, Traceable) else as_float(x)
