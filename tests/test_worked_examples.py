"""The worked examples of the lectures, and the two tests of micrograd's own suite."""

import json
from pathlib import Path

import pytest

import engine
from engine import Value

EXAMPLES = {
    example["id"]: example
    for example in json.loads((Path(__file__).parent / "data/worked-examples.json").read_text())["examples"]
}
TYPED = [e for e in EXAMPLES.values() if "expression" in e and ";" not in e["expression"]]
NAMES = {name: getattr(engine, name) for name in ("exp", "log", "sigmoid", "cos")} | {"max": engine.maximum}


def close(x):
    return pytest.approx(x, rel=1e-12, abs=0)


@pytest.mark.parametrize("example", TYPED, ids=lambda example: example["id"])
def test_value_and_gradients_of(example):
    leaves = {name: Value(number, label=name) for name, number in example["inputs"].items()}
    root = eval(example["expression"], NAMES | leaves)  # the repository's own data
    root.backward()
    assert root.data == close(example["value"])
    for name, gradient in example["grads"].items():
        assert leaves[name].grad == close(gradient), name


def test_intermediate_gradients_of_apples_and_oranges():
    apple, apples, orange, oranges, tax = map(Value, (100, 2, 150, 3, 1.1))
    of_apples, of_oranges = apple * apples, orange * oranges
    total = of_apples + of_oranges
    (total * tax).backward()
    assert (of_apples.data, of_oranges.data, total.data) == (200, 450, 650)
    assert (of_apples.grad, of_oranges.grad, total.grad) == (1.1, 1.1, 1.1)


def test_intermediate_gradients_of_logistic_least_squares():
    example = EXAMPLES["logistic-least-squares"]
    w, x, b, t = (Value(example["inputs"][name]) for name in "wxbt")
    z = w * x + b
    y = engine.sigmoid(z)
    ((y - t) ** 2 / 2).backward()
    assert y.grad == close(example["intermediate"]["dL/dy"])
    assert z.grad == close(example["intermediate"]["dL/dz"])


def test_the_sigmoid_neuron_as_one_gate():
    example = EXAMPLES["sigmoid-neuron"]
    w0, x0, w1, x1, w2 = leaves = [Value(example["inputs"][n]) for n in ("w0", "x0", "w1", "x1", "w2")]
    y = engine.sigmoid(w0 * x0 + w1 * x1 + w2)
    y.backward()
    assert y.data == close(example["value"])
    assert [leaf.grad for leaf in leaves] == [close(g) for g in example["grads"].values()]


def test_softmax_regression():
    example = EXAMPLES["softmax-regression"]
    w = [[Value(x) for x in row] for row in example["inputs"]["w"]]
    b = [Value(x) for x in example["inputs"]["b"]]
    logits = [engine.dot(row, example["inputs"]["x"]) + bias for row, bias in zip(w, b, strict=True)]
    loss = engine.cross_entropy(logits, example["inputs"]["target"])
    loss.backward()
    assert loss.data == close(example["value"])
    assert [y.data for y in engine.softmax(logits)] == [close(y) for y in example["probabilities"]]
    assert [x.grad for x in b] == [close(g) for g in example["grads"]["b"]]
    for row, gradients in zip(w, example["grads"]["w"], strict=True):
        assert [x.grad for x in row] == [close(g) for g in gradients]
    composed = -engine.log(engine.softmax(logits)[1])
    assert composed.data == close(example["value"])


def test_gate_layers():
    example = EXAMPLES["gate-layers"]
    for x, dout, value, gradient in zip(
        example["inputs"]["relu_x"],
        example["inputs"]["relu_dout"],
        example["value"]["relu"],
        example["grads"]["relu"],
        strict=True,
    ):
        leaf = Value(x)
        y = leaf.relu()
        y.backward(dout)
        assert (y.data, leaf.grad) == (value, gradient)


def test_dense_module():
    example = EXAMPLES["dense-module"]

    def dense(w, b, x):
        return [engine.dot(row, x) + bias for row, bias in zip(w, b, strict=True)]

    inputs = example["inputs"]
    y, pullback = engine.vjp(dense, inputs["W"], inputs["b"], inputs["x"])
    assert y == example["value"]
    gradients = pullback([float(g) for g in inputs["upstream"]])
    assert gradients == (example["grads"]["W"], example["grads"]["b"], example["grads"]["x"])


def test_micrograd_sanity_check():
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    assert (y.data, x.grad) == (-20.0, 46.0)


def test_micrograd_more_operations():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert g.data == close(24.70408163265306)
    assert a.grad == close(138.83381924198252)
    assert b.grad == close(645.5772594752186)
