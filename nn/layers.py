"""Neurons, layers of neurons, and the multilayer perceptron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import engine
from engine import Value
from engine.primitive import Traceable, is_number
from engine.text import brief
from engine.trees import is_array
from engine.value import constant
from nn.init import Init, generator, initializer_of
from nn.module import Module, plural


def linear(x: Any) -> Any:
    return x


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": linear,
    "relu": engine.relu,
    "leaky_relu": engine.leaky_relu,
    "elu": engine.elu,
    "gelu": engine.gelu,
    "silu": engine.silu,
    "mish": engine.mish,
    "softplus": engine.softplus,
    "softsign": engine.softsign,
    "sigmoid": engine.sigmoid,
    "tanh": engine.tanh,
}


class Neuron(Module):
    """activation(w . x + b), one `dot` node, the bias and the activation.

    `fan_out` is the width of the layer it stands in, which some initialisers ask for.
    Raises ValueError for less than one input, an unknown activation, or, called, for another
    number of inputs than `nin`.
    """

    def __init__(
        self,
        nin: int,
        activation: str = "relu",
        *,
        init: str | Init | None = None,
        rng: Random | int | None = None,
        fan_out: int = 1,
        **unknown: object,
    ) -> None:
        refuse_keywords(self, unknown)
        self.nin = at_least_one(nin, "inputs of a neuron")
        self.activation = known_activation(activation)
        draw, source = initializer_of(init, activation), generator(rng)
        self.w = [Value(draw(source, nin, fan_out)) for _ in range(nin)]
        self.b = Value(0.0)

    def __call__(self, x: Any) -> Any:
        return self.respond(inputs(x, self.nin))

    def respond(self, x: Sequence[Any]) -> Any:
        """The same for a list that is known to have `nin` entries."""
        return ACTIVATIONS[self.activation](engine.dot(self.w, x) + self.b)

    def __repr__(self) -> str:
        return f"Neuron({self.nin} -> 1, {self.activation}, {plural(self.nin + 1, 'parameter')})"


class Layer(Module):
    """`nout` neurons on the same `nin` inputs: a list of their outputs, or the one output."""

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: str = "relu",
        *,
        init: str | Init | None = None,
        rng: Random | int | None = None,
        **unknown: object,
    ) -> None:
        refuse_keywords(self, unknown)
        self.nin = at_least_one(nin, "inputs of a layer")
        self.nout = at_least_one(nout, "neurons of a layer")
        self.activation = known_activation(activation)
        source = generator(rng)
        self.neurons = [Neuron(nin, activation, init=init, rng=source, fan_out=nout) for _ in range(nout)]

    def __call__(self, x: Any) -> Any:
        # one constant for each number, not one for each number and neuron
        shared = [x if isinstance(x, Traceable) else constant(x) for x in inputs(x, self.nin)]
        outputs = [neuron.respond(shared) for neuron in self.neurons]
        return outputs[0] if len(outputs) == 1 else outputs

    def __repr__(self) -> str:
        count = plural(len(self.parameters()), "parameter")
        return f"Layer({self.nin} -> {self.nout}, {self.activation}, {count})"


class MLP(Module):
    """Layers one after the other; the last is linear, and a last width of 1 gives a scalar.

    `init` is a function of `nn.init` or its name, by default the one that suits the activation;
    `rng` a seed or a `random.Random`. Raises ValueError if there is no layer.

    >>> MLP(2, [16, 1], rng=0)
    MLP(65 parameters)
      Layer(2 -> 16, relu, 48 parameters)
      Layer(16 -> 1, linear, 17 parameters)
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: str = "relu",
        *,
        init: str | Init | None = None,
        rng: Random | int | None = None,
    ) -> None:
        widths = [at_least_one(nin, "inputs of an MLP"), *nouts]
        if len(widths) == 1:
            raise ValueError(
                "an MLP needs the width of one layer at least, got nouts=[]: try MLP(2, [16, 1])"
            )
        source = generator(rng)
        kinds = [activation] * (len(widths) - 2) + ["linear"]
        known_activation(activation)
        self.layers = [
            Layer(a, b, kind, init=init, rng=source)
            for (a, b), kind in zip(pairwise(widths), kinds, strict=True)
        ]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def __repr__(self) -> str:
        return "\n  ".join([super().__repr__(), *map(repr, self.layers)])


def chain_of(model: Module) -> list[Layer] | None:
    """The layers of a model that is nothing but layers one after the other, with parameters of their own."""
    layers = [model] if isinstance(model, Layer) else model.layers if isinstance(model, MLP) else []
    plain = type(model).__call__ in (MLP.__call__, Layer.__call__) and all(map(is_plain, layers))
    own = sum(layer.nout * (layer.nin + 1) for layer in layers)
    return list(layers) if layers and plain and own == len(model.parameters()) else None


def is_plain(layer: object) -> bool:
    return (
        isinstance(layer, Layer)
        and type(layer).__call__ is Layer.__call__
        and all(type(neuron) is Neuron for neuron in layer.neurons)
    )


def inputs(x: Any, nin: int) -> list[Any]:
    """The inputs of a neuron as a list: of a list, a tuple, an array, or a single number.

    Raises ValueError if there are not `nin` of them.
    """
    if is_array(x):
        x = x.tolist()  # Python's floats are quicker than NumPy's
    numbers = [x] if isinstance(x, Traceable) or is_number(x) else list(x)
    if len(numbers) != nin:
        raise ValueError(f"{nin} inputs are needed, got {len(numbers)}: one sample at a time")
    return numbers


def at_least_one(count: object, what: str) -> int:
    if isinstance(count, bool) or not isinstance(count, int):
        raise TypeError(f"the number of {what} is an int, got {type(count).__name__}")
    if count < 1:
        raise ValueError(f"the number of {what} is 1 or more, got {count}")
    return count


def refuse_keywords(layer: Module, unknown: dict[str, object]) -> None:
    """Raises TypeError for a keyword that is none, with what micrograd's nonlin is here."""
    for name in unknown:
        advice = ': say activation="linear" for False, "relu" for True' if name == "nonlin" else ""
        raise TypeError(f"{type(layer).__name__} takes no keyword {name!r}{advice}")


def known_activation(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f'an activation has a name, such as "linear" or "relu", got {brief(name)}')
    if name not in ACTIVATIONS:
        raise ValueError(f"no activation is named {name!r}: choose one of {', '.join(ACTIVATIONS)}")
    return name
