"""A kernel on lanes: a number for each of several examples, which may take different branches.

Every lane has a bit in a mask. A branch whose lanes are all off is jumped over; otherwise both arms run
and each assignment selects. What differs too much from lane to lane runs lane by lane.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Final

from engine.compiler.errors import Untranslatable
from engine.compiler.kernels.definition import Kernel
from engine.compiler.llvm.code import Code, Function, Shape
from engine.compiler.llvm.exponential import OWN, own_name
from engine.compiler.llvm.host import has_avx512, vector_function
from engine.compiler.llvm.kernels import Expressions, Term, atom_name, is_costly, kernel_name
from engine.compiler.llvm.lane_kernels import ALONE, for_lanes
from engine.compiler.llvm.scalar import SCALAR

# A number inside of the domain of each atom that has one
GUARDED: Final = dict.fromkeys("log log1p log2 log10 asin acos atanh pow exp2".split(), 0.5) | {"acosh": 1.5}


class Masked(Expressions):
    """Statements on lanes. `region` is the mask of the branch we are in, `%live` that of the function."""

    def __init__(self, kernel: Kernel, shape: Shape) -> None:
        super().__init__(kernel, shape)
        self.bits = shape.of("i1")
        self.region: str | None = None
        self.returned = False
        integers = [name for name, kind in kernel.variables.items() if kind == "int"]
        if any(name in kernel.parameters for name in integers) or kernel.result == "int":
            raise Untranslatable(f"{kernel.name} has integers that differ from lane to lane")

    def function(self) -> Function:
        result = self.type(self.kernel.result)
        self.code.do(f"%live = alloca {self.bits}")
        self.code.do(f"store {self.bits} %mask, ptr %live")
        self.code.do(f"%result = alloca {result}")
        self.code.do(f"store {result} zeroinitializer, ptr %result")
        self.places()
        self.block(self.kernel.tree.body)
        self.code.do(f"ret {result} {self.code.let(f'load {result}, ptr %result')}")
        return self.defined(f"{self.bits} %mask")

    @property
    def partial(self) -> bool:
        """Whether some lanes may be off here, as far as this kernel knows."""
        return self.region is not None or self.returned

    def context(self) -> list[str]:
        return [f"{self.bits} {self.active()}"]

    def math_call(self, name: str, xs: Sequence[Term]) -> Term:
        """Lanes that do not run get a harmless number: vector functions are slow outside of the domain."""
        if self.partial and name in GUARDED:
            active, harmless = Term(self.active(), "bool"), self.literal(GUARDED[name])
            xs = [self.selected(active, x, harmless) for x in xs]
        return super().math_call(name, xs)

    # Masks

    def meet(self, a: str | None, b: str) -> str:
        return b if a is None else self.code.let(f"and {self.bits} {a}, {b}")

    def inverted(self, mask: str) -> str:
        return self.opposite(Term(mask, "bool")).text

    def active(self) -> str:
        """The lanes that run here."""
        return self.meet(self.region, self.code.let(f"load {self.bits}, ptr %live"))

    def any(self, mask: str) -> str:
        word = self.code.let(f"bitcast {self.bits} {mask} to i{self.shape.lanes}")
        return self.code.let(f"icmp ne i{self.shape.lanes} {word}, 0")

    # Statements

    def give(self, value: Term) -> None:
        """Returns from the lanes that run."""
        self.returned = True
        active, kind = self.active(), self.kernel.result
        value = self.as_kind(kind, value)
        before = self.let(kind, f"load {self.type(kind)}, ptr %result")
        self.store(kind, self.selected(Term(active, "bool"), value, before), "%result")
        live = self.code.let(f"load {self.bits}, ptr %live")
        rest = self.meet(live, self.inverted(active))
        self.code.do(f"store {self.bits} {rest}, ptr %live")

    def assign(self, name: str, value: Term) -> None:
        """Lanes outside of the region keep what they have; those that have returned do not matter."""
        kind = self.kernel.variables[name]
        if kind == "int" and (value.kind != "int" or self.region is not None):
            raise Untranslatable(f"{self.kernel.name} has integers that differ from lane to lane")
        value = self.as_kind(kind, value)
        if self.region is not None:
            before = self.let(kind, f"load {self.type(kind)}, ptr {self.place(name)}")
            value = self.selected(Term(self.region, "bool"), value, before)
        self.store(kind, value, self.place(name))

    def conditional(self, node: ast.If) -> None:
        test = self.expression(node.test).text
        self.within(test, node.body)
        if node.orelse:
            self.within(self.inverted(test), node.orelse)

    def within(self, test: str, statements: Sequence[ast.stmt]) -> None:
        """Statements for the lanes where a test holds."""
        with self.inside(test, jump=any(map(is_costly, statements))):
            self.block(statements)

    @contextmanager
    def inside(self, test: str, jump: bool) -> Iterator[None]:
        """What is done on the lanes where a test holds; what is costly is jumped over if there are none."""
        outer = self.region
        self.region = self.meet(outer, test)
        with self.code.when(self.any(self.active())) if jump else nullcontext():
            yield
        self.region = outer

    def loop(self, node: ast.While) -> None:
        """As long as any lane goes on."""
        outer = self.region
        with self.code.loop(lambda: self.going(self.expression(node.test))):
            self.block(node.body)
        self.region = outer

    def going(self, test: Term) -> str:
        """Goes on with the lanes where a test holds; whether there are any."""
        self.region = self.meet(self.active(), test.text)
        return self.any(self.region)

    def counted(self, node: ast.For, name: str, start: Term, stop: Term) -> None:
        """All lanes count together; where the bound differs, some of them stop earlier."""
        if start.kind != "int":
            raise self.outside(node.iter, "starts differently from lane to lane")
        outer = self.region

        def going(at: str) -> str:
            if stop.kind == "int":
                return self.code.let(f"icmp slt i64 {at}, {stop.text}")
            return self.going(self.compared(Term(at, "int"), "<", stop))

        with self.code.counter(self.place(name), start.text, going):
            self.block(node.body)
        self.region = outer

    def branches(self, test: Term, body: ast.expr, orelse: ast.expr) -> Term:
        first = self.arm(test.text, body)
        second = self.arm(self.inverted(test.text), orelse)
        return self.selected(test, first, second)

    def arm(self, test: str, node: ast.expr) -> Term:
        """An arm of `a if c else b`, jumped over where no lane needs it."""
        if not is_costly(node):
            return self.floated(self.expression(node))
        place = self.code.reserve(self.shape.type)
        with self.inside(test, jump=True):
            self.store("float", self.expression(node), place)
        return self.let("float", f"load {self.shape.type}, ptr {place}")


@cache
def lane_function(kernel: Kernel, shape: Shape) -> Function:
    """A kernel on lanes. Raises Untranslatable where it has to run lane by lane."""
    if kernel.name in ALONE:
        raise Untranslatable(f"{kernel.name} is not accurate enough on lanes")
    return Masked(for_lanes(kernel), shape).function()


def lane_by_lane(kernel: Kernel, shape: Shape) -> Function:
    """A kernel on lanes as one scalar call for each. Raises Untranslatable for a kernel of lists."""
    if set(kernel.parameters.values()) != {"float"} or kernel.result != "float":
        raise Untranslatable(f"{kernel.name} does not run on lanes")
    code = Code()
    names = [f"%{name}" for name in kernel.parameters]
    code.do(f"ret {shape.type} {calls_by_lane(code, kernel_name(kernel, SCALAR), shape, names)}")
    parameters = [f"{shape.of('i1')} %mask", *(f"{shape.type} {name}" for name in names)]
    return code.function(shape.type, kernel_name(kernel, shape), parameters)


def calls_by_lane(code: Code, function: str, shape: Shape, names: Sequence[str]) -> str:
    result = "poison"
    for k in range(shape.lanes):
        one = [code.let(f"extractelement {shape.type} {name}, i64 {k}") for name in names]
        y = code.call("double", function, [f"double {x}" for x in one])
        result = code.let(f"insertelement {shape.type} {result}, double {y}, i64 {k}")
    return result


def lane_atom(name: str, arity: int, shape: Shape) -> Iterator[Function]:
    """A function of libm on lanes: by the vector library where there is one, else lane by lane."""
    code = Code()
    names = [f"%x{i}" for i in range(arity)]
    ours = name in OWN and has_avx512()
    found = (own_name(name), 8) if ours else vector_function(name, arity)
    if found is None:
        result = calls_by_lane(code, atom_name(name, SCALAR), shape, names)
    else:
        result = calls_by_part(code, *found, shape, names)
    if ours:
        yield OWN[name]()
    code.do(f"ret {shape.type} {result}")
    parameters = [f"{shape.type} {x}" for x in names]
    yield code.function(shape.type, atom_name(name, shape), parameters, "alwaysinline nounwind")


def calls_by_part(code: Code, function: str, width: int, shape: Shape, names: Sequence[str]) -> str:
    """Calls of a function of so many lanes, which are fewer than ours or as many."""
    part = Shape(width)
    results = []
    for start in range(0, shape.lanes, width):
        xs = [code.shuffled(shape, x, "poison", range(start, start + width)) for x in names]
        results.append(code.call(part.type, function, [f"{part.type} {x}" for x in xs]))
    while len(results) > 1:
        pairs = zip(results[::2], results[1::2], strict=True)
        results = [code.shuffled(Shape(width), a, b, range(2 * width)) for a, b in pairs]
        width *= 2
    return results[0]
