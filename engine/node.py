"""A vertex of the expression graph: a primitive applied to operands."""

from __future__ import annotations

from typing import Any, Final, final

from engine.modes import STATE
from engine.operators import Operators
from engine.primitive import Primitive, as_float
from engine.primitives.arithmetic import identity
from engine.text import brief


def no_value() -> float:
    raise TypeError("a leaf has a number of its own: nothing computes it")


# Kinds of leaf. No operation made them, but one slot tells all kinds of node apart; readers of a graph
# ask the properties of a node (`is_constant`, ...).
LEAF: Final = Primitive("", no_value)  # a variable
CONSTANT: Final = Primitive("", no_value)  # a plain number in an expression: takes no gradient
INPUT: Final = Primitive("", no_value)  # a variable that a running transform made for itself
LINK: Final = Primitive(  # the same for an argument that is a node: it stays connected
    "identity", identity.value, *identity.partials, python="{0}", latex="{0}"
)


@final
class Note:
    """What only some nodes carry: a label, and the line of source that made them."""

    __slots__ = ("label", "source")

    def __init__(self, label: object = "", source: str = "") -> None:
        if not isinstance(label, str):
            raise TypeError(f"a label is a str, got {type(label).__name__} {brief(label)}")
        self.label = label
        self.source = source


def as_label(label: object, micrograd: tuple[object, ...]) -> object:
    """The label of `Value(data, label)`, and of what micrograd writes: `Value(data, (), op, label)`.

    Raises TypeError for a node that is made by hand.
    """
    if isinstance(label, str) and not micrograd:
        return label
    if label != () or len(micrograd) > 2:
        shown = (label, *micrograd) if micrograd else label
        raise TypeError(
            f"Value takes a number and a label, a str; got {type(label).__name__} {brief(shown)}: parents "
            f"come from computing with Values, operations of your own from engine.custom"
        )
    return micrograd[-1]


class Node(Operators):
    """A primitive together with its operands: the closure of a local gradient.

    `epoch` is when its data was made; an operand of a later epoch is stale. `adjoint` and `mark`
    belong to the sweep that is running, under the lock of `engine.modes`.
    """

    # Nearly all nodes have one or two operands, in `left` and `right`: a tuple for each would take 40 %
    # more time. Only an n-ary node has its operands in a tuple, on the right; then nothing is on the left.
    __slots__ = ("primitive", "left", "right", "note", "_data", "_grad", "adjoint", "mark", "epoch")

    def __init__(self, data: object, label: object = "", *micrograd: object) -> None:
        self.primitive = LEAF
        self.left: Node | None = None
        self.right: Node | tuple[Node, ...] | None = None
        self.note = Note(as_label(label, micrograd)) if label or micrograd else None
        self._data = data if type(data) is float else as_float(data)
        self._grad = 0.0
        self.adjoint = 0.0
        self.mark = 0
        self.epoch = STATE.epoch

    @property
    def grad(self) -> float:
        """d(root)/d(self) of the last backward pass; 0.0 before."""
        return self._grad

    @grad.setter
    def grad(self, grad: object) -> None:
        if grad is None:
            raise TypeError("grad is a number, got None: set it to 0.0, or call zero_grad()")
        self._grad = as_float(grad)

    @property
    def parents(self) -> tuple[Node, ...]:
        """The operands in argument order, repeats kept."""
        right = self.right
        if self.left is None:
            return right if isinstance(right, tuple) else ()
        return (self.left, right) if isinstance(right, Node) else (self.left,)

    @property
    def is_leaf(self) -> bool:
        """Whether it has no operands."""
        return self.left is None and self.right is None

    @property
    def is_nary(self) -> bool:
        """Whether it has its operands in a list, as `sum` and `dot` have."""
        return isinstance(self.right, tuple)

    @property
    def is_symbol(self) -> bool:
        """Whether its number is not known yet."""
        return False

    @property
    def is_constant(self) -> bool:
        """Whether it is a plain number in an expression, which takes no gradient."""
        return self.primitive is CONSTANT

    @property
    def is_variable(self) -> bool:
        """Whether it is a leaf that takes a gradient."""
        return self.is_leaf and not self.is_constant

    @property
    def is_input(self) -> bool:
        """Whether it stands for an argument of a function that is being transformed."""
        return self.primitive is INPUT or self.primitive is LINK

    @property
    def op(self) -> str:
        """The name of the primitive, "" for a leaf."""
        return self.primitive.name

    def through(self, node: Node, i: int, x: Any, local: Any, condition: Any) -> Any:
        """What passes, of a derivative x, between a node and its operand i: x times the local one. This node
        is one of the two; `condition` is for symbols.
        """
        return times(x, local)

    def as_result(self) -> Node:
        """What a finished sweep hands over in place of this derivative."""
        return self

    @property
    def label(self) -> str:
        """The name used in drawings, explanations and error messages."""
        return self.note.label if self.note is not None else ""

    @label.setter
    def label(self, label: str) -> None:
        self.note = Note(label, self.source)

    @property
    def source(self) -> str:
        """Under `engine.debug()`, file, line and text of the user's source that made the node."""
        return self.note.source if self.note is not None else ""


def times(x: Any, y: Any) -> Any:
    """x * y, without a node for a factor of one: exact, and it keeps derivative graphs short."""
    if isinstance(x, float) and x == 1.0:
        return y
    if isinstance(y, float) and y in (1.0, -1.0):
        return x if y == 1.0 else -x
    return x * y
