import copy
import pickle
import sys
import threading

import pytest

from engine import Value

DEEP = 1_000_000


def chain(n):
    y = x = Value(1.0)
    for _ in range(n):
        y = y + 1.0
    return x, y


def comb(n):
    y = x = Value(1.0)
    for _ in range(n):
        y = (y + y) * 0.5
    return x, y


@pytest.mark.parametrize("build", [chain, comb])
def test_a_million_deep_nothing_recurses(build):
    limit = sys.getrecursionlimit()
    failures = []

    def work():
        try:
            x, y = build(DEEP)
            y.backward()
            assert x.grad == 1.0
            assert len(repr(y)) < 100
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
        threading.stack_size(256 * 1024)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(0)
    assert not failures, failures
