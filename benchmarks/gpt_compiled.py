"""The language model of gpt.py, compiled by `jit` from the source that runs eagerly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gpt
import numpy as np

import engine
from engine import jit, value_and_grad, vmap

EMBEDDED = gpt.VOCABULARY * gpt.WIDTH  # weights that come first: the rows of the letters
RATE, BETA1, BETA2 = 0.01, 0.85, 0.99


class Model:
    """The model for words of fewer than `length` letters, on one flat vector of weights.

    Its loss takes the rows of the letters as arguments: one compiled function serves every word. Adam is
    that of gpt.py, compiled for all weights at once.
    """

    def __init__(self, length: int, seed: int = 0) -> None:
        w = gpt.weights(float, seed)
        self.length = length
        self.weights = np.array([x for matrix in w.values() for row in matrix for x in row])
        self.gradient = np.zeros_like(self.weights)
        self.mean, self.square = np.zeros((2, len(self.weights)))
        self.steps = 0
        self.examples: dict[str, Any] = {}
        self.loss = jit(value_and_grad(surprise, argnums=(0, 1)))
        self.predict = jit(predictions)
        self.adam = jit(vmap(adam, in_axes=(0, 0, 0, 0, None, None)))

    def example(self, word: str) -> Any:
        """The tokens that are read, targets and shares, made once."""
        if word not in self.examples:
            read, targets, shares = gpt.example(word, self.length)
            self.examples[word] = np.array(read), np.array(targets), np.array(shares)
        return self.examples[word]

    def backward(self, word: str) -> float:
        """The loss on a word; its gradient to all weights is in `gradient`."""
        read, targets, shares = self.example(word)
        value, (rest, letters) = self.loss(self.weights[EMBEDDED:], rows(self.weights)[read], targets, shares)
        self.gradient[:EMBEDDED] = 0.0
        np.add.at(rows(self.gradient), read, letters)
        self.gradient[EMBEDDED:] = rest
        return value

    def step(self, word: str) -> float:
        """One step of training on one word; returns the loss before it."""
        value = self.backward(word)
        self.steps += 1
        grown = 1.0 - BETA1**self.steps, 1.0 - BETA2**self.steps
        state = self.weights, self.mean, self.square, self.gradient
        self.weights, self.mean, self.square = self.adam(*state, *grown)
        return value

    def chances(self, read: list[int]) -> Sequence[float]:
        """The probability of each token after those read: what `gpt.spelled` asks for."""
        filled = (read + [gpt.BOUNDARY] * self.length)[: self.length]
        return self.predict(self.weights[EMBEDDED:], rows(self.weights)[filled])[len(read) - 1].tolist()


def rows(vector: Any) -> Any:
    """The part of a vector that belongs to the letters, a row for each: a view."""
    return vector[:EMBEDDED].reshape(gpt.VOCABULARY, gpt.WIDTH)


def adam(p: Any, mean: Any, square: Any, slope: Any, grow1: Any, grow2: Any) -> Any:
    """The step of `gpt.Adam` for one parameter."""
    mean = mean + (1.0 - BETA1) * (slope - mean)
    square = square + (1.0 - BETA2) * (slope * slope - square)
    return p - RATE * (mean / grow1) / (engine.sqrt(square / grow2) + 1e-8), mean, square


def shaped(rest: Any) -> gpt.Weights:
    """A flat vector of all weights but the rows of the letters, as gpt.py names them."""
    numbers = iter(rest)
    shapes = {name: shape for name, shape in gpt.SHAPES.items() if name != "token"}
    return {name: [[next(numbers) for _ in range(n)] for _ in range(m)] for name, (m, n) in shapes.items()}


def surprise(rest: Any, letters: Any, targets: Any, shares: Any) -> Any:
    return gpt.loss(shaped(rest), letters, targets, shares)


def predictions(rest: Any, letters: Any) -> Any:
    return np.array(gpt.predictions(shaped(rest), letters))
