"""JavaScript: a tape as a function of an array, with its kernels in front of it.

The arithmetic is that of the engine; `Math` rounds its functions otherwise than libm, by 1 ulp or so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from engine.compiler.kernels import error_function
from engine.compiler.kernels.definition import ATOMS, Kernel, collect, kernel_of, tables_of, translated
from engine.compiler.sources.braces import INFIX, RESERVED, Dialect, local
from engine.compiler.sources.javascript_loops import LoopedFunction, loops_of
from engine.compiler.tape.names import function_name
from engine.compiler.tape.tape import Tape
from engine.node import CONSTANT, INPUT
from engine.primitive import Primitive

# In libm but not in Math; erf and erfc are kernels of ours
HELPERS: Final = {
    "copysign": "(x, y) => y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x)",
    "exp2": "(x) => Math.pow(2, x)",
    "fmod": "(x, y) => x % y",
    "isinf": "(x) => x === Infinity || x === -Infinity",
    "isnan": "(x) => x !== x",
    "pow": "(x, y) => x === 1 || (x === -1 && (y === Infinity || y === -Infinity)) ? 1 : Math.pow(x, y)",
}
DEFINED: Final = re.compile(r"^(?:const|function) (\w+)", re.MULTILINE)
OURS: Final = {"error_function_erf": error_function.erf, "error_function_erfc": error_function.erfc}


class JavaScript(Dialect):
    """Numbers between operations are doubles, or rounded to float32."""

    atoms = (
        {name: f"Math.{name}" for name in ATOMS}
        | {name: f"math_{name}" for name in HELPERS}
        | {function.__name__: name for name, function in OURS.items()}
        | {"fabs": "Math.abs"}
    )

    def __init__(self, dtype: str) -> None:
        self.single = dtype == "float32"

    def rounded(self, text: str) -> str:
        return f"Math.fround({text})" if self.single else text

    def operation(self, primitive: Primitive, names: Sequence[str]) -> str:
        return self.rounded(super().operation(primitive, names))

    def number(self, x: float) -> str:
        if x - x != 0.0:
            return "NaN" if x != x else "Infinity" if x > 0.0 else "(-Infinity)"
        return f"({x!r})" if repr(x)[0] == "-" else repr(x)

    def whole(self, text: str) -> str:
        return f"Math.trunc({text})"

    def halves(self, left: str, right: str) -> str:
        return f"Math.floor({left} / {right})"

    def length(self, name: str) -> str:
        return f"{name}.length"

    def passed(self, name: str) -> str:
        return name

    def listed(self, names: Sequence[str]) -> str:
        return f"[{', '.join(names)}]"

    def heading(self, kernel: Kernel) -> str:
        return f"function {kernel.name}({', '.join(map(local, kernel.parameters))})"

    def declarations(self, kernel: Kernel) -> Iterator[str]:
        names = [local(name) for name in kernel.variables if name not in kernel.parameters]
        if names:
            yield f"let {', '.join(names)};"


def javascript_source(tape: Tape, name: str, dtype: str = "float64") -> str:
    """The text of `function name(x)`, from an array of the inputs to an array of the outputs: loops, where
    the tape is long and regular.

    Raises ValueError for a name that no function of JavaScript can have, Untranslatable, naming all
    operations that have no kernel to translate.
    """
    rows = dict.fromkeys(entry.primitive for _, entry in tape.operations())
    dialect = JavaScript(dtype)
    parts = list(preamble(dialect, rows))  # which refuses what has no kernel
    name = function_name(name, "JavaScript", RESERVED.union(DEFINED.findall("\n".join(parts))))
    # a dot of float32 is rounded once as a row, term by term as a loop
    rolled = None if dialect.single else loops_of(tape)
    function = (
        straight(dialect, tape, name) if rolled is None else LoopedFunction(rolled, name, dialect).lines()
    )
    return "\n\n".join([*parts, "\n".join(function)]) + "\n"


def straight(dialect: JavaScript, tape: Tape, name: str) -> Iterator[str]:
    """A line for each operation."""
    yield f"function {name}(x) {{"
    for slot, entry in tape.operations():
        operands = [written(dialect, tape, i) for i in entry.operands]
        yield f"    const t{slot} = {dialect.operation(entry.primitive, operands)};"
    yield f"    return [{', '.join(written(dialect, tape, slot) for slot in tape.outputs)}];"
    yield "}"


def preamble(dialect: JavaScript, primitives: Iterable[Primitive]) -> Iterator[str]:
    """Helpers, tables and kernels."""
    rows = [p for p in primitives if p.key not in INFIX]
    kernels = translated(rows, "JavaScript", dialect.function)
    body = " ".join([*kernels.values(), *(dialect.atoms.get(p.value.__name__, "") for p in rows)])
    for name, function in OURS.items():
        if name in body:
            collect(kernel_of(function), kernels, dialect.function)
    if body:
        yield "\n".join(f"const math_{name} = {text};" for name, text in HELPERS.items())
    for table, numbers in tables_of(kernels).items():
        yield f"const {table} = [{', '.join(map(dialect.number, numbers))}];"
    yield from kernels.values()


def written(dialect: JavaScript, tape: Tape, slot: int) -> str:
    entry = tape.entries[slot]
    if entry.primitive is INPUT:
        return dialect.rounded(f"x[{slot}]")
    return dialect.rounded(dialect.number(entry.number)) if entry.primitive is CONSTANT else f"t{slot}"
