"""Python's objects read by machine code: what is read has been proved to be there.

Whatever is not as it was when the code was made is left to Python: a jump to `other`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from engine.compiler.llvm import python_objects as objects
from engine.compiler.llvm.code import Code, Shape
from engine.trees import is_array

UNROLLED: Final = 8  # numbers of a sequence that are read, or made, one by one; more of them in a loop


class Unsupported(Exception):
    """Machine code does not know such arguments or results."""


class PythonArguments:
    """Checks, and loads behind them. `shape` is that of a single number."""

    def __init__(self, code: Code, shape: Shape) -> None:
        self.code, self.shape = code, shape

    @property
    def dtype(self) -> Any:
        return sys.modules["numpy"].dtype("float64" if self.shape.number == "double" else "float32")

    def expect(self, condition: str) -> None:
        """Goes on only if a condition holds."""
        following = self.code.label()
        self.code.branch(self.code.let(condition), following, "other")
        self.code.begin(following)

    def expect_equal(self, found: str, value: int | str, kind: str = "i64") -> None:
        self.expect(f"icmp eq {kind} {found}, {value}")

    def word(self, x: str, offset: int, kind: str = "i64") -> str:
        return self.code.let(f"load {kind}, ptr {self.code.address(x, offset)}")

    def take_number(self, x: str, where: str) -> None:
        """The number of a float, an int or a scalar of NumPy, put into memory."""
        code, read, rare, fine, doubtful = self.code, *(self.code.label() for _ in range(4))
        kind = self.word(x, objects.TYPE)
        code.branch(code.let(f"icmp eq i64 {kind}, {id(float)}"), read, rare)
        code.begin(rare)
        kinds = " ".join(f"i64 {id(known)}, label %{read}" for known in objects.number_types())
        code.do(f"switch i64 {kind}, label %other [{kinds}]")
        code.begin(read)
        number = code.call("double", "PyFloat_AsDouble", [f"ptr {x}"])
        code.branch(code.let(f"fcmp oeq double {number}, -1.0"), doubtful, fine)
        code.begin(doubtful)
        error = code.call("ptr", "PyErr_Occurred", [])
        code.branch(code.let(f"icmp eq ptr {error}, null"), fine, "end")
        code.begin(fine)
        if self.shape.number == "float":
            number = code.let(f"fptrunc double {number} to float")
        code.do(f"store {self.shape.type} {number}, ptr {where}")

    def array(self, x: str, lengths: Sequence[int | str | None], flags: int) -> tuple[str, list[str]]:
        """The memory of an array of our dtype, and its lengths; None is any length."""
        code, rank = self.code, len(lengths)
        self.expect_equal(self.word(x, objects.TYPE), id(sys.modules["numpy"].ndarray))
        self.expect_equal(self.word(x, objects.DTYPE), id(self.dtype))
        self.expect_equal(self.word(x, objects.DIMENSIONS, "i32"), rank, "i32")
        found = code.let(f"and i32 {self.word(x, objects.FLAGS, 'i32')}, {flags}")
        self.expect_equal(found, flags, "i32")
        shape = self.word(x, objects.SHAPE, "ptr")
        own = [code.let(f"load i64, ptr {code.address(shape, axis, 'i64')}") for axis in range(rank)]
        for length, wanted in zip(own, lengths, strict=True):
            if wanted is not None:
                self.expect_equal(length, wanted)
        return self.word(x, objects.DATA, "ptr"), own

    def sequence(self, x: str, like: Any) -> str:
        """Where the items of a list or tuple begin; there are as many as in the one it is like."""
        if type(like) not in (list, tuple):
            raise Unsupported
        self.expect_equal(self.word(x, objects.TYPE), id(type(like)))
        self.expect_equal(self.word(x, objects.LENGTH), len(like))
        return (
            self.word(x, objects.ITEMS, "ptr") if type(like) is list else self.code.address(x, objects.ITEMS)
        )

    def items(self, x: str, like: Any) -> Iterator[tuple[str, Any]]:
        """The items, each with the one that it is like."""
        first = self.sequence(x, like)
        for i, part in enumerate(like):
            yield self.word(first, 8 * i, "ptr"), part

    def take_numbers(self, x: str, like: Any, where: str) -> None:
        """All items of a sequence of numbers, put into memory side by side."""
        code, first = self.code, self.sequence(x, like)
        with code.counting(0, len(like)) as k:
            item = code.let(f"load ptr, ptr {code.address(first, k, 'ptr')}")
            self.take_number(item, code.address(where, k, self.shape.type))


def is_number(x: Any) -> bool:
    return type(x) in objects.number_types()


def are_numbers(x: Any) -> bool:
    """Whether it is a long sequence of nothing but numbers."""
    return type(x) in (list, tuple) and len(x) > UNROLLED and all(map(is_number, x))


def shape_of(leaf: Any) -> tuple[int, ...]:
    return leaf.shape if is_array(leaf) else ()
