"""Pages that follow from the source: one for each row of the table, the reference, the notebooks."""

import re
import shutil
from collections.abc import Sequence
from importlib import import_module
from math import isfinite
from pathlib import Path
from types import ModuleType
from typing import Any

import engine
import engine.testing
import nn
from engine import functions, primitives, reference
from engine.compiler.sources.namespaces import NAMESPACES, SHARED
from engine.edges import local_gradient
from engine.latex import LATEX
from engine.modes import recording
from engine.notation import Text
from engine.primitive import TABLE, Primitive

ROOT = Path(__file__).parent.parent
ROWS = sorted({*primitives.__all__, *functions.__all__} & set(TABLE))
REFERENCE = {
    "Graphs": "Value draw Drawing explain Explanation explore Exploration to_json parse diagnose Diagnosis",
    "Transforms": "grad value_and_grad jacobian jacfwd hessian hvp vjp jvp vmap jit jet taylor root",
    "Rounding errors": "rounding Rounding",
    "Modes and errors": "no_grad debug StaleGraphError TracingError",
    "Your own primitives": "custom Primitive register",
}
MEMBERS = "   :members:\n"
WIDTH, HEIGHT, POINTS = 560, 260, 401


def write(folder: Path) -> None:
    """All of them, into a folder of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "rows").mkdir(parents=True)
    for name in ROWS:
        (folder / "rows" / f"{name}.md").write_text(row_page(TABLE[name]), encoding="utf-8")
    formulas = {name: formula(TABLE[name]).replace("|", r"\vert ") for name in ROWS}
    heads = [f"| [{name}](rows/{name}.md) | ${text}$ |" for name, text in formulas.items()]
    table = ["| row | value |", "|---|---|", *heads]
    entries = [f"rows/{name}" for name in ROWS]
    (folder / "table.md").write_text(index("Table of functions", entries, table), encoding="utf-8")
    write_reference(folder)
    shutil.copytree(ROOT / "notebooks" / "pictures", folder / "notebooks" / "pictures")
    books = sorted((ROOT / "notebooks").glob("*.ipynb"))
    for book in books:  # links into the repository lead nowhere here
        text = re.sub(r"\[([^][\n]+)\]\(\.\./[^)]+\)", r"\1", book.read_text(encoding="utf-8"))
        (folder / "notebooks" / book.name).write_text(text, encoding="utf-8")
    lines = [
        "Lectures, in order. Each has exercises, and their solutions.",
        "",
        "```{toctree}",
        *(f"notebooks/{book.stem}" for book in books),
        "```",
    ]
    (folder / "notebooks.md").write_text("\n".join(["# Notebooks", "", *lines, ""]))


def index(title: str, entries: Sequence[str], lines: Sequence[str]) -> str:
    return "\n".join([f"# {title}", "", *lines, "", "```{toctree}", ":hidden:", "", *entries, "```", ""])


# The reference


def write_reference(folder: Path) -> None:
    groups = {title: [f"engine.{name}" for name in names.split()] for title, names in REFERENCE.items()}
    listed = {name for names in REFERENCE.values() for name in names.split()}
    if (
        missing := set(engine.__all__)
        - listed
        - {"__version__", "compiled", "testing"}
        - {*functions.__all__, *ROWS}
    ):
        raise ValueError(f"REFERENCE in docs/pages.py lacks {', '.join(sorted(missing))}")
    groups["Functions of lists and options"] = [f"engine.{name}" for name in functions.__all__]
    groups["Compiled functions"] = [
        f"engine.compiler.{name}" for name in ("Compiled", "Tape", "Untranslatable")
    ]
    groups["Checking gradients"] = [f"engine.testing.{name}" for name in engine.testing.__all__]
    groups["Networks"] = [f"nn.{name}" for name in nn.__all__]
    files = []
    for title, names in groups.items():
        files.append(title.lower().replace(" ", "-"))
        body = "\n".join(entry(name) for name in names)
        (folder / f"{files[-1]}.md").write_text(
            f"# {title}\n\n```{{eval-rst}}\n{body}\n```\n", encoding="utf-8"
        )
    links = [f"- [{title}]({file}.md)" for title, file in zip(groups, files, strict=True)]
    (folder / "reference.md").write_text(index("Reference", files, links))


def entry(path: str) -> str:
    """A directive of autodoc for what has that name."""
    module, _, name = path.rpartition(".")
    thing = getattr(import_module(module), name)
    if isinstance(thing, type):
        kind, options = ("exception", "") if issubclass(thing, Exception) else ("class", MEMBERS)
    else:
        kind, options = ("module", MEMBERS) if isinstance(thing, ModuleType) else ("function", "")
    return f".. auto{kind}:: {path}\n{options}"


# The rows


def row_page(row: Primitive) -> str:
    xs = reference.operands(row)
    with recording():
        slopes = row.local_gradient(xs)
    partials = [
        rf"\frac{{\partial f}}{{\partial {LATEX.name(x.label)}}} = {latex(slope, xs)}"
        for x, slope in zip(xs, slopes, strict=True)
    ]
    public = getattr(functions, row.name, None)
    words = (public.__doc__ or "").split("\n\n")[0] if public is not None else row.doc
    return "\n".join(
        [
            f"# {row.name}",
            *("", f"$$\n{formula(row)}\n$$", "", words.replace("*", r"\*").replace("|", r"\|")),
            *("", "## Derivative", "", *(f"$$\n{partial}\n$$\n" for partial in partials)),
            *("", *(plot(row) if row.gradient is None and len(xs) == 1 else [])),
            *(["", "## What to rely on", "", *told] if (told := facts(row)) else []),
            *("", "## In other languages", "", *targets(row), ""),
        ]
    )


def formula(row: Primitive) -> str:
    xs = reference.operands(row)
    with recording():
        forms = [row(*xs)] if row.formula is None else [row(*xs), row.expressed(xs)]
    return " = ".join(dict.fromkeys(latex(form, xs) for form in forms))


def latex(result: Any, xs: Sequence[engine.Value]) -> str:
    known = {id(x): Text(LATEX.name(x.label)) for x in xs}
    return LATEX.graph(0.0 if result is None else result, xs, known).text


def facts(row: Primitive) -> list[str]:
    """What `help` says, without the formulas, and the edges as a table."""
    lines = [line for line in (row.__doc__ or "").splitlines()[1:] if line and not line.startswith("d/d")]
    edges = [
        line[3:].replace(": ", " | ").replace(", slope ", " | ") for line in lines if line.startswith("at ")
    ]
    told = [f"- `{line}`" for line in lines if line.startswith(("smooth", "within"))]
    table = ["", "| at | value | slope |", "|---|---|---|", *(f"| {edge} |" for edge in edges)]
    first = next((i for i, line in enumerate(lines) if line.startswith(">>>")), len(lines))
    return [
        *told,
        *(table if edges else []),
        *(["", "```python", *lines[first:], "```"] if lines[first:] else []),
    ]


def targets(row: Primitive) -> list[str]:
    """How each library spells it; where it has none, the kernel is written out in terms of what it has."""
    lines = ["| | |", "|---|---|", f"| Python, C, JavaScript, machine code | the kernel `{kernel(row)}` |"]
    names = {"numpy": "NumPy", "jax": "JAX", "torch": "PyTorch"}
    for key, title in names.items():
        call = NAMESPACES[key].calls.get(row.key, "")
        spelled = f"`{call.format('x', 'y')}`" if call else "the kernel, as selects"
        lines.append(f"| {title} | {'its operator' if row.key in SHARED else spelled} |")
    return lines


def kernel(row: Primitive) -> str:
    return f"{row.value.__module__.rpartition('.')[2]}.{row.value.__name__}"


def plot(row: Primitive) -> list[str]:
    """Value and slope as SVG, in the colours of the page."""
    low, high = max(row.domain[0].low, -5.0), min(row.domain[0].high, 5.0)
    xs = [low + (high - low) * i / (POINTS - 1) for i in range(POINTS)]
    values = [row(x) for x in xs]
    slopes = [local_gradient(row(engine.Value(x)))[0] or 0.0 for x in xs]
    seen = sorted(y for y in values + slopes if isfinite(y))
    bottom, top = seen[len(seen) // 50], seen[-1 - len(seen) // 50]
    room = max(0.1 * (top - bottom), 0.1)
    bottom, top = bottom - room, top + room

    def place(x: float, y: float) -> str:
        return f"{WIDTH * (x - low) / (high - low):.1f} {HEIGHT * (top - y) / (top - bottom):.1f}"

    def curve(ys: Sequence[float], kind: str) -> str:
        pieces, before = [], None
        for x, y in zip(xs, ys, strict=True):
            inside = isfinite(y) and bottom <= y <= top
            jump = before is None or abs(y - before) > 0.25 * (top - bottom)
            pieces += [("M" if jump else "L") + place(x, y)] if inside else []
            before = y if inside else None
        return f'<path class="{kind}" d="{"".join(pieces)}"/>'

    across = f'<path class="axis" d="M{place(low, 0)}L{place(high, 0)}"/>' if bottom < 0 < top else ""
    up = f'<path class="axis" d="M{place(0, bottom)}L{place(0, top)}"/>' if low < 0 < high else ""
    ends = (
        f'<text x="2" y="{HEIGHT - 4}">{low:g}</text><text x="{WIDTH - 14}" y="{HEIGHT - 4}">{high:g}</text>'
    )
    return [
        "```{raw} html",
        f'<div class="plot"><svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" '
        f'aria-label="{row.name} and its derivative">{across}{up}',
        f"{curve(values, 'value')}{curve(slopes, 'slope')}{ends}</svg>",
        "<p>The value is blue, the derivative dashed and orange.</p></div>",
        "```",
    ]
