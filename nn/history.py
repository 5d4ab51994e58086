"""What a training run recorded, and how it draws itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from io import BytesIO
from math import inf, isnan
from pathlib import Path
from typing import Any

from engine.files import AnyPath, write_file
from nn.extras import import_extra


@dataclass
class History:
    """The mean loss of every epoch, over the training samples and over the validation samples.

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


def painted(figure: Any, dpi: int, form: str) -> bytes:
    """A figure in a format that matplotlib knows. Raises ValueError for another one."""
    picture = BytesIO()
    figure.savefig(picture, format=form, dpi=dpi)
    return picture.getvalue()
