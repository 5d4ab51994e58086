"""Expressions as text, from the notation in the rows of the table. Nothing here is recursive."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from engine.node import Node
from engine.primitive import ATOM, Primitive
from engine.primitives.row import POWER, SIGN
from engine.text import clean

CALL: Final = re.compile(r"\w+\(.*\)(\[0\])?")
MINUS: Final = "\N{MINUS SIGN}"
PRINTED: Final = ((" ** ", "^"), (" * ", " \N{DOT OPERATOR} "), ("-", MINUS))
SLOT: Final = re.compile(r"\{(\d+|\*|left|right)\}")
OPENING: Final = ("{", "(", "[", "|", ", ")
CLOSING: Final = ("}", ")", "]", "|", ",", r"\right")


class Text(NamedTuple):
    """A piece of an expression and how tightly it binds."""

    text: str
    precedence: int = ATOM


class Notation:
    """How to write numbers, names and applications. This one is Python's, ready to be pasted."""

    brackets = "(", ")"
    most = 1_000_000  # operands in a list that are all written
    limit = 200  # characters; of what would be longer, the parts are called by their names

    def number(self, x: float) -> Text:
        """Whole numbers without a point, everything else as `repr`."""
        text = str(int(x)) if x.is_integer() and math.fabs(x) < 1e16 else repr(x)
        return Text(text, SIGN if text.startswith("-") else ATOM)

    def name(self, label: str) -> str:
        return label

    def template(self, primitive: Primitive) -> Text:
        if primitive.foreign:  # its name is a user's
            return Text(f"{unbraced(clean(primitive.name))}({{*}})")
        written = primitive.python
        return Text(written, ATOM if CALL.fullmatch(written) else primitive.precedence)

    def apply(self, primitive: Primitive, operands: Sequence[Text]) -> Text:
        """The template of the primitive with the operands in it, bracketed where they must be."""
        template, precedence = self.template(primitive)
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

    def sequence(self, operands: Sequence[Text]) -> str:
        shown = [operand.text for operand in operands]
        if len(shown) > self.most:
            shown[self.most - 2 : -1] = ["..."]
        return ", ".join(shown)

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


class Short(Notation):
    """Python's notation with numbers of six digits, for a terminal."""

    most = 8

    def number(self, x: float) -> Text:
        return Text(short(x), SIGN if short(x).startswith("-") else ATOM)


class Plain(Short):
    """The same with typographic signs."""

    def number(self, x: float) -> Text:
        text, precedence = super().number(x)
        return Text(text.replace("-", MINUS), precedence)

    def template(self, primitive: Primitive) -> Text:
        text, precedence = super().template(primitive)
        for typed, printed in PRINTED:
            text = text.replace(typed, printed)
        return Text(text, precedence)


NONE: Final[Mapping[int, Text]] = {}
PYTHON: Final = Notation()
SHORT: Final = Short()
PLAIN: Final = Plain()


def short(x: float) -> str:
    """x in six significant digits; whole numbers in full."""
    return PYTHON.number(x).text if x.is_integer() and math.fabs(x) < 1e15 else f"{x:.6g}"


def texts(
    order: Sequence[Node], names: Mapping[int, str], notation: Notation, known: Mapping[int, Text] = NONE
) -> dict[int, Text]:
    """The text of every node in terms of the leaves, or of the nodes whose text is known."""
    found = dict(known)
    for node in order:
        key = id(node)
        if key in found:
            continue
        if node.parents:
            found[key] = applied(node, found, names, notation)
        elif key in names:
            found[key] = Text(notation.name(names[key]))
        else:
            found[key] = notation.number(node._data)
    return found


def applied(node: Node, found: Mapping[int, Text], names: Mapping[int, str], notation: Notation) -> Text:
    """One application; operands whose text is long go by their names."""
    operands = [found[id(parent)] for parent in node.parents]
    room = notation.limit - sum(len(operand.text) for operand in operands)
    if room < 0:
        operands = [called(p, found, names, notation) for p in node.parents]
    return notation.apply(node.primitive, operands)


def called(node: Node, found: Mapping[int, Text], names: Mapping[int, str], notation: Notation) -> Text:
    return Text(notation.name(names[id(node)])) if node.parents and id(node) in names else found[id(node)]
