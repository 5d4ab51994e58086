"""A tape as machine code in memory: its segments and driver, with the kernels that they call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from engine.compiler.backend import Layout, Options
from engine.compiler.kernels.definition import is_atom, kernels_of
from engine.compiler.llvm.code import Shape
from engine.compiler.llvm.driver import Driver
from engine.compiler.llvm.host import Linked
from engine.compiler.llvm.kernels import atom_name
from engine.compiler.llvm.library import CALLED, atoms, declarations, kernel_functions, tables
from engine.compiler.llvm.plan import Plan, is_large, is_long
from engine.compiler.llvm.rolled import RolledProgram, pays
from engine.compiler.llvm.rows import ROWS
from engine.compiler.llvm.segment import Segment
from engine.compiler.loops.roller import regular
from engine.compiler.tape.tape import Tape
from engine.modes import collector_paused
from engine.primitive import Primitive

INTERNAL: Final = re.compile(r"^define internal [^@\n]*@([\w.]+)\(", re.M)
DEFINED: Final = re.compile(r"^define [^@]*@([\w.]+)\(", re.M)


def called_rows(plan: Plan) -> list[Primitive]:
    """The rows of a tape that call their kernels."""
    entries = (e for e in plan.entries if e.operands and (e.primitive.key not in ROWS or is_long(e)))
    return list(dict.fromkeys(e.primitive for e in entries))


def kernels(rows: Sequence[Primitive], shape: Shape) -> str:
    """The kernels of rows with all that they need but declarations."""
    body = "\n".join([*tables(kernels_of(rows, "compiled code")), *kernel_functions(rows, shape)])
    atomic = [p.value.__name__ for p in rows if is_atom(p.value)]
    called = " ".join(f"@{atom_name(name, shape)}(" for name in atomic)
    return "\n".join([body, *atoms(body + called, shape)])


@collector_paused()
def linked(tape: Tape, layout: Layout, options: Options) -> list[Linked]:
    """The code in memory; the last part exports `run`. Raises Untranslatable for all it cannot compile.

    A small tape is optimised together with its kernels; of a large one only the kernels are, and the
    loops, if it has any.
    """
    if is_large(tape, layout) and not layout.mapped:
        found = regular(tape)
        program = found and RolledProgram(found, layout, options)
        if program and pays(program):
            library = kernels(program.kernels, Shape(0))
            return in_parts("\n".join([library, program.grids]), program.body)
    plan = Plan(tape, layout, options)
    library = kernels(called_rows(plan), plan.kernel_shape)
    segments = [Segment(plan).function(k) for k in range(len(plan.segments))]
    body = "\n".join([*segments, Driver(plan).function()])
    if not plan.large:
        return [assembled([library, body], ("run",), {}, True)]
    return in_parts(library, body)


def in_parts(library: str, body: str) -> list[Linked]:
    """What is called is optimised, what calls it is not."""
    called = sorted({name for _, name, _ in CALLED.findall(body)} & set(DEFINED.findall(library)))
    if not called:
        return [assembled([body], ("run",), {}, False)]
    library = INTERNAL.sub(lambda found: found[0].replace("internal ", "", found[1] in called), library)
    apart = assembled([library], called, {}, True)
    return [apart, assembled([body], ("run",), apart.addresses, False)]


def assembled(
    texts: Sequence[str], exports: Sequence[str], known: Mapping[str, int], optimise: bool
) -> Linked:
    """Texts with declarations of what they call and do not define."""
    lines, imports = declarations("\n".join(texts), known)
    return Linked("\n".join([*lines, *texts]), exports, imports, optimise)
