"""The chain rule for a terminal: plain ASCII, unless a label is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from engine.explanation.chain import FACTORS, MANY, STEPS, TARGETS, Chain, Edge, Path, Sum, product
from engine.node import Node
from engine.notation import PYTHON, SHORT, short
from engine.text import folded


def terminal(e: Chain) -> Iterator[str]:
    leaves = [node for node in e.order if node.is_leaf and id(node) in e.names]
    yield f"{equation(e)} = {PYTHON.number(e.root._data).text}"
    if e.root.parents:
        yield "at " + ", ".join(
            folded(leaves, 2 * TARGETS, "... {} more ...", lambda leaf: assignment(e, leaf))
        )
    yield from table(folded_rows(e))
    for s in e.sums:
        yield ""
        yield from terms(e, s)
    if e.omitted:
        yield f"\n... and {e.omitted:,} more derivatives: ask for one with wrt"


def equation(e: Chain) -> str:
    name, expression = e.name(e.root, SHORT).text, e.expression(SHORT)
    return name if name == expression else f"{name} = {expression}"


def folded_rows(e: Chain) -> Iterator[list[str]]:
    """A row for each local step: the operation, its value, its local derivatives."""
    steps = e.steps()
    half = STEPS // 2
    shown = steps if len(steps) <= STEPS else steps[:half] + steps[-half:]
    for i, (node, used) in enumerate(shown):
        if i == half and len(steps) > STEPS:
            yield [f"... {len(steps) - STEPS:,} more operations ..."]
        yield row(e, node, used)


def row(e: Chain, node: Node, used: Sequence[Edge]) -> list[str]:
    formulas = e.formulas(node, SHORT)
    operation = f"{e.name(node, SHORT).text} = {e.formula(node, SHORT)}"
    slopes = folded(used, FACTORS, "...", lambda edge: slope(e, edge, formulas))
    return [operation, f"= {short(node._data)}", *slopes]


def assignment(e: Chain, leaf: Node) -> str:
    return f"{e.name(leaf, SHORT).text} = {short(leaf._data)}"


def slope(e: Chain, edge: Edge, formulas: Sequence[str]) -> str:
    formula, number = formulas[edge.i], short(edge.slope)
    return " = ".join([quotient(e, edge), *([formula] if formula not in ("", number) else []), number])


def table(rows: Iterable[list[str]]) -> Iterator[str]:
    """Rows in columns as wide as their widest cell, indented, after an empty line."""
    rows = list(rows)
    columns = max((len(row) for row in rows), default=0)
    widths = [max((len(row[i]) for row in rows if i + 1 < len(row)), default=0) for i in range(columns)]
    if rows:
        yield ""
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield f"    {'   '.join(cells)}".rstrip()


def quotient(e: Chain, edge: Edge) -> str:
    return f"d{e.name(edge.head, SHORT).text}/d{e.name(edge.tail, SHORT).text}"


def terms(e: Chain, s: Sum) -> Iterator[str]:
    """A line for each path, and the sum."""
    head = f"d{e.name(e.root, SHORT).text}/d{e.name(s.target, SHORT).text}"
    total = PYTHON.number(s.total).text
    if not s.number:
        yield f"{head} = {total}   no gradient can pass from one to the other"
        return
    if s.number == 1 and len(s.paths[0]) < 2:
        yield f"{head} = {total}"
        return
    rows = [path_row(e, path) for path in s.paths]
    if s.number == 1:
        rows[0][-1] = f"= {total}"
    if s.number > len(s.paths):
        more = "many" if s.number >= MANY else f"{s.number - len(s.paths):,}"
        rest = s.total - sum(map(product, s.paths))
        rows.append([f"... {more} more paths", "", f"= {short(rest)}"])
    lines = [line.strip() for line in table(rows)][1:]
    for i, line in enumerate(lines):
        yield f"{head} = {line}" if i == 0 else f"{' ' * len(head)} + {line}"
    if s.number > 1:
        yield f"{' ' * len(head)} = {total}"


def path_row(e: Chain, path: Path) -> list[str]:
    symbols = folded(path, FACTORS, "... {} more ...", lambda edge: quotient(e, edge))
    numbers = folded(path, FACTORS, "...", lambda edge: bracketed(edge.slope))
    return [
        " * ".join(symbols),
        "= " + " * ".join(numbers),
        f"= {short(product(path))}",
    ]


def bracketed(x: float) -> str:
    return f"({short(x)})" if short(x).startswith("-") else short(x)
