"""A program as a user writes it, with types: every checker finds it clean. What is asserted runs, too."""

from fractions import Fraction
from typing import assert_type

import numpy as np
import numpy.typing as npt
from hypothesis.strategies import SearchStrategy

import engine
import nn
from engine import Value, custom, grad, hvp, jit, jvp, no_grad, value_and_grad, vjp, vmap
from engine.testing import check_gradients, expressions, gradcheck, numerical_gradient, values

Array = npt.NDArray[np.float64]


def area(width: Value, height: Value) -> Value:
    return width * height


def wave(x: float, rate: float = 2.0) -> float:
    return engine.exp(-x) * engine.sin(rate * x) + x**2


def length(x: Value, y: Value | float) -> Value:
    return engine.hypot(x, y).sqrt() / (1 + abs(x)) - 2.0


@jit
def loss(w: Array, x: Array, y: float) -> float:
    return engine.softplus(-y * engine.dot(w, x))


@no_grad()
def count(words: list[str]) -> int:
    return len(words)


@check_gradients(order=2)
def check_wave(x: float) -> float:
    return wave(x)


x, y = Value(2.0, label="x"), Value(Fraction(1, 3))
z = area(x, y) + np.float64(0.5) * x - 1 + 3**y
z.label = "z"
z.backward()
x.data -= 0.1 * x.grad
z.forward()

assert_type(z.parents[0].data, float)
assert_type(engine.maximum(x, 0.0), Value)
assert_type(engine.log(3.0, 2), float)
assert_type(engine.sum([x, y, 1.0]), Value)
assert_type(engine.softmax([1.0, 2.0]), list[float])
assert_type(engine.clamp(x, 0, 1) > 0.5, bool)
assert_type(divmod(x, 2), tuple[Value, Value])
assert_type(grad(wave)(1.0, 3.0), float)
assert_type(grad(grad(wave))(1.0), float)
assert_type(value_and_grad(wave)(0.5), tuple[float, float])
assert_type(jit(grad(wave))(1.0, rate=2.0), float)
assert_type(jvp(wave, 1.0, 1.0), tuple[float, float])
assert_type(vjp(wave, 1.0)[0], float)
assert_type(hvp(wave, 1.0, 1.0), float)
assert_type(count(["a"]), int)
assert_type(values(), SearchStrategy[Value])
assert_type(gradcheck(wave, [0.5]), bool)

ratio: float = grad(wave, argnums=1)(1.0, 2.0)
cube = custom(lambda x: x**3, lambda x: 3 * x**2, name="cube")
model = nn.MLP(2, [4, 1], rng=0)
batch = vmap(wave)(np.linspace(0.0, 1.0, 5))
out = loss(np.ones(2), np.ones(2), 1.0)
picture: str = engine.draw(z).source
words: str = str(engine.explain(z))
parsed = engine.parse("x**2 + 1", x=2)
assert_type(length(x, 2), Value)
assert_type(engine.exp(parsed), Value)
print(expressions(ops=[engine.sin, engine.mul, cube]), check_wave(0.5))
print(ratio, cube(2.0), model([0.5, 1.0]), batch, out, picture, words, numerical_gradient(wave, [0.5]))
