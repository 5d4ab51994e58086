"""Typed expressions: what Python means by them, or one clear error with the place."""

import json
import math
from pathlib import Path

import pytest

import engine
from engine import Value
from engine.parser import FUNCTIONS, ParseError, parse

EXAMPLES = json.loads((Path(__file__).parent / "data/worked-examples.json").read_text())["examples"]
TYPED = [e for e in EXAMPLES if "expression" in e and ";" not in e["expression"]]


@pytest.mark.parametrize("example", TYPED, ids=lambda example: example["id"])
def test_worked_examples_can_be_typed(example):
    leaves = {name: Value(x, name) for name, x in example["inputs"].items()}
    root = parse(example["expression"], **leaves)
    root.backward()
    assert root.data == pytest.approx(example["value"], rel=1e-12, abs=0)
    for name, gradient in example["grads"].items():
        assert leaves[name].grad == pytest.approx(gradient, rel=1e-12, abs=0)


def test_numbers_become_labelled_leaves_and_values_stay():
    y = Value(3.0, "other")
    root = parse("x * y", x=2, y=y)
    assert root.parents[0].label == "x"
    assert root.parents[1] is y


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("1 + 2", 3.0),
        ("  x\n + 1 ", 3.0),
        ("2 * pi - tau", 0.0),
        ("-x ** 2", -4.0),
        ("7 // x + 7 % x + +x", 6.0),
        ("max(x, 3, 1) + min([x, 1])", 4.0),
        ("where(x > 1, x, log(-1))", 2.0),
        ("where(x <= 1, x, 5)", 5.0),
        ("log(8, base=x)", 3.0),
        ("clamp(x, min_value=-1, max_value=1)", 1.0),
        ("gelu(x, 'tanh') - gelu(x, approximate='tanh')", 0.0),
        ("sum(softmax([x, 1, 0]))", 1.0),
        ("dot((x, 1), (1, 2))", 4.0),
        ("10**400", math.inf),
        ("1/0 - inf + nan", math.nan),
        ("0x10 + 1_000", 1016.0),
        ("(" * 150 + "x" + ")" * 150, 2.0),
        ("+".join(["x"] * 500), 1000.0),
    ],
)
def test_expressions_mean_what_they_say(typed, value):
    assert parse(typed, x=2.0).data == pytest.approx(value, nan_ok=True)


def test_names_come_before_constants():
    assert parse("e * pi", e=2.0, pi=3.0).data == 6.0


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_is_one_of_the_engine(name):
    assert FUNCTIONS[name] is getattr(engine, name)


@pytest.mark.parametrize(
    ("typed", "position", "reason"),
    [
        ("__import__('os')", 0, "no function '__import__'"),
        ("x.y", 0, "a name has no parts"),
        ("x +", 3, "cannot be read"),
        ("", 0, "an expression is needed"),
        ("   ", 0, "an expression is needed"),
        ("2 * q", 4, "'q' has no value: give it one, q=..."),
        ("x + sni(x)", 4, "did you mean sin"),
        ("x(2)", 0, "it is a number"),
        ("2 * sin", 4, "sin is a function: write sin(...)"),
        ("x + 2j", 4, "2j is not a real number"),
        ("x + True", 4, "True is not a real number"),
        ("x + 'a'", 4, "'a' is not a real number"),
        ("'tanh'", 0, "this is a text"),
        ("[x, x]", 0, "this is a list"),
        ("x < 1", 0, "this is a comparison"),
        ("where(0 < x < 1, x, 0)", 6, "compare two numbers at a time"),
        ("x if x else 1", 0, "where(condition, a, b)"),
        ("x ^ 2", 0, "a power is x ** y"),
        ("x @ x", 0, "the operator MatMult"),
        ("not x", 0, "the operator Not"),
        ("1 + x[0]", 4, "Subscript is not part"),
        ("lambda: 0", 0, "Lambda is not part"),
        ("sin(*[x])", 4, "Starred is not part"),
        ("sin(**{})", 6, "Dict is not part"),
        ("[x for x in [1]]", 0, "ListComp is not part"),
        ("(x := 2)", 1, "NamedExpr is not part"),
        ("f'{x}'", 0, "JoinedStr is not part"),
        ("x = 2", 2, "cannot be read"),
        ("x; import os", 1, "cannot be read"),
        ("1 + sin(x, x)", 4, "sin takes 1 operand"),
        ("sin([x])", 0, "sin: a real number is needed"),
        ("x + [1]", 0, "an operator takes numbers"),
        ("cross_entropy([x, x], 5)", 0, "got target 5 for 2 logits"),
        ("x + \0", 4, "cannot stand in an expression"),
        ("x + \ud800", 4, "cannot stand in an expression"),
        ("1" * 5000, 5000, "too many digits"),
        ("10" * 300, 0, "too large"),
        ("a" * 10_000, 0, "has no value"),
        ("(" * 300 + "x" + ")" * 300, 200, "too many nested parentheses"),
        ("x**" * 3000 + "x", 0, "nested too deeply"),
        ("(" * 1_000_000, 100_000, "up to 100,000 characters"),
        ("(" * 1_000_000 + "x" + ")" * 1_000_000, 100_000, "up to 100,000 characters"),
        ("-" * 100_001, 100_000, "up to 100,000 characters"),
    ],
    ids=lambda case: repr(case)[:30],
)
def test_anything_else_is_one_clear_error_with_the_place(typed, position, reason):
    with pytest.raises(ParseError) as caught:
        parse(typed, x=2.0)
    message = str(caught.value)
    assert reason in message
    assert caught.value.position == position
    assert f"at character {position + 1}" in message
    assert len(message) < 400
    assert message.isprintable() or message.replace("\n", "").isprintable()


def test_the_marker_stands_below_the_place():
    with pytest.raises(ParseError) as caught:
        parse("x + sni(x)", x=1.0)
    _, line, marker = str(caught.value).splitlines()
    assert line[marker.index("^") :] == "sni(x)"


def test_places_count_characters_not_bytes():
    with pytest.raises(ParseError) as caught:
        parse(" \u00e4\u00f6 + q", äö=1.0)
    assert caught.value.position == 6


@pytest.mark.parametrize("text", [None, 3, b"x"])
def test_only_text_is_parsed(text):
    with pytest.raises(TypeError, match="the text of an expression"):
        parse(text)


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(TypeError, match="a real number is needed"):
        parse("x", x="2")
