"""All kernels that a tape needs in one shape, with the atoms and tables below them; modules of functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.definition import ATOMS, Kernel, collect, is_atom, tables_of, translated
from engine.compiler.llvm.code import Function, Shape, constants
from engine.compiler.llvm.host import Linked, address
from engine.compiler.llvm.kernels import atom_name
from engine.compiler.llvm.lanes import lane_atom, lane_by_lane, lane_function
from engine.compiler.llvm.scalar import SCALAR, scalar_function
from engine.primitive import Primitive


class Module(NamedTuple):
    """Constants and functions that go into memory together."""

    constants: Sequence[str]
    functions: list[Function]

    @property
    def calls(self) -> dict[str, str]:
        """Declarations of all that the functions call, by name."""
        return {name: line for function in self.functions for name, line in function.calls.items()}

    def linked(self, exports: Collection[str], known: Mapping[str, int], optimise: bool) -> Linked:
        """In memory. What it calls and does not define is known, or a function of libm."""
        defined = {function.name for function in self.functions}
        outside = {name: line for name, line in self.calls.items() if name not in defined}
        imports = {
            name: known.get(name) or known_address(name.removeprefix("atom."))
            for name in outside
            if not name.startswith("llvm.")
        }
        functions = (f"define {'' if f.name in exports else 'internal '}{f.text}" for f in self.functions)
        source = "\n".join([*outside.values(), *self.constants, *functions])
        return Linked(source, exports, imports, optimise)


def library(rows: Sequence[Primitive], shape: Shape) -> Module:
    """The kernels of rows with all that they call. Raises Untranslatable, for all rows at once."""
    alone: dict[Kernel, Function] = {}

    def write(kernel: Kernel) -> Function:
        if not shape.lanes:
            return scalar_function(kernel)
        try:
            return lane_function(kernel, shape)
        except Untranslatable:
            collect(kernel, alone, scalar_function)
            return lane_by_lane(kernel, shape)

    kernels = translated(rows, "compiled code", write)
    functions = [*kernels.values(), *alone.values()]
    called = {name for function in functions for name in function.calls}
    called.update(atom_name(row.value.__name__, shape) for row in rows if is_atom(row.value))
    for name, arity in ATOMS.items() if shape.lanes else ():
        if atom_name(name, shape) in called:
            functions += lane_atom(name, arity, shape)
    tables = [constants(name, SCALAR, numbers) for name, numbers in tables_of(kernels).items()]
    return Module(tables, functions)


def known_address(symbol: str) -> int:
    """Raises Untranslatable for a function that this machine's C library does not have."""
    found = address(symbol)
    if found is None:
        raise Untranslatable(f"the C library of this machine has no {symbol}")
    return found
