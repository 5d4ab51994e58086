"""Kernels in languages with braces: the grammar that C and JavaScript share, and a dialect for each.

Branches, loops and splits stay what they are in the Python source: the translation rounds alike.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Final

from engine.compiler.kernels.definition import Kernel, identifier, is_atom, kernel_of
from engine.compiler.kernels.walker import Walker
from engine.primitive import Primitive

INFIX: Final = frozenset({"add", "sub", "mul", "div"})  # rows that are an operator, spelled as in Python
# Of C, of C++, which reads our headers, and of JavaScript
RESERVED: Final = frozenset(
    """abstract alignas alignof and and_eq arguments asm auto await bitand bitor bool boolean break byte case
    catch char class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit
    continue debugger decltype default delete do double dynamic_cast else enum eval explicit export extends
    extern false final finally float for friend function goto if implements import in inline instanceof int
    interface let long main mutable namespace native new noexcept not not_eq null nullptr operator or or_eq
    package private protected public register reinterpret_cast requires restrict return short signed sizeof
    static static_assert static_cast struct super switch synchronized template this thread_local throw throws
    transient true try typedef typeid typename typeof union unsigned using var virtual void volatile wchar_t
    while with xor xor_eq yield async NAN INFINITY Infinity NaN Math Object undefined""".split()
)


class Dialect(ABC):
    """What differs between the languages; C and JavaScript subclass it."""

    atoms: dict[str, str]  # how an atom of `math` is called
    prefix = ""  # of the names that a file defines

    @abstractmethod
    def number(self, x: float) -> str:
        """A literal."""

    @abstractmethod
    def whole(self, text: str) -> str:
        """A float cut to an int."""

    @abstractmethod
    def halves(self, left: str, right: str) -> str:
        """An int divided by an int."""

    @abstractmethod
    def length(self, name: str) -> str:
        """How many numbers a list has."""

    @abstractmethod
    def passed(self, name: str) -> str:
        """A list as an argument."""

    @abstractmethod
    def listed(self, names: Sequence[str]) -> str:
        """A list of these, as an argument."""

    def called(self, kernel: Kernel) -> str:
        """The name of a kernel."""
        return self.prefix + kernel.name

    @abstractmethod
    def heading(self, kernel: Kernel) -> str:
        """The line that begins the function."""

    @abstractmethod
    def declarations(self, kernel: Kernel) -> Iterator[str]:
        """Lines that declare the local variables."""

    def counter(self, name: str, start: str, stop: str) -> str:
        return f"for ({name} = {start}; {name} < {stop}; {name}++) {{"

    def function(self, kernel: Kernel) -> str:
        """The whole definition of a kernel."""
        body = Translation(kernel, self)
        for line in self.declarations(kernel):
            body.write(line)
        body.block(kernel.tree.body)
        return "\n".join([f"{self.heading(kernel)} {{", *body.lines, "}"])

    def operation(self, primitive: Primitive, names: Sequence[str]) -> str:
        """A row applied to operands."""
        if primitive.key in INFIX:
            return primitive.python.format(*names)
        if is_atom(primitive.value):
            return f"{self.atoms[primitive.value.__name__]}({', '.join(names)})"
        arguments = self.listed(names) if primitive.gradient is not None else ", ".join(names)
        return f"{self.called(kernel_of(primitive.value))}({arguments})"


def local(name: str) -> str:
    """The name of a variable, changed where a language keeps it for itself."""
    safe = name if name.isascii() else f"u_{name.encode().hex()}"
    return f"{safe}_" if safe in RESERVED else safe


class Translation(Walker[str]):
    """One kernel in one dialect: statements to lines, expressions to text."""

    def __init__(self, kernel: Kernel, dialect: Dialect) -> None:
        super().__init__(kernel)
        self.dialect = dialect
        self.lines: list[str] = []
        self.indentation = "    "

    def write(self, line: str) -> None:
        self.lines.append(self.indentation + line)

    def nested(self, opening: str, statements: Sequence[ast.stmt]) -> None:
        self.write(opening)
        self.indentation += "    "
        self.block(statements)
        self.indentation = self.indentation[:-4]

    # Statements

    def give(self, value: str) -> None:
        self.write(f"return {value};")

    def assign(self, name: str, value: str) -> None:
        self.write(f"{local(name)} = {value};")

    def conditional(self, node: ast.If) -> None:
        self.nested(f"if ({self.expression(node.test)}) {{", node.body)
        if node.orelse:
            self.nested("} else {", node.orelse)
        self.write("}")

    def loop(self, node: ast.While) -> None:
        self.nested(f"while ({self.expression(node.test)}) {{", node.body)
        self.write("}")

    def counted(self, node: ast.For, name: str, start: str, stop: str) -> None:
        self.nested(self.dialect.counter(local(name), start, stop), node.body)
        self.write("}")

    # Expressions

    def literal(self, value: bool | int | float) -> str:
        return str(int(value)) if isinstance(value, int) else self.dialect.number(value)

    def variable(self, name: str) -> str:
        return local(name)

    def table(self, name: str, numbers: tuple[float, ...]) -> str:
        return self.dialect.prefix + self.kernel.table_name(name)

    def grouped(self, x: str) -> str:
        return f"({x})"

    def arithmetic(self, sign: str, a: str, b: str) -> str:
        return self.dialect.halves(a, b) if sign == "//" else f"{a} {sign} {b}"

    def negative(self, x: str) -> str:
        return f"(-{x})"

    def opposite(self, x: str) -> str:
        return f"(!{x})"

    def joined(self, word: str, terms: Sequence[str]) -> str:
        return f"({(' && ' if word == 'and' else ' || ').join(terms)})"

    def compared(self, a: str, sign: str, b: str) -> str:
        return f"{a} {sign} {b}"

    def choice(self, node: ast.IfExp) -> str:
        test, a, b = map(self.expression, (node.test, node.body, node.orelse))
        return f"({test} ? {a} : {b})"

    def element(self, node: ast.Subscript, base: str, index: str) -> str:
        return f"{base}[{index}]"

    def length(self, node: ast.expr) -> str:
        name = identifier(node)
        if name in self.kernel.variables:
            return self.dialect.length(local(name))
        return str(len(self.kernel.resolve(name)))

    def floated(self, x: str) -> str:
        return x

    def cut(self, node: ast.Call, x: str) -> str:
        return self.dialect.whole(x)

    def argument(self, node: ast.expr) -> str:
        text = self.expression(node)
        return self.dialect.passed(text) if self.kernel.type_of(node) == "list" else text

    def atom(self, node: ast.Call, name: str, xs: Sequence[str]) -> str:
        if name not in self.dialect.atoms:
            raise self.outside(node, f"needs {name} of math")
        return f"{self.dialect.atoms[name]}({', '.join(xs)})"

    def kernel_call(self, kernel: Kernel, xs: Sequence[str]) -> str:
        return f"{self.dialect.called(kernel)}({', '.join(xs)})"
