"""Graphs of every shape, built and dropped in threads with small stacks: the same bits on both builds.

What it is after: a deallocator that writes into its neighbour once frees nest some 50 deep, as mypyc's
for acyclic classes does. It shows as gradients that differ from run to run, then as crashes.
"""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from random import Random

import engine
from engine import Value, dot, tanh
from engine import sum as total

GRAPHS = {"nightly": 4_000, "ci": 120}.get(os.environ.get("HYPOTHESIS_PROFILE", ""), 30)
THREADS = 4
SMALL_STACK = 256 * 1024
# Sources only: what is imported from the engine's folder is interpreted, compiled or not.
INTERPRETED = """
import sys
from importlib.machinery import FileFinder, SourceFileLoader
sources = FileFinder.path_hook((SourceFileLoader, [".py"]))
def only_the_engine(path):
    if path.startswith(sys.argv[2]):
        return sources(path)
    raise ImportError
sys.path_hooks.insert(0, only_the_engine)
sys.path.insert(0, sys.argv[3])
import engine.value
assert engine.value.__file__.endswith(".py")
"""
PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
import test_stress
print(test_stress.digest(int(sys.argv[4])))
"""


def grow(rng, nodes):
    """One more node from some of those there are, mostly the newest: graphs become deep."""
    a, b, c = nodes[-1], rng.choice(nodes[-40:]), rng.choice(nodes)
    return rng.choice(
        (
            lambda: a + b * 0.5,
            lambda: (a - c) * 0.7,
            lambda: -a,
            lambda: a.relu() + 0.25,
            lambda: tanh(a),
            lambda: total(nodes[-5:]) * 0.2,
            lambda: dot(nodes[-3:], [c, b, 0.5]) / 3.0,
        )
    )()


def hold(rng, held):
    """Wrapped in containers of containers, which are freed together with the nodes."""
    for _ in range(rng.randrange(120)):
        held = rng.choice((lambda x: [x], lambda x: (x, x), lambda x: {"held": x}))(held)
    return held


def gradients(seed):
    """The bits of all gradients of a random graph; half of its nodes are dropped on the way."""
    rng = Random(seed)
    leaves = [Value(rng.uniform(-1.0, 1.0)) for _ in range(6)]
    nodes = list(leaves)
    for _ in range(rng.choice((10, 100, 1_000, 5_000))):
        nodes.append(grow(rng, nodes))
        if rng.random() < 0.01:
            nodes = [*leaves, hold(rng, nodes[-60:]), *nodes[-60:]][:: rng.choice((1, -1))]
            nodes = [node for node in nodes if isinstance(node, Value)]
    root = total([node for node in nodes if isinstance(node, Value)])
    root.backward()
    kept = hold(rng, nodes)
    bits = [root.data.hex(), *(leaf.grad.hex() for leaf in leaves)]
    del nodes, root, kept
    return " ".join(bits)


def digest(graphs):
    """The hash of the gradients of so many graphs, made in threads with a small stack."""
    before = threading.stack_size(SMALL_STACK)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            lines = list(pool.map(gradients, range(graphs)))
    finally:
        threading.stack_size(before)
    return sha256("\n".join(lines).encode()).hexdigest()


def in_a_process(program):
    package = Path(engine.__file__).parent
    folders = [str(Path(__file__).parent), str(package), str(package.parent), str(GRAPHS)]
    done = subprocess.run(
        [sys.executable, "-c", program, *folders], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
    return done.stdout


def test_every_run_gives_the_same_bits_on_both_builds_in_threads_with_small_stacks():
    assert in_a_process(PROGRAM) == in_a_process(PROGRAM) == in_a_process(INTERPRETED + PROGRAM)


def test_a_node_has_at_most_120_bytes_with_the_collectors_share():
    assert Value(1.0).__sizeof__() + 16 <= 120
