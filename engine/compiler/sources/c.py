"""C99: one file without dependencies, with a tape as a function and its kernels in front of it.

Numbers are hex floats; whatever the file defines begins with the name of the function, so that several
go into one program, or into one file. With gcc -O2 -ffp-contract=off the results are those of the
interpreted engine to the bit, on the same libm. Of float32, kernels compute with doubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, NamedTuple, final

from engine.compiler.kernels.definition import ATOMS, is_atom, tables_of, translated
from engine.compiler.sources.braces import INFIX
from engine.compiler.sources.c_dialect import LIBM, TAKEN, C, defined
from engine.compiler.tape.names import function_name
from engine.compiler.tape.tape import Tape
from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive

Storage = Literal["heap", "static", "caller"]
BLOCK: Final = 500  # operations in one C function: compilers take quadratic time over longer ones
# Of so many numbers, the array v of what the blocks of a long function hand on
ACQUIRED: Final = {
    "heap": "{type} *v = malloc({count} * sizeof *v);\n    if (!v) abort();",
    "static": "static {type} v[{count}];",
    "caller": "{type} *v = work;",
}


class Function(NamedTuple):
    """A tape as a function: what it begins with, what its blocks are called, where the outputs go."""

    heading: str
    name: str
    tape: Tape
    places: Sequence[str]


@final
class CFile:
    """`void name(const double *x, double *y)`; beside it, if there is a gradient tape (its first output is
    the value), `double name_gradient(const double *x, double *gradient)`. A caller's storage is one more
    argument of both. Raises ValueError for a name that C keeps for itself, or another storage.
    """

    def __init__(
        self,
        tape: Tape,
        name: str,
        gradient: Tape | None = None,
        *,
        storage: Storage = "heap",
        dtype: str = "float64",
    ) -> None:
        if storage not in ACQUIRED:
            raise ValueError(f"storage is one of {', '.join(ACQUIRED)}, got {storage!r}")
        self.name = function_name(name, "C", TAKEN)
        self.storage = storage
        self.dialect = C(name, dtype)
        number, work = self.dialect.type, ""
        if storage == "caller":
            work = f", {number} *work"
        places = [f"y[{k}]" for k in range(len(tape.outputs))]
        self.functions = [Function(f"void {name}(const {number} *x, {number} *y{work})", name, tape, places)]
        if gradient is not None:
            heading = f"{number} {name}_gradient(const {number} *x, {number} *gradient{work})"
            places = [f"const {number} value", *(f"gradient[{k}]" for k in range(len(tape.inputs)))]
            self.functions.append(Function(heading, f"{name}_gradient", gradient, places))

    def header(self) -> str:
        """For C and C++: how many numbers go in and come out, and prototypes."""
        tape = self.functions[0].tape
        sizes = {"inputs": len(tape.inputs), "outputs": len(tape.outputs)}
        if self.storage == "caller":
            sizes["work"] = max(1, *(len(handed_on(f.tape)) for f in self.functions))
        numbers = ", ".join(f"{self.name}_{what} = {size}" for what, size in sizes.items())
        prototypes = "".join(f"{f.heading};\n" for f in self.functions)
        return f"""#ifndef CHAINRULE_{self.name}_H
#define CHAINRULE_{self.name}_H

#ifdef __cplusplus
extern "C" {{
#endif

enum {{ {numbers} }};
{prototypes}
#ifdef __cplusplus
}}
#endif

#endif
"""

    def source(self) -> str:
        """Raises Untranslatable, naming all operations that have no kernel to translate."""
        rows = dict.fromkeys(entry.primitive for f in self.functions for _, entry in f.tape.operations())
        head = list(self.preamble(rows))  # first: it knows all that cannot be translated
        return "\n\n".join([*head, *(part for f in self.functions for part in self.parts(f))]) + "\n"

    def preamble(self, primitives: Iterable[Primitive]) -> Iterator[str]:
        """What stands in front of the functions: includes, atoms, tables, kernels."""
        rows, dialect = [p for p in primitives if p.key not in INFIX], self.dialect
        kernels = translated(rows, "C", dialect.function)
        yield "#include <math.h>\n#include <stdlib.h>"
        body = "\n\n".join(kernels.values())
        atoms = {p.value.__name__ for p in rows if is_atom(p.value)}
        called = [n for n in LIBM if n in atoms or f"{dialect.atoms[n]}(" in body]
        if called:
            yield (
                "/* volatile: what libm returns, also where a compiler could compute it by itself */\n"
                + "\n".join(
                    f"static double (*volatile {dialect.atoms[n]})({', '.join(['double'] * ATOMS[n])}) = {n};"
                    for n in called
                )
            )
        for found, table in tables_of(kernels).items():
            name, numbers = dialect.prefix + found, ", ".join(map(dialect.number, table))
            yield f"static const double {name}[] = {{{numbers}}};\nenum {{ {name}_length = {len(table)} }};"
        if body:
            yield body

    def parts(self, f: Function) -> Iterator[str]:
        """A function, behind its blocks if it is long: they hand on what others need in an array v."""
        blocks, shared, number = blocks_of(f.tape), handed_on(f.tape), self.dialect.type
        long = len(blocks) > 1
        if long:
            for k, block in enumerate(blocks):
                heading = f"static void {f.name}_{k}(const {number} *x, {number} *v)"
                yield defined(heading, list(self.lines(f.tape, block, shared)))
            body = [f"    {ACQUIRED[self.storage].format(type=number, count=max(1, len(shared)))}"]
            body += [f"    {f.name}_{k}(x, v);" for k in range(len(blocks))]
        else:
            body = list(self.lines(f.tape, blocks[0], shared))
        for place, slot in zip(f.places, f.tape.outputs, strict=True):
            body.append(f"    {place} = {self.operand(f.tape, slot, shared)};")
        if long and self.storage == "heap":
            body.append("    free(v);")
        if not f.heading.startswith("void"):
            body.append("    return value;")
        yield defined(f.heading, body)

    def lines(self, tape: Tape, slots: Sequence[int], shared: dict[int, int]) -> Iterator[str]:
        """The operations of one C function. What is handed on is also kept in a variable."""
        own = set(slots)
        for slot in slots:
            entry = tape.entries[slot]
            names = [f"t{i}" if i in own else self.operand(tape, i, shared) for i in entry.operands]
            yield f"    const {self.dialect.type} t{slot} = {self.dialect.operation(entry.primitive, names)};"
            if slot in shared:
                yield f"    v[{shared[slot]}] = t{slot};"

    def operand(self, tape: Tape, slot: int, shared: dict[int, int]) -> str:
        entry = tape.entries[slot]
        if entry.primitive is INPUT:
            return f"x[{slot}]"
        if entry.primitive is CONSTANT:
            return self.dialect.constant(entry.number)
        return f"v[{shared[slot]}]" if slot in shared else f"t{slot}"


def blocks_of(tape: Tape) -> list[list[int]]:
    slots = [i for i, _ in tape.operations()]
    return [slots[i : i + BLOCK] for i in range(0, len(slots), BLOCK)] or [[]]


def handed_on(tape: Tape) -> dict[int, int]:
    """The place in v of each slot that a later block or a result reads; none if there is only one block."""
    block = {slot: k for k, slots in enumerate(blocks_of(tape)) for slot in slots}
    if len(block) <= BLOCK:
        return {}
    needed = {slot for slot in tape.outputs if slot in block}
    for slot, entry in tape.operations():
        needed.update(i for i in entry.operands if i in block and block[i] != block[slot])
    return {slot: k for k, slot in enumerate(sorted(needed))}
