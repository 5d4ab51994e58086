"""`Value`: a number that remembers how it was computed, and all that a user can do with it."""

from __future__ import annotations

from typing import Any, cast, final

from engine.arrays import elementwise
from engine.collector import enlist, leave_out
from engine.copying import Columns, columns, deep_copy, fill
from engine.edges import local_gradient
from engine.functions import where
from engine.micrograd import Micrograd
from engine.modes import DEBUGGING, LOCK, RECORDING, STATE, setting, sweeping
from engine.node import CONSTANT, LEAF, Node, Note
from engine.operators import binary, unlike
from engine.order import topological_order
from engine.primitive import Primitive, Traceable, as_float, is_number
from engine.primitives.activations import relu
from engine.primitives.arithmetic import add, mul, neg, sub
from engine.primitives.nary import dot
from engine.source import user_line
from engine.sweep import recompute, reverse
from engine.trees import NUMBERS, is_array


@final
class Value(Micrograd):
    """A number and how it was computed; `backward()` tells how it changes with every leaf.

    >>> x, y = Value(2.0), Value(3.0)
    >>> z = x * y + x
    >>> z.backward()
    >>> z.data, x.grad, y.grad
    (8.0, 4.0, 2.0)

    `data` is an IEEE double. Raises TypeError for what is no real number.

    Nothing recurses, however deep a graph is, but on CPython 3.13 a graph 10,000 deep is let go of only by a
    thread with a stack of 1 MB, as threads have unless `threading.stack_size` or the system gives them less.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        raise TypeError("Value is final: hold one in an attribute of your class instead of subclassing it")

    # What it holds

    @property
    def data(self) -> float:
        """The number. Assigning it on a leaf makes graphs computed from the old number stale."""
        return self._data

    @data.setter
    def data(self, data: object) -> None:
        if not self.is_leaf:
            raise AttributeError(
                f"data of a computed node ({self.op}) follows from its operands: "
                f"assign the data of a leaf and call forward() on the root"
            )
        number = as_float(data)
        with LOCK:
            STATE.epoch += 1
            self.epoch = STATE.epoch
            self._data = number

    def item(self) -> float:
        """The number, without its history."""
        return self._data

    def detach(self) -> Value:
        """A new leaf with the same data."""
        return Value(self._data)

    # The chain rule

    def local_gradient(self) -> tuple[float, ...]:
        """The partial derivative to each parent."""
        return tuple(0.0 if partial is None else partial for partial in local_gradient(self))

    def backward(self, seed: object = 1.0) -> None:
        """Reverse sweep: adds seed * d(self)/d(leaf) to the grad of every leaf; the grads of inner
        nodes are those of this pass. If anything raises, every grad is as it was.

        Raises StaleGraphError if a leaf was given new data since the graph was computed.
        """
        reverse(self, as_float(seed), commit)

    def zero_grad(self) -> None:
        """Sets grad to 0.0 on every node below this one, and here."""
        with sweeping():
            for node in topological_order([self]):
                node._grad = 0.0

    def forward(self) -> float:
        """Recomputes the graph, in place, from the present data of its leaves; returns the data."""
        recompute(self)
        return self._data

    # How it is recorded

    def record(self, primitive: Primitive, operands: tuple[object, ...]) -> Any:
        for operand in operands:
            if not isinstance(operand, Value):
                return record_mixed(primitive, operands)
        parents = cast(tuple[Value, ...], operands)
        if primitive is dot:  # a neuron of `nn`: most operands of most graphs
            return record_node(scalar_product(parents), dot, None, parents)
        data = primitive.evaluate([parent._data for parent in parents])
        if len(parents) > 2 or primitive.gradient is not None:
            return record_node(data, primitive, None, parents)
        return record_node(data, primitive, parents[0], parents[1] if len(parents) == 2 else None)

    def select(self, a: object, b: object) -> Any:
        return where(self._data != 0.0, a, b)

    # The operators that nearly all nodes come from, without the detour over the table. Their formulas stand
    # here a second time; a test holds them to the rows.

    def __add__(self, other: object) -> Any:
        y = as_operand(other)
        return binary(add, self, other) if y is None else record_node(self._data + y._data, add, self, y)

    def __radd__(self, other: object) -> Any:
        x = as_operand(other)
        return binary(add, other, self) if x is None else record_node(x._data + self._data, add, x, self)

    def __sub__(self, other: object) -> Any:
        y = as_operand(other)
        return binary(sub, self, other) if y is None else record_node(self._data - y._data, sub, self, y)

    def __rsub__(self, other: object) -> Any:
        x = as_operand(other)
        return binary(sub, other, self) if x is None else record_node(x._data - self._data, sub, x, self)

    def __mul__(self, other: object) -> Any:
        y = as_operand(other)
        return binary(mul, self, other) if y is None else record_node(self._data * y._data, mul, self, y)

    def __rmul__(self, other: object) -> Any:
        x = as_operand(other)
        return binary(mul, other, self) if x is None else record_node(x._data * self._data, mul, x, self)

    def __neg__(self) -> Any:
        return record_node(-self._data, neg, self, None)

    def relu(self) -> Any:
        x = self._data
        return record_node(0.0 if x <= 0.0 else x, relu, self, None)

    # Comparisons are of data and exact, as Python's: not of the doubles that numbers beside a Value become.
    # The hash is the node's own: sets and dicts hold nodes.

    def __lt__(self, other: object) -> Any:
        if isinstance(other, Value):
            return self._data < other._data
        x: Any = self._data  # NumPy's answers are no bools
        return bool(x < other) if is_number(other) else unlike(other)

    def __le__(self, other: object) -> Any:
        if isinstance(other, Value):
            return self._data <= other._data
        x: Any = self._data  # NumPy's answers are no bools
        return bool(x <= other) if is_number(other) else unlike(other)

    def __gt__(self, other: object) -> Any:
        if isinstance(other, Value):
            return self._data > other._data
        x: Any = self._data  # NumPy's answers are no bools
        return bool(x > other) if is_number(other) else unlike(other)

    def __ge__(self, other: object) -> Any:
        if isinstance(other, Value):
            return self._data >= other._data
        x: Any = self._data  # NumPy's answers are no bools
        return bool(x >= other) if is_number(other) else unlike(other)

    def __eq__(self, other: object) -> Any:
        if not isinstance(other, Value) and not is_number(other):
            return NotImplemented
        x: Any = self._data
        return bool(x == (other._data if isinstance(other, Value) else other))

    def __ne__(self, other: object) -> Any:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __hash__(self) -> int:
        return object.__hash__(self)

    def __bool__(self) -> bool:
        return self._data != 0.0

    # Words and copies

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={self._data!r}, grad={self._grad!r}{label})"

    def __format__(self, spec: str) -> str:
        return format(self._data, spec) if spec else repr(self)

    def __copy__(self) -> Value:
        twin = Value(self._data, self.label)
        twin.primitive, twin.left, twin.right = self.primitive, self.left, self.right
        twin._grad, twin.epoch = self._grad, self.epoch
        if self.note is not None:
            twin.note = Note(self.note.label, self.note.source)
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return cast(Value, deep_copy(self, memo))

    def __reduce__(self) -> Any:
        # A leaf for itself, so that roots pickled together share theirs; a graph flat, for pickle recurses.
        if self.primitive is LEAF:
            return leaf, (self._data, self._grad, self.label, self.epoch)
        return graph, (columns(self),)


def record_node(
    data: float, primitive: Primitive, left: Node | None, right: Node | tuple[Node, ...] | None
) -> Value:
    """The node of a primitive applied to operands: every node but a leaf is made here."""
    node = Value(data)
    if STATE.modes:  # somebody, somewhere, is in a `with` block: is it us?
        if not setting(RECORDING, True):
            return node
        if setting(DEBUGGING, False):
            node.note = Note("", user_line())
    node.primitive = primitive
    node.left = left
    node.right = right
    if left is None or STATE.foreign:
        enlist(node, primitive.foreign)
    return node


def record_mixed(primitive: Primitive, operands: tuple[object, ...]) -> Any:
    """What is recorded where plain numbers stand among the operands, or symbols."""
    for operand in operands:
        if isinstance(operand, Traceable):
            if not isinstance(operand, Value):
                return operand.record(primitive, operands)  # a symbol: it takes values as constants
        elif not isinstance(operand, (float, int)) and is_array(operand):
            return elementwise(primitive, operands)
    parents = [operand if isinstance(operand, Value) else constant(operand) for operand in operands]
    return parents[0].record(primitive, tuple(parents))


def scalar_product(operands: tuple[Value, ...]) -> float:
    """The kernel of `dot`, without a list of numbers."""
    half = len(operands) // 2
    result = 0.0
    for i in range(half):
        result += operands[i]._data * operands[half + i]._data
    return result


def constant(x: object) -> Value:
    """A plain number in an expression, as a leaf that takes no gradient."""
    node = Value(x)
    node.primitive = CONSTANT
    return node


def as_operand(other: object) -> Value | None:
    """What stands beside a Value in an expression, as a Value; None if it is neither that nor a number."""
    if isinstance(other, Value):
        return other
    return constant(other) if isinstance(other, (float, int)) or is_number(other) else None


def commit(order: list[Node]) -> None:
    """Makes the adjoints the gradients; Ctrl-C has to wait until all are."""
    try:
        for node in order:
            node._grad = node.adjoint
    except BaseException:  # KeyboardInterrupt, between two of them: once more from the start
        for node in order:
            node._grad = node.adjoint
        raise


def leaf(data: float, grad: float, label: str, epoch: int) -> Value:
    """A leaf out of its pickle."""
    node = Value(data, label)
    node._grad = grad
    node.epoch = epoch
    with LOCK:
        STATE.epoch = max(STATE.epoch, epoch)
    return node


def graph(pickled: Columns) -> Value:
    """A computed node, with its graph, out of its pickle."""
    return cast(Value, fill(pickled, lambda: Value(0.0)))


leave_out(Value)
NUMBERS.add(Value)
