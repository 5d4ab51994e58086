"""The NumPy backend: a tape over arrays, one ufunc after the other; over floats by the kernels.

What NumPy has no function for, the kernels compute, example by example: slower, and to the bit.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final, final

from engine.compiler.backend import Layout, Options
from engine.compiler.calls.results import Results
from engine.compiler.tape.tape import Tape
from engine.node import CONSTANT
from engine.primitive import Primitive

# Functions whose NumPy namesakes agree with the kernels within rounding, also at the edges
UFUNCS: Final = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "div": "divide",
    "neg": "negative",
    "square": "square",
    "abs": "absolute",
    "exp": "exp",
    "exp2": "exp2",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "log2": "log2",
    "log10": "log10",
    "sqrt": "sqrt",
    "sin": "sin",
    "cos": "cos",
    "tanh": "tanh",
    "sinh": "sinh",
    "cosh": "cosh",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "round": "rint",
}


@final
class NumpyBackend:
    """A tape run by NumPy."""

    def __init__(self, tape: Tape, layout: Layout, options: Options) -> None:
        self.tape = tape
        self.layout = layout
        self.dtype = options.dtype
        self.entries = list(tape.entries)
        self.last = last_uses(tape)

    def numbers(self, *xs: float) -> list[float]:
        return self.tape.evaluate(xs)

    def direct(self, args: Sequence[Any], results: Results) -> Callable[..., Any] | None:
        numbers, one = self.numbers, results.one
        if self.layout.mapped or not all(type(x) is float for x in args):
            return None
        kinds = [float] * len(args)

        def short(*xs: Any, **keywords: Any) -> Any:
            return NotImplemented if keywords or list(map(type, xs)) != kinds else one(numbers(*xs))

        return short

    def arrays(self, blocks: Sequence[Any], examples: int) -> Any:
        numpy = sys.modules["numpy"]
        if not self.layout.mapped:
            scalars = [float(x) for block in blocks for x in block]
            return numpy.array(self.tape.evaluate(scalars), dtype=self.dtype)
        outputs = numpy.empty((examples, len(self.tape.outputs)), dtype=self.dtype)
        with numpy.errstate(all="ignore"):
            for k, column in enumerate(self.columns(blocks)):
                outputs[:, k] = column
        return outputs if self.layout.reduce is None else reduced(outputs, self.layout.reduce)

    def columns(self, blocks: Sequence[Any]) -> list[Any]:
        """Each output over all examples, or one number if it is the same for all."""
        slots: list[Any] = []
        for block, array in zip(self.layout.blocks, blocks, strict=True):
            slots += [array[:, j] if block.batched else array[j] for j in range(block.size)]
        for slot, (primitive, operands, number) in enumerate(self.entries):
            if primitive is CONSTANT:
                slots.append(number)
            elif operands:
                slots.append(elementwise(primitive)(*[slots[i] for i in operands]))
                for i in self.last[slot]:
                    slots[i] = None  # large batches: an array goes when nobody reads it any more
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
def elementwise(primitive: Primitive) -> Callable[..., Any]:
    """A row as a function of arrays."""
    numpy = sys.modules["numpy"]
    if primitive.name in UFUNCS:
        return getattr(numpy, UFUNCS[primitive.name])  # type: ignore[no-any-return]
    if primitive.name in SPELLED:
        return SPELLED[primitive.name]
    return by_kernel(primitive)


def by_kernel(primitive: Primitive) -> Callable[..., Any]:
    """The kernel, example by example."""
    numpy = sys.modules["numpy"]

    def applied(*columns: Any) -> Any:
        rows = numpy.broadcast_arrays(*columns)
        values = [
            primitive.evaluate(list(row)) for row in zip(*(r.ravel().tolist() for r in rows), strict=True)
        ]
        return numpy.array(values, dtype=numpy.result_type(*columns, "float32")).reshape(rows[0].shape)

    return applied


def select(condition: Any, a: Any, b: Any) -> Any:
    return sys.modules["numpy"].where(condition != 0.0, a, b)


def relu(x: Any) -> Any:
    return sys.modules["numpy"].where(x <= 0.0, 0.0, x)


def step(x: Any) -> Any:
    return sys.modules["numpy"].where(x <= 0.0, 0.0, 1.0)


def total(*xs: Any) -> Any:
    result = 0.0
    for x in xs:
        result = result + x
    return result


def dot(*xs: Any) -> Any:
    half = len(xs) // 2
    return total(*[x * y for x, y in zip(xs[:half], xs[half:], strict=True)])


SPELLED: Final[dict[str, Callable[..., Any]]] = {
    "less": lambda x, y: (x < y) * 1.0,  # numbers: sums of truth values are counts
    "less_equal": lambda x, y: (x <= y) * 1.0,
    "greater": lambda x, y: (x > y) * 1.0,
    "greater_equal": lambda x, y: (x >= y) * 1.0,
    "select": select,
    "relu": relu,
    "step": step,
    "sum": total,
    "dot": dot,
}
