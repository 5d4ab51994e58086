"""How much memory grows over many graphs, compiled functions and trainings: python tests/growth.py.

Prints megabytes of resident memory after each tenth; fails if the last nine tenths grow by more than 8 MB.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from soak import resident

import nn
from engine import Value, jit, sin, value_and_grad

MOST = 8.0


def graph(i: int) -> None:
    x = Value(0.001 * i)
    y = x
    for _ in range(20):
        y = sin(y * x) + y
    y.backward()


def compiled(i: int) -> None:
    scale = 1.0 + i
    jit(value_and_grad(lambda x: sin(x * scale) * x))(0.5)


MODEL = nn.MLP(2, [4, 1], rng=0)


def training(i: int) -> None:
    optimizer = nn.optim.Adam(MODEL.parameters())
    options = {"optimizer": optimizer, "epochs": 1, "progress": False, "compiled": False}
    nn.fit(MODEL, [[0.0, 1.0]], [1.0], loss=nn.losses.squared_error, **options)


def growth(action: Callable[[int], None], count: int) -> float:
    """Of the last nine tenths."""
    sizes = []
    for i in range(count):
        action(i)
        if (i + 1) % (count // 10) == 0:
            sizes.append(resident())
    print(f"{count:7,} x {action.__name__}: " + " ".join(f"{size:.1f}" for size in sizes) + " MB", flush=True)
    return sizes[-1] - sizes[0]


if __name__ == "__main__":
    counts = ((graph, 100_000), (compiled, 2_000), (training, 10_000))
    sys.exit(max(growth(action, count) for action, count in counts) > MOST)
