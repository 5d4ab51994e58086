"""What C99 needs beside the grammar that it shares: types, atoms of libm, names that are taken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from engine.compiler.kernels.definition import ATOMS, Kernel, Type, as_float32, is_special
from engine.compiler.sources.braces import INFIX, RESERVED, Dialect, local
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
TAKEN: Final = RESERVED.union(name + suffix for name in (*ATOMS, *DECLARED) for suffix in ("", "f", "l"))


class C(Dialect):
    """The functions of one file: their prefix, and the type of the numbers between operations."""

    def __init__(self, prefix: str, dtype: str) -> None:
        self.prefix = f"{prefix}_"
        self.single = dtype == "float32"
        self.type = "float" if self.single else "double"
        self.atoms = {name: name for name in EXACT} | {name: f"{self.prefix}libm_{name}" for name in LIBM}

    def number(self, x: float) -> str:
        if is_special(x):
            return "NAN" if x != x else "INFINITY" if x > 0.0 else "(-INFINITY)"
        return f"({x.hex()})" if x.hex()[0] == "-" else x.hex()

    def constant(self, x: float) -> str:
        """A number of a tape."""
        return f"({self.type}){self.number(as_float32(x))}" if self.single else self.number(x)

    def operation(self, primitive: Primitive, names: Sequence[str]) -> str:
        text = super().operation(primitive, names)
        return f"(float){text}" if self.single and primitive.key not in INFIX else text

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
