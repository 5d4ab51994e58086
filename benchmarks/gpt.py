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
LONGEST = 12  # letters of a word in training; the block has room for 15
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
    return sorted(name for name in names if set(name) <= set(LETTERS) and 1 < len(name) <= LONGEST)


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


def softmax(logits: Vector, open_to: Vector | None = None) -> Vector:
    """Not shifted by the largest: the logits of this model are small, and it can be traced.

    `open_to`, if given, has 1 for each that takes part and 0 for the others.
    """
    terms = [logit.exp() for logit in logits]
    if open_to is not None:
        terms = [term * is_open for term, is_open in zip(terms, open_to, strict=True)]
    total = sum(terms)
    return [term / total for term in terms]


def rmsnorm(x: Vector) -> Vector:
    scale = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def plus(x: Vector, y: Vector) -> Vector:
    return [xi + yi for xi, yi in zip(x, y, strict=True)]


def attention(query: Vector, keys: Matrix, values: Matrix, open_to: Vector | None) -> Vector:
    """What a position hears from others, head by head: the softmax of query . key, of the values."""
    heard = []
    size = WIDTH // HEADS
    for first in range(0, WIDTH, size):
        part = slice(first, first + size)
        scores = [dot / size**0.5 for dot in linear([key[part] for key in keys], query[part])]
        shares = softmax(scores, open_to)
        heard += linear([[value[i] for value in values] for i in range(first, first + size)], shares)
    return heard


def state(letter: Vector, position: Vector) -> tuple[Vector, Vector]:
    """What a position knows of its letter, and the same normalised."""
    x = rmsnorm(plus(letter, position))
    return x, rmsnorm(x)


def answer(
    w: Weights, x: Vector, normal: Vector, keys: Matrix, values: Matrix, open_to: Vector | None = None
) -> Vector:
    """The probability of every token to be the next, at a position that hears these keys and values."""
    x = plus(x, linear(w["mix"], attention(linear(w["query"], normal), keys, values, open_to)))
    hidden = [h.relu() for h in linear(w["expand"], rmsnorm(x))]
    return softmax(linear(w["answer"], plus(x, linear(w["contract"], hidden))))


def predictions(w: Weights, letters: Matrix) -> list[Vector]:
    """For each position, the probability of every token to be the next.

    `letters` are the tokens read so far, each as its row of w["token"].
    """
    keys: Matrix = []
    values: Matrix = []
    found = []
    for letter, position in zip(letters, w["position"], strict=False):
        x, normal = state(letter, position)
        keys.append(linear(w["key"], normal))
        values.append(linear(w["value"], normal))
        found.append(answer(w, x, normal, keys, values))
    return found


def surprise(chance: Vector, target: Vector, share: Any) -> Any:
    """-log(probability) of the target, a row of 1 for the token that follows and 0 for the others."""
    return -(sum(p * t for p, t in zip(chance, target, strict=True)).log() * share)


def loss(w: Weights, letters: Matrix, targets: Matrix, shares: Vector) -> Any:
    """The surprise at what follows each letter, added up in these shares.

    A share of 0 leaves a position out: attention looks back only, so that a word may be filled up to any
    length at its end.
    """
    return sum(map(surprise, predictions(w, letters), targets, shares))


def example(word: str, length: int = 0) -> tuple[list[int], list[list[float]], list[float]]:
    """The tokens that are read, what `loss` takes as targets and shares; filled up to a length."""
    read, following = tokens(word)[:-1], tokens(word)[1:]
    fill = [BOUNDARY] * (length - len(read))
    targets = [[float(token == wanted) for token in range(VOCABULARY)] for wanted in following + fill]
    return read + fill, targets, [1.0 / len(read)] * len(read) + [0.0] * len(fill)


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
    read, targets, shares = example(word)
    surprise = loss(w, [w["token"][token] for token in read], targets, shares)
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


def spelled(
    predict: Callable[[list[int]], Sequence[float]], rng: random.Random, temperature: float = 0.5
) -> str:
    """A new word of at most LONGEST letters; `predict` gives the chance of each token after those read.

    At temperature 1 letters come as the model believes; the lower, the more it keeps to what is likely.
    """
    read = [BOUNDARY]
    while len(read) <= LONGEST:
        chances = [chance ** (1.0 / temperature) for chance in predict(read)]
        token = rng.choices(range(VOCABULARY), chances)[0]
        if token == BOUNDARY:
            break
        read.append(token)
    return "".join(LETTERS[token] for token in read[1:])


def predictor(w: Weights) -> Callable[[list[int]], Sequence[float]]:
    """What `spelled` asks, from weights with data, without a graph being needed afterwards."""

    def predict(read: list[int]) -> list[float]:
        return [chance.data for chance in predictions(w, [w["token"][token] for token in read])[-1]]

    return predict
