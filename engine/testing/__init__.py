"""Gradients checked: `gradcheck` against finite differences, and Hypothesis strategies to find a
point where a gradient is wrong. The strategies need Hypothesis (extra `testing`), the rest does not.
"""

import importlib
import typing

from engine.testing.check import gradcheck
from engine.testing.decorator import check_gradients
from engine.testing.errors import GradientError
from engine.testing.expression import Expression
from engine.testing.numerical import numerical_gradient

if typing.TYPE_CHECKING:
    from engine.testing.program import Program, programs
    from engine.testing.strategies import expressions, floats_in, from_primitive, values

_STRATEGIES = {
    **dict.fromkeys(("expressions", "floats_in", "from_primitive", "values"), "engine.testing.strategies"),
    **dict.fromkeys(("Program", "programs"), "engine.testing.program"),
}

__all__ = [
    "Expression",
    "GradientError",
    "Program",
    "check_gradients",
    "expressions",
    "floats_in",
    "from_primitive",
    "gradcheck",
    "numerical_gradient",
    "programs",
    "values",
]


if not typing.TYPE_CHECKING:

    def __getattr__(name: str) -> typing.Any:
        """The strategies, loaded with the first of them that is asked for."""
        if name not in _STRATEGIES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            strategies = importlib.import_module(_STRATEGIES[name])
        except ModuleNotFoundError as error:
            if error.name != "hypothesis":
                raise
            raise ImportError(f"{name} needs Hypothesis: pip install 'chainrule[testing]'") from error
        globals().update({name: getattr(strategies, name)})
        return globals()[name]
