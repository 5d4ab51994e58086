"""Models in files: validated JSON with exact floats; nothing in a file is ever executed.

    {"format": "chainrule.nn", "version": 2,
     "model": {"type": "MLP", "nin": 2, "nouts": [16, 1], "activation": "relu"},
     "parameters": {"layers.0.neurons.0.w.0": "0x1.8p-1", ...},
     "sha256": "..."}

The checksum is that of model and parameters; files of version 1 had none. A model of your
own class has null in place of the description: load it into an instance.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from itertools import pairwise
from math import isfinite
from typing import Any

from engine.files import AnyPath, read_file, write_file
from engine.text import brief, printable
from nn.layers import ACTIVATIONS, MLP, Layer, Neuron
from nn.module import Module

FORMAT, VERSION = "chainrule.nn", 2
LARGEST = 64 * 2**20  # bytes of a file that we are ready to parse: more than a million parameters


def save(model: Module, path: AnyPath) -> None:
    """Writes a model to `path`, all or nothing. Raises ValueError if a parameter is nan or inf."""
    state = model.state_dict()
    broken = [name for name, number in state.items() if not isfinite(number)]
    if broken:
        raise ValueError(
            f"parameter {printable(broken[0])} is {state[broken[0]]}: "
            f"a model is saved with finite numbers only"
        )
    document = {
        "format": FORMAT,
        "version": VERSION,
        "model": description(model),
        "parameters": {name: number.hex() for name, number in state.items()},
    }
    write_file(path, json.dumps(document | {"sha256": checksum(document)}, indent=1).encode("ascii"))


def load(path: AnyPath, model: Module | None = None) -> Any:
    """The model in a file: a new one, or `model` with the parameters of the file.

    Raises ValueError if the file is not an intact one of ours, or of another kind of model; then
    `model` is as it was.
    """
    name = printable(os.fsdecode(path), 1000)
    try:
        text = read_file(path, LARGEST)
        document = json.loads(text, object_pairs_hook=once, parse_constant=refuse, parse_float=refuse)
        state = parameters(document)
        found = stored_model(document["model"], len(state)) if model is None else model
        held, asked = (json.dumps(kind, sort_keys=True) for kind in (document["model"], description(found)))
        if held != asked:
            raise ValueError(f"it holds the model {held:.80}, the one to fill is {asked}")
        found.load_state_dict(state)
    except RecursionError:
        raise ValueError(f"{name} is no model of ours: it is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"{name} is no model of ours, or not intact: {error}") from None
    return found


def description(model: Module) -> dict[str, Any] | None:
    """What it takes to make such a model again, None for a class that we do not know."""
    if type(model) is MLP:
        first, nouts = model.layers[0], [layer.nout for layer in model.layers]
        return {"type": "MLP", "nin": first.nin, "nouts": nouts, "activation": first.activation}
    if type(model) is Layer:
        return {"type": "Layer", "nin": model.nin, "nout": model.nout, "activation": model.activation}
    if type(model) is Neuron:
        return {"type": "Neuron", "nin": model.nin, "activation": model.activation}
    return None


def parameters(document: object) -> dict[str, float]:
    """The named numbers of a document of our format and version. Raises ValueError."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'"format" has to be "{FORMAT}"')
    version = document.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ValueError(f"a version up to {VERSION} is needed, got {brief(version)}")
    signed = {"sha256"} if version > 1 else set()
    if document.keys() != {"format", "version", "model", "parameters"} | signed:
        raise ValueError(f"the entries are {brief(sorted(document), 200)}")
    if signed and document["sha256"] != checksum(document):
        raise ValueError("its checksum is another: something in it has changed")
    if not isinstance(document["parameters"], dict):
        raise ValueError('"parameters" has to be an object of names and numbers')
    return {name: exact(text) for name, text in document["parameters"].items()}


def checksum(document: dict[str, Any]) -> str:
    """Of the model and the parameters, however they are laid out."""
    content = json.dumps([document["model"], document["parameters"]], sort_keys=True)
    return sha256(content.encode()).hexdigest()


def exact(text: object) -> float:
    """The float that `float.hex` wrote so. Raises ValueError."""
    number = float.fromhex(text) if isinstance(text, str) and len(text) < 40 else float("nan")
    if not isfinite(number) or number.hex() != text:
        raise ValueError(f"a parameter is a finite number as float.hex() writes it, got {brief(text, 60)}")
    return number


def stored_model(model: Any, count: int) -> Module:
    """A model as described. Raises ValueError before it makes one of another size than `count`."""
    match model:
        case {"type": "MLP", "nin": int(nin), "nouts": [*nouts], "activation": str(activation)}:
            widths = [nin, *nouts]
        case {"type": "Layer", "nin": int(nin), "nout": int(nout), "activation": str(activation)}:
            widths = [nin, nout]
        case {"type": "Neuron", "nin": int(nin), "activation": str(activation)}:
            widths = [nin, 1]
        case None:
            raise ValueError("it holds a model of a class of its own: give load() an instance to fill")
        case _:
            raise ValueError(f"the model is described as {brief(model, 80)}")
    if not all(type(n) is int and n > 0 for n in widths) or activation not in ACTIVATIONS:
        raise ValueError(f"the model is described as {brief(model, 80)}")
    if sum((a + 1) * b for a, b in pairwise(widths)) != count:
        raise ValueError(f"there are {count} parameters for a model of the widths {brief(widths, 80)}")
    return new_module(model["type"], widths, activation)


def new_module(kind: str, widths: list[int], activation: str) -> Module:
    if kind == "MLP":
        return MLP(widths[0], widths[1:], activation, init="zeros")
    if kind == "Layer":
        return Layer(widths[0], widths[1], activation, init="zeros")
    return Neuron(widths[0], activation, init="zeros")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names are all different. Raises ValueError."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name comes twice")
    return made


def refuse(text: str) -> float:
    raise ValueError(f"numbers are written as float.hex() does, got {brief(text)}")
