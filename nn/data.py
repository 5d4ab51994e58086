"""Samples and targets, looked at before the first step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any

import engine
from engine.primitive import as_float, is_number
from engine.text import brief
from engine.trees import Tree, is_array
from nn import losses
from nn.losses import as_list
from nn.module import Module

Loss = Callable[[Any, Any], Any]
Samples = list[tuple[Any, Any]]


def samples_of(model: Module, X: Any, y: Any, loss: Loss | None = None, of: str = "") -> Samples:
    """Each sample with its target, as plain Python numbers; `of` says in messages which data it is.

    Raises ValueError for no samples, another number of targets than samples, samples of different
    length, a number that is nan or inf, or a target that the loss has no use for; TypeError for what is
    no collection.
    """
    samples, targets = rows(f"{of}X", X), rows(f"{of}y", y)
    if len(samples) != len(targets):
        raise ValueError(
            f"every sample needs a target: {of}X has {len(samples)} of them, {of}y has {len(targets)}"
        )
    if not samples:
        raise ValueError(f"there are no samples: {of}X and {of}y are empty")
    check_numbers(f"{of}X", samples)
    check_numbers(f"{of}y", targets)
    check_targets(model, samples[0], targets, loss)
    return list(zip(samples, targets, strict=True))


def held_out(model: Module, validation: Any, loss: Loss) -> Samples | None:
    """The same of the validation data, None without any."""
    if validation is None:
        return None
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        raise ValueError(f"validation is a pair (X, y), got {type(validation).__name__}")
    X, y = validation
    return samples_of(model, X, y, loss, of="validation ")


def rows(name: str, data: Any) -> list[Any]:
    """The first axis of an array or a sequence as a list, with Python's own numbers in it."""
    if is_array(data):
        return list(data.tolist()) if data.ndim else [data.item()]
    if not isinstance(data, Iterable):
        raise TypeError(f"{name} is an array or a list with an entry for each sample, got {brief(data, 60)}")
    return [row.tolist() if is_array(row) else row for row in data]


def check_numbers(name: str, data: list[Any]) -> None:
    """Raises ValueError if a row is not like the first, or holds what is no finite number."""
    width = len(Tree(data[0]).scalars)
    for i, row in enumerate(data):
        numbers = Tree(row).scalars
        if len(numbers) != width:
            raise ValueError(f"{name}[{i}] has length {len(numbers)}, but {name}[0] has {width}")
        wrong = [x for x in numbers if not (is_number(x) and isfinite(as_float(x)))]
        if wrong:
            raise ValueError(f"{name}[{i}] holds {brief(wrong[0])}: every entry has to be a finite number")


def check_targets(model: Module, sample: Any, targets: list[Any], loss: Loss | None) -> None:
    """Raises ValueError if the model does not take the sample, or the loss a target."""
    with engine.no_grad():
        width = len(as_list(model(sample)))
    complaint = COMPLAINTS.get(loss) if loss is not None else None
    for i, target in enumerate(targets if complaint is not None else ()):
        wrong = complaint(target, width) if complaint is not None else ""
        if wrong:
            raise ValueError(f"{wrong}, got y[{i}] = {brief(target, 60)}")


def no_class(target: Any, width: int) -> str:
    if isinstance(target, list):
        fits = len(target) == width and all(weight >= 0 for weight in target)
        return "" if fits else f"the model has {width} outputs, so a target has {width} weights of 0 or more"
    if is_number(target) and target in range(width):
        return ""
    return f"the model has {width} outputs, so a class is a number from 0 to {width - 1}"


def no_sign(target: Any, width: int) -> str:
    if width != 1:
        return f"hinge takes the one output of a model, this model has {width}"
    return "" if target in (-1, 1) else "hinge needs targets of -1 or 1"


def no_probability(target: Any, width: int) -> str:
    if width != 1:
        return f"binary cross-entropy takes the one output of a model, this model has {width}"
    return "" if is_number(target) and 0 <= target <= 1 else "binary cross-entropy needs targets from 0 to 1"


def no_outputs(target: Any, width: int) -> str:
    fits = len(as_list(target)) == width
    return "" if fits else f"the model has {width} outputs, so a target has {width} numbers"


COMPLAINTS: dict[Loss, Callable[[Any, int], str]] = {
    losses.cross_entropy: no_class,
    losses.hinge: no_sign,
    losses.binary_cross_entropy: no_probability,
    losses.binary_cross_entropy_with_logits: no_probability,
    losses.squared_error: no_outputs,
    losses.huber: no_outputs,
}
