import copy
import gc
import pickle
import sys
import threading
from itertools import pairwise

import pytest

from engine import Value

DEEP = 1_000_000
# CPython 3.13 lets its deallocators nest 10,000 deep, which takes most of a megabyte; the others 50 deep.
STACK = 1 << 20 if sys.version_info[:2] == (3, 13) else 1 << 18


def chain(n):
    y = x = Value(1.0)
    for _ in range(n):
        y = y + x
    return x, y


def comb(n):
    y = x = Value(1.0)
    for _ in range(n // 2):
        y = (y + y) * 0.5
    return x, y


@pytest.fixture
def collector_off():
    gc.disable()  # a third of the time; it is asked once instead
    yield
    gc.enable()


@pytest.mark.usefixtures("collector_off")
@pytest.mark.parametrize(("build", "slope"), [(chain, DEEP + 1.0), (comb, 1.0)])
def test_a_million_deep_nothing_recurses(build, slope):
    limit = sys.getrecursionlimit()
    failures = []

    def work():
        try:
            x, y = build(DEEP)
            y.backward()
            assert x.grad == slope
            assert len(repr(y)) < 100
            gc.collect()
            x.data = 2.0
            y.forward()
            twin = copy.deepcopy(y)
            again = pickle.loads(pickle.dumps(y))
            assert twin.data == again.data == y.data
            y.zero_grad()
            del x, y, twin, again
        except BaseException as error:
            failures.append(error)

    try:
        sys.setrecursionlimit(200)
        threading.stack_size(STACK)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(0)
    assert not failures, failures


def test_a_list_of_all_nodes_is_copied_node_by_node():
    nodes = [Value(1.0)]
    for _ in range(20_000):
        nodes.append(nodes[-1] * 0.5)
    twins = copy.deepcopy(nodes)
    assert not {id(twin) for twin in twins} & {id(node) for node in nodes}
    assert all(b.parents[0] is a for a, b in pairwise(twins))
