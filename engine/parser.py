"""Expressions typed by hand. Python's own parser reads them; what they mean is looked up in the table of
primitives, so that nothing else can ever be called."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, Final

from engine import functions
from engine import primitives as p
from engine.value import Value, constant

CONSTANTS: Final = {"pi": math.pi, "e": math.e, "tau": math.tau, "inf": math.inf, "nan": math.nan}
FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    **{name: getattr(p, name) for name in p.__all__},
    **{name: getattr(functions, name) for name in functions.__all__ if name != "isclose"},
}
# Also written without a list: max(x, y) is max([x, y])
SPREAD: Final = frozenset(["max", "mean", "min", "prod", "sum", "norm", "logsumexp"])
OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: p.add,
    ast.Sub: p.sub,
    ast.Mult: p.mul,
    ast.Div: p.div,
    ast.FloorDiv: p.floordiv,
    ast.Mod: p.mod,
    ast.Pow: p.pow,
    ast.USub: p.neg,
    ast.UAdd: lambda x: x,
    ast.Lt: lambda x, y: x < y,
    ast.LtE: lambda x, y: x <= y,
    ast.Gt: lambda x, y: x > y,
    ast.GtE: lambda x, y: x >= y,
}
HINTS: Final[dict[type[ast.expr], str]] = {
    ast.Compare: "compare two numbers at a time",
    ast.Attribute: "a name has no parts here",
    ast.Call: "only the functions of the engine can be called",
    ast.IfExp: "a choice is written where(condition, a, b)",
}
LENGTH: Final = 100_000  # characters that are read at all
STRANGE: Final = re.compile("[\0\ud800-\udfff]")  # Python's parser cannot even look at these
WIDTH: Final = 60  # characters of the expression that an error shows


class ParseError(ValueError):
    """What was typed is no expression of numbers, names and functions of the table.

    `position` is the place in the text, counted from 0.
    """

    def __init__(self, reason: str, text: str, position: int) -> None:
        self.reason, self.text = reason, text
        self.position = min(max(position, 0), len(text))
        begin = max(0, min(self.position - WIDTH // 2, len(text) - WIDTH))
        shown = "".join(c if c.isprintable() else "?" for c in text[begin : begin + WIDTH])
        marker = " " * (self.position - begin) + "^"
        super().__init__(f"{reason}, at character {self.position + 1}\n    {shown}\n    {marker}")

    def __reduce__(self) -> Any:
        return ParseError, (self.reason, self.text, self.position)


def parse(text: str, /, **names: object) -> Value:
    """The graph of an expression: `parse("x**2 + sin(x*y)", x=2, y=3)`.

    Numbers, the names given, + - * / // % **, comparisons inside `where`, brackets, the functions of
    the engine, pi, e, tau, inf and nan. Names are numbers, which become labelled leaves, or Values,
    which are taken as they are. Raises ParseError, which shows the place, for anything else.
    """
    return evaluate(text, {name: leaf(name, x) for name, x in names.items()})


def leaf(name: str, x: object) -> Value:
    return x if isinstance(x, Value) else Value(x, name)


def evaluate(text: str, names: Mapping[str, Value]) -> Value:
    """As `parse`, with Values for all names."""
    if not isinstance(text, str):
        raise TypeError(f"parse takes the text of an expression, got {type(text).__name__}")
    result = Reader(text, names).read()
    if isinstance(result, (list, bool, str)):
        kind = {list: "a list", bool: "a comparison", str: "a text"}[type(result)]
        raise ParseError(f"an expression is one number, this is {kind}", text, 0)
    return result if isinstance(result, Value) else constant(result)


def tree(text: str) -> ast.expr:
    """Python's reading of the text, all in one line. Raises ParseError."""
    line = text.replace("\n", " ").replace("\r", " ")
    stripped = line.lstrip()
    lead = len(line) - len(stripped)
    if not stripped:
        raise ParseError("an expression is needed, got nothing", text, 0)
    if len(text) > LENGTH:
        raise ParseError(f"an expression has up to {LENGTH:,} characters, got {len(text):,}", text, LENGTH)
    strange = STRANGE.search(line)
    if strange:
        raise ParseError(f"{strange[0]!r} cannot stand in an expression", text, strange.start())
    try:
        return ast.parse(stripped, mode="eval").body
    except SyntaxError as error:
        place = lead + error.offset - 1 if error.offset else len(text.rstrip())
        digits = error.msg.startswith("Exceeds the limit")
        reason = "a number has too many digits" if digits else f"this cannot be read: {error.msg}"
        raise ParseError(reason, text, place) from None
    except (RecursionError, MemoryError):
        raise ParseError("this is nested too deeply", text, deepest(text)) from None


def deepest(text: str) -> int:
    """Where the most brackets are open."""
    depth, most, place = 0, 0, 0
    for i, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if depth > most:
            most, place = depth, i
    return place


class Reader:
    """Evaluates a tree with a stack of its own: an expression may be as deep as Python's parser lets it."""

    def __init__(self, text: str, names: Mapping[str, Value]) -> None:
        self.text = text
        self.names = names
        self.results: list[Any] = []

    def read(self) -> Any:
        pending: list[tuple[ast.expr, bool]] = [(tree(self.text), False)]
        while pending:
            node, ready = pending.pop()
            if ready:
                self.results.append(self.value(node))
            else:
                pending.append((node, True))
                pending.extend((child, False) for child in reversed(self.children(node)))
        return self.results.pop()

    def children(self, node: ast.expr) -> list[ast.expr]:
        """What has to be evaluated before a node. Raises ParseError for what is not allowed."""
        match node:
            case ast.BinOp(left, _, right):
                return [left, right]
            case ast.UnaryOp(_, operand):
                return [operand]
            case ast.Compare(left, [_], [right]):
                return [left, right]
            case ast.List(items) | ast.Tuple(items):
                return items
            case ast.Call(ast.Name(name), arguments, keywords):
                self.function(node, name)
                return arguments + [keyword.value for keyword in keywords]
            case ast.Constant() | ast.Name():
                return []
        reason = HINTS.get(type(node), f"{type(node).__name__} is not part of an expression")
        raise self.error(reason, node)

    def value(self, node: ast.expr) -> Any:
        """The value of a node whose children stand on the stack."""
        count = len(self.children(node))
        operands = self.results[len(self.results) - count :]
        del self.results[len(self.results) - count :]
        match node:
            case ast.BinOp(_, operator, _) | ast.UnaryOp(operator, _) | ast.Compare(_, [operator], _):
                return self.apply(node, operator, operands)
            case ast.List() | ast.Tuple():
                return operands
            case ast.Call(ast.Name(name), arguments, keywords):
                return self.call(node, name, operands[: len(arguments)], keywords, operands[len(arguments) :])
            case ast.Constant(number):
                return self.number(node, number)
            case ast.Name(name):
                return self.value_of(node, name)
        raise AssertionError(node)

    def apply(self, node: ast.expr, operator: ast.AST, operands: list[Any]) -> Any:
        function = OPERATORS.get(type(operator))
        if function is None:
            power = isinstance(operator, ast.BitXor)
            name = "^ is no operator here: a power is x ** y" if power else type(operator).__name__
            raise self.error(name if power else f"the operator {name} is not known here", node)
        if any(isinstance(operand, (list, bool, str)) for operand in operands):
            raise self.error("an operator takes numbers", node)
        return function(*operands)

    def call(
        self, node: ast.Call, name: str, operands: list[Any], keywords: list[ast.keyword], options: list[Any]
    ) -> Any:
        function = self.function(node, name)
        if name in SPREAD and not any(isinstance(operand, list) for operand in operands):
            operands = [operands]
        given = {keyword.arg or "**": option for keyword, option in zip(keywords, options, strict=True)}
        try:
            return function(*operands, **given)
        except (TypeError, ValueError, IndexError) as error:
            reason = str(error) if name in str(error) else f"{name}: {error}"
            raise self.error(reason, node) from None

    def function(self, node: ast.expr, name: str) -> Callable[..., Any]:
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        known = name in self.names or name in CONSTANTS
        hint = ": it is a number" if known else near(name, FUNCTIONS)
        raise self.error(f"there is no function {name!r:.40}{hint}", node)

    def number(self, node: ast.expr, number: object) -> Any:
        if isinstance(number, str) and number == "tanh":  # gelu(x, "tanh")
            return number
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise self.error(f"{number!r:.40} is not a real number", node)
        try:
            return float(number)
        except OverflowError:
            raise self.error("this number is too large: write it with an exponent", node) from None

    def value_of(self, node: ast.expr, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        if name in FUNCTIONS:
            raise self.error(f"{name} is a function: write {name}(...)", node)
        raise self.error(f"{name!r:.40} has no value: give it one, {name[:20]}=...", node)

    def error(self, reason: str, node: ast.expr) -> ParseError:
        """The error at the place of a node; Python counts its columns in bytes."""
        lead = len(self.text) - len(self.text.lstrip())
        line = self.text.lstrip().encode("utf-8", "surrogatepass")
        column = len(line[: node.col_offset].decode("utf-8", "replace"))
        return ParseError(reason, self.text, lead + column)


def near(name: str, known: Mapping[str, object]) -> str:
    found = get_close_matches(name, known, 1)
    return f": did you mean {found[0]}?" if found else ""
