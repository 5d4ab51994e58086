"""Kernels lowered to a graph of selects of basic rows, for targets that have no branches.

Both sides of every branch are computed, and one of them is selected; a loop stands there once for each of its
rounds. What is known when a graph is made (constant operands, the length of a list) is computed at once. The
graph has the numbers of its kernel, to the bit but for erfc; to be differentiated, a row has its partials.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Sequence
from functools import partial
from math import inf
from typing import Any, Final, NamedTuple, final

from engine import primitives as p
from engine.compiler.errors import Untranslatable
from engine.compiler.kernels import error_function
from engine.compiler.kernels.atoms import OURS
from engine.compiler.kernels.definition import Kernel, is_atom, kernel_of, lacking
from engine.compiler.kernels.walker import Walker
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.symbol import applied
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import trace
from engine.kernels import special
from engine.node import Node
from engine.primitive import TABLE, Primitive
from engine.value import constant

OPERATIONS: Final = {"+": p.add, "-": p.sub, "*": p.mul, "/": p.div}
COMPARISONS: Final = {"<": p.less, "<=": p.less_equal, ">": p.greater, ">=": p.greater_equal}
# The engine's own takes four times as many operations, to be right to 1 ulp instead of 3
SHORTER: Final[dict[Callable[..., Any], Callable[..., float]]] = {special.erfc: error_function.erfc}
LARGEST: Final = 1000  # rounds of a loop


class Choice(NamedTuple):
    """An int that is one of two, as data decide."""

    test: Node
    yes: int
    no: int


Operand = Any  # a Node, a Choice, a list of operands; or what is known: a number, a truth value, a table


@final
class Target:
    """A place for graphs, which has some of the rows: all others are their kernels."""

    def __init__(self, available: Container[str]) -> None:
        self.rows: dict[Callable[..., float], Primitive] = {}
        for row in TABLE.values():
            if row.key in available and not is_atom(row.value):
                self.rows.setdefault(row.value, row)
        self.available = available

    def row(self, primitive: Primitive, xs: Sequence[Operand]) -> Operand:
        """A row by what the target has. Raises Untranslatable."""
        if primitive.key in self.available:
            return record(primitive, *xs)
        if primitive.foreign:
            raise Untranslatable("a Python function of yours")
        if is_atom(primitive.value):
            return self.atom(primitive.value.__name__, xs)
        arguments = [list(xs)] if primitive.gradient is not None else xs
        return self.kernel(kernel_of(primitive.value), arguments, ())

    def atom(self, name: str, xs: Sequence[Operand], callers: tuple[Kernel, ...] = ()) -> Operand:
        if name in self.available and name in TABLE:
            return record(TABLE[name], *xs)
        if name in OURS:
            return self.kernel(kernel_of(OURS[name]), xs, callers)
        raise Untranslatable(f"needs {name} of math")

    def kernel(self, kernel: Kernel, xs: Sequence[Operand], callers: tuple[Kernel, ...]) -> Operand:
        """What a kernel gives for these operands."""
        if kernel in callers:
            raise kernel.refusal(kernel.tree, "calls itself")
        kernel = kernel_of(SHORTER.get(kernel.function, kernel.function))
        return Lowering(kernel, self, (*callers, kernel)).result(xs)


class Lowering(Walker[Operand]):
    """One kernel at given operands. `environment` has its variables, `returned` what it gave, if it has."""

    def __init__(self, kernel: Kernel, target: Target, callers: tuple[Kernel, ...]) -> None:
        super().__init__(kernel)
        self.target = target
        self.callers = callers
        self.environment: dict[str, Operand] = {}
        self.returned: Operand = None

    def result(self, xs: Sequence[Operand]) -> Operand:
        self.environment = dict(zip(self.kernel.parameters, xs, strict=True))
        self.block(self.kernel.tree.body)
        return self.returned

    # Statements

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """What follows a branch that may return belongs to the side that does not."""
        for i, node in enumerate(statements):
            if self.returned is not None:
                return
            if isinstance(node, ast.If) and returns(node):
                rest = statements[i + 1 :]
                self.branch(node.test, [*node.body, *rest], [*node.orelse, *rest])
                return
            self.statement(node)

    def give(self, value: Operand) -> None:
        self.returned = value

    def assign(self, name: str, value: Operand) -> None:
        self.environment[name] = value

    def conditional(self, node: ast.If) -> None:
        self.branch(node.test, node.body, node.orelse)

    def branch(self, test: ast.expr, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        condition = self.expression(test)
        if isinstance(condition, Node):
            self.fork(condition, body, orelse)
        else:
            self.block(body if condition else orelse)

    def fork(self, test: Node, body: Sequence[ast.stmt], orelse: Sequence[ast.stmt]) -> None:
        """Both sides; a variable that only one of them knows is not read after them."""
        before = self.environment
        sides = []
        for statements in (body, orelse):
            self.environment, self.returned = dict(before), None
            self.block(statements)
            sides.append((self.environment, self.returned))
        (left, a), (right, b) = sides
        self.environment = {name: select(test, left[name], right[name]) for name in left if name in right}
        self.returned = None if a is None or b is None else select(test, a, b)

    def loop(self, node: ast.While) -> None:
        rounds = 0
        while self.decided(node.test, "goes on as long as data say"):
            self.once(node)
            rounds += 1
            if rounds > LARGEST:
                raise self.outside(node, f"takes more than {LARGEST} rounds")

    def decided(self, test: ast.expr, what: str) -> bool:
        condition = self.expression(test)
        if isinstance(condition, Node):
            raise self.outside(test, what)
        return bool(condition)

    def once(self, node: ast.For | ast.While) -> None:
        if returns(node):
            raise self.outside(node, "returns out of a loop")
        self.block(node.body)

    def counted(self, node: ast.For, name: str, start: Operand, stop: Operand) -> None:
        if isinstance(start, Node | Choice) or isinstance(stop, Node):
            raise self.outside(node.iter, "takes as many rounds as data say")
        for i in range(start, max(stop[1:]) if isinstance(stop, Choice) else stop):
            self.environment[name] = i
            going = compared(i, "<", stop)
            if isinstance(going, Node):
                self.fork(going, node.body, [])
            else:
                self.once(node)

    # Expressions

    def literal(self, value: bool | int | float) -> Operand:
        return value

    def variable(self, name: str) -> Operand:
        return self.environment[name]

    def table(self, name: str, numbers: tuple[float, ...]) -> Operand:
        return numbers

    def arithmetic(self, sign: str, a: Operand, b: Operand) -> Operand:
        if isinstance(a, int) and isinstance(b, int) and sign != "/":
            return {"+": a + b, "-": a - b, "*": a * b}[sign] if sign != "//" else a // b
        return record(OPERATIONS[sign], a, b)

    def negative(self, x: Operand) -> Operand:
        return -x if isinstance(x, int) else record(p.neg, x)

    def opposite(self, x: Operand) -> Operand:
        return opposite(x)

    def joined(self, word: str, terms: Sequence[Operand]) -> Operand:
        result = terms[0]
        for term in terms[1:]:
            result = select(result, term, False) if word == "and" else select(result, True, term)
        return result

    def compared(self, a: Operand, sign: str, b: Operand) -> Operand:
        return compared(a, sign, b)

    def choice(self, node: ast.IfExp) -> Operand:
        test = self.expression(node.test)
        if not isinstance(test, Node):
            return self.expression(node.body if test else node.orelse)
        a, b = self.expression(node.body), self.expression(node.orelse)
        return Choice(test, a, b) if isinstance(a, int) and isinstance(b, int) else select(test, a, b)

    def element(self, node: ast.Subscript, base: Operand, index: Operand) -> Operand:
        if not isinstance(index, int):
            raise self.outside(node, "is an element that data choose")
        return base[index]

    def length(self, node: ast.expr) -> Operand:
        return len(self.expression(node))

    def floated(self, x: Operand) -> Operand:
        return as_operand(x)

    def cut(self, node: ast.Call, x: Operand) -> Operand:
        if isinstance(x, Node):
            raise self.outside(node, "is an int that data decide")
        return int(x)

    def atom(self, node: ast.Call, name: str, xs: Sequence[Operand]) -> Operand:
        if name == "fabs":
            return record(p.abs, *xs)
        if name == "isnan":
            return compared(xs[0], "!=", xs[0])
        if name == "isinf":
            return compared(record(p.abs, *xs), "==", inf)
        try:
            return self.target.atom(name, xs, self.callers)
        except Untranslatable as error:
            raise self.outside(node, str(error)) from None

    def kernel_call(self, kernel: Kernel, xs: Sequence[Operand]) -> Operand:
        row = self.target.rows.get(kernel.function)
        if row is not None:
            return record(row, *(xs[0] if row.gradient is not None else xs))
        return self.target.kernel(kernel, xs, self.callers)


def returns(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Return) for part in ast.walk(node))


def as_operand(x: Operand) -> Operand:
    """A Node, or what is known as a float."""
    if isinstance(x, Choice):
        return select(x.test, float(x.yes), float(x.no))
    return x if isinstance(x, Node) else float(x)


def record(row: Primitive, *xs: Operand) -> Operand:
    """A row at operands: a number if all are known."""
    operands = [as_operand(x) for x in xs]
    if not any(isinstance(x, Node) for x in operands):
        return row.evaluate(operands)
    return applied(row, as_nodes(operands))


def as_nodes(xs: Sequence[Operand]) -> list[Node]:
    return [x if isinstance(x, Node) else constant(x) for x in xs]


def select(test: Operand, a: Operand, b: Operand) -> Operand:
    if not isinstance(test, Node):
        return a if test else b
    return a if a is b else record(p.select, test, a, b)


def opposite(x: Operand) -> Operand:
    return select(x, False, True)


def compared(a: Operand, sign: str, b: Operand) -> Operand:
    if isinstance(b, Choice):
        yes, no = compared(a, sign, b.yes), compared(a, sign, b.no)
        return yes if yes == no else select(b.test, yes, no)
    if sign == "!=":
        return opposite(compared(a, "==", b))
    if sign == "==":
        low = compared(a, "<=", b)
        return low if a is b else select(low, compared(a, ">=", b), False)
    result = record(COMPARISONS[sign], a, b)
    return result if isinstance(result, Node) else result != 0.0


def lowered(tape: Tape, available: Container[str], target: str) -> Tape:
    """The tape in terms of the rows that a target has. Raises Untranslatable, with all that is missing."""
    missing: dict[str, str] = {}
    result = simplified(trace(partial(rewritten, tape, Target(available), missing), tape.inputs))
    if missing:
        raise lacking(missing, target)
    return result


def rewritten(tape: Tape, target: Target, missing: dict[str, str], inputs: Sequence[Any]) -> list[Any]:
    """The tape recorded again, with kernels in place of the rows that are not available."""

    def apply(primitive: Primitive, xs: list[Any]) -> Any:
        try:
            return target.row(primitive, xs)
        except Untranslatable as error:
            missing[primitive.name] = str(error)
            return applied(primitive, as_nodes(xs))

    return tape.run(inputs, apply)
