"""The NumPy backend: a tape over arrays, one row after the other; over floats by the kernels."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, final

from engine.compiler.backend import READY, Layout, Options
from engine.compiler.errors import Untranslatable
from engine.compiler.sources.arrays import Key, key_of, row_function
from engine.compiler.sources.namespaces import NUMPY
from engine.compiler.tape.tape import Tape
from engine.node import CONSTANT

PART: Final = 2048  # examples at a time: what is larger than a cache takes eight times as long


@final
class NumpyBackend:
    """A tape run by NumPy."""

    def __init__(self, tape: Tape, layout: Layout, options: Options) -> None:
        self.tape = tape
        self.layout = layout
        self.dtype = options.dtype
        self.ready = READY
        self.entries = list(tape.entries)
        self.last = last_uses(tape)
        self.known = {i: e.number for i, e in enumerate(self.entries) if e.primitive is CONSTANT}

    def fast_path(self, args: Sequence[Any], result: Any, turns: tuple[Any, ...]) -> None:
        """There is none: NumPy takes arrays."""

    def run(self, inputs: Sequence[Any], outputs: Any) -> int:
        if not self.layout.mapped:
            numbers = self.tape.with_guards().evaluate([x for block in inputs for x in block.tolist()])
            outputs[...] = numbers[: len(outputs)]
            return self.tape.failed(numbers[len(outputs) :])
        numpy = sys.modules["numpy"]
        stacked = outputs
        if self.layout.reduce is not None:
            stacked = numpy.empty((self.layout.examples(inputs), len(outputs)), dtype=outputs.dtype)
        with numpy.errstate(all="ignore"):
            for start in range(0, len(stacked), PART):
                part = slice(start, start + PART)
                for k, column in enumerate(self.columns(inputs, part)):
                    stacked[part, k] = column
        if self.layout.reduce is not None:
            outputs[...] = reduced(stacked, self.layout.reduce)
        return -1

    def columns(self, blocks: Sequence[Any], part: slice) -> list[Any]:
        """Each output over a part of the examples, or one number if it is the same for all."""
        slots: list[Any] = []
        number_of = sys.modules["numpy"].dtype(self.dtype).type
        for block, array in zip(self.layout.blocks, blocks, strict=True):
            slots += [array[part, j] if block.batched else array[j] for j in range(block.size)]
        for slot, (primitive, operands, number) in enumerate(self.entries):
            if primitive is CONSTANT:
                slots.append(number_of(number))
            elif operands:
                key = key_of(primitive, [self.known.get(i) for i in operands])
                slots.append(elementwise(key)(*key.free([slots[i] for i in operands])))
                for i in self.last[slot]:
                    slots[i] = None  # long tapes: an array goes when nobody reads it any more
        return [slots[i] for i in self.tape.outputs]


def reduced(outputs: Any, reduce: str) -> Any:
    """The outputs summed over the examples, from left to right as `engine.sum` does, or averaged."""
    numpy = sys.modules["numpy"]
    total = numpy.add.accumulate(outputs, axis=0)[-1] + 0.0
    return total / len(outputs) if reduce == "mean" else total


def last_uses(tape: Tape) -> dict[int, list[int]]:
    """For each operation, the slots that nothing after it reads."""
    last = {i: slot for slot, entry in tape.operations() for i in entry.operands}
    table: dict[int, list[int]] = {slot: [] for slot, _ in tape.operations()}
    kept = set(tape.outputs)
    for i, slot in last.items():
        if i not in kept:
            table[slot].append(i)
    return table


@cache
def elementwise(key: Key) -> Callable[..., Any]:
    """A row as a function of arrays, in place of the operands that are not known."""
    try:
        function = row_function(key)
    except Untranslatable:
        function = by_kernel(key)
    return function if key.row.key in NUMPY.spelled else in_own_precision(function)


def in_own_precision(function: Callable[..., Any]) -> Callable[..., Any]:
    """Kernels compute in double precision, whatever the arrays are in."""
    numpy = sys.modules["numpy"]

    def applied(*columns: Any) -> Any:
        return function(*columns).astype(numpy.result_type(*columns), copy=False)

    return applied


def by_kernel(key: Key) -> Callable[..., Any]:
    """The kernel, example by example: for what cannot be lowered."""
    numpy = sys.modules["numpy"]

    def applied(*columns: Any) -> Any:
        arrays = numpy.broadcast_arrays(*columns)
        points = zip(*(array.ravel().tolist() for array in arrays), strict=True)
        values = [key.row.evaluate(key.operands(point)) for point in points]
        return numpy.array(values).reshape(arrays[0].shape)

    return applied
