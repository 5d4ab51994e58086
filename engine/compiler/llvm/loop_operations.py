"""What all loops are written with: sums that add their terms in order, operands of kernels of lists."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from engine.compiler.llvm.operations import Operations
from engine.compiler.llvm.rows import ROWS
from engine.compiler.loops.loop import Loop, Repeat, Stride
from engine.primitive import Primitive
from engine.primitives import sum as total

UNROLLED: Final = 8  # terms of a repeat that are written one after the other


def has_kernel(primitive: Primitive) -> bool:
    """Whether it is called; otherwise it is spelled out, on lanes too."""
    return primitive is not total and (primitive.key not in ROWS or primitive.gradient is not None)


class LoopOperations(Operations):
    """Loops that are being written; `operands` are those of the one at hand."""

    operands: Sequence[Stride]

    @abstractmethod
    def loaded(self, operand: int, k: str, count: int) -> list[str]:
        """An operand in repetition k, for so many results that are computed together."""

    @contextmanager
    def counting(self, first: int, last: int, step: int) -> Iterator[str]:
        """A loop over an index, unless there is just one."""
        if last - first <= step:
            yield str(first)
            return
        with self.code.counting(first, last, step) as index:
            yield index

    def sums(self, loop: Loop, count: int) -> list[str]:
        """Of so many results, each of which adds its terms in order."""
        sums = [self.code.reserve(self.shape.type) for _ in range(count)]
        for name in sums:
            self.set(name, self.shape.constant(loop.start))
        at = 0
        for repeat in loop.repeats:
            if repeat.times * len(repeat.terms) <= UNROLLED:
                for k in range(repeat.times):
                    self.add_terms(repeat, at, str(k), sums)
            else:
                with self.counting(0, repeat.times, 1) as index:
                    self.add_terms(repeat, at, index, sums)
            at += sum(len(term.operands) for term in repeat.terms)
        return list(map(self.value, sums))

    def add_terms(self, repeat: Repeat, at: int, k: str, sums: Sequence[str]) -> None:
        """The terms of a repeat, from the operand `at` on, added to the sums."""
        for term in repeat.terms:
            loaded = [self.loaded(at + i, k, len(sums)) for i in range(len(term.operands))]
            at += len(term.operands)
            for name, *factors in zip(sums, *loaded, strict=True):
                x = factors[0] if len(factors) == 1 else self.slots.binary("fmul", *factors)
                self.set(name, self.slots.binary("fsub" if term.minus else "fadd", self.value(name), x))

    def row_of_list(self, loop: Loop) -> str:
        """A kernel of a list, whose operands are put side by side."""
        kind = self.kernel_shape.type
        done = at = 0
        for repeat in loop.repeats:
            with self.counting(0, repeat.times, 1) as k:
                first = self.code.address("%array", done, kind)
                first = self.code.address(first, self.times(k, len(repeat.terms)), kind)
                for i in range(len(repeat.terms)):
                    self.put(first, i, self.loaded(at + i, k, 1)[0])
            done += repeat.times * len(repeat.terms)
            at += len(repeat.terms)
        return self.called(loop.primitive, ["ptr %array", f"i64 {loop.length}"])

    def times(self, index: str, factor: int) -> str:
        if index.isdecimal() or factor == 0:
            return str(int(index) * factor if factor else 0)
        return index if factor == 1 else self.code.let(f"mul i64 {index}, {factor}")


def parts(count: int, most: int) -> Iterator[tuple[int, int, int]]:
    """A range in steps that differ by one at most: from, to, step."""
    size, larger = divmod(count, -(-count // most))
    if larger:
        yield 0, larger * (size + 1), size + 1
    yield larger * (size + 1), count, size
