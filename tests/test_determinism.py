"""The same program gives the same bits, whatever the hash seed and the heap."""

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

PROGRAM = """
import sys
noise = [object() for _ in range(int(sys.argv[1]))]  # other addresses, other ids
from engine import Value, grad, hessian, logsumexp, sin
from engine.testing import gradcheck

def f(*xs):
    parts = [sin(x * y) / (1.0 + x * x) for x in xs for y in xs]
    return logsumexp(parts) + sum(parts) * xs[0]

point = [0.1 * i + 0.3 for i in range(6)]
leaves = [Value(x) for x in point]
f(*leaves).backward()
numbers = [leaf.grad for leaf in leaves]
numbers += grad(f, range(6))(*point)
numbers += [x for row in hessian(f, range(3))(*point[:3]) for x in row]
assert gradcheck(f, point[:2])
print(*(x.hex() for x in numbers))
"""


def bits(number):
    environment = os.environ | {"PYTHONHASHSEED": str(number)}
    noise = str(random.Random(number).randrange(10_000))
    command = [sys.executable, "-c", PROGRAM, noise]
    return subprocess.run(command, capture_output=True, check=True, env=environment).stdout


def test_twenty_processes_give_the_same_bits():
    with ThreadPoolExecutor(2) as pool:
        results = set(pool.map(bits, range(20)))
    assert len(results) == 1
    assert len(results.pop().split()) == 21
