"""`jit` against C by hand, PyTorch and JAX: W2 (relu and tanh), W3, cost of a gradient, compile time.

python benchmarks/compiled.py           # what is not installed is left out
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

import engine
from engine import dot, sin, value_and_grad, vmap
from engine.compiler import jit

ROUNDS = 300
RNG = np.random.default_rng(0)
SHAPES = [(16, 2), (16,), (16, 16), (16,), (16,), (1,)]
PARAMETERS = [RNG.normal(size=shape) for shape in SHAPES]
X = RNG.normal(size=(100, 2))
Y = np.sign(X[:, 0] * X[:, 1])
Contestant = Callable[[], Any]


class Times(NamedTuple):
    """Microseconds a call: the median of all rounds, and the best of them, when nobody else was about."""

    median: float
    best: float


def microseconds(contestants: dict[str, Contestant]) -> dict[str, Times]:
    """All contestants measured in turn, so that noise meets them alike."""
    rounds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, call in contestants.items():
            rounds[name].append(1e6 * timed(call))
    return {name: Times(median(times), min(times)) for name, times in rounds.items()}


def timed(call: Contestant) -> float:
    """Seconds for one call: the mean over half a millisecond, short enough to be left alone at times."""
    count, spent = 1, 0.0
    while spent < 0.0005:
        count *= 2
        start = time.perf_counter()
        for _ in range(count):
            call()
        spent = time.perf_counter() - start
    return spent / count


# W2


def loss(activation: Callable[[Any], Any]) -> Callable[..., Any]:
    """The hinge loss of one example, on scalars."""

    def one(parameters: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = [activation(dot(w, x) + b) for w, b in zip(w1, b1, strict=True)]
        h = [activation(dot(w, h) + b) for w, b in zip(w2, b2, strict=True)]
        return engine.relu(1.0 - y * (dot(w3, h) + b3[0]))

    return one


def ours(activation: str) -> Contestant:
    mapped = vmap(value_and_grad(loss(getattr(engine, activation))), in_axes=(None, 0, 0), reduce="mean")
    step = jit(mapped)
    start, cpu = time.perf_counter(), time.process_time()
    step(PARAMETERS, X, Y)
    first, cpu = time.perf_counter() - start, time.process_time() - cpu
    print(f"W2, {activation}: first call {first:.2f} s, of which {cpu:.2f} s of this process\n")
    return lambda: step(PARAMETERS, X, Y)


def by_hand(activation: str, *flags: str) -> Contestant | None:
    if shutil.which("gcc") is None:
        return None
    folder = Path(tempfile.mkdtemp())
    command = ["gcc", "-O3", "-march=native", *flags, f"-D{activation.upper()}", "-shared", "-fPIC"]
    library = folder / "w2.so"
    subprocess.run([*command, str(Path(__file__).with_name("w2.c")), "-o", str(library), "-lm"], check=True)
    function = ctypes.CDLL(str(library)).w2
    function.restype = ctypes.c_double
    w, gradient = np.concatenate([p.ravel() for p in PARAMETERS]), np.empty(337)
    arrays = [a.ctypes.data_as(ctypes.c_void_p) for a in (w, X, Y)]
    out = gradient.ctypes.data_as(ctypes.c_void_p)
    by_hand.kept = (w, gradient)  # type: ignore[attr-defined]
    return lambda: (function(*arrays, ctypes.c_long(100), out), gradient)


def by_torch(activation: str) -> Contestant | None:
    if importlib.util.find_spec("torch") is None:
        return None
    import torch

    torch.set_num_threads(1)
    parameters = [torch.tensor(p, requires_grad=True) for p in PARAMETERS]
    x, y, f = torch.tensor(X), torch.tensor(Y), getattr(torch, activation)

    def step() -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        score = f(f(x @ w1.T + b1) @ w2.T + b2) @ w3 + b3
        value = torch.relu(1.0 - y * score).mean()
        return value.detach(), torch.autograd.grad(value, parameters)

    return step


def by_jax(activation: str, numpy: bool = False) -> Contestant | None:
    """On its own arrays, or from NumPy arrays to NumPy arrays as ours."""
    if importlib.util.find_spec("jax") is None:
        return None
    import jax

    jax.config.update("jax_enable_x64", True)
    f = {"relu": jax.nn.relu, "tanh": jax.numpy.tanh}[activation]

    def mean(parameters: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        score = f(f(x @ w1.T + b1) @ w2.T + b2) @ w3 + b3
        return jax.nn.relu(1.0 - y * score).mean()

    step = jax.jit(jax.value_and_grad(mean))
    if numpy:
        return lambda: jax.device_get(step(PARAMETERS, X, Y))
    parameters, x, y = [jax.numpy.array(p) for p in PARAMETERS], jax.numpy.array(X), jax.numpy.array(Y)
    return lambda: jax.block_until_ready(step(parameters, x, y))


def w2(activation: str) -> None:
    contestants = {
        "chainrule jit": ours(activation),
        "C by hand, gcc -O3 -march=native": by_hand(activation),
        "the same with -ffast-math": by_hand(activation, "-ffast-math"),
        "PyTorch": by_torch(activation),
        "JAX jit, on its own arrays": by_jax(activation),
        "JAX jit, from and to NumPy arrays": by_jax(activation, numpy=True),
    }
    present = {name: call for name, call in contestants.items() if call is not None}
    agree(present)
    table(f"W2, {activation}: loss and gradient of an MLP 2-16-16-1, 100 samples", microseconds(present))


def agree(contestants: dict[str, Contestant]) -> None:
    """All of them have to compute the same gradient."""
    flat = {name: flattened(call()[1]) for name, call in contestants.items()}
    for gradient in flat.values():
        np.testing.assert_allclose(gradient, flat["chainrule jit"], rtol=1e-9, atol=1e-12)


def flattened(gradient: Any) -> Any:
    parts = gradient if isinstance(gradient, (list, tuple)) else [gradient]
    return np.concatenate([np.asarray(part, dtype=float).ravel() for part in parts])


def table(title: str, times: dict[str, Times]) -> None:
    mine = next(iter(times.values()))
    print(f"## {title}\n\n| | median us | times ours | best us | times ours |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, (usual, best) in times.items():
        print(f"| {name} | {usual:.2f} | {usual / mine.median:.2f} | {best:.2f} | {best / mine.best:.2f} |")
    print()


# W3: the expression of micrograd's README


def readme(a: Any, b: Any) -> Any:
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + relu(b + a)
    d += 3 * d + relu(b - a)
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g


def relu(x: Any) -> Any:
    """Of whichever library x belongs to."""
    module = type(x).__module__.partition(".")[0]
    if module == "torch":
        return x.relu()
    return sys.modules["jax"].nn.relu(x) if module.startswith("jax") else engine.relu(x)


def w3() -> None:
    compiled = jit(value_and_grad(readme, (0, 1)))
    contestants: dict[str, Contestant] = {"chainrule jit": lambda: compiled(-4.0, 2.0)}
    if importlib.util.find_spec("jax") is not None:
        import jax

        theirs = jax.jit(jax.value_and_grad(readme, (0, 1)))
        contestants["JAX jit"] = lambda: jax.block_until_ready(theirs(-4.0, 2.0))
    if importlib.util.find_spec("torch") is not None:
        import torch

        def step() -> Any:
            a, b = torch.tensor(-4.0, requires_grad=True), torch.tensor(2.0, requires_grad=True)
            value = readme(a, b)
            return value.item(), [g.item() for g in torch.autograd.grad(value, (a, b))]

        contestants["PyTorch"] = step
    assert compiled(-4.0, 2.0) == value_and_grad(readme, (0, 1))(-4.0, 2.0)
    table("W3: value and both derivatives on two floats", microseconds(contestants))


# Against n


def coupled(xs: Any) -> Any:
    """A sum over neighbours, of n numbers: six operations for each."""
    total = 0.0
    for a, b in zip(xs, [*xs[1:], xs[0]], strict=True):
        total = total + sin(a) * b + a * a
    return total


def growth() -> None:
    print("## Cost of a gradient and of compiling it, against n\n")
    print("| n | function us | with gradient us | ratio | entries of the tape | first call s | us an entry |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for n in (100, 1_000, 10_000):
        x = RNG.normal(size=n)
        f, both = jit(coupled), jit(value_and_grad(coupled))
        f(x)
        start = time.process_time()
        both(x)
        first, entries = time.process_time() - start, len(both.tape)
        times = microseconds({"f": lambda f=f, x=x: f(x), "both": lambda g=both, x=x: g(x)})  # type: ignore[misc]
        print(
            f"| {n:,} | {times['f'].best:.1f} | {times['both'].best:.1f} "
            f"| {times['both'].best / times['f'].best:.2f} "
            f"| {entries:,} | {first:.2f} | {1e6 * first / entries:.1f} |"
        )
    print()


def on_one_core() -> None:
    """One thread for everybody: JAX and PyTorch would take all cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


if __name__ == "__main__":
    on_one_core()
    w2("relu")
    w2("tanh")
    w3()
    growth()
