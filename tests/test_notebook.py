import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

from engine import Value, draw
from engine.notebook import LIMIT, picture, show_graphs


def chain(nodes: int) -> Value:
    y = Value(1.0, "x")
    for _ in range(nodes - 1):
        y = y.sin()
    return y


def test_a_small_graph_is_a_picture():
    x = Value(2.0, "x")
    assert picture(draw, x * x).startswith("<svg")
    assert picture(draw, chain(LIMIT)).startswith("<svg")


def test_a_leaf_and_a_large_graph_are_text():
    assert picture(draw, Value(2.0)) is None
    assert picture(draw, chain(LIMIT + 1)) is None


def test_values_are_shown_where_ipython_runs_and_nowhere_else(monkeypatch):
    told = {}
    formatter = SimpleNamespace(for_type=told.__setitem__)
    shell = SimpleNamespace(display_formatter=SimpleNamespace(formatters={"image/svg+xml": formatter}))
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    show_graphs(draw)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    show_graphs(draw)
    assert told == {}
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    show_graphs(draw)
    assert told[Value](chain(2)) == picture(draw, chain(2))


def test_a_real_ipython_gets_picture_and_text():
    pytest.importorskip("IPython")
    code = """
import json
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
from engine import Value, draw
x = Value(3.0, "x")
print(json.dumps([sorted(shell.display_formatter.format(v)[0]) for v in (x * x, x)]))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == [["image/svg+xml", "text/plain"], ["text/plain"]]


def test_importing_the_engine_loads_neither_ipython_nor_the_drawing():
    code = "import sys, engine; print([m for m in ('IPython', 'engine.drawing') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
