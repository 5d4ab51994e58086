"""A tape as machine code in memory: its segments and driver, with the kernels that they call."""

from __future__ import annotations

from engine.compiler.backend import Layout, Options
from engine.compiler.llvm.driver import Driver
from engine.compiler.llvm.host import Linked
from engine.compiler.llvm.library import Module, library
from engine.compiler.llvm.nested import NestedProgram
from engine.compiler.llvm.plan import Plan, is_large, is_long
from engine.compiler.llvm.rolled import RolledProgram, pays
from engine.compiler.llvm.rows import ROWS
from engine.compiler.llvm.segment import Segment
from engine.compiler.loops.roller import regular
from engine.compiler.tape.tape import Tape
from engine.modes import collector_paused
from engine.primitive import Primitive


def called_rows(plan: Plan) -> list[Primitive]:
    """The rows of a tape that call their kernels."""
    entries = (e for e in plan.entries if e.operands and (e.primitive.key not in ROWS or is_long(e)))
    return list(dict.fromkeys(e.primitive for e in entries))


@collector_paused()
def linked(tape: Tape, layout: Layout, options: Options) -> list[Linked]:
    """The code in memory; the last part exports `run`. Raises Untranslatable for all it cannot compile.

    A small tape is optimised together with its kernels; of a large one only the kernels are, and the
    loops, if it has any.
    """
    found = regular(tape.with_guards()) if layout.mapped or is_large(tape, layout) else None
    if found and layout.mapped:
        nests = NestedProgram(found, layout, options)
        if nests.pays:
            return [nests.module.linked(("run",), {}, True)]
    elif found:
        program = RolledProgram(found, layout, options, tape.guards)
        if pays(program):
            return in_parts(program.library, Module([program.constants], program.body))
    plan = Plan(tape, layout, options)
    below = library(called_rows(plan), plan.kernel_shape)
    segments = [Segment(plan).function(k) for k in range(len(plan.segments))]
    names = [segment.name for segment in segments]
    driver = Driver(layout, plan.memory, names, [names[k] for k in plan.checks])
    body = Module(driver.constants, [*segments, driver.function()])
    if plan.large:
        return in_parts(below, body)
    whole = Module([*below.constants, *body.constants], [*below.functions, *body.functions])
    return [whole.linked(("run",), {}, True)]


def in_parts(below: Module, body: Module) -> list[Linked]:
    """What is called is optimised, what calls it is not."""
    called = sorted(body.calls.keys() & {function.name for function in below.functions})
    if not called:
        return [body.linked(("run",), {}, False)]
    apart = below.linked(called, {}, True)
    return [apart, body.linked(("run",), apart.addresses, False)]
