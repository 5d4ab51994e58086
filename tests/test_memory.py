"""With the collector off: a graph that is dropped is gone at once, and training does not grow."""

import gc
import pickle
import subprocess
import sys
import tracemalloc

import pytest

from engine import StaleGraphError, Value, explain, grad, hessian, jvp, sin
from engine.testing import GradientError, gradcheck


@pytest.fixture(autouse=True)
def collector_off():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def values():
    """How many Values are alive; compiled classes take no weak references."""
    return sum(type(thing) is Value for thing in gc.get_objects())


def loss(x, y):
    for _ in range(20):
        x = sin(x * y) + x * x * 0.1
    return x


def failing_check():
    with pytest.raises(GradientError):
        gradcheck(lambda x: x * x.detach(), (2.0,))


def stale():
    x = Value(1.0)
    y = x * 2.0
    x.data = 3.0
    with pytest.raises(StaleGraphError):
        y.backward()


USES = {
    "backward": lambda: loss(Value(0.5), Value(2.0)).backward(),
    "grad": lambda: grad(loss)(0.5, 2.0),
    "grad on nodes": lambda: grad(loss)(Value(0.5), Value(2.0)).backward(),
    "second order": lambda: hessian(loss)(0.5, 2.0),
    "forward over reverse": lambda: jvp(grad(loss), (0.5, 2.0), (1.0, 0.0)),
    "forward": lambda: loss(Value(0.5), Value(2.0)).forward(),
    "pickle": lambda: pickle.loads(pickle.dumps(loss(Value(0.5), Value(2.0)))),
    "explain": lambda: str(explain(Value(0.5) * Value(2.0))),
    "gradcheck": lambda: gradcheck(lambda x, y: x * y, (2.0, 3.0), order=2),
    "a failing check": failing_check,
    "a stale graph": stale,
}


@pytest.mark.parametrize("use", USES)
def test_nothing_is_left_for_the_collector(use):
    USES[use]()
    gc.collect()
    before = values()
    USES[use]()
    assert values() == before
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        assert not any(isinstance(thing, Value) for thing in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_a_dropped_root_takes_its_graph_along_and_leaves_the_leaves():
    x, y = Value(0.5), Value(2.0)
    before = values()
    root = loss(x, y)
    assert values() > before + 60
    del root
    assert values() == before


def test_training_for_ten_thousand_steps_does_not_grow():
    w = Value(1.0)

    def step():
        w.grad = 0.0
        (w * 0.5 - 2.0).tanh().backward()
        w.data -= 0.001 * w.grad

    for _ in range(100):
        step()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(10_000):
            step()
        assert tracemalloc.get_traced_memory()[0] - before < 2_000
    finally:
        tracemalloc.stop()


def test_a_graph_that_is_alive_at_exit_does_no_harm():
    program = "from engine import Value\nx = Value(1.0)\nfor _ in range(1000): x = x * 0.1 + x\nx.backward()"
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
