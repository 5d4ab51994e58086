"""`NodeArray`: what a transform hands to a function in place of an array of numbers."""

from __future__ import annotations

from typing import Any

import numpy

from engine import functions
from engine.arrays import elementwise
from engine.operators import Operators
from engine.primitive import Traceable
from engine.value import constant

QUESTIONS = {"isnan": functions.isnan, "isinf": functions.isinf, "isfinite": functions.isfinite}


class NodeArray(numpy.ndarray[Any, Any]):
    """An array of nodes, among which plain numbers may stand: after `np.where`, a padding, a concatenation.

    NumPy's exp of objects calls the method `exp` of each, which a float has not.
    """

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        name = ufunc.__name__
        if method == "__call__" and not keywords and (name in QUESTIONS or hasattr(Operators, name)):
            return elementwise(QUESTIONS.get(name) or element_function(ufunc), [bare(x) for x in inputs])
        if "out" in keywords:
            keywords["out"] = tuple(map(bare, keywords["out"]))
        return dressed(getattr(ufunc, method)(*map(bare, inputs), **keywords))

    def __array_function__(self, function: Any, types: Any, args: Any, keywords: Any) -> Any:
        return dressed(super().__array_function__(function, types, args, keywords))


def element_function(ufunc: Any) -> Any:
    """The ufunc of single numbers: of nodes, their method of that name."""

    def apply(*xs: Any) -> Any:
        if not any(isinstance(x, Traceable) for x in xs):
            return float(ufunc(*xs))
        first, *others = xs
        return getattr(first if isinstance(first, Traceable) else constant(first), ufunc.__name__)(*others)

    return apply


def bare(x: Any) -> Any:
    return x.view(numpy.ndarray) if isinstance(x, NodeArray) else x


def dressed(result: Any) -> Any:
    """The result of a function of NumPy, its arrays of objects as NodeArrays; several may come in a list."""
    if isinstance(result, (tuple, list)):
        return type(result)(map(dressed, result)) if type(result) in (tuple, list) else result
    return result.view(NodeArray) if isinstance(result, numpy.ndarray) and result.dtype == object else result
