"""Functions of arrays, element by element."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

from engine.trees import array_of, is_array


def elementwise(f: Callable[..., Any], operands: Sequence[Any]) -> Any:
    """f of arrays and single numbers, element by element, as NumPy broadcasts them.

    Raises ValueError for shapes that do not fit.
    """
    numpy = sys.modules["numpy"]
    shape = numpy.broadcast_shapes(*(x.shape for x in operands if is_array(x)))
    columns = [
        numpy.broadcast_to(x, shape).reshape(-1).tolist() if is_array(x) else repeat(x) for x in operands
    ]
    results = [f(*xs) for xs in zip(*columns, strict=False)]  # single numbers repeat without end
    if results and all(isinstance(y, bool) for y in results):
        return numpy.array(results).reshape(shape)
    return array_of(results, shape)
