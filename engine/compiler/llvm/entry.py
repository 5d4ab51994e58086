"""The shortest way from Python: a function of machine code that takes objects apart and makes the results.

It is written for one structure of arguments: numbers, arrays, lists and tuples of them. Whatever else comes,
it returns NotImplemented before it has done anything, and Python takes the arguments apart. It holds the GIL,
which keeps its arguments as they are, unless the work is long: then it holds the arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from math import prod
from typing import Any, Final, NamedTuple

from engine.compiler.backend import Layout
from engine.compiler.llvm import python_objects as objects
from engine.compiler.llvm.code import Code, Function, Shape
from engine.compiler.llvm.driver import GUARD, NO_MEMORY
from engine.compiler.llvm.library import Module
from engine.compiler.llvm.python_arguments import (
    PythonArguments,
    Unsupported,
    are_numbers,
    is_number,
    shape_of,
)
from engine.compiler.llvm.python_results import PythonResults, fill_rows
from engine.trees import is_array

PIECES: Final = 200  # numbers, arrays and long sequences of numbers that code is written for
STACK: Final = 4096  # numbers, each of arguments and of outputs, for which the stack has room
ARGUMENTS: Final = ("ptr %args", "i64 %count", "ptr %keywords")  # as Python hands them over
REFUSED: Final = f"ptr inttoptr (i64 {id(NotImplemented)} to ptr)"
OUT: Final = "out"  # the keyword for arrays that take the results


class Limits(NamedTuple):
    """Examples that are computed while others wait for the GIL, and that are computed here at all."""

    quick: int
    alone: int


class Entry:
    """The text of one entry, from arguments like those given to a structure like `result`."""

    def __init__(
        self,
        layout: Layout,
        outputs: int,
        shape: Shape,
        limits: Limits,
        result: Any,
        turns: tuple[Any, ...] = (),
    ) -> None:
        self.layout, self.outputs, self.shape = layout, outputs, shape
        self.limits, self.result, self.turns = limits, result, turns
        self.code = Code()
        self.objects = PythonArguments(self.code, shape)
        self.taken = 0  # numbers
        self.blocks: list[str] = []
        self.arrays: list[str] = []
        self.in_numbers = False
        self.examples: str | None = None
        self.heap = False

    def module(self, args: Sequence[Any]) -> Module:
        """Raises Unsupported."""
        if pieces(args) > PIECES or pieces(self.result) > PIECES:
            raise Unsupported
        code, fill, make = self.code, self.code.label(), self.code.label()
        self.objects.expect_equal("%count", len(args))
        self.floats = self.reserve(numbers(args), "%inputs")
        for i, arg in enumerate(args):
            self.take(self.objects.word("%args", 8 * i, "ptr"), arg)
        if len(self.blocks) != len(self.layout.blocks) or (self.layout.mapped and not self.examples):
            raise Unsupported
        for k, where in enumerate(self.blocks):
            code.do(f"store ptr {where}, ptr {code.address('%table', k, 'ptr')}")
        few = leaves(self.result) <= PIECES
        code.branch(code.let("icmp eq ptr %keywords, null"), make, fill if few else "other")
        if few:
            code.begin(fill)
            self.fill_out(len(args))
        code.begin(make)
        self.give(self.computed().new(self.result))
        self.end()
        taken = code.function("ptr", "taken", ARGUMENTS, "noinline nounwind")
        return Module([], [fill_rows(self.shape.type), taken, entry_function()])

    def end(self) -> None:
        """What is behind all that jumps out of the code, and the memory in front of it."""
        code, names = self.code, ("inputs", "memory", "answer")
        slots = [f"  %{name} = alloca ptr\n  store ptr null, ptr %{name}" for name in names]
        code.lines[:0] = [
            "  %status = alloca i32",
            f"  %table = alloca [{len(self.blocks) + 1} x ptr]",
            *slots,
        ]
        code.begin("other")
        code.run("Py_IncRef", [REFUSED])
        code.do(f"store {REFUSED}, ptr %answer")
        code.jump("end")
        if self.turns:
            self.turn()
        code.begin("full")
        code.call("ptr", "PyErr_NoMemory", [])
        code.jump("end")
        code.begin("end")
        last = [code.let(f"load ptr, ptr %{name}") for name in names]
        for memory in last[:2] if self.heap else ():
            code.run("PyMem_RawFree", [f"ptr {memory}"])
        code.do(f"ret ptr {last[2]}")

    def turn(self) -> None:
        """Where a guard has failed, its object is the answer."""
        code = self.code
        code.begin("turned")
        first = code.address(f"inttoptr (i64 {id(self.turns)} to ptr)", objects.ITEMS)
        guard = code.let(f"sub i32 {code.let('load i32, ptr %status')}, {GUARD}")
        turn = code.let(f"load ptr, ptr {code.address(first, code.let(f'sext i32 {guard} to i64'), 'ptr')}")
        code.run("Py_IncRef", [f"ptr {turn}"])
        self.give(turn)

    # Arguments

    def take(self, x: str, arg: Any) -> None:
        if is_array(arg):
            self.take_array(x, arg)
        elif is_number(arg):
            self.objects.take_number(x, self.place(1))
        elif are_numbers(arg):
            self.objects.take_numbers(x, arg, self.place(len(arg)))
        else:
            for item, part in self.objects.items(x, arg):
                self.take(item, part)

    def place(self, count: int) -> str:
        """Where so many numbers go, side by side with those before them."""
        where = self.code.address(self.floats, self.taken, self.shape.type)
        if not self.in_numbers and self.begin_block(where):
            raise Unsupported  # a list of examples
        self.in_numbers = True
        self.taken += count
        return where

    def take_array(self, x: str, array: Any) -> None:
        self.in_numbers = False
        batched = self.begin_block("")
        lengths = [None, *array.shape[1:]] if batched else [*array.shape]
        self.blocks[-1], found = self.objects.array(x, lengths, objects.READY)
        self.arrays.append(x)
        if batched:
            self.count(found[0])

    def begin_block(self, where: str) -> bool:
        """Whether it is batched."""
        self.blocks.append(where)
        if len(self.blocks) > len(self.layout.blocks):
            raise Unsupported
        return self.layout.blocks[len(self.blocks) - 1].batched

    def count(self, examples: str) -> None:
        """All batched arrays have to have the same number of examples."""
        if self.examples is None:
            self.examples = examples
            self.objects.expect(f"icmp sle i64 {examples}, {self.limits.alone}")
            self.objects.expect(f"icmp ne i64 {examples}, 0")
        else:
            self.objects.expect_equal(examples, self.examples)

    # The call, and what becomes of its results

    def reserve(self, count: int | str, slot: str) -> str:
        """Memory for so many numbers: on the stack if they are few, else noted to be freed."""
        code, kind = self.code, self.shape.type
        if isinstance(count, int) and count <= STACK:
            return code.reserve(f"[{count + 1} x {kind}]")
        self.heap = True
        size = code.let(f"mul i64 {count}, {self.shape.size}")
        where, there = code.call("ptr", "PyMem_RawMalloc", [f"i64 {size}"]), code.label()
        code.do(f"store ptr {where}, ptr {slot}")
        code.branch(code.let(f"icmp eq ptr {where}, null"), "full", there)
        code.begin(there)
        return where

    def computed(self, targets: Sequence[str] = ()) -> PythonResults:
        """Runs the tape: what its outputs become."""
        stacked = self.layout.stacked
        outputs = self.outputs if not stacked else self.code.let(f"mul i64 {self.examples}, {self.outputs}")
        memory = self.reserve(outputs, "%memory")
        self.run(memory, targets)
        return PythonResults(self.objects, self.examples if stacked else None, memory)

    def run(self, outputs: str, targets: Sequence[str]) -> None:
        """While others wait if it is quick, without the GIL otherwise; then arrays are held."""
        code, kind, examples = self.code, self.shape.type, self.examples or "0"
        divisor = self.shape.constant(1.0)
        if self.layout.reduce == "mean":
            divisor = code.let(f"sitofp i64 {examples} to {kind}")
        results = [f"ptr {outputs}", f"i64 {examples}", f"{kind} {divisor}"]
        call = partial(code.call, "i32", "run", ["ptr %table", "i64 0", f"i64 {examples}", *results])
        if self.examples is None and self.limits.quick > 0:
            self.expect_success(call())
            return
        quick, long, done = (code.label() for _ in range(3))
        code.branch(code.let(f"icmp sle i64 {self.examples or 1}, {self.limits.quick}"), quick, long)
        code.begin(quick)
        quickly = call()
        code.jump(done)
        code.begin(long)
        self.hold("Py_IncRef", targets)
        thread = code.call("ptr", "PyEval_SaveThread", [])
        slowly = call()
        code.run("PyEval_RestoreThread", [f"ptr {thread}"])
        self.hold("Py_DecRef", targets)
        code.jump(done)
        code.begin(done)
        self.expect_success(code.let(f"phi i32 [{quickly}, %{quick}], [{slowly}, %{long}]"))

    def expect_success(self, status: str) -> None:
        """Goes on if there was memory and all guards held."""
        code, fine = self.code, self.code.label()
        if not self.turns:
            code.branch(code.let(f"icmp eq i32 {status}, 0"), fine, "full")
        else:
            code.do(f"store i32 {status}, ptr %status")
            code.do(f"switch i32 {status}, label %turned [i32 0, label %{fine} i32 {NO_MEMORY}, label %full]")
        code.begin(fine)

    def hold(self, change: str, targets: Sequence[str]) -> None:
        """One reference more, or less, to every array of the call."""
        for array in [*self.arrays, *targets]:
            self.code.run(change, [f"ptr {array}"])

    def fill_out(self, count: int) -> None:
        """The results in the arrays of the only keyword that there may be."""
        self.objects.expect_equal(self.objects.word("%keywords", objects.LENGTH), 1)
        self.objects.expect_equal(self.objects.word("%keywords", objects.ITEMS), id(OUT))
        out = self.objects.word("%args", 8 * count, "ptr")  # keywords follow arguments
        targets = list(self.targets(out, self.result))
        results, place = self.computed([array for array, _, _ in targets]), 0
        for _, data, size in targets:
            results.fill(data, place, size)
            place += size
        self.code.run("Py_IncRef", [f"ptr {out}"])
        self.give(out)

    def targets(self, out: str, result: Any) -> Iterator[tuple[str, str, int]]:
        """The arrays in `out`, which have been proved to fit, each with its memory and number of outputs."""
        if is_array(result) or type(result) is float:
            shape = shape_of(result)
            lengths = [self.examples, *shape] if self.layout.stacked else [*shape]
            data, _ = self.objects.array(out, lengths, objects.READY | objects.WRITEABLE)
            yield out, data, prod(shape)
        else:
            for item, part in self.objects.items(out, result):
                yield from self.targets(item, part)

    def give(self, x: str) -> None:
        self.code.do(f"store ptr {x}, ptr %answer")
        self.code.jump("end")


def entry_function() -> Function:
    """What Python calls: arguments that are refused go on to another function, the stack is free by then."""
    code = Code()
    answer, found = code.reserve("ptr"), code.call("ptr", "taken", ARGUMENTS)
    code.do(f"store ptr {found}, ptr {answer}")
    with code.when(code.let(f"icmp eq ptr {found}, {REFUSED.removeprefix('ptr ')}")):
        code.run("Py_DecRef", [REFUSED])
        other = code.let(f"load ptr, ptr {code.address('%self', objects.OTHERWISE)}")
        found = code.call("ptr", "PyObject_Vectorcall", [f"ptr {other}", *ARGUMENTS])
        code.do(f"store ptr {found}, ptr {answer}")
    code.do(f"ret ptr {code.let(f'load ptr, ptr {answer}')}")
    return code.function("ptr", "entry", ["ptr %self", *ARGUMENTS])


def pieces(x: Any) -> int:
    return sum(map(pieces, x)) if type(x) in (list, tuple) and not are_numbers(x) else 1


def leaves(x: Any) -> int:
    """How many arrays `out` has for such a result."""
    return sum(map(leaves, x)) if type(x) in (list, tuple) else 1


def numbers(x: Any) -> int:
    """How many there are outside of arrays."""
    return sum(map(numbers, x)) if isinstance(x, (list, tuple)) else int(is_number(x))
