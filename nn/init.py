"""How the weights of a neuron begin: functions of the random generator, fan-in and fan-out.

Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural
networks"; He et al. (2015), "Delving deep into rectifiers".
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from random import Random, getrandbits

Init = Callable[[Random, int, int], float]


def zeros(rng: Random, nin: int, nout: int) -> float:
    """0: every neuron of a layer stays like its neighbour, so it suits only linear models."""
    return 0.0


def uniform(rng: Random, nin: int, nout: int) -> float:
    """U(-1, 1), as in micrograd."""
    return rng.uniform(-1.0, 1.0)


def normal(rng: Random, nin: int, nout: int) -> float:
    """N(0, 1)."""
    return rng.gauss(0.0, 1.0)


def glorot_uniform(rng: Random, nin: int, nout: int) -> float:
    """U(-a, a), a = sqrt(6 / (nin + nout)): keeps the variance of what a tanh layer hands on."""
    return sqrt(6.0 / (nin + nout)) * rng.uniform(-1.0, 1.0)


def glorot_normal(rng: Random, nin: int, nout: int) -> float:
    """N(0, 2 / (nin + nout))."""
    return sqrt(2.0 / (nin + nout)) * rng.gauss(0.0, 1.0)


def he_uniform(rng: Random, nin: int, nout: int) -> float:
    """U(-a, a), a = sqrt(6 / nin): makes up for the half that a relu cuts away."""
    return sqrt(6.0 / nin) * rng.uniform(-1.0, 1.0)


def he_normal(rng: Random, nin: int, nout: int) -> float:
    """N(0, 2 / nin)."""
    return sqrt(2.0 / nin) * rng.gauss(0.0, 1.0)


INITS: dict[str, Init] = {
    init.__name__: init
    for init in (zeros, uniform, normal, glorot_uniform, glorot_normal, he_uniform, he_normal)
}
RECTIFIERS = ("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus")


def initializer_of(init: str | Init | None, activation: str) -> Init:
    """An initialiser by name, or as it is; None is the one that suits the activation.

    Raises ValueError for an unknown name.
    """
    if init is None:
        return he_uniform if activation in RECTIFIERS else glorot_uniform
    if not isinstance(init, str):
        return init
    if init not in INITS:
        raise ValueError(f"no initialiser is named {init!r}: choose one of {', '.join(INITS)}")
    return INITS[init]


def generator(rng: Random | int | None) -> Random:
    """A generator: itself, a new one from a seed; None is a new one from the module `random`,
    so that `random.seed()` decides."""
    if isinstance(rng, Random):
        return rng
    if rng is None:
        return Random(getrandbits(64))
    if isinstance(rng, bool) or not isinstance(rng, int):
        raise TypeError(f"rng is a seed (int) or a random.Random, got {type(rng).__name__}")
    return Random(rng)
