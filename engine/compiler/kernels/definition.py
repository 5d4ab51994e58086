"""Kernels read as source: what every translator needs to know of one.

A kernel is a Python function in a small subset of the language: assignments, `if`, `while`, `for` over a
`range`, `return`; numbers, truth values, lists of floats that are indexed and measured; calls of
other kernels and of the atoms, the functions of `math`. The running module may be compiled, so
the text is that of the `.py` file beside it, or in its archive.
"""

from __future__ import annotations

import ast
import linecache
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from math import inf
from pathlib import Path
from types import BuiltinFunctionType, ModuleType
from typing import Any, Final, Literal, TypeVar, final

from engine.compiler.errors import Untranslatable
from engine.primitive import Primitive

T = TypeVar("T")
Type = Literal["float", "int", "bool", "list"]
# The functions of `math` that kernels may call, and how many operands each takes; how they are spelled is a
# target's own
ATOMS: Final = dict.fromkeys(
    """acos acosh asin asinh atan atanh cbrt cos cosh erf erfc exp exp2 expm1 fabs floor isinf isnan log log10
    log1p log2 sin sinh sqrt tan tanh""".split(),
    1,
) | dict.fromkeys("atan2 copysign fmod pow".split(), 2)
ANNOTATIONS: Final[dict[str, Type]] = {
    "float": "float",
    "int": "int",
    "bool": "bool",
    "list[float]": "list",
    "tuple[float, ...]": "list",
}


@final
class Kernel:
    """The definition of a kernel, its names resolved and its types inferred.

    function    what is called
    name        a unique identifier, in ASCII, safe in every target
    tree        the function as `ast`, without its docstring
    parameters  name and type of each; `variables` the same of parameters and local variables
    result      the type it returns
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.module = sys.modules[function.__module__]
        self.tree = definition(self.module, function.__name__)
        self.name = f"{function.__module__.rpartition('.')[2]}_{function.__name__}"
        if not self.name.isascii():
            self.name = f"kernel_{self.name.encode().hex()}"
        if isinstance(self.tree.body[0], ast.Expr):
            del self.tree.body[0]
        self.parameters = {a.arg: declared(a.annotation) for a in self.tree.args.args}
        self.variables: dict[str, Type] = dict(self.parameters)
        self.result = declared(self.tree.returns)
        for node in ast.walk(self.tree):
            self.infer(node)

    def infer(self, node: ast.AST) -> None:
        """Notes the type of a variable where it is first assigned."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.variables.setdefault(identifier(target), self.type_of(node.value))
        elif isinstance(node, ast.For):
            self.variables.setdefault(identifier(node.target), "int")

    def resolve(self, name: str) -> Any:
        """What a global name stands for: a number, a tuple of numbers, an atom or a kernel."""
        try:
            return getattr(self.module, name)
        except AttributeError:
            raise Untranslatable(f"{self.name} uses {name}, which its module does not define") from None

    def refusal(self, node: ast.stmt | ast.expr, what: str) -> Untranslatable:
        """The error for a part of it that cannot be translated, with its line."""
        text = ast.unparse(node).partition("\n")[0]
        return Untranslatable(f"{text!r} in line {node.lineno} of {self.module.__name__} {what}")

    def called(self, node: ast.expr) -> Any:
        """The function in a call: `exp`, `math.exp`, a kernel, or one of float, int, len by name."""
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            return getattr(self.resolve(node.value.id), node.attr)
        name = identifier(node)
        return name if name in ("float", "int", "len") else self.resolve(name)

    def callees(self) -> Iterator[Callable[..., Any]]:
        """The kernels it calls."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and identifier(node.func, "") != "range":
                function = self.called(node.func)
                if not isinstance(function, str) and not is_atom(function):
                    yield function

    def tables(self) -> dict[str, tuple[float, ...]]:
        """The module's tuples of numbers that it reads."""
        names = {node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name)}
        found = {name: getattr(self.module, name, None) for name in sorted(names - set(self.variables))}
        return {name: table for name, table in found.items() if isinstance(table, tuple)}

    def table_name(self, name: str) -> str:
        """The name of such a tuple, unique among those of all modules."""
        return f"{self.module.__name__.rpartition('.')[2]}_{name}"

    def type_of(self, node: ast.expr) -> Type:
        match node:
            case ast.Constant(value=bool()) | ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return "bool"
            case ast.Constant(value=int()):
                return "int"
            case ast.UnaryOp():
                return self.type_of(node.operand)
            case ast.BinOp():
                ints = self.type_of(node.left) == self.type_of(node.right) == "int"
                return "int" if ints and not isinstance(node.op, (ast.Div, ast.Pow)) else "float"
            case ast.IfExp():
                return self.type_of(node.body)
            case ast.Call():
                return self.type_of_call(node)
            case ast.Name():
                if node.id in self.variables:
                    return self.variables[node.id]
                return "list" if isinstance(self.resolve(node.id), tuple) else "float"
        return "float"

    def type_of_call(self, node: ast.Call) -> Type:
        function = self.called(node.func)
        if isinstance(function, str):
            return "float" if function == "float" else "int"
        if is_atom(function):
            return "bool" if function.__name__ in ("isnan", "isinf") else "float"
        return kernel_of(function).result


@cache
def kernel_of(function: Callable[..., Any]) -> Kernel:
    """The kernel that a function is. Raises Untranslatable."""
    return Kernel(function)


def is_atom(function: object) -> bool:
    """Whether it is a function of `math`."""
    return isinstance(function, BuiltinFunctionType) and function.__module__ == "math"


@cache
def definitions(module: ModuleType) -> dict[str, ast.FunctionDef]:
    """The functions at the top of a module. Raises Untranslatable where its text cannot be had."""
    file = getattr(module, "__file__", None)
    if file is None:
        raise Untranslatable(f"the source of {module.__name__} is not in a file")
    path = Path(file).with_name(Path(file).name.partition(".")[0] + ".py")  # beside an extension module
    # asks the module's loader where there is no such file: in an archive
    text = "".join(linecache.getlines(str(path), vars(module)))
    if not text:
        raise Untranslatable(f"the source {path} cannot be read")
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def definition(module: ModuleType, name: str) -> ast.FunctionDef:
    """A function of a module as `ast`. Raises Untranslatable for a lambda or a nested function."""
    try:
        return definitions(module)[name]
    except KeyError:
        raise Untranslatable(f"{name} is not a function at the top of {module.__name__}") from None


def declared(annotation: ast.expr | None) -> Type:
    written = "" if annotation is None else ast.unparse(annotation)
    if written not in ANNOTATIONS:
        raise Untranslatable(f"a kernel declares its types, one of {', '.join(ANNOTATIONS)}; got {written!r}")
    return ANNOTATIONS[written]


def identifier(node: ast.expr, default: str | None = None) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if default is None:
        raise Untranslatable(f"a name is needed, got {ast.unparse(node)}")
    return default


def constant_power(node: ast.BinOp) -> float:
    """2.0**-600 as a number: translators know no other powers."""
    try:
        return float(ast.literal_eval(node.left) ** ast.literal_eval(node.right))
    except (ValueError, OverflowError):
        raise Untranslatable(f"a power of two numbers is needed, got {ast.unparse(node)}") from None


def tables_of(kernels: Iterable[Kernel]) -> dict[str, tuple[float, ...]]:
    """The tuples of numbers that kernels read, by their unique names."""
    return {k.table_name(name): table for k in kernels for name, table in k.tables().items()}


def translated(primitives: Iterable[Primitive], target: str, write: Callable[[Kernel], T]) -> dict[Kernel, T]:
    """The kernels of rows and all that they call, callees first, with what `write` makes of each. Raises one
    Untranslatable for all."""
    written: dict[Kernel, T] = {}
    missing: dict[str, str] = {}
    for primitive in primitives:
        try:
            if primitive.foreign:
                raise Untranslatable("a Python function of yours")
            if not is_atom(primitive.value):
                collect(kernel_of(primitive.value), written, write)
        except Untranslatable as error:
            missing[primitive.name] = str(error)
    if missing:
        raise lacking(missing, target)
    return written


def collect(
    kernel: Kernel, written: dict[Kernel, T], write: Callable[[Kernel], T], callers: tuple[Kernel, ...] = ()
) -> None:
    """Adds a kernel behind its callees. They nest a few deep: what goes on for ever calls itself."""
    if kernel in callers:
        raise kernel.refusal(kernel.tree, "calls itself")
    if kernel not in written:
        for callee in kernel.callees():
            collect(kernel_of(callee), written, write, (*callers, kernel))
        written[kernel] = write(kernel)


def lacking(missing: Mapping[str, str], target: str) -> Untranslatable:
    """The error for rows that a target cannot have, each with a reason."""
    reasons = ", ".join(f"{name} ({reason})" for name, reason in missing.items())
    return Untranslatable(f"{target} lacks {len(missing)} operations of this function: {reasons}")


def is_special(x: float) -> bool:
    """Whether a number has no literal in most languages: inf and nan."""
    return x != x or x in (inf, -inf)


def as_float32(x: float) -> float:
    """x as a float32."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", x))[0])
    except OverflowError:
        return x * inf
