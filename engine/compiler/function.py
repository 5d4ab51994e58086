"""`jit`: a Python function compiled for each structure of its arguments."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial, update_wrapper
from importlib import import_module
from types import MethodType
from typing import Any, Final, final

from engine.batch import is_axis
from engine.compiler.backend import Backend, Options, refused
from engine.compiler.cache import Cache
from engine.compiler.calls.as_nodes import FunctionOutput, TapeOutput, as_nodes, number
from engine.compiler.calls.functions import Function, argument_names, arity, picklable
from engine.compiler.calls.results import written
from engine.compiler.calls.signature import Call, Signature, signature_of
from engine.compiler.errors import Enclosed, TracingError
from engine.compiler.exports import Exports
from engine.compiler.llvm import llvm
from engine.compiler.llvm.python_objects import is_machine_code, or_else
from engine.compiler.numpy_backend import NumpyBackend
from engine.compiler.paths import Path, Paths
from engine.compiler.specialisation import Specialisation, specialised
from engine.compiler.spread import spread
from engine.compiler.tape.questions import Questions
from engine.compiler.tape.symbol import Symbol
from engine.compiler.tape.tape import Answer
from engine.source import user_level
from engine.text import brief
from engine.transform import Mapped
from engine.trees import Tree, with_nodes

BACKENDS: Final[dict[str, Backend]] = {"numpy": NumpyBackend, "llvm": llvm}  # the last one is the fastest
DTYPES: Final = ("float64", "float32")


def jit(
    f: Function,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    threads: int = 1,
    dtype: str = "float64",
    fast_math: bool = False,
    backend: str | None = None,
    max_paths: int = 256,
) -> Compiled:
    """f, compiled: traced once for each structure of its arguments, and for each way that its branches and
    loops take; floats to floats, arrays to arrays.

    static_argnums  arguments that are part of the program: hashable, a new value is a new trace
    static_argnames  the same by name; one of both will do, for calls of either kind
    threads         over the examples of `jit(vmap(f))`
    dtype           "float64" or "float32", in which sums in loops of long formulas are added, too
    fast_math       lets the compiler regroup and contract sums and products, and take kernels of several
                    numbers, which are within 4 ulp, in loops of long formulas
    backend         by default the fastest one that is installed
    max_paths       how many ways are compiled for a structure; calls that take another one run eagerly

    A question to a traced number (`if x > 0`, `while`, `max`, `sorted`, `x == 0`) is answered by the
    arguments of the call, and compiled as a guard. `range(n)`, `int(n)` and `table[n]` are, for whole numbers
    that are not differentiated: each number is a path. What a function does beside its results, such as
    print or append, it does when a path is traced. Under vmap every example takes its own path; those of one
    path are computed together, and sums go over all of them from left to right.

    Called with `out=`, arrays in the structure of the results (of no dimension for a number), it fills and
    returns them; they may be arguments, too. A parameter of f that is called `out` takes precedence.

    Values that f captures are constants of the compiled function. Raises TracingError, with the line,
    if f asks a traced number for what no guard can keep, as .data or math.sin; TypeError if f returns what
    is no number; ImportError with the extra to install.
    """
    if not callable(f):
        raise TypeError(f"jit takes a function, got {type(f).__name__} {brief(f)}")
    if dtype not in DTYPES:
        raise ValueError(f"dtype is one of {', '.join(DTYPES)}, got {dtype!r}")
    for name, count in (("threads", threads), ("max_paths", max_paths)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"{name} is an int of 1 or more, got {count!r}")
    options = Options(threads, dtype, bool(fast_math))
    # Of results that are stacked along another axis, all examples are traced together.
    batch = f.batch if isinstance(f, Mapped) and is_axis(f.batch.out_axes, 0) else None
    signature = signature_of(f, static_argnums, static_argnames, batch)
    return Compiled(f, signature, backend_named(backend), options, max_paths)


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
    """What `jit` returns: called like the function, it traces and compiles where a structure is new.

    signature  how arguments are read
    cache      what has been compiled, by structures of arguments and paths
    fast_path  machine code that takes arguments like those of the latest call, if it can
    __call__   the same, or `general` where it refuses: a slot, so that a call needs no frame of Python's
    """

    __slots__ = ("__call__",)
    __call__: Callable[..., Any]

    def __init__(
        self, f: Function | None, signature: Signature, backend: str, options: Options, max_paths: int
    ) -> None:
        self.f = f
        self.signature = signature
        self.backend = backend
        self.options = options
        self.max_paths = max_paths
        self.cache = Cache()
        self.fast_path: Function = refused
        self.__call__ = self.general
        self.__name__ = "function"
        if f is not None:
            update_wrapper(self, f, updated=())  # no attribute of f may stand for one of ours

    def general(self, *args: Any, **keywords: Any) -> Any:
        """A call of any kind."""
        results = NotImplemented
        if self.signature.writes or not keywords:
            results = self.fast_path(*args, **keywords)
        return self.call(args, keywords) if results is NotImplemented else results

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        """As a method: compiled functions take part in classes as functions do."""
        return self if instance is None else MethodType(self, instance)

    def call(self, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
        """The general case: finds or makes the specialisation, and runs it."""
        if self.signature.writes and "out" in keywords:
            out = keywords.pop("out")
            results = self.call(args, keywords)
            return results if out is None else written(results, out, self.options.dtype)
        try:
            call = self.signature.read(args, keywords)
        except RecursionError:
            Tree([*args, keywords])  # a ValueError for what contains itself
            raise ValueError("an argument is nested too deep to be compiled: pass its numbers flat") from None
        nodes = call.arguments.nodes()
        if any(isinstance(x, Symbol) for x in nodes):
            return self.source()(*args, **keywords)  # an enclosing trace takes it all
        call.arguments.without_nodes(number)
        try:
            paths = self.cache.get(call.key) or self.first_path(call)
            inputs = paths.latest.program.inputs(call.arguments)
            tracer = partial(self.trace_path, call)
            spreads = paths.latest.program.spreads
            taken = spread(paths, inputs, tracer) if spreads else paths.take(inputs, tracer)
        except Enclosed:
            return self.source()(*args, **keywords)
        if taken is None or taken[0].program.raises:
            paths.warn()
            results = self.source()(*args, **keywords)
            if taken is not None:  # and no error: the function tells traced numbers from others
                error = taken[0].program.error
                warnings.warn(
                    f"{self!r} runs eagerly: traced, it raised {error}", RuntimeWarning, user_level()
                )
            return results if nodes else with_nodes(results, number)
        path, outputs = taken
        if nodes:
            return self.connected(call, paths, path, outputs)
        if call.is_plain and not path.program.spreads:
            self.fast_path = paths.fast_path(path, args, call.arguments.has_array)
            self.__call__ = self.shortest(paths, path) if self.signature.writes else self.general
        return path.program.built(outputs, call.arguments.has_array)

    def shortest(self, paths: Paths, path: Path) -> Function:
        """What a call is from now on."""
        if path.turns:
            return paths.or_else(lambda *args, **keywords: self.call(args, keywords))
        return or_else(self.fast_path, self.general) if is_machine_code(self.fast_path) else self.general

    def first_path(self, call: Call) -> Paths:
        """The paths of a new structure of arguments: that of this call. Raises TracingError or TypeError."""
        return self.cache.keep(call.key, Paths(self.max_paths, [self.trace_path(call, ())]))

    def trace_path(self, call: Call, answers: Sequence[Answer], example: int = 0) -> Specialisation:
        """The specialisation for the path that the arguments of a call take, or an example of them."""
        return self.trace(call, Questions(call.arguments.numbers(example, self.options.dtype), answers))

    def trace(self, call: Call, questions: Questions) -> Specialisation:
        """A new specialisation. Raises TracingError or TypeError."""
        f = self.source()
        example = f.example if isinstance(f, Mapped) and self.signature.batch is not None else f
        names = argument_names(example, call.statics, len(call.arguments.example))
        backend, batch = BACKENDS[self.backend], self.signature.batch
        return specialised(
            call.inline(example), call.arguments, names, batch, backend, self.options, questions
        )

    def connected(self, call: Call, paths: Paths, path: Path, outputs: Any) -> Any:
        """The results as nodes, whose parents are what was called with."""
        tree = Tree(list(call.traced))
        rule: Callable[[int], Any]
        if self.signature.batch is not None:
            rule = partial(FunctionOutput, call.inline(self.source()), tree)
        else:
            path.refuse_counted(tree.scalars)
            choose = partial(self.program_at, call, paths) if path.turns else lambda _: path.program
            rule = partial(TapeOutput, choose)
        numbers, build = path.program.flat(outputs, call.arguments.has_array)
        return build(as_nodes(numbers, tree.scalars, self.__name__, rule))

    def program_at(self, call: Call, paths: Paths, operands: Sequence[Any]) -> Specialisation:
        """That of the path which a call with other numbers takes. Raises what the function raises there."""
        numbers = list(map(number, operands))
        inputs = paths.latest.program.split(numbers)
        taken = paths.take(inputs, lambda known: self.trace(call, Questions(numbers, known)), bounded=False)
        if taken is None or taken[0].program.raises:
            call.inline(self.source())(*Tree(list(call.traced)).build(numbers))
            raise TracingError(f"{self!r} has no path for {brief(numbers)}: leave fast_math away")
        return taken[0].program

    def source(self) -> Function:
        """The Python function. Raises TypeError if it stayed behind when this was pickled."""
        if self.f is None:
            raise TypeError(
                f"{self!r} was pickled without its Python function (a lambda or a local function): "
                f"call it with arguments like those it was called with before"
            )
        return self.f

    @property
    def latest(self) -> Specialisation:
        """That of the last call, with all known paths; before the first call, that of plain numbers."""
        if not self.cache:
            count = arity(self.source())
            if count is None or self.signature.statics or self.signature.batch is not None:
                raise TypeError(f"call {self!r} first: the structure of its arguments is not known")
            call, questions = self.signature.read([0.0] * count, {}), Questions([0.0] * count)
            program = self.trace(call, questions)
            if questions.asked:
                raise TypeError(f"call {self!r} first: its path depends on them ({questions.asked[0].line})")
            self.cache.keep(call.key, Paths(self.max_paths, [program]))
        return self.cache.latest.merged()

    @property
    def paths(self) -> list[Path]:
        """The known ways through the function, for arguments like the latest: a list of what has `guards` in
        words, a `tape`, and `calls`."""
        return list(self.cache.latest.known) if self.cache else []

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}>"

    def __reduce__(self) -> Any:
        parts = (picklable(self.f), self.signature, self.backend, self.options, self.max_paths)
        return restored, (parts, self.__name__, self.cache)


def restored(parts: Any, name: str, cache: Cache) -> Compiled:
    """A compiled function out of its pickle; it compiles again when it is first called."""
    f, signature, backend, *rest = parts
    compiled = Compiled(f, signature, backend_named(backend if backend in BACKENDS else None), *rest)
    compiled.__name__, compiled.cache = name, cache
    return compiled
