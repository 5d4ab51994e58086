"""Text of LLVM's assembly: what a number is, and a function that is written line by line."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeVar

from engine.compiler.kernels.definition import as_float32

T = TypeVar("T")
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
    def one(self) -> Shape:
        """Of a single number."""
        return Shape(0, self.number)

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


def constants(name: str, shape: Shape, numbers: Sequence[float]) -> str:
    """Numbers side by side, under a name."""
    texts = ", ".join(f"{shape.type} {shape.constant(x)}" for x in numbers)
    return f"@{name} = internal constant [{len(numbers)} x {shape.type}] [{texts}]"


class Function(NamedTuple):
    """The text of a function but for its linkage, and the declarations of all that it calls, by name."""

    name: str
    text: str
    calls: dict[str, str]


class Code:
    """The body of a function: lines, fresh names for results and labels, and the functions that it calls."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.count = 0
        self.calls: dict[str, str] = {}

    def function(
        self, result: str, name: str, parameters: Sequence[str], attributes: str = "nounwind"
    ) -> Function:
        text = f"{result} @{name}({', '.join(parameters)}) {attributes} {{\n{self.text()}\n}}"
        return Function(name, text, self.calls)

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

    def call(self, result: str, name: str, arguments: Sequence[str]) -> str:
        """What a function returns for arguments, each behind its type."""
        self.calls[name] = f"declare {result} @{name}({', '.join(map(type_of, arguments))})"
        return self.let(f"call {result} @{name}({', '.join(arguments)})")

    def run(self, name: str, arguments: Sequence[str]) -> None:
        """The same of a function that returns nothing."""
        self.calls[name] = f"declare void @{name}({', '.join(map(type_of, arguments))})"
        self.do(f"call void @{name}({', '.join(arguments)})")

    def label(self) -> str:
        self.count += 1
        return f"b{self.count}"

    def begin(self, label: str) -> None:
        self.lines.append(f"{label}:")

    def jump(self, label: str) -> None:
        self.do(f"br label %{label}")

    def branch(self, condition: str, yes: str, no: str) -> None:
        self.do(f"br i1 {condition}, label %{yes}, label %{no}")

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """What is done only if a condition holds."""
        body, done = self.label(), self.label()
        self.branch(condition, body, done)
        self.begin(body)
        yield
        self.jump(done)
        self.begin(done)

    def arms(self, condition: str, *arms: T) -> Iterator[T]:
        """Two arms, each to be written where it is run: if a condition holds, and if not."""
        yes, no, done = self.label(), self.label(), self.label()
        self.branch(condition, yes, no)
        for label, arm in zip((yes, no), arms, strict=True):
            self.begin(label)
            yield arm
            self.jump(done)
        self.begin(done)

    @contextmanager
    def loop(self, going: Callable[[], str]) -> Iterator[None]:
        """What is done as long as a condition holds, which is computed anew before each round."""
        test, body, done = self.label(), self.label(), self.label()
        self.jump(test)
        self.begin(test)
        self.branch(going(), body, done)
        self.begin(body)
        yield
        self.jump(test)
        self.begin(done)

    @contextmanager
    def counter(
        self, place: str, start: str, going: Callable[[str], str], step: str | int = 1
    ) -> Iterator[str]:
        """A loop over an index, which lies in a place in memory."""
        at = ""

        def test() -> str:
            nonlocal at
            at = self.let(f"load i64, ptr {place}")
            return going(at)

        self.do(f"store i64 {start}, ptr {place}")
        with self.loop(test):
            yield at
            self.do(f"store i64 {self.let(f'add i64 {at}, {step}')}, ptr {place}")

    @contextmanager
    def counting(self, start: str | int, stop: str | int, step: str | int = 1) -> Iterator[str]:
        """A loop over an index that stays below `stop`."""

        def going(at: str) -> str:
            return self.let(f"icmp slt i64 {at}, {stop}")

        with self.counter(self.reserve("i64"), str(start), going, step) as at:
            yield at

    def reserve(self, kind: str) -> str:
        """Memory for a value of a type, from the beginning of the function on."""
        name = self.name()
        self.lines.insert(0, f"  {name} = alloca {kind}")
        return name

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

    def shuffled(self, shape: Shape, a: str, b: str, lanes: Iterable[int]) -> str:
        """Some lanes of two vectors, those of b behind those of a, in an order."""
        order = [f"i32 {k}" for k in lanes]
        picked = f"<{len(order)} x i32> <{', '.join(order)}>"
        return self.let(f"shufflevector {shape.type} {a}, {shape.type} {b}, {picked}")

    def below(self, shape: Shape, first: str, count: str | int) -> str:
        """A mask: of the whole numbers from the first on, one in each lane, those below a count."""
        ints, counting = shape.of("i64"), ", ".join(f"i64 {k}" for k in range(shape.lanes))
        numbers = self.let(f"add {ints} {self.splat(shape, first, 'i64')}, <{counting}>")
        return self.let(f"icmp slt {ints} {numbers}, {self.splat(shape, str(count), 'i64')}")

    def gathered(self, shape: Shape, pointers: str) -> str:
        """A number from each of many places."""
        every = f"{shape.of('i1')} {shape.all('i1', 'true')}"
        arguments = [f"{shape.of('ptr')} {pointers}", f"i32 {shape.one.size}", every, f"{shape.type} poison"]
        return self.call(shape.type, f"llvm.masked.gather.{shape.suffix}.v{shape.lanes}p0", arguments)

    def load_masked(self, shape: Shape, where: str, mask: str) -> str:
        """Loads the lanes that are in the mask; zero in all others."""
        bits, zero = f"{shape.of('i1')} {mask}", f"{shape.type} zeroinitializer"
        arguments = [f"ptr {where}", f"i32 {shape.one.size}", bits, zero]
        return self.call(shape.type, f"llvm.masked.load.{shape.suffix}.p0", arguments)

    def store_masked(self, shape: Shape, x: str, where: str, mask: str) -> None:
        """Stores the lanes that are in the mask."""
        bits = f"{shape.of('i1')} {mask}"
        arguments = [f"{shape.type} {x}", f"ptr {where}", f"i32 {shape.one.size}", bits]
        self.run(f"llvm.masked.store.{shape.suffix}.p0", arguments)

    def copy(self, to: str, source: str, size: int | str) -> None:
        """Copies so many bytes."""
        self.run("llvm.memcpy.p0.p0.i64", [f"ptr {to}", f"ptr {source}", f"i64 {size}", "i1 false"])

    def text(self) -> str:
        return "\n".join(self.lines)


def type_of(argument: str) -> str:
    """The type in "double %x" or "<8 x double> %x"."""
    return argument.partition(">")[0] + ">" if argument[0] == "<" else argument.partition(" ")[0]
