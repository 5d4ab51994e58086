"""Expressions as text, from the notation in the rows of the table. Only formulas nest, a few deep."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from engine.modes import recording
from engine.node import Node
from engine.order import nodes_in_order
from engine.primitive import ATOM, Primitive, as_float
from engine.primitives.row import POWER, SIGN
from engine.text import clean
from engine.value import Value

CALL: Final = re.compile(r"\w+\(.*\)(\[0\])?")
MINUS: Final = "\N{MINUS SIGN}"
PRINTED: Final = ((" ** ", "^"), (" * ", " \N{DOT OPERATOR} "), ("-", MINUS))
T = TypeVar("T")
NEUTRAL: Final = {"add": 0.0, "sub": 0.0, "mul": 1.0, "pow": 1.0}  # on the right
SLOT: Final = re.compile(r"\{(\d+|\*|left|right)\}")
OPENING: Final = ("{", "(", "[", "|", ", ")
CLOSING: Final = ("}", ")", "]", "|", ",", r"\right")


class Text(NamedTuple):
    """A piece of an expression, how tightly it binds, and the number if it is no more than one."""

    text: str
    precedence: int = ATOM
    number: float | None = None


class Notation:
    """How to write numbers, names and applications. This one is Python's, ready to be pasted."""

    brackets = "(", ")"
    most = 1_000_000  # operands in a list that are all written
    limit = 200  # characters; of what would be longer, the parts are called by their names

    def number(self, x: float) -> Text:
        """Whole numbers without a point, everything else as `repr`."""
        text = str(int(x)) if x.is_integer() and math.fabs(x) < 1e16 else repr(x)
        return Text(text, SIGN if text.startswith("-") else ATOM, x)

    def name(self, label: str) -> str:
        return label

    def template(self, primitive: Primitive) -> Text:
        if primitive.foreign:  # its name is a user's
            return Text(f"{unbraced(clean(primitive.name))}({{*}})")
        written = primitive.python
        return Text(written, ATOM if CALL.fullmatch(written) else primitive.precedence)

    def writes_out(self, primitive: Primitive) -> bool:
        """Whether it is written as its formula."""
        return primitive.helper and primitive.formula is not None

    def apply(self, primitive: Primitive, operands: Sequence[Text]) -> Text:
        """The template of the primitive with the operands in it, bracketed where they must be."""
        if self.writes_out(primitive):
            return self.written_out(primitive, operands)
        template, precedence, _ = self.template(primitive)
        if template == "{0}":
            return operands[0]

        def fill(slot: re.Match[str]) -> str:
            key = slot[1]
            if not key.isdigit():
                half = len(operands) // 2
                part = {"*": operands, "left": operands[:half], "right": operands[half:]}[key]
                return self.sequence(part)
            if int(key) >= len(operands):
                return slot[0]  # an exponent in LaTeX, such as {2}
            return self.operand(operands[int(key)], template, slot, precedence)

        return Text(SLOT.sub(fill, template), precedence)

    def written_out(self, primitive: Primitive, operands: Sequence[Text]) -> Text:
        """A row as its formula. Numbers stay numbers there, unless there is nothing else."""
        numbers = all(operand.number is not None for operand in operands)
        with recording():
            nodes = [Value(math.nan) if numbers or text.number is None else text.number for text in operands]
            formula = primitive.expressed(nodes)
        pairs = [(x, text) for x, text in zip(nodes, operands, strict=True) if isinstance(x, Value)]
        known = {id(x): text._replace(number=None) for x, text in pairs}
        return self.graph(formula, [x for x, _ in pairs], known)

    def graph(self, root: object, leaves: Sequence[Node], known: Mapping[int, Text]) -> Text:
        """A formula over leaves whose texts are known; what depends on none of them is a number."""
        if not isinstance(root, Node):
            return self.number(as_float(root))
        order = nodes_in_order(root, leaves)
        found = dict(known)
        for node in order:
            if id(node) not in found:
                operands = [found[id(parent)] for parent in node.parents]
                mere = all(operand.number is not None for operand in operands)
                found[id(node)] = (
                    self.number(node._data) if mere else self.simplified(node.primitive, operands)
                )
        return found[id(root)]

    def simplified(self, primitive: Primitive, operands: Sequence[Text]) -> Text:
        """As `apply`, but x for x + 0, 1 x and x**1, which general rules have at some orders and ends."""
        neutral = NEUTRAL.get(primitive.key)
        if neutral is not None:
            left, right = operands
            if right.number == neutral:
                return left
            if primitive.key in ("add", "mul") and left.number == neutral:
                return right
            if primitive.key == "pow" and right.number == 0.0:
                return self.number(1.0)
            if primitive.key == "mul" and 0.0 in (left.number, right.number):
                return self.number(0.0)
        return self.apply(primitive, operands)

    def sequence(self, operands: Sequence[Text]) -> str:
        shown = [operand.text for operand in operands]
        if len(shown) > self.most:
            shown[self.most - 2 : -1] = ["..."]
        return ", ".join(shown)

    def written(self, primitive: Primitive, operands: Sequence[T]) -> Sequence[T]:
        """Of operands in their thousands those that `apply` writes."""
        if len(operands) <= 4 * self.most or self.writes_out(primitive):
            return operands
        half = len(operands) // 2 if "{left}" in self.template(primitive).text else len(operands)
        halves = (operands[:half], operands[half:])
        return [x for part in halves for x in (*part[: self.most], *part[-1:])]

    def operand(self, operand: Text, template: str, slot: re.Match[str], precedence: int) -> str:
        """The operand as it stands in its slot."""
        before, after = template[: slot.start()], template[slot.end() :]
        if before.endswith(OPENING) and after.startswith(CLOSING):
            return operand.text
        least = precedence if not before and precedence != POWER else precedence + 1
        if after.startswith("^"):
            least = POWER + 1
        if operand.precedence >= min(least, ATOM) and not (before and operand.text.startswith(("-", MINUS))):
            return operand.text
        opening, closing = self.brackets
        return f"{opening}{operand.text}{closing}"


def unbraced(name: str) -> str:
    """The name without what would be a slot."""
    return name.replace("{", "(").replace("}", ")")


class ByName(Notation):
    """The same, with each row by its own name, also a helper."""

    def writes_out(self, primitive: Primitive) -> bool:
        return False


class Short(Notation):
    """Python's notation with numbers of six digits, for a terminal."""

    most = 8

    def number(self, x: float) -> Text:
        return Text(short(x), SIGN if short(x).startswith("-") else ATOM, x)


class Plain(Short):
    """The same with typographic signs."""

    def number(self, x: float) -> Text:
        text, precedence, _ = super().number(x)
        return Text(text.replace("-", MINUS), precedence, x)

    def template(self, primitive: Primitive) -> Text:
        text, precedence, _ = super().template(primitive)
        for typed, printed in PRINTED:
            text = text.replace(typed, printed)
        return Text(text, precedence)


PYTHON: Final = Notation()
BY_NAME: Final = ByName()
SHORT: Final = Short()
PLAIN: Final = Plain()


def short(x: float) -> str:
    """x in six significant digits; whole numbers in full."""
    return PYTHON.number(x).text if x.is_integer() and math.fabs(x) < 1e15 else f"{x:.6g}"


def expression(order: Sequence[Node], names: Mapping[int, str], notation: Notation) -> str:
    """The last node of an order in terms of the leaves; what would be long, in terms of its operands."""
    found: dict[int, Text] = {}
    for node in order:
        parents = notation.written(node.primitive, node.parents)
        if parents:
            operands = [found.get(id(parent)) or named(parent, names, notation) for parent in parents]
            if sum(len(operand.text) for operand in operands) > notation.limit:
                operands = [named(parent, names, notation) for parent in parents]
            found[id(node)] = notation.apply(node.primitive, operands)
    root = order[-1]
    return (found.get(id(root)) or named(root, names, notation)).text


def named(node: Node, names: Mapping[int, str], notation: Notation) -> Text:
    """Its name; a constant is called by its number."""
    key = id(node)
    return Text(notation.name(names[key])) if key in names else notation.number(node._data)
