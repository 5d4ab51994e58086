"""The command line: python -m engine "x**2 + sin(x*y)" x=2 y=3; without an expression it is interactive."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence

from engine.build_info import describe
from engine.console import Console, defined, report
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
        return evaluate(text, defined(texts, dict(zip(leaves, map(Value, numbers), strict=True))))

    found = numerical_gradient(f, tuple(leaf.data for leaf in leaves.values())) if leaves else ()
    return dict(zip(leaves, found, strict=True))


def answer(options: Namespace) -> None:
    """Prints and writes what was asked for."""
    text = options.expression.strip()
    texts = definitions(options.names)
    values = defined(texts)
    root = evaluate(text, values)
    root.backward()
    print(report(text, root, values, differences(text, texts, values) if options.check else None))
    if options.explain:
        print(f"\n{explain(root)}")
    for path, picture in ((options.svg, draw), (options.html, explore)):
        if path:
            print(f"wrote {picture(root).save(path)}")


def main(words: Sequence[str]) -> int:
    """Answers the command line; returns the exit code, 2 for bad input."""
    options = arguments(words)
    if options.expression is None:
        Console().loop()
        return 0
    try:
        answer(options)
    except (ParseError, TypeError, ValueError, RuntimeError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
