"""Python's objects made by machine code of the outputs of a tape, or the arrays of `out` filled with them.

The outputs lie in memory side by side; those of many examples in rows, one number for each example.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod
from typing import Any, Final

from engine.compiler.llvm import python_objects as objects
from engine.compiler.llvm.code import Code, Function, Shape
from engine.compiler.llvm.operations import transposed
from engine.compiler.llvm.python_arguments import PythonArguments, Unsupported, are_numbers, shape_of
from engine.trees import is_array

LANES: Final = 8  # of a square of outputs


class PythonResults:
    """Results in the structure of a skeleton. `examples` is the name of their number, if they are stacked."""

    def __init__(self, arguments: PythonArguments, examples: str | None, outputs: str) -> None:
        self.arguments = arguments
        self.code, self.shape = arguments.code, arguments.shape
        self.examples = examples
        self.outputs = outputs

    # New objects

    def new(self, result: Any, place: int = 0) -> str:
        """A new object like `result`, of the outputs from a place on."""
        if is_array(result) or (type(result) is float and self.examples):
            return self.new_array(shape_of(result), place)
        if type(result) is float:
            return self.new_float(str(place))
        if type(result) not in (tuple, list):
            raise Unsupported
        kind = "Tuple" if type(result) is tuple else "List"
        whole = self.there(f"Py{kind}_New", [f"i64 {len(result)}"])
        if are_numbers(result) and not self.examples:
            with self.code.counting(0, len(result)) as k:
                part = self.new_float(self.code.let(f"add i64 {k}, {place}"))
                self.code.call("i32", f"Py{kind}_SetItem", [f"ptr {whole}", f"i64 {k}", f"ptr {part}"])
            return whole
        for i, part in enumerate(result):
            new = self.new(part, place)
            self.code.call("i32", f"Py{kind}_SetItem", [f"ptr {whole}", f"i64 {i}", f"ptr {new}"])
            place += count(part)
        return whole

    def new_float(self, place: str) -> str:
        x = self.code.let(f"load {self.shape.type}, ptr {self.output(place)}")
        if self.shape.number == "float":
            x = self.code.let(f"fpext float {x} to double")
        return self.there("PyFloat_FromDouble", [f"double {x}"])

    def new_array(self, shape: tuple[int, ...], place: int) -> str:
        code, lengths = self.code, self.lengths(shape)
        dtype = f"ptr inttoptr (i64 {id(self.arguments.dtype)} to ptr)"
        kind = f"ptr inttoptr (i64 {id(sys.modules['numpy'].ndarray)} to ptr)"
        dimensions = code.let(f"alloca i64, i64 {len(lengths) + 1}")
        for k, length in enumerate(lengths):
            code.do(f"store i64 {length}, ptr {code.address(dimensions, k, 'i64')}")
        code.run("Py_IncRef", [dtype])  # a reference that the array takes over
        wanted = [kind, dtype, f"i32 {len(lengths)}", f"ptr {dimensions}"]
        array = self.there("new_array", [*wanted, "ptr null", "ptr null", "i32 0", "ptr null"])
        self.fill(self.arguments.word(array, objects.DATA, "ptr"), place, prod(shape))
        return array

    def there(self, function: str, arguments: Sequence[str]) -> str:
        """An object that is made; without memory, the error is set and the call ends."""
        made, fine = self.code.call("ptr", function, arguments), self.code.label()
        self.code.branch(self.code.let(f"icmp ne ptr {made}, null"), fine, "end")
        self.code.begin(fine)
        return made

    # Outputs

    def lengths(self, shape: tuple[int, ...]) -> list[int | str]:
        return [self.examples, *shape] if self.examples else [*shape]

    def output(self, place: int | str) -> str:
        """Where an output is, or its first example."""
        first = self.code.let(f"mul i64 {place}, {self.examples}") if self.examples else place
        return self.code.address(self.outputs, first, self.shape.type)

    def fill(self, data: str, place: int, size: int) -> None:
        """Copies so many outputs into the memory of an array, where each example has its own side by side."""
        if self.examples and size != 1:
            memory = [f"ptr {data}", f"ptr {self.output(place)}"]
            self.code.run("fill_rows", [*memory, f"i64 {size}", f"i64 {self.examples}"])
            return
        length = self.code.let(f"mul i64 {self.examples or size}, {self.shape.size}")
        self.code.copy(data, self.output(place), length)


def fill_rows(number: str) -> Function:
    """The function that turns rows of outputs into examples, in squares of lanes; apart, its loops keep to
    their registers."""
    code, shape = Code(), Shape(LANES, number)
    with code.counting(0, "%examples", LANES) as example, code.counting(0, "%size", LANES) as column:
        rows, columns = code.below(shape, example, "%examples"), code.below(shape, column, "%size")
        loaded = []
        for k in range(LANES):
            at = code.call("i64", "llvm.smin.i64", [f"i64 {code.let(f'add i64 {column}, {k}')}", "i64 %last"])
            place = code.let(f"add i64 {code.let(f'mul i64 {at}, %examples')}, {example}")
            loaded.append(code.load_masked(shape, code.address("%outputs", place, number), rows))
        for k, x in enumerate(transposed(code, shape, loaded)):
            row = code.let(f"add i64 {example}, {k}")
            with code.when(code.let(f"icmp slt i64 {row}, %examples")):
                place = code.let(f"add i64 {code.let(f'mul i64 {row}, %size')}, {column}")
                code.store_masked(shape, x, code.address("%data", place, number), columns)
    code.do("ret void")
    code.lines.insert(0, "  %last = sub i64 %size, 1")
    parameters = ["ptr noalias %data", "ptr noalias %outputs", "i64 %size", "i64 %examples"]
    return code.function("void", "fill_rows", parameters, "noinline nounwind")


def count(result: Any) -> int:
    """How many outputs a result takes."""
    return sum(map(count, result)) if type(result) in (list, tuple) else prod(shape_of(result))
