"""Losses over many examples have the bits that they have always had, however their loops are computed.

Only what every machine rounds alike is in them: sums, products, quotients, square roots.
"""

import hashlib
import importlib.util
import json
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine import dot, relu, sqrt, square, value_and_grad, vmap
from engine import sum as total
from engine.compiler import jit

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llvmlite") is None, reason="llvmlite is not installed"
)
DIGESTS = json.loads((Path(__file__).parent / "data" / "mapped_digests.json").read_text(encoding="utf-8"))


def soft(x):
    return x / (1.0 + abs(x))


def affine(w, b, x):
    return [dot(row, x) + c for row, c in zip(w, b, strict=True)]


def network(activation):
    def loss(p, x, y):
        *layers, last = zip(p[::2], p[1::2], strict=True)
        for w, b in layers:
            x = [activation(z) for z in affine(w, b, x)]
        return total([square(a - b) for a, b in zip(affine(*last, x), y, strict=True)])

    return loss


def layers(*sizes):
    return [shape for a, b in pairwise(sizes) for shape in ((b, a), (b,))]


def hinge(p, x, y):
    w1, b1, w2, b2 = p
    score = dot(w2, [relu(z) for z in affine(w1, b1, x)]) + b2
    return relu(1.0 - y[0] * score) + 0.01 * total([w * w for row in w1 for w in row])


def recurrent(p, x, y):
    u, v, b = p
    h = [0.0 * c for c in b]
    for a in x:
        h = [soft(dot(row, h) + a * c + d) for row, c, d in zip(u, v, b, strict=True)]
    return square(total(h) - y[0])


def convolution(p, x, y):
    kernels, w = p
    maps = [[relu(dot(k, x[i : i + len(k)])) for i in range(len(x) - len(k) + 1)] for k in kernels]
    return square(dot(w, [total(m) / len(m) for m in maps]) - y[0])


def attention(p, x, y):
    q, k, v = p
    tokens = [x[i : i + 3] for i in range(0, len(x), 3)]
    queries, keys, values = ([[dot(row, t) for row in w] for t in tokens] for w in (q, k, v))
    result = 0.0
    for query in queries:
        weights = [square(dot(query, key)) + 0.5 for key in keys]
        shares = [weight / total(weights) for weight in weights]
        result = result + square(dot(shares, [total(value) for value in values]) - y[0])
    return result


def distances(p, x, y):
    (centres,) = p
    gaps = [sqrt(total([square(a - b) for a, b in zip(c, x, strict=True)]) + 1.0) for c in centres]
    return 1.0 / total([1.0 / g for g in gaps]) - y[0]


def valley(p, x, y):
    (w,) = p
    z = [a * b for a, b in zip(w, x, strict=True)]
    return total([100.0 * square(b - square(a)) + square(y[0] - a) for a, b in pairwise(z)])


def irregular(p, x, y):
    (w,) = p
    rng, slots = random.Random(3), [*w, *x, *y]
    for _ in range(150):
        a, b = rng.choice(slots), rng.choice(slots)
        slots.append(
            rng.choice((lambda a, b: a * b, lambda a, b: soft(a - b), lambda a, b: relu(a) + b))(a, b)
        )
    return total(slots[-9:])


# A loss, the shapes of its parameters, the numbers of an example, of a target
LOSSES = {
    "network": (network(relu), layers(5, 17, 9, 3), 5, 3),
    "wide network": (network(relu), layers(8, 40, 33, 4), 8, 4),
    "smooth network": (network(soft), layers(3, 16, 16, 2), 3, 2),
    "hinge": (hinge, [(16, 2), (16,), (16,), ()], 2, 1),
    "recurrent": (recurrent, [(8, 8), (8,), (8,)], 6, 1),
    "convolution": (convolution, [(4, 5), (4,)], 20, 1),
    "attention": (attention, [(3, 3), (3, 3), (3, 3)], 12, 1),
    "distances": (distances, [(12, 7)], 7, 1),
    "valley": (valley, [(30,)], 30, 1),
    "irregular": (irregular, [(6,)], 4, 2),
}
WAYS = {
    "mean of 100": ("mean", "float64", 100),
    "sum of 4,200": ("sum", "float64", 4200),
    "each of 19": (None, "float64", 19),
    "mean of 269, single precision": ("mean", "float32", 269),
}


def digest(loss, way):
    f, shapes, width, height = LOSSES[loss]
    reduce, dtype, count = WAYS[way]
    rng = random.Random(f"{loss}, {way}")

    def drawn(*shape):
        numbers = [rng.uniform(-1.0, 1.0) for _ in range(int(np.prod(shape, dtype=int)))]
        return np.array(numbers).reshape(shape).astype(dtype)

    step = jit(vmap(value_and_grad(f), in_axes=(None, 0, 0), reduce=reduce), dtype=dtype)
    value, slopes = step([drawn(*shape) for shape in shapes], drawn(count, width), drawn(count, height))
    return hashlib.sha256(b"".join(np.asarray(x).tobytes() for x in (value, *slopes))).hexdigest()[:16]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_over_examples_has_the_bits_that_it_had(loss, way):
    assert digest(loss, way) == DIGESTS[f"{loss}, {way}"]
