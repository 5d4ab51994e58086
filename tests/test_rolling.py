"""Loops found again in flat tapes: the same bits, whatever nearly fits."""

import inspect
import math
import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import dot, exp, jit, relu, sin, value_and_grad
from engine import sum as total
from engine.compiler.backend import Block, Layout, Options, computed
from engine.compiler.llvm import executable, plan, program
from engine.compiler.llvm.rolled import RolledProgram
from engine.compiler.loops.printed import printed
from engine.compiler.loops.roller import regular, rolled
from engine.compiler.tape.columns import columns_of
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.tape import Entry, Tape
from engine.compiler.tape.trace import trace
from engine.node import CONSTANT, INPUT
from engine.primitives import add, mul, neg, sub
from engine.primitives import dot as dot_row
from engine.primitives import exp as exp_row
from engine.primitives import logsumexp as logsumexp_row
from engine.primitives import sum as sum_row

INPUTS = 24
SPECIAL = [0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324, 1e308]
UNARY, BINARY, MANY = [neg, exp_row], [add, sub, mul], [sum_row, dot_row, logsumexp_row]


def bits(x):
    return b"nan" if math.isnan(x) else struct.pack("<d", x)


def unrolled(tape):
    return rolled(tape).unrolled()


def native(tape, point, monkeypatch, dtype="float64"):
    """The outputs by machine code of loops, however small they are."""
    monkeypatch.setattr(program, "is_large", lambda tape, layout: True)
    monkeypatch.setattr(program, "pays", lambda rolled: True)
    code = executable.Native(tape, Layout((Block(len(point), False),)), Options(dtype=dtype))
    return computed(code, [np.array(point, dtype=dtype)], (len(tape.outputs),), dtype)[0].tolist()


def traced(f, *sizes):
    """The simplified tape of a function of lists."""
    names = [f"{name}[{i}]" for name, size in zip("wxyz", sizes, strict=False) for i in range(size)]

    def flat(xs):
        rest = iter(xs)
        return f(*([next(rest) for _ in range(size)] for size in sizes))

    return printed(simplified(trace(flat, names)))


def matrix_vector(w, x):
    return [sum(a * b for a, b in zip(w[i : i + len(x)], x, strict=True)) for i in range(0, len(w), len(x))]


# What is found


def test_a_matrix_times_a_vector_is_one_loop():
    assert str(rolled(traced(matrix_vector, 64 * 8, 8))).splitlines()[1:] == [
        "    v[520 + i] = 0.0 + sum(w[8*i + k] * x[k] for k in range(8)) for i in range(64)",
        "    return v[520 + i] for i in range(64)",
    ]


def test_a_long_tape_is_printed_as_loops():
    def loss(w, x):
        return [total([relu(y) for y in matrix_vector(w, x)])]

    assert str(traced(loss, 64 * 8, 8)).splitlines()[1:] == [
        "    v[520 + i] = 0.0 + sum(w[8*i + k] * x[k] for k in range(8)) for i in range(64)",
        "    v[584 + i] = relu(v[520 + i]) for i in range(64)",
        "    v648 = 0.0 + sum(v[584 + k] for k in range(64))",
        "    return v648",
    ]


def test_two_matrices_one_after_the_other_are_loops_in_rows():
    def f(w, x):
        return matrix_vector(w, x[:4]) + matrix_vector(w, x[4:])

    line = str(rolled(traced(f, 12, 8))).splitlines()[1]
    assert line.endswith(
        "= 0.0 + sum(w[4*j + k] * x[4*i + k] for k in range(4)) for i in range(2) for j in range(3)"
    )


def test_the_gradient_of_a_product_with_a_matrix_is_an_outer_product_and_a_product_with_its_transpose():
    def f(w, x):
        value, (dw, dx) = value_and_grad(lambda w, x: total(map(exp, matrix_vector(w, x))), (0, 1))(w, x)
        return [value, *dw, *dx]

    text = str(traced(f, 64, 8))
    assert "sum(w[" in text
    assert len(text.splitlines()) < 10


def test_signs_and_several_products_repeat_together():
    def f(w, x):
        result = w[0]
        for i in range(0, 8, 2):
            result = result - w[i] * x[i] + w[i + 1] - x[i + 1]
        return [result]

    assert str(rolled(traced(f, 8, 8))).splitlines()[1] == (
        "    v16 = w[0] + sum(-w[2*k] * x[2*k], w[1 + 2*k], -x[1 + 2*k] for k in range(4))"
    )


@pytest.mark.parametrize("start", [0.0, -0.0, 1.0])
def test_a_sum_of_negative_zeros_keeps_its_sign(start, monkeypatch):
    tape = traced(lambda w: [sum((w[i] * w[i + 1] for i in range(0, 8, 2)), start)], 8)
    first = traced(lambda w: [w[0] * w[1] + w[2] * w[3] + w[4] * w[5]], 6)
    for made in (tape, first):
        point = [0.0, -1.0] * (len(made.inputs) // 2)
        expected = list(map(bits, made.evaluate(point)))
        assert list(map(bits, unrolled(made).evaluate(point))) == expected
        assert list(map(bits, native(made, point, monkeypatch))) == expected


# How it is written


TABLE = np.cos(np.arange(64.0) + 0.5).tolist()


def with_a_table(x):
    return matrix_vector(TABLE, x[:8]) + [sin(a * b) for a, b in zip(TABLE, x, strict=True)]


def with_all_arguments(w, v, y):
    return [relu(a * 2.0) * a for a in (*w, *v, *y)]


def with_our_letters(i, j, k, v, v3):
    return [total([v[a] * i[a + b] for b in range(3)]) - k[3 * a] * v3[a] + j[a] for a in range(60)]


def from_corner_to_corner(w, v):
    return [(*w, *v)[7 + 6 * a - 6 * b] * v[2 * a + b] for a in range(2) for b in range(2)]


def recomputed(text, **scope):
    """The results of a printed tape, each line of it run as Python, its places in a dict."""
    stem = re.search(r"(v_*)\[[^]]*\] for \w+ in range\(\d+\)$", text)[1]
    places = scope[stem] = {}
    *lines, results = re.sub(rf"\b{stem}(\d+)\b", rf"{stem}[\1]", text).splitlines()[1:]
    for line in lines:
        left, _, right = line.strip().partition(" = ")
        place = left.removeprefix(stem).strip("[]")
        first, several, _ = place.partition(":")
        code = f"enumerate([{right}], {first})" if several else f"{{{place}: {right}}}"
        places.update(eval(code, scope))
    return eval(f"[{results.strip().removeprefix('return ')}]", scope)


@pytest.mark.parametrize(
    ("f", "sizes"),
    [
        (with_a_table, [64]),
        (with_all_arguments, [70, 100, 70]),
        (with_our_letters, [62, 60, 178, 60, 60]),
        (from_corner_to_corner, [10, 10]),
    ],
)
def test_a_printed_tape_can_be_computed_again(f, sizes):
    arguments = [np.sin(np.arange(size) + k) for k, size in enumerate(sizes)]
    compiled = jit(f)
    results = compiled(*arguments)
    scope = dict(zip(inspect.signature(f).parameters, arguments, strict=True))
    again = recomputed(str(rolled(compiled.tape)), **scope, relu=relu, sin=sin)
    assert again == pytest.approx(results, rel=1e-14)


def test_inputs_and_constants_that_are_read_by_their_places_are_listed_first():
    places = str(traced(with_all_arguments, 70, 100, 70)).splitlines()
    assert places[1:3] == ["    v[0:240] = *w, *x, *y", "    v[241 + i] = v[i] * 2.0 for i in range(240)"]
    corners = str(rolled(traced(from_corner_to_corner, 10, 10))).splitlines()
    assert corners[1] == "    v[0:20] = *w, *x"
    table = str(traced(lambda w, x: with_a_table(x), 1, 64)).splitlines()
    assert table[1].startswith("    v[65:129] = ")
    assert sorted(map(float, table[1].partition(" = ")[2].split(", "))) == sorted(TABLE)


def test_our_names_make_way_for_those_of_the_inputs():
    f = jit(with_our_letters)
    f(*([1.0] * size for size in (62, 60, 178, 60, 60)))
    assert str(f.tape).splitlines()[1:] == [
        "    v_[420 + 3*i_ + j_] = v[i_] * i[i_ + j_] for i_ in range(60) for j_ in range(3)",
        "    v_[600 + i_] = 0.0 + sum(v_[420 + 3*i_ + k_] for k_ in range(3)) - k[3*i_] * v3[i_] + j[i_] "
        "for i_ in range(60)",
        "    return v_[600 + i_] for i_ in range(60)",
    ]


# Almost alike


@st.composite
def almost_regular(draw):
    """A tape of a few regular layers, with some mistakes."""
    size = draw(st.integers(2, 5))
    entries = [Entry(INPUT) for _ in range(INPUTS)] + [Entry(CONSTANT, (), x) for x in (0.0, -0.0, 0.5)]
    for _ in range(draw(st.integers(1, 4))):
        layer(draw, entries, size)
    for _ in range(draw(st.integers(0, 3))):
        mistake(draw, entries)
    operations = st.integers(INPUTS, len(entries) - 1)
    outputs = draw(st.lists(operations, min_size=1, max_size=6))
    return Tape(
        [f"x[{i}]" for i in range(INPUTS)],
        columns_of(entries),
        [*range(max(INPUTS, len(entries) - 9), len(entries)), *outputs],
    )


def layer(draw, entries, size):
    """Results of one form; the places that each reads are in constant steps from those of the one before."""
    kind = draw(st.sampled_from(["chain", "row", "many"]))
    last = len(entries) - 1
    count = draw(st.integers(2, 12))
    starts = draw(st.lists(st.integers(0, last), min_size=2 * size, max_size=2 * size))
    steps = draw(st.lists(st.integers(-2, 3), min_size=2 * size, max_size=2 * size))
    links = draw(st.lists(st.sampled_from(BINARY), min_size=size, max_size=size))
    row = draw(st.sampled_from(UNARY + BINARY if kind == "row" else MANY))
    for i in range(count):
        places = [(a + i * b) % (last + 1) for a, b in zip(starts, steps, strict=True)]
        if kind == "chain":
            chain(entries, places, links)
        else:
            width = len(places) if kind == "many" else len(row.partials)
            entries.append(Entry(row, tuple(places[:width])))


def chain(entries, places, links):
    """Terms and products, added and subtracted."""
    result = places[0]
    for x, y, link in zip(places[::2], places[1::2], links, strict=True):
        if link is not mul:
            entries.append(Entry(mul, (x, y)))
            x = len(entries) - 1
        entries.append(Entry(add if link is mul else link, (result, x)))
        result = len(entries) - 1


def mistake(draw, entries):
    """One operand swapped, one place off, another row: something small."""
    operations = [i for i, e in enumerate(entries) if e.operands]
    slot = draw(st.sampled_from(operations))
    primitive, operands, number = entries[slot]
    what = draw(st.sampled_from(["swap", "place", "row", "use"]))
    if what == "swap":
        operands = operands[::-1]
    elif what == "place":
        k = draw(st.integers(0, len(operands) - 1))
        operands = (*operands[:k], draw(st.integers(0, slot - 1)), *operands[k + 1 :])
    elif what == "row" and primitive in BINARY:
        primitive = draw(st.sampled_from(BINARY))
    elif what == "use":
        entries.append(Entry(exp_row, (slot,)))
    entries[slot] = Entry(primitive, operands, number)


POINTS = st.lists(st.floats(-2.0, 2.0) | st.sampled_from(SPECIAL), min_size=INPUTS, max_size=INPUTS)


@given(almost_regular(), POINTS)
def test_an_unrolled_tape_has_the_bits_of_the_flat_one(tape, point):
    assert list(map(bits, unrolled(tape).evaluate(point))) == list(map(bits, tape.evaluate(point)))


@settings(max_examples={20: 10, 200: 100, 5000: 4000}.get(settings.default.max_examples, 10))
@given(almost_regular(), POINTS)
def test_machine_code_of_loops_has_the_bits_of_the_flat_tape(tape, point):
    with pytest.MonkeyPatch.context() as patched:
        assert list(map(bits, native(tape, point, patched))) == list(map(bits, tape.evaluate(point)))


# Networks


@pytest.fixture
def no_flat_code(monkeypatch):
    def refused(*args):
        raise AssertionError("compiled as a flat tape")

    monkeypatch.setattr(program, "Plan", refused)


def network(parameters, x):
    w1, w2 = parameters[:1024], parameters[1024:]
    h = [relu(y) for y in matrix_vector(w1, x)]
    scores = matrix_vector(w2, h)
    return engine.logsumexp(scores) - scores[3]


PARAMETERS, X = np.sin(np.arange(1024 + 17 * 64.0)), np.cos(np.arange(16.0))


def test_a_network_on_one_example_has_the_bits_of_the_engine(no_flat_code):
    value, gradient = jit(value_and_grad(network))(PARAMETERS, X)
    expected, slopes = value_and_grad(network)(PARAMETERS, X)
    assert value == expected
    assert np.array_equal(gradient, slopes)


def test_a_network_that_goes_on_for_many_steps_has_the_bits_of_the_engine(no_flat_code):
    def recurrent(w, xs):
        h = list(w[:6])
        for x in xs:
            h = [engine.tanh(y + x) for y in matrix_vector(w, h)]
        return total(h)

    w, xs = np.sin(np.arange(36.0)), np.cos(np.arange(150.0))
    value, gradient = jit(value_and_grad(recurrent))(w, xs)
    expected, slopes = value_and_grad(recurrent)(w, xs)
    assert value == expected
    assert np.array_equal(gradient, slopes)


def test_kernels_of_lists_run_in_loops(no_flat_code):
    def f(x):
        return [engine.logsumexp(x[i : i + 300]) * engine.mean(x[i : i + 300]) for i in range(0, 3000, 100)]

    x = np.sin(np.arange(3300.0))
    assert jit(f)(x) == f(x)


def test_loops_are_looked_for_from_a_few_thousand_operands_on(no_flat_code):
    w, x = np.sin(np.arange(32.0 * 28)), np.cos(np.arange(28.0))
    f = jit(matrix_vector)
    assert f(w, x) == matrix_vector(w, x)
    assert plan.LARGE < sum(len(entry.operands) for entry in f.tape.entries) < 2 * plan.LARGE


def test_single_precision_rounds_after_every_operation(monkeypatch):
    tape = traced(lambda w, x: [sin(y) for y in matrix_vector(w, x)], 27 * 16, 16)
    point = np.sin(np.arange(28 * 16.0)).astype("float32")
    layout, options = Layout((Block(len(point), False),)), Options(dtype="float32")
    code = executable.Native(unrolled(tape), layout, options)
    plain = computed(code, [point], (len(tape.outputs),), "float32")[0].tolist()
    assert native(tape, point, monkeypatch, "float32") == plain


def test_fast_math_is_close(no_flat_code):
    fast = jit(value_and_grad(network), fast_math=True)(PARAMETERS, X)
    np.testing.assert_allclose(fast[1], value_and_grad(network)(PARAMETERS, X)[1], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fast_math_takes_kernels_of_several_numbers(dtype, no_flat_code):
    xs = np.linspace(-20.0, 20.0, 1003).astype(dtype)

    def f(xs):
        return [engine.tanh(x) * exp(x) for x in xs]

    strict, fast = (np.array(jit(f, dtype=dtype, fast_math=fast)(xs)) for fast in (False, True))
    np.testing.assert_allclose(fast, strict, rtol=16 * np.finfo(dtype).eps)
    layout = Layout((Block(len(xs), False),))
    tape = rolled(traced(f, len(xs)))
    names = [
        [
            function.name
            for function in RolledProgram(tape, layout, Options(fast_math=fast), ()).library.functions
        ]
        for fast in (False, True)
    ]
    assert [any(name.endswith(".x8") for name in each) for each in names] == [False, True]


def test_a_tape_without_regularity_is_compiled_as_it_stands(monkeypatch):
    def chain(x, y):
        for _ in range(plan.LARGE):
            x, y = sin(x * y) + 0.5, x - 0.25
        return x * y

    def refused(*args):
        raise AssertionError("there are no loops")

    monkeypatch.setattr(program, "RolledProgram", refused)
    assert jit(chain)(0.3, 0.7) == chain(0.3, 0.7)


def test_it_is_soon_clear_that_there_are_no_loops():
    def chain(x):
        for _ in range(1_000):
            x = [sin(x[0] * x[1]) + 0.5, x[0] - 0.25]
        return x

    tape = traced(chain, 2)
    assert regular(tape) is None
    assert len(rolled(tape).loops) > 1_000


def test_rows_of_many_operands_are_found_too():
    tape = traced(lambda w, x: [dot(w[i : i + 8], x) for i in range(0, 64, 8)], 64, 8)
    assert "sum(w[8*i + k] * x[k] for k in range(8)) for i in range(8)" in str(rolled(tape))
    wide = traced(lambda x: [engine.logsumexp(x[i : i + 8]) for i in range(0, 64, 8)], 64)
    assert "logsumexp(*(w[8*i + k] for k in range(8))) for i in range(8)" in str(rolled(wide))


@pytest.mark.parametrize("row", [engine.max, engine.mean, engine.norm, engine.logsumexp])
def test_rows_of_many_read_all_of_their_operands_in_float32(row):
    w = np.random.default_rng(0).normal(size=6000)
    f = value_and_grad(lambda w: row([dot(w[i : i + 20], w[:20]) for i in range(0, 6000, 20)]))
    single, double = jit(f, dtype="float32"), jit(f)
    assert single(w)[0] == pytest.approx(double(w)[0], rel=1e-4)
    np.testing.assert_allclose(single(w)[1], double(w)[1], rtol=1e-3, atol=1e-4)
