"""How `fit` gets the gradient of a batch: through the graph, or by compiled code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose, isnan
from typing import Any

import engine
from engine import Value
from engine.modes import collector_paused
from nn import losses
from nn.data import Loss, Samples
from nn.extras import import_extra
from nn.losses import as_list
from nn.module import Module

SAMPLES = 4  # that compiled code is checked on


class EagerStep:
    """Builds the graph of every batch: whatever Python can express."""

    how = "eager"

    def __init__(self, model: Module, loss: Loss, how: str = "eager") -> None:
        self.model = model
        self.loss = loss
        self.how = how

    def gradient(self, batch: Samples) -> float:
        """The mean loss; its gradient is left in the grads of the parameters."""
        self.model.zero_grad()
        with collector_paused():
            mean = engine.mean([self.loss(self.model(x), t) for x, t in batch])
            if isinstance(mean, Value):  # else every loss of the batch is a plain number
                mean.backward()
            value = number(mean)
            del mean  # the graph goes while the collector looks away
        return value

    def value(self, samples: Samples) -> float:
        """The mean loss, without recording."""
        with engine.no_grad():
            return number(engine.mean([self.loss(self.model(x), t) for x, t in samples]))


class CompiledStep:
    """Runs compiled code: one sample is traced, the compiler makes a loop over batches of it."""

    how = "compiled"

    def __init__(self, model: Module, loss: Loss, sample: Any) -> None:
        self.parameters, rebuild = model.tree_parts()
        self.arrays = Arrays(len(as_list(model(sample))) if loss is losses.cross_entropy else 0)

        def of_sample(weights: Sequence[Any], x: Any, target: Any) -> Any:
            return loss(rebuild(list(weights))(x), target)

        axes = (None, 0, 0)
        both = engine.value_and_grad(of_sample)
        self.value_and_gradient = engine.jit(engine.vmap(both, in_axes=axes, reduce="mean"))
        self.mean = engine.jit(engine.vmap(of_sample, in_axes=axes, reduce="mean"))

    def gradient(self, batch: Samples) -> float:
        value, gradient = self.value_and_gradient(*self.arrays(self.parameters, batch))
        for p, g in zip(self.parameters, gradient.tolist(), strict=True):
            p.grad = g
        return float(value)

    def value(self, samples: Samples) -> float:
        return float(self.mean(*self.arrays(self.parameters, samples)))


class Arrays:
    """Parameters and samples as the arrays that compiled code takes.

    `classes` is not 0 where targets are indices of classes. An index cannot be traced, so each
    becomes a weight for every class.
    """

    def __init__(self, classes: int) -> None:
        self.numpy = import_extra("numpy", "a compiled training step", extra="jit")
        self.classes = classes

    def __call__(self, parameters: Sequence[Any], samples: Samples) -> tuple[Any, Any, Any]:
        array = self.numpy.array
        X, targets = zip(*samples, strict=True)
        y = array(targets, dtype=float)
        if self.classes and y.ndim == 1:
            y = self.numpy.eye(self.classes)[y.astype(int)]
        return array([p.data for p in parameters]), array(X, dtype=float), y


def stepper(
    model: Module, loss: Loss, samples: Samples, trained: Sequence[Any], compiled: bool
) -> EagerStep | CompiledStep:
    """Compiled code where it can be had and agrees with the graph, the graph elsewhere.

    `trained` are the parameters that an optimizer changes.
    """
    eager = EagerStep(model, loss)
    if not compiled:
        return eager
    if not {id(p) for p in trained} <= {id(p) for p in model.parameters()}:
        return EagerStep(model, loss, "eager: the optimizer holds parameters that are not the model's")
    few = samples[:SAMPLES]
    try:
        fast = CompiledStep(model, loss, few[0][0])
        agree = agreement(model, fast, eager, few)
    except Exception as error:  # whatever is wrong with the user's code itself, the graph will say
        return EagerStep(model, loss, f"eager: {type(error).__name__}: {error}")
    if not agree:
        return EagerStep(model, loss, "eager: compiled, it gave other numbers: no pure function")
    return fast


def agreement(model: Module, fast: CompiledStep, eager: EagerStep, samples: Samples) -> bool:
    """Whether both ways give the same loss and gradient to 9 digits."""
    numbers = [outcome(step.gradient, model, samples) for step in (fast, eager)]
    rounding = 1e-12 * max(map(abs, numbers[1]))
    return all(same(a, b, rounding) for a, b in zip(*numbers, strict=True))


def same(a: float, b: float, rounding: float) -> bool:
    return isclose(a, b, rel_tol=1e-9, abs_tol=rounding) or (isnan(a) and isnan(b))


def outcome(gradient: Callable[[Samples], float], model: Module, samples: Samples) -> list[float]:
    """The loss and its gradient, as one list."""
    return [gradient(samples), *(p.grad for p in model.parameters())]


def number(x: Value | float) -> float:
    return x.data if isinstance(x, Value) else float(x)
