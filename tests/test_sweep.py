"""What it takes to notice the mutants of the sweep and the transforms (source_mutants.py)."""

import numpy as np
import pytest

import engine
from engine import Primitive, StaleGraphError, Value, custom, grad, jvp, vjp, vmap


def gradients(f, *numbers):
    leaves = [Value(x) for x in numbers]
    f(*leaves).backward()
    return [leaf.grad for leaf in leaves]


def test_a_users_primitive_of_one_two_or_three_numbers_passes_its_gradient_on():
    cube = custom(lambda x: x**3, lambda x: 3 * x**2, name="cube")
    ratio = custom(lambda x, y: x / y, lambda x, y: (1 / y, -x / y**2), name="ratio")
    volume = custom(lambda x, y, z: x * y * z, lambda x, y, z: (y * z, x * z, x * y), name="volume")
    assert gradients(lambda x: cube(x) * 2, 3.0) == [54.0]
    assert gradients(lambda x, y: ratio(x, y) * 2, 3.0, 2.0) == [1.0, -1.5]
    assert gradients(lambda x, y, z: volume(x, y, z) * 2, 3.0, 2.0, 5.0) == [20.0, 30.0, 12.0]
    assert gradients(lambda x, y: ratio(x, y) + engine.floor(x), 3.5, 2.0) == [0.5, -0.875]
    assert gradients(lambda x, y: ratio(x, y) + x // y, 3.5, 2.0) == [0.5, -0.875]


def test_a_row_whose_rule_is_a_users_passes_its_gradient_on():
    cube = Primitive("cube", lambda x: x**3, lambda x: 3.0 * x * x, foreign=True)
    assert gradients(lambda x: cube(x) * 2, 3.0) == [54.0]


def test_none_in_a_users_gradient_is_no_edge():
    partly = custom(lambda x, y: 2 * x + round(y), lambda x, y: (2.0, None), name="partly")
    assert grad(partly, (0, 1))(3.0, 2.0) == (2.0, 0.0)
    assert jvp(partly, (3.0, 2.0), (1.0, 1.0))[1] == 2.0


def test_the_first_argument_may_be_counted_from_the_end():
    assert grad(lambda x, y: x * y, -2)(3.0, 5.0) == 5.0


def test_operands_of_several_sums_and_dots_collect_from_all_of_them():
    assert gradients(lambda x, y: engine.sum([x, y]) * engine.sum([x, x, y]), 2.0, 3.0) == [17.0, 12.0]
    assert gradients(lambda x, y: engine.dot([x, y], [y, x]), 2.0, 3.0) == [6.0, 4.0]
    twice = gradients(lambda x, y: engine.dot([x, y], [y, x]) + engine.dot([x, x], [x, y]), 2.0, 3.0)
    assert twice == [13.0, 6.0]


def test_what_a_users_gradient_raises_reaches_the_user():
    bad = custom(lambda x: x, lambda x: 1.0 / (x - x), name="bad")
    with pytest.raises(ZeroDivisionError):
        bad(Value(2.0)).backward()


def test_the_leaf_that_was_changed_is_named_though_another_came_first():
    a, b, c = Value(2.0, "a"), Value(3.0, "b"), Value(4.0, "c")
    inner = a * b
    root = inner * c
    b.data = 5.0
    inner.forward()
    with pytest.raises(StaleGraphError, match="label='b'"):
        root.backward()


def test_a_forward_with_nothing_to_do_leaves_other_roots_fresh():
    x = Value(2.0)
    inner = x * x
    root, other = inner + 1.0, inner * 3.0
    root.forward()
    other.backward()
    assert x.grad == 12.0


def test_a_result_that_is_returned_twice_gets_both_cotangents():
    assert vjp(lambda x: [x * x] * 2, 3.0)[1]([1.0, 1.0]) == (12.0,)


def test_a_missing_return_is_guessed_and_only_that():
    with pytest.raises(TypeError, match="is there a return"):
        grad(lambda x: None)(1.0)
    with pytest.raises(TypeError, match="list of 2: see jacobian"):
        grad(lambda x: [x, x])(1.0)


def test_vmap_keeps_the_name_and_says_which_lengths_it_found():
    def double(x, y):
        return x + y

    assert vmap(double).__name__ == "double"
    with pytest.raises(ValueError, match="got no mapped axis"):
        vmap(double, in_axes=None)(1.0, 2.0)
    with pytest.raises(ValueError, match="got 1 in argument 0, 2 in argument 1"):
        vmap(double)([1.0], [1.0, 2.0])


def test_vmap_takes_any_axis_of_arrays_and_lists_also_from_the_end():
    rows = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    assert vmap(engine.sum, in_axes=-2)(np.array(rows)).tolist() == [6.0, 15.0]
    assert vmap(engine.sum, in_axes=0)(rows) == [6.0, 15.0]
    assert vmap(engine.sum, in_axes=1)(rows) == [5.0, 7.0, 9.0]
    assert vmap(lambda pair: pair[0] - pair[1])(([1.0, 2.0, 5.0], [4.0, 3.0, 1.0])) == [-3.0, -1.0, 4.0]


def test_vmap_hands_on_numbers_and_rows_as_floats_and_values_as_they_are():
    seen = []
    vmap(lambda x: seen.append(x) or 0.0)(np.array([1, 2]))
    assert [type(x) for x in seen] == [float, float]
    vmap(lambda x: seen.append(x) or 0.0)(np.array([[1, 2]]))
    assert seen[-1].dtype == float
    leaf = Value(3.0)
    vmap(lambda x: seen.append(x[0]) or 0.0)(np.array([[leaf]]))
    assert seen[-1] is leaf


def test_what_only_a_jump_looks_at_gets_nothing_and_keeps_what_it_had():
    x, y = Value(0.0), Value(2.0)
    inner = 1.0 / x  # inf: nothing times its slope would be nan
    root = engine.floor(inner) * 0.0 + y
    x.grad = 5.0
    for passes in (1.0, 2.0):
        root.backward()
        assert (x.grad, inner.grad, y.grad) == (5.0, 0.0, passes)
    root.zero_grad()
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_what_a_jump_and_a_slope_look_at_gets_the_slope():
    assert gradients(lambda x: engine.floor(x) * x + engine.sign(x), 2.5) == [2.0]
    assert gradients(lambda x, y: x // y + x * y, 7.0, 2.0) == [2.0, 7.0]


@pytest.mark.parametrize("row", [engine.add, engine.sub, engine.mul, engine.div, engine.copysign, engine.mod])
def test_an_operand_of_two_nodes_gets_what_both_pass(row):
    once = gradients(row, 3.0, 2.0)
    assert once[0] != 0.0
    assert gradients(lambda x, y: row(x, y) + row(x, y), 3.0, 2.0) == [2.0 * slope for slope in once]
    assert gradients(lambda x: row(x, x) + row(x, x), 3.0) == [
        2.0 * slope for slope in gradients(lambda x: row(x, x), 3.0)
    ]


CLOSED = {  # each is flat where it is asked, above an infinite slope
    "relu": (lambda x: engine.sqrt(engine.relu(x)), -1.5),
    "relu at 0": (lambda x: engine.sqrt(engine.relu(x)), 0.0),
    "below relu": (lambda x: engine.relu(engine.sqrt(x) - 1.0), 0.0),
    "maximum": (lambda x: engine.sqrt(engine.maximum(x, 0.0)), -1.5),
    "minimum": (lambda x: engine.sqrt(-engine.minimum(-x, 0.0)), -1.5),
    "clamp": (lambda x: engine.sqrt(engine.clamp(x, 0.0, 1.0)), -1.5),
    "max": (lambda x: engine.sqrt(engine.max([x, 0.0])), -1.5),
    "relu6": (lambda x: engine.sqrt(engine.relu6(x)), -1.5),
    "hardtanh": (lambda x: engine.sqrt(1.0 + engine.hardtanh(x)), -1.5),
    "a lost root": (lambda x: engine.maximum(engine.sqrt(x * x), 1e-10), 0.0),
    "many": (
        lambda x: engine.sum([engine.sqrt(engine.maximum(1.0 - (x - k) ** 2, 0.0)) for k in (2, 4)]),
        0.0,
    ),
    "an exponent of 0": (lambda x: engine.log(x) ** 0, 0.0),
    "where": (lambda x: engine.where(x > 0.0, engine.log(x), 1.0), 0.0),
}
FIRST = {
    "grad": grad,
    "jvp": lambda f: lambda x: jvp(f, x, 1.0)[1],
    "vjp": lambda f: lambda x: vjp(f, x)[1](1.0)[0],
    "on nodes": lambda f: lambda x: grad(f)(Value(x)).data,
    "forward on nodes": lambda f: lambda x: jvp(f, Value(x), 1.0)[1].data,
    "backward": lambda f: lambda x: gradients(f, x)[0],
    "second": lambda f: grad(grad(f)),
    "forward over reverse": lambda f: engine.jacfwd(grad(f)),
    "reverse over forward": lambda f: grad(lambda x: jvp(f, x, 1.0)[1]),
    "third": lambda f: grad(grad(grad(f))),
}


@pytest.mark.parametrize("case", CLOSED)
@pytest.mark.parametrize("order", FIRST)
def test_nothing_passes_a_gate_that_is_closed(case, order):
    f, x = CLOSED[case]
    assert FIRST[order](f)(x) == 0.0


@pytest.mark.parametrize("order", FIRST)
def test_a_slope_of_zero_that_is_a_convention_multiplies_as_usual(order):
    for f in (lambda x: engine.sqrt(abs(x)), lambda x: engine.log(engine.maximum(x, x) * 0.0)):
        assert not np.isfinite(FIRST[order](f)(0.0))


@pytest.mark.parametrize("order", FIRST)
def test_a_live_nan_stays_nan(order):
    for f in (lambda x: engine.relu(engine.log(x)), lambda x: engine.maximum(engine.log(x), 0.0)):
        assert np.isnan(FIRST[order](f)(-1.0))


def test_a_branch_that_lost_is_not_walked():
    def never(x):
        raise AssertionError

    lost = custom(lambda x: x, never, name="lost")
    assert jvp(lambda x: engine.relu(-x) * 1.0, 2.0, 1.0)[1] == 0.0
    assert grad(lambda x: engine.maximum(lost(x) - 10.0, x), 0)(Value(2.0)).data == 1.0
