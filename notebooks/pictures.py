"""Draws the worked examples of tests/data: the first for README.md, and all of them on one sheet.

    python notebooks/pictures.py        writes notebooks/pictures/price.svg and worked-examples.png

Chromium takes the photograph; the page that it looks at stays in demo-output/.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from html import escape
from math import isclose
from pathlib import Path
from typing import Any

from PIL import Image, ImageChops

import engine
from engine import Value

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "tests/data/worked-examples.json"
PAGE = HERE.parent / "demo-output/worked-examples.html"
SHEET = HERE / "pictures/worked-examples.png"
FIRST = HERE / "pictures/price.svg"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 1600  # of the sheet, in pixels
ROOM = 1540  # for the pictures of a row
TALL = 6000
LARGEST = 0.85  # of their size, so that type is about the same everywhere
FULL = 2250  # a row takes pictures until it is that wide, and is then made to fit

TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Worked examples</title>
<style>
body {{ width: {width}px; margin: 0; padding: 12px 0; background: #fff; color: #17202b;
  font-family: "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, sans-serif }}
.row {{ display: flex; justify-content: space-evenly; align-items: center; padding: 10px 0 }}
figure {{ margin: 0 }}
figcaption {{ padding: 0 14px; font-size: 17px; font-weight: 600; text-wrap: balance }}
svg {{ display: block; height: auto }}
.row + .row svg > g:last-child, figure + figure svg > g:last-child {{ display: none }} /* one is enough */
</style>
<body>
{rows}
</body>
</html>
"""


def main() -> int:
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))["examples"]
    figures = [(example["title"], engine.draw(graph(example))._repr_svg_()) for example in examples]
    FIRST.write_text(figures[0][1], encoding="utf-8")
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(TEMPLATE.format(width=WIDTH, rows="\n".join(map(row, rows(figures)))), encoding="utf-8")
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print(f"{PAGE} is written; the PNG needs Chromium: apt install chromium")
        return 1
    photograph(browser)
    print(f"{SHEET}: {len(figures)} graphs")
    return 0


# The graphs


def graph(example: dict[str, Any]) -> Value:
    """The root of the example, after backward()."""
    root = BY_HAND.get(example["id"], typed)(example)
    root.backward()
    return root


def typed(example: dict[str, Any]) -> Value:
    """An expression, or statements such as "c += c + 1", separated by semicolons."""
    names = labelled(example["inputs"])
    for statement in LECTURE.get(example["id"], example["expression"]).split("; "):
        *target, formula = re.split(r" (\+?=) ", statement)
        result = engine.parse(formula, **names)
        if target:
            name, sign = target
            names[name] = names[name] + result if sign == "+=" else result
            result = names[name]
            result.label = name
    if not isclose(result.data, example["value"], rel_tol=1e-12):
        raise ValueError(f"{example['id']} should be {example['value']}, got {result.data}")
    return result


def softmax_regression(example: dict[str, Any]) -> Value:
    w, b, x, target = example["inputs"].values()
    loss: Value = engine.cross_entropy(dense(w, b, x, "z"), target)
    loss.label = "L"
    return loss


def dense_module(example: dict[str, Any]) -> Value:
    """The outputs weighted by the upstream gradients: these come back to them."""
    w, b, x, upstream = example["inputs"].values()
    root: Value = engine.dot(dense(w, b, x, "y"), upstream)
    return root


def gate_layers(example: dict[str, Any]) -> Value:
    """As above, of relu."""
    x, upstream = example["inputs"].values()
    gates = [leaf.relu() for leaf in labelled({f"x{i}": x for i, x in enumerate(x)}).values()]
    root: Value = engine.dot(gates, upstream)
    return root


def dense(w: list[list[float]], b: list[float], x: list[float], name: str) -> list[Value]:
    inputs = list(labelled({f"x{j}": number for j, number in enumerate(x)}).values())
    outputs = []
    for i, (numbers, bias) in enumerate(zip(w, b, strict=True)):
        *row, offset = labelled({f"w{i}{j}": w for j, w in enumerate(numbers)} | {f"b{i}": bias}).values()
        outputs.append(engine.dot(row, inputs) + offset)
        outputs[-1].label = f"{name}{i}"
    return outputs


def labelled(numbers: dict[str, float]) -> dict[str, Value]:
    return {name: Value(number, name) for name, number in numbers.items()}


# As the titles have it: the names of the lectures stand on the nodes.
LECTURE = {
    "square-of-sum": "g = x + y; f = g**2",
    "add-then-multiply": "q = x + y; f = q * z",
    "total-derivative": "x = cos(t); y = t**2; f = y + exp(x*y)",
    "logistic-least-squares": "z = w*x + b; y = sigmoid(z); L = (y - t)**2 / 2",
    "l2-regularised": "z = w*x + b; y = sigmoid(z); L = (y - t)**2 / 2; R = w**2 / 2; L_reg = L + lam*R",
}
BY_HAND: dict[str, Callable[[dict[str, Any]], Value]] = {
    "softmax-regression": softmax_regression,
    "dense-module": dense_module,
    "gate-layers": gate_layers,
}


# The sheet


def rows(figures: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    """The figures in their order, in rows that are not too full."""
    found: list[tuple[str, str]] = []
    for figure in figures:
        if found and sum(width(svg) for _, svg in [*found, figure]) > FULL:
            yield found
            found = []
        found.append(figure)
    yield found


def row(figures: list[tuple[str, str]]) -> str:
    scale = min(LARGEST, ROOM / sum(width(svg) for _, svg in figures))
    return f'<div class="row">\n{"".join(figure(*f, scale) for f in figures)}</div>'


def figure(title: str, svg: str, scale: float) -> str:
    wide = width(svg) * scale
    small = re.sub(r'width="[\d.]+" height="[\d.]+"', f'width="{wide:.1f}"', svg, count=1)
    return f'<figure style="width:{wide:.1f}px"><figcaption>{escape(title)}</figcaption>\n{small}</figure>\n'


def width(svg: str) -> float:
    return float(svg.partition('width="')[2].partition('"')[0])


def photograph(browser: str) -> None:
    """The page from top to bottom: a window that is tall enough, without what is blank below."""
    SHEET.parent.mkdir(exist_ok=True)
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--window-size={WIDTH},{TALL}", f"--screenshot={SHEET}", PAGE.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with Image.open(SHEET) as opened:
        image = opened.convert("RGB")
    *_, bottom = ImageChops.invert(image).getbbox() or image.size
    image.crop((0, 0, WIDTH, bottom + 12)).quantize(255).save(SHEET, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
