"""Kernels in languages with braces: the grammar that C and JavaScript share, and a dialect for each.

Branches, loops and splits stay what they are in the Python source: the translation rounds alike.
"""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.definition import Kernel, constant_power, identifier, is_atom, kernel_of
from engine.primitive import Primitive

OPERATORS: Final[dict[type, str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.And: "&&",
    ast.Or: "||",
    ast.USub: "-",
    ast.UAdd: "",
    ast.Not: "!",
}
INFIX: Final = {"add": "+", "sub": "-", "mul": "*", "div": "/"}  # rows that are an operator
IDENTIFIER: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
RESERVED: Final = frozenset(
    """abstract arguments asm auto boolean break byte case catch char class const continue debugger default
    delete do double else enum eval export extends extern false final finally float for function goto if
    implements import in inline instanceof int interface let long main native new null package private
    protected public register restrict return short signed sizeof static struct super switch synchronized
    this throw throws transient true try typedef typeof union unsigned var void volatile while with yield
    await async NAN INFINITY Infinity NaN Math undefined""".split()
)


class Dialect(ABC):
    """What differs between the languages; C and JavaScript subclass it."""

    atoms: ClassVar[dict[str, str]] = {}  # how an atom of `math` is called

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

    def table(self, kernel: Kernel, name: str) -> str:
        """The name of a module's tuple of numbers."""
        return f"{kernel.module.__name__.rpartition('.')[2]}_{name}"

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
        body = [*self.declarations(kernel), *Translation(kernel, self).block(kernel.tree.body)]
        return "\n".join([f"{self.heading(kernel)} {{", *(f"    {line}" for line in body), "}"])

    def operation(self, primitive: Primitive, names: Sequence[str]) -> str:
        """A row applied to operands."""
        if primitive.name in INFIX:
            return f" {INFIX[primitive.name]} ".join(names)
        if is_atom(primitive.value):
            return f"{self.atoms[primitive.value.__name__]}({', '.join(names)})"
        arguments = self.listed(names) if primitive.gradient is not None else ", ".join(names)
        return f"{kernel_of(primitive.value).name}({arguments})"


def function_name(name: str) -> str:
    """The name that was asked for, if it is one in both languages."""
    return name if IDENTIFIER.fullmatch(name) and name not in RESERVED else "compiled"


def local(name: str) -> str:
    """The name of a variable, changed where a language keeps it for itself."""
    safe = name if name.isascii() else f"u_{name.encode().hex()}"
    return f"{safe}_" if safe in RESERVED else safe


class Translation:
    """One kernel in one dialect: statements to lines, expressions to text."""

    def __init__(self, kernel: Kernel, dialect: Dialect) -> None:
        self.kernel = kernel
        self.dialect = dialect

    def block(self, statements: Sequence[ast.stmt]) -> list[str]:
        return [line for statement in statements for line in self.statement(statement)]

    def nested(self, opening: str, statements: Sequence[ast.stmt]) -> list[str]:
        return [opening, *(f"    {line}" for line in self.block(statements))]

    def statement(self, node: ast.stmt) -> list[str]:
        match node:
            case ast.Return(value=ast.expr() as value):
                return [f"return {self.expression(value)};"]
            case ast.Assign(targets=[target], value=value):
                return [f"{local(identifier(target))} = {self.expression(value)};"]
            case ast.AugAssign():
                name = local(identifier(node.target))
                return [f"{name} = {self.operation(ast.BinOp(node.target, node.op, node.value))};"]
            case ast.If():
                otherwise = self.nested("} else {", node.orelse) if node.orelse else []
                return [*self.nested(f"if ({self.expression(node.test)}) {{", node.body), *otherwise, "}"]
            case ast.While(orelse=[]):
                return [*self.nested(f"while ({self.expression(node.test)}) {{", node.body), "}"]
            case ast.For(orelse=[], iter=ast.Call(func=ast.Name("range"), args=[*bounds])):
                return [*self.nested(self.loop(identifier(node.target), bounds), node.body), "}"]
        raise Untranslatable(f"{self.kernel.name} has a statement outside the subset: {ast.unparse(node)}")

    def loop(self, name: str, bounds: Sequence[ast.expr]) -> str:
        start = self.expression(bounds[0]) if len(bounds) == 2 else "0"
        return self.dialect.counter(local(name), start, self.expression(bounds[-1]))

    def expression(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=bool()):
                return "1" if node.value else "0"
            case ast.Constant(value=float() as number):
                return self.dialect.number(number)
            case ast.Constant(value=int()):
                return str(node.value)
            case ast.Name():
                return self.name(node.id)
            case ast.BinOp():
                return f"({self.operation(node)})"
            case ast.UnaryOp():
                return f"({OPERATORS[type(node.op)]}{self.expression(node.operand)})"
            case ast.BoolOp():
                joint = f" {OPERATORS[type(node.op)]} "
                return f"({joint.join(self.expression(value) for value in node.values)})"
            case ast.Compare():
                return self.comparison(node)
            case ast.IfExp():
                arms = f"{self.expression(node.body)} : {self.expression(node.orelse)}"
                return f"({self.expression(node.test)} ? {arms})"
            case ast.Subscript():
                return f"{self.name(identifier(node.value))}[{self.expression(node.slice)}]"
            case ast.Call():
                return self.call(node)
        raise Untranslatable(f"{self.kernel.name} has an expression outside the subset: {ast.unparse(node)}")

    def name(self, name: str) -> str:
        if name in self.kernel.variables:
            return local(name)
        meaning = self.kernel.resolve(name)
        return (
            self.dialect.table(self.kernel, name)
            if isinstance(meaning, tuple)
            else self.dialect.number(meaning)
        )

    def operation(self, node: ast.BinOp) -> str:
        if isinstance(node.op, ast.Pow):
            return self.dialect.number(constant_power(node))
        left, right = self.expression(node.left), self.expression(node.right)
        if isinstance(node.op, ast.FloorDiv) and self.kernel.type_of(node) == "int":
            return self.dialect.halves(left, right)
        if type(node.op) not in OPERATORS:
            raise Untranslatable(f"{self.kernel.name} uses {ast.unparse(node)}")
        return f"{left} {OPERATORS[type(node.op)]} {right}"

    def comparison(self, node: ast.Compare) -> str:
        """a < b < c as (a < b && b < c): operands have no effects, so reading b twice is harmless."""
        sides = [self.expression(side) for side in (node.left, *node.comparators)]
        links = zip(sides, node.ops, sides[1:], strict=False)
        return f"({' && '.join(f'{a} {OPERATORS[type(op)]} {b}' for a, op, b in links)})"

    def call(self, node: ast.Call) -> str:
        function = self.kernel.called(node.func)
        if function == "len":
            return self.length(identifier(node.args[0]))
        arguments = ", ".join(self.argument(argument) for argument in node.args)
        if isinstance(function, str):
            floor = function == "int" and self.kernel.type_of(node.args[0]) == "float"
            return self.dialect.whole(arguments) if floor else arguments
        if is_atom(function):
            if function.__name__ not in self.dialect.atoms:
                raise Untranslatable(f"{self.kernel.name} calls math.{function.__name__}")
            return f"{self.dialect.atoms[function.__name__]}({arguments})"
        return f"{kernel_of(function).name}({arguments})"

    def length(self, name: str) -> str:
        if name in self.kernel.variables:
            return self.dialect.length(local(name))
        return str(len(self.kernel.resolve(name)))

    def argument(self, node: ast.expr) -> str:
        if self.kernel.type_of(node) == "list":
            name = identifier(node)
            if name in self.kernel.variables:
                return self.dialect.passed(local(name))
            table = self.dialect.table(self.kernel, name)
            return self.dialect.passed(table)
        return self.expression(node)
