"""Optimisers, each written as its equation: how a parameter changes when its gradient is g.

They agree with PyTorch step by step. `lr` is a number, or a schedule: a function from the number of
steps taken so far to the learning rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from math import cos, isfinite, pi, sqrt
from typing import Any

from engine import Value
from engine.primitive import is_number
from engine.text import brief
from nn.module import Module, plural

Schedule = Callable[[int], float]


class Optimizer:
    """Moves parameters against their gradients; a subclass says how far.

    `weight_decay` adds its multiple of the parameter to the gradient, as the penalty
    weight_decay * p**2 / 2 would. Raises ValueError for no parameters or a negative setting.
    """

    def __init__(self, parameters: Iterable[Any], lr: float | Schedule, *, weight_decay: float = 0.0) -> None:
        self.parameters = as_parameters(parameters)
        self.lr = lr if callable(lr) else constant(lr)
        self.weight_decay = not_negative("weight_decay", weight_decay)
        self.steps = 0

    def zero_grad(self) -> None:
        """Sets the grad of every parameter to 0.0."""
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        """Changes every parameter once; if anything raises, Ctrl-C for instance, nothing has changed."""
        state, weights = self.state_dict(), [p.data for p in self.parameters]
        try:
            rate = self.lr(self.steps)
            self.steps += 1
            for i, p in enumerate(self.parameters):
                p.data = weights[i] - self.change(i, self.slope(p), rate)
        except BaseException:
            self.load_state_dict(state)
            for p, weight in zip(self.parameters, weights, strict=True):
                p.data = weight
            raise

    def state_dict(self) -> dict[str, Any]:
        """All that steps change but the parameters: what `load_state_dict` takes."""
        held = {name: x for name, x in vars(self).items() if name not in ("parameters", "lr")}
        return {name: x[:] if isinstance(x, list) else deepcopy(x) for name, x in held.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to what a `state_dict()` of this optimiser held."""
        vars(self).update({name: x[:] if isinstance(x, list) else deepcopy(x) for name, x in state.items()})

    def slope(self, p: Value) -> float:
        """The gradient to follow, that of the penalty with it."""
        return p.grad + self.weight_decay * p.data

    def change(self, i: int, g: float, rate: float) -> float:
        """What to subtract from parameter i, whose gradient is g."""
        raise NotImplementedError(f"{type(self).__name__} has to define change(i, g, rate)")

    def memory(self) -> list[float]:
        """A number to remember for each parameter, 0.0 at first."""
        return [0.0] * len(self.parameters)

    def __repr__(self) -> str:
        count = plural(len(self.parameters), "parameter")
        return f"{type(self).__name__}({count}, lr={self.lr(self.steps):g})"


class SGD(Optimizer):
    """p -= lr * v with v = momentum * v + g; Nesterov looks ahead and takes g + momentum * v.

    Polyak (1964); Nesterov (1983) in the form of Sutskever et al. (2013).
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | Schedule = 0.01,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        self.momentum = not_negative("momentum", momentum)
        if nesterov and momentum == 0.0:
            raise ValueError("nesterov looks ahead along the momentum: give a momentum above 0, such as 0.9")
        self.nesterov = nesterov
        self.v = self.memory()

    def change(self, i: int, g: float, rate: float) -> float:
        self.v[i] = self.momentum * self.v[i] + g
        return rate * (g + self.momentum * self.v[i] if self.nesterov else self.v[i])


class Adam(Optimizer):
    """p -= lr * m' / (sqrt(v') + eps): running means of g and of g**2, freed of their bias to 0.

    m = b1 m + (1 - b1) g, m' = m / (1 - b1**t); v and v' the same of g**2 with b2. Kingma and Ba (2015).
    """

    usual_decay = 0.0  # the weight_decay, if none is given

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | Schedule = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float | None = None,
    ) -> None:
        decay = self.usual_decay if weight_decay is None else weight_decay
        super().__init__(parameters, lr, weight_decay=decay)
        self.beta1, self.beta2 = pair_of_fractions("betas", betas)
        self.eps = positive("eps", eps)
        self.m, self.v = self.memory(), self.memory()

    def change(self, i: int, g: float, rate: float) -> float:
        self.m[i] = self.beta1 * self.m[i] + (1.0 - self.beta1) * g
        self.v[i] = self.beta2 * self.v[i] + (1.0 - self.beta2) * g * g
        mean = self.m[i] / (1.0 - self.beta1**self.steps)
        square = self.v[i] / (1.0 - self.beta2**self.steps)
        return rate * mean / (sqrt(square) + self.eps)


class AdamW(Adam):
    """Adam, with the weights decayed beside the gradient: p -= lr * weight_decay * p, by default 0.01.

    Loshchilov and Hutter (2019).
    """

    usual_decay = 0.01

    def slope(self, p: Value) -> float:
        return p.grad

    def change(self, i: int, g: float, rate: float) -> float:
        return rate * self.weight_decay * self.parameters[i].data + super().change(i, g, rate)


class RMSProp(Optimizer):
    """p -= lr * g / (sqrt(v) + eps) with v = alpha v + (1 - alpha) g**2.

    Tieleman and Hinton (2012), lecture 6.5.
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | Schedule = 0.01,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        self.alpha = fraction("alpha", alpha)
        self.eps = positive("eps", eps)
        self.momentum = not_negative("momentum", momentum)
        self.v, self.push = self.memory(), self.memory()

    def change(self, i: int, g: float, rate: float) -> float:
        self.v[i] = self.alpha * self.v[i] + (1.0 - self.alpha) * g * g
        self.push[i] = self.momentum * self.push[i] + g / (sqrt(self.v[i]) + self.eps)
        return rate * self.push[i]


class Adagrad(Optimizer):
    """p -= lr * g / (sqrt(s) + eps) with s the sum of all g**2 so far. Duchi et al. (2011)."""

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float | Schedule = 0.01,
        *,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay)
        self.eps = positive("eps", eps)
        self.s = self.memory()

    def change(self, i: int, g: float, rate: float) -> float:
        self.s[i] += g * g
        return rate * g / (sqrt(self.s[i]) + self.eps)


# Schedules: functions of the number of steps so far, partial applications of what stands below them


def constant(lr: float) -> Schedule:
    """Always lr."""
    return partial(constant_at, not_negative("lr", lr))


def step(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """lr * factor**(t // every): a staircase, as in Krizhevsky, Sutskever and Hinton (2012)."""
    not_negative("lr", lr)
    not_negative("factor", factor)
    at_least_one("every", every)
    return partial(step_at, lr, every, factor)


def cosine(lr: float, steps: int, final: float = 0.0) -> Schedule:
    """Half a cosine wave from lr down to `final` after `steps`. Loshchilov and Hutter (2017)."""
    not_negative("lr", lr)
    not_negative("final", final)
    at_least_one("steps", steps)
    return partial(cosine_at, lr, steps, final)


def warmup(schedule: float | Schedule, steps: int) -> Schedule:
    """Rises to `schedule` in a straight line over the first `steps`. Goyal et al. (2017)."""
    at_least_one("steps", steps)
    return partial(warmup_at, schedule if callable(schedule) else constant(schedule), steps)


def constant_at(lr: float, t: int) -> float:
    return lr


def step_at(lr: float, every: int, factor: float, t: int) -> float:
    return lr * factor ** (t // every)


def cosine_at(lr: float, steps: int, final: float, t: int) -> float:
    return final + (lr - final) * (1.0 + cos(pi * min(t, steps) / steps)) / 2.0


def warmup_at(rest: Schedule, steps: int, t: int) -> float:
    return rest(t) * min(1.0, (t + 1) / steps)


def as_parameters(parameters: Iterable[Any]) -> list[Value]:
    """Parameters as a list of leaves, each once. Raises TypeError or ValueError."""
    if isinstance(parameters, (Module, Value)) or not isinstance(parameters, Iterable):
        kind = type(parameters).__name__
        raise TypeError(f"an optimiser takes a list of parameters, got {kind}: pass model.parameters()")
    listed = list(parameters)
    if not listed or len({id(p) for p in listed}) < len(listed):
        raise ValueError("an optimiser needs one parameter at least, and each of them once")
    for p in listed:
        if not isinstance(p, Value) or p.parents:
            raise TypeError(f"a parameter is a Value that nothing computed, got {brief(p, 60)}")
    return listed


def not_negative(name: str, number: float) -> float:
    if not (is_number(number) and isfinite(number) and number >= 0.0):
        raise ValueError(f"{name} is a number of 0 or more, got {brief(number, 60)}")
    return number


def positive(name: str, number: float) -> float:
    if not_negative(name, number) == 0.0:
        raise ValueError(f"{name} is a number above 0, got {number!r}")
    return number


def fraction(name: str, number: float) -> float:
    if not (is_number(number) and 0.0 <= number < 1.0):
        raise ValueError(f"{name} has to be in [0, 1), got {brief(number, 60)}")
    return number


def pair_of_fractions(name: str, numbers: Sequence[float]) -> tuple[float, float]:
    if not isinstance(numbers, Sequence) or len(numbers) != 2:
        raise ValueError(f"{name} is a pair of numbers such as (0.9, 0.999), got {brief(numbers, 60)}")
    return fraction(f"{name}[0]", numbers[0]), fraction(f"{name}[1]", numbers[1])


def at_least_one(name: str, steps: int) -> None:
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"{name} is an int of 1 or more, got {brief(steps, 60)}")
