"""Signals and forks that come at any moment: a right answer, or one clear error."""

import os
import random
import signal
import threading
import time
import warnings
from contextlib import contextmanager, suppress

import pytest

from engine import Value, debug, no_grad, sin
from engine.primitive import Primitive
from nn import optim

SECONDS = 0.4  # of each attack

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX timers")


@contextmanager
def interrupted(handler, after, again=0.0):
    """Calls the handler after so many seconds, between any two instructions of the main thread."""
    before = signal.signal(signal.SIGALRM, lambda *_: handler())
    signal.setitimer(signal.ITIMER_REAL, after, again)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def lasting(seconds=SECONDS):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


class Ctrl(Exception):
    """What a handler raises here, as Ctrl-C raises KeyboardInterrupt."""


def raises():
    raise Ctrl


def test_a_handler_that_sweeps_gets_its_gradient_or_an_error_and_the_sweep_below_is_right():
    x = Value(0.5)
    y = x
    for _ in range(50):
        y = sin(y) + x
    y.backward()
    slope, x.grad = x.grad, 0.0
    done = 0

    def handler():
        nonlocal done
        with suppress(RuntimeError):
            y.backward()
            done += 1

    with interrupted(handler, 0.0003, 0.0003):
        for _ in lasting():
            y.backward()
            done += 1
    assert x.grad == pytest.approx(done * slope, rel=1e-9)


def test_a_handler_in_the_middle_of_a_sweep_is_told_so():
    x, met = Value(0.5), []
    y = Primitive("interrupted", lambda v: v, lambda v: met.append(refusal(x)) or 1.0)(x)
    y.backward()
    assert (met, x.grad) == (["a sweep is running in this very thread"], 1.0)


def refusal(x):
    with pytest.raises(RuntimeError) as caught:
        (x * x).backward()
    return str(caught.value).partition(",")[0]


@pytest.mark.parametrize("mode", [no_grad, debug])
def test_a_block_that_ctrl_c_ends_anywhere_leaves_no_trace(mode):
    x = Value(1.0)

    for _ in lasting():
        with suppress(Ctrl), interrupted(raises, random.uniform(1e-4, 1e-3)):
            while True:
                with mode():
                    pass
        y = x * 2.0
        assert y.parents
        assert not y.source


def test_a_step_happens_whole_or_not_at_all():
    parameters = [Value(0.0) for _ in range(40)]
    training = optim.SGD(parameters, lr=1.0, momentum=0.5)
    for p in parameters:
        p.grad = -1.0
    for _ in lasting():
        with suppress(Ctrl), interrupted(raises, random.uniform(1e-4, 1e-3)):
            while True:
                training.step()
        assert len({p.data for p in parameters}) == 1
        assert len(set(training.v)) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_child_that_is_forked_while_another_thread_sweeps_can_sweep():
    stop = threading.Event()

    def sweep():
        y = Value(0.5)
        for _ in range(2000):
            y = y * 1.0
        while not stop.is_set():
            y.backward()

    threads = [threading.Thread(target=sweep) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(8):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # 3.12: threads and fork
                child = os.fork()
            if child == 0:
                signal.alarm(10)
                x = Value(3.0)
                (x * x).backward()
                os._exit(int(x.grad != 6.0))
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
