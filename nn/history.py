"""What a training run recorded, and how it draws itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from math import inf, isnan
from pathlib import Path
from typing import Any, Final, NamedTuple

from engine.files import AnyPath, write_file
from nn.data import Loss, Samples
from nn.extras import import_extra
from nn.module import Module
from nn.optim import Optimizer

FRAMES: Final = 120  # epochs whose weights are kept, at most
NUMBERS: Final = 2_000_000  # of all those weights


class Run(NamedTuple):
    """What `fit` was given."""

    model: Module
    samples: Samples
    loss: Loss
    optimizer: Optimizer | None


@dataclass
class History:
    """The mean loss of every epoch, over the training samples and over the validation samples.

    `weights` are those after some epochs, 0 for the first, denser early: what `nn.explore` plays.
    `optimizer`, its first `rate` (None of a schedule of your own), `batch_size` and `seed` (None for a
    generator) say how it was trained.

    `how` is "compiled" or "eager", with the reason if compiled steps were asked for; `stopped` says
    why training ended before its last epoch: "callback", "interrupted", "not finite" with what was found, or
    "" if it did not.
    """

    loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    how: str = "eager"
    stopped: str = ""
    weights: dict[int, list[float]] = field(default_factory=dict)
    optimizer: str = ""
    rate: float | None = None
    batch_size: int = 0
    seed: int | None = None
    run: Run | None = field(default=None, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        """All numbers: a model, or a loss that is a lambda, does not go into a pickle."""
        return vars(self) | {"run": None}

    @property
    def by_label(self) -> list[dict[str, float]]:
        """The kept weights by the labels of the parameters: what `engine.explore` scrubs through."""
        names = [p.label for p in self.run.model.parameters()] if self.run else []
        return [dict(zip(names, weights, strict=True)) for weights in self.weights.values()] if names else []

    @property
    def monitored(self) -> list[float]:
        """What tells good weights from bad ones: the validation loss, if there is one."""
        return self.validation or self.loss

    @property
    def best(self) -> float:
        """The lowest monitored loss, inf before the first epoch."""
        return min((loss for loss in self.monitored if not isnan(loss)), default=inf)

    def __repr__(self) -> str:
        parts = [f"{len(self.loss)} epochs", f"{self.steps:,} {self.how.split(':')[0]} steps"]
        parts += [f"loss {self.loss[-1]:.4g}"] if self.loss else []
        parts += [f"validation {self.validation[-1]:.4g}"] if self.validation else []
        parts += [self.stopped.split(":")[0]] if self.stopped else []
        return f"History({', '.join(parts)})"

    def plot(self, path: AnyPath | None = None) -> Any:
        """The loss curves as a matplotlib figure, also written to `path` if there is one."""
        figure = import_extra("matplotlib.figure", "History.plot").Figure(
            figsize=(6.0, 3.6), layout="constrained"
        )
        axes = figure.add_subplot(xlabel="epoch", ylabel="loss", yscale="log")
        epochs = range(1, len(self.loss) + 1)
        axes.plot(epochs, self.loss, color="#0072b2", label="training")
        if self.validation:
            axes.plot(epochs, self.validation, color="#d55e00", label="validation")
            axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        if path is not None:
            form = Path(os.fsdecode(path)).suffix[1:].lower() or "png"
            write_file(path, painted(figure, 150, form))
        return figure

    def _repr_png_(self) -> bytes | None:
        if not self.loss:
            return None
        return painted(self.plot(), 100, "png")


def first_rate(optimizer: Optimizer) -> float | None:
    """None of a schedule that is not ours: it may count its calls."""
    return optimizer.lr(0) if isinstance(optimizer.lr, partial) else None


def kept_epochs(epochs: int, parameters: int) -> set[int]:
    """The epochs whose weights are kept, with 0 and the last: all, or so many as may be, denser early."""
    count = max(2, min(FRAMES, NUMBERS // parameters))
    if epochs < count:
        return set(range(epochs + 1))
    return {round(epochs * (k / (count - 1)) ** 2) for k in range(count)}


def painted(figure: Any, dpi: int, form: str) -> bytes:
    """A figure in a format that matplotlib knows. Raises ValueError for another one."""
    picture = BytesIO()
    figure.savefig(picture, format=form, dpi=dpi)
    return picture.getvalue()
