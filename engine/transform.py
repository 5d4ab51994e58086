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
from inspect import signature
from operator import index
from types import MethodType
from typing import Any, Final, NamedTuple, final

from engine import functions
from engine.batch import Batch, batch_length, examples, is_axis, placed
from engine.modes import LOCK, STATE, recording, sweeping
from engine.node import CONSTANT, INPUT, LINK, Node
from engine.primitive import Traceable, as_float
from engine.primitives import identity
from engine.sweep import dependents, pull, push, reverse, sever, topological_order
from engine.trees import Tree, is_array, outer, with_nodes
from engine.value import Value, constant

Function = Callable[..., Any]
Argnums = int | Sequence[int]
Argnames = str | Sequence[str] | None


# The epochs in which the calls that are recorded now began, in all threads. A node that was made before the
# first of them depends on the variables of none.
RUNNING: Final[set[int]] = set()


class RecordedCall:
    """One recorded call f(*args): the graph between the scalars of some arguments and its results.

    `on_nodes`: the derivatives are nodes, because an argument is one or because an enclosing
    transform differentiates what they depend on. Otherwise they are floats.
    """

    def __init__(
        self,
        f: Function,
        args: Sequence[Any],
        chosen: Sequence[int | str],
        keywords: dict[str, Any],
        has_aux: bool = False,
    ) -> None:
        self.order: list[Node] = []
        call: dict[Any, Any] = {**dict(enumerate(args)), **keywords}
        self.arguments = Tree([call[key] for key in chosen])
        with LOCK:
            STATE.epoch += 1
            self.began = STATE.epoch
            RUNNING.add(self.began)
        self.inputs: list[Any] = []
        self.connected = any(isinstance(x, Traceable) for x in self.arguments.scalars)
        try:
            self.inputs += map(new_input, self.arguments.scalars)
            call.update(zip(chosen, self.arguments.build(self.inputs), strict=True))
            with recording():
                result = f(*[call.pop(i) for i in range(len(args))], **call)
            result, aux = split_pair(result) if has_aux else (result, None)
            self.results, self.aux = Tree(result), aux
            with sweeping():
                self.since = min(RUNNING)
                found = (*self.results.scalars, *Tree(self.aux).scalars)
                roots = [y for y in found if isinstance(y, Node)]
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

    def auxiliary(self) -> Any:
        """What f has returned beside its results: whatever it is, but no variable of ours is left in it."""
        return with_nodes(self.aux, lambda x: self.plain(x) if isinstance(x, Node) else x)

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


def split_pair(result: Any) -> tuple[Any, Any]:
    """A result and what stands beside it. Raises TypeError if there is nothing."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(f"has_aux needs a function that returns a pair (result, aux), got {result!r:.60}")
    return result


class Choice(NamedTuple):
    """Which arguments a transform differentiates, and whether f returns something beside its result."""

    argnums: Argnums
    argnames: Argnames
    has_aux: bool

    def keys(self, f: Function, args: Sequence[Any], keywords: dict[str, Any]) -> list[int | str]:
        """Where they stand in a call, as a position or a keyword.

        Raises TypeError if one is not there, ValueError if one is asked for twice.
        """
        if self.argnames is not None:
            names = (self.argnames,) if isinstance(self.argnames, str) else self.argnames
            keys = [key_of_name(f, name, args, keywords) for name in names]
        else:
            argnums = self.argnums if isinstance(self.argnums, Sequence) else (self.argnums,)
            keys = [key_of_number(f, index(i), args, keywords) for i in argnums]
        if len(set(keys)) != len(keys):
            asked = self.argnums if self.argnames is None else self.argnames
            raise ValueError(f"an argument is asked for twice: {asked!r:.60}")
        return keys

    @property
    def has_one(self) -> bool:
        return isinstance(self.argnums, int) if self.argnames is None else isinstance(self.argnames, str)

    def pack(self, derivatives: Sequence[Any]) -> Any:
        """One derivative for one argument, a tuple of them for several."""
        return derivatives[0] if self.has_one else tuple(derivatives)


def key_of_number(f: Function, i: int, args: Sequence[Any], keywords: dict[str, Any]) -> int | str:
    if -len(args) <= i < len(args):
        return i % len(args)
    name = parameters(f)[i : i + 1] if i >= 0 else []
    if name and name[0] in keywords:
        return name[0]
    given = f" by position, and {', '.join(keywords)}" if keywords else " of them"
    raise TypeError(f"argnums asks for argument {i}, but the call has {len(args)}{given}")


def key_of_name(f: Function, name: str, args: Sequence[Any], keywords: dict[str, Any]) -> int | str:
    if name in keywords:
        return name
    names = parameters(f)[: len(args)]
    if name not in names:
        given = ", ".join([*names, *keywords]) or "none by name"
        raise TypeError(f"argnames asks for {name!r}, but the call has {given}: defaults are constants")
    return names.index(name)


def parameters(f: Function) -> list[str]:
    """The names of what may be given by position, as far as they are known."""
    try:
        known = signature(f).parameters.values()
    except (TypeError, ValueError):  # a builtin
        return []
    return [p.name for p in known if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


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


class ForwardJacobian(Transform):
    def __call__(self, *args: Any, **keywords: Any) -> Any:
        run = self.run(args, keywords)
        count = len(run.inputs)
        columns = [run.push_forward([float(i == j) for i in range(count)]) for j in range(count)]
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
    f: Function, argnums: Argnums = 0, has_aux: bool = False, *, argnames: Argnames = None
) -> Function:
    """All derivatives of all results, by one reverse sweep for each result.

    Returns the tree of the results with a tree of arguments in place of every number; arrays of
    shapes s and t give one array of shape s + t. `argnames` and `has_aux` are those of `grad`.
    """
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


def hessian(
    f: Function, argnums: Argnums = 0, has_aux: bool = False, *, argnames: Argnames = None
) -> Function:
    """The second derivatives of f, reverse over reverse. `argnames` and `has_aux` are those of `grad`."""
    gradient = grad(f, argnums, has_aux, argnames=argnames)
    return jacobian(gradient, argnums, has_aux, argnames=argnames)


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
    derivative = run.results.build(run.push_forward(tangents))
    return (run.values(), derivative, run.auxiliary()) if has_aux else (run.values(), derivative)


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


def as_plain(x: Any) -> Any:
    return x if isinstance(x, Traceable) else as_float(x)
