"""The JavaScript that a compiled function is written out as, run by node."""

import json
import math
import shutil
import subprocess

import numpy
import pytest
from alike import near
from drawn import batch, batches, shaken, together
from hypothesis import HealthCheck, given, settings

import nn
from engine import (
    clamp,
    exp,
    log,
    relu,
    sin,
    sqrt,
    tanh,
    value_and_grad,
    where,
)
from engine.compiler import jit
from engine.compiler.kernels import error_function
from engine.compiler.sources import javascript, javascript_loops
from engine.compiler.sources.javascript import javascript_source
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.trace import trace
from engine.primitive import TABLE


def wave(x, y):
    return sin(x * y) * x + exp(y) / (1.0 + x * x) + where(x > y, log(x), tanh(y))


needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


def node(source: str, points: list[list[float]]) -> list[list[float]]:
    shown = "v => Object.is(v, -0) ? '-0.0' : String(v).replace('Infinity', 'inf')"
    script = f"{source}\nconsole.log(JSON.stringify({json.dumps(points)}.map(p => f(p).map({shown}))));"
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True)
    return [[float(x) for x in row] for row in json.loads(done.stdout)]


@needs_node
def test_javascript_has_the_engines_bits_for_arithmetic():
    def f(xs):
        x, y, z = xs
        return [
            x + y,
            x - y,
            x * y,
            x / y,
            sqrt(x * x),
            -x,
            relu(y),
            clamp(z, -1.0, 1.0),
            abs(z),
            x % y,
            x // y,
        ]

    points = [[a, b, c] for a in (0.1, -3.0, 1e300, 5e-324) for b in (7.3, -0.5, 1e-300) for c in (-2.0, 0.5)]
    tape = trace(f, "xyz")
    for point, got in zip(points, node(javascript_source(tape, "f"), points), strict=True):
        assert repr(got) == repr(tape.evaluate(point))


@needs_node
def test_javascript_is_within_4_ulp_for_the_rest():
    names = """exp exp2 expm1 log log1p log2 log10 sqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh
        acosh atanh erf erfc lgamma gamma sigmoid softplus silu mish gelu gelu_tanh sech2 sigmoid_slope
        normal_density erfinv""".split()
    rows = [TABLE[name] for name in names]
    tape = trace(lambda xs: [row(xs[0]) for row in rows], "x")
    points = [
        [x]
        for x in (0.01, 0.3, 0.5, 0.9, 1.0, 1.5, 2.5, 7.0, 30.0, -0.2, -0.7, -3.3, -20.5, 0.0, -0.0, 1e300)
    ]
    for (x,), got in zip(points, node(javascript_source(tape, "f"), points), strict=True):
        for name, a, b in zip(names, got, tape.evaluate([x]), strict=True):
            assert a == b or (a != a and b != b) or abs(a - b) <= 4.0 * math.ulp(b), (name, x)


@needs_node
@settings(max_examples=batches(share=2))
@given(batch())
def test_random_expressions_agree_in_javascript(drawn):
    tape, point, expected = together(drawn)
    (got,) = node(javascript_source(simplified(tape), "f"), [point])
    for a, b, c in zip(got, expected, shaken(tape, point, 4.0), strict=True):
        assert a == b or abs(a - b) <= c


@pytest.fixture
def everything_rolled(monkeypatch):
    monkeypatch.setattr(javascript_loops, "LONG", 0)
    monkeypatch.setattr(javascript_loops, "WORTH", 0)


@needs_node
@settings(max_examples=batches(share=2), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch())
def test_loops_have_the_bits_of_straight_lines(everything_rolled, drawn):
    tape, point, _ = together(drawn)
    short = simplified(tape)
    assert repr(node(javascript_source(short, "f"), [point])) == repr(node(straight_source(short), [point]))


def straight_source(tape):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(javascript, "loops_of", lambda tape: None)
        return javascript_source(tape, "f")


@needs_node
def test_a_network_is_loops_with_the_bits_of_straight_lines():
    model = nn.MLP(4, [24, 16, 3], "relu", rng=1)
    weights, rebuild = model.tree_parts()

    def loss(w, x, target):
        return nn.losses.squared_error(rebuild(list(w))(x), target)

    step = jit(value_and_grad(loss))
    parts = [p.data for p in weights], [0.1, -2.0, 0.7, 1.5], [1.0, 0.0, -1.0]
    step(*parts)
    source = step.to_javascript("f")
    lines = straight_source(step.tape)
    assert len(source) < 15_000 < len(lines)
    point = [x for part in parts for x in part]
    assert repr(node(source, [point])) == repr(node(lines, [point]))


@needs_node
def test_javascript_of_every_row_runs_in_loops(everything_rolled):
    test_javascript_of_every_row_runs()


@needs_node
def test_javascript_of_every_row_runs():
    rows = [row for row in TABLE.values() if row.name not in ("power_term", "polygamma")]
    tape = trace(lambda xs: [row(*xs[: len(row.partials) or 4]) for row in rows], "abcd")
    for point, got in zip(
        points := [[0.3, 0.6, 2.0, 1.0]], node(javascript_source(tape, "f"), points), strict=True
    ):
        assert all(near(a, b, 1e-12) for a, b in zip(got, tape.evaluate(point), strict=True))


@pytest.mark.parametrize(
    "name",
    ['f; require("fs")', "class", "x*/", "a" * 100_000, "Math", "math_pow", "logistic_softplus", "naïve", ""],
)
def test_a_name_that_no_function_of_javascript_can_have_is_refused(name):
    with pytest.raises(ValueError, match="a function in JavaScript is called by|choose another name"):
        jit(lambda x: TABLE["softplus"](x)).to_javascript(name)


@needs_node
def test_javascript_rounds_to_float32_where_the_function_does():
    def f(x, y):
        return TABLE["gelu"](x) * exp(y) + TABLE["softplus"](x) / 3.0 - 0.1 * y

    single = jit(f, dtype="float32")
    points = [[0.3, 0.7], [-2.0, 1e-3], [1e38, -1e38]]
    for (x, y), (got,) in zip(points, node(single.to_javascript("f"), points), strict=True):
        expected = float(single(numpy.float32(x), numpy.float32(y)))
        assert got == float(numpy.float32(got))
        assert got == expected or abs(got - expected) <= 4.0 * float(
            numpy.spacing(numpy.float32(abs(expected)))
        )


def test_our_own_error_function_is_that_of_libm():
    for i in range(-6_000, 28_000, 7):
        x = i / 1_000
        assert abs(error_function.erf(x) - math.erf(x)) <= 1.0 * math.ulp(math.erf(x))
        assert abs(error_function.erfc(x) - math.erfc(x)) <= 4.0 * math.ulp(math.erfc(x))
    for x in (math.inf, -math.inf, -0.0, 5e-324):
        assert repr(error_function.erf(x)) == repr(math.erf(x))
        assert repr(error_function.erfc(x)) == repr(math.erfc(x))
    assert math.isnan(error_function.erf(math.nan))
    assert math.isnan(error_function.erfc(math.nan))
