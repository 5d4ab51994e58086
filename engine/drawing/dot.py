"""The picture in DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.drawing.layout import Direction, Point
from engine.drawing.palette import LIGHT, WIDTHS
from engine.drawing.picture import Arrow, Box, Picture
from engine.text import escape, typeset

NO_SIZE: Final = Point(0.0, 0.0)
LARGE: Final = 100  # boxes beyond which dot is told to hurry
FONT: Final = "Helvetica,Arial,sans-serif"


def dot(picture: Picture, direction: Direction) -> str:
    return "digraph {\n" + "".join(f"\t{line}\n" for line in dot_lines(picture, direction)) + "}\n"


def dot_lines(picture: Picture, direction: Direction) -> Iterator[str]:
    """The statements between the braces, without line ends."""
    root = len(picture.boxes) - 1
    names = node_names(picture)
    yield f'graph [rankdir={direction} bgcolor="{LIGHT.paper}" nodesep=0.25 ranksep=0.45]'
    if len(picture.boxes) > LARGE:
        yield "graph [nslimit=1 nslimit1=1 mclimit=0.1 splines=line]"  # or dot may take hours
    yield f'node [shape=plain fontname="{FONT}" fontsize=14 fontcolor="{LIGHT.ink}"]'
    yield f'edge [fontname="{FONT}" fontsize=11 fontcolor="{LIGHT.faint}" arrowsize=0.7]'
    for i, box in enumerate(picture.boxes):
        yield f"{names[i]} [label=<{table(box, i == root)}>]"
    for arrow in picture.arrows:
        yield f"{names[arrow.tail]} -> {names[arrow.head]} [{strokes(arrow, picture)}]"


def node_names(picture: Picture) -> list[str]:
    """n0, n1, ... in topological order; the box of folded nodes is called fold."""
    real = [box for box in picture.boxes if box.kind != "fold"]
    number = {id(box): i for i, box in enumerate(real)}
    return [f"n{number[id(box)]}" if id(box) in number else "fold" for box in picture.boxes]


def table(box: Box, is_root: bool, chip: Point = NO_SIZE, figure: Point = NO_SIZE) -> str:
    """The card as one of Graphviz's HTML-like labels; its cells are at least of these sizes."""
    cells = figure_cells(box, figure)
    if box.name:
        fill = f' bgcolor="{LIGHT.chip}"' if box.kind in ("operation", "group") else ""
        cells.insert(0, f'<td rowspan="{max(1, len(cells))}"{fill}{extent(chip)}>{name_cell(box)}</td>')
    first = 2 if box.name else 1
    rows = "".join(f"<tr>{''.join(row)}</tr>" for row in (cells[:first], cells[first:]) if row)
    border = f'border="{2 if is_root else 1}" color="{LIGHT.ink if is_root else LIGHT.border}"'
    style = f'bgcolor="{LIGHT.card}" cellborder="0" cellspacing="0" cellpadding="4"'
    return f"<table {border} {style}>{rows}</table>"


def figure_cells(box: Box, size: Point) -> list[str]:
    """The value, and the gradient on its tint."""
    cells = [f"<td{extent(size)}>{escape(typeset(box.value))}</td>"] if box.value else []
    if box.gradient:
        ink = LIGHT.inks[box.tone if box.tone in LIGHT.inks else box.tone[0]]
        figure = f'<font color="{ink}">{escape(typeset(box.gradient))}</font>'
        cells.append(f'<td bgcolor="{LIGHT.tints[box.tone]}"{extent(size)}>{figure}</td>')
    return cells


def extent(size: Point) -> str:
    return f' width="{size.x:.0f}" height="{size.y:.0f}"' if size != NO_SIZE else ""


def name_cell(box: Box) -> str:
    if box.kind != "operation":
        name = f"<b>{words(box.name)}</b>"
    elif len(box.name) <= 2:
        name = f'<font point-size="18">{words(box.name)}</font>'
    else:
        name = words(box.name)
    return name + (f'<br/><font point-size="11">{words(box.label)}</font>' if box.label else "")


def words(text: str) -> str:
    r"""The text for an HTML-like label, in which dot would replace a single \N by the name of the node."""
    return escape(text.replace("\\", "\\\\"))


def strokes(arrow: Arrow, picture: Picture) -> str:
    label = f'label=" {escape(typeset(arrow.local))} " ' if arrow.local else ""
    return label + brush(arrow.flow, arrow.folded, picture)


def brush(flow: float, folded: bool, picture: Picture) -> str:
    """How to draw a line along which so much gradient flows."""
    tone = picture.tone(flow)
    style = " style=dotted" if folded else ""
    return f'color="{LIGHT.lines[tone]}" penwidth={WIDTHS.get(tone[1:], 1.5)}{style}'
