"""The interactive mode: names with values, expressions of them, all live as in a spreadsheet."""

from __future__ import annotations

import re
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from engine.drawing import draw
from engine.explanation import explain
from engine.exploring import explore
from engine.notation import PYTHON, short
from engine.parser import CONSTANTS, FUNCTIONS, ParseError, evaluate
from engine.text import printable
from engine.value import Value

with suppress(ImportError):  # not on every system; without it, no history and no completion
    import readline

DEFINITION: Final = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)(.*)", re.DOTALL)
HELP: Final = """\
x = 2                 a name and its value; change it at any time
x**2 + sin(x*y)       an expression: its value and its gradients
z = x*y + 1           an expression with a name, to go on with
:explain [name]       the chain rule, path by path
:draw [file]          the graph as .svg, .html, .dot, .png or .pdf
:open                 the interactive page, in your browser
:names                everything that has a value
:quit                 or Ctrl-D"""


def define(name: str, text: str, values: Mapping[str, Value]) -> Value:
    """The value of a definition, labelled with its name; a plain number becomes a leaf."""
    value = evaluate(text, values)
    if value.is_constant:
        return Value(value.data, name)
    if not value.label:
        value.label = name
    return value


def define_all(texts: Mapping[str, str], given: Mapping[str, Value] | None = None) -> dict[str, Value]:
    """The values of definitions, in their order; some leaves may be given other numbers."""
    values: dict[str, Value] = {}
    for name, text in texts.items():
        values[name] = given[name] if given and name in given else define(name, text, values)
    return values


def report(
    title: str, root: Value, values: Mapping[str, Value], differences: Mapping[str, float] | None = None
) -> str:
    """Value and gradients as a table, with a column of finite differences if there are any."""
    rows = [["", "value", "gradient"]]
    for name, value in values.items():
        if value.is_leaf:
            rows.append([name, PYTHON.number(value.data).text, PYTHON.number(value.grad).text])
    if differences is not None:
        rows[0] += ["differences", "error"]
        for row in rows[1:]:
            numeric = differences[row[0]]
            row += [PYTHON.number(numeric).text, f"{abs(numeric - values[row[0]].grad):.1e}"]
    head = f"{title} = {PYTHON.number(root.data).text}"
    return "\n".join([head, "", *columns(rows)] if len(rows) > 1 else [head])


def columns(rows: Iterable[list[str]]) -> list[str]:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["   ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]


class Console:
    """What was typed so far. Definitions are evaluated anew, in their order, whenever one changes."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.values: dict[str, Value] = {}
        self.shown = ""  # the expression whose gradients are shown
        self.commands: dict[str, Callable[[str], str]] = {
            ":explain": self.explain,
            ":draw": self.draw,
            ":open": self.open,
            ":names": self.names,
            ":help": lambda _: HELP,
        }

    def run(self, line: str) -> str:
        """What a line answers. Raises ParseError, ValueError or OSError, and then nothing has changed."""
        words = line.strip()
        if not words:
            return ""
        if words.startswith(":"):
            command, _, argument = words.partition(" ")
            if command not in self.commands:
                raise ValueError(f"there is no command {command}: {', '.join(self.commands)}, :quit")
            return self.commands[command](argument.strip())
        definition = DEFINITION.match(line)
        return self.assign(definition[1], definition[2]) if definition else self.show(words)

    def assign(self, name: str, text: str) -> str:
        texts = self.texts | {name: text.strip()}
        self.values = define_all(texts)
        self.texts = texts
        if self.values[name].parents:
            self.shown = name
        return self.show(self.shown or name)

    def show(self, text: str) -> str:
        root = self.root(text)
        self.shown = text
        return report(text, root, self.values)

    def root(self, text: str) -> Value:
        """The value of an expression, and its gradients."""
        if not text:
            raise ValueError("type an expression first")
        root = evaluate(text, self.values)
        for value in self.values.values():
            value.zero_grad()
        root.backward()
        return root

    def names(self, _: str) -> str:
        rows = [[name, f"= {short(self.values[name].data)}", text] for name, text in self.texts.items()]
        return "\n".join(columns(rows)) if rows else "no name has a value yet: x = 2"

    def explain(self, name: str) -> str:
        if name and name not in self.values:
            raise ValueError(f"{name!r} has no value")
        return str(explain(self.root(self.shown), self.values[name] if name else None))

    def draw(self, path: str) -> str:
        return wrote(draw(self.root(self.shown)).save(path or scratch("graph.svg")))

    def open(self, _: str) -> str:
        path = explore(self.root(self.shown)).save(scratch("graph.html"))
        opened = webbrowser.open(path.as_uri())
        return wrote(path) + ("" if opened else ", open it in a browser")

    def completions(self, start: str) -> list[str]:
        """What the word may become: names, functions, commands."""
        functions = [f"{name}(" for name in FUNCTIONS]
        known = [*self.values, *functions, *CONSTANTS, *self.commands, ":quit"]
        return sorted(word for word in known if word.startswith(start))

    def loop(self) -> None:
        """Reads lines until :quit or the end of the input. Raises OSError if they cannot be read."""
        complete(self)
        print("Expressions, derivatives and their graphs. Type :help for help.", flush=True)
        while True:
            try:
                line = read()
                if line is None or line.strip() in (":quit", ":q"):
                    return
                print(self.answer(line), flush=True)  # input() swallows what goes wrong
            except KeyboardInterrupt:
                if not sys.stdin.isatty():
                    raise
                print()  # somebody at a terminal wants a fresh line

    def answer(self, line: str) -> str:
        """What a line answers, an error in words."""
        try:
            return self.run(line)
        except (ParseError, ValueError, RuntimeError, ImportError, OSError) as error:
            return str(error)


def read() -> str | None:
    """The next line, None at the end of the input."""
    if sys.stdin is None:
        return None
    try:
        return input("> " if sys.stdin.isatty() else "")
    except EOFError:
        print()
        return None


def wrote(path: Path) -> str:
    return f"wrote {printable(str(path), 1000)}"


def scratch(name: str) -> Path:
    """A file in a fresh private folder."""
    return Path(tempfile.mkdtemp(prefix="chainrule-")) / name


def complete(console: Console) -> None:
    """Tab completes, where the system has readline."""
    if "readline" in globals():
        readline.set_completer(lambda start, i: dict(enumerate(console.completions(start))).get(i))
        readline.set_completer_delims(" ()+-*/%,<>=[]")
        readline.parse_and_bind("tab: complete")
