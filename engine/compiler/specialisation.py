"""A function compiled for one structure of arguments: its tapes, and what runs them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, final

from engine.batch import Batch
from engine.compiler.backend import (
    Backend,
    Block,
    Executable,
    Function,
    Layout,
    Options,
    computed,
    refused,
)
from engine.compiler.calls.arguments import Arguments, merged
from engine.compiler.calls.flattening import flattener
from engine.compiler.calls.results import Results, skeleton_of
from engine.compiler.errors import Enclosed, TracingError
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.questions import Questions
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import replay, trace
from engine.modes import collector_paused
from engine.transform import value_and_grad
from engine.trees import Rebuild, Tree, parts


@final
class Specialisation:
    """`recorded` is the tape as traced: transforms apply to it as they would to the function.
    `tape` is the same after all passes: what runs, and what is written out. Where the function `raises`,
    there are no results: the tape has nothing but its guards, `error` says what the trace came to."""

    def __init__(
        self,
        recorded: Tape,
        results: Results,
        layout: Layout,
        backend: Backend,
        options: Options,
        error: str = "",
    ) -> None:
        self.recorded = recorded
        self.results = results
        self.layout = layout
        self.backend = backend
        self.options = options
        self.error = error
        self.tape = simplified(recorded)
        self.gradients: dict[int, Executable] = {}
        self.fast: Function | None = None
        self.lock = threading.Lock()

    def __reduce__(self) -> Any:
        parts = (self.recorded, self.results, self.layout, self.backend, self.options, self.error)
        return Specialisation, parts

    @cached_property
    def executable(self) -> Executable:
        return self.backend(self.tape, self.layout, self.options)

    @property
    def raises(self) -> bool:
        return not self.recorded.outputs

    @property
    def spreads(self) -> bool:
        """Whether each example of a batch has to find its path."""
        return self.layout.mapped and bool(self.recorded.guards)

    # Of examples that find their paths: what the guards look at, and the results of those that stay

    @cached_property
    def classifier(self) -> Executable:
        return self.for_examples([guard.slot for guard in self.recorded.guards])

    @cached_property
    def results_of_examples(self) -> Executable:
        return self.for_examples(self.recorded.outputs)

    def for_examples(self, outputs: Sequence[int]) -> Executable:
        tape = simplified(Tape(self.recorded.inputs, self.recorded.entries, outputs))
        return self.backend(tape, self.layout._replace(reduce=None), self.options)

    def rows(self, inputs: Sequence[Any], examples: Any) -> list[Any]:
        """The inputs of some examples."""
        pairs = zip(inputs, self.layout.blocks, strict=True)
        return [x[examples] if block.batched else x for x, block in pairs]

    def first_failed(self, inputs: Sequence[Any]) -> Any:
        """For each example the first guard that fails, or -1."""
        guards, examples = self.recorded.guards, self.layout.examples(inputs)
        with self.lock:
            classifier = self.classifier
        found, _ = computed(classifier, inputs, (examples, len(guards)), self.options.dtype)
        failed = sys.modules["numpy"].full(examples, -1)
        for k in range(len(guards) - 1, -1, -1):
            failed[~guards[k].holds(found[:, k])] = k
        return failed

    def on_lanes(self, inputs: Sequence[Any]) -> Any:
        """(examples, outputs), whether the guards hold or not."""
        shape = (self.layout.examples(inputs), len(self.recorded.outputs))
        with self.lock:
            executable = self.results_of_examples
        return computed(executable, inputs, shape, self.options.dtype)[0]

    def inputs(self, arguments: Arguments) -> list[Any]:
        """An array for each block of the layout."""
        return arguments.inputs(self.layout.blocks, self.options.dtype)

    def attempt(self, inputs: Sequence[Any]) -> tuple[Any, int]:
        """All outputs, and the first guard that failed, or -1."""
        count = len(self.tape.outputs)
        shape = (self.layout.examples(inputs), count) if self.layout.stacked else (count,)
        with self.lock:  # two threads shall not compile the same
            executable = self.executable
        return computed(executable, inputs, shape, self.options.dtype)

    def built(self, outputs: Any, has_array: bool) -> Any:
        """The results: plain numbers and arrays."""
        if self.layout.stacked:
            return self.results.stacked(outputs, has_array)
        return self.results.from_array(outputs)

    def flat(self, outputs: Any, has_array: bool) -> tuple[Sequence[Any], Rebuild]:
        """The numbers of the results, and the way back."""
        if self.layout.stacked:
            tree = Tree(self.built(outputs, has_array))
            return tree.scalars, tree.build
        return outputs.tolist(), self.results.tree.build

    def fast_path(self, args: Sequence[Any], has_array: bool, turns: tuple[Any, ...]) -> Function:
        """From arguments of this structure to the results, as short as it can be; where a guard fails, its
        entry in `turns`."""
        if self.fast is None:
            in_arrays = not self.layout.stacked or self.results.in_arrays(has_array)
            possible = in_arrays and not self.raises
            found = self.executable.fast_path(args, self.results.skeleton, turns) if possible else None
            self.fast = found or (self.flattened(list(args), turns) if possible else None) or refused
        return self.fast

    def flattened(self, args: list[Any], turns: tuple[Any, ...]) -> Function | None:
        """The same for arguments, or results, with dicts in them."""
        take, leaves, assemble = flattener(args), list[Any](), self.results.tree.assemble
        take(args, leaves)
        direct = self.executable.fast_path(leaves, self.results.pieces, turns)
        if direct is None:
            return None

        def path(*args: Any, **keywords: Any) -> Any:
            leaves: list[Any] = []
            if keywords or not take(list(args), leaves):
                return NotImplemented
            pieces = direct(*leaves)
            return assemble(pieces) if type(pieces) is tuple else pieces

        return path

    # Of single numbers, one for each input

    def numbers(self, xs: Sequence[float]) -> list[float]:
        """All outputs."""
        return self.attempt(self.split(xs))[0].tolist()  # type: ignore[no-any-return]

    def split(self, xs: Sequence[float]) -> list[Any]:
        """An array for each block of the layout."""
        column, inputs = self.column(xs), []
        for block in self.layout.blocks:
            inputs.append(column[: block.size])
            column = column[block.size :]
        return inputs

    def slopes(self, output: int, xs: Sequence[float]) -> list[float]:
        """The derivatives of an output to every input."""
        if output not in self.gradients:
            layout = Layout((Block(len(xs), False),))
            self.gradients[output] = self.backend(gradient_tape(self.recorded, output), layout, self.options)
        executable, dtype = self.gradients[output], self.options.dtype
        return computed(executable, [self.column(xs)], (1 + len(xs),), dtype)[0].tolist()[1:]  # type: ignore[no-any-return]

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
    questions: Questions,
) -> Specialisation:
    """f, of one example if there is a batch, traced with symbols in place of all numbers."""
    tree = Tree(arguments.example)
    structure: list[Results] = []
    errors: list[str] = []

    def flat(symbols: Sequence[Any]) -> list[Any]:
        try:
            results = Tree(f(*tree.build(symbols)))
        except Exception as error:
            if not questions.asked or isinstance(error, (TracingError, Enclosed)):
                raise
            results = Tree(())  # this path ends in an error of the user's own
            errors.append(f"{type(error).__name__}: {error}")
        else:
            if questions.refusal is not None:
                raise questions.refusal
            structure.append(Results(skeleton_of(results)))
        return results.scalars

    layout = Layout(merged(arguments.leaves), batch is not None, batch.reduce if batch else None)
    with collector_paused():
        recorded = trace(flat, input_names(names, arguments.example), questions)
        results = structure[0] if structure else Results(())
        return Specialisation(recorded, results, layout, backend, options, *errors)


def input_names(names: Sequence[str], example: Sequence[Any]) -> list[str]:
    """x for a number, x[0], x[1] ... for the numbers of anything else."""
    labels: list[str] = []
    for name, argument in zip(names, example, strict=True):
        tree = Tree(argument)
        single = len(tree.pieces) == 1 and tree.pieces[0].shape is None and parts(argument) is None
        labels += [name] if single else [f"{name}[{i}]" for i in range(len(tree.scalars))]
    return labels
