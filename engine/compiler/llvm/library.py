"""All kernels that a tape needs in one shape, with the atoms, tables and intrinsics below them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.definition import ATOMS, Kernel, collect, translated
from engine.compiler.llvm.code import Shape
from engine.compiler.llvm.host import address
from engine.compiler.llvm.kernels import table_name
from engine.compiler.llvm.lanes import lane_atom, lane_by_lane, lane_function
from engine.compiler.llvm.scalar import SCALAR, scalar_function
from engine.primitive import Primitive

ATOM: Final = re.compile(r"@(atom\.(\w+?)(?:\.x\d+)?)\(")
CALLED: Final = re.compile(r"call ([^@()]+?) @([\w.]+)\(([^()]*)\)")


def kernel_functions(primitives: Iterable[Primitive], shape: Shape) -> list[str]:
    """The definitions of kernels and of all that they call. Raises Untranslatable, for all rows at once."""
    if not shape.lanes:
        return list(translated(primitives, "compiled code", scalar_function).values())
    alone: dict[Kernel, str] = {}

    def on_lanes(kernel: Kernel) -> str:
        try:
            return lane_function(kernel, shape)
        except Untranslatable:
            collect(kernel, alone, scalar_function)
            return lane_by_lane(kernel, shape)

    return [*translated(primitives, "compiled code", on_lanes).values(), *alone.values()]


def tables(kernels: Iterable[Kernel]) -> list[str]:
    """The tuples of numbers that kernels read."""
    found = {table_name(k, name): numbers for k in kernels for name, numbers in k.tables().items()}
    return [
        f"@{name} = internal constant [{len(numbers)} x double] "
        f"[{', '.join(f'double {SCALAR.constant(x)}' for x in numbers)}]"
        for name, numbers in found.items()
    ]


def atoms(text: str, shape: Shape) -> list[str]:
    """Functions on lanes for the atoms that a text calls."""
    names = dict.fromkeys(name for whole, name in ATOM.findall(text) if ".x" in whole)
    return [lane_atom(name, ATOMS[name], shape) for name in names]


def declarations(text: str, known: Mapping[str, int]) -> tuple[list[str], dict[str, int]]:
    """Declarations of what a text calls and does not define; where it is, in what is known or in libm."""
    defined = set(re.findall(r"^define [^@]*@([\w.]+)\(", text, re.M))
    lines: dict[str, str] = {}
    imports: dict[str, int] = {}
    for result, name, arguments in CALLED.findall(text):
        if name not in defined and name not in lines:
            kinds = ", ".join(kind_of(argument) for argument in split(arguments))
            lines[name] = f"declare {result} @{name}({kinds})"
            if not name.startswith("llvm."):
                imports[name] = known.get(name) or known_address(name.removeprefix("atom."))
    return list(lines.values()), imports


def known_address(symbol: str) -> int:
    """Raises Untranslatable for a function that this machine's C library does not have."""
    found = address(symbol)
    if found is None:
        raise Untranslatable(f"the C library of this machine has no {symbol}")
    return found


def split(arguments: str) -> list[str]:
    """Arguments, at the commas that are not inside of a vector."""
    return re.findall(r"(?:<[^<>]*>|[^,<>])+", arguments)


def kind_of(argument: str) -> str:
    """The type in "double %x" or "<8 x double> %x"."""
    argument = argument.strip()
    return argument.partition(">")[0] + ">" if argument[0] == "<" else argument.split()[0]
