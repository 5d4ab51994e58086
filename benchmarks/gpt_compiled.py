"""The language model of gpt.py, compiled by `jit` from the source that runs eagerly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import gpt
import numpy as np

import engine
from engine import grad, jit, value_and_grad, vmap

RATE, BETA1, BETA2 = 0.01, 0.85, 0.99
LENGTH = gpt.LONGEST + 1  # of the longest word, with the token before it
HEARD = np.tri(LENGTH)  # who hears whom: a position those up to it


class Model(ABC):
    """The model on one flat vector of weights. Adam is that of gpt.py, compiled for all weights at once."""

    def __init__(self, seed: int = 0) -> None:
        w = gpt.weights(float, seed)
        self.weights = np.array([x for matrix in w.values() for row in matrix for x in row])
        self.gradient = np.zeros_like(self.weights)
        self.mean, self.square = np.zeros((2, len(self.weights)))
        self.steps = 0
        self.adam = jit(vmap(adam, in_axes=(0, 0, 0, 0, None, None)))

    @abstractmethod
    def backward(self, word: str) -> float:
        """The loss on a word; its gradient to all weights is in `gradient`."""

    def step(self, word: str) -> float:
        """One step of training on one word; returns the loss before it."""
        value = self.backward(word)
        self.steps += 1
        grown = 1.0 - BETA1**self.steps, 1.0 - BETA2**self.steps
        state = self.weights, self.mean, self.square, self.gradient
        self.weights, self.mean, self.square = self.adam(*state, *grown)
        return value


class WordByWord(Model):
    """One function for words of fewer than `length` letters: the graph of a whole word, in which the compiler
    finds the loops."""

    def __init__(self, length: int, seed: int = 0) -> None:
        super().__init__(seed)
        self.length = length
        self.examples: dict[str, Any] = {}
        self.loss = jit(value_and_grad(word_loss, argnums=(0, 1)))

    def example(self, word: str) -> Any:
        """The tokens that are read, targets and shares, made once."""
        if word not in self.examples:
            read, targets, shares = gpt.example(word, self.length)
            self.examples[word] = np.array(read), np.array(targets), np.array(shares)
        return self.examples[word]

    def backward(self, word: str) -> float:
        read, targets, shares = self.example(word)
        token, rest = parts(self.weights, "token")
        to_token, to_rest = parts(self.gradient, "token")
        value, (to_rest[:], letters) = self.loss(rest, token[read], targets, shares)
        to_token[:] = 0.0
        np.add.at(to_token, read, letters)
        return value


class PlaceByPlace(Model):
    """Three functions for one position, called for each of a word: its key and value; its surprise, which
    hears all keys and values; and what reaches the weights through its own key and value."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.spoken = jit(spoken)
        self.heard = jit(value_and_grad(surprise, argnums=(0, 1, 2, 3, 4)))
        self.carried = jit(grad(carried, argnums=(0, 1, 2)))
        self.chance = jit(chance)

    def said(self, read: Sequence[int]) -> tuple[Any, Any]:
        """The keys and values of a word, filled up to the longest one."""
        token, position, rest = parts(self.weights, "token", "position")
        keys, values = np.zeros((2, LENGTH, gpt.WIDTH))
        for i, letter in enumerate(read):
            keys[i], values[i] = self.spoken(rest, token[letter], position[i])
        return keys, values

    def backward(self, word: str) -> float:
        read, *wanted = gpt.example(word)
        self.gradient[:] = 0.0
        token, position, rest = parts(self.weights, "token", "position")
        to_token, to_position, to_rest = parts(self.gradient, "token", "position")
        said = self.said(read)
        to_said = np.zeros((2, LENGTH, gpt.WIDTH))
        total = 0.0
        for i, (letter, target, share) in enumerate(zip(read, *map(np.array, wanted), strict=True)):
            value, slopes = self.heard(
                rest, token[letter], position[i], *said, HEARD[i], target, float(share)
            )
            add(slopes, to_rest, to_token[letter], to_position[i], *to_said)
            total += value
        for i, letter in enumerate(read):
            slopes = self.carried(rest, token[letter], position[i], *to_said[:, i])
            add(slopes, to_rest, to_token[letter], to_position[i])
        return total

    def chances(self, read: list[int]) -> Sequence[float]:
        """The probability of each token after those read: what `gpt.spelled` asks for."""
        token, position, rest = parts(self.weights, "token", "position")
        last = len(read) - 1
        return self.chance(rest, token[read[-1]], position[last], *self.said(read), HEARD[last]).tolist()


def parts(vector: Any, *names: str) -> list[Any]:
    """The first matrices of a flat vector, and what is left of it: views."""
    found = []
    for name in names:
        rows, columns = gpt.SHAPES[name]
        found.append(vector[: rows * columns].reshape(rows, columns))
        vector = vector[rows * columns :]
    return [*found, vector]


def add(slopes: Sequence[Any], *to: Any) -> None:
    for array, slope in zip(to, slopes, strict=True):
        array += slope


def adam(p: Any, mean: Any, square: Any, slope: Any, grow1: Any, grow2: Any) -> Any:
    """The step of `gpt.Adam` for one parameter."""
    mean = mean + (1.0 - BETA1) * (slope - mean)
    square = square + (1.0 - BETA2) * (slope * slope - square)
    return p - RATE * (mean / grow1) / (engine.sqrt(square / grow2) + 1e-8), mean, square


def shaped(rest: Any, first: str) -> gpt.Weights:
    """A flat vector of the matrices from one on, as gpt.py names them."""
    numbers, names = iter(rest), list(gpt.SHAPES)
    shapes = {name: gpt.SHAPES[name] for name in names[names.index(first) :]}
    return {name: [[next(numbers) for _ in range(n)] for _ in range(m)] for name, (m, n) in shapes.items()}


def word_loss(rest: Any, letters: Any, targets: Any, shares: Any) -> Any:
    return gpt.loss(shaped(rest, "position"), letters, targets, shares)


def spoken(rest: Any, letter: Any, place: Any) -> Any:
    """Key and value of a position."""
    w = shaped(rest, "query")
    _, normal = gpt.state(letter, place)
    return np.array(gpt.linear(w["key"], normal)), np.array(gpt.linear(w["value"], normal))


def carried(rest: Any, letter: Any, place: Any, to_key: Any, to_value: Any) -> Any:
    """What has the gradient of the loss through key and value."""
    key, value = spoken(rest, letter, place)
    return engine.dot(key, to_key) + engine.dot(value, to_value)


def chance(rest: Any, letter: Any, place: Any, keys: Any, values: Any, heard: Any) -> Any:
    """The probability of every token to be the next."""
    x, normal = gpt.state(letter, place)
    return np.array(gpt.answer(shaped(rest, "query"), x, normal, list(keys), list(values), heard))


def surprise(
    rest: Any, letter: Any, place: Any, keys: Any, values: Any, heard: Any, target: Any, share: Any
) -> Any:
    return gpt.surprise(chance(rest, letter, place, keys, values, heard), target, share)
