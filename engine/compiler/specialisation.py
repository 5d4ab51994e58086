"""A function compiled for one structure of arguments: its tapes, and what runs them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, final

from engine.batch import Batch
from engine.compiler.backend import Backend, Block, Executable, Layout, Options, computed, refused
from engine.compiler.calls.arguments import Arguments, merged
from engine.compiler.calls.flattening import flattener
from engine.compiler.calls.results import Results, skeleton_of
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import replay, trace
from engine.modes import collector_paused
from engine.transform import value_and_grad
from engine.trees import Rebuild, Tree, parts


@final
class Specialisation:
    """`recorded` is the tape as traced: transforms apply to it as they would to the function.
    `tape` is the same after all passes: what runs, and what is written out."""

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
        self.fast: Callable[..., Any] | None = None

    def __reduce__(self) -> Any:
        return Specialisation, (self.recorded, self.results, self.layout, self.backend, self.options)

    @cached_property
    def executable(self) -> Executable:
        return self.backend(self.tape, self.layout, self.options)

    def __call__(self, arguments: Arguments) -> Any:
        """The results for arguments of this structure: plain numbers and arrays."""
        outputs = self.outputs(arguments.inputs(self.layout.blocks, self.options.dtype))
        if self.layout.stacked:
            return self.results.stacked(outputs, arguments.has_array)
        return self.results.from_array(outputs)

    def flat(self, arguments: Arguments) -> tuple[Sequence[Any], Rebuild]:
        """The numbers of the results, and the way back."""
        if self.layout.stacked:
            tree = Tree(self(arguments))
            return tree.scalars, tree.build
        inputs = arguments.inputs(self.layout.blocks, self.options.dtype)
        return self.outputs(inputs).tolist(), self.results.tree.build

    def outputs(self, inputs: Sequence[Any]) -> Any:
        """All outputs, of an array for each block of the layout."""
        count = len(self.tape.outputs)
        shape = (self.layout.examples(inputs), count) if self.layout.stacked else (count,)
        return computed(self.executable, inputs, shape, self.options.dtype)

    def fast_path(self, args: Sequence[Any], has_array: bool) -> Callable[..., Any]:
        """From arguments of this structure to the results, as short as it can be."""
        if self.fast is None:
            in_arrays = not self.layout.stacked or self.results.in_arrays(has_array)
            found = self.executable.fast_path(args, self.results.skeleton) if in_arrays else None
            self.fast = found or (self.flattened(list(args)) if in_arrays else None) or refused
        return self.fast

    def flattened(self, args: list[Any]) -> Callable[..., Any] | None:
        """The same for arguments, or results, with dicts in them."""
        take, leaves, assemble = flattener(args), list[Any](), self.results.tree.assemble
        take(args, leaves)
        direct = self.executable.fast_path(leaves, self.results.pieces)
        if direct is None:
            return None

        def path(*args: Any, **keywords: Any) -> Any:
            leaves: list[Any] = []
            if keywords or not take(list(args), leaves):
                return NotImplemented
            pieces = direct(*leaves)
            return NotImplemented if pieces is NotImplemented else assemble(pieces)

        return path

    # Of single numbers, one for each input

    def numbers(self, xs: Sequence[float]) -> list[float]:
        """All outputs."""
        column, inputs = self.column(xs), []
        for block in self.layout.blocks:
            inputs.append(column[: block.size])
            column = column[block.size :]
        return self.outputs(inputs).tolist()  # type: ignore[no-any-return]

    def slopes(self, output: int, xs: Sequence[float]) -> list[float]:
        """The derivatives of an output to every input."""
        if output not in self.gradients:
            layout = Layout((Block(len(xs), False),))
            self.gradients[output] = self.backend(gradient_tape(self.recorded, output), layout, self.options)
        executable, dtype = self.gradients[output], self.options.dtype
        return computed(executable, [self.column(xs)], (1 + len(xs),), dtype).tolist()[1:]  # type: ignore[no-any-return]

    def column(self, xs: Sequence[float]) -> Any:
        return sys.modules["numpy"].array(xs, dtype=self.options.dtype)


def gradient_tape(recorded: Tape, output: int) -> Tape:
    """The tape of an output and its derivatives to every input, simplified together."""

    def value_and_gradient(inputs: Sequence[Any]) -> list[Any]:
        def f(*xs: Any) -> Any:
            return replay(recorded, xs)[output]

        value, gradients = value_and_grad(f, tuple(range(len(inputs))))(*inputs)
        return [value, *gradients]

    return simplified(trace(value_and_gradient, recorded.inputs))


def specialised(
    f: Callable[..., Any],
    arguments: Arguments,
    names: Sequence[str],
    batch: Batch | None,
    backend: Backend,
    options: Options,
) -> Specialisation:
    """f, of one example if there is a batch, traced with symbols in place of all numbers."""
    tree = Tree(arguments.example)
    structure: list[Results] = []

    def flat(symbols: Sequence[Any]) -> list[Any]:
        results = Tree(f(*tree.build(symbols)))
        structure.append(Results(skeleton_of(results)))
        return results.scalars

    layout = Layout(merged(arguments.leaves), batch is not None, batch.reduce if batch else None)
    with collector_paused():
        recorded = trace(flat, input_names(names, arguments.example))
        return Specialisation(recorded, structure[0], layout, backend, options)


def input_names(names: Sequence[str], example: Sequence[Any]) -> list[str]:
    """x for a number, x[0], x[1] ... for the numbers of anything else."""
    labels: list[str] = []
    for name, argument in zip(names, example, strict=True):
        tree = Tree(argument)
        single = len(tree.pieces) == 1 and tree.pieces[0].shape is None and parts(argument) is None
        labels += [name] if single else [f"{name}[{i}]" for i in range(len(tree.scalars))]
    return labels
