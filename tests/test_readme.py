"""The examples in README.md and in every docstring are run, and print what they say."""

import ast
import doctest
import importlib
import re
from pathlib import Path

import pytest
from test_ladder import TREES

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
GUIDES = [ROOT / "docs/index.md", *sorted((ROOT / "docs/guides").glob("*.md"))]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run(source: str, scope: dict[str, object], name: str) -> None:
    """Runs the >>> examples of the source; they share the scope. Raises on the first that differs."""
    test = doctest.DocTestParser().get_doctest(source, scope, name, name, 0)
    doctest.DebugRunner(optionflags=OPTIONS).run(test, clear_globs=False)
    scope.update(test.globs)


def test_the_readme_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pictures are saved
    scope: dict[str, object] = {"__name__": "readme"}
    blocks = re.findall(r"^```(?:python|pycon)\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
    assert blocks
    for number, block in enumerate(blocks):
        if ">>>" in block:
            run(block, scope, f"README, block {number}")
        else:
            exec(block, scope)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_prints_what_it_says(guide):
    run(guide.read_text(encoding="utf-8"), {"__name__": "guide"}, guide.stem)


# From the source and not from __doc__: compiled functions hide theirs from doctest.
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
DOCSTRINGS = [
    (module, getattr(node, "name", ""), docstring)
    for module, tree in TREES.items()
    for node in ast.walk(tree)
    if isinstance(node, DOCUMENTED) and ">>>" in (docstring := ast.get_docstring(node) or "")
]


@pytest.mark.parametrize(("module", "name", "docstring"), DOCSTRINGS)
def test_a_docstring_prints_what_it_says(module, name, docstring, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(docstring, dict(vars(importlib.import_module(module))), f"{module}.{name}")
