"""Every line that ends in "wrong" is: type checkers have to say so, and of no other line."""

from typing import Any

import engine
from engine import Value, grad, jit, no_grad, value_and_grad
from engine.testing import check_gradients, gradcheck

x = Value(2.0)


def wave(x: float, rate: float = 2.0) -> float:
    return engine.sin(rate * x)


@no_grad()
def count(words: list[str]) -> int:
    return len(words)


@check_gradients
def check_wave(x: float) -> float:
    return wave(x)


Value("2.0")  # wrong
Value(2.0, label=5)  # wrong
Value(None)  # wrong
x + "1"  # wrong
x * None  # wrong
[1.0] - x  # wrong
x < "2"  # wrong
x.data = "3"  # wrong
x.grad = None  # wrong
x.gradient()  # wrong
x.label = 1  # wrong
engine.sin()  # wrong
engine.sin(1.0, 2.0)  # wrong
engine.exp("1")  # wrong
engine.atan2(x)  # wrong
engine.sum(1.0, 2.0, 3.0)  # wrong
engine.clamp(x, 0.0)  # wrong
engine.logsumexp(["1"])  # wrong
engine.sinn(x)  # wrong
number: float = engine.exp(x)  # wrong
node: Value = engine.exp(1.0)  # wrong
text: str = x * 2  # wrong
grad(wave)("1")  # wrong
grad(wave)(1.0, 2.0, 3.0)  # wrong
slope: Value = grad(wave)(1.0)  # wrong
both: float = value_and_grad(wave)(1.0)  # wrong
jit(wave)(1.0, "2")  # wrong
jit(wave, thread=2)  # wrong
count(3)  # wrong
check_wave("0.5")  # wrong
gradcheck(wave, [1.0], order="2")  # wrong
engine.draw("x")  # wrong
fine: Any = x
