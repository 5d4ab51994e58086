"""`jit` of ordinary Python: branches, loops that end when they end, sorting."""

import math
import pickle
import threading
import warnings
from bisect import bisect_right
from math import inf, nan
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import (
    Value,
    cos,
    custom,
    exp,
    grad,
    hessian,
    isclose,
    isfinite,
    isinf,
    isnan,
    jit,
    sin,
    sqrt,
    value_and_grad,
    vmap,
)
from engine.compiler import TracingError
from engine.compiler.errors import Untranslatable
from engine.testing import Program, gradcheck, programs
from nn import MLP, Module, fit
from nn.optim import SGD

POINTS = [-2.5, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 1.5, 3.0, nan, inf]


def kepler(mean, e):
    x = mean
    while True:
        step = (x - e * sin(x) - mean) / (1 - e * cos(x))
        x = x - step
        if abs(step) < 1e-12:
            return x


def binomial(spot, strike, up):
    down, steps = 1.0 / up, 10
    p = (1.001 - down) / (up - down)
    values = [max(strike - spot * up ** (2.0 * i - steps), 0.0) for i in range(steps + 1)]
    for n in range(steps, 0, -1):
        for i in range(n):
            held = (p * values[i + 1] + (1.0 - p) * values[i]) / 1.001
            values[i] = max(held, strike - spot * up ** (2.0 * i - n + 1.0))
    return values[0]


def tax(income, children):
    rates = [(0.0, 0.0), (10.0, 0.14), (20.0, 0.24), (60.0, 0.42), (280.0, 0.45)]
    income = income - 3.0 * children if children > 0 else income
    due = 0.0
    for (low, rate), (high, _) in zip(rates, [*rates[1:], (inf, 0.0)], strict=True):
        if income <= low:
            break
        due = due + rate * (min(income, high) - low)
    return due


def median(a, b, c, d, e):
    return sorted([a * a, b * a, c, d + e, e])[2]


def simpson(a, b):
    def f(x):
        return exp(-x * x) * cos(3.0 * x)

    def area(low, high):
        return (high - low) / 6.0 * (f(low) + 4.0 * f((low + high) / 2.0) + f(high))

    def adaptive(low, high, whole, tolerance):
        middle = (low + high) / 2.0
        left, right = area(low, middle), area(middle, high)
        if abs(left + right - whole) < 15.0 * tolerance:
            return left + right
        return adaptive(low, middle, left, tolerance / 2) + adaptive(middle, high, right, tolerance / 2)

    return adaptive(a, b, area(a, b), 1e-4)


def bisection(c, high):
    low = 0.0 * c
    for _ in range(30):
        middle = (low + high) / 2.0
        if middle * middle * middle + middle < c:
            low = middle
        else:
            high = middle
    slope = 3.0 * low * low + 1.0
    return low - (low * low * low + low - c) / slope


def runge_kutta(y, rate):
    t, step = 0.0, 0.5
    while t < 1.0:
        k1 = rate * y * (1.0 - y)
        middle = y + step * k1 / 2.0
        k2 = rate * middle * (1.0 - middle)
        if abs(k2 - k1) * step > 0.05:
            step = step / 2.0
            continue
        y, t = y + step * k2, t + step
        step = min(2.0 * step, 1.0 - t) if t < 1.0 else step
    return y


PROGRAMS = {
    kepler: lambda r: (r.uniform(0.1, 3.0), r.uniform(0.0, 0.9)),
    binomial: lambda r: (r.uniform(90.0, 110.0), 100.0, r.uniform(1.02, 1.1)),
    tax: lambda r: (r.uniform(0.0, 400.0), float(r.randrange(3))),
    median: lambda r: tuple(r.uniform(-2.0, 2.0) for _ in range(5)),
    simpson: lambda r: (r.uniform(-1.0, 0.0), r.uniform(0.5, 2.0)),
    bisection: lambda r: (r.uniform(0.5, 4.0), 2.0),
    runge_kutta: lambda r: (r.uniform(0.1, 0.9), r.uniform(0.5, 4.0)),
}


def same(x, y):
    return repr(x) == repr(y)  # tells -0.0 from 0.0, and nan is nan


def same_with_gradient(got, expected):
    """Nothing passes a closed gate in a sweep; compiled, linear rows below multiply a 0, of either sign."""
    (value, slopes), (wanted, gradient) = got, expected
    return same((value, [x + 0.0 for x in slopes]), (wanted, [x + 0.0 for x in gradient]))


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_programs_give_the_engines_bits_in_values_and_gradients(f):
    random = Random(1)
    points = [PROGRAMS[f](random) for _ in range(6)]
    eager = value_and_grad(f, tuple(range(len(points[0]))))
    fast = jit(eager)
    for point in points + points[::-1]:
        assert same(fast(*point), eager(*point))
    assert len(fast.paths) > (f is not bisection)


@pytest.mark.parametrize("f", [kepler, tax, median], ids=lambda f: f.__name__)
def test_second_derivatives_and_sweeps_through_compiled_code_take_the_same_paths(f):
    random = Random(2)
    every = tuple(range(len(PROGRAMS[f](random))))
    second, through = jit(hessian(f, every)), grad(jit(f), every)
    for _ in range(4):
        point = PROGRAMS[f](random)
        assert same(through(*point), grad(f, every)(*point))
        np.testing.assert_allclose(second(*point), hessian(f, every)(*point), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x if x > y else 2.0 * y,
        lambda x, y: x if not x <= y else y * y,
        lambda x, y: 1.0 if x == y else x * y,
        lambda x, y: x * y if x in (0.0, 1.0, y) else x + y,
        lambda x, y: sorted([x, y, x * y])[1] + max(x, y) * min(x, y, 0.5),
        lambda x, y: x if 0.0 < x < 1.0 and y else (y if x != 0.0 or y > 0.0 else x + 1.0),
        lambda x, y: [x, y][bool(x)] + any(v > 1.0 for v in (x, y)),
        lambda x, y: {"a": x} if x > 0.0 else [x, (y, y)],
    ],
)
def test_questions_are_answered_as_python_does_on_all_sides_and_on_the_guards(f, backend):
    fast = jit(f, backend=backend)
    points = [(x, y) for x in POINTS for y in POINTS if x != x or y == y]
    for point in points + points[::-1]:
        expected = f(*point)
        assert same(fast(*point), float(expected) if isinstance(expected, int) else expected)


def test_guards_are_read_in_words_with_their_lines_and_in_their_order():
    def f(x, y):
        below = y < 0.0
        return x if x * x > 1.0 and not below else y

    fast = jit(f)
    assert fast.paths == []
    assert [fast(2.0, 1.0), fast(0.5, 2.0), fast(2.0, 3.0), fast(2.0, -1.0)] == [2.0, 2.0, 2.0, -1.0]
    line = f.__code__.co_firstlineno + 2
    square, sign = f"x * x > 1.0 (test_paths.py:{line})", f"y < 0.0 (test_paths.py:{line})"
    guards = [path.guards for path in fast.paths]
    assert guards == [[square, f"not {sign}"], [f"not {square}"], [square, sign]]
    assert "return y" in str(fast.paths[1].tape)
    assert repr(fast.paths[1]) == f"<path, 1 calls: not {square}>"
    assert [path.calls for path in fast.paths] == [2, 1, 1]
    g = jit(lambda x: 2.0 * x)
    assert g(1.0) == 2.0
    assert repr(g.paths) == "[<path, 1 calls: always>]"


def test_nan_and_its_kin_are_questions():
    def f(x, y):
        if isnan(x) or isinf(y):
            return x + y
        return x * y if isfinite(y) and isclose(x, y, rel_tol=0.1) else x - y

    fast = jit(f)
    for x in POINTS:
        for y in (*POINTS, 1.05, -inf):
            assert same(fast(x, y), f(x, y))
    assert len(fast.paths) == 7


def test_a_condition_behind_a_failed_one_does_not_count():
    fast = jit(lambda x: 1.0 / x if x != 0.0 and 1.0 / x > 2.0 else x)
    assert [fast(x) for x in (0.25, 0.0, 1.0, 0.0, 0.25)] == [4.0, 0.0, 1.0, 0.0, 4.0]
    assert len(fast.paths) == 3


def test_no_path_is_compiled_twice_and_the_latest_comes_first():
    seen = []
    fast = jit(lambda x: (seen.append(x), x if x > 0.0 else -x)[1])
    for _ in range(3):
        assert [fast(x) for x in (1.0, -1.0, 2.0, -2.0)] == [1.0, 1.0, 2.0, 2.0]
    assert len(seen) == len(fast.paths) == 2


def test_whole_numbers_count_and_index():
    def power(x, n):
        result = 1.0
        for _ in range(n):
            result = result * x
        return result + [0.0, 10.0, 20.0, 30.0][n - 1]

    fast, slope = jit(power), jit(grad(power))
    for n in (2, 4, 2.0, 1, 4):
        assert fast(3.0, n) == power(3.0, int(n))
        assert slope(3.0, n) == grad(power)(3.0, int(n)) == grad(fast)(3.0, n)
    assert len(fast.paths) == 3
    assert jit(lambda x: int(x) + float(x) + math.floor(x))(7.0) == 21.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: jit(lambda x: x * int(x))(2.5),
        lambda: jit(grad(lambda x: x * int(x)))(2.0),
        lambda: grad(jit(lambda x: x * int(x)))(2.0),
        lambda: jit(grad(lambda x: math.sin(x)))(2.0),
        lambda: jit(lambda x: x * float(nan * x))(2.0),
    ],
)
def test_no_whole_number_is_taken_where_that_would_be_wrong(call):
    with pytest.raises(TracingError, match=r"static_argnums|counts or indexes"):
        call()


def test_an_error_on_a_path_comes_with_its_own_traceback_on_every_call():
    def root(x):
        if x < 0.0:
            raise ValueError(f"no root of {x:.1f}")
        return sqrt(x)

    fast = jit(root)
    assert fast(4.0) == 2.0
    for x in (-1.0, -2.0):
        with pytest.raises(ValueError, match=f"no root of {x}") as caught:
            fast(x)
        assert caught.traceback[-1].name == "root"
    assert fast(9.0) == 3.0
    assert len(fast.paths) == 2
    with pytest.raises(ValueError, match="no root"):
        grad(fast)(-1.0)


def test_what_works_with_numbers_alone_is_right_and_says_that_it_is_eager():
    fast = jit(lambda x: x if x < 0.0 else {float: 2.0 * x}[type(x)])
    assert fast(-1.0) == -1.0
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="runs eagerly: traced, it raised KeyError"):
            assert fast(3.0) == 6.0


def test_a_loop_without_an_end_is_refused_with_its_line(monkeypatch):
    monkeypatch.setattr("engine.compiler.tape.questions.LIMIT", 50)

    def endless(x):
        while x > 0.0:
            x = x + 1.0
        return x

    with pytest.raises(TracingError, match=r"50 questions.*while x > 0\.0"):
        jit(endless)(1.0)


def test_beyond_the_limit_calls_are_eager_and_one_warning_names_the_line():
    random = Random(3)
    fast = jit(lambda *xs: sorted(xs)[2], max_paths=5)
    points = [[random.random() for _ in range(5)] for _ in range(40)]
    with pytest.warns(RuntimeWarning, match=r"5 paths.*sorted\(xs\).*maximum") as caught:
        assert [fast(*xs) for xs in points] == [sorted(xs)[2] for xs in points]
    assert [warning.filename for warning in caught] == [__file__]
    assert len(fast.paths) == 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fast(3.0, 1.0, 2.0, 5.0, 4.0) == 3.0
        assert type(fast(1, 5, 2, 4, 3)) is float


def test_threads_share_paths():
    fast, results = jit(kepler), {}
    points = [PROGRAMS[kepler](Random(i)) for i in range(60)]

    def work(k):
        results[k] = [fast(*point) for point in points[k:] + points[:k]]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, found in results.items():
        assert found == [kepler(*point) for point in points[k:] + points[:k]]
    answers = [path.answers for path in fast.paths]
    assert len(set(answers)) == len(answers)


def test_paths_survive_a_pickle():
    fast = jit(kepler)
    points = [PROGRAMS[kepler](Random(i)) for i in range(20)]
    expected = [fast(*point) for point in points]
    again = pickle.loads(pickle.dumps(fast))
    assert [path.guards for path in again.paths] == [path.guards for path in fast.paths]
    assert [again(*point) for point in points] == expected
    assert len(again.paths) == len(fast.paths)


def test_arrays_dicts_out_and_float32_take_paths():
    def f(xs, d):
        return {"a": xs * 2.0} if xs[0] > d["limit"] else {"a": -xs}

    fast = jit(f)
    low, high = np.array([1.0, 5.0]), np.array([4.0, 5.0])
    for _ in range(3):
        assert fast(low, {"limit": 2.0})["a"].tolist() == [-1.0, -5.0]
        assert fast(high, {"limit": 2.0})["a"].tolist() == [8.0, 10.0]
    g, out = jit(lambda xs: xs * 2.0 if xs[0] > 2.0 else -xs), np.empty(2)
    for xs in (low, high, low):
        assert g(xs, out=out) is out
        assert out.tolist() == (xs * 2.0 if xs[0] > 2.0 else -xs).tolist()
    single = jit(lambda x: x * 3.0 if x > 0.1 else x, dtype="float32")
    assert single(0.1) == float(np.float32(0.1))
    assert single(0.1 + 1e-9) == float(np.float32(0.1))  # not above 0.1, once it is rounded


def test_compiled_functions_take_part_in_each_other_and_in_graphs():
    inner = jit(lambda x: x if x > 0.0 else -2.0 * x)
    outer = jit(lambda x: inner(x) + inner(-x))
    assert [outer(1.0), outer(-3.0)] == [3.0, 9.0]
    assert len(outer.paths) == 2
    v = Value(-3.0)
    y = inner(v) * 2.0
    y.backward()
    assert (y.data, v.grad) == (12.0, -4.0)
    v.data = 5.0
    y.forward()
    assert y.data == 10.0


def test_a_rule_of_a_user_may_ask():
    kinked = custom(abs, lambda x: 1.0 if x > 0.0 else -1.0)
    for f in (jit(grad(lambda x: kinked(x) * x)), grad(jit(lambda x: kinked(x) * x))):
        assert [f(2.0), f(-3.0), f(2.0)] == [4.0, 6.0, 4.0]


def test_a_large_regular_function_keeps_its_guards():
    def f(xs, ys):
        total = sum(x * y for x, y in zip(xs, ys, strict=True))
        return total if total > 0.0 else [exp(x) * y for x, y in zip(xs, ys, strict=True)]

    fast, random = jit(f), Random(4)
    for sign in (1.0, -1.0, 1.0):
        xs = [random.random() for _ in range(4_000)]
        ys = [sign * random.random() for _ in range(4_000)]
        assert fast(xs, ys) == f(xs, ys)


@pytest.mark.parametrize(("f", "reduce"), [(kepler, None), (kepler, "sum"), (tax, "mean")])
def test_every_example_takes_its_own_path(f, reduce):
    random = Random(5)
    columns = np.array([PROGRAMS[f](random) for _ in range(60)]).T
    mapped = vmap(value_and_grad(f, (0, 1)), reduce=reduce)
    fast = jit(mapped, threads=2)
    for _ in range(2):
        value, slopes = fast(*columns)
        expected, gradient = mapped(*columns)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(slopes, gradient, rtol=1e-9, atol=1e-12)
    assert len(fast.paths) > 2
    again = pickle.loads(pickle.dumps(fast))
    np.testing.assert_array_equal(again(*columns)[0], value)


def test_examples_count_raise_and_have_to_agree():
    fast = jit(vmap(lambda x, n: sum(x for _ in range(n))))
    for counts in ([1, 2, 3, 2], [4, 2, 1, 1]):
        assert fast([1.0, 2.0, 3.0, 4.0], counts) == [
            x * n for x, n in zip([1, 2, 3, 4], counts, strict=True)
        ]

    def positive(x):
        if x < 0.0:
            raise ValueError(f"{x:.1f} is negative")
        return x if x < 2.0 else 2.0 * x

    fast = jit(vmap(positive))
    for _ in range(2):
        with pytest.raises(ValueError, match="-1.0 is negative"):
            fast(np.array([-1.0, 1.0, 3.0]))
        assert fast(np.array([1.0, 3.0, nan])).tolist()[:2] == [1.0, 6.0]
    with pytest.raises(ValueError, match="results of one structure"):
        jit(vmap(lambda x: x if x > 0.0 else (x, x)))(np.array([1.0, -1.0]))
    wide = jit(vmap(lambda *xs: sorted(xs)[0]), max_paths=3)
    columns = np.array([[Random(i * 9 + k).random() for i in range(30)] for k in range(4)])
    with pytest.warns(RuntimeWarning, match="3 paths"):
        assert wide(*columns).tolist() == columns.min(axis=0).tolist()


def test_a_network_with_a_branch_trains_compiled():
    class Halves(Module):
        def __init__(self):
            self.low, self.high = MLP(2, [3, 1], rng=0), MLP(2, [3, 1], rng=1)

        def __call__(self, x):
            return self.low(x) if x[0] < 0.0 else self.high(x)

        def parameters(self):
            return [*self.low.parameters(), *self.high.parameters()]

    def huber(y, target):
        error = abs(y - target)
        return error * error / 2.0 if error < 0.5 else 0.5 * error - 0.125

    samples = [[Random(i).uniform(-1.0, 1.0), Random(-i).uniform(-1.0, 1.0)] for i in range(40)]
    histories = []
    for compiled in (True, False):
        model = Halves()
        optimizer = SGD(model.parameters(), lr=0.1)
        settings = {"loss": huber, "optimizer": optimizer, "epochs": 3, "progress": False}
        histories.append(fit(model, samples, [a * b for a, b in samples], compiled=compiled, **settings))
    assert histories[0].how == "compiled"
    np.testing.assert_allclose(histories[0].loss, histories[1].loss, rtol=1e-12)


def test_what_is_written_out_has_all_known_paths():
    fast = jit(lambda x, n: x + 1.0 if x > n else [x, 2.0 * x, x * x][n])
    points = [(3.0, 1), (0.5, 1), (0.5, 2), (5.0, 0)]
    expected = [fast(*point) for point in points]
    scope = {}
    exec(fast.to_python(), scope)
    assert [scope["f"](*point) for point in points] == expected
    assert math.isnan(scope["f"](-1.0, 0.0))
    assert "Piecewise" in str(fast.to_sympy())
    assert r"\begin{cases}" in fast.to_latex()
    assert all("select" in source for source in (fast.to_javascript("f"), fast.to_c("f")))
    several = jit(lambda x: x if x > 0.0 else (x, x))
    several(1.0), several(-1.0)
    with pytest.raises(Untranslatable, match=r"return alike: not so at .*x if x > 0"):
        several.to_c("f")


@given(programs(), st.randoms(use_true_random=False))
def test_drawn_programs_give_the_engines_bits_or_its_errors_on_all_sides(program, random):
    eager = value_and_grad(program, (0, 1, 2))
    fast = jit(eager, backend="numpy")
    numbers = [0.0, 1.0, -1.0, 0.5, 2.0, -0.25, nan, random.uniform(-3.0, 3.0)]
    for point in [program.inputs, *([random.choice(numbers) for _ in range(3)] for _ in range(6))] * 2:
        try:
            expected = eager(*point)
        except ArithmeticError as error:
            with pytest.raises(ArithmeticError, match=str(error)):
                fast(*point)
        else:
            assert same_with_gradient(fast(*point), expected)


def test_a_drawn_program_can_be_read_and_pasted():
    program = Program("def program(x, y):\n    return x * y if x > y else exp(y)\n", x=2.0, y=1.0)
    assert program(*program.inputs) == 2.0
    assert repr(eval(repr(program), {"Program": Program})) == repr(program)
    assert gradcheck(program)
    fast = jit(program)
    assert fast(2.0, 1.0) == 2.0
    assert fast.paths[0].guards[0].startswith("x > y (<program")


def test_a_table_is_searched_by_bisection():
    table = [1.0, 2.0, 4.0, 8.0]
    fast = jit(lambda x: x * bisect_right(table, x))
    for x in POINTS:
        if x == x:
            assert same(fast(x), x * bisect_right(table, x))
