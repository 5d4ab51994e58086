"""A tape as SymPy expressions, of real symbols that are named like the inputs. Floats become the
rational numbers they are, so that SymPy rounds nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any, Final

from engine.compiler.errors import Untranslatable
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import trace
from engine.primitive import Primitive

SAME: Final = """exp log sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc erfinv
    gamma polygamma sign floor atan2""".split()
RENAMED: Final = (
    dict.fromkeys(("maximum", "max"), "Max")
    | dict.fromkeys(("minimum", "min"), "Min")
    | {
        "abs": "Abs",
        "lgamma": "loggamma",
        "ceil": "ceiling",
    }
)
NAMES: Final = dict(zip(SAME, SAME, strict=True)) | RENAMED
BUILT: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda s, x, y: x + y,
    "sub": lambda s, x, y: x - y,
    "mul": lambda s, x, y: x * y,
    "div": lambda s, x, y: x / y,
    "neg": lambda s, x: -x,
    "square": lambda s, x: x**2,
    "pow": lambda s, x, y: x**y,
    "cbrt": lambda s, x: s.sign(x) * s.cbrt(s.Abs(x)),  # SymPy's own of a negative number is complex
    "log2": lambda s, x: s.log(x, 2),
    "log10": lambda s, x: s.log(x, 10),
    "sum": lambda s, *xs: s.Add(*xs),
    "prod": lambda s, *xs: s.Mul(*xs),
    "less": lambda s, x, y: truth(s, x < y),
    "less_equal": lambda s, x, y: truth(s, x <= y),
    "greater": lambda s, x, y: truth(s, x > y),
    "greater_equal": lambda s, x, y: truth(s, x >= y),
    "select": lambda s, c, a, b: s.Piecewise((a, s.Ne(c, 0)), (b, True)),
}


def truth(sympy: Any, condition: Any) -> Any:
    return sympy.Piecewise((1, condition), (0, True))


def sympy_expressions(tape: Tape) -> Any:
    """One expression for each output: alone, or a tuple; rows that SymPy lacks are their formulas. Raises
    Untranslatable with all that have none, ImportError if it is not installed."""
    try:
        sympy = import_module("sympy")
    except ImportError:
        raise ImportError("to_sympy needs SymPy: pip install sympy") from None
    missing = lacking(tape)
    if missing:
        names = ", ".join(sorted(missing))
        raise Untranslatable(f"sympy lacks {len(missing)} operations, which have no formula either: {names}")
    number = partial(exact, sympy)

    def apply(row: Primitive, operands: Sequence[Any]) -> Any:
        if row.key in BUILT:
            return BUILT[row.key](sympy, *operands)
        if row.key in NAMES:
            return getattr(sympy, NAMES[row.key])(*operands)
        return formula(row, len(operands)).run(operands, apply, number)[0]

    symbols = [sympy.Symbol(name, real=True) for name in tape.inputs]
    results = tape.run(symbols, apply, number)
    return results[0] if len(results) == 1 else tuple(results)


@cache
def formula(row: Primitive, count: int) -> Tape:
    """The formula of a row as a tape of so many operands."""
    return trace(lambda xs: [row.expressed(xs)], [f"x{i}" for i in range(count)])


def lacking(tape: Tape) -> set[str]:
    """The rows of a tape, and of formulas in their place, that SymPy lacks."""
    missing: set[str] = set()
    for row, operands, _ in tape.entries[len(tape.inputs) :]:
        if operands and row.key not in NAMES and row.key not in BUILT:
            missing |= {row.name} if row.formula is None else lacking(formula(row, len(operands)))
    return missing


def exact(sympy: Any, x: float) -> Any:
    """A float as the rational number that it is."""
    if x - x != 0.0:
        return sympy.nan if x != x else sympy.oo if x > 0.0 else -sympy.oo
    return sympy.Rational(*x.as_integer_ratio())
