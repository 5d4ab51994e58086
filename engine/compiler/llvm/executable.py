"""A tape as machine code that is called from Python."""

from __future__ import annotations

import ctypes
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from typing import Any, Final, final

from engine.compiler.backend import Executable, Layout, Options
from engine.compiler.calls.results import Results
from engine.compiler.errors import Untranslatable
from engine.compiler.llvm import python_objects
from engine.compiler.llvm.code import Shape
from engine.compiler.llvm.entry import CHUNK, LEAVES, Entry
from engine.compiler.llvm.host import Linked, binding
from engine.compiler.llvm.inspection import Unsupported
from engine.compiler.llvm.plan import NUMBER
from engine.compiler.llvm.program import linked
from engine.compiler.numpy_backend import NumpyBackend
from engine.compiler.tape.tape import Tape

FLOATS: Final = {"float64": ctypes.c_double, "float32": ctypes.c_float}


@final
class Native:
    """A tape in machine code. Sums over examples do not depend on the number of threads."""

    def __init__(self, tape: Tape, layout: Layout, options: Options) -> None:
        self.tape, self.layout, self.options = tape, layout, options
        self.code = linked(tape, layout, options)
        word, pointer = ctypes.c_int64, ctypes.c_void_p
        kinds = (pointer, word, word, pointer, word, FLOATS[options.dtype])
        self.run = ctypes.CFUNCTYPE(ctypes.c_int, *kinds)(self.code[-1].addresses["run"])

    # The long way

    def numbers(self, *xs: float) -> Sequence[float]:
        if self.flat is not None:
            results: Sequence[float] = self.flat(*map(float, xs))
            return results
        column, blocks = sys.modules["numpy"].array(xs, dtype=self.options.dtype), []
        for block in self.layout.blocks:
            blocks.append(column[: block.size])
            column = column[block.size :]
        numbers: list[float] = self.arrays(blocks, 0).tolist()
        return numbers

    @cached_property
    def flat(self) -> Callable[..., Any] | None:
        """From floats to a tuple of all outputs, if they are few."""
        if len(self.layout.blocks) > 1 or max(len(self.tape.inputs), len(self.tape.outputs)) > LEAVES:
            return None
        return self.entry([0.0] * len(self.tape.inputs), (0.0,) * len(self.tape.outputs))

    def arrays(self, blocks: Sequence[Any], examples: int) -> Any:
        numpy, count = sys.modules["numpy"], len(self.tape.outputs)
        table = (ctypes.c_void_p * len(blocks))(*(block.ctypes.data for block in blocks))
        if not self.layout.mapped:
            out = numpy.empty(count, dtype=self.options.dtype)
            self.part(table, 0, 0, out, 0, 1.0)
            return out
        starts = range(0, examples, CHUNK)
        spans = [(start, min(start + CHUNK, examples)) for start in starts]
        if self.layout.reduce is None:
            out = numpy.empty((count, examples), dtype=self.options.dtype)
            self.parts(lambda k, span: self.part(table, *span, out, examples, 1.0), spans)
            return out.T
        divisor = float(examples) if self.layout.reduce == "mean" else 1.0
        sums = numpy.empty((len(spans), count), dtype=self.options.dtype)
        last = divisor if len(spans) == 1 else 1.0
        self.parts(lambda k, span: self.part(table, *span, sums[k], examples, last), spans)
        return sums[0] if len(spans) == 1 else numpy.add.accumulate(sums)[-1] / divisor

    def part(self, table: Any, start: int, stop: int, out: Any, stride: int, divisor: float) -> None:
        if self.run(table, start, stop, out.ctypes.data, stride, divisor):
            raise MemoryError(f"no memory for the {len(self.tape.entries)} slots of a compiled function")

    def parts(self, work: Callable[[int, tuple[int, int]], None], spans: Sequence[tuple[int, int]]) -> None:
        if self.options.threads == 1 or len(spans) == 1:
            for k, span in enumerate(spans):
                work(k, span)
            return
        with ThreadPoolExecutor(min(self.options.threads, len(spans))) as pool:
            list(pool.map(work, range(len(spans)), spans))

    # The short way

    def direct(self, args: Sequence[Any], results: Results) -> Callable[..., Any] | None:
        return self.entry(args, results.skeleton)

    def entry(self, args: Sequence[Any], result: Any) -> Callable[..., Any] | None:
        """Machine code for arguments of just this structure."""
        entry = Entry(self.tape, self.layout, Shape(0, NUMBER[self.options.dtype]), result)
        try:
            source = entry.function(args)
        except Unsupported:
            return None
        functions = python_objects.functions() | {"new_array": python_objects.array_maker()}
        imports = functions | {"run": self.code[-1].addresses["run"]}
        code = Linked(source, ("entry",), imports, True)
        return python_objects.function_at(code, self.code, entry.kept)


def llvm(tape: Tape, layout: Layout, options: Options) -> Executable:
    """The backend. NumPy computes what it cannot: rows that are Python functions; all, without llvmlite."""
    if not installed():
        return NumpyBackend(tape, layout, options)
    try:
        return Native(tape, layout, options)
    except Untranslatable:
        return NumpyBackend(tape, layout, options)


@cache
def installed() -> bool:
    """Whether llvmlite is there; if not, a warning says so, once."""
    try:
        binding()
    except ImportError:
        warnings.warn(
            "llvmlite is not installed: jit runs on NumPy, which is slower. pip install 'chainrule[jit]'",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True
