"""Whether training still computes with numbers, and where it ceased to."""

from __future__ import annotations

from math import isfinite

import engine
from engine import Diagnosis, Value
from engine.order import nodes_in_order
from nn.data import Loss, Samples
from nn.module import Module
from nn.optim import Optimizer


class NotFinite(Exception):
    """A step met nan or inf: the message says where."""


class Watch:
    """Looks at every step of a training run. Raises NotFinite."""

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer, samples: Samples) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.samples = samples

    def gradient(self, mean: float, batch: Samples) -> None:
        """Before the update: the mean loss of a batch, and the gradients it left."""
        if not isfinite(mean):
            raise NotFinite(f"the loss is {mean}, {self.where(batch)}")
        for p in self.optimizer.parameters:
            if not isfinite(p.grad):
                raise NotFinite(
                    f"the gradient to {p.label or 'a parameter'} is {p.grad}, {self.where(batch)}"
                )

    def weights(self) -> None:
        """After the update."""
        for p in self.optimizer.parameters:
            if not isfinite(p.data):
                rate = self.optimizer.lr(self.optimizer.steps - 1)
                raise NotFinite(f"a step of lr = {rate:g} made {p.label or 'a parameter'} {p.data}")

    def where(self, batch: Samples) -> str:
        """The sample, the layer and the operation that it comes from."""
        for sample in batch:
            x, target = sample
            with engine.debug():
                y = self.loss(self.model(x), target)
            found = engine.diagnose(y if isinstance(y, Value) else Value(y))
            if found:
                index = next(i for i, other in enumerate(self.samples) if other is sample)
                return f"sample {index}{self.layer(found)}: {found}"
        return "though that of every sample by itself is finite: it comes from their sum"

    def layer(self, found: Diagnosis) -> str:
        """The part of the model that the operation comes after: what holds the last parameter below it."""
        assert found.node is not None
        below = {id(node) for node in nodes_in_order(found.node)}
        names = [name for name, p in self.model.named_parameters() if id(p) in below]
        holder = names[-1].rstrip(".0123456789").rpartition(".")[0] if names else ""
        return f", in {holder}" if holder else ""
