"""The chain rule for a notebook: LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.explanation.chain import FACTORS, STEPS, Chain, Edge, Path, Sum
from engine.latex import LATEX
from engine.node import Node
from engine.text import folded


def mathematics(e: Chain) -> Iterator[str]:
    """The lines of an aligned environment."""
    name, expression = e.name(e.root, LATEX).text, e.expression(LATEX)
    equal = "" if name == expression else f"={expression}"
    yield f"{name}&{equal}={LATEX.number(e.root._data).text}"
    steps = e.steps()
    for node, used in steps[:STEPS]:
        yield r",\quad ".join(local_lines(e, node, used))
    if len(steps) > STEPS:
        yield r"&\;\,\vdots"
    for s in e.sums:
        yield from sum_lines(e, s)


def local_lines(e: Chain, node: Node, used: Sequence[Edge]) -> Iterator[str]:
    formulas = e.formulas(node, LATEX)
    yield f"{e.name(node, LATEX).text}&={e.formula(node, LATEX)}={LATEX.number(node._data).text}"
    for edge in used[:FACTORS]:
        formula = formulas[edge.i]
        right = [formula] if formula else []
        yield "=".join([fraction(e, edge.head, edge.tail), *right, LATEX.number(edge.slope).text])


def fraction(e: Chain, head: Node, tail: Node) -> str:
    return rf"\frac{{\partial {e.name(head, LATEX).text}}}{{\partial {e.name(tail, LATEX).text}}}"


def sum_lines(e: Chain, s: Sum) -> Iterator[str]:
    """The sum over the paths: in symbols, in numbers, and what it comes to."""
    more = [r"\cdots"] if s.number > len(s.paths) else []
    symbols = [path_symbols(e, path) for path in s.paths] + more
    numbers = [path_numbers(path) for path in s.paths] + more
    yield f"{fraction(e, e.root, s.target)}&={'+'.join(symbols) or '0'}"
    if s.number:
        yield f"&={'+'.join(numbers)}"
        yield f"&={LATEX.number(s.total).text}"


def path_symbols(e: Chain, path: Path) -> str:
    factors = folded(path, FACTORS, r"\cdots", lambda edge: fraction(e, edge.head, edge.tail))
    return r"\,".join(factors or ["1"])


def path_numbers(path: Path) -> str:
    factors = folded(path, FACTORS, r"\cdots ", lambda edge: signed(edge.slope))
    return r"\cdot ".join(factors or ["1"])


def signed(x: float) -> str:
    text = LATEX.number(x).text
    return rf"\left({text}\right)" if text.startswith("-") else text


def aligned(lines: Iterable[str]) -> str:
    return "\\begin{aligned}\n" + " \\\\[4pt]\n".join(lines) + "\n\\end{aligned}"
