"""`fit`: the training loop, from checked data to a `History`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from random import Random
from time import perf_counter
from typing import Any

import engine
from engine.text import brief
from nn.data import Loss, Samples, held_out, samples_of
from nn.extras import import_extra
from nn.history import History, Run, first_rate, kept_epochs
from nn.init import generator
from nn.losses import as_list
from nn.module import Module
from nn.optim import Optimizer
from nn.stepping import CompiledStep, EagerStep, stepper
from nn.watch import NotFinite, Watch

State = tuple[dict[str, float], dict[str, Any]]  # of the weights, of the optimiser

Callback = Callable[[History], object]


def fit(
    model: Module,
    X: Any,
    y: Any,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    validation: tuple[Any, Any] | None = None,
    compiled: bool = True,
    progress: bool = True,
    callback: Callback | None = None,
    keep_going: bool = False,
    rng: Random | int = 0,
) -> History:
    """Trains `model` on the samples X and their targets y; returns what happened.

    loss        of one sample, `loss(model(x), target)`; a step takes its mean over a batch
    batch_size  samples of a step, in an order that `rng` shuffles for every epoch; None takes all
    validation  (X, y) that the loss is also measured on, after every epoch
    compiled    a sample is traced and compiled, if it can be and gives what the graph gives: model and
                loss have to be pure functions. `History.how` says which it was
    callback    called with the History after every epoch; if it returns True, training stops
    keep_going  trains on after a step in which the loss, a gradient or a weight is nan or inf; else training
                stops there, with a RuntimeWarning that names the sample, the layer and the operation

    Stopped by the callback, by Ctrl-C or by a nan, the model keeps the best weights so far, and the
    optimizer is as it was with them. Raises ValueError or TypeError for unusable data or settings before
    the first step.
    """
    check_parts(model, loss, optimizer, callback)
    samples = samples_of(model, X, y, loss)
    watch = None if keep_going else Watch(model, loss, optimizer, samples)
    size = step_size(epochs, batch_size, len(samples))
    history = History(
        optimizer=type(optimizer).__name__,
        rate=first_rate(optimizer),
        batch_size=size,
        seed=None if isinstance(rng, Random) else rng,
        run=Run(model, samples, loss, optimizer),
    )
    run = Training(model, optimizer, held_out(model, validation, loss), history)
    run.kept = kept_epochs(epochs, len(model.parameters()))
    run.keep_weights()
    source = generator(rng)
    try:
        eager = EagerStep(model, loss, samples, optimizer, watch)
        run.use(stepper(eager) if compiled else eager)
        with bar(progress, epochs * -(-len(samples) // size), run.history.how) as advance:
            for _ in range(epochs):
                run.epoch(len(samples), size, source, advance)
                if callback is not None and callback(run.history):
                    run.stop("callback")
                    break
    except KeyboardInterrupt:
        run.stop("interrupted")
    except NotFinite as found:
        run.stop(f"not finite: {found}")
        warnings.warn(f"training stopped after {run.history.steps:,} steps: {found}", RuntimeWarning, 2)
    return run.history


class Training:
    """One training run: the model with its History and its best weights so far."""

    stepper: EagerStep | CompiledStep

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        held_out: Samples | None,
        history: History,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.held_out = held_out
        self.history = history
        self.kept: set[int] = set()
        self.best = self.state()

    def use(self, stepper: EagerStep | CompiledStep) -> None:
        self.stepper = stepper
        self.history.how = stepper.how

    def state(self) -> State:
        """Weights and optimiser as of this moment."""
        return self.model.state_dict(), self.optimizer.state_dict()

    def epoch(self, count: int, size: int, rng: Random, advance: Callable[[float], None]) -> None:
        """Every sample once, a step for each batch."""
        start = perf_counter()
        before = self.state()
        order = rng.sample(range(count), count) if size < count else list(range(count))
        total = 0.0
        self.stepper.begin()
        try:
            for batch in batches(order, size):
                mean = self.stepper.take(batch)
                self.history.steps += 1
                total += mean * len(batch)
                advance(mean)
        finally:  # a schedule or a progress bar that raises finds weights and optimizer as of the last step
            self.stepper.finish()
        # a step that took all samples measured the weights it began with, not those it made
        measured = before if size >= count and self.held_out is None else self.state()
        self.record(total / count, measured)
        self.history.seconds += perf_counter() - start

    def record(self, mean: float, state: State) -> None:
        """Notes an epoch, and its state if it is the best."""
        validation = [] if self.held_out is None else [self.stepper.value(self.held_out)]
        if [*validation, mean][0] < self.history.best:
            self.best = state
        self.history.validation += validation
        self.history.loss.append(mean)
        if len(self.history.loss) in self.kept:
            self.keep_weights()

    def keep_weights(self) -> None:
        """Notes the weights as of this epoch."""
        self.history.weights[len(self.history.loss)] = [p.data for p in self.model.parameters()]

    def stop(self, why: str) -> None:
        self.keep_weights()
        self.history.stopped = why
        del self.history.validation[len(self.history.loss) :]  # Ctrl-C came between the two
        weights, optimizer = self.best
        self.model.load_state_dict(weights)
        self.optimizer.load_state_dict(optimizer)


def check_parts(model: Module, loss: Loss, optimizer: Optimizer, callback: Callback | None) -> None:
    """Raises TypeError for what is not what it should be, ValueError if the parts do not fit together."""
    if not callable(loss):
        raise TypeError(f"loss is a function such as nn.losses.hinge, got {brief(loss, 60)}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"optimizer is one of nn.optim, made from model.parameters(), got {brief(optimizer, 60)}"
        )
    if not (callback is None or callable(callback)):
        raise TypeError(f"callback is a function of the History, got {brief(callback, 60)}")
    own = {id(p) for p in model.parameters()}
    if not any(id(p) in own for p in optimizer.parameters):
        raise ValueError("the optimizer holds no parameter of this model: make it from model.parameters()")


def step_size(epochs: int, batch_size: int | None, count: int) -> int:
    """The number of samples of a step. Raises ValueError for what is no number of epochs or samples."""
    if isinstance(epochs, bool) or not isinstance(epochs, int) or epochs < 0:
        raise ValueError(f"epochs is an int of 0 or more, got {epochs!r}")
    if batch_size is None:
        return count
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size is an int of 1 or more, or None for all samples, got {batch_size!r}")
    return min(batch_size, count)


def batches(order: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(order), size):
        yield order[start : start + size]


def accuracy(model: Module, X: Any, y: Any) -> float:
    """The fraction of samples whose class the model finds: the largest of several outputs, or the
    sign of a single one for targets of 0 or -1 against 1."""
    with engine.no_grad():
        hits = [is_hit(as_list(model(x)), t) for x, t in samples_of(model, X, y)]
    return sum(hits) / len(hits)


def is_hit(outputs: Sequence[Any], target: Any) -> bool:
    if len(outputs) == 1:
        return bool((outputs[0] > 0.0) == (target > 0))
    return bool(max(range(len(outputs)), key=outputs.__getitem__) == target)


@contextmanager
def bar(progress: bool, steps: int, how: str) -> Iterator[Callable[[float], None]]:
    """A progress bar over all steps: what to call after each, with its loss."""
    if progress and find_spec("tqdm") is None:
        print("no progress bar without tqdm: pip install 'chainrule[nn]'", file=sys.stderr)
        progress = False
    if not progress:
        yield lambda loss: None
        return
    with import_extra("tqdm.auto", "a progress bar").tqdm(
        total=steps, unit="step", desc=how.split(":")[0]
    ) as shown:

        def advance(loss: float) -> None:
            shown.set_postfix(loss=f"{loss:.4f}", refresh=False)
            shown.update()

        yield advance
