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
