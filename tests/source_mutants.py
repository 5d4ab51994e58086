"""The sweep and the transforms with one thing changed at a time: does the test suite notice?

python tests/mutants.py sources [seconds]      stops when the time is over, 1200 s by default
"""

import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = ("engine/sweep.py", "engine/transform.py")
QUICK = ("test_value", "test_transform", "test_state_machine", "test_concurrency")  # first
THOROUGH = ("test_depth", "test_properties", "test_testing", "test_memory", "test_edges")  # then these
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


def mutants(file: str) -> list[tuple[str, str]]:
    """(what was changed, the whole source) for every change in the bodies of functions."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    for place, node in enumerate(nodes):
        node.place = place
    found = []
    for place, node in enumerate(nodes):
        for wrong in changes(node):
            source = ast.unparse(ast.fix_missing_locations(Replace(place, wrong).visit(copy.deepcopy(tree))))
            line, before, after = getattr(node, "lineno", 0), ast.unparse(node), ast.unparse(wrong)
            found.append((f"{file}:{line}: {before[:50]!r} -> {after[:50]!r}", source))
    return found


def survives(file: str, source: str) -> bool:
    """Whether the tests pass with that source in place of the file."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("engine", "nn", "tests"):
            shutil.copytree(ROOT / name, Path(folder, name), ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)
        Path(folder, file).write_text(source, encoding="utf-8")
        return passes(folder, QUICK) and passes(folder, THOROUGH)


def passes(folder: str, names: tuple[str, ...]) -> bool:
    tests = [f"tests/{name}.py" for name in names]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": folder, "HYPOTHESIS_PROFILE": "dev", "CI": "1"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, check=False, timeout=300
        )
    except subprocess.TimeoutExpired:  # an endless loop is noticed, too
        return False
    return done.returncode == 0


def main(seconds: float = 1200.0) -> int:
    """Tries the mutants in random order, two at a time, as far as the time allows."""
    work = [(file, what, source) for file in FILES for what, source in mutants(file)]
    random.Random(1).shuffle(work)
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(2) as pool:
        verdicts = list(
            pool.map(lambda job: None if time.monotonic() > end else survives(job[0], job[2]), work)
        )
    tried = [(what, alive) for (_, what, _), alive in zip(work, verdicts, strict=True) if alive is not None]
    survivors = [what for what, alive in tried if alive]
    print(f"killed {len(tried) - len(survivors)} / {len(tried)} source mutants of {len(work)}")
    for what in sorted(survivors):
        print(f"  survived: {what}")
    return 0
