"""With the collector off: a graph that is dropped is gone at once, and training does not grow."""

import copy
import gc
import pickle
import subprocess
import sys
import tracemalloc
from contextlib import suppress

import pytest

import engine
from engine import StaleGraphError, Value, custom, explain, grad, hessian, jvp, sin
from engine.order import nodes_in_order
from engine.testing import GradientError, gradcheck


@pytest.fixture(autouse=True)
def collector_off():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def growth(use, times=100):
    """Blocks of memory that a use leaves, on average, once cycles of Python's own are gone. Of our nodes the
    collector knows nothing in the compiled build, where it can take none away."""
    for _ in range(times):
        use()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(times):
        use()
    gc.collect()
    return (sys.getallocatedblocks() - before) / times


def loss(x, y):
    for _ in range(20):
        x = sin(x * y) + x * x * 0.1
    return x


def failing_check():  # what pytest.raises returns is a cycle itself
    with suppress(GradientError):
        gradcheck(lambda x: x * x.detach(), (2.0,))


def stale():
    x = Value(1.0)
    y = x * 2.0
    x.data = 3.0
    with suppress(StaleGraphError):
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
    assert growth(USES[use]) < 2
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        USES[use]()
        gc.collect()
        assert not any(isinstance(thing, Value) for thing in gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_a_dropped_root_takes_its_graph_along_and_leaves_the_leaves():
    x, y = Value(0.5), Value(2.0)
    kept = []
    assert growth(lambda: kept.append(loss(x, y))) > 60
    assert growth(lambda: loss(x, y)) < 1


def knot():
    """A graph that its own rule keeps alive."""
    kept = []
    rule = custom(lambda x: 2.0 * x, lambda x: 2.0 + 0.0 * len(kept))
    y = rule(Value(1.0)) * 3.0
    kept.append(engine.sum([y, y * y, 1.0]) + copy.deepcopy(y))


def test_cycles_through_the_rules_of_users_are_collected():
    assert growth(knot) < 5


@pytest.mark.skipif(not engine.compiled, reason="the interpreted engine has Python's own objects")
def test_graphs_without_rules_of_users_are_no_work_for_the_collector():
    x = Value(1.0)
    y = engine.sum([x * x, engine.exp(x), -x, x + 2.0])
    again = [y, copy.deepcopy(y), pickle.loads(pickle.dumps(y)), grad(lambda t: t * y)(Value(2.0))]
    nodes = [node for root in again for node in nodes_in_order(root)]
    assert not [node for node in nodes if gc.is_tracked(node) or (node.is_nary and gc.is_tracked(node.right))]


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
