"""Numbers and labels as they stand in a picture, and how wide they are."""

from __future__ import annotations

import re
import reprlib
import unicodedata
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")

LABEL_LIMIT: Final = 24  # characters of a label that are shown
NAME_LIMIT: Final = 100  # characters of the name of an operation
PLACEHOLDER: Final = re.compile(r"\{[^}]*\}")
GLYPHS: Final = {"*": "\N{MULTIPLICATION SIGN}", "/": "\N{DIVISION SIGN}", "-": "\N{MINUS SIGN}"}

# Besides what XML needs: the colon and the equals sign, so that no label reads like a
# `javascript:` address or an `onload=` attribute to a filter, and the backslash for DOT.
ESCAPES: Final = str.maketrans({c: f"&#{ord(c)};" for c in "<>&\"'`:=\\{}|"})
# What is no character of XML, however it is written.
FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Never raises, however deep a list is and whatever the repr of a user's class does.
BRIEF: Final = reprlib.Repr()
BRIEF.maxstring = BRIEF.maxother = BRIEF.maxlong = 2 * NAME_LIMIT

NARROW: Final = frozenset("iljtfrI.,()[]!' ")
WIDE: Final = frozenset("mwMW@%")


def folded(parts: Sequence[T], most: int, middle: str, write: Callable[[T], str]) -> list[str]:
    """The parts in words; of too many the first and the last, with a word on what is between."""
    if len(parts) <= most:
        return list(map(write, parts))
    half = most // 2
    return [*map(write, parts[:half]), middle.format(len(parts) - 2 * half), *map(write, parts[-half:])]


def number(x: float) -> str:
    """x in four significant digits; below a million the digits before the point in full."""
    if x == 0.0:
        return "0"
    if abs(x) < 1e6 and x == int(x):
        return str(int(x))
    if 1e3 <= abs(x) < 999_999.5:
        return f"{x:.0f}"
    mantissa, e, exponent = f"{x:.4g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def typeset(text: str) -> str:
    """The text of a number with a true minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")


def clean(label: str) -> str:
    """The label on one line, without what XML forbids or what turns the text around it, and not too long."""
    words = " ".join(printable(label, 4 * LABEL_LIMIT).split())
    return words if len(words) <= LABEL_LIMIT else words[: LABEL_LIMIT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def printable(text: str, most: int = NAME_LIMIT) -> str:
    """The text without what a terminal would obey, a file could not hold, or nobody would read."""
    return text[:most] if text.isprintable() else "".join(map(visible, text[:most]))


def brief(x: object, most: int = 40) -> str:
    """The repr of what somebody passed, for an error message."""
    shown = BRIEF.repr(x)
    return shown if len(shown) <= most else shown[: most - 3] + "..."


def visible(c: str) -> str:
    match unicodedata.category(c):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf":  # marks of writing direction, joiners, soft hyphens
            return ""
        case "Cs" | "Cn":  # a lone half of a surrogate pair cannot be written as UTF-8
            return "\N{REPLACEMENT CHARACTER}"
    return c


def escape(text: str) -> str:
    """The text for XML, HTML and the HTML-like labels of DOT."""
    return FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text).translate(ESCAPES)


def symbol(name: str, python: str) -> str:
    """What stands between the operands in Python, such as "+"; for a call the name of the function."""
    written = PLACEHOLDER.sub("", python).strip()
    if not written or any(c.isalnum() or c in "()_," for c in written):
        return clean(name)
    return GLYPHS.get(written, clean(written))


def width(text: str, size: float) -> float:
    """About how wide the text is, generously, in a sans-serif font of that size."""
    return size * sum(advance(c) for c in text)


def advance(c: str) -> float:
    """The width of a character in units of the font size."""
    if unicodedata.combining(c):
        return 0.0
    if unicodedata.east_asian_width(c) in "WF":
        return 1.05
    if c in NARROW:
        return 0.38
    return 0.95 if c in WIDE else 0.72 if c.isupper() else 0.61
