"""NumPy, JAX and PyTorch: how each spells the rows that it has, and what a module for it begins with.

A row is here if the library has it within 2 ulp, or 4 of its condition, with the same zeros, infinities
and nan. Not so good, but all there is, are gamma, lgamma and polygamma, whose kernels cannot be lowered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from engine.primitive import TABLE

# Rows that are an operator of Python, or a choice: all libraries have them
SHARED: Final = frozenset("add sub mul div neg less less_equal greater greater_equal select".split())


def total(names: Sequence[str]) -> str:
    """From left to right, from 0 on: it turns a first -0.0 into 0.0."""
    return f"sum([{', '.join(names)}])"


def dot(names: Sequence[str]) -> str:
    half = len(names) // 2
    return total([f"{x} * {y}" for x, y in zip(names[:half], names[half:], strict=True)])


# Rows whose derivatives all libraries have as we do: no other convention at an edge, no digit less
ALIKE: Final = SHARED | set("exp sqrt square sin cos tan floor ceil trunc round sum mean dot".split())
# Rows of many operands
LISTS: Final[dict[str, Callable[[Sequence[str]], str]]] = {
    "sum": total,
    "mean": lambda names: f"{total(names)} / {float(len(names))!r}",
    "dot": dot,
}


class Namespace(NamedTuple):
    """A library, in text.

    imports, helpers    what its modules begin with
    decorator           of the function
    number              what makes a literal one of its numbers
    argument            the same of an argument
    single              what rounds to float32
    truth               what makes a truth value a number
    select              its choice between two arrays
    names               what its texts read, beside arguments
    calls               the functions it has for rows: calls of operands, by the names of the rows
    rule                the helper that gives a function its partials, if the library differentiates
    alike               rows whose derivatives, where it differentiates, are those of the engine
    """

    imports: str
    helpers: str
    decorator: str
    number: str
    argument: str
    single: str
    truth: str
    select: str
    names: frozenset[str]
    calls: dict[str, str]
    rule: str = ""
    alike: frozenset[str] = frozenset()

    @property
    def spelled(self) -> frozenset[str]:
        """The rows that are an expression."""
        return SHARED | {*LISTS, *self.calls}


def calls(prefix: str, *names: str) -> dict[str, str]:
    """Functions by the names of their rows: "log", or "asin=arcsin" where the library has another name."""
    pairs = [name.partition("=") for part in names for name in part.split()]
    return {
        ours: f"{prefix}.{theirs or ours}({{0}}{', {1}' * (len(TABLE[ours].partials) - 1)})"
        for ours, _, theirs in pairs
    }


SAME: Final = "exp log log2 log10 sqrt square sin cos tan floor ceil trunc abs hypot copysign fmod expm1"
ARCS: Final = "asin=arcsin acos=arccos atan=arctan asinh=arcsinh acosh=arccosh atan2=arctan2"

NUMPY: Final = Namespace(
    imports="import numpy",
    helpers="",
    decorator='@numpy.errstate(all="ignore")\n',
    number="numpy.float64({0})",
    argument="numpy.asarray({0}, dtype=float)",
    single="numpy.asarray({0}, dtype=numpy.float32)",
    truth="1.0 * {0}",
    select="numpy.where",
    names=frozenset({"numpy", "float", "sum"}),
    calls=calls(
        "numpy",
        SAME,
        ARCS,
        "exp2 log1p sinh cosh tanh atanh=arctanh cbrt round=rint mod floordiv=floor_divide pow=power",
    ),
)
JAX: Final = Namespace(
    imports="import jax\nimport jax.numpy",
    helpers="""
def number(x):
    if not jax.config.jax_enable_x64:
        raise TypeError('set jax.config.update("jax_enable_x64", True): kernels compute in float64')
    return jax.numpy.asarray(x, dtype=float)
""",
    decorator="",
    number="number({0})",
    argument="number({0})",
    single="jax.numpy.asarray({0}, dtype=jax.numpy.float32)",
    truth="jax.numpy.where({0}, 1.0, 0.0)",
    select="jax.numpy.where",
    names=frozenset({"jax", "float", "sum", "number", "with_partials"}),
    calls=calls("jax.numpy", SAME, ARCS, "round=rint cbrt pow=power")
    | calls("jax.scipy.special", "erf lgamma=gammaln gamma")
    | {"polygamma": "jax.scipy.special.polygamma({0}.astype(int), {1})"},
    alike=ALIKE - {"div"},
    rule='''
def with_partials(partials):
    """A function whose derivative is these, times the tangents."""

    def wrapped(function):
        def rule(xs, tangents):
            y, slope = function(*xs), 0.0
            for partial, tangent in zip(partials(*xs), tangents):
                if partial is not None and not isinstance(tangent, jax.custom_derivatives.SymbolicZero):
                    slope = partial * tangent if isinstance(slope, float) else slope + partial * tangent
            return y, jax.numpy.broadcast_to(jax.numpy.asarray(slope, y.dtype), y.shape)

        function = jax.custom_jvp(function)
        function.defjvp(rule, symbolic_zeros=True)
        return function

    return wrapped
''',
)
TORCH: Final = Namespace(
    imports="import torch",
    helpers="""
def tensor(x):
    return torch.as_tensor(x, dtype=torch.float64)
""",
    decorator="",
    number="tensor({0})",
    argument="tensor({0})",
    single="torch.as_tensor({0}, dtype=torch.float32)",
    truth="tensor({0})",
    select="torch.where",
    names=frozenset({"torch", "float", "sum", "tensor", "with_partials"}),
    calls=calls(
        "torch",
        SAME,
        "exp2 log1p sinh cosh tanh asin acos atan asinh acosh atanh atan2 round pow erf erfc erfinv lgamma",
    )
    | {
        "gamma": "torch.exp(torch.lgamma({0})) * torch.where(({0} < 0.0) & (torch.floor({0}) % 2.0 != 0.0), "
        "-1.0, 1.0)",
        "polygamma": "torch.polygamma(int({0}), {1})",
    },
    alike=ALIKE,
    rule='''
def with_partials(partials):
    """A function whose derivative is these, times what comes from above."""

    def wrapped(function):
        class Row(torch.autograd.Function):
            generate_vmap_rule = True

            @staticmethod
            def forward(*xs):
                y = function(*xs)
                return y.view_as(y)

            @staticmethod
            def setup_context(context, xs, y):
                context.save_for_backward(*xs)

            @staticmethod
            def backward(context, slope):
                pairs = zip(partials(*context.saved_tensors), context.needs_input_grad)
                return tuple(None if p is None or not wanted else slope * p for p, wanted in pairs)

        return lambda *xs: Row.apply(*torch.broadcast_tensors(*xs))

    return wrapped
''',
)
NAMESPACES: Final = {"numpy": NUMPY, "jax": JAX, "torch": TORCH}
