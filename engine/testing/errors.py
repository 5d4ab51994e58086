"""What is raised when a gradient is wrong."""

from __future__ import annotations

from typing import Any


class GradientError(AssertionError):
    """A derivative that is wrong, or a function that has none to be checked.

    `reason` is "wrong", "random", "nan", "inf", "kink", "constant", "ignored", "unrepeatable" or
    "detached"; `rows` has the derivatives that were compared.
    """

    def __init__(self, reason: str, message: str, rows: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.rows = rows

    def __reduce__(self) -> Any:
        return GradientError, (self.reason, str(self), self.rows)
