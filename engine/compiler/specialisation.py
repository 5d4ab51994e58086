"""A function compiled for one structure of arguments: its tapes, and what runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, final

from engine.compiler.backend import Backend, Block, Executable, Layout, Options
from engine.compiler.calls.arguments import Arguments, merged
from engine.compiler.calls.results import Results, has_array, skeleton_of
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import replay, trace
from engine.modes import collector_paused
from engine.primitive import as_float
from engine.transform import value_and_grad
from engine.trees import Tree, is_array, parts


@final
class Specialisation:
    """`recorded` is the tape as traced: transforms apply to it as they would to the function.
    `tape` is the same after all passes: what runs, and what is written out. `shortened` says whether
    the function that it belongs to has looked for a short way to it."""

    def __init__(
        self, recorded: Tape, results: Results, layout: Layout, backend: Backend, options: Options
    ) -> None:
        self.recorded = recorded
        self.results = results
        self.layout = layout
        self.backend = backend
        self.options = options
        self.tape = simplified(recorded)
        self.gradients: dict[int, Executable] = {}
        self.shortened = False

    def __reduce__(self) -> Any:
        return Specialisation, (self.recorded, self.results, self.layout, self.backend, self.options)

    @cached_property
    def executable(self) -> Executable:
        return self.backend(self.tape, self.layout, self.options)

    @property
    def stacked(self) -> bool:
        """Whether there are results for each of many examples."""
        return self.layout.mapped and self.layout.reduce is None

    def run(self, arguments: Arguments) -> Any:
        """All outputs for arguments of this structure: floats, or an array as from `Executable.arrays`."""
        if not self.layout.mapped and not any(is_array(leaf.data) for leaf in arguments.leaves):
            return self.executable.numbers(*[as_float(leaf.data) for leaf in arguments.leaves])
        blocks = arguments.blocks(self.layout.blocks, self.options.dtype)
        return self.executable.arrays(blocks, arguments.examples)

    def built(self, outputs: Any, args: Sequence[Any]) -> Any:
        """The results that these outputs are: plain numbers and arrays."""
        if self.stacked:
            return self.results.stacked(outputs, has_array(args))
        return self.results.from_array(outputs) if is_array(outputs) else self.results.one(outputs)

    def direct(self, args: Sequence[Any]) -> Callable[..., Any] | None:
        """The shortest way from such arguments to the results."""
        return self.executable.direct(args, self.results)

    def slopes(self, output: int) -> Executable:
        """What runs an output and its derivatives to every input, all of them single numbers."""
        if output not in self.gradients:
            layout = Layout((Block(len(self.tape.inputs), False),))
            self.gradients[output] = self.backend(gradient_tape(self.recorded, output), layout, self.options)
        return self.gradients[output]


def gradient_tape(recorded: Tape, output: int) -> Tape:
    """The tape of an output and its derivatives to every input, simplified together."""

    def value_and_gradient(inputs: Sequence[Any]) -> list[Any]:
        def f(*xs: Any) -> Any:
            return replay(recorded, xs)[output]

        value, gradients = value_and_grad(f, tuple(range(len(inputs))))(*inputs)
        return [value, *gradients]

    return simplified(trace(value_and_gradient, recorded.inputs))


@collector_paused()
def specialised(
    f: Callable[..., Any],
    arguments: Arguments,
    names: Sequence[str],
    reduction: tuple[str | None] | None,
    backend: Backend,
    options: Options,
) -> Specialisation:
    """f, traced with symbols in place of all numbers; `reduction` says what becomes of many examples."""
    tree = Tree(arguments.example)
    structure: list[Results] = []

    def flat(symbols: Sequence[Any]) -> list[Any]:
        results = Tree(f(*tree.build(symbols)))
        structure.append(Results(skeleton_of(results)))
        return results.scalars

    recorded = trace(flat, input_names(names, arguments.example))
    mapped = reduction is not None
    layout = Layout(merged(arguments.leaves), mapped, reduction[0] if reduction else None)
    return Specialisation(recorded, structure[0], layout, backend, options)


def input_names(names: Sequence[str], example: Sequence[Any]) -> list[str]:
    """x for a number, x[0], x[1] ... for the numbers of anything else."""
    labels: list[str] = []
    for name, argument in zip(names, example, strict=True):
        tree = Tree(argument)
        single = len(tree.pieces) == 1 and tree.pieces[0].shape is None and parts(argument) is None
        labels += [name] if single else [f"{name}[{i}]" for i in range(len(tree.scalars))]
    return labels
