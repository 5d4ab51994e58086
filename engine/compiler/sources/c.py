"""C99: one file without dependencies, with a tape as a function and its kernels in front of it.

Numbers are hex floats; whatever the file defines begins with the name of the function, so that several
go into one program, or into one file. With gcc -O2 -ffp-contract=off the results are those of the
interpreted engine to the bit, on the same libm. Of float32, kernels compute with doubles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from engine.compiler.kernels.definition import (
    ATOMS,
    Kernel,
    Type,
    as_float32,
    is_atom,
    is_special,
    translated,
)
from engine.compiler.sources.braces import INFIX, RESERVED, Dialect, local
from engine.compiler.tape.names import function_name
from engine.compiler.tape.tape import Tape
from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive

TYPES: Final[dict[Type, str]] = {"float": "double", "int": "long", "bool": "int", "list": "const double *"}
# A compiler may compute all others itself, where an argument is constant, and round otherwise than libm
EXACT: Final = ("copysign", "fabs", "floor", "fmod", "sqrt", "isinf", "isnan")
LIBM: Final = [name for name in ATOMS if name not in EXACT]
# What C's library has beside the atoms; of <math.h> also in f for floats, in l for long doubles
DECLARED: Final = """
    abort abs atexit atof atoi atol atoll bsearch cabs calloc ceil clock div drem exit exp10 fdim finite
    fma fmax fmin fpclassify fprintf fputc fputs free frexp fscanf fwrite gamma getenv hypot ilogb
    isalnum isalpha isblank iscntrl isdigit isfinite isgraph isgreater isgreaterequal isless islessequal
    islessgreater islower isnormal isprint ispunct isspace isunordered isupper isxdigit j0 j1 jn labs
    ldexp ldiv lgamma lgamma_r llabs lldiv llrint llround logb lrint lround malloc mblen mbstowcs mbtowc
    memchr memcmp memcpy memmove memset modf nan nearbyint nextafter nexttoward pow10 printf putc
    putchar puts qsort rand random read realloc remainder remove remquo rename rint round scalb scalbln
    scalbn scanf signal signbit signgam significand sincos snprintf sprintf srand srandom sscanf strcat
    strchr strcmp strcpy strcspn strlen strncat strncmp strncpy strpbrk strrchr strspn strstr strtod
    strtof strtol strtold strtoll strtoul strtoull system tgamma time tolower toupper trunc vfprintf
    vprintf vsnprintf vsprintf wcstombs wctomb write y0 y1 yn
""".split()
LIBRARY: Final = frozenset(name + suffix for name in (*ATOMS, *DECLARED) for suffix in ("", "f", "l"))
Storage = Literal["heap", "static", "caller"]
STORAGES: Final = ("heap", "static", "caller")  # where a long function keeps what its blocks hand on
BLOCK: Final = 500  # operations in one C function: compilers take quadratic time over longer ones


class C(Dialect):
    """The functions of one file: their prefix, and the type of the numbers between operations."""

    def __init__(self, prefix: str, dtype: str) -> None:
        self.prefix = prefix
        self.single = dtype == "float32"
        self.type = "float" if self.single else "double"
        self.atoms = {name: name for name in EXACT} | {name: f"{prefix}_libm_{name}" for name in LIBM}

    def number(self, x: float) -> str:
        if is_special(x):
            return "NAN" if x != x else "INFINITY" if x > 0.0 else "(-INFINITY)"
        return f"({x.hex()})" if x.hex()[0] == "-" else x.hex()

    def constant(self, x: float) -> str:
        """A number of a tape."""
        return f"({self.type}){self.number(as_float32(x))}" if self.single else self.number(x)

    def operation(self, primitive: Primitive, names: Sequence[str]) -> str:
        text = super().operation(primitive, names)
        return f"(float){text}" if self.single and primitive.name not in INFIX else text

    def whole(self, text: str) -> str:
        return f"(long)({text})"

    def halves(self, left: str, right: str) -> str:
        return f"{left} / {right}"

    def length(self, name: str) -> str:
        return f"{name}_length"

    def passed(self, name: str) -> str:
        return f"{name}, {self.length(name)}"

    def listed(self, names: Sequence[str]) -> str:
        return f"(const double[]){{{', '.join(names)}}}, {len(names)}"

    def called(self, kernel: Kernel) -> str:
        return f"{self.prefix}_{kernel.name}"

    def table(self, kernel: Kernel, name: str) -> str:
        return f"{self.prefix}_{super().table(kernel, name)}"

    def heading(self, kernel: Kernel) -> str:
        parameters = [
            f"{TYPES[kind]}{local(name)}, long {self.length(local(name))}"
            if kind == "list"
            else f"{TYPES[kind]} {local(name)}"
            for name, kind in kernel.parameters.items()
        ]
        return f"static {TYPES[kernel.result]} {self.called(kernel)}({', '.join(parameters)})"

    def declarations(self, kernel: Kernel) -> Iterator[str]:
        for name, kind in kernel.variables.items():
            if name not in kernel.parameters:
                yield f"{TYPES[kind]} {local(name)} = 0;"

    def function(self, kernel: Kernel) -> str:
        heading, *body = super().function(kernel).splitlines()
        return defined(heading.removesuffix(" {"), body[:-1])


def defined(heading: str, body: Sequence[str]) -> str:
    """A function. Parameters that it does not read are said to be unused: to some, warnings are errors."""
    text = "\n".join(body)
    parameters = re.findall(r"(\w+)[,)]", heading.partition("(")[2])
    unused = [f"    (void){name};" for name in parameters if not re.search(rf"\b{name}\b", text)]
    return "\n".join([f"{heading} {{", *unused, *body, "}"])


class Program(NamedTuple):
    """What a file is made of: `void name(const double *x, double *y)`; beside it, if there is a gradient
    tape (its first output is the value), `double name_gradient(const double *x, double *gradient)`.
    """

    tape: Tape
    gradient: Tape | None
    storage: Storage
    dialect: C

    @property
    def headings(self) -> list[str]:
        """Of the functions, in order."""
        name, number = self.dialect.prefix, self.dialect.type
        work = f", {number} *work" if self.storage == "caller" else ""
        value = f"void {name}(const {number} *x, {number} *y{work})"
        return [value, f"{number} {name}_gradient(const {number} *x, {number} *gradient{work})"][
            : len(self.tapes)
        ]

    @property
    def tapes(self) -> list[Tape]:
        return [self.tape] if self.gradient is None else [self.tape, self.gradient]


def program(tape: Tape, name: str, gradient: Tape | None, storage: Storage, dtype: str) -> Program:
    """Raises ValueError for a name that no function of C can have, or another storage."""
    if storage not in STORAGES:
        raise ValueError(f"storage is one of {', '.join(STORAGES)}, got {storage!r}")
    return Program(tape, gradient, storage, C(function_name(name, "C", RESERVED | LIBRARY), dtype))


def c_source(
    tape: Tape,
    name: str,
    gradient: Tape | None = None,
    storage: Storage = "heap",
    dtype: str = "float64",
) -> str:
    """The file. Raises ValueError, or Untranslatable, naming all operations without a kernel to translate."""
    p = program(tape, name, gradient, storage, dtype)
    used = dict.fromkeys(entry.primitive for each in p.tapes for _, entry in each.operations())
    head = list(preamble(p.dialect, list(used)))  # first: it knows all that cannot be translated
    functions = list(function(p, tape, p.headings[0], name, [f"y[{k}]" for k in range(len(tape.outputs))]))
    if gradient is not None:
        places = ["const double value", *(f"gradient[{k}]" for k in range(len(gradient.outputs) - 1))]
        functions += function(p, gradient, p.headings[1], f"{name}_gradient", places)
    return "\n\n".join([*head, *functions]) + "\n"


def c_header(
    tape: Tape,
    name: str,
    gradient: Tape | None = None,
    storage: Storage = "heap",
    dtype: str = "float64",
) -> str:
    """The header of that file, for C and C++: how many numbers go in and come out, and prototypes."""
    p = program(tape, name, gradient, storage, dtype)
    sizes = {"inputs": len(tape.inputs), "outputs": len(tape.outputs)}
    if storage == "caller":
        sizes["work"] = max(1, *(len(handed_on(each)) for each in p.tapes))
    numbers = ", ".join(f"{name}_{what} = {size}" for what, size in sizes.items())
    return f"""#ifndef CHAINRULE_{name}_H
#define CHAINRULE_{name}_H

#ifdef __cplusplus
extern "C" {{
#endif

enum {{ {numbers} }};
{"".join(f"{heading};{chr(10)}" for heading in p.headings)}
#ifdef __cplusplus
}}
#endif

#endif
"""


def preamble(dialect: C, primitives: Sequence[Primitive]) -> Iterator[str]:
    """What stands in front of the functions: includes, atoms, tables, kernels."""
    kernels = translated([p for p in primitives if p.name not in INFIX], "C", dialect.function)
    yield "#include <math.h>\n#include <stdlib.h>"
    body = "\n\n".join(kernels.values())
    atoms = {p.value.__name__ for p in primitives if is_atom(p.value)}
    called = [n for n in LIBM if n in atoms or f"{dialect.atoms[n]}(" in body]
    if called:
        yield (
            "/* volatile: what libm returns, also where a compiler could compute it by itself */\n"
            + "\n".join(
                f"static double (*volatile {dialect.atoms[n]})({', '.join(['double'] * ATOMS[n])}) = {n};"
                for n in called
            )
        )
    tables = {dialect.table(k, name): table for k in kernels for name, table in k.tables().items()}
    for name, table in tables.items():
        numbers = ", ".join(map(dialect.number, table))
        yield f"static const double {name}[] = {{{numbers}}};\nenum {{ {name}_length = {len(table)} }};"
    if body:
        yield body


def function(p: Program, tape: Tape, heading: str, name: str, places: Sequence[str]) -> Iterator[str]:
    """A tape as a function; a long one as blocks that hand on what the others need in an array v. `places`
    is where the outputs go; a value that is returned is one of them."""
    number = p.dialect.type
    blocks = blocks_of(tape)
    shared = handed_on(tape)
    body: list[str] = []
    if len(blocks) == 1:
        body += lines(p.dialect, tape, blocks[0], shared)
    else:
        for k, block in enumerate(blocks):
            part = f"static void {name}_{k}(const {number} *x, {number} *v)"
            yield defined(part, list(lines(p.dialect, tape, block, shared)))
        body += acquired(p, max(1, len(shared)))
        body += [f"    {name}_{k}(x, v);" for k in range(len(blocks))]
    for place, slot in zip(places, tape.outputs, strict=True):
        body.append(f"    {place} = {operand(p.dialect, tape, slot, shared)};")
    if len(blocks) > 1 and p.storage == "heap":
        body.append("    free(v);")
    if not heading.startswith("void"):
        body.append("    return value;")
    yield defined(heading, body)


def acquired(p: Program, count: int) -> list[str]:
    """The array v of so many numbers."""
    number = p.dialect.type
    if p.storage == "static":
        return [f"    static {number} v[{count}];"]
    if p.storage == "caller":
        return [f"    {number} *v = work;"]
    return [f"    {number} *v = malloc({count} * sizeof *v);", "    if (!v) abort();"]


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


def lines(dialect: C, tape: Tape, slots: Sequence[int], shared: dict[int, int]) -> Iterator[str]:
    """The operations of one C function. What is handed on is also kept in a variable."""
    own = set(slots)
    for slot in slots:
        entry = tape.entries[slot]
        names = [f"t{i}" if i in own else operand(dialect, tape, i, shared) for i in entry.operands]
        yield f"    const {dialect.type} t{slot} = {dialect.operation(entry.primitive, names)};"
        if slot in shared:
            yield f"    v[{shared[slot]}] = t{slot};"


def operand(dialect: C, tape: Tape, slot: int, shared: dict[int, int]) -> str:
    entry = tape.entries[slot]
    if entry.primitive is INPUT:
        return f"x[{slot}]"
    if entry.primitive is CONSTANT:
        return dialect.constant(entry.number)
    return f"v[{shared[slot]}]" if slot in shared else f"t{slot}"
