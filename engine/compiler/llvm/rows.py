"""Rows that are an instruction or a few of them, spelled out: all others are calls of their kernels.

Each gives its kernel's bits, on numbers and on lanes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from engine.compiler.llvm.code import PREDICATES, Code, Shape

Row = Callable[["Slots", Sequence[str]], str]


class Slots:
    """Instructions on slots of one shape; `flags` let LLVM regroup and contract, if they were asked for."""

    def __init__(self, code: Code, shape: Shape, fast: bool) -> None:
        self.code = code
        self.shape = shape
        self.flags = "reassoc nsz arcp contract " if fast else ""

    def binary(self, name: str, x: str, y: str) -> str:
        return self.code.let(f"{name} {self.flags}{self.shape.type} {x}, {y}")

    def compare(self, sign: str, x: str, y: str) -> str:
        return self.code.let(f"fcmp {PREDICATES[sign]} {self.shape.type} {x}, {y}")

    def select(self, test: str, x: str, y: str) -> str:
        kind = self.shape.type
        return self.code.let(f"select {self.shape.of('i1')} {test}, {kind} {x}, {kind} {y}")

    def intrinsic(self, name: str, x: str) -> str:
        kind = self.shape.type
        return self.code.call(kind, f"llvm.{name}.{self.shape.suffix}", [f"{kind} {x}"])

    def constant(self, x: float) -> str:
        return self.shape.constant(x)


def binary(name: str) -> Row:
    return lambda slots, xs: slots.binary(name, xs[0], xs[1])


def comparison(sign: str) -> Row:
    def truth(slots: Slots, xs: Sequence[str]) -> str:
        return slots.select(slots.compare(sign, xs[0], xs[1]), slots.constant(1.0), slots.constant(0.0))

    return truth


def relu(slots: Slots, xs: Sequence[str]) -> str:
    return slots.select(slots.compare("<=", xs[0], slots.constant(0.0)), slots.constant(0.0), xs[0])


def step(slots: Slots, xs: Sequence[str]) -> str:
    test = slots.compare("<=", xs[0], slots.constant(0.0))
    return slots.select(test, slots.constant(0.0), slots.constant(1.0))


def select(slots: Slots, xs: Sequence[str]) -> str:
    return slots.select(slots.compare("!=", xs[0], slots.constant(0.0)), xs[1], xs[2])


def total(slots: Slots, xs: Sequence[str]) -> str:
    """From left to right, from 0.0 on: it turns a first -0.0 into 0.0."""
    result = slots.constant(0.0)
    for x in xs:
        result = slots.binary("fadd", result, x)
    return result


def mean(slots: Slots, xs: Sequence[str]) -> str:
    return slots.binary("fdiv", total(slots, xs), slots.constant(float(len(xs))))


def dot(slots: Slots, xs: Sequence[str]) -> str:
    half = len(xs) // 2
    return total(slots, [slots.binary("fmul", x, y) for x, y in zip(xs[:half], xs[half:], strict=True)])


ROWS: Final[dict[str, Row]] = {
    "add": binary("fadd"),
    "sub": binary("fsub"),
    "mul": binary("fmul"),
    "div": binary("fdiv"),
    "neg": lambda slots, xs: slots.code.let(f"fneg {slots.shape.type} {xs[0]}"),
    "square": lambda slots, xs: slots.binary("fmul", xs[0], xs[0]),
    "reciprocal": lambda slots, xs: slots.binary("fdiv", slots.constant(1.0), xs[0]),
    "abs": lambda slots, xs: slots.intrinsic("fabs", xs[0]),
    "sqrt": lambda slots, xs: slots.intrinsic("sqrt", xs[0]),
    "identity": lambda slots, xs: xs[0],
    "detach": lambda slots, xs: xs[0],
    "less": comparison("<"),
    "less_equal": comparison("<="),
    "greater": comparison(">"),
    "greater_equal": comparison(">="),
    "equal": comparison("=="),
    "relu": relu,
    "step": step,
    "select": select,
    "sum": total,
    "mean": mean,
    "dot": dot,
}
