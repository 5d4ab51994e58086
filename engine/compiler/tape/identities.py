"""Identities of IEEE 754 arithmetic: both sides have the same bits for all floats, nan for nan.

That rules out much of algebra: x + 0.0 is not x (-0.0), x - x is not 0.0 (inf), and no sum or
product may be grouped anew. Every row is held to its word by a property test.
"""

from __future__ import annotations

import ast
from typing import Final, NamedTuple

from engine.compiler.tape.symbol import detach
from engine.node import CONSTANT
from engine.primitive import Primitive, lookup

IDENTITIES: Final = (
    ("identity(x)", "x"),  # a link of a transform
    (f"{detach.name}(x)", "x"),  # derivatives are on the tape already: nothing is left to stop
    ("where(x)", "x"),  # the arm that an eager condition took
    ("mul(x, 1.0)", "x"),  # x 1 = x
    ("mul(1.0, x)", "x"),  # 1 x = x
    ("mul(x, -1.0)", "neg(x)"),  # x (-1) = -x
    ("mul(-1.0, x)", "neg(x)"),  # (-1) x = -x
    ("div(x, 1.0)", "x"),  # x / 1 = x
    ("div(x, -1.0)", "neg(x)"),  # x / (-1) = -x
    ("add(x, -0.0)", "x"),  # x + (-0) = x, also for x = -0
    ("add(-0.0, x)", "x"),  # (-0) + x = x
    ("sub(x, 0.0)", "x"),  # x - 0 = x, also for x = -0
    ("sub(-0.0, x)", "neg(x)"),  # (-0) - x = -x
    ("neg(neg(x))", "x"),  # -(-x) = x
    ("add(x, neg(y))", "sub(x, y)"),  # x + (-y) = x - y
    ("add(neg(x), y)", "sub(y, x)"),  # (-x) + y = y - x
    ("sub(x, neg(y))", "add(x, y)"),  # x - (-y) = x + y
    ("mul(neg(x), y)", "neg(mul(x, y))"),  # (-x) y = -(x y): rounding is symmetric
    ("mul(x, neg(y))", "neg(mul(x, y))"),  # x (-y) = -(x y)
    ("div(neg(x), y)", "neg(div(x, y))"),  # (-x) / y = -(x / y)
    ("div(x, neg(y))", "neg(div(x, y))"),  # x / (-y) = -(x / y)
    ("square(neg(x))", "square(x)"),  # (-x)^2 = x^2
    ("abs(neg(x))", "abs(x)"),  # |-x| = |x|
    ("abs(abs(x))", "abs(x)"),  # ||x|| = |x|
    ("relu(relu(x))", "relu(x)"),  # what is not negative stays
    ("power_term(0.0, x, y, z, c)", "0.0"),  # c = 0 wins over inf
    ("power_slope(x, 1.0)", "1.0"),  # whole small exponents multiply
    ("power_slope(x, 2.0)", "mul(2.0, x)"),
    ("power_slope(x, 3.0)", "mul(mul(3.0, x), x)"),
    ("power_slope(x, 4.0)", "mul(mul(mul(4.0, x), x), x)"),
    ("power_term(2.0, x, 2.0, 2.0, 0.0)", "2.0"),
    ("power_term(6.0, x, 3.0, 2.0, 0.0)", "mul(6.0, x)"),
    ("power_term(6.0, x, 3.0, 3.0, 0.0)", "6.0"),
    ("power_term(12.0, x, 4.0, 2.0, 0.0)", "mul(mul(12.0, x), x)"),
    ("power_term(24.0, x, 4.0, 3.0, 0.0)", "mul(24.0, x)"),
    ("power_term(24.0, x, 4.0, 4.0, 0.0)", "24.0"),
    ("select(1.0, x, y)", "x"),  # true
    ("select(0.0, x, y)", "y"),  # false
    ("select(c, x, x)", "x"),  # both arms are one
    ("select(b, b, x)", "select(b, 1.0, x)"),  # b is 0 or 1: what a comparison says
    ("select(b, x, b)", "select(b, x, 0.0)"),
    ("select(b, 1.0, 0.0)", "b"),
    ("select(select(c, 0.0, 1.0), x, y)", "select(c, y, x)"),  # not c
    ("select(select(c, 1.0, 0.0), x, y)", "select(c, x, y)"),  # c
    ("select(c, select(c, x, y), z)", "select(c, x, z)"),  # c holds inside its own arm
    ("select(c, x, select(c, y, z))", "select(c, x, z)"),  # and does not in the other
)


class Pattern(NamedTuple):
    """One side of an identity: a row with operands, each a variable, a number or a pattern."""

    primitive: Primitive
    operands: tuple[Pattern | str | float, ...]


Side = Pattern | str | float
Rule = tuple[Pattern, Side]


class Rules(NamedTuple):
    """The identities of a row: those that may always fit, and for each operand those for a row that it is."""

    general: list[Rule]
    by_operand: list[dict[Primitive, list[Rule]]]


def parsed(text: str) -> Side:
    """An identity's side as data."""
    return side(ast.parse(text, mode="eval").body)


def side(node: ast.expr) -> Side:
    if isinstance(node, ast.Call):
        return Pattern(lookup(ast.unparse(node.func)), tuple(side(argument) for argument in node.args))
    return node.id if isinstance(node, ast.Name) else float(ast.literal_eval(node))


def place(pattern: Pattern) -> tuple[int, Primitive] | None:
    """Where to look an identity up: its first operand that is no variable."""
    for i, operand in enumerate(pattern.operands):
        if not isinstance(operand, str):
            return i, operand.primitive if isinstance(operand, Pattern) else CONSTANT
    return None


def indexed() -> dict[Primitive, Rules]:
    table: dict[Primitive, Rules] = {}
    for left, right in IDENTITIES:
        pattern = parsed(left)
        assert isinstance(pattern, Pattern)
        rules = table.setdefault(pattern.primitive, Rules([], [{} for _ in pattern.operands]))
        where = place(pattern)
        found = rules.general if where is None else rules.by_operand[where[0]].setdefault(where[1], [])
        found.append((pattern, parsed(right)))
    return table


RULES: Final = indexed()


def same_bits(x: float, y: float) -> bool:
    return x == y and str(x)[0] == str(y)[0]
