"""The command line: python -m engine "x**2 + sin(x*y)" x=2 y=3; without an expression it is interactive."""

from __future__ import annotations

import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from io import TextIOWrapper

from engine.build_info import describe
from engine.console import Console, define_all, report, wrote
from engine.drawing import draw
from engine.explanation import explain
from engine.exploring import explore
from engine.parser import ParseError, evaluate
from engine.testing import numerical_gradient
from engine.value import Value


def arguments(words: Sequence[str]) -> Namespace:
    parser = ArgumentParser(
        "python -m engine",
        description="Expressions, derivatives and their graphs. Without an expression: interactive.",
    )
    parser.add_argument("expression", nargs="?", help='such as "x**2 + sin(x*y)"')
    parser.add_argument("names", nargs="*", metavar="name=value", help="such as x=2 y=3")
    parser.add_argument("--svg", metavar="F", help="draw the graph into a file")
    parser.add_argument("--html", metavar="F", help="write the interactive page into a file")
    parser.add_argument("--explain", action="store_true", help="the chain rule, path by path")
    parser.add_argument("--check", action="store_true", help="gradients beside finite differences")
    parser.add_argument("--version", action="version", version=describe(), help="which engine runs here")
    # An expression may begin with a minus sign; after a space argparse takes it for no option.
    return parser.parse_intermixed_args([f" {word}" if is_negative(word) else word for word in words])


def is_negative(word: str) -> bool:
    return word.startswith("-") and not word.startswith("--") and word != "-h"


def definitions(words: Sequence[str]) -> dict[str, str]:
    """x=2 y=pi/2 as names and texts. Raises ValueError for what is no name=value."""
    pairs = [word.strip().partition("=") for word in words]
    for word, (name, equals, _) in zip(words, pairs, strict=True):
        if not equals or not name.isidentifier():
            raise ValueError(f"a name and its value are written name=value, got {word!r:.60}")
    return {name: text for name, _, text in pairs}


def differences(text: str, texts: Mapping[str, str], values: Mapping[str, Value]) -> dict[str, float]:
    """The gradient to each leaf by finite differences of what was typed."""
    leaves = {name: value for name, value in values.items() if value.is_leaf}

    def f(*numbers: object) -> Value:
        return evaluate(text, define_all(texts, dict(zip(leaves, map(Value, numbers), strict=True))))

    found = numerical_gradient(f, tuple(leaf.data for leaf in leaves.values())) if leaves else ()
    return dict(zip(leaves, found, strict=True))


def answer(options: Namespace) -> list[str]:
    """What was asked for in words, once the files are written."""
    text = options.expression.strip()
    texts = definitions(options.names)
    values = define_all(texts)
    root = evaluate(text, values)
    root.backward()
    lines = [report(text, root, values, differences(text, texts, values) if options.check else None)]
    lines += ["", str(explain(root))] if options.explain else []
    files = ((options.svg, draw), (options.html, explore))
    return lines + [wrote(picture(root).save(path)) for path, picture in files if path]


def main(words: Sequence[str]) -> int:
    """Answers the command line; returns the exit code, 2 for bad input."""
    options = arguments(words)
    if options.expression is None:
        Console().loop()
        return 0
    try:
        lines = answer(options)
    except (ParseError, TypeError, ValueError, RuntimeError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    return 0


def program(words: Sequence[str]) -> int:
    """`main` as one program of many in a shell: what it said is out when it ends, and what ends it early,
    Ctrl-C or a reader that has seen enough, ends it as it would any other, without a word."""
    if sys.stdout is None:
        print("error: standard output is closed", file=sys.stderr)
        return 1
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115  (input() wants one)
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, TextIOWrapper):  # bytes and characters that the locale does not know
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            return main(words)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return end_by(signal.SIGINT)
    except BrokenPipeError:
        return end_by(signal.SIGPIPE)
    except OSError as error:  # a full disk, a terminal that is gone
        print(f"error: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python's own last flush would complain once more
        return 1


def end_by(number: signal.Signals) -> int:
    """Ends by a signal that Python had caught: the shell sees its number, and stops its loop at a Ctrl-C."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    return 128 + number


if __name__ == "__main__":
    sys.exit(program(sys.argv[1:]))
