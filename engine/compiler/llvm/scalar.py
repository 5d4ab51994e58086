"""A kernel as a scalar function: the branches and loops of the Python source, as they stand."""

from __future__ import annotations

import ast
from functools import cache
from typing import Final

from engine.compiler.kernels.definition import Kernel
from engine.compiler.llvm.code import Function, Shape
from engine.compiler.llvm.kernels import Expressions, Term

SCALAR: Final = Shape(0)


class Branching(Expressions):
    """Statements of scalar code."""

    def function(self) -> Function:
        self.places()
        self.block(self.kernel.tree.body)
        self.code.do("unreachable")
        return self.defined()

    def give(self, value: Term) -> None:
        self.code.do(f"ret {self.type(self.kernel.result)} {value.text}")
        self.code.begin(self.code.label())  # what follows is never reached

    def assign(self, name: str, value: Term) -> None:
        self.store(self.kernel.variables[name], value, self.place(name))

    def conditional(self, node: ast.If) -> None:
        for statements in self.code.arms(self.expression(node.test).text, node.body, node.orelse):
            self.block(statements)

    def loop(self, node: ast.While) -> None:
        with self.code.loop(lambda: self.expression(node.test).text):
            self.block(node.body)

    def counted(self, node: ast.For, name: str, start: Term, stop: Term) -> None:
        def going(at: str) -> str:
            return self.compared(Term(at, "int"), "<", stop).text

        with self.code.counter(self.place(name), start.text, going):
            self.block(node.body)

    def branches(self, test: Term, body: ast.expr, orelse: ast.expr) -> Term:
        kind = self.kernel.type_of(body)
        place = self.code.reserve(self.type(kind))
        for arm in self.code.arms(test.text, body, orelse):
            self.store(kind, self.expression(arm), place)
        return self.let(kind, f"load {self.type(kind)}, ptr {place}")


@cache
def scalar_function(kernel: Kernel) -> Function:
    """A kernel as a function of doubles. Raises Untranslatable."""
    return Branching(kernel, SCALAR).function()
