"""Programs as people write them for micrograd, with only the import changed: micrograd's numbers come out."""

import json
import re
from pathlib import Path

import pytest

import engine
import nn
from engine import Value

HERE = Path(__file__).parent / "micrograd"
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))


def alike(got, expected):
    if isinstance(expected, list):
        return len(got) == len(expected) and all(map(alike, got, expected))
    return got == (pytest.approx(expected, rel=1e-9, abs=1e-12) if isinstance(expected, float) else expected)


@pytest.mark.parametrize("program", EXPECTED)
def test_it_runs_with_only_the_import_changed(program):
    source = re.sub(r"^from micrograd\.(\w+)", r"from \1", (HERE / f"{program}.py").read_text(), flags=re.M)
    scope = {"__name__": "__main__"}
    exec(compile(source, program, "exec"), scope)
    assert alike(scope["result"], EXPECTED[program])


def test_every_program_has_its_numbers():
    assert {file.stem for file in HERE.glob("*.py")} - {"record"} == EXPECTED.keys()


def test_a_node_shows_what_micrograd_shows():
    a, b = Value(2.0), Value(3.0)
    nodes = [a + b, a - b, a * b, a / b, a**2, a**0.5, a**b, -a, a.relu(), a.exp(), a]
    assert [node._op for node in nodes] == [
        "+",
        "-",
        "*",
        "/",
        "**2",
        "**0.5",
        "**",
        "neg",
        "ReLU",
        "exp",
        "",
    ]
    assert (a * a)._prev == {a}
    assert a._prev == set()


def test_a_step_by_hand_is_that_of_a_sweep():
    x, y = Value(2.0), Value(3.0)
    z = engine.floor(x) * y + engine.maximum(x, y)
    z.grad = 1.0
    for node in (z, *reversed(z.parents)):
        node._backward()
    assert (x.grad, y.grad) == (0.0, 3.0)


@pytest.mark.parametrize("rest", [((),), ((), ""), ((), "", "x"), ((), "x")])
def test_the_constructor_takes_what_micrograds_takes(rest):
    x = Value(2.0, *rest)
    assert (x.data, x.label, x.parents) == (2.0, rest[-1] or "", ())


@pytest.mark.parametrize("rest", [((Value(1.0),), "+"), ("x", "y"), ((), "", "x", "y"), ((), 3), (5,)])
def test_a_node_cannot_be_made_by_hand(rest):
    with pytest.raises(TypeError, match=r"a label.* str"):
        Value(2.0, *rest)


@pytest.mark.parametrize("name", ["_prev", "_op", "_backward"])
def test_how_a_node_was_made_is_read_only(name):
    with pytest.raises(AttributeError, match=r"engine\.custom"):
        setattr(Value(1.0).tanh(), name, None)


@pytest.mark.parametrize("name", ["m", "v", "momentum", "velocity", "cache"])
def test_state_of_an_optimiser_goes_into_a_dict(name):
    with pytest.raises(AttributeError, match=r"dict whose keys are Values"):
        setattr(Value(1.0), name, 0.0)
    assert not hasattr(Value(1.0), name)


def test_nonlin_is_an_activation():
    for make in (nn.Neuron, lambda n, **keywords: nn.Layer(n, 2, **keywords)):
        with pytest.raises(TypeError, match='activation="linear"'):
            make(2, nonlin=False)
        with pytest.raises(TypeError, match="no keyword 'activaton'"):
            make(2, activaton="relu")
    with pytest.raises(TypeError, match='"linear"'):
        nn.Neuron(2, False)


def test_functions_with_the_names_of_builtins_take_what_these_take():
    x, y = Value(2.0), Value(-3.0)
    total = engine.sum((v * 2 for v in (x, y)), x)
    assert (total.data, total.op) == (0.0, "sum")
    assert engine.sum([1.0], 2) == engine.sum([1.0], start=2) == 3.0
    assert (engine.max(x, y).data, engine.min(x, y, -5).data) == (2.0, -5.0)
    assert engine.max([], default=7) == 7
    assert engine.min([], default=None) is None
    assert engine.max([x, y], key=abs) is y
    assert engine.min(x, y, key=abs) is x
    assert engine.max(3.0, 4) == 4.0
    assert (engine.round(2.675), engine.round(1234.5678, 2), engine.round(1250, -2)) == (3.0, 1234.57, 1200.0)
    assert engine.round(x / 3, 3).data == 0.667
    assert (engine.pow(x, 3).data, engine.abs(y).data) == (8.0, 3.0)
    with pytest.raises(ValueError, match="at least one"):
        engine.max([])
    with pytest.raises(TypeError, match="iterable"):
        engine.max(x)
