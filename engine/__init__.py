"""chainrule: scalar reverse-mode automatic differentiation.

>>> from engine import Value
>>> x, y = Value(2.0, label="x"), Value(3.0, label="y")
>>> z = x * y + x
>>> z.backward()
>>> x.grad, y.grad
(4.0, 2.0)
"""

from engine import functions, primitives
from engine.build_info import __version__, compiled
from engine.diagnosis import Diagnosis, diagnose
from engine.functions import *  # noqa: F403
from engine.modes import debug, no_grad
from engine.primitive import Primitive, custom, register
from engine.primitives import *  # noqa: F403
from engine.sweep import StaleGraphError
from engine.transform import grad, hessian, hvp, jacfwd, jacobian, jvp, value_and_grad, vjp, vmap
from engine.value import Value

__all__ = [
    "Diagnosis",
    "Primitive",
    "StaleGraphError",
    "Value",
    "__version__",
    "compiled",
    "custom",
    "debug",
    "diagnose",
    "grad",
    "hessian",
    "hvp",
    "jacfwd",
    "jacobian",
    "jvp",
    "no_grad",
    "register",
    "value_and_grad",
    "vjp",
    "vmap",
    *functions.__all__,
    *primitives.__all__,
]
