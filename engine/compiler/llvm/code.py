"""Text of LLVM's assembly: what a number is, and a function that is written line by line."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from engine.compiler.kernels.definition import as_float32

PREDICATES: Final = {"<": "olt", "<=": "ole", ">": "ogt", ">=": "oge", "==": "oeq", "!=": "une"}


class Shape(NamedTuple):
    """What one slot of a tape holds: a number (lanes 0), or one number for each of so many examples."""

    lanes: int
    number: str = "double"

    def of(self, element: str) -> str:
        return f"<{self.lanes} x {element}>" if self.lanes else element

    @property
    def type(self) -> str:
        return self.of(self.number)

    @property
    def suffix(self) -> str:
        """How intrinsics are called for it: v8f64."""
        width = "f64" if self.number == "double" else "f32"
        return f"v{self.lanes}{width}" if self.lanes else width

    @property
    def size(self) -> int:
        """In bytes."""
        return (8 if self.number == "double" else 4) * (self.lanes or 1)

    def all(self, element: str, text: str) -> str:
        """A constant in every lane."""
        return f"<{', '.join([f'{element} {text}'] * self.lanes)}>" if self.lanes else text

    def constant(self, x: float) -> str:
        """A number, to the bit: hexadecimal, as LLVM wants its special values and exact ones."""
        if self.number == "float":
            x = as_float32(x)
        return self.all(self.number, f"0x{struct.unpack('<Q', struct.pack('<d', x))[0]:016X}")


class Code:
    """The body of a function: lines, and fresh names for results and labels."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0

    def name(self) -> str:
        self.count += 1
        return f"%t{self.count}"

    def do(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def let(self, text: str) -> str:
        """The name of the result of an instruction."""
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return name

    def label(self) -> str:
        self.count += 1
        return f"b{self.count}"

    def begin(self, label: str) -> None:
        self.lines.append(f"{label}:")

    def jump(self, label: str) -> None:
        self.do(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        self.do(f"br i1 {condition}, label %{yes}, label %{no}")

    def address(self, base: str, index: str | int, element: str = "i8") -> str:
        return self.let(f"getelementptr {element}, ptr {base}, i64 {index}")

    def splat(self, shape: Shape, x: str, element: str | None = None) -> str:
        """One number in all lanes."""
        if not shape.lanes:
            return x
        element = element or shape.number
        kind = shape.of(element)
        first = self.let(f"insertelement {kind} poison, {element} {x}, i64 0")
        return self.let(f"shufflevector {kind} {first}, {kind} poison, <{shape.lanes} x i32> zeroinitializer")

    def text(self) -> str:
        return "\n".join(self.lines)


class Loop(NamedTuple):
    """A counting loop that is being written."""

    at: str
    place: str
    step: int
    test: str
    done: str


def begin_loop(code: Code, start: str, stop: str, step: int = 1) -> Loop:
    place, test, body, done = code.name(), code.label(), code.label(), code.label()
    code.lines.insert(0, f"  {place} = alloca i64")
    code.do(f"store i64 {start}, ptr {place}")
    code.jump(test)
    code.begin(test)
    at = code.let(f"load i64, ptr {place}")
    code.branch(code.let(f"icmp slt i64 {at}, {stop}"), body, done)
    code.begin(body)
    return Loop(at, place, step, test, done)


def end_loop(code: Code, loop: Loop) -> None:
    following = code.let(f"add i64 {loop.at}, {loop.step}")
    code.do(f"store i64 {following}, ptr {loop.place}")
    code.jump(loop.test)
    code.begin(loop.done)
