"""A kernel as a scalar function: the branches and loops of the Python source, as they stand."""

from __future__ import annotations

import ast
from functools import cache
from typing import Final

from engine.compiler.kernels.definition import Kernel
from engine.compiler.llvm.code import Shape
from engine.compiler.llvm.kernels import Expressions, Term

SCALAR: Final = Shape(0)


class Branching(Expressions):
    """Statements of scalar code."""

    def function(self) -> str:
        self.places()
        self.block(self.kernel.tree.body)
        self.code.do("unreachable")
        heading = f"define internal {self.heading()}({self.parameters()}) {self.attributes()}"
        return f"{heading} {{\n{self.code.text()}\n}}"

    def give(self, value: Term) -> None:
        self.code.do(f"ret {self.type(self.kernel.result)} {value.text}")
        self.code.begin(self.code.label())  # what follows is never reached

    def assign(self, name: str, value: Term) -> None:
        kind = self.kernel.variables[name]
        value = self.floated(value) if kind == "float" else value
        self.code.do(f"store {self.type(kind)} {value.text}, ptr {self.place(name)}")

    def conditional(self, node: ast.If) -> None:
        yes, no, done = self.code.label(), self.code.label(), self.code.label()
        self.code.branch(self.expression(node.test).text, yes, no)
        for label, statements in ((yes, node.body), (no, node.orelse)):
            self.code.begin(label)
            self.block(statements)
            self.code.jump(done)
        self.code.begin(done)

    def loop(self, node: ast.While) -> None:
        test, body, done = self.code.label(), self.code.label(), self.code.label()
        self.code.jump(test)
        self.code.begin(test)
        self.code.branch(self.expression(node.test).text, body, done)
        self.code.begin(body)
        self.block(node.body)
        self.code.jump(test)
        self.code.begin(done)

    def counted(self, node: ast.For, name: str, start: Term, stop: Term) -> None:
        place, test, body, done = self.place(name), *(self.code.label() for _ in range(3))
        self.code.do(f"store i64 {start.text}, ptr {place}")
        self.code.jump(test)
        self.code.begin(test)
        at = self.code.let(f"load i64, ptr {place}")
        self.code.branch(self.code.let(f"icmp slt i64 {at}, {stop.text}"), body, done)
        self.code.begin(body)
        self.block(node.body)
        following = self.code.let(f"add i64 {at}, 1")
        self.code.do(f"store i64 {following}, ptr {place}")
        self.code.jump(test)
        self.code.begin(done)

    def branches(self, test: Term, body: ast.expr, orelse: ast.expr) -> Term:
        yes, no, done = self.code.label(), self.code.label(), self.code.label()
        kind = self.kernel.type_of(body)
        place = self.temporary(kind)
        self.code.branch(test.text, yes, no)
        for label, arm in ((yes, body), (no, orelse)):
            self.code.begin(label)
            value = self.expression(arm)
            value = self.floated(value) if kind == "float" else value
            self.code.do(f"store {self.type(kind)} {value.text}, ptr {place}")
            self.code.jump(done)
        self.code.begin(done)
        return self.let(kind, f"load {self.type(kind)}, ptr {place}")


@cache
def scalar_function(kernel: Kernel) -> str:
    """The text of a kernel as a function of doubles. Raises Untranslatable."""
    return Branching(kernel, SCALAR).function()
