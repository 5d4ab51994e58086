"""Tapes, and the passes over them: fewer operations, the same bits."""

import math
import pickle
import struct
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Value, dot, exp, grad, sin, tanh, value_and_grad, where
from engine import sum as total
from engine.compiler import jit as compiled_by
from engine.compiler.tape import columns
from engine.compiler.tape.columns import columns_of
from engine.compiler.tape.identities import IDENTITIES, Pattern, Side, parsed
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.questions import Questions
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import replay, trace
from engine.primitive import custom
from engine.primitives import mul, sub
from engine.testing.strategies import expressions

jit = partial(compiled_by, backend="numpy")  # what is tested is the tape
NUMBERS = st.floats() | st.sampled_from([0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan, 5e-324])
WAVE = """\
(x, y) ->
    v2 = x * y
    v3 = sin(v2)
    v4 = v3 * x
    v5 = exp(v2)
    v6 = v4 + v5
    v7 = v5 * y
    v8 = v5 * x
    v9 = v7 + v3
    v10 = cos(v2)
    v11 = x * v10
    v12 = v11 * y
    v13 = v9 + v12
    v14 = v11 * x
    v15 = v8 + v14
    return v6, v13, v15"""


def bits(x):
    return b"nan" if math.isnan(x) else struct.pack("<d", x)


def value(term: Side, numbers: dict[str, float]) -> float:
    if isinstance(term, Pattern):
        return term.primitive(*[value(part, numbers) for part in term.operands])
    return numbers[term] if isinstance(term, str) else term


@pytest.mark.parametrize(("left", "right"), IDENTITIES, ids=[left for left, _ in IDENTITIES])
@given(x=NUMBERS, y=NUMBERS, z=NUMBERS, c=NUMBERS, b=st.sampled_from([0.0, 1.0]))
def test_both_sides_of_an_identity_have_the_same_bits(left, right, **numbers):
    assert bits(value(parsed(left), numbers)) == bits(value(parsed(right), numbers))


@given(expressions())
def test_passes_keep_the_bits_of_a_value_and_its_gradient(expression):
    def both(xs):
        result, gradient = value_and_grad(expression, tuple(range(len(xs))))(*xs)
        return [result, *gradient]

    recorded = trace(both, expression.names)
    tape = simplified(recorded)
    point = expression.inputs
    assert list(map(bits, tape.evaluate(point))) == list(map(bits, recorded.evaluate(point)))
    assert len(tape) <= len(recorded)
    assert str(simplified(tape)) == str(tape)


def test_value_and_gradient_share_what_they_have_in_common():
    assert str(jit(value_and_grad(lambda x, y: sin(x * y) * x + exp(x * y), (0, 1))).tape) == WAVE


def test_constants_are_folded_by_the_kernels():
    assert str(simplified(trace(lambda xs: [xs[0] * exp(sin(0.5) * 0.0)], "x"))) == "(x) ->\n    return x"


def test_what_is_impure_or_raises_is_not_folded():
    calls = []
    noisy = custom(lambda x: calls.append(x) or 1.0, lambda x: 0.0, name="noisy")
    tape = simplified(trace(lambda xs: [noisy(where(xs[0] < 0.0, 2.0, 2.0))], "x"))
    assert calls == []
    assert tape.evaluate([3.0]) == [1.0]
    assert calls == [2.0]


def test_what_no_output_needs_is_dropped_but_inputs_stay():
    tape = simplified(trace(lambda xs: [(exp(xs[1]), xs[0] * 2.0)[1]], "xyz"))
    assert [row.primitive.name for row in tape.entries] == ["", "", "", "", "mul"]
    assert tape.evaluate([3.0, 0.0, 0.0]) == [6.0]


def test_captured_values_are_constants():
    w = Value(2.0) * 3.0
    f = jit(lambda x: w * x)
    assert f(1.0) == 6.0
    assert "6.0 * x" in str(f.tape)


def test_a_line_names_its_row_also_where_readers_see_a_formula():
    assert "v1 = sech2(x)" in str(simplified(trace(lambda xs: [grad(tanh)(xs[0])], "x")))


def test_a_long_tape_prints_its_ends():
    def f(x):
        for _ in range(1_000):
            x = sin(x)
        return x

    text = str(jit(f).tape)
    assert "... 800 lines ..." in text
    assert len(text.splitlines()) == 203


def test_a_tape_survives_a_pickle():
    tape = trace(lambda xs: [exp(xs[0]) * 0.1, math.nan], "x")
    again = pickle.loads(pickle.dumps(tape))
    assert str(again) == str(tape)
    assert again.evaluate([2.0])[0] == tape.evaluate([2.0])[0]
    long = trace(walk(10_000), "xy")
    assert len(pickle.dumps(long)) < 14 * len(long)


def test_entries_are_a_view_that_reads_like_a_list():
    tape = trace(lambda xs: [where(xs[0] < 0.5, exp(xs[0]), xs[1]) * 3.0, dot(xs, [xs[1], xs[0]])], "xy")
    entries = list(tape.entries)
    assert len(entries) == len(tape.entries) == len(tape)
    assert [tape.entries[i] for i in range(-len(tape), 0)] == entries
    assert tape.entries[2:] == entries[2:]
    assert tape.entries[::-2] == entries[::-2]
    assert list(columns_of(entries)) == entries
    assert {len(entry.operands) for entry in entries} == {0, 1, 2, 3, 4}
    with pytest.raises(IndexError):
        tape.entries[len(tape)]


def test_lines_are_packed_in_chunks():
    count = 3 * columns.CHUNK // 2
    tape = simplified(trace(walk(count), "xy"))
    entries = list(tape.entries)
    assert len(entries) > columns.CHUNK
    assert [tape.entries[i] for i in range(columns.CHUNK - 2, columns.CHUNK + 2)] == entries[
        columns.CHUNK - 2 : columns.CHUNK + 2
    ]


@pytest.mark.parametrize("row", [mul, sub], ids=["commutes", "does not"])
def test_what_is_computed_twice_is_shared_however_many_users_it_has(row):
    def f(xs):
        terms = [row(x, xs[-1]) for x in xs] + [row(xs[-1], x) for x in xs]
        return [*terms, *(row(x, xs[-1]) for x in reversed(xs))]

    tape = simplified(trace(f, [f"x{i}" for i in range(40)]))
    assert len(list(tape.operations())) == (40 if row is mul else 79)
    outputs = list(tape.outputs)
    assert outputs[:40] == outputs[80:][::-1]


def test_questions_become_guards_that_passes_and_pickles_keep():
    def f(xs):
        small = xs[0] < 2.0
        return [xs[0] * 1.0 if xs[1] > 0.0 and not small else xs[1] * [5.0, 7.0][xs[0]]]

    tape = trace(f, "xy", Questions([1.0, 3.0]))
    for each in (tape, simplified(tape), pickle.loads(pickle.dumps(tape))):
        assert [guard.answer for guard in each.guards] == [True, True, 1]
        assert each.evaluate([1.0, 3.0]) == [21.0]
    assert "assert v5\n    assert x == 1\n    return v7" in str(simplified(tape)).replace("v4", "v7")


def test_a_trace_leaves_captured_values_ready_for_a_sweep():
    w = Value(2.0)
    captured = w * w
    simplified(trace(lambda xs: [captured * xs[0] + w], "x"))
    captured.backward()
    assert w.grad == 4.0
    assert trace(lambda xs: [captured * xs[0] + w], "x").evaluate([3.0]) == [14.0]


def test_threads_trace_what_they_share_at_the_same_time():
    shared = [Value(float(i)) * 2.0 for i in range(50)]

    def traced(k):
        tape = trace(lambda xs: [sum(v * xs[0] for v in shared) + float(k)], "x")
        total(shared).backward()
        return simplified(tape).evaluate([1.0])[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(traced, range(64))) == [2450.0 + k for k in range(64)]


def test_a_long_regular_tape_is_printed_as_loops_where_people_read_it():
    f = jit(lambda w: sum(x * x for x in w))
    f([1.0] * 300)
    assert "for k in range(" in str(f.tape)
    assert "lines ..." in str(simplified(f.tape))


def test_a_replayed_tape_can_be_differentiated():
    tape = trace(lambda xs: [sin(xs[0]) * xs[1]], "xy")
    again = trace(lambda xs: [grad(lambda x: replay(tape, [x, xs[1]])[0])(xs[0])], "xy")
    assert again.evaluate([0.5, 2.0]) == [2.0 * math.cos(0.5)]


def walk(count):
    def f(xs):
        x, y = xs
        for _ in range(count // 5):
            x = sin(x * y) + x * 1.5 - y
        return [x]

    return f


@pytest.mark.slow
def test_a_million_nodes_are_traced_and_simplified():
    assert len(simplified(trace(walk(1_000_000), "xy"))) > 1_000_000


def test_an_empty_tape_returns_its_inputs():
    tape = Tape("x", trace(lambda xs: xs, "x").entries, [0])
    assert tape.evaluate([2.0]) == [2.0]


def test_slots_are_not_called_what_an_input_is_called():
    tape = simplified(trace(lambda xs: [xs[0] * xs[1], xs[1] + 1.0], ["v3", "x"]))
    assert str(tape).splitlines()[1:] == ["    v_3 = v3 * x", "    v_4 = x + 1.0", "    return v_3, v_4"]
