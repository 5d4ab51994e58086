"""Past one machine: batches in pieces on eight devices of JAX, and on a pool of processes."""

import importlib.util
import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import jit, value_and_grad, vmap

needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")

HERE = """
import numpy as np
import engine
from engine import jit, value_and_grad, vmap

def loss(w, x, y):
    hidden = [engine.tanh(engine.dot(row, x)) for row in w[0]]
    return engine.softplus(-y * engine.dot(w[1], hidden))

rng = np.random.default_rng(0)
weights, X = [rng.normal(size=(4, 3)), rng.normal(size=4)], rng.normal(size=(256, 3))
Y = np.sign(X[:, 0] * X[:, 1])
here = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="mean"))
batches = [slice(i, i + 64) for i in range(0, len(X), 64)]
w, values = weights, []
for batch in batches:
    value, gradient = here(w, X[batch], Y[batch])
    w, values = [p - 0.5 * g for p, g in zip(w, gradient)], [*values, value]
"""
# As in the README, with SGD around it
RECIPE = """
import jax
from jax.sharding import NamedSharding, PartitionSpec

jax.config.update("jax_enable_x64", True)
data = NamedSharding(jax.make_mesh((jax.device_count(),), ("data",)), PartitionSpec("data"))
step = jax.jit(here.to_jax())
v, losses = weights, []
for batch in batches:
    value, gradient = step(v, jax.device_put(X[batch], data), jax.device_put(Y[batch], data))
    v, losses = [p - 0.5 * g for p, g in zip(v, gradient)], [*losses, value]
"""
CHECK = """
np.testing.assert_allclose(losses, values, 1e-12)
for p, q in zip(v, w):
    np.testing.assert_allclose(p, q, 1e-12, 1e-15)
assert len(value.sharding.device_set) == 8
program = step.lower(v, jax.device_put(X[:64], data), jax.device_put(Y[:64], data)).compile().as_text()
assert "f64[8,3]" in program and "f64[64" not in program, "each device has 8 of the 64 examples"
assert "all-reduce" in program
"""


@needs_jax
def test_training_in_pieces_on_eight_devices_is_that_of_jit(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", HERE + RECIPE + CHECK],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(Path(engine.__file__).parent.parent),
            "XLA_FLAGS": "--xla_force_host_platform_device_count=8",
            "JAX_PLATFORMS": "cpu",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def loss(w, x, y):
    hidden = [engine.tanh(engine.dot(row, x)) for row in w[0]]
    return engine.softplus(-y * engine.dot(w[1], hidden))


STEP = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="sum"))


def test_a_pool_of_processes_adds_up_to_the_whole_batch():
    rng = np.random.default_rng(0)
    weights, X = [rng.normal(size=(4, 3)), rng.normal(size=4)], rng.normal(size=(240, 3))
    Y = np.sign(X[:, 0])
    expected, slopes = STEP(weights, X, Y)  # compiled once, here: what is pickled knows its structure
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        pieces = [pool.submit(STEP, weights, X[i::3], Y[i::3]) for i in range(3)]
        values, gradients = zip(*(piece.result(60) for piece in pieces), strict=True)
    assert sum(values) == pytest.approx(expected, rel=1e-13)
    for parts, whole in zip(zip(*gradients, strict=True), slopes, strict=True):
        np.testing.assert_allclose(sum(parts), whole, 1e-12, 1e-14)
