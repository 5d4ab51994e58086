"""The kernel subset, walked: what each statement and expression becomes, a target says.

The grammar stands here alone. A hook gets operands that are walked already, but for branches and loops, whose
parts a target walks itself, in the place where it wants them.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.definition import Kernel, constant_power, is_atom, kernel_of

T = TypeVar("T")
ARITHMETIC: Final[dict[type, str]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
}
COMPARISONS: Final[dict[type, str]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


class Walker(ABC, Generic[T]):
    """One kernel on its way into a target, in which an expression is a T."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def outside(self, node: ast.stmt | ast.expr, what: str = "is outside of the subset") -> Untranslatable:
        return self.kernel.refusal(node, what)

    # Statements

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Return(value=ast.expr() as value):
                self.give(self.expression(value))
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assign(name, self.expression(value))
            case ast.AugAssign(target=ast.Name(id=name)):
                sum_ = ast.copy_location(ast.BinOp(node.target, node.op, node.value), node)
                self.assign(name, self.operation(sum_))
            case ast.If():
                self.conditional(node)
            case ast.While(orelse=[]):
                self.loop(node)
            case ast.For(
                target=ast.Name(id=name), orelse=[], iter=ast.Call(ast.Name("range"), [*bounds], [])
            ):
                if len(bounds) > 2:
                    raise self.outside(node.iter)
                start = self.expression(bounds[0]) if len(bounds) == 2 else self.literal(0)
                self.counted(node, name, start, self.expression(bounds[-1]))
            case _:
                raise self.outside(node)

    @abstractmethod
    def give(self, value: T) -> None:
        """`return value`"""

    @abstractmethod
    def assign(self, name: str, value: T) -> None:
        """`name = value`"""

    @abstractmethod
    def conditional(self, node: ast.If) -> None:
        """`if test: body else: orelse`"""

    @abstractmethod
    def loop(self, node: ast.While) -> None:
        """`while test: body`"""

    @abstractmethod
    def counted(self, node: ast.For, name: str, start: T, stop: T) -> None:
        """`for name in range(start, stop): body`; the bounds are computed once, as in Python"""

    # Expressions

    def expression(self, node: ast.expr) -> T:
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return self.literal(value)
            case ast.Name():
                return self.name(node)
            case ast.BinOp():
                return self.grouped(self.operation(node))
            case ast.UnaryOp():
                return self.unary(node)
            case ast.BoolOp():
                word = "and" if isinstance(node.op, ast.And) else "or"
                return self.joined(word, [self.expression(value) for value in node.values])
            case ast.Compare():
                return self.comparison(node)
            case ast.IfExp():
                return self.choice(node)
            case ast.Subscript(value=ast.Name() as base):
                return self.element(node, self.name(base), self.expression(node.slice))
            case ast.Call(keywords=[]):
                return self.call(node)
        raise self.outside(node)

    def name(self, node: ast.Name) -> T:
        if node.id in self.kernel.variables:
            return self.variable(node.id)
        meaning = self.kernel.resolve(node.id)
        if isinstance(meaning, tuple):
            return self.table(node.id, meaning)
        if not isinstance(meaning, (float, int)):
            raise self.outside(node, "is neither a number nor a table of numbers")
        return self.literal(float(meaning))

    def operation(self, node: ast.BinOp) -> T:
        if isinstance(node.op, ast.Pow):
            return self.literal(constant_power(node))
        left, right = self.expression(node.left), self.expression(node.right)
        whole = isinstance(node.op, ast.FloorDiv)
        if type(node.op) not in ARITHMETIC or (whole and self.kernel.type_of(node) != "int"):
            raise self.outside(node)
        return self.arithmetic(ARITHMETIC[type(node.op)], left, right)

    def unary(self, node: ast.UnaryOp) -> T:
        x = self.expression(node.operand)
        match node.op:
            case ast.USub():
                return self.negative(x)
            case ast.Not():
                return self.opposite(x)
            case ast.UAdd():
                return x
        raise self.outside(node)

    def comparison(self, node: ast.Compare) -> T:
        """a < b < c as a < b and b < c: operands have no effects, so reading b twice is harmless."""
        sides = [self.expression(side) for side in (node.left, *node.comparators)]
        if not all(type(op) in COMPARISONS for op in node.ops):
            raise self.outside(node)
        links = zip(sides, node.ops, sides[1:], strict=False)
        return self.joined("and", [self.compared(a, COMPARISONS[type(op)], b) for a, op, b in links])

    def call(self, node: ast.Call) -> T:
        function = self.kernel.called(node.func)
        if function == "len":
            return self.length(node.args[0])
        arguments = [self.argument(argument) for argument in node.args]
        if function == "float":
            return self.floated(arguments[0])
        if function == "int":
            return (
                arguments[0] if self.kernel.type_of(node.args[0]) != "float" else self.cut(node, arguments[0])
            )
        if is_atom(function):
            return self.atom(node, function.__name__, arguments)
        return self.kernel_call(kernel_of(function), arguments)

    def argument(self, node: ast.expr) -> T:
        """An argument of a call."""
        return self.expression(node)

    def grouped(self, x: T) -> T:
        """Arithmetic inside of a larger expression."""
        return x

    @abstractmethod
    def literal(self, value: bool | int | float) -> T:
        """What is written as such, or a named constant, which is a float"""

    @abstractmethod
    def variable(self, name: str) -> T: ...

    @abstractmethod
    def table(self, name: str, numbers: tuple[float, ...]) -> T:
        """A tuple of the kernel's module"""

    @abstractmethod
    def arithmetic(self, sign: str, a: T, b: T) -> T:
        """One of + - * /, and // of ints"""

    @abstractmethod
    def negative(self, x: T) -> T: ...

    @abstractmethod
    def opposite(self, x: T) -> T:
        """`not x`"""

    @abstractmethod
    def joined(self, word: str, terms: Sequence[T]) -> T:
        """Truth values with "and" or "or" between them"""

    @abstractmethod
    def compared(self, a: T, sign: str, b: T) -> T:
        """One of < <= > >= == !="""

    @abstractmethod
    def choice(self, node: ast.IfExp) -> T:
        """`body if test else orelse`"""

    @abstractmethod
    def element(self, node: ast.Subscript, base: T, index: T) -> T:
        """`base[index]`"""

    @abstractmethod
    def length(self, node: ast.expr) -> T:
        """`len(node)`"""

    @abstractmethod
    def floated(self, x: T) -> T:
        """`float(x)`"""

    @abstractmethod
    def cut(self, node: ast.Call, x: T) -> T:
        """`int(x)` of a float"""

    @abstractmethod
    def atom(self, node: ast.Call, name: str, xs: Sequence[T]) -> T:
        """A function of `math`"""

    @abstractmethod
    def kernel_call(self, kernel: Kernel, xs: Sequence[T]) -> T:
        """Another kernel"""
