"""One call of a function that is transformed: the graph between its arguments and its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from engine.forward import Tangents, push
from engine.modes import LOCK, STATE, recording, sweeping
from engine.node import CONSTANT, INPUT, LINK, Node
from engine.order import NOWHERE, Places, dependents, sever, topological_order
from engine.primitive import Traceable, as_float
from engine.primitives import identity
from engine.sweep import pull, reverse
from engine.text import brief
from engine.trees import Tree, with_nodes
from engine.value import Value, constant

Function = Callable[..., Any]

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
        self.dependents: Places | None = None
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
                found = [*self.results.scalars, *(Tree(aux).scalars if has_aux else ())]
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
        # Nobody asks for a derivative any more: what f has left to others is a number, and keeps nothing.
        if self.order:
            self.retire()
            with suppress(RuntimeError), sweeping():  # in the middle of a sweep they are left as they are
                sever(self.order)

    @property
    def active(self) -> Places:
        """What depends on the inputs."""
        if self.dependents is None:
            self.dependents = dependents(self.order, map(id, self.inputs))
        return self.dependents

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

    def reached(self, y: Any) -> list[tuple[int, Any]]:
        """The inputs that y depends on, by place, each with d(y)/d(input); a sweep over nothing else."""
        if id(y) not in self.active:
            return []
        if not self.on_nodes:
            return reverse(y, 1.0, self.adjoints_by_place, self.since)  # type: ignore[no-any-return]
        with recording():
            adjoints = pull(self.order, {id(y): 1.0}, self.active, on_nodes=True)
        count = len(self.inputs)  # they come first in the order
        found = [(self.active[key], x) for key, x in adjoints.items() if self.active[key] < count]
        return [(place, self.plain(as_result(x))) for place, x in sorted(found, key=lambda pair: pair[0])]

    def adjoints_by_place(self, order: list[Node]) -> list[tuple[int, float]]:
        inputs = [x for x in order if x.is_input and id(x) in self.active]
        return sorted((self.active[id(x)], x.adjoint) for x in inputs)

    def pull_back(self, outputs: Sequence[Any], seeds: Sequence[Any]) -> list[Any]:
        """sum of seed * d(output)/d(input), for each input."""
        sums: dict[int, Any] = {}
        for y, seed in zip(outputs, seeds, strict=True):
            if id(y) in self.active and sought(seed) is not None:
                sums[id(y)] = sums[id(y)] + seed if id(y) in sums else seed
        with recording():
            adjoints = pull(self.order, sums, self.active, self.on_nodes)
        return [self.plain(as_result(adjoints.get(id(x), 0.0))) for x in self.inputs]

    def push_forward(self, seeds: Sequence[Tangents], count: int) -> list[list[Any]]:
        """The derivatives of all results in each of `count` directions, from those of the inputs."""
        places = [self.active.get(id(y), NOWHERE) for y in self.results.scalars]
        kept = [place for place in places if place != NOWHERE]
        with recording():
            found = push(self.order, self.active, seeds, kept, self.on_nodes)
        as_nodes = self.on_nodes or any(isinstance(x, Traceable) for seed in seeds for x in seed.values())
        rows = [found[place] if place != NOWHERE else {} for place in places]
        columns = [[row.get(direction, 0.0) for row in rows] for direction in range(count)]
        return [[self.plain(as_result(x)) for x in column] for column in columns] if as_nodes else columns


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


def sought(x: Any) -> Any:
    """A tangent or cotangent of a user; a plain 0 does not ask for the derivative."""
    return None if isinstance(x, float) and x == 0.0 else x


def as_result(x: Any) -> Any:
    """A derivative as the sweep hands it over: no term will be added to it any more."""
    return x.as_result() if isinstance(x, Node) else x


def split_pair(result: Any) -> tuple[Any, Any]:
    """A result and what stands beside it. Raises TypeError if there is nothing."""
    if not isinstance(result, tuple) or len(result) != 2:
        raise TypeError(
            f"has_aux needs a function that returns a pair (result, aux), got {brief(result, 60)}"
        )
    return result


def as_plain(x: Any) -> Any:
    return x if isinstance(x, Traceable) else as_float(x)
