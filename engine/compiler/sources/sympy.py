"""A tape as SymPy expressions, of real symbols that are named like the inputs. Floats become the
rational numbers they are, so that SymPy rounds nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, Final

from engine.compiler.sources.formulas import lowered
from engine.compiler.tape.tape import Tape
from engine.primitive import Primitive

SAME: Final = {
    name: name
    for name in "exp log sqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh erf erfc "
    "erfinv gamma polygamma sign floor atan2".split()
}
RENAMED: Final = {"abs": "Abs", "lgamma": "loggamma", "ceil": "ceiling", "maximum": "Max", "minimum": "Min"}
BUILT: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda s, x, y: x + y,
    "sub": lambda s, x, y: x - y,
    "mul": lambda s, x, y: x * y,
    "div": lambda s, x, y: x / y,
    "neg": lambda s, x: -x,
    "square": lambda s, x: x**2,
    "pow": lambda s, x, y: x**y,
    "log1p": lambda s, x: s.log(1 + x),
    "expm1": lambda s, x: s.exp(x) - 1,
    "less": lambda s, x, y: truth(s, x < y),
    "less_equal": lambda s, x, y: truth(s, x <= y),
    "greater": lambda s, x, y: truth(s, x > y),
    "greater_equal": lambda s, x, y: truth(s, x >= y),
    "select": lambda s, c, a, b: s.Piecewise((a, s.Ne(c, 0)), (b, True)),
    "relu": lambda s, x: s.Piecewise((0, x <= 0), (x, True)),
}


def truth(sympy: Any, condition: Any) -> Any:
    return sympy.Piecewise((1, condition), (0, True))


def sympy_expressions(tape: Tape) -> Any:
    """One expression for each output: alone, or a tuple. Raises Untranslatable with all the operations
    that SymPy lacks, ImportError if it is not installed."""
    try:
        sympy = import_module("sympy")
    except ImportError:
        raise ImportError("to_sympy needs SymPy: pip install sympy") from None
    tape = lowered(tape, SAME | RENAMED | BUILT, "sympy")

    def apply(row: Primitive, operands: Sequence[Any]) -> Any:
        if row.name in BUILT:
            return BUILT[row.name](sympy, *operands)
        return getattr(sympy, (SAME | RENAMED)[row.name])(*operands)

    symbols = [sympy.Symbol(name, real=True) for name in tape.inputs]
    results = tape.run(symbols, apply, partial(exact, sympy))
    return results[0] if len(results) == 1 else tuple(results)


def exact(sympy: Any, x: float) -> Any:
    """A float as the rational number that it is."""
    if x - x != 0.0:
        return sympy.nan if x != x else sympy.oo if x > 0.0 else -sympy.oo
    return sympy.Rational(*x.as_integer_ratio())
