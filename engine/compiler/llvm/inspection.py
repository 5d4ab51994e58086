"""Python's objects taken apart in machine code: what is read has been proved to be there.

Whatever is not as it was when the code was made is left to the long way: a jump to `other`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from engine.compiler.llvm import python_objects as objects
from engine.compiler.llvm.code import Code, Shape


class Unsupported(Exception):
    """There is no short way for such arguments."""


class Inspection:
    """Checks, and loads behind them. `shape` is that of a single number; `kept` has objects that the code
    knows by their address."""

    def __init__(self, code: Code, shape: Shape) -> None:
        self.code, self.shape = code, shape
        self.kept: list[Any] = []

    @property
    def dtype(self) -> Any:
        return sys.modules["numpy"].dtype("float64" if self.shape.number == "double" else "float32")

    def expect(self, condition: str) -> None:
        """Goes on only if a condition holds."""
        following = self.code.label()
        self.code.branch(condition, following, "other")
        self.code.begin(following)

    def expect_equal(self, found: str, value: int | str, kind: str = "i64") -> None:
        self.expect(self.code.let(f"icmp eq {kind} {found}, {value}"))

    def expect_word(self, x: str, offset: int, value: int, kind: str = "i64") -> None:
        self.expect_equal(self.code.let(f"load {kind}, ptr {self.code.address(x, offset)}"), value, kind)

    def expect_object(self, x: str, known: object) -> None:
        """That it is this very object."""
        self.kept.append(known)
        self.expect_equal(self.code.let(f"ptrtoint ptr {x} to i64"), id(known))

    def number(self, x: str) -> str:
        """The number of a float, as a double."""
        code = self.code
        self.expect_word(x, objects.TYPE, id(float))
        number = code.let(f"call double @PyFloat_AsDouble(ptr {x})")
        fine, doubtful = code.label(), code.label()
        code.branch(code.let(f"fcmp oeq double {number}, -1.0"), doubtful, fine)
        code.begin(doubtful)
        error = code.let("call ptr @PyErr_Occurred()")
        code.branch(code.let(f"icmp eq ptr {error}, null"), fine, "failed")
        code.begin(fine)
        return number

    def array(self, x: str, rank: int, flags: int) -> str:
        """The memory of an array of our dtype."""
        if not objects.array_offsets_hold():
            raise Unsupported
        self.expect_word(x, objects.TYPE, id(sys.modules["numpy"].ndarray))
        self.expect_word(x, objects.DTYPE, id(self.dtype))
        self.expect_word(x, objects.DIMENSIONS, rank, "i32")
        found = self.code.let(f"load i32, ptr {self.code.address(x, objects.FLAGS)}")
        self.expect_equal(self.code.let(f"and i32 {found}, {flags}"), flags, "i32")
        return self.code.let(f"load ptr, ptr {self.code.address(x, objects.DATA)}")

    def length(self, x: str, axis: int) -> str:
        """Of an array along an axis."""
        lengths = self.code.let(f"load ptr, ptr {self.code.address(x, objects.SHAPE)}")
        return self.code.let(f"load i64, ptr {self.code.address(lengths, axis, 'i64')}")

    def expect_lengths(self, x: str, lengths: Sequence[int | str], first: int = 0) -> None:
        for axis, length in enumerate(lengths, first):
            self.expect_equal(self.length(x, axis), length)

    def items(self, x: str, like: Any) -> list[tuple[str, Any]]:
        """The items of a list, tuple or dict, each with the one that it is like."""
        if type(like) is dict:
            return self.dict_items(x, like)
        if type(like) not in (list, tuple):
            raise Unsupported
        self.expect_word(x, objects.TYPE, id(type(like)))
        self.expect_word(x, objects.LENGTH, len(like))
        if type(like) is list:
            first = self.code.let(f"load ptr, ptr {self.code.address(x, objects.LIST_ITEMS)}")
        else:
            first = self.code.address(x, objects.TUPLE_ITEMS)
        places = [self.code.address(first, i, "ptr") for i in range(len(like))]
        return [(self.code.let(f"load ptr, ptr {at}"), part) for at, part in zip(places, like, strict=True)]

    def dict_items(self, x: str, like: dict[Any, Any]) -> list[tuple[str, Any]]:
        """In the order of `trees.parts`. The keys have to be the same objects in the same order."""
        code, found = self.code, {}
        self.expect_word(x, objects.TYPE, id(dict))
        self.expect_equal(code.let(f"call i64 @PyDict_Size(ptr {x})"), len(like))
        position, key, value = (code.let(f"alloca {kind}") for kind in ("i64", "ptr", "ptr"))
        code.do(f"store i64 0, ptr {position}")
        for known in like:
            step = f"call i32 @PyDict_Next(ptr {x}, ptr {position}, ptr {key}, ptr {value})"
            self.expect_equal(code.let(step), 1, "i32")
            self.expect_object(code.let(f"load ptr, ptr {key}"), known)
            found[known] = code.let(f"load ptr, ptr {value}")
        return [(found[known], like[known]) for known in sorted(like, key=repr)]
