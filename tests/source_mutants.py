"""The sweep and the transforms with one thing changed at a time: do the tests notice?

    python tests/source_mutants.py

Prints killed / total and lists every survivor. The working tree is not touched: mutants are tried in a
copy of it, one after the other.
"""

import ast
import copy
import os
import resource
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import hypothesis.stateful
import numpy
import pytest
import scipy.optimize

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("engine", "nn", "tests")
FILES = tuple(f"engine/{name}.py" for name in "order edges sweep forward recorded_call transform".split())
MEMORY = 4 << 30  # bytes: an endless loop may be one that collects
OPTIONS = ("-q", "-x", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
IMPORTED = (hypothesis.stateful, numpy, pytest, scipy.optimize)  # once, here: no child has to
STAMP = "any number that was no stamp before will do"
EQUIVALENT = {
    "engine/order.py, topological_order: STATE.sweep += 1 -> STATE.sweep -= 1": STAMP,
    "engine/order.py, topological_order: 1 -> 2": STAMP,
    "engine/order.py, topological_order: order.append(node) -> pass": "an input has no edges to go along",
    "engine/sweep.py, sweep_back: 1 -> 2": STAMP,
    "engine/sweep.py, recompute: 1 -> 2": STAMP,
}
SWAPS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
}


class Stage(NamedTuple):
    seconds: int  # of computing; an endless loop is noticed, too
    tests: tuple[str, ...]


STAGES = (  # the most telling first: a mutant is tried no further than to the first failure
    Stage(10, ("test_sweep", "test_worked_examples", "test_value")),
    Stage(15, ("test_transform",)),
    Stage(60, ("test_memory", "test_edges", "test_concurrency", "test_state_machine", "test_testing")),
)


class Mutant(NamedTuple):
    file: str
    name: str  # file, function, what was there -> what is there now
    source: str


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """The node with one thing wrong, in every way we know."""
    operator = getattr(node, "op", None) or (getattr(node, "ops", None) or [None])[0]
    if type(operator) in SWAPS:
        wrong = copy.deepcopy(node)
        other = SWAPS[type(operator)]()
        if isinstance(node, ast.Compare):
            wrong.ops[0] = other
        else:
            wrong.op = other
        yield wrong
    if isinstance(node, ast.AugAssign):  # = for +=
        yield ast.copy_location(ast.Assign([copy.deepcopy(node.target)], copy.deepcopy(node.value)), node)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.copy_location(ast.Constant(node.value + 1), node)
    if isinstance(node, ast.UnaryOp):
        yield copy.deepcopy(node.operand)
    if isinstance(node, (ast.If, ast.IfExp)):
        wrong = copy.deepcopy(node)
        wrong.test = ast.UnaryOp(ast.Not(), wrong.test)
        yield wrong
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield ast.copy_location(ast.Pass(), node)


class Replace(ast.NodeTransformer):
    def __init__(self, place: int, wrong: ast.AST) -> None:
        self.place = place
        self.wrong = wrong

    def visit(self, node: ast.AST) -> ast.AST:
        return self.wrong if getattr(node, "place", -1) == self.place else self.generic_visit(node)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """(name, definition) of the functions of a module and the methods of its classes."""
    for definition in tree.body:
        if isinstance(definition, ast.ClassDef):
            methods = [part for part in definition.body if isinstance(part, ast.FunctionDef)]
            yield from ((f"{definition.name}.{method.name}", method) for method in methods)
        elif isinstance(definition, ast.FunctionDef):
            yield definition.name, definition


def mutants(root: Path, file: str) -> Iterator[Mutant]:
    """One for every change in the functions of a file."""
    tree = ast.parse((root / file).read_text(encoding="utf-8"))
    for place, node in enumerate(ast.walk(tree)):
        node.place = place
    seen: Counter[str] = Counter()
    for name, function in functions(tree):
        for node in ast.walk(function):
            for wrong in changes(node):
                mutated = Replace(node.place, wrong).visit(copy.deepcopy(tree))
                what = f"{file}, {name}: {first_line(node)} -> {first_line(wrong)}"
                seen[what] += 1
                ordinal = f" ({seen[what]})" if seen[what] > 1 else ""
                yield Mutant(file, what + ordinal, ast.unparse(ast.fix_missing_locations(mutated)))


def first_line(node: ast.AST) -> str:
    return ast.unparse(node).partition("\n")[0]


def copied(root: Path, to: Path) -> Path:
    """What the tests need, without what Python wrote."""
    for name in COPIED:
        shutil.copytree(root / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", to)
    return to


def survives(tree: Path, mutant: Mutant) -> bool:
    """Whether the tests pass with that source in place of the file."""
    path = tree / mutant.file
    original = path.read_text(encoding="utf-8")
    path.write_text(mutant.source, encoding="utf-8")
    alive = all(passes(tree, stage) for stage in STAGES)
    path.write_text(original, encoding="utf-8")
    if alive and mutant.name not in EQUIVALENT:
        print(f"  survived: {mutant.name}", flush=True)
    return alive


def passes(tree: Path, stage: Stage, *, keep: bool = False) -> bool:
    """Whether the tests of a stage pass, in a process of their own that has imported all but the engine.

    `keep` writes byte code down: a mutant, which may come within the same second, must not be taken
    for what was compiled before it.
    """
    child = os.fork()
    if child == 0:
        os._exit(run(tree, stage, keep))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def run(tree: Path, stage: Stage, keep: bool) -> int:
    for what, most in ((resource.RLIMIT_CPU, stage.seconds), (resource.RLIMIT_AS, MEMORY)):
        resource.setrlimit(what, (most, most))
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    os.environ |= {"PYTHONPATH": str(tree), "HYPOTHESIS_PROFILE": "dev", "CI": "1"}
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    sys.dont_write_bytecode = not keep
    return pytest.main([*OPTIONS, *(f"tests/{name}.py" for name in stage.tests)])


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(ROOT, Path(folder))  # others may be writing in the working tree
        if not all(passes(tree, stage, keep=True) for stage in STAGES):
            print("the tests fail without any mutant")
            return 1
        made = [mutant for file in FILES for mutant in mutants(tree, file)]
        alive = [survives(tree, mutant) for mutant in made]
    return report(made, alive)


def report(made: list[Mutant], alive: list[bool]) -> int:
    names = {mutant.name for mutant in made}
    survivors = {mutant.name for mutant, survived in zip(made, alive, strict=True) if survived}
    total = len(names - EQUIVALENT.keys())
    unknown = survivors - EQUIVALENT.keys()
    print(f"killed {total - len(unknown)} / {total} source mutants")
    for name in sorted(EQUIVALENT.keys() - survivors):
        print(f"  called equivalent, but killed or gone: {name}")
    print(f"{len(EQUIVALENT)} equivalent mutants were left out:")
    for name, reason in EQUIVALENT.items():
        print(f"  {name}: {reason}")
    return int(survivors != EQUIVALENT.keys())


if __name__ == "__main__":
    sys.exit(main())
