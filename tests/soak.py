"""Random actions in threads, under signals and forks, for so many seconds: python tests/soak.py 3600.

Each action knows its right answer. It prints what it did, how often, and how much memory grew; it fails
at the first wrong answer.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import engine
import nn
from engine import Value, grad, jit, no_grad, sin, value_and_grad, vmap

SHARED = Value(0.5, "shared")
FOLDER = Path(tempfile.mkdtemp(prefix="soak-"))
PATH = FOLDER / "model.json"


class Interrupt(Exception):
    """What the timer raises in the main thread, as Ctrl-C would."""


def polynomial(x, w):
    return sin(x * w) + x * x


def sweep(rng):
    x = Value(rng.uniform(-1.0, 1.0))
    y = polynomial(x, SHARED)
    y.backward()
    expected = grad(lambda t: polynomial(t, SHARED.data))(x.data)
    assert x.grad == expected, (x.grad, expected)


def compiled(rng):
    scale = rng.uniform(1.0, 2.0)
    f = jit(value_and_grad(lambda x: sin(x * scale)))
    x = rng.uniform(-1.0, 1.0)
    assert f(x) == value_and_grad(lambda x: sin(x * scale))(x)


def mapped(rng):
    xs = [rng.uniform(-1.0, 1.0) for _ in range(5)]
    assert jit(vmap(lambda x: x * x))(xs) == [x * x for x in xs]


def quiet(rng):
    with no_grad():
        assert not (SHARED * 2.0).parents
    assert (SHARED * 2.0).parents


def train(rng):
    model = nn.MLP(1, [2, 1], rng=rng.randrange(9))
    optimizer = nn.optim.Adam(model.parameters())
    options = {"optimizer": optimizer, "epochs": 1, "progress": False, "compiled": False}
    nn.fit(model, [0.0, 1.0], [1.0, 2.0], loss=nn.losses.squared_error, **options)


def store(rng):
    nn.save(nn.Neuron(2, rng=rng.randrange(9)), PATH)
    assert len(nn.load(PATH).parameters()) == 3


def paint(rng):
    assert engine.draw(polynomial(Value(1.0), SHARED)).save(FOLDER / "graph.svg").exists()


def read(rng):
    y = polynomial(Value(1.0, "x"), SHARED)
    assert "dx" in str(engine.explain(y, "x"))
    assert not engine.diagnose(y)


def fork(rng):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        x = Value(3.0)
        (x * x).backward()
        os._exit(int(x.grad != 6.0))
    assert os.waitpid(child, 0)[1] == 0


INTERRUPTED = (sweep, quiet, train, store, paint, read)
# Out of a signal handler, an exception makes llvmlite, and the standard library around a fork, lose locks.
EVERYWHERE = (*INTERRUPTED, compiled, mapped)
done: Counter[str] = Counter()
wrong: list[BaseException] = []


def act(rng, actions, signals=False):
    action = rng.choice(actions)
    if signals and action in INTERRUPTED:
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.001, 0.05))
    action(rng)
    if signals:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    done[action.__name__] += 1


def in_thread(seed, end):
    rng = random.Random(seed)
    try:
        while time.monotonic() < end and not wrong:
            act(rng, EVERYWHERE)
    except BaseException as error:
        wrong.append(error)
        raise


def alarm(*_):
    """Half of the signals sweep, the other half interrupt."""
    if random.random() < 0.5:
        with suppress(RuntimeError):
            x = Value(2.0)
            (x * SHARED).backward()
            done["handler"] += 1
    else:
        done["interrupt"] += 1
        raise Interrupt


def resident():
    """Megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def main(seconds):
    end = time.monotonic() + seconds
    rng, before = random.Random(0), 0.0
    signal.signal(signal.SIGALRM, alarm)
    threads = [threading.Thread(target=in_thread, args=(seed, end)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end and not wrong:
        with suppress(Interrupt):
            act(rng, (*EVERYWHERE, fork), signals=True)
        if not before and time.monotonic() > end - 0.8 * seconds:
            before = resident()
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    for thread in threads:
        thread.join()
    print(dict(done))
    drafts = list(FOLDER.glob("*.draft"))
    print(f"{resident() - before:+.1f} MB after the first fifth, of {resident():.0f} MB; drafts: {drafts}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0))
