"""Optimisers, each written as its equation: how a parameter changes when its gradient is g.

They agree with PyTorch step by step. `lr` is a number, or a schedule: a function from the number of
steps taken so far to the learning rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import partial
from math import cos, isfinite, pi
from typing import Any

from engine import Value, sqrt
from engine.primitive import is_number
from engine.text import brief
from nn.module import Module, plural

Schedule = Callable[[int], float]
Numbers = Sequence[Any]  # plain ones, or traced


class Optimizer:
    """Moves parameters against their gradients; a subclass says how far.

    `weight_decay` adds its multiple of the parameter to the gradient, as the penalty
    weight_decay * p**2 / 2 would. Raises ValueError for no parameters or a negative setting.

    A rule of yours is `change`, and `shared` for what is the same for all parameters in a step, in plain
    arithmetic and functions of `engine`: `fit` compiles it. `memories` are the attributes in which it
    remembers a number for each parameter.
    """

    memories: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Any], lr: float | Schedule, *, weight_decay: float = 0.0) -> None:
        self.parameters = as_parameters(parameters)
        self.lr = lr if callable(lr) else constant(lr)
        self.weight_decay = not_negative("weight_decay", weight_decay)
        self.steps = 0
        for name in self.memories:
            setattr(self, name, [0.0] * len(self.parameters))

    def zero_grad(self) -> None:
        """Sets the grad of every parameter to 0.0."""
        for p in self.parameters:
            p.grad = 0.0

    def step(self) -> None:
        """Changes every parameter once; if anything raises, Ctrl-C for instance, nothing has changed."""
        state, weights = self.state_dict(), [p.data for p in self.parameters]
        try:
            shared, held = self.begin(), self.memory()
            for i, p in enumerate(self.parameters):
                p.data, *remembered = self.moved(weights[i], p.grad, shared, [m[i] for m in held])
                for numbers, x in zip(held, remembered, strict=True):
                    numbers[i] = x
        except BaseException:
            self.load_state_dict(state)
            for p, weight in zip(self.parameters, weights, strict=True):
                p.data = weight
            raise

    def begin(self) -> tuple[float, ...]:
        """Counts a step; what its changes share."""
        rate = self.lr(self.steps)
        self.steps += 1
        return self.shared(rate)

    def moved(self, p: Any, g: Any, shared: Numbers, memory: Numbers) -> tuple[Any, ...]:
        """Parameter and memory after a step."""
        change, *remembered = self.change(p, self.slope(p, g), shared, memory)
        return (p - change, *remembered)

    def memory(self) -> list[list[float]]:
        """What it remembers of each parameter."""
        return [getattr(self, name) for name in self.memories]

    def state_dict(self) -> dict[str, Any]:
        """All that steps change but the parameters: what `load_state_dict` takes."""
        held = {name: x for name, x in vars(self).items() if name not in ("parameters", "lr")}
        return {name: x[:] if isinstance(x, list) else deepcopy(x) for name, x in held.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to what a `state_dict()` of this optimiser held."""
        vars(self).update({name: x[:] if isinstance(x, list) else deepcopy(x) for name, x in state.items()})

    def slope(self, p: Any, g: Any) -> Any:
        """The gradient to follow, that of the penalty with it."""
        return g + self.weight_decay * p

    def shared(self, rate: float) -> tuple[float, ...]:
        """What the changes of this step share: the rate, and what else does not depend on the parameter."""
        return (rate,)

    def change(self, p: Any, g: Any, shared: Numbers, memory: Numbers) -> Sequence[Any]:
        """What to subtract from p, whose gradient is g; behind it the new memory."""
        raise NotImplementedError(f"{type(self).__name__} has to define change(p, g, shared, memory)")

    def __repr__(self) -> str:
        count = plural(len(self.parameters), "parameter")
        return f"{type(self).__name__}({count}, lr={self.lr(self.steps):g})"


class SGD(Optimizer):
    """p -= lr * v with v = momentum * v + g; Nesterov looks ahead and takes g + momentum * v.

    Polyak (1964); Nesterov (1983) in the form of Sutskever et al. (2013).
    """

    memories = ("v",)

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

    def change(self, p: Any, g: Any, shared: Numbers, memory: Numbers) -> Sequence[Any]:
        (rate,), (v,) = shared, memory
        v = self.momentum * v + g
        return rate * (g + self.momentum * v if self.nesterov else v), v


class Adam(Optimizer):
    """p -= lr * m' / (sqrt(v') + eps): running means of g and of g**2, freed of their bias to 0.

    m = b1 m + (1 - b1) g, m' = m / (1 - b1**t); v and v' the same of g**2 with b2. Kingma and Ba (2015).
    """

    memories = ("m", "v")
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

    def shared(self, rate: float) -> tuple[float, ...]:
        return rate, 1.0 - self.beta1**self.steps, 1.0 - self.beta2**self.steps

    def change(self, p: Any, g: Any, shared: Numbers, memory: Numbers) -> Sequence[Any]:
        (rate, bias1, bias2), (m, v) = shared, memory
        m = self.beta1 * m + (1.0 - self.beta1) * g
        v = self.beta2 * v + (1.0 - self.beta2) * g * g
        return rate * (m / bias1) / (sqrt(v / bias2) + self.eps), m, v


class AdamW(Adam):
    """Adam, with the weights decayed beside the gradient: p -= lr * weight_decay * p, by default 0.01.

    Loshchilov and Hutter (2019).
    """

    usual_decay = 0.01

    def slope(self, p: Any, g: Any) -> Any:
        return g

    def change(self, p: Any, g: Any, shared: Numbers, memory: Numbers) -> Sequence[Any]:
        change, *remembered = super().change(p, g, shared, memory)
        return (shared[0] * self.weight_decay * p + change, *remembered)


class RMSProp(Optimizer):
    """p -= lr * g / (sqrt(v) + eps) with v = alpha v + (1 - alpha) g**2.

    Tieleman and Hinton (2012), lecture 6.5.
    """

    memories = ("v", "push")

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

    def change(self, p: Any, g: Any, shared: Numbers, memory: Numbers) -> Sequence[Any]:
        (rate,), (v, push) = shared, memory
        v = self.alpha * v + (1.0 - self.alpha) * g * g
        push = self.momentum * push + g / (sqrt(v) + self.eps)
        return rate * push, v, push


class Adagrad(Optimizer):
    """p -= lr * g / (sqrt(s) + eps) with s the sum of all g**2 so far. Duchi et al. (2011)."""

    memories = ("s",)

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

    def change(self, p: Any, g: Any, shared: Numbers, memory: Numbers) -> Sequence[Any]:
        (rate,), (s,) = shared, memory
        s = s + g * g
        return rate * g / (sqrt(s) + self.eps), s


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
