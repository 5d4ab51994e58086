"""Who a node belongs to: the neuron, or the layer, whose parameters it works on.

Nothing is noted on nodes. The label of a parameter is its path in the model, such as
layers.0.neurons.2.w.1 (see `nn.Module`); what is computed from the parameters of one neuron is its.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

from engine.drawing.graph import OrderedGraph
from engine.primitives import add, elu, leaky_relu
from engine.primitives import sum as total

Level = Literal["neuron", "layer"]

PATH: Final = re.compile(r"[^\W\d]\w*(\.\w+)+")
ENTRY: Final = re.compile(r"\.\w+\.\d+$")  # the place of a neuron in its layer
STEP: Final = re.compile(r"([^\W\d]\w*)(?:\.(\d+(?:\.\d+)*))?")  # an attribute and its place in a list
SHAPED: Final = (elu, leaky_relu)  # activations with a second operand, a constant


def owners(graph: OrderedGraph, level: Level) -> dict[int, str]:
    """The path of the neuron or layer of each node that belongs to one."""
    leaves = (i for i, operands in enumerate(graph.operands) if not operands)
    found = {i: path for i in leaves if (path := neuron(graph.nodes[i].label))}
    activations: set[int] = set()  # the last nodes of their neurons
    for i, operands in enumerate(graph.operands) if found else ():
        owner = owner_of(i, operands, graph, found, activations) if operands else ""
        if owner:
            found[i] = owner
    return found if level == "neuron" else {i: layer(owner) for i, owner in found.items()}


def owner_of(
    i: int, operands: Sequence[int], graph: OrderedGraph, found: dict[int, str], activations: set[int]
) -> str:
    """The one whose parameters are operands; else the one that an activation or a sum belongs to."""
    parameters = {found[x] for x in operands if x in found and not graph.operands[x]}
    if parameters:
        return parameters.pop() if len(parameters) == 1 else ""
    primitive = graph.nodes[i].primitive
    variables = [x for x in operands if not graph.is_constant(x)]
    whose = {"" if x in activations else found.get(x, "") for x in variables}
    is_sum = primitive in (add, total) and len(variables) == len(operands)
    is_activation = len(operands) == 1 or (primitive in SHAPED and len(variables) == 1)
    if len(whose) != 1 or not (is_sum or is_activation):
        return ""
    if is_activation:
        activations.add(i)
    return whose.pop()


def neuron(label: str) -> str:
    """The path of the module that holds the parameter, "" of any other label.

    >>> neuron("layers.0.neurons.2.w.1"), neuron("offset")
    ('layers.0.neurons.2', '')
    """
    if not PATH.fullmatch(label):
        return ""
    names = label.split(".")
    while names[-1].isdecimal():
        names.pop()
    return ".".join(names[:-1])


def short_path(label: str) -> str:
    """The path of a parameter with one letter for each list it is in, "" of any other label.

    >>> short_path("layers.0.neurons.2.w.1"), short_path("encoder.b"), short_path("offset")
    ('L0N2.w1', 'encoder.b', '')
    """
    if not PATH.fullmatch(label):
        return ""
    *modules, last = STEP.findall(label)
    steps = [f"{name[0].upper()}{place}" if place else f"{name}." for name, place in modules]
    return f"{''.join(steps).removesuffix('.')}.{''.join(last)}".removeprefix(".")


def layer(path: str) -> str:
    """The layer of a neuron; what is no entry of a list in another module is a layer itself.

    >>> layer("layers.0.neurons.2"), layer("encoder")
    ('layers.0', 'encoder')
    """
    return ENTRY.sub("", path)
