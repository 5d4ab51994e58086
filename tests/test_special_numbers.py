"""Random programs on special numbers: every transform says of every derivative that it is the same kind of
number, and jit does wherever all that the program computes is finite.

    python tests/test_special_numbers.py 20000
"""

import math
import random
import sys

import pytest

import engine
from engine import Value, grad, jacfwd, jacobian, jit, jvp, vjp

NUMBERS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    -2.5,
    0.5,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    -1e-310,
    1e308,
    -1e308,
]
UNARY = "relu sqrt log exp tanh abs square neg sigmoid sin relu6 hardtanh cbrt reciprocal softplus".split()
BINARY = "add sub mul div maximum minimum pow hypot xlogy".split()
FORWARD = ("jacfwd", "jacfwd on nodes", "jvp", "jit forward")


class Program:
    """A few operations on two numbers, as data."""

    def __init__(self, source):
        self.steps = []
        for count in range(2, 2 + source.randint(1, 7)):
            name = source.choice(UNARY + 2 * BINARY + ["where", "clamp", "max", "leaky_relu"])
            self.steps.append((name, [source.randrange(count) for _ in range(3)]))

    def __call__(self, x, y):
        return self.all(x, y)[-1]

    def all(self, x, y):
        known = [x, y]
        for name, places in self.steps:
            a, b, c = (known[i] for i in places)
            known.append(self.step(name, a, b, c))
        return known

    def step(self, name, a, b, c):
        if name == "where":
            return engine.where(a > 0.0, b, c)
        if name == "clamp":
            return engine.clamp(a, -1.0, 1.0)
        if name == "max":
            return engine.max([a, b, c])
        if name == "leaky_relu":
            return engine.leaky_relu(a)
        row = engine.primitive.TABLE[name]
        return row(a) if name in UNARY else row(a, b)


def kind(x):
    return "nan" if x != x else x if abs(x) == math.inf else "finite"


def backward(f, x, y):
    leaves = [Value(x), Value(y)]
    result = f(*leaves)
    if isinstance(result, Value):
        result.backward()
    return [leaf.grad for leaf in leaves]


def first_order(f, x, y):
    """d/dx and d/dy, in every way there is."""
    both = (0, 1)
    yield "grad", grad(f, both)(x, y)
    yield "backward", backward(f, x, y)
    yield "on nodes", [v.data for v in grad(f, both)(Value(x), Value(y))]
    yield "jacobian", jacobian(f, both)(x, y)
    yield "vjp", vjp(f, x, y)[1](1.0)
    yield "jacfwd", jacfwd(f, both)(x, y)
    yield "jacfwd on nodes", [v.data for v in jacfwd(f, both)(Value(x), Value(y))]
    yield "jvp", [jvp(f, (x, y), v)[1] for v in ((1.0, 0.0), (0.0, 1.0))]


def disagreement(program, x, y, compiled):
    """What two ways say of the derivatives, if it is not the same; None if it is."""
    ways = list(first_order(program, x, y))
    if compiled and all(map(math.isfinite, program.all(x, y))):
        both = (0, 1)
        ways.append(("jit", jit(grad(program, both))(x, y)))
        ways.append(("jit forward", jit(jacfwd(program, both))(x, y)))
        ways.append(("numpy", jit(grad(program, both), backend="numpy")(x, y)))
    reverse = ways[0][1]
    for name, found in ways:
        for d, expected in zip(found, reverse, strict=True):
            # inf * (a + 0) is inf and inf * a + inf * 0 is nan: the directions may differ in that.
            alike = not math.isfinite(d) and not math.isfinite(expected) and name in FORWARD
            if kind(d) != kind(expected) and not alike:
                return f"{program.steps} at {x}, {y}: grad says {reverse}, {name} {found}"
    return None


def drawn(seed):
    source = random.Random(seed)
    return Program(source), source.choice(NUMBERS), source.choice(NUMBERS)


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_every_transform_says_the_same_kind_of_number(start):
    for seed in range(start, start + 50):
        assert disagreement(*drawn(seed), compiled=seed % 4 == 0) is None


if __name__ == "__main__":
    found = [text for seed in range(int(sys.argv[1])) if (text := disagreement(*drawn(seed), seed % 4 == 0))]
    print(*found[:20], sep="\n")
    print(len(found), "disagreements")
