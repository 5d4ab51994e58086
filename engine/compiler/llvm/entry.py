"""The shortest way from Python: a function of machine code that takes objects apart and makes the results.

It is written for one structure of arguments: floats, arrays, lists and tuples of them. Whatever else
comes, it returns NotImplemented before it has done anything, and the long way is taken. It holds the GIL,
which keeps its arguments as they are; so it leaves long work to the long way, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod
from typing import Any, Final

from engine.compiler.backend import Layout
from engine.compiler.llvm import python_objects as objects
from engine.compiler.llvm.code import Code, Shape
from engine.compiler.tape import Tape
from engine.trees import is_array

WORK: Final = 1_000_000  # operations, on all examples together, that may be done while others wait: 0.1 ms
LEAVES: Final = 200  # arguments, and results, that are taken apart and made here
OUTPUTS: Final = 1024  # they are put on the stack
DECLARATIONS: Final = """
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyFloat_FromDouble(double)
declare ptr @PyErr_Occurred()
declare ptr @PyErr_NoMemory()
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare void @Py_IncRef(ptr)
declare ptr @new_array(ptr, ptr, i32, ptr, ptr, ptr, i32, ptr)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""


class Unsupported(Exception):
    """There is no short way for such arguments."""


class Entry:
    """The text of one entry, from arguments like those given to a structure like `result`."""

    def __init__(self, tape: Tape, layout: Layout, shape: Shape, result: Any) -> None:
        self.tape, self.layout, self.shape, self.result = tape, layout, shape, result
        self.code = Code()
        self.floats = 0
        self.block = -1
        self.blocks: list[tuple[int, str]] = []
        self.in_numbers = False
        self.examples: str | None = None
        self.outputs = 0
        self.leaves = 0

    def function(self, args: Sequence[Any]) -> str:
        """Raises Unsupported."""
        if len(self.tape.outputs) > OUTPUTS or (self.layout.mapped and self.layout.reduce is None):
            raise Unsupported
        code = self.code
        self.expect(code.let(f"icmp eq i64 %count, {len(args)}"))
        for i, arg in enumerate(args):
            self.take(code.let(f"load ptr, ptr {code.address('%args', i, 'ptr')}"), arg)
        self.fill_table()
        self.call()
        code.do(f"ret ptr {self.made(self.result)}")
        return self.text()

    def text(self) -> str:
        kind, refused = self.shape.type, f"ptr inttoptr (i64 {id(NotImplemented)} to ptr)"
        return "\n".join(
            [
                DECLARATIONS,
                f"declare i32 @run(ptr, i64, i64, ptr, i64, {kind})",
                "define ptr @entry(ptr %self, ptr %args, i64 %count) nounwind {",
                f"  %table = alloca [{len(self.layout.blocks) + 1} x ptr]",
                f"  %floats = alloca [{self.floats + 1} x {kind}]",
                f"  %results = alloca [{len(self.tape.outputs) + 1} x {kind}]",
                self.code.text(),
                f"other:\n  call void @Py_IncRef({refused})\n  ret {refused}\nfailed:\n  ret ptr null\n}}",
            ]
        )

    # Arguments

    def expect(self, condition: str) -> None:
        """Goes on only if a condition holds."""
        following = self.code.label()
        self.code.branch(condition, following, "other")
        self.code.begin(following)

    def expect_word(self, x: str, offset: int, value: int, kind: str = "i64") -> None:
        found = self.code.let(f"load {kind}, ptr {self.code.address(x, offset)}")
        self.expect(self.code.let(f"icmp eq {kind} {found}, {value}"))

    def take(self, x: str, arg: Any) -> None:
        self.leaves += 1
        if self.leaves > LEAVES or not objects.offsets_hold():
            raise Unsupported
        if type(arg) is float:
            self.expect_word(x, objects.TYPE, id(float))
            self.take_float(x)
        elif is_array(arg) and objects.array_offsets_hold():
            self.take_array(x, arg)
        elif type(arg) in (list, tuple):
            self.take_items(x, arg)
        else:
            raise Unsupported

    def take_float(self, x: str) -> None:
        if not self.in_numbers:
            self.block += 1
            self.in_numbers = True
            self.blocks.append((self.block, self.code.address("%floats", self.floats, self.shape.type)))
        number = self.code.let(f"call double @PyFloat_AsDouble(ptr {x})")
        fine, doubtful = self.code.label(), self.code.label()
        self.code.branch(self.code.let(f"fcmp oeq double {number}, -1.0"), doubtful, fine)
        self.code.begin(doubtful)
        error = self.code.let("call ptr @PyErr_Occurred()")
        self.code.branch(self.code.let(f"icmp eq ptr {error}, null"), fine, "failed")
        self.code.begin(fine)
        if self.shape.number == "float":
            number = self.code.let(f"fptrunc double {number} to float")
        where = self.code.address("%floats", self.floats, self.shape.type)
        self.code.do(f"store {self.shape.type} {number}, ptr {where}")
        self.floats += 1

    def take_array(self, x: str, array: Any) -> None:
        self.block += 1
        self.in_numbers = False
        batched = self.layout.blocks[self.block].batched
        if array.dtype is not self.dtype or type(array) is not sys.modules["numpy"].ndarray:
            raise Unsupported
        self.expect_word(x, objects.TYPE, id(type(array)))
        self.expect_word(x, objects.DTYPE, id(self.dtype))
        self.expect_word(x, objects.DIMENSIONS, array.ndim, "i32")
        flags = self.code.let(f"load i32, ptr {self.code.address(x, objects.FLAGS)}")
        ready = self.code.let(f"and i32 {flags}, {objects.READY}")
        self.expect(self.code.let(f"icmp eq i32 {ready}, {objects.READY}"))
        if array.ndim:
            shape = self.code.let(f"load ptr, ptr {self.code.address(x, objects.SHAPE)}")
            for k in range(int(batched), array.ndim):
                self.expect_word(shape, 8 * k, array.shape[k])
            if batched:
                self.count(self.code.let(f"load i64, ptr {shape}"))
        self.blocks.append((self.block, self.code.let(f"load ptr, ptr {self.code.address(x, objects.DATA)}")))

    def count(self, examples: str) -> None:
        """All batched arrays have to have the same number of examples."""
        if self.examples is None:
            self.examples = examples
            most = max(1, WORK // len(self.tape.entries))
            small = self.code.let(f"icmp ule i64 {examples}, {most}")
            self.expect(self.code.let(f"and i1 {small}, {self.code.let(f'icmp ne i64 {examples}, 0')}"))
        else:
            self.expect(self.code.let(f"icmp eq i64 {examples}, {self.examples}"))

    def take_items(self, x: str, arg: Sequence[Any]) -> None:
        self.expect_word(x, objects.TYPE, id(type(arg)))
        self.expect_word(x, objects.LENGTH, len(arg))
        if type(arg) is list:
            items = self.code.let(f"load ptr, ptr {self.code.address(x, objects.LIST_ITEMS)}")
        else:
            items = self.code.address(x, objects.TUPLE_ITEMS)
        for i, part in enumerate(arg):
            self.take(self.code.let(f"load ptr, ptr {self.code.address(items, i, 'ptr')}"), part)

    # The call, and what becomes of its results

    def fill_table(self) -> None:
        if self.block + 1 != len(self.layout.blocks) or (self.layout.mapped and self.examples is None):
            raise Unsupported
        for k, where in self.blocks:
            self.code.do(f"store ptr {where}, ptr {self.code.address('%table', k, 'ptr')}")

    def call(self) -> None:
        code, kind, examples = self.code, self.shape.type, self.examples or "0"
        divisor = self.shape.constant(1.0)
        if self.layout.reduce == "mean":
            divisor = code.let(f"sitofp i64 {examples} to {kind}")
        which = f"i64 0, i64 {examples}"
        status = code.let(
            f"call i32 @run(ptr %table, {which}, ptr %results, i64 {examples}, {kind} {divisor})"
        )
        fine, failed = code.label(), code.label()
        code.branch(code.let(f"icmp eq i32 {status}, 0"), fine, failed)
        code.begin(failed)
        code.let("call ptr @PyErr_NoMemory()")
        code.do("ret ptr null")
        code.begin(fine)

    def made(self, result: Any) -> str:
        """A new object: a float, an array, or a tuple or list of what is made of its parts."""
        if type(result) is float:
            return self.made_float()
        if is_array(result):
            return self.made_array(result.shape)
        if type(result) not in (tuple, list):
            raise Unsupported
        kind = "Tuple" if type(result) is tuple else "List"
        parts = [self.made(part) for part in result]
        whole = self.there(self.code.let(f"call ptr @Py{kind}_New(i64 {len(parts)})"))
        for i, part in enumerate(parts):
            self.code.let(f"call i32 @Py{kind}_SetItem(ptr {whole}, i64 {i}, ptr {part})")
        return whole

    def place(self) -> str:
        """Where the next output is."""
        self.leaves += 1
        if self.leaves > LEAVES:
            raise Unsupported
        return self.code.address("%results", self.outputs, self.shape.type)

    def made_float(self) -> str:
        x = self.code.let(f"load {self.shape.type}, ptr {self.place()}")
        self.outputs += 1
        if self.shape.number == "float":
            x = self.code.let(f"fpext float {x} to double")
        return self.there(self.code.let(f"call ptr @PyFloat_FromDouble(double {x})"))

    def made_array(self, shape: tuple[int, ...]) -> str:
        if not objects.array_offsets_hold():
            raise Unsupported
        code, size = self.code, prod(shape)
        dtype, kind = (
            f"ptr inttoptr (i64 {id(x)} to ptr)" for x in (self.dtype, sys.modules["numpy"].ndarray)
        )
        dimensions = code.let(f"alloca i64, i64 {len(shape) + 1}")
        for k, length in enumerate(shape):
            code.do(f"store i64 {length}, ptr {code.address(dimensions, k, 'i64')}")
        code.do(f"call void @Py_IncRef({dtype})")  # a reference that the array takes over
        array = self.there(
            code.let(
                f"call ptr @new_array({kind}, {dtype}, i32 {len(shape)}, ptr {dimensions}, "
                f"ptr null, ptr null, i32 0, ptr null)"
            )
        )
        data = code.let(f"load ptr, ptr {code.address(array, objects.DATA)}")
        copied = f"ptr {data}, ptr {self.place()}, i64 {size * self.shape.size}, i1 false"
        code.do(f"call void @llvm.memcpy.p0.p0.i64({copied})")
        self.outputs += size
        return array

    @property
    def dtype(self) -> Any:
        return sys.modules["numpy"].dtype("float64" if self.shape.number == "double" else "float32")

    def there(self, x: str) -> str:
        """An object that has been made; without memory, the error is set and the call ends."""
        fine = self.code.label()
        self.code.branch(self.code.let(f"icmp eq ptr {x}, null"), "failed", fine)
        self.code.begin(fine)
        return x
