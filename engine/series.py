"""Functions to series: their derivatives of any order along a path, all in one go."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, inf
from operator import index
from typing import Any

from engine.choice import Function
from engine.expansion import Expansion
from engine.modes import recording
from engine.node import times
from engine.primitive import Traceable
from engine.recorded_call import RecordedCall, sought
from engine.text import brief
from engine.transform import matching
from engine.trees import Tree


def jet(f: Function, primals: Sequence[Any], series: Sequence[Any], factorial_scaled: bool = True) -> Any:
    """f(*primals), and the derivatives of f along a path, as `jax.experimental.jet` has it.

    `series` has a list for each of the primals: the first, second ... derivatives of the path there, each in
    the structure of the primal. The result comes with a list of as many derivatives in place of each number
    or array of f's. Without `factorial_scaled` they are coefficients of t, t**2 ... in both. Raises
    ValueError for series of different lengths, or where a row that is on the path has a kink.
    """
    order = checked(primals, series)
    run = RecordedCall(f, primals, range(len(primals)), {})
    given: list[list[Any]] = [[] for _ in range(order)]
    for primal, terms in zip(primals, series, strict=True):
        for k, term in enumerate(terms):
            given[k] += matching(Tree(primal), term, "a coefficient like its primal")
    scales = [1.0] * order
    if factorial_scaled:
        scales = [float(factorial(k)) if k < 171 else inf for k in range(1, order + 1)]
    paths = [
        [sought(row[i] if scale == 1.0 else row[i] / scale) for scale, row in zip(scales, given, strict=True)]
        for i in range(len(run.inputs))
    ]
    found = coefficients(run, paths, order)
    rows = [[times(scale, x) for x in row] for scale, row in zip(scales, found, strict=True)]
    return run.values(), lists(run.results, rows)


def taylor(f: Function, x: Any, order: int) -> Any:
    """The coefficients of f(x + t) to 1, t, t**2 ... t**order, one number x: a list of order + 1, in place of
    each number or array that f returns.

    >>> taylor(lambda x: 1 / (1 - x), 0.0, 4)
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    order = index(order)
    if order < 0:
        raise ValueError(f"taylor takes an order of 0 or more, got {order}")
    if not Tree(x).is_scalar:
        raise TypeError(f"taylor takes one number, got {brief(x, 60)}: along a path of many there is jet")
    run = RecordedCall(f, (x,), (0,), {})
    path = [1.0, *[None] * (order - 1)][:order]
    start = [run.plain(y) for y in run.results.scalars]
    return lists(run.results, [start, *coefficients(run, [path], order)])


def checked(primals: Sequence[Any], series: Sequence[Any]) -> int:
    """How many coefficients are given of each path. Raises TypeError or ValueError."""
    for given, what in ((primals, "primals"), (series, "series")):
        if not isinstance(given, (tuple, list)):
            raise TypeError(f"jet takes its {what} in a tuple, one for each argument, got {brief(given, 60)}")
    lengths = {len(terms) for terms in series}
    if len(primals) != len(series) or len(lengths) > 1:
        found = ", ".join(str(len(terms)) for terms in series)
        raise ValueError(
            f"jet takes a series for each of its {len(primals)} primals, all of one length; "
            f"got {len(series)}, of length {found or 0}"
        )
    return lengths.pop() if lengths else 0


def lists(results: Tree, rows: Sequence[Sequence[Any]]) -> Any:
    """The tree of the results, with the numbers of all rows, in a list, in place of each piece."""
    return results.assemble(
        [[piece.build(row[i : i + len(piece.scalars)]) for row in rows] for i, piece in results.offsets()]
    )


def coefficients(run: RecordedCall, paths: Sequence[Sequence[Any]], order: int) -> list[list[Any]]:
    """Coefficients 1 to order of all results, a row for each order; None in a path is 0."""
    on_nodes = run.on_nodes or any(isinstance(x, Traceable) for path in paths for x in path)
    with recording():
        expansion = Expansion(order, on_nodes)
        found = {id(x): expansion.given(x, path) for x, path in zip(run.inputs, paths, strict=True)}
        expansion.read(run.order, found, 0)
        expansion.advance()
    known = [found.get(id(y)) for y in run.results.scalars]
    rows = [
        [0.0 if s is None or s.term(k) is None else s.term(k) for s in known] for k in range(1, order + 1)
    ]
    return [[run.plain(x) if run.on_nodes else x for x in row] for row in rows]
