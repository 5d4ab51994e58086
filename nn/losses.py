"""Losses of one sample, from what the model says and what is true: one node each, where it can be.

`fit` averages them over a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import engine
from engine.primitive import Traceable, is_number
from nn.module import Module


def squared_error(prediction: Any, target: Any) -> Any:
    """(y - t)**2; of several outputs, the mean."""
    return average([engine.square(y - t) for y, t in pairs(prediction, target)])


def huber(prediction: Any, target: Any, delta: float = 1.0) -> Any:
    """Quadratic up to an error of delta, linear beyond; of several outputs, the mean.

    Huber (1964), "Robust estimation of a location parameter".
    """
    return average([engine.huber(y - t, delta) for y, t in pairs(prediction, target)])


def hinge(score: Any, target: Any) -> Any:
    """max(0, 1 - t * score) for a target of -1 or 1; the margin loss of micrograd's demo."""
    return engine.relu(1.0 - target * score)


def binary_cross_entropy(probability: Any, target: Any) -> Any:
    """-(t log p + (1 - t) log(1 - p)), p a probability, t in [0, 1]."""
    return engine.binary_cross_entropy(probability, target)


def binary_cross_entropy_with_logits(logit: Any, target: Any) -> Any:
    """The same of p = sigmoid(logit), exact for every logit."""
    return engine.binary_cross_entropy_with_logits(logit, target)


def cross_entropy(logits: Sequence[Any], target: Any) -> Any:
    """-log softmax(logits)[target], exact for all logits; target is the index of the class."""
    return engine.cross_entropy(logits, target)


def l2(parameters: Module | Iterable[Any], strength: float = 1.0) -> Any:
    """strength * the sum of all squares: a penalty on large weights."""
    ps = parameters.parameters() if isinstance(parameters, Module) else list(parameters)
    return strength * engine.dot(ps, ps)


def pairs(prediction: Any, target: Any) -> list[tuple[Any, Any]]:
    """Outputs beside their targets. Raises ValueError if their numbers differ."""
    outputs, targets = as_list(prediction), as_list(target)
    if len(outputs) != len(targets):
        raise ValueError(f"the model has {len(outputs)} outputs, the target {len(targets)} numbers")
    return list(zip(outputs, targets, strict=True))


def as_list(x: Any) -> list[Any]:
    return [x] if isinstance(x, Traceable) or is_number(x) else list(x)


def average(terms: Sequence[Any]) -> Any:
    return terms[0] if len(terms) == 1 else engine.mean(terms)
