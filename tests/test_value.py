import copy
import math
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction

import pytest

import engine
from engine import StaleGraphError, Value


def test_backward_twice_doubles_the_leaves_exactly():
    x = Value(2)
    y = x * x
    y.backward()
    y.backward()
    assert x.grad == 8.0
    assert y.grad == 1.0


def test_inner_nodes_hold_the_gradient_of_the_last_pass_only():
    x = Value(3.0)
    y = x * x
    z = 2 * y
    z.backward()
    z.backward()
    assert y.grad == 2.0
    assert x.grad == 24.0


def test_two_losses_that_share_a_node_add_their_gradients():
    x = Value(3.0)
    shared = x * x
    first, second = shared * 2, shared * 7
    first.backward()
    second.backward()
    assert x.grad == 54.0


def test_backward_of_a_leaf_gives_one_and_accumulates():
    x = Value(5.0)
    x.backward()
    x.backward(2)
    assert x.grad == 3.0


def test_seed_scales_every_gradient():
    x = Value(1.5)
    (x * x).backward(seed=4)
    assert x.grad == 12.0


def test_zero_grad_reaches_everything():
    x, y = Value(1.0), Value(2.0)
    z = x * y
    z.backward()
    z.zero_grad()
    assert (x.grad, y.grad, z.grad) == (0.0, 0.0, 0.0)


def test_parents_keep_argument_order_and_repeats():
    x, y = Value(1.0), Value(2.0)
    assert (x - y).parents == (x, y)
    assert (x * x).parents == (x, x)
    assert (-x).parents == (x,)
    assert x.parents == ()
    assert engine.sum([x, y, x]).parents == (x, y, x)


def test_a_plain_number_is_an_unlabelled_constant_leaf_that_takes_no_gradient():
    y = Value(3.0) * 2
    constant = y.parents[1]
    assert (constant.data, constant.label, constant.op, constant.parents) == (2.0, "", "", ())
    y.backward()
    assert constant.grad == 0.0


def test_a_square_of_a_negative_number_has_no_nan_anywhere():
    x = Value(-3.0)
    y = x**2
    y.backward()
    assert x.grad == -6.0
    assert y.parents[1].grad == 0.0


def test_difference_and_quotient_are_one_node_each():
    x, y = Value(1.0), Value(2.0)
    assert ((x - y).op, (x / y).op) == ("sub", "div")
    assert ((1 - y).op, (1 / y).op) == ("sub", "div")


def test_local_gradient_is_the_recorded_closure_evaluated():
    x, y = Value(3.0), Value(4.0)
    assert (x * y).local_gradient() == (4.0, 3.0)
    assert (x / y).local_gradient() == (0.25, -0.1875)
    assert engine.floor(x).local_gradient() == (0.0,)
    assert x.local_gradient() == ()


@pytest.mark.parametrize("number", [True, 3, 2.5, Fraction(1, 3)])
def test_real_numbers_become_doubles(number):
    assert type(Value(number).data) is float
    assert Value(number).data == float(number)


@pytest.mark.parametrize("bad", ["3", None, 1j, [1], (1,), Decimal("1"), b"1", {}])
def test_anything_else_is_refused_by_name(bad):
    with pytest.raises(TypeError, match=type(bad).__name__):
        Value(bad)
    with pytest.raises(TypeError):
        Value(1.0) + bad
    with pytest.raises(TypeError):
        bad * Value(1.0)
    with pytest.raises(TypeError):
        Value(1.0) < bad


def test_messages_show_what_was_passed_however_deep_it_is():
    deep = [1.0]
    for _ in range(100_000):
        deep = [deep]
    for call in (Value, engine.sum, engine.sin, Value(1.0).__lt__, Value(1.0).backward, engine.jit):
        with pytest.raises(TypeError, match=re.escape("got list [[[[[[[...]]]]]]]")):
            call(deep)


def test_too_large_an_integer_overflows():
    with pytest.raises(OverflowError):
        Value(10**400)


@pytest.mark.parametrize("cut", [float, int, complex, math.exp, math.sin])
def test_what_would_cut_the_graph_is_refused_with_advice(cut):
    with pytest.raises(TypeError, match=r"\.data"):
        cut(Value(1.0))


def test_a_node_is_no_index():
    with pytest.raises(TypeError):
        range(Value(1.0))


def test_arithmetic_never_raises_for_a_number():
    x = Value(1.0)
    assert (x / 0).data == math.inf
    assert math.isnan(Value(-1.0).log().data)
    assert math.isnan((Value(-2.0) ** 0.5).data)
    assert Value(1000.0).exp().data == math.inf
    assert (Value(1e200) ** 2).data == math.inf
    assert math.isnan((Value(0.0) // 0).data)
    assert math.isnan((x % 0).data)


def test_order_and_equality_are_those_of_data():
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert a == 1
    assert len({a, b}) == 2
    assert [a, b].index(b) == 0
    assert not a < b
    assert a <= b
    assert a < 2
    assert 2 > a
    assert sorted([Value(2.0), a])[0] is a
    assert engine.isclose(a, b)


def test_hash_survives_a_change_of_data():
    a = Value(1.0)
    before = hash(a)
    a.data = 2
    assert hash(a) == before
    assert type(a.data) is float


def test_truth_is_that_of_the_number():
    assert Value(0.5)
    assert not Value(0.0)
    assert Value(math.nan)


def test_format_and_repr():
    x = Value(2.0, label="x")
    assert f"{x:.3f}" == "2.000"
    assert repr(x) == "Value(data=2.0, grad=0.0, label='x')"
    assert str(x * 2) == "Value(data=4.0, grad=0.0)"


def test_data_of_an_inner_node_cannot_be_assigned():
    y = Value(1.0) + 1
    with pytest.raises(AttributeError, match="forward"):
        y.data = 3.0


def test_unknown_attributes_are_refused():
    with pytest.raises(AttributeError):
        Value(1.0).gard = 0.0


def test_the_class_is_final():
    with pytest.raises(TypeError):
        type("Child", (Value,), {})


def test_a_changed_leaf_makes_the_graph_stale_and_forward_mends_it():
    x = Value(3.0, label="x")
    y = x * x
    z = y + 1
    x.data = 5
    with pytest.raises(StaleGraphError, match="'x'"):
        z.backward()
    assert x.grad == 0.0
    assert z.forward() == 26.0
    z.backward()
    assert (x.grad, y.data) == (10.0, 25.0)


def test_forward_of_one_root_makes_another_root_stale():
    x = Value(2.0)
    shared = x * 3
    first, second = shared + 1, shared * shared
    x.data = 4.0
    first.forward()
    with pytest.raises(StaleGraphError):
        second.backward()
    second.forward()
    second.backward()
    assert second.data == 144.0


def test_a_node_made_from_a_stale_node_is_stale_too():
    x = Value(2.0)
    y = x * x
    x.data = 3.0
    z = y + 1
    with pytest.raises(StaleGraphError):
        z.backward()
    y.forward()
    with pytest.raises(StaleGraphError):
        z.backward()
    assert z.forward() == 10.0


def test_training_loops_never_meet_a_stale_graph():
    w = Value(0.0)
    for _ in range(20):
        loss = (w - 3) ** 2
        w.grad = 0.0
        loss.backward()
        w.data -= 0.2 * w.grad
    assert abs(w.data - 3) < 1e-3


def test_recorded_branches_are_replayed_as_recorded():
    x = Value(2.0)
    y = engine.where(x > 0, x * 10, x)
    x.data = -1.0
    assert y.forward() == -10.0


def test_in_place_operators_make_a_new_node():
    x = Value(1.0)
    y = x
    y += 1
    assert x.data == 1.0
    assert y.parents[0] is x


def test_detach_and_item_cut_on_request():
    x = Value(2.0)
    y = (x * x).detach()
    assert y.parents == ()
    assert (x * x).item() == 4.0
    (y * x).backward()
    assert x.grad == 4.0


def test_divmod_round_and_unary_operators():
    x = Value(-5.5)
    quotient, remainder = divmod(x, 2)
    assert (quotient.data, remainder.data) == divmod(-5.5, 2)
    assert (round(x).data, math.floor(x).data, math.ceil(x).data, math.trunc(x).data) == (-6, -6, -5, -5)
    assert (+x) is x
    assert abs(x).data == 5.5
    assert divmod(7, Value(2.0))[0].data == 3.0


def test_a_label_is_a_string():
    x = Value(1.0)
    x.label = "weight"
    assert x.label == "weight"
    with pytest.raises(TypeError, match="int"):
        x.label = 3


def test_a_rule_that_raises_leaves_every_gradient_as_it_was():
    def broken(x):
        raise RuntimeError("no gradient today")

    bad = engine.custom(lambda x: x, broken, name="bad")
    x, y = Value(2.0), Value(3.0)
    z = y * bad(x) + x
    (x * y).backward()
    before = [node.grad.hex() for node in (x, y, z)]
    with pytest.raises(RuntimeError, match="today"):
        z.backward()
    assert [node.grad.hex() for node in (x, y, z)] == before


def test_custom_primitives_take_part_in_everything():
    cube = engine.custom(lambda x: x**3, lambda x: 3 * x * x, name="cube")
    x = Value(2.0)
    y = cube(x) + 1
    y.backward()
    assert (y.data, x.grad, y.parents[0].op) == (9.0, 12.0, "cube")
    assert cube(3) == 27.0
    assert engine.grad(engine.grad(cube))(2.0) == 12.0


def test_a_custom_rule_of_the_wrong_length_is_named():
    pair = engine.custom(lambda x, y: x + y, lambda x, y: (1.0,), name="pair")
    with pytest.raises(ValueError, match="pair"):
        pair(Value(1.0), Value(2.0)).backward()


def test_a_custom_rule_may_differentiate_what_it_shares_with_the_graph():
    theta = Value(3.0)
    inner = engine.custom(
        lambda x: x * theta.data**2,
        lambda x: engine.grad(lambda t: x * t * t)(theta.data) * 0 + theta.data**2,
        name="inner",
    )
    x = Value(2.0)
    (theta * inner(x)).backward()
    assert (x.grad, theta.grad) == (27.0, 18.0)


def test_no_grad_computes_without_recording():
    x = Value(2.0)
    with engine.no_grad():
        y = x * x
    assert (y.data, y.parents) == (4.0, ())
    assert (x * x).parents == (x, x)

    @engine.no_grad()
    def squared(v):
        return v * v

    assert squared(x).parents == ()
    assert (x * x).parents == (x, x)


def test_an_exception_inside_no_grad_restores_recording():
    with pytest.raises(KeyError), engine.no_grad():
        raise KeyError
    assert (Value(1.0) + 1).parents


def test_copies_are_independent_and_whole():
    x = Value(2.0, label="x")
    y = x * x
    y.backward()
    twin = copy.deepcopy(y)
    assert (twin.data, twin.grad, twin.parents[0].label) == (4.0, 1.0, "x")
    assert twin.parents[0] is twin.parents[1]
    assert twin.parents[0] is not x
    twin.backward()
    assert (x.grad, twin.parents[0].grad) == (4.0, 8.0)
    assert copy.copy(y).parents == (x, x)


def test_a_pickled_root_carries_its_graph():
    x, w = Value(2.0, label="x"), Value(3.0)
    y = engine.dot([x, 4.0], [w, x]) + engine.exp(x)
    y.label = "y"
    y.backward()
    again = pickle.loads(pickle.dumps(y))
    assert (again.data, again.grad, again.label) == (y.data, 1.0, "y")
    again.backward()
    leaf = again.parents[0].parents[0]
    assert (leaf.label, leaf.grad) == ("x", 2 * x.grad)


def test_roots_pickled_together_share_their_leaves():
    x = Value(2.0)
    a, b = pickle.loads(pickle.dumps([x + 1, x * 2]))
    assert a.parents[0] is b.parents[0]


def test_a_stale_graph_is_still_stale_after_pickling():
    x = Value(2.0)
    y = x * x
    x.data = 3.0
    with pytest.raises(StaleGraphError):
        pickle.loads(pickle.dumps(y)).backward()


def test_diagnose_looks_at_a_value():
    with pytest.raises(TypeError, match=r"diagnose looks at a Value and what is below it, got list \[\]"):
        engine.diagnose([])


def test_engine_exp_points_of_diagnosis():
    x = Value(-1.0, label="x")
    with engine.debug():
        y = engine.log(x) * 2
    found = engine.diagnose(y)
    assert (found.kind, found.op, found.inputs) == ("value", "log", (-1.0,))
    assert "test_value.py" in found.source
    assert "engine.log(x) * 2" in str(found)


def test_diagnosis_finds_where_a_gradient_broke():
    x = Value(0.0, label="x")
    y = engine.sqrt(x * x)
    found = engine.diagnose(y)
    assert (found.kind, found.op) == ("gradient", "sqrt")
    assert not engine.diagnose(Value(2.0) * 3)


def test_a_leaf_that_only_a_jump_looks_at_keeps_its_gradient():
    x, y = Value(2.5), Value(3.0)
    (x * x).backward()
    (engine.floor(x) * y).backward()
    assert (x.grad, y.grad) == (5.0, 2.0)


def test_a_jump_passes_nothing_even_to_an_infinite_adjoint():
    x = Value(2.5)
    (engine.floor(x) * math.inf + x).backward()
    assert x.grad == 1.0


def test_order_against_numbers_of_every_kind_is_a_bool():
    for number in (Fraction(1, 2), True, 3, 0.5):
        assert (Value(5) > number) is True
        assert (Value(5) < number) is False


def test_custom_primitives_are_copied_and_pickled_by_their_functions():
    square = engine.custom(math.fabs, math.sqrt, name="odd")
    again = pickle.loads(pickle.dumps(square(Value(4.0))))
    assert (again.data, again.local_gradient()) == (4.0, (2.0,))
    assert copy.deepcopy([square])[0] is square
    unregistered = engine.Primitive("mine", lambda x: x, lambda x: 1.0)
    with pytest.raises(TypeError, match="register"):
        pickle.dumps(unregistered(Value(1.0)))


def test_a_rule_may_wait_for_a_thread_that_differentiates():
    with ThreadPoolExecutor(1) as pool:
        slope = engine.grad(lambda x: x * x)
        waiting = engine.custom(lambda x: x * x, lambda x: pool.submit(slope, x).result(timeout=10))
        x = Value(3.0)
        waiting(x).backward()
    assert x.grad == 6.0


def test_no_grad_refuses_what_runs_after_the_call():
    with pytest.raises(TypeError, match="generator"):

        @engine.no_grad()
        def numbers():
            yield 1


def test_one_mode_serves_nested_blocks():
    quiet = engine.no_grad()
    with quiet, engine.debug(), quiet:
        assert (Value(1.0) + 1).parents == ()
    assert (Value(1.0) + 1).parents


def test_diagnosis_blames_the_first_that_breaks():
    x = Value(0.0, "x")
    assert engine.diagnose(engine.sqrt(x) + 2 * x).op == "sqrt"


def test_a_label_has_to_be_text_from_the_start():
    with pytest.raises(TypeError, match="int"):
        Value(1, 5)


def test_a_gradient_is_a_number():
    x = Value(1.0)
    with pytest.raises(TypeError, match=r"grad is a number, got None: set it to 0\.0"):
        x.grad = None
    x.grad = 2
    assert x.grad == 2.0
