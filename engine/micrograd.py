"""For programs written for micrograd: the names that they ask a node for, read-only.

`trace` and `draw_dot` of the lecture's notebook walk a graph by `_prev` and write `_op`; a sweep of one's own
calls `_backward()` on each node in turn. New programs ask for `parents`, `op`, `local_gradient()`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, NoReturn

from engine.edges import local_gradient
from engine.node import Node


def no_room(node: object, state: object = None) -> NoReturn:
    raise AttributeError(
        "a Value has no room for attributes of yours: keep them in a dict whose keys are Values, "
        "momentum[p] = 0.0 instead of p.momentum = 0.0, or see nn.optim"
    )


NO_ROOM: Final[Any] = property(no_room, no_room)


class Micrograd(Node):
    """A node, as micrograd shows it."""

    __slots__ = ()

    @property
    def _prev(self) -> set[Node]:
        """The parents, each once."""
        return set(self.parents)

    @_prev.setter
    def _prev(self, parents: object) -> None:
        raise closed("_prev")

    @property
    def _op(self) -> str:
        """micrograd's symbol of the operation: +, *, **2, ReLU; the name of any other, "" for a leaf."""
        if self.op == "pow" and self.parents[1].is_constant:
            return f"**{self.parents[1]._data:g}"
        python = self.primitive.python
        infix = python.removeprefix("{0} ").removesuffix(" {1}")
        return infix if infix != python else "ReLU" if self.op == "relu" else self.op

    @_op.setter
    def _op(self, op: object) -> None:
        raise closed("_op")

    @property
    def _backward(self) -> Callable[[], None]:
        """This node's step of the chain rule, to be called: adds to the grad of each parent."""
        return self.pass_on

    @_backward.setter
    def _backward(self, step: object) -> None:
        raise closed("_backward")

    def pass_on(self) -> None:
        for parent, local in zip(self.parents, local_gradient(self), strict=True):
            if local is not None and not parent.is_constant:
                parent._grad += self._grad * local

    # Where optimisers keep their state, in programs that people wrote.

    m: ClassVar[Any] = NO_ROOM
    v: ClassVar[Any] = NO_ROOM
    velocity: ClassVar[Any] = NO_ROOM
    momentum: ClassVar[Any] = NO_ROOM
    cache: ClassVar[Any] = NO_ROOM


def closed(name: str) -> AttributeError:
    return AttributeError(
        f"{name} follows from how a node was computed and cannot be assigned: for an operation of yours, "
        f"with a derivative of yours, use engine.custom(forward, local_gradient, name=...)"
    )
