"""Photographs of the interactive pages, for README.md: a step of backpropagation, a network in training.

python notebooks/photographs.py        writes notebooks/pictures/explore.png and network.png
"""

from __future__ import annotations

import io
import shutil
from math import cos, pi, sin
from pathlib import Path
from random import Random

from PIL import Image
from playwright.sync_api import Page, sync_playwright

import engine
import nn
from engine import Value
from engine.exploring import Exploration

PICTURES = Path(__file__).resolve().parent / "pictures"
SIZE = {"width": 1280, "height": 800}


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, page, scheme in (("explore", expression(), "light"), ("network", moons(), "dark")):
            context = browser.new_context(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
            photograph(context.new_page(), page, name)
        browser.close()


def photograph(page: Page, subject: Exploration, name: str) -> None:
    page.set_content(subject.to_html())
    keys = ["End", "ArrowLeft", "ArrowLeft"] if name == "explore" else ["s"] * 100 + ["n", "n"]
    for key in keys:
        page.keyboard.press(key)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("P", palette=Image.Palette.ADAPTIVE)
    picture.save(PICTURES / f"{name}.png", optimize=True)


def expression() -> Exploration:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    return engine.explore(x**2 + engine.sin(x * y))


def moons() -> Exploration:
    rng = Random(1)
    X, y = [], []
    for k in range(120):
        t, side = rng.uniform(0, pi), k % 2
        place = (1 - cos(t), 0.5 - sin(t)) if side else (cos(t), sin(t))
        X.append([1.3 * (place[0] - 0.5) + rng.gauss(0, 0.1), 1.6 * (place[1] - 0.25) + rng.gauss(0, 0.1)])
        y.append(side)
    model = nn.MLP(2, [6, 4, 1], "tanh", rng=1)
    return nn.explore(model, X, y, loss=nn.losses.binary_cross_entropy_with_logits, title="Two moons")


if __name__ == "__main__":
    main()
