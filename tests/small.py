"""A loss of one example on scalars, data that is small enough to follow, and threads that share."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from engine import dot, exp, relu

W = np.array([0.5, -1.25])
X = np.array([[1.0, 2.0], [-0.5, 0.25], [3.0, -1.0]])
Y = np.array([1.0, -1.0, 1.0])


def loss(w: Any, x: Any, y: Any) -> Any:
    return relu(1.0 - y * dot(list(w), list(x))) + exp(-w[0] * w[0])


def product(w: Any, xy: Any) -> Any:
    x, y = xy
    return dot(list(w), list(x[0])) * y[0] + dot(list(w), list(x[1])) * y[2]


def in_threads(work: Callable[[int], object], count: int = 4) -> None:
    threads = [threading.Thread(target=work, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
