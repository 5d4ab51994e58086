"""`nn.explore`: a network on a page that trains it, and shows what each neuron computes."""

from __future__ import annotations

from array import array
from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import engine
from engine.compiler.sources.javascript import javascript_source
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.trace import trace
from engine.exploring.document import number
from engine.exploring.page import NETWORK, Exploration
from engine.text import brief, clean, typeset
from engine.trees import Tree
from engine.value import Value
from nn import losses, optim
from nn.data import Loss, Samples, samples_of
from nn.history import History, Run, first_rate
from nn.layers import Layer, chain_of
from nn.losses import as_list
from nn.module import Module, plural
from nn.optim import Optimizer
from nn.still import draw

MAX_PARAMETERS: Final = 20_000
MAX_NUMBERS: Final = 60_000  # of samples that go into a page
GRAPH_SAMPLES: Final = 3  # of a model that is no chain of layers
RATE: Final = 0.03
SQUARE: Final = 3.0  # inputs whose ranges are that much different are not in like units
OPTIMISERS: Final = (optim.Adam, optim.AdamW, optim.SGD, optim.RMSProp, optim.Adagrad)


class Names(NamedTuple):
    """What things are called on the page; without names they are numbered."""

    title: str
    inputs: Sequence[str]
    outputs: Sequence[str]


def explore(
    model: Module | History,
    X: Any = None,
    y: Any = None,
    *,
    loss: Loss | None = None,
    optimizer: Optimizer | None = None,
    history: History | None = None,
    title: str = "",
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
) -> Exploration:
    """A page of a network, or of a run that `fit` recorded: it trains there, shows what every neuron says
    over the input plane, what it decides, and the way of one sample forward and back.

    model      an MLP or a Layer; of any other model the page shows the graph of its loss
    X, y, loss as for `fit`; not needed with a History, which knows them
    optimizer  where the page begins; Adam by default
    history    a run of this model, to be scrubbed and played
    inputs, outputs  what they are called: names of features, of classes

    Raises ValueError or TypeError for data that do not fit, or more than 20,000 parameters.
    """
    named = Names(title, inputs, outputs)
    if isinstance(model, History):
        if model.run is None:
            raise ValueError(
                "this History does not know its model (fit made none, or it was pickled): "
                "call explore(model, X, y, loss=..., history=history)"
            )
        return page_of(model.run, model, named)
    if not isinstance(model, Module) or loss is None:
        raise TypeError(
            f"explore takes a model with X, y and loss=, or the History of fit, got {brief(model, 60)}"
            + (" without a loss" if loss is None else "")
        )
    return page_of(Run(model, samples_of(model, X, y, loss), loss, optimizer), history, named)


def page_of(run: Run, history: History | None, named: Names) -> Exploration:
    chain = chain_of(run.model)
    if chain is None:
        return graph_page(run)
    shown = thinned(run.samples, chain[0].nin + chain[-1].nout)
    data = sample_data([x for x, _ in shown], [target for _, target in shown], run.loss, chain[-1].nout)
    content = network_content(run.model, chain, history, named) | data | optimiser_settings(run.optimizer)
    content["about"] = about(len(run.model.parameters()), len(shown), len(run.samples))
    content["batch"] = history.batch_size if history and history.batch_size < len(run.samples) else 0
    source = program(run.model, run.loss, data["X"][0], data["Y"][0])
    return Exploration(content, source, draw(run.model, data["X"][0])._repr_svg_(), NETWORK)


def graph_page(run: Run) -> Exploration:
    """The graph of the mean loss over a few samples."""
    few = run.samples[:GRAPH_SAMPLES]
    root = engine.mean([run.loss(run.model(x), target) for x, target in few])
    if not isinstance(root, Value):
        raise ValueError("the loss is a plain number: it does not depend on the parameters of the model")
    if not root.label:
        root.label = "loss"
    page = engine.explore(root)
    what, much = type(run.model).__name__, plural(len(few), "sample")
    note = f"{what} is no plain chain of layers: this is the graph of its loss over {much}."
    page.content["note"] = f"{note} {page.content['note']}".strip()
    return page


def thinned(samples: Samples, width: int) -> Samples:
    """As many samples as a page holds, evenly spread."""
    return samples[:: -(-len(samples) * width // MAX_NUMBERS)]


def network_content(
    model: Module, chain: Sequence[Layer], history: History | None, named: Names
) -> dict[str, Any]:
    """The network itself, and what was recorded of it."""
    count = len(model.parameters())
    if count > MAX_PARAMETERS:
        raise ValueError(f"the page takes up to {MAX_PARAMETERS:,} parameters, the model has {count:,}")
    sizes = [chain[0].nin, *(layer.nout for layer in chain)]
    return {
        "title": clean(named.title) or f"{type(model).__name__} {'-'.join(map(str, sizes))}",
        "sizes": sizes,
        "activations": [layer.activation for layer in chain],
        "weights": [number(x) for x in first_weights(model, history)],
        "inputs": names(named.inputs, sizes[0], "x"),
        "outputs": names(named.outputs, sizes[-1], "output" if sizes[-1] == 1 else ""),
        "history": None if history is None else recorded(history),
    }


def sample_data(samples: Sequence[Any], targets: Sequence[Any], loss: Loss, width: int) -> dict[str, Any]:
    """What it learns from; `width` is the number of outputs."""
    X = [[float(x) for x in Tree(sample).scalars] for sample in samples]
    return {
        "X": X,
        "Y": [target_numbers(target, width, loss) for target in targets],
        "labels": [label(target, width, loss) for target in targets],
        "task": task(targets, loss, width),
        "domain": domain(X),
    }


def about(parameters: int, shown: int, samples: int) -> str:
    points = plural(shown, "point") if shown == samples else f"{shown:,} of {samples:,} points"
    return f"{plural(parameters, 'parameter')}, {points}"


def program(model: Module, loss: Loss, x: Sequence[float], y: Any) -> str:
    """`STEP`, from the weights, a sample and its target to the loss and its gradient; `NEURONS`, from
    weights and a sample to what every neuron says."""
    parameters, rebuild = model.tree_parts()
    count, wide = len(parameters), len(x)

    def loss_of(weights: Sequence[Any], xs: Sequence[Any]) -> Any:
        target = xs[wide] if len(y) == 1 else xs[wide:]
        return loss(rebuild(list(weights))(xs[:wide]), target)

    def step(xs: Sequence[Any]) -> list[Any]:
        value, gradient = engine.value_and_grad(loss_of)(list(xs[:count]), list(xs[count:]))
        return [value, *gradient]

    def neurons(xs: Sequence[Any]) -> list[Any]:
        return list(said(chain_of(rebuild(list(xs[:count]))) or [], xs[count : count + wide]))

    sources = []
    for name, f in (("STEP", step), ("NEURONS", neurons)):
        tape = simplified(trace(f, [f"x{i}" for i in range(count + wide + len(y))]))
        sources.append(f"const {name} = (() => {{\n{javascript_source(tape, 'run')}return run;\n}})();")
    return "\n".join(sources)


def said(layers: Sequence[Layer], x: Any) -> Iterator[Any]:
    """What all neurons say, layer by layer."""
    for layer in layers:
        x = as_list(layer(x))
        yield from x


def target_numbers(target: Any, width: int, loss: Loss) -> list[float]:
    """A target as a loss takes it on a tape, where nothing is indexed: a class as weights of all classes."""
    if loss is losses.cross_entropy and not isinstance(target, list):
        return [float(k == target) for k in range(width)]
    return [float(x) for x in Tree(target).scalars]


def label(target: Any, width: int, loss: Loss) -> float:
    """The class of a sample, or the number it should get."""
    row = target_numbers(target, width, loss)
    return row.index(max(row)) if loss is losses.cross_entropy else row[0]


def task(targets: Sequence[Any], loss: Loss, width: int) -> dict[str, Any]:
    """What the outputs mean. For one output: between which numbers two classes lie, or, for "numbers", the
    middle and the reach of all targets."""
    found = [label(target, width, loss) for target in targets]
    low, high = min(found), max(found)
    if loss is losses.cross_entropy:
        return {"kind": "classes", "middle": 0.0, "reach": 1.0, "low": low, "high": high}
    if loss is losses.binary_cross_entropy_with_logits:
        return {"kind": "logit", "middle": 0.5, "reach": 0.5, "low": 0.0, "high": 1.0, "names": ["0", "1"]}
    two = {*found} <= {0.0, 1.0} or {*found} <= {-1.0, 1.0}
    if width == 1 and (two or loss in (losses.hinge, losses.binary_cross_entropy)):
        low, high = (-1.0, 1.0) if low < 0.0 or loss is losses.hinge else (0.0, 1.0)
    ends = {"middle": (low + high) / 2, "reach": (high - low) / 2 or 1.0, "low": low, "high": high}
    kind = "sides" if width == 1 and two else "numbers"
    return {"kind": kind, **ends, "names": [typeset(f"{x:.2g}") for x in (low, high)]}


def domain(X: Sequence[Sequence[float]]) -> list[list[float]]:
    """The range of each input, with a margin; of two inputs in like units one for both."""
    ranges = [(min(column), max(column)) for column in zip(*X, strict=True)]
    spans = [high - low for low, high in ranges]
    if len(ranges) == 2 and max(spans) < SQUARE * min(spans):
        ranges = [(min(map(min, X)), max(map(max, X)))] * 2
    margins = [0.15 * (high - low) or 1.0 for low, high in ranges]
    return [[low - m, high + m] for (low, high), m in zip(ranges, margins, strict=True)]


def names(given: Sequence[str], count: int, stem: str) -> list[str]:
    """Raises ValueError for another number of names."""
    if given and len(given) != count:
        raise ValueError(f"{count} names are needed, got {len(given)}: {brief(list(given), 60)}")
    if given:
        return [clean(str(name)) for name in given]
    if stem == "output":
        return [stem]
    return [f"{stem}{k + bool(stem)}" for k in range(count)]


def optimiser_settings(optimizer: Optimizer | None) -> dict[str, Any]:
    """The settings of all optimisers that the page has, those of the given one with it."""
    kinds = {kind.__name__: settings(kind([Value(0.0)])) for kind in OPTIMISERS}
    name = "Adam" if optimizer is None else type(optimizer).__name__
    rate = RATE if optimizer is None else first_rate(optimizer) or RATE
    if optimizer is not None and name in kinds:
        kinds[name] = settings(optimizer)
    note = "" if name in kinds else f"The page has no {clean(name)}: it trains by SGD. "
    chosen = name if name in kinds else "SGD"
    return {"optimizers": kinds, "optimizer": chosen, "rate": rate, "note": note.strip()}


def settings(optimizer: Optimizer) -> dict[str, float]:
    """Its numbers, such as betas and momentum."""
    state = optimizer.state_dict()
    return {key: float(x) for key, x in state.items() if isinstance(x, (int, float)) and key != "steps"}


def first_weights(model: Module, history: History | None) -> list[float]:
    """Raises ValueError for the history of another model."""
    own = [p.data for p in model.parameters()]
    if history is None or not history.weights:
        return own
    first = next(iter(history.weights.values()))
    if len(first) != len(own):
        raise ValueError(
            f"this is the history of another model: it has {len(first):,} weights, the model {len(own):,}"
        )
    return list(first)


def recorded(history: History) -> dict[str, Any]:
    """The weights in single precision, which pictures do not exceed."""
    flat = array("f", (x for weights in history.weights.values() for x in weights))
    return {
        "epochs": list(history.weights),
        "weights": b64encode(flat.tobytes()).decode(),
        "loss": [number(x) for x in history.loss],
        "validation": [number(x) for x in history.validation],
    }
