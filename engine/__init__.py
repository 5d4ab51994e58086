"""chainrule: scalar reverse-mode automatic differentiation.

>>> from engine import Value
>>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
>>> z = x * y + x
>>> z.backward()
>>> x.grad, y.grad
(4.0, 2.0)
"""

import builtins as _builtins
import importlib as _importlib
import typing as _typing

from engine import _main_interpreter, functions, primitives  # noqa: F401
from engine.build_info import __version__, compiled
from engine.described import describe_rows as _describe_rows
from engine.diagnosis import Diagnosis, diagnose
from engine.errors import StaleGraphError
from engine.functions import *  # noqa: F403
from engine.implicit import root
from engine.modes import debug, no_grad
from engine.notebook import show_graphs as _show_graphs
from engine.primitive import Primitive, custom, register
from engine.primitives import *  # noqa: F403
from engine.series import jet, taylor
from engine.transform import grad, hessian, hvp, jacfwd, jacobian, jvp, value_and_grad, vjp, vmap
from engine.value import Value

if _typing.TYPE_CHECKING:  # for type checkers and editors
    from engine import testing
    from engine.compiler import TracingError, jit
    from engine.digits import Rounding, rounding
    from engine.drawing import Drawing, draw
    from engine.explanation import Explanation, explain
    from engine.exploring import Exploration, explore, to_json
    from engine.parser import parse

# The readers of the graph, by where they live: they load when first asked for.
_READERS = {
    "Drawing": "engine.drawing",
    "Explanation": "engine.explanation",
    "Exploration": "engine.exploring",
    "Rounding": "engine.digits",
    "TracingError": "engine.compiler",
    "draw": "engine.drawing",
    "explain": "engine.explanation",
    "explore": "engine.exploring",
    "jit": "engine.compiler",
    "parse": "engine.parser",
    "rounding": "engine.digits",
    "testing": "engine.testing",
    "to_json": "engine.exploring",
}

# Without abs, max, min, pow, round and sum: after `from engine import *` these are still Python's.
__all__ = [
    "Diagnosis",
    "Drawing",
    "Explanation",
    "Exploration",
    "Primitive",
    "Rounding",
    "StaleGraphError",
    "TracingError",
    "Value",
    "__version__",
    "compiled",
    "custom",
    "debug",
    "diagnose",
    "draw",
    "explain",
    "explore",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jet",
    "jit",
    "jvp",
    "no_grad",
    "parse",
    "register",
    "root",
    "rounding",
    "taylor",
    "testing",
    "to_json",
    "value_and_grad",
    "vjp",
    "vmap",
    *(name for name in functions.__all__ + primitives.__all__ if not hasattr(_builtins, name)),
]


if not _typing.TYPE_CHECKING:  # which knows all there is

    def __getattr__(name: str) -> object:
        if name not in _READERS:
            raise AttributeError(f"module 'engine' has no attribute {name!r}")
        module = _importlib.import_module(_READERS[name])
        globals()[name] = module if module.__name__ == f"engine.{name}" else getattr(module, name)
        return globals()[name]


def __dir__() -> list[str]:
    return sorted({*__all__, *functions.__all__, *primitives.__all__})


_describe_rows(
    lambda row: _importlib.import_module("engine.reference").docstring(row),
    lambda row: _importlib.import_module("engine.reference").signature(row),
)
_show_graphs(lambda root: _importlib.import_module("engine.drawing").draw(root))
