"""Python source: for `math` with the engine's own kernels, to the bit; for NumPy, JAX and PyTorch in
terms of their functions, over numbers and arrays."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Sequence
from copy import deepcopy
from typing import Final

from engine.compiler.kernels.definition import Kernel, is_atom, kernel_of, translated
from engine.compiler.sources.arrays import array_source
from engine.compiler.sources.namespaces import NAMESPACES
from engine.compiler.sources.parameters import arguments, literal
from engine.compiler.tape.names import function_name, stem
from engine.compiler.tape.tape import Entry, Tape
from engine.node import CONSTANT, INPUT

EXACT: Final = frozenset({"add", "sub", "mul", "neg"})  # Python's operators never raise


def python_source(tape: Tape, namespace: str, name: str = "f", dtype: str = "float64") -> str:
    """A module with one function of the arguments; an argument that is no number is indexed flat.
    It returns a number, or a tuple of all outputs.

    Raises ValueError for another namespace or a name that no function can have there, Untranslatable with
    all the operations that it lacks.
    """
    reserved = {*keyword.kwlist, *dir(builtins)}
    if namespace in NAMESPACES:
        name = function_name(name, "Python", reserved | NAMESPACES[namespace].names)
        return array_source(tape, namespace, name, dtype)
    if namespace != "math":
        raise ValueError(f"namespace is one of math, {', '.join(NAMESPACES)}, got {namespace!r}")
    if dtype != "float64":
        raise ValueError(f"math has no {dtype}: the function has to be compiled with dtype='float64'")
    return math_source(tape, name, reserved)


def math_source(tape: Tape, name: str, reserved: set[str]) -> str:
    """The kernels as they are, with the function behind them."""
    rows = [e.primitive for _, e in tape.operations() if e.primitive.key not in EXACT]
    kernels = translated(rows, "math", kernel_source)
    own = {"math", "float", "len", "range", *(kernel.name for kernel in kernels)}
    name = function_name(name, "Python", reserved | own)
    parameters, names = arguments(tape, own)
    v = stem("v", parameters)
    body = []
    for slot, entry in enumerate(tape.entries):
        if entry.primitive is INPUT:
            text = f"float({names[slot]})"
        elif entry.primitive is CONSTANT:
            text = literal(entry.number)
        else:
            text = by_kernel(entry, [f"{v}{i}" for i in entry.operands])
        body.append(f"    {v}{slot} = {text}")
    body.append(f"    return {', '.join(f'{v}{slot}' for slot in tape.outputs)}")
    function = "\n".join([f"def {name}({', '.join(parameters)}):", *body])
    return "\n\n\n".join(["import math", *kernels.values(), function]) + "\n"


def by_kernel(entry: Entry, names: Sequence[str]) -> str:
    primitive = entry.primitive
    if primitive.key in EXACT:
        return primitive.python.format(*names)
    if is_atom(primitive.value):
        return f"math.{primitive.value.__name__}({', '.join(names)})"
    called = kernel_of(primitive.value).name
    listed = f"[{', '.join(names)}]" if primitive.gradient is not None else ", ".join(names)
    return f"{called}({listed})"


def kernel_source(kernel: Kernel) -> str:
    """A kernel as it is, under the name it has here, with numbers in place of constants."""
    tree = deepcopy(kernel.tree)
    tree.name = kernel.name
    tree.returns = None
    for argument in tree.args.args:
        argument.annotation = None
    Renamed(kernel).visit(tree)
    return ast.unparse(ast.fix_missing_locations(tree))


class Renamed(ast.NodeTransformer):
    """Puts what a global name stands for in its place."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def visit_Call(self, node: ast.Call) -> ast.expr:
        node.args = [self.visit(argument) for argument in node.args]
        if isinstance(node.func, ast.Name) and node.func.id in ("float", "int", "len", "range"):
            return node
        function = self.kernel.called(node.func)
        name = f"math.{function.__name__}" if is_atom(function) else kernel_of(function).name
        node.func = ast.parse(name, mode="eval").body
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.kernel.variables:
            return node
        meaning = self.kernel.resolve(node.id)
        table = isinstance(meaning, tuple)
        text = f"({', '.join(map(literal, meaning))},)" if table else literal(meaning)
        return ast.parse(text, mode="eval").body
