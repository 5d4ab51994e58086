"""Past one machine: what `to_python("jax")` wrote, with the batch in pieces on eight devices."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import engine

needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")

HERE = """
from pathlib import Path
import numpy as np
import engine
from engine import jit, value_and_grad, vmap

def loss(w, x, y):
    hidden = [engine.tanh(engine.dot(row, x)) for row in w[0]]
    return engine.softplus(-y * engine.dot(w[1], hidden))

rng = np.random.default_rng(0)
weights, X = [rng.normal(size=(4, 3)), rng.normal(size=4)], rng.normal(size=(64, 3))
Y = np.sign(X[:, 0] * X[:, 1])
here = jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce="mean"))
value, gradient = here(weights, X, Y)
Path("one_example.py").write_text(here.to_python("jax", "one_example"))
w = np.concatenate([part.ravel() for part in weights])
"""
RECIPE = """
import jax
from jax.sharding import NamedSharding, PartitionSpec
from one_example import one_example  # what to_python("jax", "one_example") wrote

jax.config.update("jax_enable_x64", True)
devices = jax.make_mesh((jax.device_count(),), ("data",))
everywhere, in_pieces = NamedSharding(devices, PartitionSpec()), NamedSharding(devices, PartitionSpec("data"))
examples = jax.vmap(one_example, in_axes=(None, 0, 0))  # w is flat: all its numbers, in order
step = jax.jit(
    lambda w, X, Y: [result.mean(0) for result in examples(w, X, Y)],
    in_shardings=(everywhere, in_pieces, in_pieces),
    out_shardings=everywhere,
)
"""
CHECK = """
results = step(w, X, Y)
assert len(results[0].sharding.device_set) == 8
np.testing.assert_allclose(results, [value, *(g for part in gradient for g in part.ravel())], 1e-12, 1e-15)
program = step.lower(w, X, Y).compile().as_text()
assert "f64[8,3]" in program and "f64[64" not in program, "each device has 8 of the 64 examples"
assert "all-reduce" in program
"""


@needs_jax
def test_a_batch_in_pieces_on_eight_devices_has_the_gradient_of_jit(tmp_path):
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
