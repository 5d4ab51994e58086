"""The shortest way from Python: a function of machine code that takes objects apart and makes the results.

It is written for one structure of arguments: floats, arrays; lists, tuples and dicts of them. Whatever else
comes, it returns NotImplemented before it has done anything, and the long way is taken. It holds the GIL,
which keeps its arguments as they are; so it leaves long work to the long way, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from engine.compiler.backend import Layout
from engine.compiler.calls.results import has_array
from engine.compiler.llvm import python_objects as objects
from engine.compiler.llvm.code import Code, Shape
from engine.compiler.llvm.inspection import Inspection, Unsupported
from engine.compiler.llvm.making import Making, leaves
from engine.compiler.tape.tape import Tape
from engine.trees import is_array

WORK: Final = 1_000_000  # operations, on all examples together, that may be done while others wait: 0.1 ms
CHUNK: Final = 4096  # examples that are summed in one piece, here as on the long way: same order, same bits
LEAVES: Final = 200  # arguments, and results, that are taken apart and made here
OUTPUTS: Final = 4096  # they are put on the stack
OUT: Final = "out"  # the keyword for arrays that take the results
DECLARATIONS: Final = """
declare double @PyFloat_AsDouble(ptr)
declare ptr @PyFloat_FromDouble(double)
declare ptr @PyErr_Occurred()
declare ptr @PyErr_NoMemory()
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare ptr @PyList_New(i64)
declare i32 @PyList_SetItem(ptr, i64, ptr)
declare ptr @PyDict_New()
declare i32 @PyDict_SetItem(ptr, ptr, ptr)
declare i64 @PyDict_Size(ptr)
declare i32 @PyDict_Next(ptr, ptr, ptr, ptr)
declare ptr @PyMem_RawMalloc(i64)
declare void @PyMem_RawFree(ptr)
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @new_array(ptr, ptr, i32, ptr, ptr, ptr, i32, ptr)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
"""


class Entry:
    """The text of one entry, from arguments like those given to a structure like `result`.

    kept  objects whose addresses are part of the code: they have to live as long
    """

    def __init__(self, tape: Tape, layout: Layout, shape: Shape, result: Any) -> None:
        self.tape, self.layout, self.shape, self.result = tape, layout, shape, result
        self.code = Code()
        self.inspection = Inspection(self.code, shape)
        self.kept = self.inspection.kept
        self.stacked = layout.mapped and layout.reduce is None
        self.floats = 0
        self.block = -1
        self.blocks: list[tuple[int, str]] = []
        self.in_numbers = False
        self.examples: str | None = None
        self.leaves = 0

    def function(self, args: Sequence[Any]) -> str:
        """Raises Unsupported."""
        code = self.code
        if not objects.offsets_hold() or not self.fits(args):
            raise Unsupported
        self.inspection.expect_equal("%count", len(args))
        for i, arg in enumerate(args):
            self.take(code.let(f"load ptr, ptr {code.address('%args', i, 'ptr')}"), arg)
        self.fill_table()
        making = Making(self.inspection, self.result, self.examples if self.stacked else None)
        into = self.look_for_out(making, len(args))
        self.call()
        self.deliver(making, into)
        return self.text(making.targets)

    def fits(self, args: Sequence[Any]) -> bool:
        """Whether the results are few, and arrays if they are stacked: examples in lists stay lists."""
        found = leaves(self.result)
        in_arrays = has_array(args) or has_array(found)
        few = len(self.tape.outputs) <= OUTPUTS
        return len(found) <= LEAVES and (in_arrays if self.stacked else few)

    def text(self, targets: int) -> str:
        kind, refused = self.shape.type, f"ptr inttoptr (i64 {id(NotImplemented)} to ptr)"
        return "\n".join(
            [
                DECLARATIONS,
                f"declare i32 @run(ptr, i64, i64, ptr, i64, {kind})",
                "define ptr @entry(ptr %self, ptr %args, i64 %count, ptr %keywords) nounwind {",
                f"  %table = alloca [{len(self.layout.blocks) + 1} x ptr]",
                f"  %floats = alloca [{self.floats + 1} x {kind}]",
                f"  %targets = alloca [{targets + 1} x ptr]",
                "  %out = alloca ptr\n  %temporary = alloca ptr\n  store ptr null, ptr %temporary",
                self.code.text(),
                f"other:\n  call void @Py_IncRef({refused})\n  ret {refused}",
                "failed:\n  %left = load ptr, ptr %temporary",
                "  call void @PyMem_RawFree(ptr %left)\n  ret ptr null\n}",
            ]
        )

    # Arguments

    def take(self, x: str, arg: Any) -> None:
        self.leaves += 1
        if self.leaves > LEAVES:
            raise Unsupported
        if type(arg) is float:
            self.take_float(x)
        elif is_array(arg):
            self.take_array(x, arg)
        else:
            for item, part in self.inspection.items(x, arg):
                self.take(item, part)

    def take_float(self, x: str) -> None:
        if not self.in_numbers:
            self.block += 1
            self.in_numbers = True
            self.blocks.append((self.block, self.code.address("%floats", self.floats, self.shape.type)))
        if self.batched:  # a list of examples
            raise Unsupported
        number = self.inspection.number(x)
        if self.shape.number == "float":
            number = self.code.let(f"fptrunc double {number} to float")
        where = self.code.address("%floats", self.floats, self.shape.type)
        self.code.do(f"store {self.shape.type} {number}, ptr {where}")
        self.floats += 1

    def take_array(self, x: str, array: Any) -> None:
        self.block += 1
        self.in_numbers = False
        if array.dtype is not self.inspection.dtype:
            raise Unsupported
        data = self.inspection.array(x, array.ndim, objects.READY)
        self.inspection.expect_lengths(x, array.shape[self.batched :], int(self.batched))
        if self.batched:
            self.count(self.inspection.length(x, 0))
        self.blocks.append((self.block, data))

    @property
    def batched(self) -> bool:
        if self.block >= len(self.layout.blocks):
            raise Unsupported
        return self.layout.blocks[self.block].batched

    def count(self, examples: str) -> None:
        """All batched arrays have to have the same number of examples."""
        if self.examples is None:
            self.examples = examples
            most = max(1, WORK // max(len(self.tape.entries), len(self.tape.outputs)))
            most = most if self.stacked else min(most, CHUNK)
            small = self.code.let(f"icmp ule i64 {examples}, {most}")
            self.inspection.expect(
                self.code.let(f"and i1 {small}, {self.code.let(f'icmp ne i64 {examples}, 0')}")
            )
        else:
            self.inspection.expect_equal(examples, self.examples)

    # The call, and what becomes of its results

    def fill_table(self) -> None:
        if self.block + 1 != len(self.layout.blocks) or (self.layout.mapped and self.examples is None):
            raise Unsupported
        for k, where in self.blocks:
            self.code.do(f"store ptr {where}, ptr {self.code.address('%table', k, 'ptr')}")

    def look_for_out(self, making: Making, count: int) -> str:
        """The name of whether there are arrays for the results: they are the only keyword there may be."""
        code, check, ready = self.code, self.code.label(), self.code.label()
        into = code.let("icmp ne ptr %keywords, null")
        code.branch(into, check, ready)
        code.begin(check)
        self.inspection.expect_word("%keywords", objects.LENGTH, 1)
        name = code.let(f"load ptr, ptr {code.address('%keywords', objects.TUPLE_ITEMS)}")
        self.inspection.expect_object(name, OUT)
        out = code.let(f"load ptr, ptr {code.address('%args', count, 'ptr')}")  # keywords follow arguments
        making.check(out, self.result)
        code.do(f"store ptr {out}, ptr %out")
        code.jump(ready)
        code.begin(ready)
        return into

    def call(self) -> None:
        code, kind, examples = self.code, self.shape.type, self.examples or "0"
        self.reserve()
        divisor = self.shape.constant(1.0)
        if self.layout.reduce == "mean":
            divisor = code.let(f"sitofp i64 {examples} to {kind}")
        which = f"i64 0, i64 {examples}"
        status = code.let(
            f"call i32 @run(ptr %table, {which}, ptr %results, i64 {examples}, {kind} {divisor})"
        )
        self.expect_memory(f"icmp eq i32 {status}, 0")

    def reserve(self) -> None:
        """Memory for the outputs."""
        count, code = len(self.tape.outputs), self.code
        if not self.stacked:
            code.lines.insert(0, f"  %results = alloca [{count + 1} x {self.shape.type}]")
            return
        size = code.let(f"mul i64 {self.examples}, {count * self.shape.size}")
        code.do(f"%results = call ptr @PyMem_RawMalloc(i64 {size})")
        code.do("store ptr %results, ptr %temporary")
        self.expect_memory("icmp ne ptr %results, null")

    def expect_memory(self, condition: str) -> None:
        code, fine, failed = self.code, self.code.label(), self.code.label()
        code.branch(code.let(condition), fine, failed)
        code.begin(failed)
        code.let("call ptr @PyErr_NoMemory()")
        code.jump("failed")
        code.begin(fine)

    def deliver(self, making: Making, into: str) -> None:
        """The results in the caller's arrays, or in new objects."""
        code, fill, make = self.code, self.code.label(), self.code.label()
        code.branch(into, fill, make)
        code.begin(fill)
        making.fill_targets()
        out = code.let("load ptr, ptr %out")
        code.do(f"call void @Py_IncRef(ptr {out})")
        self.give(out)
        code.begin(make)
        self.give(making.made(self.result, 0))

    def give(self, x: str) -> None:
        if self.stacked:
            self.code.do("call void @PyMem_RawFree(ptr %results)")
        self.code.do(f"ret ptr {x}")
