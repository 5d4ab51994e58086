"""What rounding did, told by the chain rule and held to mpmath: bounds, estimates, culprits."""

import math
import operator
import pickle
import random
from itertools import pairwise

import pytest

import engine
from engine import Value, rounding
from engine.primitive import TABLE
from engine.rounded import SUMS, own_error

exact = pytest.importorskip("exact", exc_type=ImportError)
test_accuracy = pytest.importorskip("test_accuracy")
mp = exact.mpmath


class Exactly:
    """The functions of the engine on mpmath's numbers."""

    sqrt, cos, exp, sin, log, tanh, atan = mp.sqrt, mp.cos, mp.exp, mp.sin, mp.log, mp.tanh, mp.atan

    @staticmethod
    def sum(xs):
        return mp.fsum(xs)


def quadratic(m, a, b, c):
    return (-b + m.sqrt(b * b - 4 * a * c)) / (2 * a)


def one_minus_cosine(m, x):
    return (1 - m.cos(x)) / (x * x)


def logarithm(m, x):
    return m.log(1 + x) - x


def variance(m, *xs):
    return m.sum([x * x for x in xs]) / len(xs) - (m.sum(xs) / len(xs)) ** 2


def rump(m, a, b):
    inner = 11 * a**2 * b**2 - b**6 - 121 * b**4 - 2
    return 333.75 * b**6 + a**2 * inner + 5.5 * b**8 + a / (2 * b)


def muller(m, x, y):
    for _ in range(20):
        x, y = y, 111 - 1130 / y + 3000 / (y * x)
    return y


def needle(m, a, b, c):
    s = (a + b + c) / 2
    return m.sqrt(s * (s - a) * (s - b) * (s - c))


def expanded(m, x):
    return x**7 - 7 * x**6 + 21 * x**5 - 35 * x**4 + 35 * x**3 - 21 * x**2 + 7 * x - 1


def stable(m, x):
    return m.sqrt(x) * m.exp(-x) + 3


CLASSICS = [  # with the digits that are left, and what is to blame
    (quadratic, (1.0, 1e8, 1.0), 0, "sqrt(1e+16 - 4) made the error, the addition magnified it"),
    (one_minus_cosine, (1e-4,), 8, "cos(a) made the error, the subtraction magnified it 200 million times"),
    (logarithm, (1e-6,), 4, "1 + a made the error, the subtraction magnified it 2 million times"),
    (variance, (1e8 + 0.1, 1e8 + 0.2, 1e8 + 0.4), 0, "sum([a, b, c]) made the error, the subtraction"),
    (rump, (77617.0, 33096.0), 0, "the addition magnified it"),
    (needle, (1e5, 99999.99999999999, 1e-10), 2, "a + b made the error, the subtraction magnified it"),
    (expanded, (1.01,), 1, "the subtraction magnified it"),
    (stable, (2.0,), 16, "16 of 16 digits are left"),
]


def known(f, xs):
    """A result with its graph, and the error that it has."""
    y = f(engine, *(Value(x, label) for x, label in zip(xs, "abcdefgh", strict=False)))
    with mp.workdps(80):
        return y, float(f(Exactly, *map(mp.mpf, xs)) - mp.mpf(y.data))


@pytest.mark.parametrize(("f", "xs", "digits", "words"), CLASSICS, ids=lambda x: getattr(x, "__name__", None))
def test_the_classics_of_numerical_analysis(f, xs, digits, words):
    y, error = known(f, xs)
    found = rounding(y)
    assert words in found.sentence()
    assert round(found.digits) == digits
    assert found.first_order
    assert abs(error) <= found.bound
    assert found.estimate / 3 <= abs(error) <= 3 * found.estimate


def test_known_errors_can_be_taken_away():
    for f, xs, *_ in CLASSICS:
        if f in (quadratic, variance, expanded):  # of arithmetic and square roots alone
            y, error = known(f, xs)
            assert rounding(y).corrected == pytest.approx(y.data + error, rel=1e-14)


def test_first_order_knows_where_it_ends():
    y, error = known(muller, (2.0, -4.0))
    found = rounding(y)
    assert (round(y.data), round(error)) == (100, -94)
    assert (found.first_order, found.bound, found.digits) == (False, math.inf, 0.0)
    assert math.isnan(found.corrected)
    assert "no digit is certain" in str(found)
    jump = rounding(engine.floor(1 - Value(0.1) * 10))  # 0 instead of -1
    assert not jump.first_order


ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
UNARY = ("sqrt", "cos", "exp", "sin", "log", "tanh", "atan")


def random_function(source):
    """A straight-line program of a dozen steps, on three inputs."""
    steps = [(source.choice("+-*/" + "f" * 3), source.choice(UNARY), source.random(), source.random())]
    steps += [
        (source.choice("+-*/ff"), source.choice(UNARY), source.random(), source.random()) for _ in range(9)
    ]

    def f(m, *xs):
        stack = list(xs)
        for kind, name, i, j in steps:
            x, y = stack[int(i * len(stack))], stack[-1 - int(j * j * len(stack))]
            if kind == "f":
                x = 1 + x * x if name in ("sqrt", "log") else m.sin(x) if name == "exp" else x
                stack.append(getattr(m, name)(x))
            else:
                y = 1 + y * y if kind == "/" else y
                stack.append(ARITHMETIC[kind](x, y))
        return stack[-1]

    return f


def test_two_hundred_random_expressions_keep_their_bounds():
    source, close, held, there = random.Random(3), 0, 0, 0
    for _ in range(200):
        f = random_function(source)
        y, error = known(f, [source.uniform(-2, 2) for _ in range(3)])
        if y.data == 0.0 or y.is_leaf:
            continue
        found = rounding(y)
        assert found.first_order
        there += 1
        held += abs(error) <= found.bound * (1 + 1e-9)
        close += found.estimate / 3 <= abs(error) <= 3 * found.estimate or error == found.estimate == 0.0
    assert there > 150
    assert held == there
    assert close >= 0.8 * there


def test_two_hundred_stable_expressions_give_no_alarm():
    source = random.Random(4)
    for _ in range(200):
        y = Value(source.uniform(0.5, 2.0))
        for _ in range(20):
            x = Value(source.uniform(0.5, 2.0))
            y = source.choice([y + x, y * x, y / x, engine.sqrt(y), y + engine.exp(-x), engine.hypot(x, y)])
        found = rounding(y)
        assert found.first_order
        assert found.digits > 14
        assert found.sentence().endswith("digits are left")


def test_iterations_that_contract_give_no_alarm():
    x = Value(1.0)
    for _ in range(40):
        x = x - (x * x - 2) / (2 * x)
    assert rounding(x).digits > 15


@pytest.mark.parametrize("name", exact.NAMES)
def test_no_row_makes_larger_errors_than_its_column_says(name):
    row = TABLE[name]
    for xs in test_accuracy.points(row)[:20]:
        node = row(*map(Value, xs))
        truth = exact.derivative(name, xs, [0] * len(xs))
        if math.isfinite(node.data):
            assert abs(node.data - truth) <= own_error(node)[0] + math.ulp(truth) / 2, xs


def test_sums_inside_of_rows_may_cancel():
    for row in SUMS:
        xs = [-math.log(2.0), -math.log(2.0)] if row is not TABLE["cross_entropy"] else [40.0, -1.0]
        truth = exact.derivative(row.name, xs, [0, 0])
        assert abs(row(*xs) - truth) <= own_error(row(*map(Value, xs)))[0] + math.ulp(truth) / 2


def test_rows_say_where_and_how_much():
    with engine.debug():
        x = Value(1e-4, "x")
        y = (1 - engine.cos(x)) / x**2
    found = rounding(y)
    line = found.rows[0].source.split(":")[1]
    assert f"cos(x) in line {line} made the error, the subtraction in line {line}" in found.sentence()
    by_op = {row.node.op: row for row in found.rows}
    assert by_op["cos"].share == pytest.approx(1.0, abs=1e-6)
    assert (round(by_op["cos"].digits), round(by_op["sub"].digits)) == (16, 8)
    assert by_op["sub"].amplification == pytest.approx(2e8, rel=1e-3)
    assert sum(row.share for row in found.rows) == pytest.approx(1.0)
    assert all(a.share >= b.share for a, b in pairwise(found.rows))
    assert "operation" in str(found)
    assert pickle.loads(pickle.dumps(found)).bound == found.bound


def test_of_many_errors_none_is_to_blame():
    x = Value(1.0)
    for _ in range(5000):
        x = x * 1.0000001 + 1e-9
    assert rounding(x).sentence().endswith("digits are left: 9,999 operations made errors that add up")
    tenths = sum((Value(0.1) for _ in range(10)), Value(0.0))
    assert (
        "8 operations made errors that add up, the subtraction magnified them"
        in rounding(tenths - 1).sentence()
    )


def test_operations_are_written_in_terms_of_their_operands():
    x = Value(1e-4, "x")
    found = str(rounding((1 - engine.cos(x)) / 3 + engine.sum([Value(i, "a long label") for i in range(9)])))
    assert "  1 - cos(x)\n" in found
    assert max(map(len, found.splitlines())) < 100


def test_what_is_exact_is_said_to_be():
    x = Value(3.0)
    assert repr(rounding(x * 2 + 1)) == "<Rounding: no operation had to round>"
    assert rounding(x).rows == []


def test_gradients_stay_as_they_are():
    x = Value(0.1)
    y = x * x
    y.backward()
    rounding(y)
    assert (x.grad, y.grad) == (0.2, 1.0)


def test_bad_input_is_refused():
    with pytest.raises(TypeError, match="takes a Value"):
        rounding(1.0)
    with pytest.raises(ValueError, match=r"diagnose\(root\)"):
        rounding(Value(1.0) / 0)


def test_a_drawing_shows_where_digits_were_lost():
    x = Value(1e-4, "x")
    y = (1 - engine.cos(x)) / x**2
    drawing = engine.draw(y, colour="digits")
    by_name = {box.name: box for box in drawing.picture.boxes}
    assert (by_name["cos"].gradient, by_name["\N{MINUS SIGN}"].gradient) == ("16 digits", "8 digits")
    assert (by_name["cos"].tone, by_name["\N{MINUS SIGN}"].tone) == ("zero", "p3")
    assert [arrow.local for arrow in drawing.picture.arrows if arrow.local] == ["\N{MULTIPLICATION SIGN}2e8"]
    assert "8.2 of 16.0 digits are right" in by_name["\N{MINUS SIGN}"].exact
    assert "digits that are right below" in drawing._repr_svg_()
    assert engine.draw(x * 1.0, colour="digits", gradients=False).picture.boxes[-1].gradient == "16 digits"
    with pytest.raises(ValueError, match="colour is one of gradients, digits, got 'red'"):
        engine.draw(y, colour="red")
