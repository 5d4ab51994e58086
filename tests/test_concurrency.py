"""Threads, asyncio tasks, generators: every one of them as if it were alone."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine import Value, debug, grad, no_grad, sin

THREADS = 8


def chain(x, y, length=40):
    z = x
    for _ in range(length):
        z = sin(z * y) + z * 0.5
    return z


def in_threads(work, count=THREADS):
    """The results of `work(i)`, all started at the same moment."""
    gate = threading.Barrier(count)

    def started(i):
        gate.wait()
        return work(i)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(started, range(count)))


def own_gradient(i):
    x, y = Value(0.1 * i), Value(1.1)
    chain(x, y).backward()
    return x.grad.hex(), y.grad.hex()


def test_graphs_of_their_own_give_the_serial_bits():
    serial = [own_gradient(i) for i in range(THREADS)]
    for results in in_threads(lambda i: [own_gradient(i) for _ in range(100)]):
        assert set(results) <= set(serial)
        assert len(set(results)) == 1


def test_leaves_that_are_shared_give_the_serial_bits_through_grad():
    w = Value(0.9)
    serial = grad(lambda x: chain(x, w))(0.3).hex()
    found = in_threads(lambda i: {grad(lambda x: chain(x, w))(0.3).hex() for _ in range(100)})
    assert set().union(*found) == {serial}


def test_a_shared_graph_accumulates_every_backward_once():
    x = Value(1.5)
    y = x * x
    in_threads(lambda i: [y.backward() for _ in range(200)])
    assert x.grad == THREADS * 200 * 3.0


def test_shared_leaves_accumulate_whole_gradients():
    x = Value(2.0)
    in_threads(lambda i: [(x * x + x).backward() for _ in range(200)])
    assert x.grad == THREADS * 200 * 5.0


def test_a_transform_inside_a_thread_inside_a_transform_knows_no_outer_variable():
    def f(x):
        inner = in_threads(lambda i: grad(lambda y: y * y * i)(3.0))
        return x * sum(inner)

    assert grad(f)(2.0) == sum(6.0 * i for i in range(THREADS))


def test_no_grad_in_one_thread_is_not_seen_in_another():
    inside, outside = threading.Event(), threading.Event()

    def quiet():
        with no_grad():
            inside.set()
            outside.wait(10)
            return (Value(1.0) * 2.0).parents

    with ThreadPoolExecutor(1) as pool:
        promised = pool.submit(quiet)
        inside.wait(10)
        assert len((Value(1.0) * 2.0).parents) == 2
        outside.set()
        assert promised.result() == ()


def test_no_grad_in_one_task_is_not_seen_in_another():
    async def quiet(gate, done):
        with no_grad():
            gate.set()
            await done.wait()
            return (Value(1.0) * 2.0).parents

    async def loud(gate, done):
        await gate.wait()
        parents = (Value(1.0) * 2.0).parents
        done.set()
        return parents

    async def both():
        gate, done = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(quiet(gate, done), loud(gate, done))

    silent, recorded = asyncio.run(both())
    assert silent == ()
    assert len(recorded) == 2


def test_a_task_that_begins_inside_no_grad_stays_inside():
    async def parents():
        await asyncio.sleep(0)
        return (Value(1.0) * 2.0).parents

    async def begun():
        with no_grad():
            task = asyncio.create_task(parents())
        gc.collect()
        assert (Value(1.0) * 2.0).parents
        return await task

    assert asyncio.run(begun()) == ()


def test_debug_in_one_task_is_not_seen_in_another():
    async def noted():
        with debug():
            await asyncio.sleep(0)
            return (Value(1.0) * 2.0).source

    async def plain():
        await asyncio.sleep(0)
        return (Value(1.0) * 2.0).source

    async def both():
        return await asyncio.gather(noted(), plain())

    noted_source, plain_source = asyncio.run(both())
    assert "test_concurrency.py" in noted_source
    assert plain_source == ""


def test_a_function_decorated_with_no_grad_does_not_record_and_restores():
    @no_grad()
    def quiet(x):
        return x * 2.0

    assert quiet(Value(1.0)).parents == ()
    assert quiet(Value(1.0)).parents == ()
    assert (Value(1.0) * 2.0).parents != ()


def test_an_exception_leaves_no_grad():
    with pytest.raises(ZeroDivisionError), no_grad():
        _ = 1 / 0
    assert (Value(1.0) * 2.0).parents != ()


def test_no_grad_nests():
    with no_grad():
        with no_grad():
            pass
        assert (Value(1.0) * 2.0).parents == ()
    assert (Value(1.0) * 2.0).parents != ()


def test_transforms_record_inside_no_grad():
    with no_grad():
        assert grad(lambda x: x * x)(3.0) == 6.0
        assert grad(grad(lambda x: x * x * x))(3.0) == 18.0
