"""What a trace asks of its numbers: the arguments of the call answer, and the tape keeps it as guards."""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Final, NamedTuple, final

from engine.compiler.errors import Enclosed, TracingError
from engine.compiler.tape.tape import Answer
from engine.node import Node
from engine.primitives import identity
from engine.source import user_line

LIMIT: Final = 100_000  # questions of one trace: a loop that asks more often is taken to have no end


class Question(NamedTuple):
    condition: Node
    answer: Answer
    line: str


@final
class Questions:
    """Those of one trace, in order. The first answers may be given, by compiled code that has computed them;
    all others are computed from the numbers of the call."""

    def __init__(self, numbers: Sequence[float], given: Sequence[Answer] = ()) -> None:
        self.numbers = numbers
        self.given = given
        self.asked: list[Question] = []
        self.refusal: TracingError | None = None  # of a trace that does not end in an error of the user's
        self.values: dict[int, float] = {}  # by id: what was asked for keeps alive what it was computed from

    def begin(self, inputs: Sequence[Node]) -> None:
        """The trace begins, with symbols for the numbers."""
        self.values = dict(zip(map(id, inputs), self.numbers, strict=True))

    def truth(self, condition: Node) -> bool:
        """Whether it is not 0."""
        count = len(self.asked)
        given = count < len(self.given)
        return bool(self.keep(condition, self.given[count] if given else self.value(condition) != 0.0))

    def whole(self, x: Node) -> int | None:
        """The whole number that it is; None for any other, and for what a transform differentiates."""
        number = self.value(x)
        if not number.is_integer() or is_differentiated(x):
            return None
        return self.keep(x, int(number))

    def keep(self, condition: Node, answer: Answer) -> Answer:
        line = user_line()
        if len(self.asked) >= LIMIT:
            raise TracingError(
                f"the trace has asked {LIMIT:,} questions, the last of them by {line}: does the loop end? "
                f"Compile the body of a long one, and loop around the compiled function"
            )
        self.asked.append(Question(condition, answer, line))
        return answer

    def value(self, node: Node) -> float:
        """What a node is at the numbers of the call. Raises Enclosed for the variable of another trace."""
        values = self.values
        waiting = [node]
        while waiting:
            x = waiting[-1]
            missing = [parent for parent in x.parents if id(parent) not in values]
            if missing:
                waiting += missing
                continue
            if id(waiting.pop()) not in values:
                if x.is_symbol and x.is_leaf:
                    raise Enclosed
                inputs = [values[id(parent)] for parent in x.parents]
                values[id(x)] = x.primitive.evaluate(inputs) if x.is_symbol else x.item()
        return values[id(node)]


ASKED: Final[ContextVar[Questions | None]] = ContextVar("asked", default=None)  # of the trace that runs


def is_differentiated(x: Node) -> bool:
    """Whether an argument of a running transform goes into it, but for what has no slope."""
    seen: set[int] = set()
    waiting = [x]
    while waiting:
        node = waiting.pop()
        if node.primitive is identity:  # how a transform links its own variables to symbols
            return True
        if id(node) not in seen and (node.primitive.gradient or any(node.primitive.partials)):
            seen.add(id(node))
            waiting += node.parents
    return False
