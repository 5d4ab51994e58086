"""How `fit` takes a step: through the graph of a batch, or by compiled code on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose, isfinite, isnan
from typing import Any

import engine
from engine import Value
from engine.modes import collector_paused
from nn import losses
from nn.data import Loss, Samples
from nn.extras import import_extra
from nn.losses import as_list
from nn.module import Module
from nn.optim import Optimizer
from nn.watch import Watch

SAMPLES = 4  # that compiled code is checked on


class EagerStep:
    """Builds the graph of every batch: whatever Python can express."""

    def __init__(
        self,
        model: Module,
        loss: Loss,
        samples: Samples,
        optimizer: Optimizer,
        watch: Watch | None = None,
        how: str = "eager",
    ) -> None:
        self.model = model
        self.loss = loss
        self.samples = samples
        self.optimizer = optimizer
        self.watch = watch
        self.how = how

    def take(self, batch: Sequence[int]) -> float:
        """Forward, backward, update. Returns the mean loss of the samples of these numbers, before the
        update. Raises NotFinite if somebody watches."""
        mean = self.gradient(batch)
        if self.watch is not None:
            self.watch.gradient(mean, [self.samples[i] for i in batch])
        self.optimizer.step()
        if self.watch is not None:
            self.watch.weights()
        return mean

    def gradient(self, batch: Sequence[int]) -> float:
        """The mean loss; its gradient is left in the grads of the parameters."""
        self.model.zero_grad()
        with collector_paused():
            mean = engine.mean([self.loss(self.model(x), t) for x, t in (self.samples[i] for i in batch)])
            if isinstance(mean, Value):  # else every loss of the batch is a plain number
                mean.backward()
            value = number(mean)
            del mean  # the graph goes while the collector looks away
        return value

    def value(self, samples: Samples) -> float:
        """The mean loss, without recording."""
        with engine.no_grad():
            return number(engine.mean([self.loss(self.model(x), t) for x, t in samples]))

    def begin(self) -> None:
        """Before the steps of an epoch."""

    def finish(self) -> None:
        """Model and optimizer get what the steps have made."""


class CompiledStep:
    """Runs compiled code: one sample is traced, the compiler makes a loop over batches of it; one parameter
    is traced through the optimizer, and becomes a loop over all. Between `begin` and `finish` the numbers
    are in arrays alone."""

    how = "compiled"

    def __init__(self, eager: EagerStep) -> None:
        self.numpy = import_extra("numpy", "a compiled training step", extra="jit")
        self.eager = eager
        self.parameters, rebuild = eager.model.tree_parts()
        model, loss = eager.model, eager.loss
        sample = eager.samples[0][0]
        self.classes = len(as_list(model(sample))) if loss is losses.cross_entropy else 0
        self.data = self.arrays(eager.samples)
        self.held_out: tuple[Samples, Any] = ([], None)

        def of_sample(weights: Sequence[Any], x: Any, target: Any) -> Any:
            return loss(rebuild(list(weights))(x), target)

        axes = (None, 0, 0)
        both = engine.value_and_grad(of_sample)
        self.value_and_gradient = engine.jit(engine.vmap(both, in_axes=axes, reduce="mean"))
        self.mean = engine.jit(engine.vmap(of_sample, in_axes=axes, reduce="mean"))
        self.update = Update(eager.optimizer, self.parameters, self.numpy)

    def arrays(self, samples: Samples) -> tuple[Any, Any]:
        """Samples and targets. An index of a class becomes a weight for every class: it is no number that
        could be traced."""
        X, targets = zip(*samples, strict=True)
        y = self.numpy.array(targets, dtype=float)
        if self.classes and y.ndim == 1:
            y = self.numpy.eye(self.classes)[y.astype(int)]
        return self.numpy.array(X, dtype=float), y

    def begin(self) -> None:
        self.weights = self.numpy.array([p.data for p in self.parameters])
        self.gradients = self.numpy.zeros_like(self.weights)
        self.update.begin()

    def take(self, batch: Sequence[int]) -> float:
        X, y = self.data
        value, self.gradients = self.value_and_gradient(self.weights, X[batch], y[batch])
        mean, watch = float(value), self.eager.watch
        if watch is not None and not (isfinite(mean) and self.numpy.isfinite(self.gradients).all()):
            self.finish()
            watch.gradient(mean, [self.eager.samples[i] for i in batch])
        self.update.take(self.weights, self.gradients)
        if watch is not None and not self.numpy.isfinite(self.weights).all():
            self.finish()
            watch.weights()
        return mean

    def finish(self) -> None:
        self.update.finish()
        numbers = zip(self.parameters, self.weights.tolist(), self.gradients.tolist(), strict=True)
        for p, weight, slope in numbers:
            p.data, p.grad = weight, slope

    def value(self, samples: Samples) -> float:
        if self.held_out[0] is not samples:
            self.held_out = samples, self.arrays(samples)
        weights = self.numpy.array([p.data for p in self.parameters])
        return float(self.mean(weights, *self.held_out[1]))


class Update:
    """The step of an optimizer on arrays, by its rule."""

    def __init__(self, optimizer: Optimizer, parameters: Sequence[Value], numpy: Any) -> None:
        place = {id(p): i for i, p in enumerate(parameters)}
        self.optimizer = optimizer
        self.numpy = numpy
        self.places = numpy.array([place[id(p)] for p in optimizer.parameters])
        self.settings: dict[str, Any] = {}

    def begin(self) -> None:
        """Traces the rule anew if somebody has changed a setting, such as the momentum."""
        names = {"steps", "parameters", "lr", *self.optimizer.memories}
        settings = {name: x for name, x in vars(self.optimizer).items() if name not in names}
        if settings != self.settings:
            self.settings = settings
            self.rule = engine.jit(engine.vmap(self.optimizer.moved, in_axes=(0, 0, None, 0)))
        self.memory = tuple(map(self.numpy.array, self.optimizer.memory()))

    def take(self, weights: Any, gradients: Any) -> None:
        shared = self.optimizer.begin()
        moved, *memory = self.rule(weights[self.places], gradients[self.places], shared, self.memory)
        weights[self.places], self.memory = moved, tuple(memory)

    def finish(self) -> None:
        for name, numbers in zip(self.optimizer.memories, self.memory, strict=True):
            setattr(self.optimizer, name, numbers.tolist())


def stepper(eager: EagerStep) -> EagerStep | CompiledStep:
    """Compiled code where it can be had and agrees with the graph, the graph elsewhere."""
    model, optimizer = eager.model, eager.optimizer
    if not {id(p) for p in optimizer.parameters} <= {id(p) for p in model.parameters()}:
        eager.how = "eager: the optimizer holds parameters that are not the model's"
    elif type(optimizer).step is not Optimizer.step:
        eager.how = f"eager: {type(optimizer).__name__} has a step of its own"
    else:
        try:
            fast = CompiledStep(eager)
            if agreement(fast, eager):
                return fast
            eager.how = "eager: compiled, it gave other numbers: no pure function"
        except Exception as error:  # whatever is wrong with the user's code itself, the graph will say
            eager.how = f"eager: {type(error).__name__}: {error}"
    return eager


def agreement(fast: CompiledStep, eager: EagerStep) -> bool:
    """Whether both ways give the same loss, gradient and weights after a step, to 9 digits."""
    few = range(min(SAMPLES, len(eager.samples)))
    numbers = [outcome(step, eager, few) for step in (fast, eager)]
    return all(same(a, b, 1e-12 * max(map(abs, numbers[1]))) for a, b in zip(*numbers, strict=True))


def same(a: float, b: float, rounding: float) -> bool:
    return isclose(a, b, rel_tol=1e-9, abs_tol=rounding) or (isnan(a) and isnan(b))


def outcome(step: EagerStep | CompiledStep, eager: EagerStep, batch: Sequence[int]) -> list[float]:
    """The loss, its gradient, and the weights after a step, which is taken back."""
    model, optimizer = eager.model, eager.optimizer
    before = model.state_dict(), optimizer.state_dict()
    try:
        step.begin()
        mean = step.take(batch)
        step.finish()
        return [mean, *(x for p in model.parameters() for x in (p.grad, p.data))]
    finally:
        model.load_state_dict(before[0])
        optimizer.load_state_dict(before[1])


def number(x: Value | float) -> float:
    return x.data if isinstance(x, Value) else float(x)
