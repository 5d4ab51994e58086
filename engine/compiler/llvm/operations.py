"""Rows of the table as instructions, or as calls of their kernels."""

from __future__ import annotations

from collections.abc import Sequence

from engine.compiler.kernels.definition import is_atom, kernel_of
from engine.compiler.llvm.code import Code, Shape
from engine.compiler.llvm.kernels import atom_name, kernel_name
from engine.compiler.llvm.rows import ROWS, Slots
from engine.primitive import Primitive


class Operations:
    """A function that is being written, on slots of one shape; kernels compute with doubles."""

    def __init__(self, shape: Shape, fast: bool) -> None:
        self.shape = shape
        self.kernel_shape = Shape(shape.lanes)
        self.code = Code()
        self.slots = Slots(self.code, shape, fast)

    def applied(self, primitive: Primitive, names: Sequence[str]) -> str:
        """A row of operands in registers."""
        if primitive.key in ROWS:
            return ROWS[primitive.key](self.slots, names)
        if primitive.gradient is not None:
            return self.listed(primitive, names)
        kind = self.kernel_shape.type
        return self.called(primitive, [f"{kind} {self.widened(name)}" for name in names])

    def mask(self, group: str) -> str:
        """The lanes of a group that hold an example: all of them, but those of the tail in the last one."""
        lanes, code = self.shape.lanes, self.code
        last = code.let(f"icmp eq i64 {code.let(f'add i64 {group}, 1')}, %groups")
        bits = code.let(f"select i1 {last}, i{lanes} %tail, i{lanes} -1")
        return code.let(f"bitcast i{lanes} {bits} to {self.shape.of('i1')}")

    # Sums over examples; of places of the function's own memory LLVM makes registers

    def value(self, place: str) -> str:
        return self.code.let(f"load {self.shape.type}, ptr {place}")

    def set(self, place: str, x: str) -> None:
        self.code.do(f"store {self.shape.type} {x}, ptr {place}")

    def begun(self, wheres: Sequence[str]) -> list[str]:
        """Places for sums that go on from where they stand in memory, or from 0 in the first block."""
        places = [self.code.reserve(self.shape.type) for _ in wheres]
        for is_first in self.code.arms("%fresh", True, False):
            for place, where in zip(places, wheres, strict=True):
                self.set(place, self.shape.constant(0.0) if is_first else self.value(where))
        return places

    def add(self, place: str, x: str, mask: str) -> None:
        """A term, in the lanes of a mask."""
        before = self.value(place)
        after = self.code.let(f"fadd {self.shape.type} {before}, {x}")
        self.set(place, self.slots.select(mask, after, before))

    def end(self, places: Sequence[str], wheres: Sequence[str], totals: Sequence[str]) -> None:
        """Puts sums back into memory, or in the last block their totals."""
        for is_last in self.code.arms("%final", True, False):
            if is_last:
                self.add_lanes(places, totals)
            else:
                for place, where in zip(places, wheres, strict=True):
                    self.set(where, self.value(place))

    def add_lanes(self, places: Sequence[str], totals: Sequence[str]) -> None:
        """The lanes of each sum added, as numbers."""
        code, shape, lanes = self.code, self.shape, self.shape.lanes
        for at in range(0, len(places), lanes):
            group = [self.value(place) for place in places[at : at + lanes]]
            result = halved(code, shape, group + [shape.constant(0.0)] * (lanes - len(group)))
            for k, total in enumerate(totals[at : at + lanes]):
                x = code.let(f"extractelement {shape.type} {result}, i64 {k}")
                code.do(f"store {shape.number} {x}, ptr {total}")

    # Rows

    def called(self, primitive: Primitive, arguments: Sequence[str]) -> str:
        shape = self.kernel_shape
        if is_atom(primitive.value):
            name = atom_name(primitive.value.__name__, shape)
            return self.narrowed(self.code.call(shape.type, name, arguments))
        if shape.lanes:
            arguments = [f"{shape.of('i1')} {shape.all('i1', 'true')}", *arguments]
        name = kernel_name(kernel_of(primitive.value), shape)
        return self.narrowed(self.code.call(shape.type, name, arguments))

    def listed(self, primitive: Primitive, names: Sequence[str]) -> str:
        """A kernel of a list: its operands side by side in memory."""
        array = self.array(len(names))
        for k, name in enumerate(names):
            self.put(array, k, name)
        return self.called(primitive, [f"ptr {array}", f"i64 {len(names)}"])

    def array(self, length: int) -> str:
        """Memory for the operands of a kernel."""
        return self.code.reserve(f"{self.kernel_shape.type}, i64 {length}")

    def put(self, array: str, index: str | int, x: str) -> None:
        kind = self.kernel_shape.type
        self.code.do(f"store {kind} {self.widened(x)}, ptr {self.code.address(array, index, kind)}, align 8")

    def widened(self, name: str) -> str:
        """A float32 as the double that kernels compute with."""
        if self.shape.number == "double":
            return name
        return self.code.let(f"fpext {self.shape.type} {name} to {self.kernel_shape.type}")

    def narrowed(self, name: str) -> str:
        if self.shape.number == "double":
            return name
        return self.code.let(f"fptrunc {self.kernel_shape.type} {name} to {self.shape.type}")


def halved(code: Code, shape: Shape, xs: Sequence[str]) -> str:
    """The sums of the lanes of as many vectors as they have lanes, as one vector.

    In each, the upper half is added to the lower one until one number is left. Two vectors that are half
    done fit into one: so there are half as many of them after every step.
    """
    width = shape.lanes
    while width > 1:
        half = width // 2
        first = [i for i in range(2 * shape.lanes) if i % width < half]
        pairs = zip(xs[::2], xs[1::2], strict=True)
        xs = [added(code, shape, a, b, first, [i + half for i in first]) for a, b in pairs]
        width = half
    return xs[0]


def added(code: Code, shape: Shape, a: str, b: str, low: Sequence[int], high: Sequence[int]) -> str:
    """Some lanes of two vectors plus others."""
    x, y = code.shuffled(shape, a, b, low), code.shuffled(shape, a, b, high)
    return code.let(f"fadd {shape.type} {x}, {y}")


def transposed(code: Code, shape: Shape, rows: Sequence[str]) -> list[str]:
    """The columns of as many vectors as they have lanes: rows so far apart exchange every second block."""
    lanes, width, found = shape.lanes, 1, list(rows)
    while width < lanes:
        low = [k if not k & width else lanes + k - width for k in range(lanes)]
        high = [k + width if not k & width else lanes + k for k in range(lanes)]
        for k in [k for k in range(lanes) if not k & width]:
            a, b = found[k], found[k + width]
            found[k], found[k + width] = code.shuffled(shape, a, b, low), code.shuffled(shape, a, b, high)
        width *= 2
    return found
