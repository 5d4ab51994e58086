"""A language model on scalars: one transformer block that learns to spell, in the manner of microgpt.

Nothing but + * ** / and the methods exp, log and relu, so that it runs on any class like micrograd's
Value. Radford et al. (2019), with rmsnorm in place of layernorm, relu, and no biases.
"""

from __future__ import annotations

import keyword
import math
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

Vector = list[Any]
Matrix = list[Vector]
Weights = dict[str, Matrix]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
BOUNDARY = len(LETTERS)  # the token before and after each word
VOCABULARY, WIDTH, HEADS, BLOCK = len(LETTERS) + 1, 16, 4, 16
SHAPES = {
    "token": (VOCABULARY, WIDTH),
    "position": (BLOCK, WIDTH),
    "query": (WIDTH, WIDTH),
    "key": (WIDTH, WIDTH),
    "value": (WIDTH, WIDTH),
    "mix": (WIDTH, WIDTH),
    "expand": (4 * WIDTH, WIDTH),
    "contract": (WIDTH, 4 * WIDTH),
    "answer": (VOCABULARY, WIDTH),
}


def words() -> list[str]:
    """Words that come with Python: its keywords and the names of the modules of its library."""
    names = {*keyword.kwlist, *sys.stdlib_module_names}
    return sorted(name for name in names if set(name) <= set(LETTERS) and 1 < len(name) < BLOCK)


def tokens(word: str) -> list[int]:
    return [BOUNDARY, *(LETTERS.index(letter) for letter in word), BOUNDARY]


def weights(Value: Callable[[float], Any], seed: int = 0, scale: float = 0.08) -> Weights:
    """4,192 random parameters."""
    rng = random.Random(seed)
    return {
        name: [[Value(rng.gauss(0.0, scale)) for _ in range(columns)] for _ in range(rows)]
        for name, (rows, columns) in SHAPES.items()
    }


def linear(matrix: Matrix, x: Vector) -> Vector:
    return [sum(w * xi for w, xi in zip(row, x, strict=True)) for row in matrix]


def softmax(logits: Vector) -> Vector:
    """Not shifted by the largest: the logits of this model are small, and it can be traced."""
    terms = [logit.exp() for logit in logits]
    total = sum(terms)
    return [term / total for term in terms]


def rmsnorm(x: Vector) -> Vector:
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def plus(x: Vector, y: Vector) -> Vector:
    return [xi + yi for xi, yi in zip(x, y, strict=True)]


def attention(query: Vector, keys: Matrix, values: Matrix) -> Vector:
    """What a position hears from those up to it, head by head: the softmax of query . key, of the values."""
    heard = []
    size = WIDTH // HEADS
    for first in range(0, WIDTH, size):
        part = slice(first, first + size)
        scores = [dot / size**0.5 for dot in linear([key[part] for key in keys], query[part])]
        shares = softmax(scores)
        heard += linear([[value[i] for value in values] for i in range(first, first + size)], shares)
    return heard


def predictions(w: Weights, context: Sequence[int]) -> list[Vector]:
    """For each position, the probability of every token to be the next."""
    keys: Matrix = []
    values: Matrix = []
    found = []
    for position, token in enumerate(context):
        x = rmsnorm(plus(w["token"][token], w["position"][position]))
        normal = rmsnorm(x)
        keys.append(linear(w["key"], normal))
        values.append(linear(w["value"], normal))
        x = plus(x, linear(w["mix"], attention(linear(w["query"], normal), keys, values)))
        hidden = [h.relu() for h in linear(w["expand"], rmsnorm(x))]
        x = plus(x, linear(w["contract"], hidden))
        found.append(softmax(linear(w["answer"], x)))
    return found


def loss(w: Weights, word: Sequence[int]) -> Any:
    """The mean surprise, -log(probability), at each next letter; `word` as `tokens` gives it."""
    chances = predictions(w, word[:-1])
    surprise = [-chance[token].log() for chance, token in zip(chances, word[1:], strict=True)]
    return sum(surprise) / len(surprise)


class Adam:
    """Kingma and Ba (2015), on whatever has data and grad."""

    def __init__(self, w: Weights, lr: float = 0.01, beta1: float = 0.85, beta2: float = 0.99) -> None:
        self.parameters = [p for matrix in w.values() for row in matrix for p in row]
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.mean = [0.0] * len(self.parameters)
        self.square = [0.0] * len(self.parameters)
        self.steps = 0

    def step(self) -> None:
        """One step, and the gradients are 0.0 again."""
        self.steps += 1
        grow1, grow2 = 1.0 - self.beta1**self.steps, 1.0 - self.beta2**self.steps
        for i, p in enumerate(self.parameters):
            self.mean[i] += (1.0 - self.beta1) * (p.grad - self.mean[i])
            self.square[i] += (1.0 - self.beta2) * (p.grad * p.grad - self.square[i])
            p.data -= self.lr * (self.mean[i] / grow1) / (math.sqrt(self.square[i] / grow2) + 1e-8)
            p.grad = 0.0


def step(w: Weights, adam: Adam, word: str) -> float:
    """One step of training on one word; returns the loss before it."""
    surprise = loss(w, tokens(word))
    surprise.backward()
    adam.step()
    return float(surprise.data)


def train(Value: Callable[[float], Any], steps: int = 200, seed: int = 0) -> tuple[Weights, list[float]]:
    """The weights after `steps` words, and the loss at each."""
    w = weights(Value, seed)
    adam = Adam(w)
    rng = random.Random(seed)
    losses = [step(w, adam, rng.choice(words())) for _ in range(steps)]
    return w, losses
