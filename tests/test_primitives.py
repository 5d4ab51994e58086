"""The table of primitives: complete, written down, right at random points, never an exception."""

import ast
import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import pytest

import engine
from engine import functions as f
from engine import primitives as p
from engine.domain import Interval
from engine.primitive import TABLE, Primitive
from engine.transform import grad
from engine.value import Value

ROWS = [pytest.param(row, id=name) for name, row in TABLE.items()]
PUBLIC = """
    exp expm1 exp2 log log1p log2 log10 sqrt cbrt reciprocal square abs sign floor ceil round trunc
    sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc lgamma gamma
    sigmoid logsigmoid softplus relu relu6 leaky_relu elu gelu silu mish softsign hardtanh clamp
    add sub mul div pow erfinv logit fmod mod floordiv remainder copysign hypot atan2
    maximum minimum logaddexp xlogy where degrees radians
    sum prod mean dot norm max min logsumexp softmax log_softmax
    cross_entropy binary_cross_entropy binary_cross_entropy_with_logits huber isclose
""".split()
SPECIAL = (-math.inf, -3.0, -1.0, -0.5, -0.0, 0.0, 5e-324, 0.5, 1.0, 3.0, 1e308, math.inf, math.nan)


def arity(row: Primitive) -> int:
    """How many operands to test a row with: 4 for an n-ary one."""
    return 4 if row.gradient is not None else len(row.partials)


def drawn(interval: Interval, source: random.Random) -> float:
    """A number of moderate size well inside an interval."""
    low, high = max(interval.low, -3.0), min(interval.high, 4.0)
    if interval.whole:
        return float(source.randint(math.ceil(low), math.floor(high)))
    while True:
        x = source.uniform(low + 0.04 * (high - low), high - 0.04 * (high - low))
        if all(abs(x - hole) > 0.05 for hole in interval.holes):
            return x


def point(row: Primitive, source: random.Random) -> list[float]:
    """Operands in the smooth domain of a row, away from its kinks."""
    domain = row.domain * arity(row) if row.gradient is not None else row.domain
    while True:
        xs = [drawn(interval, source) for interval in domain]
        apart = row.kink is None or abs(row.kink(xs) if row.gradient is not None else row.kink(*xs)) > 0.05
        if apart and math.isfinite(row.evaluate(xs)):
            return xs


def slope(g: Callable[[float], float], x: float, h: float = 2e-3) -> float:
    """The derivative of g at x by a 7-point central difference."""
    return sum(w * (g(x + i * h) - g(x - i * h)) for i, w in ((1, 45), (2, -9), (3, 1))) / (60.0 * h)


def moved(row: Primitive, xs: list[float], i: int) -> Callable[[float], float]:
    return lambda x: row.evaluate([*xs[:i], x, *xs[i + 1 :]])


@pytest.mark.parametrize("name", PUBLIC)
def test_every_function_of_the_contract_is_exported(name: str) -> None:
    assert name in dir(engine)
    assert callable(getattr(engine, name))


@pytest.mark.parametrize("module", [p, f], ids=["primitives", "functions"])
def test_all_names_what_is_there(module: Any) -> None:
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(callable(getattr(module, name)) for name in module.__all__)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_domain_for_each_argument(row: Primitive) -> None:
    assert len(row.domain) == (1 if row.gradient is not None else len(row.partials))
    assert all(isinstance(interval, Interval) for interval in row.domain)


@pytest.mark.parametrize("row", ROWS)
def test_every_row_can_be_written(row: Primitive) -> None:
    python, latex = row.python, row.latex
    for slot in ("{*}", "{left}", "{right}", *(f"{{{i}}}" for i in range(arity(row)))):
        python, latex = python.replace(slot, "x"), latex.replace(slot, "x")
    ast.parse(python, mode="eval")
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right") + latex.count(r"\leftarrow")


@pytest.mark.parametrize("row", ROWS)
def test_every_partial_agrees_with_finite_differences(row: Primitive) -> None:
    source = random.Random(row.name)
    for _ in range(20):
        xs = point(row, source)
        for i, partial in enumerate(row.local_gradient([Value(x) for x in xs])):
            expected = slope(moved(row, xs, i), xs[i]) if partial is not None else 0.0
            got = 0.0 if partial is None else float(getattr(partial, "data", partial))
            if partial is not None:
                assert got == pytest.approx(expected, rel=2e-6, abs=2e-7 * (1.0 + abs(row.evaluate(xs))))


@pytest.mark.parametrize("row", ROWS)
def test_a_gradient_of_numbers_is_that_of_nodes(row: Primitive) -> None:
    xs = point(row, random.Random(row.name))
    nodes = row.local_gradient([Value(x) for x in xs])
    for number, node in zip(row.local_gradient(xs), nodes, strict=True):
        assert (number is None) == (node is None)
        assert number is None or number == getattr(node, "data", node)


@pytest.mark.parametrize("row", ROWS)
def test_no_number_makes_a_kernel_raise(row: Primitive) -> None:
    count = min(arity(row), 3)
    for xs in itertools.product(SPECIAL, repeat=count):
        operands = [*xs, *[0.0] * (arity(row) - count)]
        if row.name == "polygamma":
            operands[0] = abs(float(count))
        assert isinstance(row.evaluate(operands), float)


@pytest.mark.parametrize("row", [row for row in ROWS if arity(row.values[0]) == 1])
def test_second_derivatives_exist_for_every_number(row: Primitive) -> None:
    for x in SPECIAL:
        assert isinstance(grad(grad(row))(x), float)


UNARY = (
    "exp expm1 exp2 log1p log2 log10 sqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh"
)
NAN_KEEPERS = (
    "abs sign floor ceil round trunc erf erfc lgamma gamma relu relu6 hardtanh softsign silu mish gelu"
)


@pytest.mark.parametrize("name", f"{UNARY} {NAN_KEEPERS} erfinv logit sigmoid softplus logsigmoid".split())
def test_nan_in_is_nan_out(name: str) -> None:
    assert math.isnan(getattr(p, name)(math.nan))


def test_nan_wins_in_clamp_maximum_minimum_max_and_min() -> None:
    assert math.isnan(f.clamp(math.nan, 0, 1))
    assert all(math.isnan(g(x, y)) for g in (p.maximum, p.minimum) for x, y in ((math.nan, 1), (1, math.nan)))
    assert math.isnan(f.max([1, math.nan, 2]))
    assert math.isnan(f.min([1, math.nan, 2]))


@pytest.mark.parametrize("x", [-7.5, -2.0, -0.0, 0.0, 0.1, 1.0, 1e22])
@pytest.mark.parametrize("y", [-3.0, -0.1, 0.3, 2.0])
def test_remainders_are_pythons(x: float, y: float) -> None:
    assert (p.floordiv(x, y), p.mod(x, y)) == divmod(x, y)
    assert math.copysign(1.0, p.mod(x, y)) == math.copysign(1.0, x % y)
    assert (p.fmod(x, y), p.remainder(x, y)) == (math.fmod(x, y), math.remainder(x, y))


@pytest.mark.parametrize("x", [-2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 2.5, 2.4999999999999996, 1e15 + 0.5, 1e300])
def test_rounding_is_pythons_and_keeps_the_sign_of_zero(x: float) -> None:
    assert (p.round(x), p.floor(x), p.ceil(x), p.trunc(x)) == (round(x), math.floor(x), math.ceil(x), int(x))
    assert all(math.copysign(1.0, g(x)) == math.copysign(1.0, x) for g in (p.round, p.trunc))


@pytest.mark.parametrize("x", [0.0, -0.0, 2.0, -2.0, 0.5, -0.5, 1.0, -1.0, math.inf, -math.inf, math.nan])
def test_powers_are_those_of_ieee(x: float) -> None:
    for y in (0.0, 1.0, -1.0, 2.0, 3.0, -3.0, 0.5, -0.5, 1e300, math.inf, -math.inf, math.nan):
        try:
            expected = math.pow(x, y)
        except ValueError:
            expected = math.nan if x != 0.0 else math.copysign(math.inf, x if y in (-1.0, -3.0) else 1.0)
        except OverflowError:
            expected = math.inf
        got = p.pow(x, y)
        assert got == expected or (math.isnan(got) and math.isnan(expected))


def test_sums_run_from_left_to_right_without_compensation() -> None:
    assert f.sum([1e16, 1.0, 1.0]) == 1e16
    assert f.sum([1.0, 1.0, 1e16]) == 1e16 + 2.0
    assert f.dot([1e16, 1.0, 1.0], [1.0, 1.0, 1.0]) == 1e16


@pytest.mark.parametrize("g", [f.sum, f.prod, f.mean, f.norm, f.max, f.min, f.logsumexp])
def test_a_list_makes_one_node_with_all_its_parents(g: Callable[..., Any]) -> None:
    xs = [Value(x) for x in (1.0, 2.0, 3.0)]
    assert g(x for x in xs).parents == tuple(xs)


def test_a_zero_factor_leaves_the_other_gradients_right() -> None:
    assert grad(f.prod)([2.0, 0.0, 3.0]) == [0.0, 6.0, 0.0]
    assert grad(f.prod)([0.0, 0.0, 3.0]) == [0.0, 0.0, 0.0]


def test_ties_share_the_gradient_equally() -> None:
    assert grad(f.max)([2.0, 1.0, 2.0]) == [0.5, 0.0, 0.5]
    assert grad(f.min)([0.0, -0.0, 1.0, 0.0, 0.0]) == [0.25, 0.25, 0.0, 0.25, 0.25]


def test_the_norm_has_no_gradient_at_the_origin_and_never_overflows() -> None:
    assert grad(f.norm)([0.0, 0.0]) == [0.0, 0.0]
    assert f.norm([3e200, 4e200]) == pytest.approx(5e200, rel=1e-15)
    assert grad(f.norm)([3e-320, 4e-320]) == pytest.approx([0.6, 0.8], rel=1e-4)


def test_a_masked_logit_gets_no_probability_and_no_gradient() -> None:
    assert f.softmax([0.0, -math.inf, 0.0]) == [0.5, 0.0, 0.5]
    assert grad(f.logsumexp)([0.0, -math.inf, 0.0]) == [0.5, 0.0, 0.5]
    assert grad(lambda xs: f.cross_entropy(xs, 0))([0.0, -math.inf, 0.0]) == [-0.5, 0.0, 0.5]


def test_cross_entropy_takes_an_index_or_a_weight_for_each_class() -> None:
    logits = [0.3, -1.0, 2.0]
    whole = f.cross_entropy(logits, [0.25, 0.0, 0.75])
    assert whole == pytest.approx(0.25 * f.cross_entropy(logits, 0) + 0.75 * f.cross_entropy(logits, 2))
    assert f.cross_entropy(logits, 2) == pytest.approx(-f.log_softmax(logits)[2])
    assert f.cross_entropy([1.0, -math.inf], [1, 0]) == 0.0


def test_where_is_a_node_if_either_arm_is_and_takes_one_only() -> None:
    x = Value(0.0)
    y = f.where(x > 0, p.log(x), 0.0)
    assert (y.data, y.op, len(y.parents)) == (0.0, "where", 1)
    y.backward()
    assert x.grad == 0.0
    assert f.where(True, 1, 2) == 1.0
    assert grad(lambda x: f.where(x < 0, p.exp(x), 1 + x))(1000.0) == 1.0


def test_isclose_compares_numbers() -> None:
    assert f.isclose(Value(1.0), 1.0 + 1e-12)
    assert not f.isclose(1.0, Value(1.1))
    assert f.isclose(0.0, 1e-12, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: f.mean([]), ValueError, "at least one"),
        (lambda: f.max([]), ValueError, "at least one"),
        (lambda: f.sum(3), TypeError, "iterable"),
        (lambda: f.sum("12"), TypeError, "iterable"),
        (lambda: f.sum(["1"]), TypeError, "real number"),
        (lambda: f.dot([1], [1, 2]), ValueError, "1 and 2"),
        (lambda: f.cross_entropy([1, 2], 2), IndexError, "0 to 1"),
        (lambda: f.cross_entropy([1, 2], -1), IndexError, "0 to 1"),
        (lambda: f.cross_entropy([1, 2], 0.5), TypeError, "index of a class"),
        (lambda: f.cross_entropy([1, 2], [1]), ValueError, "1 for 2"),
        (lambda: f.gelu(1, "erf"), ValueError, "tanh"),
        (lambda: p.exp("1"), TypeError, "real number"),
        (lambda: p.exp(1, 2), TypeError, "takes 1"),
    ],
)
def test_a_wrong_call_says_what_was_got(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call()
