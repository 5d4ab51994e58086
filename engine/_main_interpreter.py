"""The compiled engine has one state a process: in a subinterpreter it is an ImportError.

This module comes first: extensions that mypyc made break where they are loaded a second time.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def is_main_interpreter() -> bool:
    for name in ("_interpreters", "_xxsubinterpreters"):  # from Python 3.13 on, and before
        if find_spec(name) is not None:
            interpreters: Any = import_module(name)
            return bool(interpreters.get_current() == interpreters.get_main())
    return True


SPEC = find_spec(f"{__package__}.modes")
if SPEC is not None and not (SPEC.origin or "").endswith(".py") and not is_main_interpreter():
    raise ImportError(
        "the compiled engine runs in the main interpreter of a process alone: use processes or threads, "
        "or install from source with CHAINRULE_PURE=1, which is interpreted"
    )
