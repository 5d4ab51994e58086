"""Expressions as LaTeX: the rows' notation, and names and numbers as mathematicians set them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from engine.notation import Notation, Text, short, unbraced
from engine.primitive import ATOM, Primitive
from engine.primitives.row import PRODUCT, SIGN
from engine.text import clean

GREEK: Final = frozenset(
    """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi
    chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega""".split()
)
INDEXED: Final = re.compile(r"([^\W\d_]+)_?(\w+)")
ESCAPES: Final = {c: f"\\{c}" for c in "#$%&_{}"} | {
    "\\": r"\backslash ",
    "^": r"\hat{\ }",
    "~": r"\sim ",
    "<": r"\lt ",
    ">": r"\gt ",
    ":": "{:}",  # no label reads like a `javascript:` address,
    "=": "{=}",  # or like an `onload=` attribute, to a filter
    "`": r"\prime ",
    "*": r"\ast ",
    "|": r"\vert ",
    " ": r"\ ",
}


class Latex(Notation):
    brackets = r"\left(", r"\right)"
    most = 8
    limit = 500

    def number(self, x: float) -> Text:
        text = short(x).replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
        mantissa, e, exponent = text.partition("e")
        if e:
            return Text(rf"{mantissa}\cdot 10^{{{int(exponent)}}}", PRODUCT, x)
        return Text(text, SIGN if text.startswith("-") else ATOM, x)

    def name(self, label: str) -> str:
        """One letter in italics, w1 and w_1 with an index, alpha as a Greek letter, words upright."""
        parts = INDEXED.fullmatch(label)
        if parts and (len(parts[1]) == 1 or parts[1] in GREEK) and (parts[2].isdigit() or "_" in label):
            return f"{self.name(parts[1])}_{{{self.name(parts[2])}}}"
        if label in GREEK:
            return f"\\{label}"
        if label.isdigit() or (len(label) == 1 and label.isalpha()):
            return label
        return rf"\mathrm{{{escaped(label)}}}"

    def writes_out(self, primitive: Primitive) -> bool:
        return not primitive.latex and super().writes_out(primitive)

    def template(self, primitive: Primitive) -> Text:
        if primitive.foreign:
            return Text(call(escaped(unbraced(clean(primitive.name)))))
        written = primitive.latex or call(primitive.name.replace("_", " "))
        closed = written.startswith(r"\frac") and primitive.precedence == PRODUCT
        return Text(written, PRODUCT + 1 if closed else primitive.precedence)

    def apply(self, primitive: Primitive, operands: Sequence[Text]) -> Text:
        """As for any notation; before a digit the thin space of a product becomes a dot."""
        written = super().apply(primitive, operands)
        return written._replace(text=re.sub(r"\\,(?=\d)", r"\\cdot ", written.text))


def call(name: str) -> str:
    return rf"\operatorname{{{name}}}\left({{*}}\right)"


def escaped(label: str) -> str:
    return "".join(ESCAPES.get(c, c) for c in label)


LATEX: Final = Latex()
