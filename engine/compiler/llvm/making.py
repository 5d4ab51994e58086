"""What an entry does with the outputs of a tape: new objects, or the arrays that the caller gave as `out`.

The outputs lie in memory side by side; those of many examples in rows, one number for each example.
"""

from __future__ import annotations

import sys
from math import prod
from typing import Any

from engine.compiler.llvm import python_objects as objects
from engine.compiler.llvm.code import begin_loop, end_loop
from engine.compiler.llvm.inspection import Inspection, Unsupported
from engine.trees import is_array, parts


class Making:
    """Results in the structure of `skeleton`. `examples` is the name of their number, if they are stacked."""

    def __init__(self, inspection: Inspection, skeleton: Any, examples: str | None) -> None:
        self.inspection = inspection
        self.code, self.shape = inspection.code, inspection.shape
        self.skeleton = skeleton
        self.examples = examples
        self.targets = 0

    # New objects

    def made(self, result: Any, place: int) -> str:
        """A new object like `result`, of the outputs from a place on."""
        if is_array(result) or (type(result) is float and self.examples):
            return self.made_array(shape_of(result), place)
        if type(result) is float:
            return self.made_float(place)
        if type(result) not in (tuple, list, dict):
            raise Unsupported
        made = []
        for part in children(result):
            made.append(self.made(part, place))
            place += sum(sizes(part))
        return self.made_dict(result, made) if type(result) is dict else self.made_items(result, made)

    def made_items(self, result: Any, made: list[str]) -> str:
        kind = "Tuple" if type(result) is tuple else "List"
        whole = self.there(self.code.let(f"call ptr @Py{kind}_New(i64 {len(made)})"))
        for i, part in enumerate(made):
            self.code.let(f"call i32 @Py{kind}_SetItem(ptr {whole}, i64 {i}, ptr {part})")
        return whole

    def made_dict(self, result: dict[Any, Any], made: list[str]) -> str:
        whole = self.there(self.code.let("call ptr @PyDict_New()"))
        named = dict(zip(sorted(result, key=repr), made, strict=True))  # the order of `trees.parts`
        self.inspection.kept.extend(named)
        for key in result:
            item = f"ptr inttoptr (i64 {id(key)} to ptr), ptr {named[key]}"
            status = self.code.let(f"call i32 @PyDict_SetItem(ptr {whole}, {item})")
            self.code.do(f"call void @Py_DecRef(ptr {named[key]})")
            self.go_on(f"icmp eq i32 {status}, 0")
        return whole

    def made_float(self, place: int) -> str:
        x = self.code.let(f"load {self.shape.type}, ptr {self.output(place)}")
        if self.shape.number == "float":
            x = self.code.let(f"fpext float {x} to double")
        return self.there(self.code.let(f"call ptr @PyFloat_FromDouble(double {x})"))

    def made_array(self, shape: tuple[int, ...], place: int) -> str:
        if not objects.array_offsets_hold():
            raise Unsupported
        code, lengths = self.code, self.lengths(shape)
        dtype = f"ptr inttoptr (i64 {id(self.inspection.dtype)} to ptr)"
        kind = f"ptr inttoptr (i64 {id(sys.modules['numpy'].ndarray)} to ptr)"
        dimensions = code.let(f"alloca i64, i64 {len(lengths) + 1}")
        for k, length in enumerate(lengths):
            code.do(f"store i64 {length}, ptr {code.address(dimensions, k, 'i64')}")
        code.do(f"call void @Py_IncRef({dtype})")  # a reference that the array takes over
        wanted = f"{kind}, {dtype}, i32 {len(lengths)}, ptr {dimensions}"
        array = self.there(code.let(f"call ptr @new_array({wanted}, ptr null, ptr null, i32 0, ptr null)"))
        self.fill(code.let(f"load ptr, ptr {code.address(array, objects.DATA)}"), place, prod(shape))
        return array

    def there(self, x: str) -> str:
        """An object that has been made; without memory, the error is set and the call ends."""
        self.go_on(f"icmp ne ptr {x}, null")
        return x

    def go_on(self, condition: str) -> None:
        fine = self.code.label()
        self.code.branch(self.code.let(condition), fine, "failed")
        self.code.begin(fine)

    # The caller's arrays

    def check(self, x: str, result: Any) -> None:
        """That x can take such results; where its memory is, is noted."""
        if not is_array(result) and type(result) is not float:
            for item, part in self.inspection.items(x, result):
                self.check(item, part)
            return
        lengths = self.lengths(shape_of(result))
        data = self.inspection.array(x, len(lengths), objects.READY | objects.WRITEABLE)
        self.inspection.expect_lengths(x, lengths)
        self.code.do(f"store ptr {data}, ptr {self.code.address('%targets', self.targets, 'ptr')}")
        self.targets += 1

    def fill_targets(self) -> None:
        place = 0
        for k, size in enumerate(sizes(self.skeleton)):
            data = self.code.let(f"load ptr, ptr {self.code.address('%targets', k, 'ptr')}")
            self.fill(data, place, size)
            place += size

    # Outputs

    def lengths(self, shape: tuple[int, ...]) -> list[int | str]:
        return [self.examples, *shape] if self.examples else [*shape]

    def output(self, place: int | str) -> str:
        """Where an output is, or its first example."""
        first = self.code.let(f"mul i64 {place}, {self.examples}") if self.examples else place
        return self.code.address("%results", first, self.shape.type)

    def fill(self, data: str, place: int, size: int) -> None:
        """Copies so many outputs into the memory of an array, where each example has its own side by side."""
        if self.examples and size != 1:
            self.fill_rows(data, place, size)
            return
        length = self.code.let(f"mul i64 {self.examples or size}, {self.shape.size}")
        memory = f"ptr {data}, ptr {self.output(place)}, i64 {length}"
        self.code.do(f"call void @llvm.memcpy.p0.p0.i64({memory}, i1 false)")

    def fill_rows(self, data: str, place: int, size: int) -> None:
        code, kind = self.code, self.shape.type
        example = begin_loop(code, "0", str(self.examples))
        row = code.address(data, code.let(f"mul i64 {example.at}, {size}"), kind)
        first = code.address(self.output(place), example.at, kind)
        column = begin_loop(code, "0", str(size))
        away = code.let(f"mul i64 {column.at}, {self.examples}")
        x = code.let(f"load {kind}, ptr {code.address(first, away, kind)}")
        code.do(f"store {kind} {x}, ptr {code.address(row, column.at, kind)}")
        end_loop(code, column)
        end_loop(code, example)


def shape_of(leaf: Any) -> tuple[int, ...]:
    return leaf.shape if is_array(leaf) else ()


def children(result: Any) -> Any:
    found = parts(result)
    return () if found is None else found[0]


def leaves(result: Any) -> list[Any]:
    """The numbers and arrays of a structure."""
    if is_array(result) or type(result) is float:
        return [result]
    return [leaf for part in children(result) for leaf in leaves(part)]


def sizes(result: Any) -> list[int]:
    """How many outputs each of them takes."""
    return [prod(shape_of(leaf)) for leaf in leaves(result)]
