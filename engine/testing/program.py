"""Whole programs as Hypothesis strategies: branches, loops that end when they end, sorting, early returns and
errors, at a point. Everything that is asked can be asked with numbers, Values and symbols."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from inspect import signature
from itertools import count
from typing import Any, Final

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]
NUMBERS: Final = (0.0, 1.0, -1.0, 0.5, 2.0, -0.25)  # in programs and, so that guards are met, in points
TERMS: Final = (
    "{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / (1.0 + {1} * {1})", "sin({0})", "tanh({0}) * {1}",
    "exp(-{0} * {0})", "abs({0})", "sqrt(1.0 + {0} * {0})", "max({0}, {1})", "min({0}, {1}, {2})",
    "maximum({0}, {1})", "where({0} > {1}, {0}, {2})", "[{0}, {1}][bool({2})]", "{0} if {1} < {2} else {1}",
)  # fmt: skip
QUESTIONS: Final = (
    "{0} < {1}", "{0} >= {1}", "not {0} <= {1}", "{0} == {1}", "{0} != {1}", "{0} in (0.0, {1})", "{0}",
    "{0} < {1} < {2}", "{0} > {1} and {2} < {0}", "{0} > {1} or {2} == {1}",
    "any(t > {0} for t in ({1}, {2}))",
)  # fmt: skip
DEPTH: Final = 3  # blocks inside each other
FILES: Final = count()


class Program:
    """A function of named variables, and a point: call it, print it, check it. `source` is its text."""

    def __init__(self, source: str, **inputs: float) -> None:
        self.source = source
        self.names = tuple(inputs)
        self.inputs = tuple(inputs.values())
        file = f"<program {next(FILES)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        scope: dict[str, Any] = {}
        exec("from engine import abs, exp, maximum, sin, sqrt, tanh, where", scope)
        exec(compile(source, file, "exec"), scope)
        self.function = scope["program"]
        self.__signature__ = signature(self.function)

    def __call__(self, *xs: Any) -> Any:
        return self.function(*xs)

    def __repr__(self) -> str:
        point = ", ".join(f"{name}={x!r}" for name, x in zip(self.names, self.inputs, strict=True))
        return f"Program({self.source!r}, {point})"


def programs(
    *, variables: Sequence[str] = ("x", "y", "z"), max_statements: int = 8
) -> st.SearchStrategy[Program]:
    """Programs that return one number, or raise an ArithmeticError.

    variables       their names
    max_statements  statements and blocks together, at most
    """
    return grow_program(variables, max_statements)


@st.composite
def grow_program(draw: Draw, variables: Sequence[str], max_statements: int) -> Program:
    writer = Writer(draw, list(variables), max_statements)
    writer.block("    ", DEPTH)
    lines = [f"def program({', '.join(variables)}):", *writer.lines, f"    return {writer.term()}", ""]
    numbers = st.sampled_from(NUMBERS) | st.floats(-3.0, 3.0)
    return Program("\n".join(lines), **{name: draw(numbers) for name in variables})


class Writer:
    """The lines of a program. Its variables are all there from the beginning."""

    def __init__(self, draw: Draw, names: list[str], room: int) -> None:
        self.draw = draw
        self.names = names
        self.room = room
        self.lines: list[str] = []

    def one_of(self, choices: Sequence[Any]) -> Any:
        return self.draw(st.sampled_from(choices))

    def filled(self, form: str) -> str:
        names = [*self.names, *map(str, NUMBERS)]
        return form.format(*(self.one_of(names if i else self.names) for i in range(3)))

    def term(self) -> str:
        return self.filled(self.one_of(TERMS))

    def block(self, indent: str, depth: int) -> None:
        """At least one statement."""
        for _ in range(self.draw(st.integers(1, 3))):
            kinds = [self.assign, self.sort]
            if depth and self.room > 0:
                kinds += [self.branch, self.loop, self.halve, self.leave]
            self.room -= 1
            self.one_of(kinds)(indent, depth)

    def assign(self, indent: str, depth: int) -> None:
        self.lines.append(f"{indent}{self.one_of(self.names)} = {self.term()}")

    def sort(self, indent: str, depth: int) -> None:
        every = ", ".join(self.names)
        self.lines.append(f"{indent}{every}, = sorted([{every}])")

    def branch(self, indent: str, depth: int) -> None:
        self.lines.append(f"{indent}if {self.filled(self.one_of(QUESTIONS))}:")
        self.block(indent + "    ", depth - 1)
        self.lines.append(f"{indent}else:")
        self.block(indent + "    ", depth - 1)

    def loop(self, indent: str, depth: int) -> None:
        self.lines.append(f"{indent}for _ in range({self.draw(st.integers(1, 3))}):")
        self.block(indent + "    ", depth - 1)

    def halve(self, indent: str, depth: int) -> None:
        """A loop that ends when a number is small, or so large that it never would."""
        name = self.one_of(self.names)
        self.lines.append(f"{indent}while 0.75 < abs({name}) < 1e6:")
        self.lines.append(f"{indent}    {name} = 0.5 * {name} + 0.01 * sin({self.one_of(self.names)})")

    def leave(self, indent: str, depth: int) -> None:
        self.lines.append(f"{indent}if {self.filled(self.one_of(QUESTIONS))}:")
        error = f'raise ArithmeticError("at {{:.3f}}".format({self.one_of(self.names)}))'
        self.lines.append(f"{indent}    {self.one_of([f'return {self.term()}', error])}")
