"""`jit`: a Python function compiled for each structure of its arguments."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from functools import update_wrapper
from importlib import import_module
from types import MethodType
from typing import Any, Final, final

from engine.compiler.backend import Backend, Options
from engine.compiler.calls.arguments import Arguments
from engine.compiler.calls.as_nodes import as_nodes, number
from engine.compiler.calls.batch import (
    Function,
    Mapping,
    argument_names,
    inlined,
    mapping_of,
    picklable,
    positional,
    positions,
    static,
    takes_keyword,
)
from engine.compiler.calls.results import written
from engine.compiler.errors import Enclosed
from engine.compiler.exports import Exports
from engine.compiler.llvm import llvm
from engine.compiler.numpy_backend import NumpyBackend
from engine.compiler.specialisation import Specialisation, specialised
from engine.compiler.tape.symbol import Symbol

KEPT: Final = 128  # specialisations of one function; the least recently used go
BACKENDS: Final[dict[str, Backend]] = {"numpy": NumpyBackend, "llvm": llvm}  # the last one is the fastest
DTYPES: Final = ("float64", "float32")


def jit(
    f: Function,
    *,
    static_argnums: int | Sequence[int] = (),
    threads: int = 1,
    dtype: str = "float64",
    fast_math: bool = False,
    backend: str | None = None,
) -> Compiled:
    """f, compiled: traced once for each structure of its arguments; floats to floats, arrays to arrays.

    static_argnums  arguments that are part of the program: hashable, a new value is a new trace
    threads         over the examples of `jit(vmap(f))`
    dtype           "float64" or "float32", in which sums in loops of long formulas are added, too
    fast_math       lets the compiler regroup and contract sums and products
    backend         by default the fastest one that is installed

    Called with `out=`, arrays in the structure of the results (of no dimension for a number), it fills and
    returns them; they may be arguments, too. A parameter of f that is called `out` takes precedence.

    Values that f captures are constants of the compiled function. Raises TracingError, with the line,
    if f asks a traced number for its value, by a branch for instance; TypeError if f returns what is
    no number; ImportError with the extra to install.
    """
    if not callable(f):
        raise TypeError(f"jit takes a function, got {type(f).__name__} {f!r:.40}")
    if dtype not in DTYPES:
        raise ValueError(f"dtype is one of {', '.join(DTYPES)}, got {dtype!r}")
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads is an int of 1 or more, got {threads!r}")
    statics = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)
    options = Options(threads, dtype, bool(fast_math))
    return Compiled(f, mapping_of(f), statics, backend_named(backend), options)


def backend_named(name: str | None) -> str:
    """The name of a backend, by default of the best. Raises ValueError or ImportError."""
    try:
        import_module("numpy")
    except ImportError:
        raise ImportError("jit needs NumPy: pip install 'chainrule[jit]'") from None
    if name is not None and name not in BACKENDS:
        raise ValueError(f"backend is one of {', '.join(BACKENDS)}, got {name!r}")
    return name or next(reversed(BACKENDS))


@final
class Compiled(Exports):
    """What `jit` returns: called like the function, it traces and compiles where a structure is new."""

    def __init__(
        self,
        f: Function | None,
        mapping: Mapping | None,
        statics: tuple[int, ...],
        backend: str,
        options: Options,
    ) -> None:
        self.f = f
        self.mapping = mapping
        self.statics = statics
        self.backend = backend
        self.options = options
        self.known: OrderedDict[Hashable, Specialisation] = OrderedDict()
        self.latest_direct: Function = refused
        self.direct: dict[tuple[type, ...], Function] = {}
        self.lock = threading.Lock()
        self.__name__ = "function"
        self.writes = not takes_keyword(f, "out")
        if f is not None:
            update_wrapper(self, f)

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if not keywords:  # in two steps: passing no keywords on as keywords takes 50 ns
            results = self.latest_direct(*args)
        else:
            results = self.latest_direct(*args, **keywords) if self.writes else NotImplemented
        return self.call(args, keywords) if results is NotImplemented else results

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """As a method: compiled functions take part in classes as functions do."""
        return self if instance is None else MethodType(self, instance)

    def call(self, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
        """The general case: finds or makes the specialisation, and runs it."""
        if self.writes and "out" in keywords:
            out = keywords.pop("out")
            results = self.call(args, keywords)
            return results if out is None else written(results, out, self.options.dtype)
        direct = self.direct.get(tuple(map(type, args)))
        if direct is not None and direct is not self.latest_direct and not keywords:
            self.latest_direct = direct
            return self(*args)
        if keywords and self.mapping is not None:
            raise TypeError(f"vmap takes no keyword arguments but out, got {', '.join(keywords)}")
        statics = positions(self.statics, len(args))
        traced = [arg for i, arg in enumerate(args) if i not in statics] + ([keywords] if keywords else [])
        arguments = Arguments(traced, self.mapping and self.mapping.axes(len(args), statics))
        nodes = arguments.nodes()
        if any(isinstance(x, Symbol) for x in nodes):
            return self.source()(*args, **keywords)  # an enclosing trace takes it all
        if nodes:
            arguments.without_nodes(number)
        try:
            compiled = self.specialisation(args, statics, arguments, bool(keywords))
        except Enclosed:
            return self.source()(*args, **keywords)
        outputs = compiled.run(arguments)
        if not nodes:
            return compiled.built(outputs, traced)
        return as_nodes(inlined(self.source(), args, statics), traced, outputs, compiled)

    def specialisation(
        self, args: Sequence[Any], statics: Sequence[int], arguments: Arguments, keywords: bool
    ) -> Specialisation:
        """The one for arguments of this structure."""
        fixed = tuple(static(args[i]) for i in statics)
        key = (fixed, len(args), keywords, arguments.key)
        with self.lock:
            compiled = self.known.get(key)
        if compiled is None:
            compiled = self.made(args, statics, arguments)
        if not compiled.shortened:  # it is new, or out of a pickle
            compiled.shortened = True
            self.shorten(args, compiled, statics, keywords)
        with self.lock:
            self.keep(key, compiled)
        return compiled

    def made(self, args: Sequence[Any], statics: Sequence[int], arguments: Arguments) -> Specialisation:
        """A new one. Raises TracingError or TypeError."""
        example = self.mapping.example if self.mapping is not None else self.f
        if example is None:
            example = self.source()
        names = argument_names(example, statics, len(arguments.example))
        reduction = None if self.mapping is None else (self.mapping.reduce,)
        return specialised(
            inlined(example, args, statics), arguments, names, reduction, BACKENDS[self.backend], self.options
        )

    def shorten(
        self, args: Sequence[Any], compiled: Specialisation, statics: Sequence[int], keywords: bool
    ) -> None:
        """Notes the short way for arguments of these types, where the backend has one."""
        axes = self.mapping.axes(len(args), statics) if self.mapping is not None else []
        if not statics and not keywords and all(axis in (0, None) for axis in axes):
            direct = compiled.direct(args)
            if direct is not None:
                self.direct[tuple(map(type, args))] = self.latest_direct = direct

    def keep(self, key: Hashable, compiled: Specialisation) -> None:
        self.known[key] = compiled
        self.known.move_to_end(key)
        if len(self.known) > KEPT:
            self.known.popitem(last=False)
            self.direct.clear()

    def source(self) -> Function:
        """The Python function. Raises TypeError if it stayed behind when this was pickled."""
        if self.f is None:
            raise TypeError(
                f"{self!r} was pickled without its Python function (a lambda, a local function or the result "
                f"of a transform): call it with arguments like those it was called with before"
            )
        return self.f

    # What can be read

    @property
    def latest(self) -> Specialisation:
        """The last that was made; before the first call, that of numbers for all arguments."""
        if not self.known:
            if self.statics or self.mapping is not None:
                raise TypeError(f"call {self!r} first: the structure of its arguments is not known")
            numbers = [0.0] * len(positional(self.source()))
            self.specialisation(numbers, (), Arguments(numbers, None), False)
        return next(reversed(self.known.values()))

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}>"

    def __reduce__(self) -> Any:
        mapping = self.mapping and self.mapping._replace(example=picklable(self.mapping.example))
        made = (picklable(self.f), mapping, self.statics, self.backend, self.options)
        return restored, (made, self.__name__, self.writes, list(self.known.items()))


def refused(*args: Any, **keywords: Any) -> Any:
    """The short way of a function that has none."""
    return NotImplemented


def restored(
    made: Any, name: str, writes: bool, known: Sequence[tuple[Hashable, Specialisation]]
) -> Compiled:
    """A compiled function out of its pickle; it compiles again when it is first called."""
    f, mapping, statics, backend, options = made
    compiled = Compiled(f, mapping, statics, backend if backend in BACKENDS else backend_named(None), options)
    compiled.__name__, compiled.writes = name, writes
    compiled.known.update(known)
    return compiled
