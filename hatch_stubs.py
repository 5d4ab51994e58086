"""Stubs for a wheel: what type checkers read in place of the source where that says Any.

In the source an operand is anything, so that Fractions pass and strangers get a good message. In a stub
numbers give a float and a Value gives a Value. Nearly all of it follows from the source and the table.
"""

import ast
import copy
from collections.abc import Iterator, Sequence
from pathlib import Path

import engine
from engine import functions, primitives
from engine.operators import Operators
from engine.primitive import TABLE

GRAPH = ("node", "operators", "value")  # of nodes
MODULES = (*GRAPH, "functions", "primitive", "primitives/__init__", "transform", "compiler/function")
HEAD = """
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Concatenate, Generic, Literal, Protocol, TypeAlias, overload, type_check_only
from typing_extensions import ParamSpec, Self, TypeVar
_P = ParamSpec("_P")
_A = TypeVar("_A")
_R = TypeVar("_R")
_R_co = TypeVar("_R_co", covariant=True)
_Arity = TypeVar("_Arity", bound=int, default=Any)  # of a row; 0 for any number of operands
"""
KINDS = """
@type_check_only
class _Rational(Protocol):  # int, Fraction, numpy.integer
    @property
    def numerator(self) -> Any: ...
    def __float__(self) -> float: ...
@type_check_only
class _Floating(Protocol):  # numpy.floating
    def is_integer(self) -> bool: ...
    def as_integer_ratio(self) -> tuple[int, int]: ...
    def __float__(self) -> float: ...
@type_check_only
class _Array(Protocol):  # numpy.ndarray
    @property
    def shape(self) -> tuple[Any, ...]: ...
    def __array_finalize__(self, array: Any, /) -> None: ...
_Number: TypeAlias = float | _Rational | _Floating
_Scalar: TypeAlias = Value | _Number
"""
PRIMITIVE = """
__signature__: Any
@overload
def __call__(self: Primitive[Literal[1]], x: float, /) -> float: ...
@overload
def __call__(self: Primitive[Literal[1]], x: Value, /) -> Value: ...
@overload
def __call__(self: Primitive[Literal[1]], x: _Number, /) -> float: ...
@overload
def __call__(self: Primitive[Literal[1]], x: _Array, /) -> Any: ...
@overload
def __call__(self: Primitive[Literal[2]], x: float, y: float, /) -> float: ...
@overload
def __call__(self: Primitive[Literal[2]], x: _Number, y: _Number, /) -> float: ...
@overload
def __call__(self: Primitive[Literal[2]], x: Value, y: _Scalar, /) -> Value: ...
@overload
def __call__(self: Primitive[Literal[2]], x: _Number, y: Value, /) -> Value: ...
@overload
def __call__(self: Primitive[Literal[2]], x: _Scalar | _Array, y: _Scalar | _Array, /) -> Any: ...
@overload
def __call__(self: Primitive[Literal[0]], *operands: _Number, **keywords: _Number) -> float: ...
@overload
def __call__(self: Primitive[Literal[0]], *operands: _Scalar, **keywords: _Scalar) -> Value: ...
@overload
def __call__(self: Primitive[Literal[0]], *operands: _Scalar | _Array, **keywords: Any) -> Any: ...
"""
COMPILED = """
@overload
def __call__(self, *args: _P.args, **keywords: _P.kwargs) -> _R_co: ...
@overload
def __call__(self, *args: Any, out: Any, **keywords: Any) -> Any: ...
"""
EXTREME = """
@overload
def {0}(x: Iterable[_Number], *, key: Any = None, default: Any = ...) -> float: ...
@overload
def {0}(x: Iterable[_Scalar], *, key: Any = None, default: Any = ...) -> Value: ...
@overload
def {0}(x: _Number, *others: _Number, key: Any = None, default: Any = ...) -> float: ...
@overload
def {0}(x: _Scalar, *others: _Scalar, key: Any = None, default: Any = ...) -> Value: ...
"""
SPECIAL = {
    "max": EXTREME.format("max"),
    "min": EXTREME.format("min"),
    "cross_entropy": """
@overload
def cross_entropy(logits: Iterable[_Number], target: _Number | Iterable[_Number]) -> float: ...
@overload
def cross_entropy(logits: Iterable[_Scalar], target: _Number | Iterable[_Scalar]) -> Value: ...
""",
    "where": """
@overload
def where(cond: _Scalar, a: _Number, b: _Number) -> float: ...
@overload
def where(cond: _Scalar, a: Value, b: Value) -> Value: ...
@overload
def where(cond: _Scalar, a: _Scalar, b: _Scalar) -> Value | float: ...
@overload
def where(cond: Any, a: _Scalar | _Array, b: _Scalar | _Array) -> Any: ...
""",
    "custom": """
def custom(
    forward: Callable[..., object], local_gradient: Callable[..., Any], name: str = ""
) -> Primitive[Literal[0]]: ...
""",
    "grad": """
@overload
def grad(
    f: Callable[Concatenate[_A, _P], object], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Callable[Concatenate[_A, _P], _A]: ...
@overload
def grad(
    f: Callable[_P, object], argnums: Argnums = 0, has_aux: bool = False, *, argnames: Argnames = None
) -> Callable[_P, Any]: ...
""",
    "value_and_grad": """
@overload
def value_and_grad(
    f: Callable[Concatenate[_A, _P], _R], argnums: Literal[0] = 0, has_aux: Literal[False] = False
) -> Callable[Concatenate[_A, _P], tuple[_R, _A]]: ...
@overload
def value_and_grad(
    f: Callable[_P, _R], argnums: Argnums = 0, has_aux: bool = False, *, argnames: Argnames = None
) -> Callable[_P, tuple[_R, Any]]: ...
""",
    "jvp": """
@overload
def jvp(f: Callable[..., _R], x: Any, v: Any, has_aux: Literal[False] = False) -> tuple[_R, _R]: ...
@overload
def jvp(f: Callable[..., Any], x: Any, v: Any, has_aux: bool = False) -> Any: ...
""",
    "vjp": """
@overload
def vjp(
    f: Callable[..., _R], *x: Any, has_aux: Literal[False] = False
) -> tuple[_R, Callable[[Any], tuple[Any, ...]]]: ...
@overload
def vjp(f: Callable[..., Any], *x: Any, has_aux: bool = False) -> Any: ...
""",
    "hvp": "def hvp(f: Callable[..., object], x: _A, v: _A) -> _A: ...",
}
BASES = {"Primitive": ("Generic[_Arity]", PRIMITIVE), "Compiled": ("Generic[_P, _R_co]", COMPILED)}
BINARY = {f"__{r}{name}__" for name in "add sub mul truediv floordiv mod pow".split() for r in ("", "r")}
BOOLEAN = {"isclose", "isfinite", "isinf", "isnan", *(f"__{name}__" for name in "lt le gt ge eq ne".split())}
# Members whose types say less in the source, for another reason than that of operands.
ARGUMENTS = {"data": "_Number", "grad": "_Number", "seed": "_Number", "label": "str | tuple[()]"}
RESULTS = {
    "__divmod__": "tuple[Self, Self]",
    "__rdivmod__": "tuple[Self, Self]",
    "parents": "tuple[Self, ...]",
}
FROM_F = {"Function": "Callable[_P, Any]", "Compiled": "Compiled[_P, _R_co]"}  # what a transform returns
BODY: list[ast.stmt] = [ast.Expr(ast.Constant(...))]


def stub(module: str, source: str) -> str:
    """The text of one stub."""
    lines = [line for node in ast.parse(source).body for line in declared(node)]
    texts = [text for line in lines for text in typed(line, module)]
    if module == "value":
        return "\n".join([HEAD, *texts, KINDS])
    head = HEAD + "from engine.value import Value, _Array, _Number, _Scalar\n"
    if module == "primitives/__init__":
        head += "from engine.primitive import Primitive\n"
        texts += [f"{row}: Primitive[Literal[{len(TABLE[row].partials)}]]" for row in primitives.__all__]
    return "\n".join([head, *texts])


def declared(node: ast.stmt) -> Iterator[ast.stmt]:
    """A statement as far as it says what there is: imports, names with their types, functions, classes."""
    if isinstance(node, ast.ImportFrom) and (node.names[0].name == "*" or node.module == "__future__"):
        return
    if isinstance(node, ast.FunctionDef):
        node.body = BODY
    elif isinstance(node, ast.ClassDef):
        node.body = [*attributes(node), *(line for part in node.body for line in declared(part))] or BODY
    elif isinstance(node, ast.AnnAssign):
        node.value = None
        if ast.unparse(node.annotation) == "Final":
            node.annotation = ast.Name("Any")
    elif not isinstance(node, ast.Import | ast.ImportFrom | ast.Assign):
        return  # a docstring, a call
    yield node


def attributes(node: ast.ClassDef) -> Iterator[ast.stmt]:
    """What `__init__` assigns, with the type that it gives it, or that of its argument."""
    for maker in node.body:
        if isinstance(maker, ast.FunctionDef) and maker.name == "__init__":
            types = {arg.arg: arg.annotation for arg in [*maker.args.args, *maker.args.kwonlyargs]}
            for line in ast.walk(maker):
                if isinstance(line, ast.Assign | ast.AnnAssign):
                    target = line.targets[0] if isinstance(line, ast.Assign) else line.target
                    if isinstance(target, ast.Attribute):
                        kind = getattr(line, "annotation", None) or types.get(target.attr) or ast.Name("Any")
                        yield ast.AnnAssign(ast.Name(target.attr), kind, None, 1)


def typed(node: ast.stmt, module: str) -> Iterator[str]:
    """A line of a stub, with types for its readers."""
    if isinstance(node, ast.FunctionDef) and module not in GRAPH:
        yield from [SPECIAL[node.name]] if node.name in SPECIAL else function(node)
        return
    if isinstance(node, ast.ClassDef) and module in GRAPH:
        members = (text for part in node.body for text in member(part, node.name))
        node.body = [line for text in members for line in ast.parse(text).body]
    if isinstance(node, ast.ClassDef) and node.name in BASES:
        base, call = BASES[node.name]
        node.bases.append(ast.Name(base))
        # Without it as a method, or as a slot and what declares that: pyright would take the slot.
        kept = (part for part in node.body if "__call__" not in ast.unparse(part).partition("(self")[0])
        node.body = [*kept, *ast.parse(call).body]
    yield ast.unparse(node)


def function(node: ast.FunctionDef) -> Iterator[str]:
    """Overloads of a public function: numbers give a float, a Value in any place a Value, arrays anything."""
    result = ast.unparse(node.returns or ast.Name("None"))
    types = {arg.arg: ast.unparse(arg.annotation or ast.Name("Any")) for arg in node.args.args}
    spots = {name: kind for name, kind in types.items() if "Any" in kind}
    if types.get("f") == "Function" and result in FROM_F and node.name != "vmap":
        yield variant(node, {"f": "Callable[_P, _R_co]"}, FROM_F[result], ())
        return
    if node.name not in functions.__all__:
        yield ast.unparse(node)
        return
    if node.name in BOOLEAN:
        yield variant(node, dict.fromkeys(spots, "_Scalar"), "bool")
    else:
        yield variant(node, kinds(spots, ["_Number"] * len(spots)), result.replace("Any", "float"))
        for i, kind in enumerate(spots.values()):
            here = "Value" if kind == "Any" else "_Scalar"
            filled = ["_Number"] * i + [here] + ["_Scalar"] * (len(spots) - i - 1)
            yield variant(node, kinds(spots, filled), result.replace("Any", "Value"))
            if here == "_Scalar":  # a list of them: nothing is left
                return
    yield variant(node, dict.fromkeys(spots, "_Scalar | _Array"), "Any")


def kinds(spots: dict[str, str], filled: Sequence[str]) -> dict[str, str]:
    return {name: kind.replace("Any", what) for (name, kind), what in zip(spots.items(), filled, strict=True)}


def variant(
    node: ast.FunctionDef, arguments: dict[str, str], result: str, decorators: Sequence[str] = ("overload",)
) -> str:
    """One overload, with other types. An argument that has to be a Value has no default."""
    node = copy.deepcopy(node)
    count = len(node.args.args) - len(node.args.defaults)
    for i, arg in enumerate(node.args.args):
        kind = arguments.get(arg.arg)
        if kind is not None:
            optional = i >= count and ast.unparse(node.args.defaults[i - count]) == "None"
            arg.annotation = ast.Name(f"{kind} | None" if optional and kind != "Value" else kind)
    if arguments.get(node.args.args[-1].arg) == "Value":
        node.args.defaults = node.args.defaults[:-1]
    node.returns = ast.Name(result)
    node.decorator_list = [ast.Name(decorator) for decorator in decorators]
    return ast.unparse(node)


def member(node: ast.stmt, owner: str) -> Iterator[str]:
    """A member of a graph node. What Value has from Operators, and does faster, it has from there."""
    if not isinstance(node, ast.FunctionDef):
        yield ast.unparse(node)
        return
    result = ast.unparse(node.returns or ast.Name("None"))
    if owner == "Value" and result == "Any" and node.name in vars(Operators):
        return
    if result == "Any" and (owner == "Operators" or node.name in BOOLEAN):
        result = "bool" if node.name in BOOLEAN else "Self"
    result = RESULTS.get(node.name, result)
    strangers = [arg.arg for arg in node.args.args if ast.unparse(arg.annotation or ast.Name("")) == "object"]
    others = {} if owner != "Operators" else dict.fromkeys(strangers, "_Scalar")
    arguments = others | {name: ARGUMENTS[name] for name in strangers if name in ARGUMENTS}
    if node.name in BINARY:
        yield variant(node, arguments, result)
        yield variant(node, dict.fromkeys(arguments, "_Array"), "Any")
    else:
        yield variant(node, arguments, result, [ast.unparse(decorator) for decorator in node.decorator_list])


def write(folder: str) -> None:
    """Writes the stubs of the engine that runs into a folder."""
    for module in MODULES:
        file = Path(folder, "engine", f"{module}.pyi")
        file.parent.mkdir(parents=True, exist_ok=True)
        source = Path(engine.__file__).parent / f"{module}.py"
        file.write_text(stub(module, source.read_text(encoding="utf-8")) + "\n", encoding="utf-8")
