"""`check_gradients`: a test out of an expression."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from numbers import Real
from typing import Any, ParamSpec, overload

from engine.node import Node
from engine.testing.check import gradcheck
from engine.testing.subject import Function, parameters
from engine.trees import Tree

P = ParamSpec("P")


@overload
def check_gradients(f: Callable[P, object], /) -> Callable[P, None]: ...
@overload
def check_gradients(**options: Any) -> Callable[[Callable[P, object]], Callable[P, None]]: ...
def check_gradients(
    f: Function | None = None, /, **options: Any
) -> Function | Callable[[Function], Function]:
    """Makes a test of a function that returns an expression: called with numbers, by pytest's
    parametrize or by Hypothesis' given, it runs `gradcheck` there. Takes gradcheck's options. Arguments
    that are no numbers (self, a word, a flag) are passed on as they are; defaults count.

    >>> @check_gradients(order=2)
    ... def test_a_product(x=2.0, y=3.0):
    ...     return x * y
    >>> test_a_product(2.0, 3.0)
    """
    if f is None:
        return lambda f: with_check(f, options)
    return with_check(f, options)


def with_check(f: Function, options: dict[str, Any]) -> Function:
    hypothesis = getattr(f, "hypothesis", None)
    if hypothesis is not None:  # @given stands below: go inside
        hypothesis.inner_test = with_check(hypothesis.inner_test, options)
        return f

    @wraps(f)
    def test(*args: Any, **keywords: Any) -> None:
        call = signature(f).bind(*args, **keywords)
        call.apply_defaults()
        given, count = [*call.args, *call.kwargs.values()], len(call.args)
        places = [i for i, x in enumerate(given) if is_numeric(x)]

        def of_numbers(*numbers: Any) -> Any:
            filled = given.copy()
            for i, x in zip(places, numbers, strict=True):
                filled[i] = x
            return f(*filled[:count], **dict(zip(call.kwargs, filled[count:], strict=True)))

        names = [*parameters(f, count), *call.kwargs]
        of_numbers.__name__ = f.__name__
        of_numbers.names = [names[i] for i in places]  # type: ignore[attr-defined]
        gradcheck(of_numbers, tuple(given[i] for i in places), **options)

    return test


def is_numeric(x: Any) -> bool:
    """Whether an argument is differentiated: not self, a word, a flag, or what is put together of such."""
    scalars = Tree(x).scalars
    return bool(scalars) and all(isinstance(s, (Node, Real)) and not isinstance(s, bool) for s in scalars)
