"""What a compiled function can be written out as: other languages, formulas, files for other runtimes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from engine.compiler.loops.printed import printed
from engine.compiler.sources.c import c_source
from engine.compiler.sources.javascript import javascript_source
from engine.compiler.sources.latex import latex_source
from engine.compiler.sources.onnx import onnx_model
from engine.compiler.sources.python import python_source
from engine.compiler.sources.sympy import sympy_expressions
from engine.compiler.specialisation import Specialisation, gradient_tape
from engine.compiler.tape.tape import Tape
from engine.files import AnyPath, write_file


class Exports(ABC):
    """Readers of the latest tape of a compiled function."""

    @property
    @abstractmethod
    def latest(self) -> Specialisation:
        """What is written out."""

    @property
    def tape(self) -> Tape:
        """The simplified tape, readable when printed; of a mapped function, that of one example."""
        return printed(self.latest.tape)

    def to_c(self, name: str) -> str:
        """One C99 file: `void name(const double *x, double *y)`, and for a function with one result
        `double name_gradient(const double *x, double *gradient)`."""
        one = len(self.tape.outputs) == 1
        return c_source(self.tape, name, gradient_tape(self.latest.recorded, 0) if one else None)

    def to_javascript(self, name: str) -> str:
        """A JavaScript function from an array of the inputs to an array of the outputs."""
        return javascript_source(self.tape, name)

    def to_python(self, namespace: str = "math", name: str = "f") -> str:
        """Python source in terms of "math", "numpy", "jax" or "torch"."""
        return python_source(self.tape, namespace, name)

    def to_latex(self) -> str:
        """A formula, or an `aligned` block of them where parts are shared."""
        return latex_source(self.tape)

    def to_sympy(self) -> Any:
        """A SymPy expression in symbols named like the arguments, or a tuple of them."""
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
