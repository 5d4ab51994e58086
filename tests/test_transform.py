import gc
import math
import pickle
import threading
from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import scipy.optimize

import engine
from engine import Value, grad, hessian, hvp, jacfwd, jacobian, jvp, value_and_grad, vjp, vmap
from engine.recorded_call import RecordedCall


def test_numbers_in_numbers_out():
    assert value_and_grad(lambda x: x**3)(2) == (8.0, 12.0)
    assert type(grad(lambda x: x * x)(3)) is float
    assert grad(lambda x: 5.0)(3.0) == 0.0


def test_values_in_values_out_that_stay_connected():
    x = Value(2.0)
    slope = grad(lambda t: t**3)(x)
    assert isinstance(slope, Value)
    slope.backward()
    assert (slope.data, x.grad) == (12.0, 12.0)


def test_grad_never_touches_grad():
    w = Value(3.0)
    w.grad = 7.0
    assert grad(lambda x: w * x * x)(2.0) == 12.0
    assert w.grad == 7.0


def test_argnums_choose_the_arguments():
    def f(x, y, *, scale=1.0):
        return scale * x * y

    assert grad(f, argnums=1)(2.0, 3.0) == 2.0
    assert grad(f, argnums=(0, 1))(2.0, 3.0, scale=10) == (30.0, 20.0)
    with pytest.raises(TypeError, match="argument 5"):
        grad(f, argnums=5)(1.0, 2.0)


def test_nested_structures_keep_their_shape():
    def f(p):
        return p["w"][0] * p["w"][1] + p["b"] ** 2

    assert grad(f)({"w": [2.0, 3.0], "b": 4}) == {"w": [3.0, 2.0], "b": 8.0}


def test_arrays_give_arrays():
    gradient = grad(lambda x: (x**2).sum())(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert gradient.dtype == float
    np.testing.assert_array_equal(gradient, [[2, 4], [6, 8]])
    np.testing.assert_array_equal(grad(lambda x: np.exp(x).sum())(np.zeros(2)), [1, 1])


def test_orders_nest():
    f = engine.sin
    third = grad(grad(grad(f)))
    assert third(0.5) == pytest.approx(-math.cos(0.5), rel=1e-15)
    assert grad(grad(lambda x: x**5))(2.0) == 160.0


def test_no_perturbation_confusion():
    def forward(f):
        return lambda x: jvp(f, x, 1.0)[1]

    for outer in (grad, forward):
        for inner in (grad, forward):
            assert outer(lambda x, inner=inner: x * inner(lambda y: x + y)(1.0))(1.0) == 1.0
            assert outer(lambda x, inner=inner: inner(lambda y: x * y)(3.0))(1.0) == 1.0
            assert outer(lambda x, inner=inner: x * inner(lambda y: x * y * y)(x))(3.0) == 54.0


def test_three_levels_deep():
    assert grad(lambda x: x * grad(lambda y: y * grad(lambda z: x * y * z)(2.0))(x))(3.0) == 54.0


def test_transforms_work_inside_no_grad():
    with engine.no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0
        assert hessian(lambda x: x**3)(2.0) == 12.0
        assert (Value(1.0) + 1).parents == ()


def test_jacobians_agree_and_match_the_closed_form():
    def f(v):
        x, y = v
        return [x * y, engine.sin(x), y**3]

    rows = jacobian(f)([2.0, 3.0])
    assert rows == [[3.0, 2.0], [math.cos(2.0), 0.0], [0.0, 27.0]]
    assert jacfwd(f)([2.0, 3.0]) == rows
    assert jacobian(lambda x, y: (x * y, x), argnums=(0, 1))(2.0, 3.0) == ((3.0, 2.0), (1.0, 0.0))


def test_jacobian_of_arrays_is_an_array():
    a = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(jacobian(lambda x: a @ x)(np.ones(3)), a)
    np.testing.assert_array_equal(jacfwd(lambda x: a @ x)(np.ones(3)), a)


def rosenbrock(x):
    return engine.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])


def rosenbrock_hessian(x):
    n = len(x)
    h = [[0.0] * n for _ in range(n)]
    for i in range(n - 1):
        h[i][i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        h[i + 1][i + 1] += 200
        h[i][i + 1] = h[i + 1][i] = -400 * x[i]
    return h


def test_hessian_of_rosenbrock_is_the_closed_form():
    x = [0.1 * i - 0.4 for i in range(10)]
    np.testing.assert_allclose(hessian(rosenbrock)(x), rosenbrock_hessian(x), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(jacfwd(grad(rosenbrock))(x), rosenbrock_hessian(x), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(
        grad(lambda x: jvp(rosenbrock, x, [1.0] * 10)[1])(x), np.sum(rosenbrock_hessian(x), 0)
    )


def test_hvp_is_the_hessian_times_v():
    x, v = [0.3, -0.7, 1.1], [1.0, 2.0, -1.0]
    np.testing.assert_allclose(hvp(rosenbrock, x, v), np.array(rosenbrock_hessian(x)) @ v, rtol=1e-13)
    assert hvp(lambda a, b: a * a * b, (2.0, 3.0), (1.0, 0.0)) == (6.0, 4.0)


def test_vjp_and_jvp():
    y, pullback = vjp(lambda a, b: [a * b, a + b], 2.0, 3.0)
    assert y == [6.0, 5.0]
    assert pullback([1.0, 10.0]) == (13.0, 12.0)
    assert jvp(lambda a, b: a * b, (2.0, 3.0), (1.0, 0.0)) == (6.0, 3.0)
    with pytest.raises(ValueError, match="cotangent"):
        pullback([1.0])
    with pytest.raises(ValueError, match="direction"):
        jvp(lambda a: a, 1.0, [1.0, 2.0])


@pytest.mark.parametrize("result", [lambda x: (x, x), lambda x: [x], lambda x: "text", lambda x: None])
def test_a_gradient_needs_one_number(result):
    with pytest.raises(TypeError):
        grad(result)(1.0)


def test_scipy_minimises_as_is():
    found = scipy.optimize.minimize(value_and_grad(rosenbrock), np.zeros(4), jac=True, method="BFGS")
    np.testing.assert_allclose(found.x, np.ones(4), atol=1e-4)


def test_vmap_maps_stacks_and_reduces():
    assert vmap(lambda x: x * x)([1.0, 2.0, 3.0]) == [1.0, 4.0, 9.0]
    np.testing.assert_array_equal(vmap(lambda x: 2 * x)(np.arange(3.0)), [0, 2, 4])
    np.testing.assert_array_equal(vmap(np.sum, in_axes=1)(np.ones((2, 3))), [2, 2, 2])

    def loss(w, x, y):
        return (w * x - y) ** 2

    mean = vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="mean")
    assert mean(1.0, [1.0, 2.0], [0.0, 0.0]) == (2.5, 5.0)
    assert grad(lambda w: vmap(loss, (None, 0, 0), "sum")(w, [1.0, 2.0], [0.0, 0.0]))(1.0) == 10.0


def test_vmap_names_what_does_not_fit():
    with pytest.raises(ValueError, match="batch length"):
        vmap(lambda x, y: x)([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="batch length"):
        vmap(lambda x: x)([])
    with pytest.raises(ValueError, match="axis"):
        vmap(lambda x: x)(3.0)
    with pytest.raises(ValueError, match="in_axes"):
        vmap(lambda x: x, in_axes=(0, 0))([1.0])
    with pytest.raises(ValueError, match="reduce"):
        vmap(lambda x: x, reduce="max")


def test_where_passes_nothing_into_the_arm_not_taken():
    def f(x):
        return engine.where(x > 0, engine.log(x), 0.0)

    assert grad(f)(0.0) == 0.0
    assert grad(f)(-1.0) == 0.0
    assert grad(f)(2.0) == 0.5
    assert grad(lambda x: engine.where(x < 0, engine.exp(x), 1 + x))(1000.0) == 1.0


def test_a_jump_stops_even_an_infinite_derivative():
    assert grad(lambda x: engine.floor(engine.log(x)) + x)(0.0) == 1.0
    x = Value(0.0)
    y = engine.log(x)
    y.backward()
    (engine.floor(y) + x).backward()
    assert (y.grad, x.grad) == (0.0, math.inf)


def test_eight_threads_on_shared_leaves_give_the_serial_result():
    shared = [Value(0.1 * i) for i in range(10)]

    def f(scale):
        return scale * engine.tanh(engine.dot(shared, shared) * scale)

    expected = [grad(f)(0.01 * k).hex() for k in range(100)]
    results = {}

    def work(name):
        results[name] = [grad(f)(0.01 * k).hex() for k in range(100)]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(result == expected for result in results.values())
    assert len(results) == 8


def test_a_finished_inner_transform_leaves_numbers_numbers():
    def lagrangian(q, v):
        return q * v * v

    assert type(jacobian(grad(lagrangian, argnums=1), argnums=0)(2.0, 3.0)) is float
    slope = grad(lambda x, y: jvp(lambda t: t * t * y, x, 1.0)[1], argnums=1)(0.3, 0.7)
    assert type(slope) is float
    assert slope == 0.6


def test_what_a_number_leaves_in_a_connected_result_can_be_pickled():
    w = Value(3.0)
    slope = grad(lambda x, w: w * x * x, argnums=(0, 1))(2.0, w)[0]
    assert pickle.loads(pickle.dumps(slope)).data == 12.0


INNER = {
    "grad": lambda f: grad(f)(1.0),
    "value_and_grad": lambda f: value_and_grad(f)(1.0)[1],
    "jvp": lambda f: jvp(f, 1.0, 1.0)[1],
    "vjp": lambda f: vjp(f, 1.0)[1](1.0)[0],
    "jacobian": lambda f: jacobian(f)(1.0),
    "jacfwd": lambda f: jacfwd(f)(1.0),
}
OUTER = {
    "grad": lambda f, x: grad(f)(x),
    "jvp": lambda f, x: jvp(f, x, 1.0)[1],
    "vjp": lambda f, x: vjp(f, x)[1](1.0)[0],
    "jacfwd": lambda f, x: jacfwd(f)(x),
}


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", OUTER)
def test_what_an_inner_function_captures_stays_connected(outer, inner):
    def f(x):
        return x * INNER[inner](lambda y: x * y * y)

    assert OUTER[outer](f, 3.0) == 12.0
    assert OUTER[outer](f, Value(3.0)).data == 12.0


def test_values_in_values_out_even_where_nothing_depends_on_them():
    x = Value(2.0)
    for result in (grad(lambda x: 3.0)(x), grad(lambda x: x + 1)(x), hessian(lambda x: x * x)(x)):
        assert isinstance(result, Value)


def test_directions_are_matched_by_structure_not_by_position():
    def f(d):
        return d["a"] * 10 + d["b"]

    assert jvp(f, {"a": 1.0, "b": 2.0}, {"b": 1.0, "a": 0.0})[1] == 1.0
    with pytest.raises(ValueError, match="direction"):
        jvp(f, {"a": 1.0, "b": 2.0}, {"x": 1.0, "y": 0.0})
    with pytest.raises(ValueError, match="direction"):
        jvp(lambda d: d[0][0] + d[1][0], [[1.0, 2.0], [3.0]], [[1.0], [2.0, 3.0]])


def test_subclasses_of_dict_come_back():
    p = defaultdict(float, w=2.0)
    gradient = grad(lambda p: p["w"] * p["w"])(p)
    assert gradient == {"w": 4.0}
    assert gradient["missing"] == 0.0


def test_vmap_hands_floats_to_its_function():
    assert vmap(lambda x: x * x)(np.array([100], dtype=np.int8)) == [10000.0]
    with pytest.raises(ValueError, match="structure"):
        vmap(lambda x: [x] * int(x))([1.0, 2.0])


def test_vmap_leaves_nothing_to_the_collector():
    gc.collect()
    gc.disable()
    try:
        vmap(lambda x: x * x)([1.0, 2.0])
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_changed_leaf_is_noticed_by_every_sweep():
    c = Value(2.0)
    _, pullback = vjp(lambda x: (x * c) * x, 3.0)
    c.data = 10.0
    with pytest.raises(engine.StaleGraphError):
        pullback(1.0)


def nested(depth, x):
    for _ in range(depth):
        x = [x]
    return x


def innermost(tree):
    while isinstance(tree, list):
        tree = tree[0]
    return tree


@pytest.mark.parametrize("transform", [grad, jacobian, jacfwd, hessian], ids=lambda f: f.__name__)
def test_arguments_may_be_nested_deeper_than_python_recurses(transform):
    deep = nested(2_000, 3.0)
    slope = 2.0 if transform is hessian else 6.0
    assert innermost(transform(lambda tree: innermost(tree) ** 2)(deep)) == slope
    assert innermost(jvp(lambda tree: nested(2_000, innermost(tree)), deep, deep)[1]) == 3.0
    assert engine.testing.gradcheck(lambda tree: innermost(tree) ** 2, (deep,))


def test_what_contains_itself_is_refused():
    cycle = [1.0]
    cycle.append({"a": (cycle,)})
    for call in (grad(lambda tree: tree[0]), lambda tree: jvp(lambda tree: tree[0], [1.0], tree)):
        with pytest.raises(ValueError, match="a list contains itself"):
            call(cycle)
    twice = [1.0]
    assert grad(lambda tree: tree[0][0] * tree[1][0])([twice, twice]) == [[1.0], [1.0]]


def stateful(x):
    y = x * LAST[0]
    LAST[0] = y
    return y


LAST: list[Any] = [1.0]


@pytest.mark.parametrize("transform", INNER)
def test_what_is_left_of_a_call_that_is_over_is_a_number(transform):
    LAST[0] = 1.0
    for left in (1.0, 1.0, 1.0):
        INNER[transform](stateful)
        assert LAST[0].data == left
        assert LAST[0].is_constant
    assert type(grad(stateful)(2.0)) is float


def test_a_captured_number_of_a_call_that_is_over_is_a_constant_of_the_next():
    LAST[0] = 1.0
    assert [grad(stateful)(2.0) for _ in range(3)] == [1.0, 2.0, 4.0]
    assert grad(grad(stateful))(2.0) == 0.0


def test_what_depends_on_a_call_that_still_runs_stays_connected():
    def f(x):
        kept = {}

        def g(t):
            kept["h"] = x * x
            kept["own"] = t * t
            return t * kept["h"]

        slope = grad(g)(1.0)
        assert all(x.is_constant for x in kept["own"].parents)
        return kept["h"] + slope

    assert grad(f)(3.0) == 12.0
    assert jvp(f, 3.0, 1.0)[1] == 12.0
    assert hessian(f)(3.0) == 4.0
    assert engine.jit(grad(f))(3.0) == 12.0


def test_a_variable_of_yours_outlives_the_calls_that_use_it():
    w, kept = Value(3.0), []
    grad(lambda x: kept.append(w * x) or x * w)(2.0)
    grad(lambda x: kept[0] * x)(2.0)
    kept[0].backward()
    assert w.grad == 2.0


def test_a_pullback_works_when_its_call_is_over():
    LAST[0] = 1.0
    pullbacks = [vjp(stateful, 2.0)[1] for _ in range(3)]
    assert [pullback(1.0) for pullback in pullbacks] == [(1.0,), (2.0,), (4.0,)]
    while pullbacks:
        pullbacks.pop(0)
    assert LAST[0].is_constant


@pytest.mark.parametrize("transform", INNER)
def test_a_call_that_raises_is_over_too(transform):
    kept = []

    def f(x):
        kept.append(x * 2.0)
        raise KeyError

    with pytest.raises(KeyError) as caught:
        INNER[transform](f)
    assert type(grad(lambda x: x * kept[0])(2.0)) is float
    assert caught.value is not None


@pytest.mark.parametrize("w", [2.0, Value(2.0)], ids=["number", "variable"])
def test_a_warm_start_walks_nothing_of_earlier_calls(w):
    LAST[0] = 1.0

    def f(x):
        LAST[0] = x * LAST[0] * w * 0.25
        return LAST[0]

    orders = []

    def counted(*args):
        run = RecordedCall(*args)
        orders.append(len(run.order))
        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.transform.RecordedCall", counted)
        for _ in range(5):
            grad(f)(2.0)
    assert len(set(orders[1:])) == 1


def test_a_dead_value_is_a_constant_of_compiled_code():
    LAST[0], calls = 3.0, []
    grad(stateful)(2.0)
    f = engine.jit(lambda x: calls.append(1) or x * LAST[0])
    assert (f(2.0), f(3.0), len(calls)) == (12.0, 18.0, 1)


def test_a_dead_symbol_names_the_line_of_its_trace():
    kept = []
    engine.jit(lambda x: kept.append(x * 2.0) or x)(1.0)  # here
    dead = kept[0]
    for use in (
        lambda: dead + 1.0,
        lambda: engine.sin(dead),
        lambda: grad(lambda x: x * dead)(2.0),
        lambda: value_and_grad(lambda x: dead)(2.0),
        lambda: engine.jit(lambda x: x * dead)(2.0),
        lambda: engine.jit(lambda x: dead)(2.0),
        lambda: engine.jit(grad(lambda x: x * dead))(2.0),
        dead.item,
    ):
        with pytest.raises(
            engine.TracingError, match=r"test_transform.py:\d+: .* # here, and its trace is over"
        ):
            use()


def three(x, y):
    return 3.0 * x + engine.sqrt(y)


def test_forward_mode_multiplies_no_structural_zero():
    directions = [(1.0, 0.0), (0.0, 1.0)]
    forward = {
        "jacfwd": lambda x, y: jacfwd(three, (0, 1))(x, y),
        "jvp": lambda x, y: tuple(jvp(three, (x, y), v)[1] for v in directions),
        "vjp": lambda x, y: vjp(lambda x, y: (x * 3.0, engine.sqrt(y)), x, y)[1]((1.0, 1.0)),
    }
    for f in forward.values():
        assert f(1.0, 0.0) == (3.0, math.inf)
        assert engine.jit(f)(1.0, 0.0) == (3.0, math.inf)
    assert vjp(lambda x: (x * 3.0, engine.sqrt(x)), 0.0)[1]((1.0, 0.0)) == (3.0,)


def test_second_derivatives_forward_multiply_no_structural_zero():
    def f(v):
        return 3.0 * v[0] * v[0] + v[1] ** 1.5

    expected = [[6.0, 0.0], [0.0, math.inf]]
    assert hessian(f)([1.0, 0.0]) == jacfwd(grad(f))([1.0, 0.0]) == expected
    assert engine.jit(jacfwd(grad(f)))([1.0, 0.0]) == expected
    assert hvp(f, [1.0, 0.0], [1.0, 0.0]) == [6.0, 0.0]
    assert engine.jit(lambda x: hvp(f, x, [1.0, 0.0]))([1.0, 0.0]) == [6.0, 0.0]


def test_local_gradients_are_asked_for_once_for_all_directions():
    asked = []
    cube = engine.custom(lambda x: x**3, lambda x: asked.append(1) or 3 * x**2, name="cube")
    matrix = jacfwd(lambda v: [cube(v[0] * v[1]), v[2]])([1.0, 2.0, 3.0])
    assert (matrix, len(asked)) == ([[24.0, 12.0, 0.0], [0.0, 0.0, 1.0]], 1)


def test_a_row_of_a_jacobian_walks_only_what_it_reaches():
    asked = []
    twice = engine.custom(lambda x: 2 * x, lambda x: asked.append(1) or 2.0, name="twice")
    jacobian(lambda v: [twice(x) for x in v])([Value(float(i)) for i in range(5)])
    assert len(asked) == 5


def test_sums_are_formed_in_the_order_of_the_operands():
    def f(v):
        late = v[0] * 1.0
        early = v[0] * 1e16
        return engine.sum([early, late, -early])

    assert jacfwd(f)([1.0]) == [jvp(f, [1.0], [1.0])[1]] == [0.0]
