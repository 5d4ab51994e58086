"""The statements of a kernel, told apart: what each of them becomes, scalar code and lanes say."""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Sequence

from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.definition import identifier
from engine.compiler.llvm.kernels import Expressions, Term


class Statements(Expressions):
    """One kernel in one shape, statement by statement."""

    def block(self, statements: Sequence[ast.stmt]) -> None:
        for statement in statements:
            self.statement(statement)

    def statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Return(value=ast.expr() as value):
                self.give(self.expression(value))
            case ast.Assign(targets=[target], value=value):
                self.assign(identifier(target), self.expression(value))
            case ast.AugAssign():
                sum_ = self.expression(ast.BinOp(node.target, node.op, node.value))
                self.assign(identifier(node.target), sum_)
            case ast.If():
                self.conditional(node)
            case ast.While(orelse=[]):
                self.loop(node)
            case ast.For(orelse=[], iter=ast.Call(func=ast.Name("range"), args=[*bounds])):
                self.counted(node, bounds)
            case _:
                raise Untranslatable(
                    f"{self.kernel.name} has a statement outside the subset: {ast.unparse(node)}"
                )

    @abstractmethod
    def give(self, value: Term) -> None:
        """`return`."""

    @abstractmethod
    def assign(self, name: str, value: Term) -> None:
        """`name = value`."""

    @abstractmethod
    def conditional(self, node: ast.If) -> None:
        """`if`."""

    @abstractmethod
    def loop(self, node: ast.While) -> None:
        """`while`."""

    @abstractmethod
    def counted(self, node: ast.For, bounds: Sequence[ast.expr]) -> None:
        """`for` over a `range`."""
