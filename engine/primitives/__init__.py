# ruff: noqa: F403, F405
"""The table of primitives.

A row reads: name, kernel, then one partial derivative for each argument as a straight expression in
rows, so that it can be differentiated again. Rows that exist for that only are helper rows: they
stand at the end of their file, and have accurate kernels of their own; readers see their formulas.
What else a row says stands in columns with names, described at `Primitive`. `__all__` has the public
rows; those that take lists or options are public through `engine.functions`.
"""

from engine.primitives.activations import *
from engine.primitives.arithmetic import *
from engine.primitives.exponentials import *
from engine.primitives.losses import *
from engine.primitives.nary import *
from engine.primitives.rounding import *
from engine.primitives.selection import *
from engine.primitives.special import *
from engine.primitives.trigonometry import *

# fmt: off
__all__ = [
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "binary_cross_entropy",
    "binary_cross_entropy_with_logits", "cbrt", "ceil", "copysign", "cos", "cosh", "degrees", "div", "erf",
    "erfc", "erfinv", "exp", "exp2", "expm1", "floor", "floordiv", "fmod", "gamma", "hardtanh", "hypot",
    "lgamma", "log1p", "log2", "log10", "logaddexp", "logit", "logsigmoid", "maximum", "minimum", "mish",
    "mod", "mul", "neg", "pow", "radians", "reciprocal", "relu", "relu6", "remainder", "sigmoid",
    "sign", "silu", "sin", "sinh", "softplus", "softsign", "sqrt", "square", "sub", "tan", "tanh", "trunc",
    "xlogy",
]
# fmt: on
