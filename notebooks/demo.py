"""What `make demo` shows: gradients checked, graphs drawn, two networks trained on real data.

Every picture goes to the folder demo-output/; the last lines name all of them.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from sklearn.datasets import load_digits, make_moons
from tqdm import tqdm

import engine
import nn
from engine import Value
from engine.testing import gradcheck

OUTPUT = Path(__file__).resolve().parents[1] / "demo-output"
BLUE, ORANGE = "#0072b2", "#d55e00"
FADED = ListedColormap(["#cce3f0", "#f7dfcc"])


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    start = perf_counter()
    written = [shopping(), neuron(), *moons(), *digits()]
    print(f"\nAll of it took {perf_counter() - start:.0f} s and wrote:")
    for path in written:
        print(f"  {path.relative_to(OUTPUT.parent)}")


def heading(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


# (a) Expressions, their gradients and their graphs


def price(apple: Any, apples: Any, orange: Any, oranges: Any, tax: Any) -> Any:
    return (apple * apples + orange * oranges) * tax


def sigmoid_neuron(w0: Any, x0: Any, w1: Any, x1: Any, w2: Any) -> Any:
    return 1 / (1 + engine.exp(-(w0 * x0 + w1 * x1 + w2)))


def shopping() -> Path:
    heading("Two apples at 100, three oranges at 150, 10 % tax")
    return shown(price, apple=100, apples=2, orange=150, oranges=3, tax=1.1)


def neuron() -> Path:
    heading("A neuron with two inputs and a sigmoid")
    return shown(sigmoid_neuron, w0=2, x0=-1, w1=-3, x1=-2, w2=-3)


def shown(f: Any, **numbers: float) -> Path:
    """Prints value and gradients of f, checks them, draws the graph."""
    inputs = {name: Value(number, label=name) for name, number in numbers.items()}
    result = f(*inputs.values())
    result.label = f.__name__.replace("_", " ")
    result.backward()
    print(f"{result.label} = {result.data:.10g}, its derivative with respect to")
    for name, x in inputs.items():
        print(f"  {name:8} = {x.data:<6g} is {x.grad:.10g}")
    assert gradcheck(f, list(numbers.values()))
    print("  checked: reverse and forward mode agree with finite differences")
    path = OUTPUT / f"{f.__name__}.svg"
    engine.draw(result).save(path)
    return path


# (b) Two moons, as in micrograd's demo


def moons() -> list[Path]:
    heading("Two moons: 100 points, an MLP 2-16-16-1, hinge loss + L2")
    X, y = make_moons(n_samples=100, noise=0.1, random_state=1337)
    signs = 2 * y - 1
    model = nn.MLP(2, [16, 16, 1], rng=1337)
    print(model)
    losses = [training_step(model, X, signs, 1.0 - 0.9 * k / 100) for k in tqdm(range(100), unit="step")]
    accuracy = nn.accuracy(model, X, signs)
    print(f"loss {losses[0]:.3f} -> {losses[-1]:.4f}, accuracy {accuracy:.0%}")
    return [loss_curve(losses), boundary(model, X, y)]


def training_step(model: nn.MLP, X: Any, signs: Any, rate: float) -> float:
    """Forward, backward, update: all there is to training."""
    losses = [nn.losses.hinge(model(x), sign) for x, sign in zip(X, signs, strict=True)]
    loss = engine.mean(losses) + nn.losses.l2(model, 1e-4)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= rate * p.grad
    return float(loss.data)


def loss_curve(losses: list[float]) -> Path:
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot(title="Two moons", xlabel="step", ylabel="hinge loss + L2", yscale="log")
    axes.plot(losses, color=BLUE)
    axes.spines[["top", "right"]].set_visible(False)
    return saved(figure, "moons-loss.png")


def boundary(model: nn.MLP, X: Any, y: Any) -> Path:
    """The regions that the model tells apart, with the points it was trained on."""
    (left, low), (right, high) = X.min(axis=0) - 0.4, X.max(axis=0) + 0.4
    xs, ys = np.linspace(left, right, 60), np.linspace(low, high, 50)
    with engine.no_grad():
        scores = np.array([[model([x, y]).data for x in xs] for y in ys])
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.add_subplot(title="What the network learned", aspect="equal")
    axes.contourf(xs, ys, scores > 0, levels=1, cmap=FADED)
    axes.contour(xs, ys, scores, levels=[0.0], colors="#444444", linewidths=1)
    axes.scatter(*X.T, c=np.where(y == 1, ORANGE, BLUE), s=28, edgecolors="white", linewidths=0.8)
    return saved(figure, "moons-boundary.png")


# (c) Handwritten digits


def digits() -> list[Path]:
    heading("Handwritten digits: 500 images of 8 x 8 pixels, an MLP 64-16-10, cross-entropy")
    images, labels = load_digits(return_X_y=True)
    images = images / 16
    model = nn.MLP(64, [16, 10], rng=0)
    optimizer = nn.optim.Adam(model.parameters(), lr=0.01)
    history = nn.fit(
        model,
        images[:500],
        labels[:500],
        loss=nn.losses.cross_entropy,
        optimizer=optimizer,
        epochs=15,
        batch_size=20,
    )
    print(f"{history}\naccuracy on 500 other images: {nn.accuracy(model, images[-500:], labels[-500:]):.1%}")
    history.plot(OUTPUT / "digits-loss.png")
    return [OUTPUT / "digits-loss.png", guesses(model, images[-500:], labels[-500:])]


def guesses(model: nn.MLP, images: Any, labels: Any) -> Path:
    """The first test images with what the network takes them for; mistakes are orange."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    for image, label, axes in zip(images, labels, figure.subplots(3, 8).flat, strict=False):
        with engine.no_grad():
            guess = int(np.argmax([score.data for score in model(image)]))
        axes.imshow(image.reshape(8, 8), cmap="gray_r")
        axes.set_title(guess, color=BLUE if guess == label else ORANGE, fontsize=11)
        axes.set_axis_off()
    return saved(figure, "digits-guesses.png")


def saved(figure: Figure, name: str) -> Path:
    figure.savefig(OUTPUT / name, dpi=150)
    return OUTPUT / name


if __name__ == "__main__":
    main()
