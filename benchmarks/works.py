"""The work that engines are compared on; each function returns a step to be timed."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from nn import MLP

Step = Callable[[], Any]


def samples() -> list[tuple[list[float], int]]:
    rng = random.Random(1)
    return [([rng.uniform(-1, 1), rng.uniform(-1, 1)], rng.choice([-1, 1])) for _ in range(100)]


def training(Value: Callable[[float], Any]) -> Step:
    """Hinge loss of a 2-16-16-1 network with relu, and its gradient; neurons written out, as in micrograd."""
    rng, data = random.Random(2), samples()

    def neuron(inputs: int) -> tuple[list[Any], Any]:
        return [Value(rng.uniform(-1, 1)) for _ in range(inputs)], Value(0.0)

    layers = [[neuron(inputs) for _ in range(outputs)] for inputs, outputs in ((2, 16), (16, 16), (16, 1))]
    parameters = [p for layer in layers for w, b in layer for p in (*w, b)]

    def score(x: list[float]) -> Any:
        h: list[Any] = [Value(xi) for xi in x]
        for layer in layers:
            sums = [sum((wi * hi for wi, hi in zip(w, h, strict=True)), b) for w, b in layer]
            h = sums if layer is layers[-1] else [s.relu() for s in sums]
        return h[0]

    return lambda: hinge(data, score, parameters, Value(0.0))


def network() -> Step:
    """The same with `nn.MLP`, whose neurons are single nodes."""
    model, data = MLP(2, [16, 16, 1], rng=0), samples()
    parameters = model.parameters()
    return lambda: hinge(data, model, parameters, 0.0)


def hinge(data: Any, score: Callable[[Any], Any], parameters: list[Any], total: Any) -> Any:
    for x, y in data:
        total = total + (1 + -score(x) * y).relu()
    loss = total * (1.0 / len(data))
    for p in parameters:
        p.grad = 0.0
    loss.backward()
    return loss


def readme(a: Any, b: Any, relu: Callable[[Any], Any]) -> Any:
    """The 22 operations of micrograd's README."""
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + relu(b + a)
    d = d + 3 * d + relu(b - a)
    e = c - d
    f = e**2
    g = f / 2.0
    return g + 10.0 / f


def expression(Value: Callable[[float], Any]) -> Step:
    def step() -> tuple[float, float, float]:
        a, b = Value(-4.0), Value(2.0)
        g = readme(a, b, lambda x: x.relu())
        g.backward()
        return g.data, a.grad, b.grad

    return step


def expression_autograd(autograd: Any) -> Step:
    numpy = autograd.numpy
    differentiated = autograd.value_and_grad(lambda x: readme(x[0], x[1], lambda z: numpy.maximum(z, 0.0)))
    return lambda: differentiated((-4.0, 2.0))


def expression_torch(torch: Any) -> Step:
    torch.set_num_threads(1)

    def step() -> Any:
        a = torch.tensor(-4.0, dtype=torch.float64, requires_grad=True)
        b = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
        g = readme(a, b, torch.relu)
        g.backward()
        return g.item(), a.grad.item(), b.grad.item()

    return step


ARRAYS = {"autograd": ("autograd", expression_autograd), "PyTorch": ("torch", expression_torch)}
