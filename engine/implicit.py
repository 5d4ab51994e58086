"""Solutions of equations as functions of their parameters, by Newton and the implicit function theorem."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial
from math import isfinite, nan
from typing import Any, Final, final

from engine import functions
from engine.choice import Function
from engine.modes import recording, sweeping
from engine.node import Node
from engine.order import topological_order
from engine.primitive import Primitive, Traceable, as_float
from engine.primitives import abs, div, maximum, minimum
from engine.recorded_call import RecordedCall
from engine.text import brief
from engine.trees import Tree
from engine.value import constant

STEPS: Final = 200  # tried on numbers, at most
COMPILED: Final = 40  # always taken on symbols: what has converged stays where it is
NEAR: Final = 2.0**-10  # lengths of a step of Newton's, relative to all that was tried
CLOSE: Final = 2.0**-26
ROUNDING: Final = 2.0**-52
LINEAR: Final = 8  # steps from NEAR to CLOSE: to a simple root there are one or two, to a multiple one many


def root(f: Function, x0: Any, *parameters: Any) -> Any:
    """The x near x0 with f(x, *parameters) = 0, by Newton's method, damped where it overshoots.

    x is a number or a structure of them; f returns as many. The solution is differentiable in the parameters,
    to any order and in every transform, but not in x0. All that f depends on has to be a parameter. Compiled,
    it takes 40 steps and is nan where they do not lead to a solution.

    Raises ValueError if there is none near x0, or a multiple one; TypeError if f uses other variables.

    >>> from engine import grad
    >>> grad(lambda a: root(lambda x, a: x * x - a, 1.0, a))(4.0)
    0.25
    """
    unknowns, given = Tree(x0), Tree(parameters)
    of_symbols = any(isinstance(x, Node) and x.is_symbol for x in (*unknowns.scalars, *given.scalars))
    equations = Equations(f, skeleton(unknowns), skeleton(given))
    xs, numbers = list(map(fixed, unknowns.scalars)), list(map(fixed, given.scalars))
    equations.refuse_captured(xs, numbers, of_symbols)
    found = equations.solved(xs, numbers)
    if any(isinstance(x, Traceable) for x in given.scalars):
        found = equations.solution([*found, *given.scalars])
    return unknowns.build(found)


def skeleton(tree: Tree) -> Any:
    """The structure with 0.0 for every number: what can be kept, and pickled."""
    return tree.build([0.0] * len(tree.scalars))


def fixed(x: Any) -> Any:
    """What takes no gradient: the number, or a symbol of it."""
    if isinstance(x, Node) and x.is_symbol:
        return x.detach()
    return x.item() if isinstance(x, Traceable) else as_float(x)


@final
class Equations:
    """f(x, *parameters) = 0, for structures of zeros in place of x and the parameters."""

    def __init__(self, f: Function, x: Any, parameters: Any) -> None:
        self.f, self.x, self.parameters = f, x, parameters
        self.unknowns, self.given = Tree(x), Tree(parameters)
        self.count = len(self.unknowns.scalars)

    def __reduce__(self) -> Any:
        return Equations, (self.f, self.x, self.parameters)

    def left(self, xs: Sequence[Any], parameters: Sequence[Any]) -> list[Any]:
        """The numbers that have to be 0. Raises TypeError if they are more or fewer than the unknowns."""
        found = Tree(self.f(self.unknowns.build(xs), *self.given.build(parameters))).scalars
        if len(found) != self.count:
            raise TypeError(
                f"root needs as many equations as unknowns, {self.count}: f returned {len(found)}"
            )
        return found

    def refuse_captured(self, xs: Sequence[Any], parameters: Sequence[Any], of_symbols: bool) -> None:
        """Raises TypeError if f depends on a variable beside its arguments, which would get no derivative."""
        own = [x if isinstance(x, Node) else constant(x) for x in (*xs, *parameters)]
        with recording():
            left = self.left(own[: self.count], own[self.count :])
            with sweeping():
                order = topological_order([y for y in left if isinstance(y, Node)], own)
        for node in order[len(own) :]:
            if node.is_variable and (node.is_symbol or not of_symbols):
                raise TypeError(
                    f"f of root depends on {node!r}, which it has from outside: pass it as a parameter, "
                    f"root(f, x0, a), with f(x, a); or its number, a.item()"
                )

    # Newton's method, alike on numbers and on symbols

    def solved(self, xs: list[Any], parameters: Sequence[Any]) -> list[Any]:
        """The solution. On numbers, raises ValueError if there is none, or a multiple one."""
        of_symbols = any(isinstance(x, Node) for x in (*xs, *parameters))
        size, step = self.newton(xs, parameters)
        part, scale, slow = 1.0, largest(xs), 0
        for _ in range(COMPILED if of_symbols else STEPS):
            if not of_symbols:
                length = largest(step)
                slow += CLOSE * scale < length < NEAR * scale
                if size == 0.0 or part * length <= ROUNDING * largest(xs):
                    break
            trial = [x - part * dx for x, dx in zip(xs, step, strict=True)]
            trial_size, trial_step = self.newton(trial, parameters)
            better = trial_size < size
            xs, step = chosen(better, trial, xs), chosen(better, trial_step, step)
            size = functions.where(better, trial_size, size)
            part = functions.where(better, minimum(1.0, 2.0 * part), 0.25 * part)
            scale = maximum(scale, largest(xs))
        found = largest(step) <= CLOSE * scale
        if of_symbols:
            return [functions.where(found, x, nan) for x in xs]
        if slow > LINEAR or (size == 0.0 and not found):
            raise multiple(xs)
        if not found:
            raise ValueError(f"root found none near x0: at x = {brief(xs, 60)[1:-1]}, f is still {size:.3g}")
        return xs

    def newton(self, xs: list[Any], parameters: Sequence[Any]) -> tuple[Any, list[Any]]:
        """How far the left sides are from 0, and the step that would lead there if they were straight."""
        left, slopes = self.linear(lambda xs: self.left(xs, parameters), xs)
        return largest(left), linear_solution(slopes, left)

    def linear(self, f: Function, xs: Sequence[Any]) -> tuple[list[Any], list[list[Any]]]:
        """f(xs), and all its derivatives."""
        run = RecordedCall(f, (list(xs),), (0,), {})
        left = run.results.scalars
        return [run.plain(y) for y in left], [run.gradient(y) for y in left]

    # The implicit function theorem

    @cached_property
    def rows(self) -> list[Primitive]:
        """For each unknown a primitive: of its number, those of all unknowns, and the parameters."""
        return [row_of(self, i) for i in range(self.count)]

    def solution(self, operands: Sequence[Any]) -> list[Any]:
        """The unknowns as what they are to the parameters, which stand behind their numbers."""
        return [row(operands[i], *operands) for i, row in enumerate(self.rows)]

    def value(self, i: int, operands: Sequence[float]) -> float:
        return self.solved(list(operands[1 : 1 + self.count]), operands[1 + self.count :])[i]  # type: ignore[no-any-return]

    def gradient(self, i: int, operands: Sequence[Any]) -> list[Any]:
        """Of f(x, p) = 0 it follows that df/dx dx/dp = -df/dp."""
        n = self.count
        xs = self.solution(operands[1:])
        _, slopes = self.linear(lambda both: self.left(both[:n], both[n:]), [*xs, *operands[1 + n :]])
        transposed = [list(column) for column in zip(*slopes, strict=True)]
        weights = linear_solution(transposed[:n], [-1.0 if i == j else 0.0 for j in range(n)])
        if any(isinstance(x, float) and not isfinite(x) for x in weights):
            raise multiple(xs)
        return [*[None] * (1 + n), *(functions.dot(weights, column) for column in transposed[n:])]


def row_of(equations: Equations, i: int) -> Primitive:
    """The primitive of an unknown."""
    value, gradient = partial(equations.value, i), partial(equations.gradient, i)
    row = Primitive("root", value, gradient=gradient, foreign=True, solved=True)
    row.recipe = (row_of, (equations, i))
    return row


def multiple(xs: Sequence[Any]) -> ValueError:
    return ValueError(
        f"root found a multiple one at x = {brief(list(xs), 60)[1:-1]}: f is flat there, so that the root is "
        f"known to half of the digits at most and has no derivative"
    )


def largest(xs: Sequence[Any]) -> Any:
    return functions.max([abs(x) for x in xs])


def chosen(condition: Any, xs: Sequence[Any], ys: Sequence[Any]) -> list[Any]:
    return [functions.where(condition, x, y) for x, y in zip(xs, ys, strict=True)]


def linear_solution(matrix: Sequence[Sequence[Any]], right: Sequence[Any]) -> list[Any]:
    """The x with matrix x = right, by elimination with pivots; inf or nan if there is none or many."""
    rows = [[*row, y] for row, y in zip(matrix, right, strict=True)]
    n = len(rows)
    for k in range(n):
        for i in range(k + 1, n):  # the largest comes up, by selects where numbers are not known
            larger = abs(rows[i][k]) > abs(rows[k][k])
            rows[k], rows[i] = chosen(larger, rows[i], rows[k]), chosen(larger, rows[k], rows[i])
        for i in range(k + 1, n):
            factor = div(rows[i][k], rows[k][k])
            rows[i] = [x - factor * y for x, y in zip(rows[i], rows[k], strict=True)]
    found: list[Any] = []
    for k in reversed(range(n)):
        rest = rows[k][n]
        for x, y in zip(found, reversed(rows[k][k + 1 : n]), strict=True):
            rest = rest - x * y
        found.append(div(rest, rows[k][k]))
    return found[::-1]
