"""The compiler: traces, tapes, and what they are written in. `jit` is public as `engine.jit`."""

from engine.compiler.errors import TracingError, Untranslatable
from engine.compiler.function import Compiled, jit
from engine.compiler.tape.tape import Entry, Tape

__all__ = ["Compiled", "Entry", "Tape", "TracingError", "Untranslatable", "jit"]
