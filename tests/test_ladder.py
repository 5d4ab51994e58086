"""Who may import whom: a module imports only from the rungs above its own, and at its top."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import engine
import nn

# One rung a line; the modules of one rung do not know each other, those of one folder may.
LADDER = """
    _collector
    _main_interpreter collector domain kernels source errors files modes text trees
    arrays
    primitive
    primitives
    functions
    operators
    node
    order
    edges
    forward sweep
    copying micrograd
    value
    node_array
    batch
    choice expansion recorded_call
    implicit transform
    series
    build_info described diagnosis notebook rounded
    drawing
    notation
    reference snapshot
    latex
    explanation compiler digits parser
    testing exploring
    __init__
    console
    __main__
    nn
"""
RUNGS = {module: rung for rung, line in enumerate(LADDER.split("\n")) for module in line.split()}
ROOTS = (Path(engine.__file__).parent, Path(nn.__file__).parent)
SOURCES = {
    ".".join(file.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__"): file
    for root in ROOTS
    for file in sorted(root.rglob("*.py"))
}
# Who loads others when they are first asked for, by name: the readers of the graph, Hypothesis, NumPy.
LATE = {
    "engine": {*engine._READERS.values(), "engine.reference"},
    "engine.testing": {"engine.testing.program", "engine.testing.strategies"},
    "engine.trees": {"engine.node_array"},
}
TREES = {module: ast.parse(file.read_text(encoding="utf-8")) for module, file in SOURCES.items()}


def family(module: str) -> str:
    """engine.value -> value, engine.drawing.dot -> drawing, nn.layers -> nn, engine -> __init__."""
    first, *rest = module.split(".")
    return first if first == "nn" else (rest or ["__init__"])[0]


def room(module: str) -> str:
    """engine.compiler.tape.trace -> tape, engine.compiler.function -> function."""
    return module.split(".")[2]


def imports(nodes: Iterator[ast.AST] | list[ast.stmt]) -> Iterator[str]:
    """The modules of this project that the statements import."""
    for node in nodes:
        names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        for name in names:
            full = f"{node.module}.{name}" if isinstance(node, ast.ImportFrom) else name
            if full.split(".")[0] in ("engine", "nn"):
                yield full if full in SOURCES else full.rpartition(".")[0]


def named(module: str) -> set[str]:
    """The modules of this project whose names it has as text, for `import_module` or `__import__`."""
    texts = (node.value for node in ast.walk(TREES[module]) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and "." in text and text in SOURCES}


@pytest.mark.parametrize("module", SOURCES)
def test_a_module_imports_only_from_above_it(module):
    assert family(module) in RUNGS, f"{module} has no rung: choose one"
    for other in imports(ast.walk(TREES[module])):
        if family(other) != family(module):
            assert RUNGS[family(other)] < RUNGS[family(module)], f"{module} may not import {other}"


def test_only_what_loads_late_names_modules_as_text():
    assert {module: names for module in SOURCES if (names := named(module))} == LATE


@pytest.mark.parametrize("module", SOURCES)
def test_every_import_of_ours_stands_at_the_top(module):
    body = TREES[module].body
    # TYPE_CHECKING, and what only the compiled build has
    guarded = [line for node in body if isinstance(node, (ast.If, ast.Try)) for line in node.body]
    assert sorted(imports(ast.walk(TREES[module]))) == sorted(imports(body + guarded))


def test_there_is_no_circle():
    arrows = {module: set(imports(ast.walk(tree))) - {module} for module, tree in TREES.items()}
    TopologicalSorter(arrows).prepare()


def test_the_rooms_of_the_compiler_form_no_circle():
    inside = {module: tree for module, tree in TREES.items() if module.startswith("engine.compiler.")}
    arrows: dict[str, set[str]] = {room(module): set() for module in inside}
    for module, tree in inside.items():
        arrows[room(module)] |= {room(other) for other in imports(ast.walk(tree)) if other in inside}
    for here, others in arrows.items():
        others -= {here}
    TopologicalSorter(arrows).prepare()


def test_no_module_is_named_like_something_public():
    assert not set(engine.__all__) & {family(module) for module in SOURCES} - {"testing"}
