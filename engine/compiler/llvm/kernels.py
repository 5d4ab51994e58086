"""Kernels as LLVM functions: the expressions that scalar code and lanes have in common.

Every operation is the one that Python does: no contraction, no regrouping. Functions of libm are
called under names that LLVM does not know, so that it cannot compute or replace them.
"""

from __future__ import annotations

import ast
from abc import abstractmethod
from collections.abc import Sequence
from typing import Final, NamedTuple

from engine.compiler.kernels.definition import Kernel, identifier
from engine.compiler.kernels.walker import Walker
from engine.compiler.llvm.code import PREDICATES, Code, Function, Shape

FLOATS: Final = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
INTS: Final = {"+": "add", "-": "sub", "*": "mul", "//": "sdiv"}
INTEGER_PREDICATES: Final = {"<": "slt", "<=": "sle", ">": "sgt", ">=": "sge", "==": "eq", "!=": "ne"}
SHORT: Final = 120  # lines of a kernel that is put in the place of its calls
INTRINSICS: Final = frozenset({"fabs", "floor", "sqrt", "copysign"})


class Term(NamedTuple):
    """A typed name. kind is float, bool, int (one for all lanes), ints (one for each), list or table."""

    text: str
    kind: str
    length: str = ""


class Expressions(Walker[Term]):
    """One kernel in one shape. Subclasses know its statements, and what a branch is."""

    def __init__(self, kernel: Kernel, shape: Shape) -> None:
        super().__init__(kernel)
        self.shape = shape
        self.code = Code()

    # Types

    def type(self, kind: str) -> str:
        kinds = {"float": self.shape.type, "bool": self.shape.of("i1"), "ints": self.shape.of("i64")}
        return kinds.get(kind, "i64")

    def place(self, name: str) -> str:
        return f"%{name}.at" if name.isascii() else f"%u{name.encode().hex()}.at"

    def let(self, kind: str, text: str) -> Term:
        return Term(self.code.let(text), kind)

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

    def as_kind(self, kind: str, term: Term) -> Term:
        """What goes where a type is declared: ints become floats there."""
        return self.floated(term) if kind == "float" else term

    def store(self, kind: str, term: Term, place: str) -> None:
        self.code.do(f"store {self.type(kind)} {self.as_kind(kind, term).text}, ptr {place}")

    def alike(self, a: Term, b: Term) -> tuple[Term, Term]:
        """Both of one kind."""
        if a.kind == b.kind:
            return a, b
        if "float" in (a.kind, b.kind):
            return self.floated(a), self.floated(b)
        return self.spread(a), self.spread(b)

    # Expressions

    def literal(self, value: bool | int | float) -> Term:
        if isinstance(value, bool):
            return Term(self.shape.all("i1", str(value).lower()), "bool")
        return (
            Term(str(value), "int") if isinstance(value, int) else Term(self.shape.constant(value), "float")
        )

    def variable(self, name: str) -> Term:
        kind = self.kernel.variables[name]
        if kind == "list":
            return Term(f"%{name}", self.list_kind(name), f"%{name}.length")
        return self.let(kind, f"load {self.type(kind)}, ptr {self.place(name)}")

    def table(self, name: str, numbers: tuple[float, ...]) -> Term:
        return Term(f"@{self.kernel.table_name(name)}", "table", str(len(numbers)))

    def list_kind(self, name: str) -> str:
        """A parameter is a list of what the shape is, or a table of numbers, the same for all lanes."""
        found = [a.annotation for a in self.kernel.tree.args.args if a.arg == name]
        return "table" if ast.unparse(found[0] or ast.Constant(None)).startswith("tuple") else "list"

    def arithmetic(self, sign: str, a: Term, b: Term) -> Term:
        a, b = self.alike(a, b)
        names = FLOATS if a.kind == "float" or sign == "/" else INTS
        if names is FLOATS:
            a, b = self.floated(a), self.floated(b)
        return self.let(a.kind, f"{names[sign]} {self.type(a.kind)} {a.text}, {b.text}")

    def negative(self, x: Term) -> Term:
        if x.kind == "float":
            return self.let("float", f"fneg {self.shape.type} {x.text}")
        zero = "0" if x.kind == "int" else "zeroinitializer"
        return self.let(x.kind, f"sub {self.type(x.kind)} {zero}, {x.text}")

    def opposite(self, x: Term) -> Term:
        return self.let("bool", f"xor {self.type('bool')} {x.text}, {self.shape.all('i1', 'true')}")

    def joined(self, word: str, terms: Sequence[Term]) -> Term:
        """All operands are computed: they have no effects."""
        result = terms[0]
        for term in terms[1:]:
            result = self.let("bool", f"{word} {self.type('bool')} {result.text}, {term.text}")
        return result

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

    def element(self, node: ast.Subscript, base: Term, index: Term) -> Term:
        if index.kind != "int":
            raise self.outside(node, "has an index that differs from lane to lane")
        if base.kind == "table":
            where = self.code.address(base.text, index.text, "double")
            return Term(self.code.splat(self.shape, self.code.let(f"load double, ptr {where}")), "float")
        where = self.code.address(base.text, index.text, self.shape.type)
        return self.let("float", f"load {self.shape.type}, ptr {where}, align 8")

    # Calls

    def length(self, node: ast.expr) -> Term:
        return Term(self.expression(node).length, "int")

    def cut(self, node: ast.Call, x: Term) -> Term:
        """What is no int64 becomes the nearest, so that no input is undefined."""
        kind = "ints" if self.shape.lanes else "int"
        suffix = f"v{self.shape.lanes}i64.v{self.shape.lanes}f64" if self.shape.lanes else "i64.f64"
        argument = f"{self.shape.type} {x.text}"
        return Term(self.code.call(self.type(kind), f"llvm.fptosi.sat.{suffix}", [argument]), kind)

    def atom(self, node: ast.Call, name: str, xs: Sequence[Term]) -> Term:
        return self.math_call(name, [self.floated(x) for x in xs])

    def math_call(self, name: str, xs: Sequence[Term]) -> Term:
        kind = self.shape.type
        if name == "isnan":
            return self.let("bool", f"fcmp uno {kind} {xs[0].text}, {xs[0].text}")
        if name == "isinf":
            size = self.math_call("fabs", xs)
            return self.compared(size, "==", self.literal(float("inf")))
        symbol = f"llvm.{name}.{self.shape.suffix}" if name in INTRINSICS else atom_name(name, self.shape)
        return Term(self.code.call(kind, symbol, [f"{kind} {x.text}" for x in xs]), "float")

    def kernel_call(self, kernel: Kernel, xs: Sequence[Term]) -> Term:
        parts = self.context()
        for x, kind in zip(xs, kernel.parameters.values(), strict=True):
            if kind == "list":
                parts += [f"ptr {x.text}", f"i64 {x.length}"]
            else:
                parts.append(f"{self.type(kind)} {self.as_kind(kind, x).text}")
        name = kernel_name(kernel, self.shape)
        return Term(self.code.call(self.type(kernel.result), name, parts), kernel.result)

    def context(self) -> list[str]:
        """What is passed on to every kernel besides its arguments."""
        return []

    def defined(self, *context: str) -> Function:
        """The function, with parameters for its context and for the arguments."""
        parameters = [
            f"ptr %{name}, i64 %{name}.length" if kind == "list" else f"{self.type(kind)} %{name}"
            for name, kind in self.kernel.parameters.items()
        ]
        alone = all(name.startswith(("llvm.", "atom.")) for name in self.code.calls)
        short = len(self.code.lines) < SHORT and alone
        attributes = "nounwind alwaysinline" if short else "nounwind"
        result, name = self.type(self.kernel.result), kernel_name(self.kernel, self.shape)
        return self.code.function(result, name, [*context, *parameters], attributes)

    def places(self) -> None:
        """A place in memory for each variable; LLVM makes registers of them."""
        for name, kind in self.kernel.variables.items():
            if kind != "list":
                self.code.do(f"{self.place(name)} = alloca {self.type(kind)}")
                start = f"%{name}" if name in self.kernel.parameters else "zeroinitializer"
                self.code.do(f"store {self.type(kind)} {start}, ptr {self.place(name)}")


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
