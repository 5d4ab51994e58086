"""Modules, neurons, layers, MLP."""

import doctest
import random
import subprocess
import sys
import threading

import numpy as np
import pytest

import engine
import nn
from engine import Value


class Line(nn.Module):
    def __init__(self):
        self.slope, self.offset = Value(2.0), Value(1.0)
        self.unit = "m"
        self._last = Value(0.0)

    def __call__(self, x):
        return self.slope * x + self.offset


class Nested(nn.Module):
    def __init__(self):
        self.shared = Value(3.0)
        self.parts = [Line(), str.upper, {"a": self.shared, "b": (Value(4.0), 5.0)}]
        self.array = np.array([[Value(6.0), Value(7.0)]])
        self.itself = self


def test_importing_nn_takes_the_standard_library_only():
    code = (
        "import sys, nn; heavy = {'numpy', 'tqdm', 'matplotlib', 'hypothesis'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("module", [nn.module, nn.layers], ids=lambda module: module.__name__)
def test_the_examples_in_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def test_the_parameters_are_the_values_in_public_attributes_each_once():
    assert list(Nested().state_dict().items()) == [
        ("shared", 3.0),
        ("parts.0.slope", 2.0),
        ("parts.0.offset", 1.0),
        ("parts.2.b.0", 4.0),
        ("array.0", 6.0),
        ("array.1", 7.0),
    ]


def test_zero_grad_clears_every_gradient():
    line = Line()
    line(3.0).backward()
    assert [p.grad for p in line.parameters()] == [3.0, 1.0]
    line.zero_grad()
    assert [p.grad for p in line.parameters()] == [0.0, 0.0]


def test_a_state_dict_comes_back_exactly():
    one, other = nn.MLP(3, [4, 2], rng=1), nn.MLP(3, [4, 2], rng=2)
    other.load_state_dict(one.state_dict())
    assert other.state_dict() == one.state_dict()


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"slope": 1.0}, ValueError, r"missing \['offset'\]"),
        ({"slope": 1.0, "offset": 2.0, "bias": 3.0}, ValueError, r"unknown \['bias'\]"),
        ({"slope": 5.0, "offset": "2"}, TypeError, "str '2'"),
    ],
)
def test_another_state_is_refused_and_changes_nothing(state, error, message):
    line = Line()
    with pytest.raises(error, match=message):
        line.load_state_dict(state)
    assert line.state_dict() == {"slope": 2.0, "offset": 1.0}


def test_grad_of_a_module_is_a_module_of_gradients():
    line = Line()
    gradient = engine.grad(lambda m: m(3.0) ** 2)(line)
    assert isinstance(gradient, Line)
    assert gradient.state_dict() == {"slope": 42.0, "offset": 14.0}
    assert [p.grad for p in line.parameters()] == [0.0, 0.0]


def test_shared_parameters_stay_shared_in_a_transform():
    def total(model):
        return model.shared * model.parts[2]["a"] + model.array[0, 1]

    assert engine.grad(total)(Nested()).state_dict()["shared"] == 6.0


def test_second_derivatives_go_through_a_module():
    line = Line()
    product = engine.hvp(lambda m: m(3.0) ** 2, line, line)
    assert product.state_dict() == {"slope": 42.0, "offset": 14.0}


def test_a_module_maps_over_a_batch():
    loss = engine.value_and_grad(lambda m, x, t: nn.losses.squared_error(m(x), t))
    value, gradient = engine.vmap(loss, in_axes=(None, 0, 0), reduce="mean")(
        Line(), np.array([1.0, 2.0]), np.array([0.0, 1.0])
    )
    assert value.data == 12.5
    assert gradient.state_dict() == {"slope": 11.0, "offset": 7.0}


def test_a_module_goes_through_compiled_code():
    compiled = engine.jit(engine.value_and_grad(lambda model, x: model(x) ** 2))
    value, gradient = compiled(Line(), 3.0)
    assert (value.data, gradient.state_dict()) == (49.0, {"slope": 42.0, "offset": 14.0})


def test_a_neuron_is_one_dot_node_the_bias_and_the_activation():
    neuron = nn.Neuron(3, "tanh", rng=0)
    out = neuron([1.0, 2.0, 3.0])
    assert [out.op, out.parents[0].op, out.parents[0].parents[0].op] == ["tanh", "add", "dot"]
    assert len(neuron.parameters()) == 4


def test_micrograd_code_runs_as_it_is():
    random.seed(1337)
    model = nn.MLP(2, [16, 16, 1])
    random.seed(1337)
    assert nn.MLP(2, [16, 16, 1]).state_dict() == model.state_dict()
    assert len(model.parameters()) == 337
    score = model([1.0, -2.0])
    model.zero_grad()
    ((score - 1) ** 2).backward()
    for p in model.parameters():
        p.data -= 0.1 * p.grad
    assert model([1.0, -2.0]).data != score.data


def test_the_last_layer_is_linear_and_a_width_of_one_gives_a_scalar():
    assert nn.MLP(2, [3, 1], rng=0)([1, 2]).op == "add"
    assert len(nn.MLP(2, [3, 2], rng=0)([1, 2])) == 2
    assert nn.MLP(1, [1, 1], rng=0)(0.5).op == "add"


@pytest.mark.parametrize(
    "x", [[1, 2.5], (1.0, Value(2.5)), np.array([1.0, 2.5]), np.array([Value(1.0), Value(2.5)])], ids=type
)
def test_inputs_may_be_numbers_values_or_arrays(x):
    assert nn.MLP(2, [3, 1], rng=0)(x).data == nn.MLP(2, [3, 1], rng=0)([1.0, 2.5]).data


def test_gradients_flow_into_the_inputs():
    x = [Value(1.0), Value(2.0)]
    neuron = nn.Neuron(2, "linear", rng=0)
    neuron(x).backward()
    assert [v.grad for v in x] == [p.data for p in neuron.w]


@pytest.mark.parametrize("model", [nn.Neuron(2), nn.Layer(2, 2), nn.MLP(2, [1])], ids=repr)
@pytest.mark.parametrize("x", [[1.0], [1.0, 2.0, 3.0], 1.0, np.zeros((3, 2))], ids=repr)
def test_a_wrong_number_of_inputs_names_both_numbers(model, x):
    with pytest.raises(ValueError, match=r"2 inputs are needed, got [13]"):
        model(x)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.MLP(0, []), ValueError, "inputs of an MLP is 1 or more, got 0"),
        (lambda: nn.MLP(2, []), ValueError, "width of one layer"),
        (lambda: nn.MLP(2, [3, 0]), ValueError, "neurons of a layer is 1 or more, got 0"),
        (lambda: nn.MLP(2, [2.5]), TypeError, "is an int, got float"),
        (lambda: nn.Neuron(True), TypeError, "is an int, got bool"),
        (lambda: nn.Neuron(2, "rellu"), ValueError, "no activation is named 'rellu': choose one of"),
        (lambda: nn.Neuron(2, init="xavier"), ValueError, "no initialiser is named 'xavier'"),
        (lambda: nn.Neuron(2, rng="seed"), TypeError, "rng is a seed"),
    ],
)
def test_impossible_models_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_the_same_seed_gives_the_same_weights():
    assert nn.MLP(3, [5, 2], rng=7).state_dict() == nn.MLP(3, [5, 2], rng=random.Random(7)).state_dict()
    assert nn.MLP(3, [5, 2], rng=7).state_dict() != nn.MLP(3, [5, 2], rng=8).state_dict()


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        ("uniform", 1 / 3),
        ("normal", 1.0),
        ("glorot_uniform", 2 / 70),
        ("glorot_normal", 2 / 70),
        ("he_uniform", 2 / 40),
        ("he_normal", 2 / 40),
    ],
)
def test_initial_weights_have_mean_zero_and_the_variance_of_the_paper(init, variance):
    layer = nn.Layer(40, 30, init=getattr(nn.init, init), rng=0)
    weights = [p.data for neuron in layer.neurons for p in neuron.w]
    assert np.mean(weights) == pytest.approx(0.0, abs=4 * (variance / len(weights)) ** 0.5)
    assert np.var(weights) == pytest.approx(variance, rel=0.15)
    assert all(neuron.b.data == 0.0 for neuron in layer.neurons)


def test_the_default_initialiser_suits_the_activation():
    for activation, init in [("relu", "he_uniform"), ("tanh", "glorot_uniform")]:
        weights = nn.Layer(4, 3, activation, rng=5).state_dict()
        assert weights == nn.Layer(4, 3, activation, init=init, rng=5).state_dict()


def test_repr_counts_parameters():
    assert repr(Line()) == "Line(2 parameters)"
    assert repr(nn.Neuron(2)) == "Neuron(2 -> 1, relu, 3 parameters)"
    assert repr(nn.MLP(2, [16, 1])).splitlines() == [
        "MLP(65 parameters)",
        "  Layer(2 -> 16, relu, 48 parameters)",
        "  Layer(16 -> 1, linear, 17 parameters)",
    ]


def test_a_copy_with_other_parameters_shares_all_the_rest():
    model = nn.Layer(2, 2, rng=0)
    model.lock = threading.Lock()
    model._table = list(range(5))
    gradients = engine.grad(lambda layer: engine.sum(layer([1.0, 2.0])))(model)
    assert gradients.lock is model.lock
    assert gradients._table is model._table
    assert gradients.neurons[0].w[0] is not model.neurons[0].w[0]


def test_parameters_are_found_deeper_than_python_recurses():
    model = nn.Module()
    parts = Value(1.0)
    for _ in range(5000):
        parts = [parts]
    model.parts = parts
    assert model.parameters() == [model.named_parameters()[0][1]]
