"""All kernels that a tape needs in one shape, with the atoms and tables below them; modules of functions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.definition import ATOMS, Kernel, collect, is_atom, kernels_of, translated
from engine.compiler.llvm.code import Function, Shape
from engine.compiler.llvm.host import Linked, address
from engine.compiler.llvm.kernels import atom_name, table_name
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
    functions = kernel_functions(rows, shape)
    called = {name for function in functions for name in function.calls}
    called.update(atom_name(row.value.__name__, shape) for row in rows if is_atom(row.value))
    if shape.lanes:
        for name, arity in ATOMS.items():
            if atom_name(name, shape) in called:
                functions += lane_atom(name, arity, shape)
    return Module(tables(kernels_of(rows, "compiled code")), functions)


def kernel_functions(rows: Iterable[Primitive], shape: Shape) -> list[Function]:
    if not shape.lanes:
        return list(translated(rows, "compiled code", scalar_function).values())
    alone: dict[Kernel, Function] = {}

    def on_lanes(kernel: Kernel) -> Function:
        try:
            return lane_function(kernel, shape)
        except Untranslatable:
            collect(kernel, alone, scalar_function)
            return lane_by_lane(kernel, shape)

    return [*translated(rows, "compiled code", on_lanes).values(), *alone.values()]


def tables(kernels: Iterable[Kernel]) -> list[str]:
    """The tuples of numbers that kernels read."""
    found = {table_name(k, name): numbers for k in kernels for name, numbers in k.tables().items()}
    return [
        f"@{name} = internal constant [{len(numbers)} x double] "
        f"[{', '.join(f'double {SCALAR.constant(x)}' for x in numbers)}]"
        for name, numbers in found.items()
    ]


def known_address(symbol: str) -> int:
    """Raises Untranslatable for a function that this machine's C library does not have."""
    found = address(symbol)
    if found is None:
        raise Untranslatable(f"the C library of this machine has no {symbol}")
    return found
