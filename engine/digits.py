"""`rounding(root)`: how many digits of a result are right, who made the error, and who magnified it.

To first order, the error of a result is the sum of the errors that all operations make, each times the
derivative of the result to it: one reverse sweep.
"""

from __future__ import annotations

import math
import re
from typing import Final, NamedTuple, final

from engine.node import Node
from engine.notation import SHORT, Text
from engine.order import dependents
from engine.rounded import DIGITS, Error, ErrorFlow, right_digits
from engine.sweep import reverse
from engine.text import brief, clean
from engine.value import Value

SHOWN: Final = 5  # rows of a printed table
BAD: Final = 10.0  # amplification from which on it is worth a word
FEW: Final = 0.2  # a share below which no operation is to blame
DEPTH: Final = 2  # operations inside of each other that are written out
WIDE: Final = 60  # characters of an operation
LOST: Final = 1.5  # digits, from which on somebody is to blame
WORDS: Final = {
    "add": "the addition",
    "sub": "the subtraction",
    "sum": "the sum",
    "dot": "the scalar product",
}
POWERS: Final = ((1e12, " trillion"), (1e9, " billion"), (1e6, " million"), (1e3, " thousand"), (1.0, ""))


class Row(NamedTuple):
    """What an operation did: how many `digits` of its value are right, its `share` of the bound, and how many
    times it magnifies relative errors. `source` is the user's line, under `debug()`."""

    node: Node
    source: str
    value: float
    digits: float
    share: float
    amplification: float


@final
class Rounding:
    """What rounding did to a value. `rows` are its operations, the largest share first.

    bound        the error is not larger, to first order; inf where that tells nothing
    estimate     how large it probably is
    corrected    the value without what is known of its error
    first_order  whether errors are small enough for derivatives to tell
    digits       how many are right
    """

    def __init__(self, value: float, error: Error, bound: float, rows: list[Row], worst: Row | None) -> None:
        self.value = value
        self.rows = rows
        self.worst = worst  # of those that the largest error comes through, the one that magnifies most
        self.first_order = error.bent <= max(bound, math.ulp(value))
        self.bound = bound + error.bent if self.first_order else math.inf
        self.estimate = error.size if self.first_order else math.inf
        self.corrected = value + error.known if self.first_order else math.nan
        self.digits = right_digits(self.estimate, value)

    def __str__(self) -> str:
        """The sentence, and the operations with the largest shares."""
        head = f"{'digits':>6}{'share':>7}{'magnifies':>12}  operation"
        table = [
            f"{row.digits:6.1f}{row.share:7.0%}{row.amplification:12.3g}  {written(row.node)}{at(row)}"
            for row in self.rows[:SHOWN]
        ]
        return "\n".join([self.sentence(), *([head, *table] if table else [])])

    def __repr__(self) -> str:
        return f"<Rounding: {self.sentence()}>"

    def sentence(self) -> str:
        """How many digits are left, and why."""
        if not self.first_order:
            return "no digit is certain: errors grew as large as the numbers they are in"
        if self.estimate == 0.0:
            return "no operation had to round"
        left = f"{self.digits:.0f} of {DIGITS:.0f} digits are left"
        if self.digits > DIGITS - LOST:
            return left
        first = self.rows[0]
        made, what = f"{left}: {written(first.node)}{at(first)} made the error", "it"
        if first.share < FEW:
            count = sum(row.share > 0.0 for row in self.rows)
            made, what = f"{left}: {count:,} operations made errors that add up", "them"
        if self.worst is None or self.worst.amplification < BAD:
            return made
        by = WORDS.get(self.worst.node.op) or written(self.worst.node)
        return f"{made}, {by}{at(self.worst)} magnified {what} {times(self.worst.amplification)}"


def rounding(root: Value) -> Rounding:
    """What rounding did to the value of root; what came in counts as exact.

    >>> from engine import cos
    >>> x = Value(1e-4, "x")
    >>> rounding((1 - cos(x)) / x**2)
    <Rounding: 8 of 16 digits are left: cos(x) made the error, the subtraction magnified it 200 million times>

    Raises TypeError for what is no Value, ValueError for one that is not finite.
    """
    if not isinstance(root, Value):
        raise TypeError(
            f"rounding takes a Value, the root of a graph, got {type(root).__name__} {brief(root)}"
        )
    if not math.isfinite(root.data):
        raise ValueError(f"{root.data} has no digits: diagnose(root) says where it came from")
    adjoints: list[tuple[Node, float]] = reverse(root, 1.0, lambda order: [(x, x.adjoint) for x in order])
    flow = ErrorFlow()
    found: list[tuple[float, Row]] = []
    for node, adjoint in adjoints:
        if not node.is_leaf:
            own, amplification = flow.reach(node)
            digits = right_digits(flow.of(node).size, node._data)
            found.append((abs(adjoint) * own, Row(node, node.source, node._data, digits, 0.0, amplification)))
    bound = math.fsum(part for part, _ in found)
    found.sort(key=lambda pair: -pair[0])
    rows = [row._replace(share=part / bound if bound else 0.0) for part, row in found]
    worst = magnifier(rows, [node for node, _ in adjoints])
    return Rounding(root.data, flow.of(root), bound, rows, worst)


def magnifier(rows: list[Row], order: list[Node]) -> Row | None:
    """Of the operations that use the first one, the one that magnifies most."""
    reached = dependents(order, [id(rows[0].node)]) if rows else {}
    users = [row for row in rows[1:] if id(row.node) in reached]
    return max(users, key=lambda row: row.amplification, default=None)


def written(node: Node) -> str:
    """The operation, in terms of what its operands are computed from."""
    text = spelled(node, DEPTH).text
    return text if len(text) <= WIDE else f"{text[: WIDE - 3]}..."


def spelled(node: Node, depth: int) -> Text:
    """By its label; a leaf, or what is deeper, by its number."""
    if node.label and depth < DEPTH:
        return Text(clean(node.label))
    if node.is_leaf or depth == 0:
        return SHORT.number(node._data)
    parents = SHORT.written(node.primitive, node.parents)
    return SHORT.apply(node.primitive, [spelled(x, depth - 1) for x in parents])


def at(row: Row) -> str:
    """In which line of the user's source, if that is known."""
    line = re.search(r":(\d+): ", row.source)
    return f" in line {line[1]}" if line else ""


def times(x: float) -> str:
    """A number of times in words, to one digit."""
    if not x < 1e18:
        return "beyond measure"
    size, word = next(pair for pair in POWERS if x >= pair[0])
    return f"{float(f'{x / size:.1g}'):.0f}{word} times"
