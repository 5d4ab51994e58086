"""Python source: for `math` with the engine's own kernels, to the bit; for NumPy, JAX and PyTorch in
terms of their functions, over numbers and arrays."""

from __future__ import annotations

import ast
import builtins
import keyword
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import deepcopy
from math import inf
from typing import Final

from engine.compiler.kernels.definition import Kernel, is_atom, kernel_of, kernels_of
from engine.compiler.sources.formulas import lowered
from engine.compiler.sources.namespaces import NAMESPACES, Namespace
from engine.compiler.tape.names import array_of, function_name, stem
from engine.compiler.tape.tape import Entry, Tape
from engine.node import CONSTANT, INPUT

EXACT: Final = {"add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "neg": "-{0}"}
Call = Callable[[Entry, Sequence[str]], str]
MATH: Final = Namespace("import math", (), "", "float({0})", {})


def python_source(tape: Tape, namespace: str, name: str = "f") -> str:
    """A module with one function of the arguments; an argument that is no number is indexed flat.
    It returns a number, or a tuple of all outputs.

    Raises ValueError for another namespace or a name that no function can have there, Untranslatable with
    all the operations that it lacks.
    """
    if namespace == "math":
        rows = [e.primitive for _, e in tape.operations() if e.primitive.name not in EXACT]
        kernels = kernels_of(rows, "math")
        return module(tape, name, MATH, list(kernel_sources(kernels)), by_kernel)
    if namespace not in NAMESPACES:
        raise ValueError(f"namespace is one of math, {', '.join(NAMESPACES)}, got {namespace!r}")
    library = NAMESPACES[namespace]
    tape = lowered(tape, library.templates, namespace)
    return module(
        tape, name, library, [], lambda e, names: library.templates[e.primitive.name].format(*names)
    )


def module(tape: Tape, name: str, library: Namespace, kernels: Sequence[str], call: Call) -> str:
    """The text of a module: imports, kernels, the function."""
    needed = own(library, kernels)
    name = function_name(name, "Python", {*keyword.kwlist, *dir(builtins), *needed})
    parameters, names = arguments(tape, needed)
    v = stem("v", parameters)
    body = []
    for slot, (primitive, operands, number) in enumerate(tape.entries):
        if primitive is INPUT:
            body.append(f"{v}{slot} = {library.conversion.format(names[slot])}")
        elif primitive is CONSTANT:
            body.append(f"{v}{slot} = {library.conversion.format(literal(number))}")
        else:
            body.append(f"{v}{slot} = {call(tape.entries[slot], [f'{v}{i}' for i in operands])}")
    outputs = ", ".join(f"{v}{slot}" for slot in tape.outputs)
    body.append(f"return {outputs}")
    head = f"{library.decorator}def {name}({', '.join(parameters)}):"
    parts = [
        library.imports,
        *library.helpers,
        *kernels,
        "\n".join([head, *(f"    {line}" for line in body)]),
    ]
    return "\n\n\n".join(parts) + "\n"


def own(library: Namespace, kernels: Sequence[str]) -> set[str]:
    """The names that a function reads beside its arguments: what is above it in the module, and builtins."""
    body = [library.conversion, *library.templates.values(), literal(inf)]
    names = {node.id for text in body for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    for line in ast.parse("\n".join([library.imports, *library.helpers, *kernels])).body:
        if isinstance(line, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in line.names)
        elif isinstance(line, ast.FunctionDef):
            names.add(line.name)
    return names


def arguments(tape: Tape, own: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """The parameters, and how each input is read: w[3] of a parameter w. One whose name cannot stay, for it
    is no identifier or among our own, is called x0 if it is the first, x1 if it is the second ..."""
    bases = list(map(array_of, tape.inputs))
    x = stem("x", bases)
    parameters = {
        base: base if base.isidentifier() and not keyword.iskeyword(base) and base not in own else f"{x}{i}"
        for i, base in enumerate(dict.fromkeys(bases))
    }
    names = [parameters[base] + name[len(base) :] for base, name in zip(bases, tape.inputs, strict=True)]
    return list(parameters.values()), names


def literal(x: float) -> str:
    """A number that Python reads back to the bit."""
    return repr(x) if x - x == 0.0 else f'float("{x!r}")'


def by_kernel(entry: Entry, names: Sequence[str]) -> str:
    primitive = entry.primitive
    if primitive.name in EXACT:
        return EXACT[primitive.name].format(*names)
    if is_atom(primitive.value):
        return f"math.{primitive.value.__name__}({', '.join(names)})"
    called = kernel_of(primitive.value).name
    listed = f"[{', '.join(names)}]" if primitive.gradient is not None else ", ".join(names)
    return f"{called}({listed})"


def kernel_sources(kernels: Sequence[Kernel]) -> Iterator[str]:
    """The kernels as they are, under the names they have here, with numbers in place of constants."""
    for kernel in kernels:
        tree = deepcopy(kernel.tree)
        tree.name = kernel.name
        tree.returns = None
        for argument in tree.args.args:
            argument.annotation = None
        Renamed(kernel).visit(tree)
        yield ast.unparse(ast.fix_missing_locations(tree))


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
