"""A tape as machine code that is called from Python."""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from typing import Any, Final, final

from engine.compiler.backend import READY, Executable, Function, Layout, Options, refused
from engine.compiler.errors import Untranslatable
from engine.compiler.llvm import python_objects
from engine.compiler.llvm.code import Shape
from engine.compiler.llvm.driver import CHUNK, GUARD, NO_MEMORY
from engine.compiler.llvm.entry import Entry, Limits
from engine.compiler.llvm.host import binding
from engine.compiler.llvm.plan import NUMBER
from engine.compiler.llvm.program import linked
from engine.compiler.llvm.python_arguments import Unsupported
from engine.compiler.numpy_backend import NumpyBackend
from engine.compiler.tape.tape import Tape

FLOATS: Final = {"float64": ctypes.c_double, "float32": ctypes.c_float}
QUICK: Final = 1_000_000  # operations, on all examples together, that may be done while others wait: 0.1 ms
SHARED: Final = 4_000_000  # operations from where on threads gain more than they cost


@final
class Native:
    """A tape in machine code. Sums over examples do not depend on the number of threads."""

    def __init__(self, tape: Tape, layout: Layout, options: Options) -> None:
        self.tape, self.layout, self.options = tape, layout, options
        self.code = linked(tape, layout, options)
        self.ready = READY
        word, pointer = ctypes.c_int64, ctypes.c_void_p
        kinds = (pointer, word, word, pointer, word, FLOATS[options.dtype])
        self.address = self.code[-1].addresses["run"]
        self.function = ctypes.CFUNCTYPE(ctypes.c_int, *kinds)(self.address)
        work = max(len(tape.entries), len(tape.outputs), 1)
        self.quick = QUICK // work
        self.alone = sys.maxsize if options.threads == 1 else max(CHUNK, SHARED // work)

    def fast_path(self, args: Sequence[Any], result: Any, turns: tuple[Any, ...]) -> Function | None:
        if not python_objects.offsets_hold():
            return None
        limits, shape = Limits(self.quick, self.alone), Shape(0, NUMBER[self.options.dtype])
        try:
            module = Entry(self.layout, len(self.tape.outputs), shape, limits, result, turns).module(args)
        except Unsupported:
            return None
        entry = module.linked(("entry",), python_objects.functions() | {"run": self.address}, True)
        address = entry.addresses["entry"]
        function: Function = python_objects.function_at(address, refused, entry, self.code, turns)
        return function

    @cached_property
    def filling(self) -> Function:
        """The fast path from inputs, with outputs as `out`; where a guard fails, its number."""
        numpy = sys.modules["numpy"]
        inputs = [numpy.empty((1, size) if batched else size) for size, batched in self.layout.blocks]
        guards = tuple(range(len(self.tape.guards)))
        return self.fast_path(inputs, numpy.empty(len(self.tape.outputs)), guards) or refused

    def run(self, inputs: Sequence[Any], outputs: Any) -> int:
        found = self.filling(*inputs, out=outputs)
        if found is NotImplemented:
            return self.fill(inputs, outputs)
        return found if isinstance(found, int) else -1

    def fill(self, inputs: Sequence[Any], outputs: Any) -> int:
        """The same by threads, or where the objects of Python are not known."""
        numpy, examples = sys.modules["numpy"], self.layout.examples(inputs)
        table = (ctypes.c_void_p * len(inputs))(*(x.ctypes.data for x in inputs))
        if not self.layout.mapped:
            return self.part(table, (0, 0), outputs, 0)
        spans = [(start, min(start + CHUNK, examples)) for start in range(0, examples, CHUNK)]
        count, stacked = outputs.shape[-1], self.layout.stacked
        parts = numpy.empty((count, examples) if stacked else (len(spans), count), dtype=outputs.dtype)

        def work(k: int) -> None:
            self.part(table, spans[k], parts if stacked else parts[k], examples)

        shared(work, len(spans), self.options.threads)
        if stacked:
            outputs[...] = parts.T
        else:
            divisor = float(examples) if self.layout.reduce == "mean" else 1.0
            outputs[...] = numpy.add.accumulate(parts)[-1] / divisor
        return -1

    def part(self, table: Any, span: tuple[int, int], out: Any, stride: int) -> int:
        """The first guard that failed, or -1."""
        status: int = self.function(table, *span, out.ctypes.data, stride, 1.0)
        if status == NO_MEMORY:
            raise MemoryError(f"no memory for the {len(self.tape.entries)} slots of a compiled function")
        return status - GUARD if status >= GUARD else -1


def shared(work: Callable[[int], None], count: int, threads: int) -> None:
    """Calls work(k) for each k, in so many threads; this one is one of them. Each takes the next that is
    left, so that none waits long for another."""
    rest = iter(range(count))

    def share() -> None:
        for k in rest:
            work(k)

    promised = [helpers().submit(share) for _ in range(1, min(threads, count))]
    share()
    for each in promised:
        if not each.cancel():  # what has not begun by now is not waited for: all work is taken
            each.result()


@cache
def helpers() -> ThreadPoolExecutor:
    """Threads, kept from their first work on; a forked process has none of them and makes its own."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=helpers.cache_clear)
    return ThreadPoolExecutor(os.cpu_count(), "chainrule")


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
