"""C99: one file without dependencies, with a tape as a function and its kernels in front of it.

Numbers are hex floats, names are generated. With gcc -O2 -ffp-contract=off the results are those of
the interpreted engine to the bit, on the same libm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from engine.compiler.kernels.definition import ATOMS, Kernel, Type, is_atom, is_special, translated
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
BLOCK: Final = 500  # operations in one C function: compilers take quadratic time over longer ones


class C(Dialect):
    atoms = {name: name for name in EXACT} | {name: f"libm_{name}" for name in LIBM}

    def number(self, x: float) -> str:
        if is_special(x):
            return "NAN" if x != x else "INFINITY" if x > 0.0 else "(-INFINITY)"
        return f"({x.hex()})" if x.hex()[0] == "-" else x.hex()

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

    def heading(self, kernel: Kernel) -> str:
        parameters = [
            f"{TYPES[kind]}{local(name)}, long {self.length(local(name))}"
            if kind == "list"
            else f"{TYPES[kind]} {local(name)}"
            for name, kind in kernel.parameters.items()
        ]
        return f"static {TYPES[kernel.result]} {kernel.name}({', '.join(parameters)})"

    def declarations(self, kernel: Kernel) -> Iterator[str]:
        for name, kind in kernel.variables.items():
            if name not in kernel.parameters:
                yield f"{TYPES[kind]} {local(name)} = 0;"


DIALECT: Final = C()


def c_source(tape: Tape, name: str, gradient: Tape | None = None) -> str:
    """The file: `void name(const double *x, double *y)`; beside it, if there is a gradient tape (its
    first output is the value), `double name_gradient(const double *x, double *gradient)`.

    Raises Untranslatable, naming all operations that have no kernel to translate.
    """
    name = function_name(name, "C", RESERVED | LIBRARY)
    tapes = [tape] if gradient is None else [tape, gradient]
    used = {entry.primitive: None for each in tapes for _, entry in each.operations()}
    head = list(preamble(list(used)))
    functions = [*function(tape, name)]
    if gradient is not None:
        functions += function(gradient, f"{name}_all")
        functions.append(with_value(name, len(gradient.outputs)))
    return "\n\n".join([*head, *functions]) + "\n"


def preamble(primitives: Sequence[Primitive]) -> Iterator[str]:
    """What stands in front of the functions: includes, atoms, tables, kernels."""
    kernels = translated([p for p in primitives if p.name not in INFIX], "C", DIALECT.function)
    yield "#include <math.h>\n#include <stdlib.h>"
    body = "\n\n".join(kernels.values())
    atoms = {p.value.__name__ for p in primitives if is_atom(p.value)}
    called = [n for n in LIBM if n in atoms or f"libm_{n}(" in body]
    if called:
        yield (
            "/* volatile: what libm returns, also where a compiler could compute it by itself */\n"
            + "\n".join(
                f"static double (*volatile libm_{n})({', '.join(['double'] * ATOMS[n])}) = {n};"
                for n in called
            )
        )
    tables = {DIALECT.table(k, name): table for k in kernels for name, table in k.tables().items()}
    for name, table in tables.items():
        numbers = ", ".join(map(DIALECT.number, table))
        yield f"static const double {name}[] = {{{numbers}}};\nenum {{ {name}_length = {len(table)} }};"
    if body:
        yield body


def with_value(name: str, outputs: int) -> str:
    return "\n".join(
        [
            f"double {name}_gradient(const double *x, double *gradient) {{",
            f"    double y[{outputs}];",
            f"    {name}_all(x, y);",
            f"    for (long i = 1; i < {outputs}; i++) gradient[i - 1] = y[i];",
            "    return y[0];",
            "}",
        ]
    )


def function(tape: Tape, name: str) -> Iterator[str]:
    """A tape as a function; a long one as blocks that hand on what the others need in an array v."""
    slots = [i for i, _ in tape.operations()]
    blocks = [slots[i : i + BLOCK] for i in range(0, len(slots), BLOCK)] or [[]]
    shared = handed_on(tape) if len(blocks) > 1 else {}
    results = [f"    y[{k}] = {operand(tape, slot, shared)};" for k, slot in enumerate(tape.outputs)]
    if len(blocks) == 1:
        body = [*lines(tape, slots, shared), *results]
        yield "\n".join([f"void {name}(const double *x, double *y) {{", *body, "}"])
        return
    for k, block in enumerate(blocks):
        body = [*lines(tape, block, shared)]
        yield "\n".join([f"static void {name}_{k}(const double *x, double *v) {{", *body, "}"])
    calls = [f"    {name}_{k}(x, v);" for k in range(len(blocks))]
    allocation = f"    double *v = malloc({max(1, len(shared))} * sizeof *v);\n    if (!v) abort();"
    body = [allocation, *calls, *results, "    free(v);"]
    yield "\n".join([f"void {name}(const double *x, double *y) {{", *body, "}"])


def handed_on(tape: Tape) -> dict[int, int]:
    """The place in v of each slot that a later block or a result reads."""
    block = {slot: k // BLOCK for k, (slot, _) in enumerate(tape.operations())}
    needed = {slot for slot in tape.outputs if slot in block}
    for slot, entry in tape.operations():
        needed.update(i for i in entry.operands if i in block and block[i] != block[slot])
    return {slot: k for k, slot in enumerate(sorted(needed))}


def lines(tape: Tape, slots: Sequence[int], shared: dict[int, int]) -> Iterator[str]:
    """The operations of one C function. What is handed on is also kept in a variable."""
    own = set(slots)
    for slot in slots:
        entry = tape.entries[slot]
        names = [f"t{i}" if i in own else operand(tape, i, shared) for i in entry.operands]
        yield f"    const double t{slot} = {DIALECT.operation(entry.primitive, names)};"
        if slot in shared:
            yield f"    v[{shared[slot]}] = t{slot};"


def operand(tape: Tape, slot: int, shared: dict[int, int]) -> str:
    entry = tape.entries[slot]
    if entry.primitive is INPUT:
        return f"x[{slot}]"
    if entry.primitive is CONSTANT:
        return DIALECT.number(entry.number)
    return f"v[{shared[slot]}]" if slot in shared else f"t{slot}"
