"""Who `jit` is measured against: W2 and W3 by hand in C, by PyTorch and by JAX, on one core.

What is not installed is None. JAX gets what suits it best: matrix products over the batch, its own arrays,
float64, and dispatch in the calling thread.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

# NumPy counts its threads when it is imported: one core for all
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np

import engine

Contestant = Callable[[], Any]
RNG = np.random.default_rng(0)
SHAPES = [(16, 2), (16,), (16, 16), (16,), (16,), (1,)]


class Work(NamedTuple):
    """W2: an MLP 2-16-16-1, its hinge loss on samples."""

    parameters: Sequence[Any]
    x: Any
    y: Any


def w2_data(samples: int) -> Work:
    x = RNG.normal(size=(samples, 2))
    return Work([RNG.normal(size=shape) for shape in SHAPES], x, np.sign(x[:, 0] * x[:, 1]))


def installed(name: str) -> Any:
    """The module, or None."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def jax() -> Any:
    module = installed("jax")
    if module is not None:
        module.config.update("jax_enable_x64", True)
        module.config.update("jax_cpu_enable_async_dispatch", False)
    return module


def c_by_hand(work: Work, activation: str, *flags: str, source: str = "w2.c") -> Contestant | None:
    """A file of C, compiled by gcc; called with pointers that are at hand."""
    if shutil.which("gcc") is None:
        return None
    library = Path(tempfile.mkdtemp()) / "w2.so"
    command = ["gcc", "-O3", "-march=native", *flags, f"-D{activation.upper()}", "-shared", "-fPIC"]
    subprocess.run([*command, str(Path(__file__).with_name(source)), "-o", str(library), "-lm"], check=True)
    function = ctypes.CDLL(str(library)).w2
    function.restype = ctypes.c_double
    weights = np.concatenate([p.ravel() for p in work.parameters])
    gradient = np.empty(weights.size)
    w, x, y, out = (a.ctypes.data_as(ctypes.c_void_p) for a in (weights, work.x, work.y, gradient))
    count = ctypes.c_long(len(work.x))
    # the arrays live as long as the function that holds them
    return lambda kept=(weights, gradient): (function(w, x, y, count, out), kept[1])


def w2_numba(work: Work) -> Contestant | None:
    """Loops as in w2.c, with relu."""
    numba = installed("numba")
    if numba is None:
        return None

    @numba.njit  # type: ignore[untyped-decorator]
    def step(w1: Any, b1: Any, w2: Any, b2: Any, w3: Any, b3: Any, x: Any, y: Any) -> Any:
        g1, c1, g2, c2, g3, c3 = w1 * 0, b1 * 0, w2 * 0, b2 * 0, w3 * 0, b3 * 0
        loss = 0.0
        for s in range(len(x)):
            h = np.maximum(w1[:, 0] * x[s, 0] + w1[:, 1] * x[s, 1] + b1, 0.0)
            k = b2.copy()
            for i in range(len(k)):
                for j in range(len(h)):
                    k[i] += w2[i, j] * h[j]
            k = np.maximum(k, 0.0)
            margin = 1.0 - y[s] * ((w3 * k).sum() + b3[0])
            if margin > 0.0:
                loss += margin
                c3[0] -= y[s]
                d = np.zeros(len(h))
                for i in range(len(k)):
                    g3[i] -= y[s] * k[i]
                    slope = -y[s] * w3[i] if k[i] > 0.0 else 0.0
                    c2[i] += slope
                    for j in range(len(h)):
                        g2[i, j] += slope * h[j]
                        d[j] += slope * w2[i, j]
                for j in range(len(h)):
                    slope = d[j] if h[j] > 0.0 else 0.0
                    c1[j] += slope
                    g1[j, 0] += slope * x[s, 0]
                    g1[j, 1] += slope * x[s, 1]
        n = len(x)
        return loss / n, (g1 / n, c1 / n, g2 / n, c2 / n, g3 / n, c3 / n)

    return lambda: step(*work.parameters, work.x, work.y)


def w2_torch(work: Work, activation: str) -> Contestant | None:
    torch = installed("torch")
    if torch is None:
        return None
    torch.set_num_threads(1)
    parameters = [torch.tensor(p, requires_grad=True) for p in work.parameters]
    x, y, f = torch.tensor(work.x), torch.tensor(work.y), getattr(torch, activation)

    def step() -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        score = f(f(x @ w1.T + b1) @ w2.T + b2) @ w3 + b3
        value = torch.relu(1.0 - y * score).mean()
        return value.detach(), torch.autograd.grad(value, parameters)

    return step


def w2_jax(work: Work, activation: str, from_numpy: bool = False) -> Contestant | None:
    """On its own arrays, or from NumPy arrays to NumPy arrays as ours."""
    module = jax()
    if module is None:
        return None
    f = {"relu": module.nn.relu, "tanh": module.numpy.tanh}[activation]

    def mean(parameters: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        score = f(f(x @ w1.T + b1) @ w2.T + b2) @ w3 + b3
        return module.nn.relu(1.0 - y * score).mean()

    step = module.jit(module.value_and_grad(mean))
    if from_numpy:
        return lambda: module.device_get(step(*work))
    own = module.device_put(work)
    return lambda: module.block_until_ready(step(*own))


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


def w3_jax() -> Contestant | None:
    module = jax()
    if module is None:
        return None
    step = module.jit(module.value_and_grad(readme, (0, 1)))
    return lambda: module.block_until_ready(step(-4.0, 2.0))


def w3_torch() -> Contestant | None:
    torch = installed("torch")
    if torch is None:
        return None

    def step() -> Any:
        a, b = torch.tensor(-4.0, requires_grad=True), torch.tensor(2.0, requires_grad=True)
        value = readme(a, b)
        return value.item(), [g.item() for g in torch.autograd.grad(value, (a, b))]

    return step
