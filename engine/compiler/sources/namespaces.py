"""Which of our rows NumPy, JAX and PyTorch have, and how they are called there."""

from __future__ import annotations

from typing import Final, NamedTuple

INFIX: Final = {
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "neg": "-{0}",
    "less": "1.0 * ({0} < {1})",
    "less_equal": "1.0 * ({0} <= {1})",
    "greater": "1.0 * ({0} > {1})",
    "greater_equal": "1.0 * ({0} >= {1})",
}
# Under one name in all of them
UNARY: Final = """exp exp2 expm1 log log1p log2 log10 sqrt square sin cos tan sinh cosh tanh floor ceil
    trunc sign abs""".split()
BINARY: Final = ("hypot", "maximum", "minimum", "logaddexp", "copysign", "fmod")
NUMPY: Final = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "round": "rint",
    "cbrt": "cbrt",
}
NUMPY_BINARY: Final = {"atan2": "arctan2", "mod": "mod", "floordiv": "floor_divide", "pow": "power"}
TORCH: Final = {
    name: name for name in "asin acos atan asinh acosh atanh round erf erfc lgamma erfinv".split()
}
TORCH_BINARY: Final = {"atan2": "atan2", "mod": "remainder", "pow": "pow"}
SCIPY: Final = {
    "erf": "erf",
    "erfc": "erfc",
    "lgamma": "gammaln",
    "gamma": "gamma",
    "erfinv": "erfinv",
    "logit": "logit",
}


class Namespace(NamedTuple):
    """A library: its imports, helper functions, a decorator, what makes an argument or a constant one
    of its numbers, and a template for each row that it has."""

    imports: str
    helpers: tuple[str, ...]
    decorator: str
    conversion: str
    templates: dict[str, str]


def calls(prefix: str, unary: dict[str, str], binary: dict[str, str]) -> dict[str, str]:
    one = {ours: f"{prefix}.{theirs}({{0}})" for ours, theirs in unary.items()}
    return one | {ours: f"{prefix}.{theirs}({{0}}, {{1}})" for ours, theirs in binary.items()}


def shared(prefix: str) -> dict[str, str]:
    same = calls(prefix, {name: name for name in UNARY}, {name: name for name in BINARY})
    return INFIX | same | {"select": f"{prefix}.where({{0}} != 0.0, {{1}}, {{2}})"}


NAMESPACES: Final = {
    "numpy": Namespace(
        "import numpy",
        (),
        '@numpy.errstate(all="ignore")\n',
        "numpy.asarray({0}, dtype=float)",
        shared("numpy") | calls("numpy", NUMPY, NUMPY_BINARY),
    ),
    "jax": Namespace(
        "import jax.numpy\nimport jax.scipy.special",
        (),
        "",
        "jax.numpy.asarray({0}, dtype=float)",
        shared("jax.numpy")
        | calls("jax.numpy", NUMPY, NUMPY_BINARY)
        | calls("jax.scipy.special", SCIPY, {})
        | {"polygamma": "jax.scipy.special.polygamma({0}.astype(int), {1})"},
    ),
    "torch": Namespace(
        "import torch",
        ("def tensor(x):\n    return torch.as_tensor(x, dtype=torch.float64)",),
        "",
        "tensor({0})",
        shared("torch")
        | calls("torch", TORCH, TORCH_BINARY)
        | {
            "gamma": "torch.where(({0} < 0.0) & (torch.floor({0}) % 2.0 != 0.0), -1.0, 1.0) * torch.exp("
            "torch.lgamma({0}))",
            "polygamma": "torch.polygamma(int({0}), {1})",
        },
    ),
}
