"""The checker itself: what it accepts, what it rejects, and what it calls the things it cannot check."""

import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import engine
from engine import Value, atan2, custom, exp, log, sin, softmax
from engine.domain import POSITIVE, SYMMETRIC_UNIT, UNIT, Interval
from engine.testing import (
    Expression,
    GradientError,
    check_gradients,
    expressions,
    floats_in,
    from_primitive,
    gradcheck,
    numerical_gradient,
    values,
)


def reason(f, inputs, **options):
    with pytest.raises(GradientError) as caught:
        gradcheck(f, inputs, **options)
    return caught.value.reason


def test_a_right_gradient_is_true():
    assert gradcheck(lambda x, y: sin(x * y) + x**y, (1.3, 0.7), order=2) is True


@pytest.mark.parametrize("modes", [("reverse",), ("forward",), ("reverse", "forward"), ["forward"]])
@pytest.mark.parametrize("order", [1, 2])
def test_every_mode_and_order_can_be_had_alone(modes, order):
    assert gradcheck(lambda x, y: x * exp(y), (0.5, -1.0), order=order, modes=modes)


def test_inputs_may_be_nested_arrays_values_or_one_number():
    matrix = np.arange(6.0).reshape(2, 3)
    assert gradcheck(lambda x: (matrix @ x) @ (matrix @ x), (np.array([1.0, 2.0, 3.0]),), order=2)
    assert gradcheck(lambda d: d["a"] * d["b"][1] + d["b"][0], ({"a": 2.0, "b": [3.0, 4.0]},))
    assert gradcheck(lambda xs, t: xs[0] * xs[1] * t, ((2.0, 3.0), 4))
    assert gradcheck(sin, 0.5)
    assert gradcheck(lambda x: x.relu(), Value(0.5, "bias"))


def test_a_millionth_of_a_tenth_is_rejected():
    slightly = custom(lambda x: math.sin(x), lambda x: engine.cos(x) * (1.0 + 1e-7), name="slightly")
    assert reason(slightly, 0.5) == "wrong"
    assert reason(lambda x: sin(x) * 2.0, 0.5, gradient=lambda x: 2.0 * math.cos(x) * 1.0009) == "wrong"


def test_a_sign_error_of_a_tiny_gradient_is_rejected():
    assert reason(lambda x: 4e-6 * x, 1.0, gradient=lambda x: -4e-6) == "wrong"
    assert reason(lambda x: math.exp(-x), 30.0, gradient=lambda x: math.exp(-x)) == "wrong"


def test_a_wrong_second_derivative_is_rejected_at_order_two_only():
    wrong = custom(
        lambda x: math.sin(x), lambda x: engine.cos(x.detach()) if isinstance(x, Value) else math.cos(x)
    )
    assert gradcheck(wrong, 0.5)
    assert reason(wrong, 0.5, order=2) == "wrong"


def test_the_message_has_a_table_and_the_expression():
    bad = custom(lambda x: x * x, lambda x: x, name="bad")
    with pytest.raises(GradientError) as caught:
        gradcheck(lambda weight, y: bad(weight) * y, (3.0, 2.0))
    text = str(caught.value)
    for part in ("bad(weight) * y", "weight = 3.0", "analytic", "numeric", "error", "6.0", "12.0", "<-"):
        assert part in text
    assert [row.name for row in caught.value.rows if not row.agrees] == ["weight = 3.0"]
    assert str(pickle.loads(pickle.dumps(caught.value))) == text


def test_it_is_an_assertion_error():
    assert issubclass(GradientError, AssertionError)


@pytest.mark.parametrize("x", [2.0, 8.0, 18.0])
def test_rounding_inside_a_black_box_is_no_false_alarm(x):
    assert gradcheck(lambda x: math.log(1.0 + math.exp(-x)), x, gradient=lambda x: -1.0 / (1.0 + math.exp(x)))
    assert gradcheck(lambda x: (x + 1e6) - 1e6, x, gradient=lambda x: 1.0)


def test_a_sum_that_cancels_in_one_mode_and_is_multiplied_by_zero_in_the_other_is_no_false_alarm():
    def same_shares(x, y):
        return softmax([atan2(x, y)] * 4)[0]

    assert gradcheck(same_shares, (0.0, 7.0), order=2)


def test_rounding_that_a_steep_tail_magnifies_is_no_false_alarm():
    def tail(z, x):
        v = log(engine.acos(exp(z)))
        return engine.gelu(engine.log_softmax([engine.binary_cross_entropy(v, v), x, x, x])[0])

    def further(z, y):
        rows = [engine.erfc(engine.binary_cross_entropy(z, engine.cos(y))), 11.5]
        return engine.gelu(engine.log_softmax(rows)[0])

    assert gradcheck(tail, (-11.0, 8.0))
    assert gradcheck(further, (0.015625, 5.94))


def test_a_hand_written_gradient_is_called_with_what_the_function_takes():
    matrix = np.arange(6.0).reshape(2, 3)

    def square(x, scale):
        return float((matrix @ x) @ (matrix @ x)) * scale

    def gradient(x, scale):
        return 2.0 * scale * matrix.T @ (matrix @ x), square(x, 1.0)

    point = (np.array([1.0, 2.0, 3.0]), 0.5)
    assert gradcheck(square, point, gradient=gradient)
    assert (
        reason(square, point, gradient=lambda x, s: (gradient(x, s)[0] * 1.000001, square(x, 1.0))) == "wrong"
    )
    with pytest.raises(ValueError, match="a number for each input: 4, got 3"):
        gradcheck(square, point, gradient=lambda x, s: x)


class TestNumericalGradient:
    @pytest.mark.parametrize(
        ("method", "digits"), [("central", 1e-12), ("forward", 1e-10), ("richardson", 1e-11)]
    )
    @pytest.mark.parametrize(
        ("f", "slope", "x"),
        [
            (math.exp, math.exp, 1.0),
            (math.log, lambda x: 1.0 / x, 1e-5),
            (math.sin, math.cos, 100.0),
            (math.atan, lambda x: 1.0 / (1.0 + x * x), -3.0),
            (lambda x: 1.0 / x, lambda x: -1.0 / x**2, 1e-3),
            (math.sqrt, lambda x: 0.5 / math.sqrt(x), 1e6),
        ],
    )
    def test_many_digits_are_right(self, f, slope, x, method, digits):
        assert numerical_gradient(f, x, method) == pytest.approx(slope(x), rel=digits * 20)

    def test_the_result_has_the_shape_of_the_inputs(self):
        def f(x, y):
            return x * x * y

        assert numerical_gradient(f, (3.0, 2.0)) == pytest.approx((12.0, 9.0))
        assert numerical_gradient(f, [3.0, 2.0]) == pytest.approx([12.0, 9.0])
        assert numerical_gradient(lambda x: float(x @ x), np.ones(3)).shape == (3,)
        assert numerical_gradient(lambda d: d["a"] ** 2, {"a": 3.0})["a"] == pytest.approx(6.0)

    def test_functions_of_values_work_as_well(self):
        assert numerical_gradient(lambda x: x.exp(), 1.0) == pytest.approx(math.e)

    def test_forward_stands_at_the_edge_of_a_domain(self):
        assert numerical_gradient(lambda x: x * math.sqrt(x), 0.0, "forward") == pytest.approx(0.0, abs=1e-6)

    def test_another_method_is_refused(self):
        with pytest.raises(ValueError, match="central, forward, richardson"):
            numerical_gradient(sin, 1.0, "magic")


@check_gradients
@pytest.mark.parametrize("x", [0.5, 2.0])
def test_the_decorator_makes_a_test_of_an_expression(x):
    return sin(x) * x


@check_gradients(order=2, modes=("reverse",))
@given(x=floats_in(POSITIVE), y=floats_in(SYMMETRIC_UNIT))
def test_the_decorator_stands_above_given(x, y):
    return log(x) * engine.asin(y)


@given(x=floats_in(POSITIVE))
@check_gradients
def test_the_decorator_stands_below_given(x):
    return engine.sqrt(x)


def test_the_decorator_takes_defaults_and_containers():
    wrong = custom(lambda x: x * x, lambda x: x)
    check_gradients(order=2)(lambda x=2.0, y=3.0: x * y)()
    check_gradients(lambda pair=(2.0, [3.0, 4.0]): pair[0] * pair[1][0] + pair[1][1])()
    with pytest.raises(GradientError, match=r"1 of 2 derivatives differ(.|\n)*pair\[1\]\[0\] = 3.0"):
        check_gradients(lambda pair=(2.0, [3.0]): pair[0] + wrong(pair[1][0]))()


class TestDecorated:
    power = 3

    @check_gradients
    @pytest.mark.parametrize("kind", ["sin", "exp"])
    @pytest.mark.parametrize("x", [0.5, 2.0])
    @pytest.mark.parametrize("flag", [True])
    def test_what_is_no_number_is_passed_on(self, x, kind, flag):
        assert flag is True
        return getattr(engine, kind)(x) ** self.power


def test_the_decorator_fails_where_the_gradient_is_wrong():
    wrong = custom(lambda x: x * x, lambda x: x)
    with pytest.raises(GradientError):
        check_gradients(lambda x: wrong(x))(2.0)
    with pytest.raises(GradientError):
        check_gradients(rtol=1e-3)(lambda x: wrong(x))(x=2.0)


class TestStrategies:
    @given(floats_in(UNIT))
    def test_numbers_keep_away_from_the_edges(self, x):
        assert 2.0**-6 <= x <= 1.0 - 2.0**-6

    @given(floats_in(Interval(-1.0, math.inf, (0.0, 2.0)), margin=0.25, max_magnitude=4.0))
    def test_numbers_keep_away_from_holes(self, x):
        assert -0.75 <= x <= 4.0
        assert min(abs(x), abs(x - 2.0)) >= 0.25

    def test_a_domain_without_room_is_refused(self):
        with pytest.raises(ValueError, match="no number"):
            floats_in(Interval(0.0, 0.01))

    @given(values(-1.0, 1.0, label="w"))
    def test_values_are_labelled_leaves(self, v):
        assert -1.0 <= v.data <= 1.0
        assert (v.op, v.label) == ("", "w")

    @given(from_primitive("atan2"))
    def test_a_primitive_can_be_had_alone(self, e):
        assert e.root.op == "atan2"
        assert len(e.inputs) == 2

    @given(expressions(ops=["sin", "mul"], variables=("a", "b"), max_leaves=3, max_nodes=9))
    def test_bounds_are_kept(self, e):
        assert set(e.names) <= {"a", "b"}
        nodes = list(below(e.root))
        assert {node.op for node in nodes} <= {"", "sin", "mul"}
        assert len(nodes) <= 9
        assert sum(not node.parents for node in nodes) <= 3

    def test_what_cannot_be_is_refused(self):
        for wrong in ({"ops": []}, {"max_leaves": 0}, {"max_nodes": 1}, {"variables": ()}):
            with pytest.raises(ValueError, match="expressions need"):
                expressions(**wrong)
        for unreadable in (["x", "x"], ["lambda"], ["not a name"]):
            with pytest.raises(ValueError, match="different names that Python can read"):
                expressions(variables=unreadable)
        for missing in (lambda: from_primitive("sine"), lambda: expressions(ops="sine")):
            with pytest.raises(KeyError, match="no primitive is named 'sine'"):
                missing()
        with pytest.raises(TypeError, match=r"a domain is an Interval .* got \(0, 1\)"):
            floats_in((0, 1))

    def test_fan_out_and_repetition_are_found_and_shrink_well(self):
        def doubled(e):
            return any(
                len(node.parents) == 2 and node.parents[0] is node.parents[1] for node in below(e.root)
            )

        def shared(e):
            uses = [id(p) for node in below(e.root) for p in node.parents if p.parents]
            return len(set(uses)) < len(uses)

        assert repr(find(expressions(), doubled, settings=SEARCH)).count("x") <= 6
        assert len(list(below(find(expressions(ops=["sin", "add"]), shared, settings=SEARCH).root))) <= 4

    def test_a_planted_bug_shrinks_to_one_application(self):
        wrong = engine.Primitive(
            "wrong", math.sin, lambda x: engine.cos(x) * 1.001, domain=Interval(-9.0, 9.0)
        )

        def fails(e):
            try:
                return not gradcheck(e)
            except GradientError:
                return True

        found = find(expressions(ops=["add", "mul", "exp", wrong], max_nodes=8), fails, settings=SEARCH)
        assert repr(found) == "Expression(lambda x: wrong(x), x=0.0)"

    def test_what_is_drawn_can_be_drawn(self):
        drawn = find(expressions(), lambda e: len(e.inputs) == 2, settings=SEARCH)
        assert "digraph" in engine.draw(drawn.root).source


SEARCH = settings(
    max_examples=3000, database=None, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)


def below(root):
    found, stack = set(), [root]
    while stack:
        node = stack.pop()
        if id(node) not in found:
            found.add(id(node))
            yield node
            stack.extend(node.parents)


def test_an_expression_says_how_many_numbers_it_takes():
    with pytest.raises(TypeError, match="takes 2 numbers, got 1"):
        Expression(lambda x, y: x * y, x=1.0, y=2.0)(1.0)


def test_a_constant_expression_is_an_expression():
    assert repr(Expression(lambda x: 3.0, x=1.0)) == "Expression(lambda x: 3, x=1.0)"


WITHOUT_HYPOTHESIS = """
import sys
sys.modules["hypothesis"] = None
import engine.testing
assert engine.testing.gradcheck(lambda x: x * x, 2.0)
try:
    engine.testing.expressions
except ImportError as error:
    print(error)
"""


def test_without_hypothesis_all_but_the_strategies_work():
    command = [sys.executable, "-c", WITHOUT_HYPOTHESIS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "pip install 'chainrule[testing]'" in done.stdout


@settings(max_examples=5, phases=[Phase.generate])
@given(st.data())
def test_the_check_leaves_the_users_values_alone(data):
    w = Value(data.draw(floats_in(POSITIVE)))
    w.grad = 7.0
    assert gradcheck(lambda x: x * w, 2.0, order=2)
    assert w.grad == 7.0


@pytest.mark.parametrize("name", ["less", "less_equal", "greater", "greater_equal", "matches", "wins"])
def test_comparisons_are_drawn_off_the_diagonal(name):
    @given(from_primitive(name))
    def apart(expression):
        x, y = expression.inputs
        assert abs(x - y) > 1e-3

    apart()
