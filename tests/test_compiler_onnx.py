"""Compiled functions as ONNX graphs, run by ONNX's own reference evaluator."""

import functools
import importlib.util
import inspect
import math
import re

import numpy as np
import pytest
from drawn import batch, batches, shaken, together
from hypothesis import given, settings

import engine
from engine import (
    cross_entropy,
    dot,
    exp,
    logsumexp,
    relu,
    sin,
    softmax,
    softplus,
    tanh,
    value_and_grad,
    vmap,
    where,
)
from engine.compiler import Untranslatable, jit
from engine.compiler.backend import Block, Layout
from engine.compiler.calls.results import Results
from engine.compiler.kernels.lowering import lowered
from engine.compiler.sources.onnx import onnx_model
from engine.compiler.sources.onnx_rows import COMPARISONS, NATIVE, OPERATORS
from engine.compiler.tape.trace import trace
from engine.primitive import TABLE, custom
from engine.testing.strategies import SMOOTH, from_primitive

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")
LACKING = ["gamma", "lgamma", "polygamma"]  # their loops go on as long as data say
NUMERIC = [row for row in TABLE.values() if row.name not in LACKING]


def evaluated(model, feeds):
    """The outputs of a model that the checker accepts."""
    onnx.checker.check_model(model, full_check=True)
    types = {
        x.name: onnx.helper.tensor_dtype_to_np_dtype(x.type.tensor_type.elem_type) for x in model.graph.input
    }
    with np.errstate(all="ignore"):
        return reference.ReferenceEvaluator(model).run(
            None, {name: np.asarray(x, dtype=types[name]) for name, x in feeds.items()}
        )


def written(f, path):
    f.to_onnx(path)
    return onnx.load(path)


def numbers(tape, point):
    """All outputs of a tape on single numbers."""
    results = Results([0.0] * len(tape.outputs))
    model = onnx_model(tape, Layout((Block(len(point), False),)), results)
    return [float(x) for x in evaluated(model, dict(zip(names(model), point, strict=True)))]


def names(model):
    return [x.name for x in model.graph.input]


def wave(x, y):
    return sin(x * y) * x + exp(y) / (1.0 + x * x) + where(x > y, relu(x), tanh(y))


# Numbers


def test_value_and_gradient_are_those_of_the_engine(tmp_path):
    f = jit(value_and_grad(wave, (0, 1)))
    model = written(f, tmp_path / "wave.onnx")
    assert names(model) == ["x", "y"]
    assert [x.name for x in model.graph.output] == ["result0", "result1", "result2"]
    for x, y in ((0.3, 0.7), (0.7, 0.3), (-1.5, 2.0), (3.0, -2.0)):
        value, gradient = value_and_grad(wave, (0, 1))(x, y)
        assert evaluated(model, {"x": x, "y": y}) == pytest.approx([value, *gradient], rel=1e-14)


@settings(max_examples=batches(share=4))
@given(batch(ops=[row for row in SMOOTH if row.name not in LACKING]))
def test_random_expressions_agree_with_the_engine(drawn):
    tape, point, expected = together(drawn)
    room = shaken(tape, point, 8.0)
    for a, b, c in zip(numbers(tape, point), expected, room, strict=True):
        assert a == b or abs(a - b) <= c


@pytest.mark.parametrize("row", NUMERIC, ids=lambda row: row.name)
def test_every_row_is_within_a_few_ulp_of_its_condition(row):
    @settings(max_examples=10, derandomize=True)
    @given(from_primitive(row))
    def agree(expression):
        value = expression(*expression.inputs)
        slopes = [slope or 0.0 for slope in expression.root.local_gradient()]
        operands = [parent.data for parent in expression.root.parents]
        room = abs(value) + sum(abs(x * slope) for x, slope in zip(operands, slopes, strict=True))
        (got,) = numbers(trace(lambda xs: [expression(*xs)], expression.names), expression.inputs)
        assert abs(got - value) <= 4.0 * math.ulp(1.0) * room

    agree()


def test_comparisons_are_numbers_and_conditions_alike():
    f = jit(lambda x, y: ((x < y) + 2.0 * (x >= y), where(x <= y, x, y), where(x - y, x, 7.0)))
    for x, y in ((1.0, 2.0), (2.0, 1.0), (1.0, 1.0)):
        f(x, y)
        assert numbers(f.tape, [x, y]) == list(f(x, y))


def test_what_is_not_taken_does_no_harm():
    f = jit(value_and_grad(lambda x: where(x > 0.0, engine.log(x), 0.0)))
    assert numbers(f.tape, [-1.0]) == [0.0, 0.0]


@pytest.mark.parametrize("n_ary", [logsumexp, engine.max, engine.min, engine.norm, engine.mean, engine.prod])
def test_functions_of_many_arguments_agree(n_ary):
    f = jit(value_and_grad(lambda x, y, z: n_ary([x, y, z, 0.5 * x]), (0, 1, 2)))
    value, gradient = f(1.5, -2.0, 3.0)
    assert numbers(f.tape, [1.5, -2.0, 3.0]) == pytest.approx([value, *gradient], rel=1e-14)


@pytest.mark.parametrize(
    "point", [(1.0, 2.0, 3.0), (800.0, -800.0, 0.0), (40.0, 1.0, -math.inf), (1.0, 1.0, 1.0)]
)
def test_probabilities_of_extreme_logits_agree(point):
    f = jit(lambda x, y, z: (*softmax([x, y, z]), logsumexp([x, y, z]), cross_entropy([x, y, z], 0)))
    assert numbers(f.tape, point) == [pytest.approx(x, rel=1e-14, abs=0.0) for x in f(*point)] or not f(
        *point
    )


def test_overflow_and_infinity_arrive_where_the_engine_has_them():
    rows = "expm1 log1p tanh softplus sigmoid sech2 sinh cosh cbrt erf erfc logsigmoid exp relu".split()
    tape = trace(lambda xs: [TABLE[name](xs[0]) for name in rows], "x")
    for x in (math.inf, -math.inf, 1e300, -1e300, 0.0, -1.0, 5e-324, math.nan):
        for name, got, expected in zip(rows, numbers(tape, [x]), tape.evaluate([x]), strict=True):
            assert got == pytest.approx(expected, rel=1e-14, nan_ok=True), (name, x)


# Arguments and results


def loss(w, x, y):
    return softplus(-y * (dot(w[1], [tanh(dot(row, x)) for row in w[0]])))


W = [np.array([[0.3, -0.2], [0.1, 0.7], [-0.5, 0.4]]), np.array([1.0, -2.0, 0.5])]
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5], [1.0, 1.0]])
Y = np.array([1.0, -1.0, -1.0, 1.0])
FEEDS = {"w": np.concatenate([w.ravel() for w in W]), "x": X, "y": Y}


def test_an_argument_that_is_no_number_is_one_tensor(tmp_path):
    f = jit(value_and_grad(loss))
    value, gradient = f(W, X[0], 1.0)
    results = evaluated(written(f, tmp_path / "loss.onnx"), {"w": FEEDS["w"], "x": X[0], "y": 1.0})
    assert [r.shape for r in results] == [(), (3, 2), (3,)]
    for got, expected in zip(results, [value, *gradient], strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-14)


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_a_mapped_function_takes_examples_of_any_number(reduce, tmp_path):
    f = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce=reduce))
    f(W, X[:2], Y[:2])
    model = written(f, tmp_path / "loss.onnx")
    for size in (1, 4):
        value, gradient = f(W, X[:size], Y[:size])
        results = evaluated(model, FEEDS | {"x": X[:size], "y": Y[:size]})
        for got, expected in zip(results, [value, *gradient], strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("reduce", [None, "sum", "mean"])
def test_results_that_do_not_depend_on_the_example_are_repeated(reduce, tmp_path):
    f = jit(vmap(lambda w, x: (3.0, w, dot(w, w), x), in_axes=(None, 0), reduce=reduce))
    expected = f(W[1], Y)
    results = evaluated(written(f, tmp_path / "same.onnx"), {"w": W[1], "x": Y})
    for got, wanted in zip(results, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-15)


def test_a_network_is_deployed_with_its_weights(tmp_path):
    nn = importlib.import_module("nn")
    model = nn.MLP(2, [4, 1], activation="tanh", rng=0)
    f = jit(vmap(lambda x: model(x)))
    scores = f(X)
    (got,) = evaluated(written(f, tmp_path / "network.onnx"), {"x": X})
    np.testing.assert_allclose(got, scores, rtol=1e-14)


# Names and errors


@pytest.mark.parametrize(
    "f", [lambda v0, v1: v0 / v1, lambda x0, result0: x0 / result0, lambda result, result_: result / result_]
)
def test_parameters_never_hide_what_is_generated(f, tmp_path):
    model = written(jit(f), tmp_path / "f.onnx")
    assert names(model) == list(inspect.signature(f).parameters)
    feeds = dict(zip(names(model), [3.0, 4.0], strict=True))
    assert evaluated(model, feeds) == [0.75]


@pytest.mark.parametrize("name", ['x"; import os', "lambda", "", "naive-1", "a.b", "x" * 10_000])
def test_names_in_the_graph_are_identifiers(name):
    tape = trace(lambda xs: [sin(xs[0]) * xs[1]], [name, f"{name}2"])
    model = onnx_model(tape, Layout((Block(2, False),)), Results([0.0]))
    onnx.checker.check_model(model)
    made = [*names(model), *[x.name for x in model.graph.initializer]]
    made += [output for node in model.graph.node for output in node.output]
    assert all(re.fullmatch(r"[A-Za-z_]\w*", each) for each in made)
    assert len(set(made)) == len(made)


def test_only_standard_operators_are_used_and_functions_made_of_them(tmp_path):
    f = jit(value_and_grad(lambda x, y: wave(x, y) + softplus(x), (0, 1)))
    model = written(f, tmp_path / "wave.onnx")
    assert {(x.domain, x.version) for x in model.opset_import} == {("", 22), ("chainrule", 1)}
    known = {(f.domain, f.name) for f in model.functions}
    for nodes in (model.graph.node, *[f.node for f in model.functions]):
        assert all(node.domain == "" or (node.domain, node.op_type) in known for node in nodes)


def test_a_row_that_is_used_often_is_one_function(tmp_path):
    def repeated(n):
        return jit(lambda x: functools.reduce(lambda x, k: softplus(x + k), range(n), x))

    few, many = (written(repeated(n), tmp_path / "f.onnx") for n in (2, 50))
    assert [f.name for f in few.functions] == [f.name for f in many.functions] == ["log1p", "softplus"]
    assert len(many.graph.node) < 50 * 4
    assert evaluated(many, {"x": 0.5}) == pytest.approx([repeated(50)(0.5)])


def test_components_of_a_softmax_share_their_exponentials(tmp_path):
    f = jit(lambda xs: engine.softmax(list(xs)))
    f(X.ravel())
    model = written(f, tmp_path / "f.onnx")
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("Max") == 1
    assert operators.count("shifted_exp") == X.size
    assert evaluated(model, {"xs": X.ravel()}) == pytest.approx(f(X.ravel()), rel=1e-15)


def test_orders_of_derivatives_are_part_of_the_function(tmp_path):
    f = jit(lambda x: engine.hessian(lambda x: (1.0 + x) ** engine.sin(x))(x))
    assert evaluated(written(f, tmp_path / "f.onnx"), {"x": 0.7}) == [pytest.approx(f(0.7), rel=1e-14)]


def test_float32_is_the_type_of_inputs_outputs_and_operators(tmp_path):
    f = jit(value_and_grad(lambda x, y: wave(x, y) + softplus(x) + engine.gelu(y), (0, 1)), dtype="float32")
    model = written(f, tmp_path / "wave.onnx")
    kinds = {x.type.tensor_type.elem_type for x in (*model.graph.input, *model.graph.output)}
    assert kinds == {onnx.TensorProto.FLOAT}
    value, gradient = f(0.25, 0.75)
    assert evaluated(model, {"x": 0.25, "y": 0.75}) == pytest.approx([value, *gradient], rel=1e-6)


def test_float32_keeps_what_kernels_need_float64_for(tmp_path):
    rows = "softsign tanh sigmoid logsigmoid silu gelu erf expm1 log1p asinh cbrt".split()
    f = jit(lambda x: [TABLE[name](x) for name in rows], dtype="float32")
    model = written(f, tmp_path / "rows.onnx")
    for x in (0.0, -0.0, 1e-30, -40.0, 3e38, math.inf, -math.inf):
        for name, got in zip(rows, evaluated(model, {"x": x}), strict=True):
            assert got == pytest.approx(
                np.float32(TABLE[name](float(np.float32(x)))), rel=1e-6, nan_ok=True
            ), (name, x)


def test_all_that_onnx_lacks_is_in_one_error(tmp_path):
    twice = custom(lambda x: 2.0 * x, lambda x: 2.0, name="twice")
    path = tmp_path / "never.onnx"
    f = jit(lambda x: engine.lgamma(x) + engine.gamma(x) + twice(x) + engine.gelu(x))
    with pytest.raises(Untranslatable, match=r"ONNX lacks 3 operations.*: lgamma \(.*, gamma \(.*, twice \("):
        f.to_onnx(path)
    assert not path.exists()


def test_every_row_is_made_of_operators_but_for_those_known_to_be_lacking():
    assert {*OPERATORS, *COMPARISONS} < NATIVE
    lacking = set()
    for row in TABLE.values():
        orders = [1.0 if interval.whole else None for interval in row.domain] * (4 if row.gradient else 1)
        tape = trace(
            lambda xs, row=row, orders=orders: [
                row(*[x if order is None else order for x, order in zip(xs, orders, strict=True)])
            ],
            [f"x{i}" for i in range(len(orders))],
        )
        try:
            lowered(tape, NATIVE, "ONNX")
        except Untranslatable:
            lacking.add(row.name)
    assert lacking == {*LACKING}


def test_without_onnx_the_extra_is_named(monkeypatch, tmp_path):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("engine.compiler.sources.onnx.import_module", missing)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[onnx\]'"):
        jit(wave).to_onnx(tmp_path / "never.onnx")


def test_the_structure_of_the_arguments_has_to_be_known(tmp_path):
    with pytest.raises(TypeError, match="call .* first"):
        jit(vmap(sin)).to_onnx(tmp_path / "never.onnx")
