"""`check_gradients`: a test out of an expression."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, overload

from engine.testing.check import gradcheck
from engine.testing.subject import Function


@overload
def check_gradients(f: Function, /) -> Function: ...
@overload
def check_gradients(**options: Any) -> Callable[[Function], Function]: ...
def check_gradients(
    f: Function | None = None, /, **options: Any
) -> Function | Callable[[Function], Function]:
    """Makes a test of a function that returns an expression: called with numbers, by pytest's
    parametrize or by Hypothesis' given, it runs `gradcheck` there. Takes gradcheck's options.

    >>> @check_gradients(order=2)
    ... def test_a_product(x=2.0, y=3.0):
    ...     return x * y
    >>> test_a_product(2.0, 3.0)
    """
    if f is None:
        return lambda f: checked(f, options)
    return checked(f, options)


def checked(f: Function, options: dict[str, Any]) -> Function:
    hypothesis = getattr(f, "hypothesis", None)
    if hypothesis is not None:  # @given stands below: go inside
        hypothesis.inner_test = checked(hypothesis.inner_test, options)
        return f

    @wraps(f)
    def test(*args: Any, **keywords: Any) -> None:
        @wraps(f)
        def of_all(*values: Any) -> Any:
            return f(*values[: len(args)], **dict(zip(keywords, values[len(args) :], strict=True)))

        gradcheck(of_all, (*args, *keywords.values()), **options)

    return test
