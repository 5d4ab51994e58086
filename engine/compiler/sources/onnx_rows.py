"""Rows as nodes of ONNX: one operator, or what their kernels are lowered to, as a function of the model.

Operators that are only good in single precision are left out: ONNX Runtime 1.32 has no other Tan, Asin, Sinh,
Erf, Softplus ..., its Sigmoid cancels, and Erf of ONNX's own evaluator is right to 7 digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from ctypes import c_float
from functools import cache
from typing import Any, Final, final

from engine.compiler.kernels.lowering import lowered
from engine.compiler.tape.names import unused
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import trace
from engine.primitive import TABLE, Primitive

OPSET: Final = 22  # not the newest, which ONNX Runtime 1.32 refuses
DOMAIN: Final = "chainrule"  # of the functions
INLINE: Final = 6  # operations: what takes no more of them is no function
COMPARISONS: Final = {
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
}
OPERATORS: Final = {
    "sub": "Sub",
    "mul": "Mul",
    "add": "Add",
    "div": "Div",
    "neg": "Neg",
    "reciprocal": "Reciprocal",
    "pow": "Pow",
    "shift": "Max",
    "fmod": "Mod",
} | {name: name.capitalize() for name in "abs floor ceil round exp log sqrt sin cos tanh relu".split()}
NATIVE: Final = {"select", "sum", "dot", *COMPARISONS, *OPERATORS}


@final
class Term:
    """A value in a graph: a number or a truth value; the other one is made where it is asked for.

    known    what a constant is
    mapped   whether it differs from example to example
    """

    def __init__(
        self,
        nodes: Nodes,
        number: str = "",
        truth: str = "",
        known: float | None = None,
        mapped: bool = False,
    ) -> None:
        self.nodes = nodes
        self.names = [number, truth]
        self.is_truth = bool(truth)
        self.known = known
        self.mapped = mapped

    def number(self) -> str:
        return self.named(0, self.nodes.kind)

    def truth(self) -> str:
        return self.named(1, self.nodes.types.BOOL)

    def named(self, i: int, kind: int) -> str:
        self.names[i] = self.names[i] or self.nodes.node("Cast", self.names[1 - i], to=kind)
        return self.names[i]

    def double(self, nodes: Nodes) -> Term:
        """The same among nodes in float64."""
        if self.known is not None:
            return nodes.constant(self.known)
        return Term(nodes, nodes.node("Cast", self.number(), to=nodes.kind), mapped=self.mapped)


@cache
def body(row: Primitive, known: tuple[float | None, ...]) -> Tape:
    """A row by its kernel, of operands some of which are known."""
    names = [f"x{i}" for i in range(len(known))]
    tape = trace(lambda xs: [row(*[x if k is None else k for x, k in zip(xs, known, strict=True)])], names)
    # Of many operands nothing is a function: softmax shares what its components have in common
    functions = {name for name, each in TABLE.items() if each.gradient is None}
    return lowered(tape, (NATIVE | functions) - {row.key}, "ONNX")


@final
class Functions:
    """The functions of a model: each is made once, behind those that it calls."""

    def __init__(self, onnx: Any) -> None:
        self.onnx = onnx
        self.protos: list[Any] = []
        self.names: dict[Tape, str] = {}

    def name(self, row: Primitive, body: Tape) -> str:
        """The function of that body."""
        if body not in self.names:
            nodes = Nodes(self, "v", self.onnx.TensorProto.DOUBLE)
            (result,) = nodes.tape(body, [Term(nodes, x) for x in body.inputs])
            output = result.number()
            safe = row.name if row.name.isascii() and row.name.isidentifier() else "row"
            name = self.names[body] = unused(safe, self.names.values())
            made = (DOMAIN, name, body.inputs, [output], nodes.made, self.opsets())
            self.protos.append(self.onnx.helper.make_function(*made))
        return self.names[body]

    def opsets(self) -> list[Any]:
        opsets = {"": OPSET} | ({DOMAIN: 1} if self.protos else {})
        return [self.onnx.helper.make_opsetid(domain, version) for domain, version in opsets.items()]


@final
class Nodes:
    """Nodes in the order in which they are made, of a graph or of a function, and what type numbers have."""

    def __init__(self, functions: Functions, stem: str, kind: int) -> None:
        self.functions = functions
        self.stem = stem
        self.kind = kind
        self.types = functions.onnx.TensorProto
        self.made: list[Any] = []
        self.known: dict[str, str] = {}

    def node(self, operator: str, *names: str, output: str = "", **attributes: Any) -> str:
        """The name of what an operator makes of named values; what is there already is not made again."""
        key = repr((operator, sorted(names) if operator == "Max" else names, attributes))
        if output or key not in self.known:
            self.known[key] = output or f"{self.stem}{len(self.made)}"
            make = self.functions.onnx.helper.make_node
            self.made.append(make(operator, names, [self.known[key]], **attributes))
        return self.known[key]

    def tensor(self, kind: int, numbers: Sequence[float], shape: Sequence[int]) -> str:
        return self.node("Constant", value=self.functions.onnx.helper.make_tensor("", kind, shape, numbers))

    def index(self, k: int) -> str:
        return self.tensor(self.types.INT64, [k], ())

    def indices(self, *ks: int) -> str:
        return self.tensor(self.types.INT64, ks, (len(ks),))

    def constant(self, x: float) -> Term:
        rounded = x if self.kind == self.types.DOUBLE else c_float(x).value
        return Term(self, self.tensor(self.kind, [rounded], ()), known=x)

    def tape(self, tape: Tape, inputs: Sequence[Term]) -> list[Term]:
        """The outputs of a tape."""
        return tape.run(inputs, self.row, self.constant)

    def row(self, row: Primitive, xs: list[Term]) -> Term:
        mapped = any(x.mapped for x in xs)
        if row.key == "select":
            return self.select(xs, mapped)
        names = [x.number() for x in xs]
        if row.key in COMPARISONS:
            return Term(self, truth=self.node(COMPARISONS[row.key], *names), mapped=mapped)
        if row.key == "dot":
            half = len(xs) // 2
            names = [self.node("Mul", *pair) for pair in zip(names[:half], names[half:], strict=True)]
        if row.key in ("dot", "sum"):
            return Term(self, self.node("Sum", self.constant(0.0).number(), *names), mapped=mapped)
        if row.key in OPERATORS:
            attributes: dict[str, Any] = {"fmod": 1} if row.key == "fmod" else {}
            return Term(self, self.node(OPERATORS[row.key], *names, **attributes), mapped=mapped)
        return Term(self, self.by_kernel(row, xs), mapped=mapped)

    def select(self, xs: Sequence[Term], mapped: bool) -> Term:
        """A choice, or what it means for truth values."""
        test, a, b = xs
        if a.is_truth and repr(b.known) == "0.0":
            return Term(self, truth=self.node("And", test.truth(), a.truth()), mapped=mapped)
        if b.is_truth and a.known == 1.0:
            return Term(self, truth=self.node("Or", test.truth(), b.truth()), mapped=mapped)
        if b.known == 1.0 and repr(a.known) == "0.0":
            return Term(self, truth=self.node("Not", test.truth()), mapped=mapped)
        return Term(self, self.node("Where", test.truth(), a.number(), b.number()), mapped=mapped)

    def by_kernel(self, row: Primitive, xs: Sequence[Term]) -> str:
        """A row that is no operator. Its kernel computes in float64: its constants mean that."""
        if self.kind != self.types.DOUBLE:
            inner = copy(self)
            inner.kind = self.types.DOUBLE
            return self.node("Cast", inner.by_kernel(row, [x.double(inner) for x in xs]), to=self.kind)
        # Orders, such as that of a derivative, say how often a loop goes round
        domain = row.domain if row.gradient is None else row.domain * len(xs)
        lines = body(
            row, tuple([x.known if each.whole else None for x, each in zip(xs, domain, strict=True)])
        )
        if row.gradient is not None or len(lines) - len(xs) <= INLINE:
            return self.tape(lines, xs)[0].number()
        return self.node(self.functions.name(row, lines), *[x.number() for x in xs], domain=DOMAIN)
