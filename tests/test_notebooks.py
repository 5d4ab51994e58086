"""The notebooks as they are committed: executed, without errors, and built alike."""

import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def cells(request):
    return json.loads(request.param.read_text(encoding="utf-8"))["cells"]


def text(cell):
    return "".join(cell["source"])


def test_it_says_what_you_will_be_able_to_do(cells):
    assert text(cells[0]).startswith("# ")
    assert "After this notebook you can" in text(cells[0])


def test_it_ends_with_two_exercises_and_their_solutions(cells):
    prose = "\n".join(text(cell) for cell in cells if cell["cell_type"] == "markdown")
    assert prose.count("## Exercise") == prose.count("*Solution, checked:*") == 2
    assert cells[-1]["cell_type"] == "code"
    assert "assert" in text(cells[-1])


def test_it_is_short_enough_to_be_read(cells):
    assert len(cells) <= 27


def test_every_cell_was_executed_in_order_and_none_failed(cells):
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not [output for cell in code for output in cell["outputs"] if output["output_type"] == "error"]
