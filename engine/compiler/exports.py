"""What a compiled function can be written out as: other languages, formulas, files for other runtimes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from engine.compiler.calls.signature import Signature
from engine.compiler.loops.printed import printed
from engine.compiler.sources.c import CFile, Storage
from engine.compiler.sources.frameworks import framework_function
from engine.compiler.sources.javascript import javascript_source
from engine.compiler.sources.latex import latex_source
from engine.compiler.sources.onnx import onnx_model
from engine.compiler.sources.python import python_source
from engine.compiler.sources.sympy import sympy_expressions
from engine.compiler.specialisation import Specialisation, gradient_tape
from engine.compiler.tape.tape import Tape
from engine.files import AnyPath, write_file


class Exports(ABC):
    """Readers of the latest tape of a compiled function. Where it asks its numbers, all known paths are in
    it: each result is the one of the path whose guards hold, nan where none is known."""

    signature: Signature

    @property
    @abstractmethod
    def latest(self) -> Specialisation:
        """What is written out."""

    @property
    def tape(self) -> Tape:
        """The simplified tape, readable when printed; of a mapped function, that of one example."""
        return printed(self.latest.tape)

    def to_c(self, name: str, *, storage: Storage = "heap") -> str:
        """One C99 file: `void name(const double *x, double *y)`, and for a function with one result
        `double name_gradient(const double *x, double *gradient)`, which returns the value; floats for
        dtype="float32". All else in it is static, called name_..., so that many files go into one program.

        storage  where a function of more than 500 operations keeps what its parts hand on: "heap" (malloc,
                 abort if there is no memory), "static" (not for two threads at once), or "caller": both
                 functions take an array `work` behind the others, its size is in the header

        Raises ValueError for a name that C keeps for itself, Untranslatable for what has no kernel.
        """
        return self.c_file(name, storage).source()

    def to_c_header(self, name: str, *, storage: Storage = "heap") -> str:
        """The header of that file, for C and C++: prototypes, and enum { name_inputs, name_outputs } (and
        name_work for a caller's storage), how many numbers x, y and work have."""
        return self.c_file(name, storage).header()

    def c_file(self, name: str, storage: Storage) -> CFile:
        latest = self.latest
        gradient = gradient_tape(latest.recorded, 0) if len(latest.tape.outputs) == 1 else None
        return CFile(latest.tape, name, gradient, storage=storage, dtype=latest.options.dtype)

    def to_javascript(self, name: str) -> str:
        """A JavaScript function from an array of the inputs to an array of the outputs; for dtype="float32"
        every number is rounded by Math.fround. Raises ValueError for a name that JavaScript keeps."""
        return javascript_source(self.tape, name, self.latest.options.dtype)

    def to_python(self, namespace: str = "math", name: str = "f") -> str:
        """Python source: the kernels as they are for "math", or in terms of "numpy", "jax" or "torch".

        Rows that a library lacks are functions with their kernel, lowered to selects. JAX and PyTorch
        differentiate these, and themselves, as the engine does: a higher derivative of `**` than the
        second is a NotImplementedError. All is in float64; with dtype="float32" arguments and results are
        rounded. What they cannot do: gamma, lgamma and polygamma are their own, to 8 digits (NumPy has none);
        JAX takes subnormal numbers for 0, and torch.fmod those of a divisor for nan; a derivative that is
        infinite in the arm of a `where` that is not taken makes a nan of theirs.
        """
        return python_source(self.tape, namespace, name, self.latest.options.dtype)

    def to_jax(self) -> Callable[..., Any]:
        """The function for JAX: called like this one, but without static arguments, it takes and returns
        JAX's arrays in the same structure, and `jax.grad`, `vmap`, `jit` and shards take it; a mapped one
        takes arrays along its axes. Of derivatives it has what `to_python` says. Raises ImportError."""
        return framework_function("jax", self.latest, self.signature)

    def to_torch(self) -> Callable[..., Any]:
        """The same for PyTorch: on tensors, for `backward` and `torch.func`."""
        return framework_function("torch", self.latest, self.signature)

    def to_latex(self) -> str:
        """A formula of real numbers, or an `aligned` block of them where parts are shared."""
        return latex_source(self.tape)

    def to_sympy(self) -> Any:
        """A SymPy expression in real symbols named like the arguments, or a tuple of them: the textbook's
        formulas, exact, whatever the dtype. Raises Untranslatable for what has no formula."""
        return sympy_expressions(self.tape)

    _sympy_ = to_sympy

    def to_onnx(self, path: AnyPath) -> None:
        """Writes an ONNX file in the dtype of the function. Inputs are named like arguments: shape () for a
        number, (n,) for the n numbers of anything else, the examples in front where they are mapped. The
        numbers and arrays of the result, in order, are result0, result1 ...

        Rows that are no operator are functions of the model: `onnx.inliner` puts them in place, where a
        runtime knows none. They compute what the kernels do, to a few ulp; ONNX Runtime's Where and Relu have
        their own signs of zero. Raises Untranslatable with all that ONNX lacks, such as gamma.
        """
        latest = self.latest
        model = onnx_model(latest.tape, latest.layout, latest.results, latest.options.dtype)
        write_file(path, model.SerializeToString())
