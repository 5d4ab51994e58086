"""The interactive mode: names with values, expressions of them, all live as in a spreadsheet."""

from __future__ import annotations

import atexit
import os
import re
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from engine.drawing import draw
from engine.explanation import explain
from engine.exploring import explore
from engine.node import Node
from engine.notation import PYTHON, short
from engine.parser import CONSTANTS, FUNCTIONS, ParseError, evaluate
from engine.snapshot import Snapshot
from engine.text import printable
from engine.transform import grad
from engine.value import Value

with suppress(ImportError):  # not on every system; without it, no history and no completion
    import readline

DEFINITION: Final = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)(.*)", re.DOTALL)
STATE: Final = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
HISTORY: Final = Path(STATE) / "chainrule/history"
WORD: Final = re.compile(r"(?<![\w.])[^\W\d]\w*")
ROW: Final = re.compile(r"^(\S+ +\S+ +)(-?\S+)", re.MULTILINE)  # of a table: its name and value, its gradient
LINES: Final = 60  # of a tree
HELP: Final = """\
x = 2                 a name and its value; change it at any time, also by x = x + 1
x**2 + sin(x*y)       an expression: its value and its gradients; _ is the last one
z = x*y + 1           an expression with a name, to go on with; pi, e, tau have theirs
:grad x [y ...]       the derivative to x, to x and y, of any order
:explain [name]       the chain rule, path by path
:tree                 the graph in words
:draw [file]          the graph as .svg, .html, .dot, .png or .pdf
:open                 the interactive page, in your browser
:names, :functions    everything that has a value, that can be called
quit                  or Ctrl-D"""


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
            ":grad": self.grad,
            ":explain": self.explain,
            ":tree": lambda _: tree(self.root(self.shown)),
            ":draw": self.draw,
            ":open": self.open,
            ":names": self.names,
            ":functions": lambda _: "\n".join(wrap(" ".join(sorted(FUNCTIONS)), 100)),
            ":help": lambda _: HELP,
        }

    def run(self, line: str) -> str:
        """What a line answers. Raises ParseError, ValueError or OSError, and then nothing has changed."""
        words = line.strip()
        if not words:
            return ""
        if words in ("help", "?"):
            return HELP
        line, words = self.with_last(line), self.with_last(words)
        if words.startswith(":"):
            command, _, argument = words.partition(" ")
            if command not in self.commands:
                raise ValueError(f"there is no command {command}: {', '.join(self.commands)}, :quit")
            return self.commands[command](argument.strip())
        definition = DEFINITION.match(line)
        return self.assign(definition[1], definition[2]) if definition else self.show(words)

    def with_last(self, text: str) -> str:
        """The text with the last expression in place of _."""
        last = self.shown if self.shown.isidentifier() else f"({self.shown})" if self.shown else "_"
        return WORD.sub(lambda word: last if word[0] == "_" else word[0], text)

    def assign(self, name: str, text: str) -> str:
        # x = x + 1 is about the x of before
        before = f"({self.texts[name]})" if name in self.texts else name
        text = WORD.sub(lambda word: before if word[0] == name else word[0], text).strip()
        values = define_all(self.texts | {name: text})
        kept = repr(values[name].data) if before in text and values[name].is_leaf else text
        self.texts, self.values = self.texts | {name: kept}, values
        shown = values.get(self.shown)
        if values[name].parents or (shown is not None and shown.is_leaf):
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

    def grad(self, names: str) -> str:
        """The derivative of what is shown to these names, one after the other."""
        words = names.split()
        places = [name for name, value in self.values.items() if value.is_leaf]
        unknown = [word for word in words if word not in places]
        if not words or unknown or not self.shown:
            raise ValueError(f"type an expression, then :grad and names with a number: {', '.join(places)}")
        text = self.shown

        def f(*numbers: Any) -> Any:
            return evaluate(text, define_all(self.texts, dict(zip(places, numbers, strict=True))))

        for word in words:
            f = grad(f, places.index(word))
        result = f(*(Value(self.values[name].data) for name in places))
        order, below = "" if len(words) == 1 else len(words), " ".join(f"d{word}" for word in words)
        return f"d{order}({text})/{below} = {PYTHON.number(result.data).text}"

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
        coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print("Expressions, derivatives and their graphs. Type :help for help.", flush=True)
        while True:
            try:
                line = read()
                if line is None or line.strip() in (":quit", ":q", "quit", "exit"):
                    return
                answer = self.answer(line)
                print(painted(answer) if coloured else answer, flush=True)  # input() swallows what goes wrong
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


def painted(answer: str) -> str:
    """What stands first in bold, gradients in the colours of the pictures: blue below 0, orange above."""
    head, newline, rest = answer.partition("\n")
    colour = {True: "\x1b[34m", False: "\x1b[33m"}
    rows = ROW.sub(lambda row: f"{row[1]}{colour[row[2][0] == '-']}{row[2]}\x1b[0m", rest)
    return f"\x1b[1m{head}\x1b[0m{newline}{rows}"


def tree(root: Value) -> str:
    """The graph in words, the root on top; what is used more than once is drawn once."""
    reading = Snapshot(root)
    lines: list[str] = []
    seen: set[int] = set()
    waiting: list[tuple[Node, str]] = [(root, "")]
    while waiting and len(lines) < LINES:
        node, indent = waiting.pop()
        name = reading.names.get(id(node), "")
        words = " ".join(filter(None, [node.op, name if node.op or not node.is_constant else ""]))
        slope = "" if node.is_constant else f"   gradient {short(reading.gradients[id(node)])}"
        again = "   (above)" if id(node) in seen and node.parents else ""
        figure = f"{words} = {short(node._data)}" if words else short(node._data)
        lines.append(f"{indent}{figure}{slope}{again}")
        if not again:
            waiting += [(parent, f"{indent}  ") for parent in reversed(node.parents)]
        seen.add(id(node))
    return "\n".join([*lines, f"... {len(waiting)} more"] if waiting else lines)


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
        with suppress(OSError):  # none yet
            readline.read_history_file(HISTORY)
        atexit.register(keep_history)
        readline.set_completer(lambda start, i: dict(enumerate(console.completions(start))).get(i))
        readline.set_completer_delims(" ()+-*/%,<>=[]")
        readline.parse_and_bind("tab: complete")


def keep_history() -> None:
    """What was typed, for the next time; a home that cannot be written to goes without."""
    with suppress(OSError):
        HISTORY.parent.mkdir(parents=True, exist_ok=True)
        readline.write_history_file(HISTORY)
