"""A rolled tape, mapped over examples, as machine code: its nests as functions, and their driver."""

from __future__ import annotations

from engine.compiler.backend import Layout, Options
from engine.compiler.llvm.code import Shape, constants
from engine.compiler.llvm.driver import Driver
from engine.compiler.llvm.library import Module, library
from engine.compiler.llvm.loop_operations import has_kernel
from engine.compiler.llvm.memory import Memory
from engine.compiler.llvm.nest_function import NestFunction
from engine.compiler.llvm.nests import Nests
from engine.compiler.llvm.plan import LANES, NUMBER
from engine.compiler.llvm.regions import LANES as SLOTS
from engine.compiler.llvm.regions import SUMS, Regions
from engine.compiler.loops.rolled_tape import Rolled


class NestedProgram:
    """A tape in one layout."""

    def __init__(self, rolled: Rolled, layout: Layout, options: Options) -> None:
        self.rolled, self.layout, self.options = rolled, layout, options
        self.regions = Regions(rolled, layout)
        self.nests = Nests(self.regions)

    @property
    def pays(self) -> bool:
        return self.nests.pays

    @property
    def module(self) -> Module:
        loops = [each.loop for each in self.nests.statements]
        rows = dict.fromkeys(loop.primitive for loop in loops)
        array = max((loop.length for loop in loops if loop.primitive.gradient is not None), default=0)
        number, counts = NUMBER[self.options.dtype], self.regions.counts
        shape = Shape(LANES[self.options.dtype], number)
        memory = Memory(shape, counts[SLOTS], counts[SUMS], array, self.regions.outputs)
        functions = [
            NestFunction(nest, self.regions, memory, self.options.fast_math).function(f"nest{nest.number}")
            for nest in self.nests.nests
        ]
        driver = Driver(self.layout, memory, [function.name for function in functions])
        below = library([row for row in rows if has_kernel(row)], Shape(shape.lanes))
        texts = [
            *below.constants,
            *driver.constants,
            constants("constants", shape.one, self.rolled.constants),
        ]
        return Module(texts, [*below.functions, *functions, driver.function()])
