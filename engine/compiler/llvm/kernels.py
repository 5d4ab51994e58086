"""Kernels as LLVM functions: the expressions that scalar code and lanes have in common.

Every operation is the one that Python does: no contraction, no regrouping. Functions of libm are
called under names that LLVM does not know, so that it cannot compute or replace them.
"""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.definition import Kernel, constant_power, identifier, is_atom, kernel_of
from engine.compiler.llvm.code import PREDICATES, Code, Shape
from engine.compiler.sources.braces import OPERATORS

FLOATS: Final[dict[type, str]] = {ast.Add: "fadd", ast.Sub: "fsub", ast.Mult: "fmul", ast.Div: "fdiv"}
INTS: Final[dict[type, str]] = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.FloorDiv: "sdiv"}
INTEGER_PREDICATES: Final = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
SHORT: Final = 120  # lines of a kernel that is put in the place of its calls
INTRINSICS: Final = frozenset({"fabs", "floor", "sqrt", "copysign"})


class Term(NamedTuple):
    """A typed name. kind is float, bool, int (one for all lanes), ints (one for each), list or table."""

    text: str
    kind: str
    length: str = ""


class Expressions(ABC):
    """One kernel in one shape. Subclasses know its statements, and what a branch is."""

    def __init__(self, kernel: Kernel, shape: Shape) -> None:
        self.kernel = kernel
        self.shape = shape
        self.code = Code()

    # Types

    def type(self, kind: str) -> str:
        kinds = {"float": self.shape.type, "bool": self.shape.of("i1"), "ints": self.shape.of("i64")}
        return kinds.get(kind, "i64")

    def variable(self, name: str) -> str:
        return f"%{name}.at" if name.isascii() else f"%u{name.encode().hex()}.at"

    def let(self, kind: str, text: str) -> Term:
        return Term(self.code.let(text), kind)

    def number(self, x: float) -> Term:
        return Term(self.shape.constant(x), "float")

    def spread(self, term: Term) -> Term:
        """An int for each lane."""
        if term.kind != "int" or not self.shape.lanes:
            return Term(term.text, "ints")
        return Term(self.code.splat(self.shape, term.text, "i64"), "ints")

    def floated(self, term: Term) -> Term:
        if term.kind == "float":
            return term
        if term.kind == "int":
            return Term(
                self.code.splat(self.shape, self.code.let(f"sitofp i64 {term.text} to double")), "float"
            )
        return self.let("float", f"sitofp {self.type('ints')} {term.text} to {self.shape.type}")

    def alike(self, a: Term, b: Term) -> tuple[Term, Term]:
        """Both of one kind."""
        if a.kind == b.kind:
            return a, b
        if "float" in (a.kind, b.kind):
            return self.floated(a), self.floated(b)
        return self.spread(a), self.spread(b)

    # Expressions

    def expression(self, node: ast.expr) -> Term:
        match node:
            case ast.Constant(value=bool()):
                return Term(self.shape.all("i1", str(node.value).lower()), "bool")
            case ast.Constant(value=int()):
                return Term(str(node.value), "int")
            case ast.Constant(value=float() as x):
                return self.number(x)
            case ast.Name():
                return self.name(node.id)
            case ast.BinOp():
                return self.operation(node)
            case ast.UnaryOp():
                return self.unary(node.op, self.expression(node.operand))
            case ast.BoolOp():
                word = "and" if isinstance(node.op, ast.And) else "or"
                return self.joined(word, [self.expression(value) for value in node.values])
            case ast.Compare():
                return self.comparison(node)
            case ast.IfExp():
                return self.choice(node)
            case ast.Subscript():
                return self.element(node)
            case ast.Call():
                return self.call(node)
        raise Untranslatable(f"{self.kernel.name} has an expression outside the subset: {ast.unparse(node)}")

    def name(self, name: str) -> Term:
        if name not in self.kernel.variables:
            return self.constant(name)
        kind = self.kernel.variables[name]
        if kind == "list":
            return Term(f"%{name}", self.list_kind(name), f"%{name}.length")
        return self.let(kind, f"load {self.type(kind)}, ptr {self.variable(name)}")

    def constant(self, name: str) -> Term:
        meaning = self.kernel.resolve(name)
        if isinstance(meaning, tuple):
            return Term(f"@{table_name(self.kernel, name)}", "table", str(len(meaning)))
        return self.number(float(meaning))

    def list_kind(self, name: str) -> str:
        """A parameter is a list of what the shape is, or a table of numbers, the same for all lanes."""
        found = [a.annotation for a in self.kernel.tree.args.args if a.arg == name]
        return "table" if ast.unparse(found[0] or ast.Constant(None)).startswith("tuple") else "list"

    def operation(self, node: ast.BinOp) -> Term:
        if isinstance(node.op, ast.Pow):
            return self.number(constant_power(node))
        a, b = self.alike(self.expression(node.left), self.expression(node.right))
        names = FLOATS if a.kind == "float" or isinstance(node.op, ast.Div) else INTS
        if type(node.op) not in names:
            raise Untranslatable(f"{self.kernel.name} uses {ast.unparse(node)}")
        if names is FLOATS:
            a, b = self.floated(a), self.floated(b)
        return self.let(a.kind, f"{names[type(node.op)]} {self.type(a.kind)} {a.text}, {b.text}")

    def unary(self, op: ast.unaryop, x: Term) -> Term:
        if isinstance(op, ast.UAdd):
            return x
        if isinstance(op, ast.Not):
            return self.negated(x)
        if x.kind == "float":
            return self.let("float", f"fneg {self.shape.type} {x.text}")
        zero = "0" if x.kind == "int" else "zeroinitializer"
        return self.let(x.kind, f"sub {self.type(x.kind)} {zero}, {x.text}")

    def negated(self, x: Term) -> Term:
        return self.let("bool", f"xor {self.type('bool')} {x.text}, {self.shape.all('i1', 'true')}")

    def joined(self, word: str, terms: Sequence[Term]) -> Term:
        """All operands are computed: they have no effects."""
        result = terms[0]
        for term in terms[1:]:
            result = self.let("bool", f"{word} {self.type('bool')} {result.text}, {term.text}")
        return result

    def comparison(self, node: ast.Compare) -> Term:
        sides = [self.expression(side) for side in (node.left, *node.comparators)]
        links = zip(sides, node.ops, sides[1:], strict=False)
        return self.joined("and", [self.compared(a, OPERATORS[type(op)], b) for a, op, b in links])

    def compared(self, a: Term, sign: str, b: Term) -> Term:
        a, b = self.alike(a, b)
        if a.kind == "float":
            return self.let("bool", f"fcmp {PREDICATES[sign]} {self.shape.type} {a.text}, {b.text}")
        test = self.code.let(f"icmp {INTEGER_PREDICATES[sign]} {self.type(a.kind)} {a.text}, {b.text}")
        return Term(self.code.splat(self.shape, test, "i1") if a.kind == "int" else test, "bool")

    def choice(self, node: ast.IfExp) -> Term:
        test = self.expression(node.test)
        if is_costly(node.body) or is_costly(node.orelse):
            return self.branches(test, node.body, node.orelse)
        a, b = self.alike(self.expression(node.body), self.expression(node.orelse))
        if a.kind == "int" and self.shape.lanes:
            a, b = self.spread(a), self.spread(b)
        return self.selected(test, a, b)

    def selected(self, test: Term, a: Term, b: Term) -> Term:
        kind = self.type(a.kind)
        return self.let(a.kind, f"select {self.type('bool')} {test.text}, {kind} {a.text}, {kind} {b.text}")

    @abstractmethod
    def branches(self, test: Term, body: ast.expr, orelse: ast.expr) -> Term:
        """`body if test else orelse`."""

    def element(self, node: ast.Subscript) -> Term:
        base, index = self.expression(node.value), self.expression(node.slice)
        if index.kind != "int":
            raise Untranslatable(f"{self.kernel.name} uses an index that differs from lane to lane")
        if base.kind == "table":
            where = self.code.address(base.text, index.text, "double")
            return Term(self.code.splat(self.shape, self.code.let(f"load double, ptr {where}")), "float")
        where = self.code.address(base.text, index.text, self.shape.type)
        return self.let("float", f"load {self.shape.type}, ptr {where}, align 8")

    # Calls

    def call(self, node: ast.Call) -> Term:
        function = self.kernel.called(node.func)
        arguments = [self.expression(argument) for argument in node.args]
        if isinstance(function, str):
            return self.converted(function, arguments[0])
        if is_atom(function):
            return self.atom(function.__name__, [self.floated(x) for x in arguments])
        return self.kernel_call(kernel_of(function), arguments)

    def converted(self, function: str, x: Term) -> Term:
        if function == "len":
            return Term(x.length, "int")
        if function == "float":
            return self.floated(x)
        return x if x.kind != "float" else self.truncated(x)

    def truncated(self, x: Term) -> Term:
        """int(x); what is no int64 becomes the nearest, so that no input is undefined."""
        kind = "ints" if self.shape.lanes else "int"
        suffix = f"v{self.shape.lanes}i64.v{self.shape.lanes}f64" if self.shape.lanes else "i64.f64"
        text = f"call {self.type(kind)} @llvm.fptosi.sat.{suffix}({self.shape.type} {x.text})"
        return self.let(kind, text)

    def atom(self, name: str, xs: Sequence[Term]) -> Term:
        kind = self.shape.type
        if name == "isnan":
            return self.let("bool", f"fcmp uno {kind} {xs[0].text}, {xs[0].text}")
        if name == "isinf":
            size = self.atom("fabs", xs)
            return self.compared(size, "==", self.number(float("inf")))
        symbol = f"llvm.{name}.{self.shape.suffix}" if name in INTRINSICS else atom_name(name, self.shape)
        arguments = ", ".join(f"{kind} {x.text}" for x in xs)
        return self.let("float", f"call {kind} @{symbol}({arguments})")

    def kernel_call(self, kernel: Kernel, arguments: Sequence[Term]) -> Term:
        parts = []
        for x, kind in zip(arguments, kernel.parameters.values(), strict=True):
            if kind == "list":
                parts.append(f"ptr {x.text}, i64 {x.length}")
            else:
                x = self.floated(x) if kind == "float" else x
                parts.append(f"{self.type(kind)} {x.text}")
        text = ", ".join([*self.context(), *parts])
        return self.let(
            kernel.result, f"call {self.type(kernel.result)} @{kernel_name(kernel, self.shape)}({text})"
        )

    def context(self) -> list[str]:
        """What is passed on to every kernel besides its arguments."""
        return []

    def parameters(self) -> str:
        return ", ".join(
            f"ptr %{name}, i64 %{name}.length" if kind == "list" else f"{self.type(kind)} %{name}"
            for name, kind in self.kernel.parameters.items()
        )

    def attributes(self) -> str:
        calls = [line for line in self.code.lines if " call " in line]
        alone = all("@llvm." in call or "@atom." in call for call in calls)
        short = len(self.code.lines) < SHORT and alone
        return "nounwind alwaysinline" if short else "nounwind"

    def heading(self) -> str:
        return f"{self.type(self.kernel.result)} @{kernel_name(self.kernel, self.shape)}"

    def variables(self) -> None:
        """A place in memory for each variable; LLVM makes registers of them."""
        for name, kind in self.kernel.variables.items():
            if kind != "list":
                self.code.do(f"{self.variable(name)} = alloca {self.type(kind)}")
                start = f"%{name}" if name in self.kernel.parameters else "zeroinitializer"
                self.code.do(f"store {self.type(kind)} {start}, ptr {self.variable(name)}")

    def temporary(self, kind: str) -> str:
        """A place in memory, reserved where the function begins."""
        name = self.code.name()
        self.code.lines.insert(0, f"  {name} = alloca {self.type(kind)}")
        return name


def is_costly(node: ast.AST) -> bool:
    """Whether it is worth a branch: it calls something."""
    return any(
        isinstance(part, ast.Call) and identifier(part.func, "") not in ("fabs", "len", "float", "isnan")
        for part in ast.walk(node)
    )


def kernel_name(kernel: Kernel, shape: Shape) -> str:
    return f"{kernel.name}.x{shape.lanes}" if shape.lanes else kernel.name


def atom_name(name: str, shape: Shape) -> str:
    return f"atom.{name}.x{shape.lanes}" if shape.lanes else f"atom.{name}"


def table_name(kernel: Kernel, name: str) -> str:
    return f"{kernel.module.__name__.rpartition('.')[2]}_{name}"
