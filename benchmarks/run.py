"""The eager engine against its peers: W1, W3, W4, W5 and the time of an import, in one run, in turn.

    python benchmarks/run.py            # writes results-compiled.md (or -interpreted) and the plot
    python benchmarks/run.py --quick    # a smoke test: fewer rounds, smaller graphs, writes nothing

Times are medians of CPU time, so that other programs on the machine count little; only the ratios
within one run mean anything. Peers that are not installed are left out.
"""

from __future__ import annotations

import gc
import importlib
import os
import platform
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gpt
import works
from peers import Micrograd, Slotted

import engine
from engine import Value

Step = Callable[[], Any]
BUILD = "compiled" if engine.compiled else "interpreted"
OURS = f"engine, {BUILD}"
PAUSED = f"{OURS}, collector paused"
DOTS = f"engine, {BUILD}, nn.MLP"
HERE = Path(__file__).parent
# What performance.md asks for: work, engine, peer, how many times faster.
TARGETS = {
    "compiled": [
        ("W1", OURS, "slotted", 6.5),
        ("W1", OURS, "micrograd", 25.0),
        ("W1", PAUSED, "slotted", 9.0),
        ("W1", PAUSED, "micrograd", 35.0),
        ("W1", DOTS, "micrograd", 80.0),
        ("W1", f"{DOTS}, collector paused", "micrograd", 120.0),
        ("W4", OURS, "slotted", 6.0),
    ],
    "interpreted": [("W1", OURS, "slotted", 1.3), ("W1", OURS, "micrograd", 4.0)],
}


def seconds(step: Step, paused: bool) -> float:
    """CPU time of a step, and of freeing what it made."""
    gc.collect()  # the rubbish of whoever came before is not this one's to clear
    if paused:
        gc.disable()
    start = time.process_time()
    made = step()
    del made
    spent = time.process_time() - start
    gc.enable()
    return spent


def in_turn(contestants: dict[str, Step], rounds: int) -> dict[str, float]:
    """The median time of each; every round has each of them once, so that a busy moment hits all."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(rounds + 1):
        for name, step in contestants.items():
            spent = seconds(step, "paused" in name)
            if turn:  # the first is for warming up
                times[name].append(spent)
    return {name: statistics.median(each) for name, each in times.items()}


def repeated(step: Step, times: int) -> Step:
    def many() -> None:
        for _ in range(times):
            step()

    return many


def training() -> dict[str, Step]:
    """W1: loss and gradient of a 2-16-16-1 network on 100 samples, on scalars."""
    ours, dots = works.training(Value), works.network()
    return {
        "micrograd": works.training(Micrograd),
        "slotted": works.training(Slotted),
        OURS: ours,
        PAUSED: ours,
        DOTS: dots,
        f"{DOTS}, collector paused": dots,
    }


def expression() -> dict[str, Step]:
    """W3: micrograd's README, 100 times: the value and both gradients."""
    contestants = {
        "micrograd": works.expression(Micrograd),
        "slotted": works.expression(Slotted),
        OURS: works.expression(Value),
    }
    for name, contestant in (("autograd", works.expression_autograd), ("PyTorch", works.expression_torch)):
        try:
            contestants[name] = contestant(importlib.import_module(works.MODULES[name]))
        except ModuleNotFoundError:
            print(f"{name} is not installed: left out")
    return {name: repeated(step, 100) for name, step in contestants.items()}


def language() -> dict[str, Step]:
    """W4: a step of training of a GPT with 4,192 parameters on a word of six letters."""

    def contestant(kind: Callable[[float], Any]) -> Step:
        w = gpt.weights(kind)
        adam = gpt.Adam(w)
        return lambda: gpt.step(w, adam, "string")

    return {
        "micrograd": contestant(Micrograd),
        "slotted": contestant(Slotted),
        OURS: contestant(Value),
        PAUSED: contestant(Value),
    }


def chain(kind: Callable[[float], Any], n: int) -> Step:
    """W5: n additions, the gradient, and all of it freed."""

    def step() -> None:
        y = x = kind(1.0)
        for _ in range(n):
            y = y + x
        y.backward()

    return step


def growth(largest: int) -> dict[str, dict[int, float]]:
    """Seconds for chains of 10, 100, ... additions; an engine that cannot goes no further."""
    points: dict[str, dict[int, float]] = {}
    for name, kind in (("micrograd", Micrograd), ("slotted", Slotted), (OURS, Value)):
        n, points[name] = 10, {}
        while n <= largest:
            try:
                many = max(1, 10_000 // n)
                points[name][n] = min(seconds(repeated(chain(kind, n), many), False) for _ in range(3)) / many
            except RecursionError:
                break
            n *= 10
    return points


def bytes_a_node(n: int = 100_000) -> float:
    tracemalloc.start()
    y = x = Value(1.0)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(n):
        y = y + x
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / n


def import_time(rounds: int) -> float:
    """Milliseconds that `import engine` takes above a bare interpreter."""

    def run(statement: str) -> float:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", statement], check=True, env={**os.environ, "PYTHONSAFEPATH": "1"}
        )
        return time.perf_counter() - start

    pairs = [(run("import engine"), run("pass")) for _ in range(rounds)]
    return 1e3 * (min(pair[0] for pair in pairs) - min(pair[1] for pair in pairs))


def machine() -> str:
    names = [line for line in cpuinfo().splitlines() if line.startswith("model name")]
    model = names[0].split(":")[1].strip() if names else platform.processor()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def cpuinfo() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text() if path.exists() else ""


def table(title: str, times: dict[str, float], scale: float, unit: str) -> list[str]:
    lines = ["", f"## {title}", "", f"| engine | {unit} | to the slotted one |", "|---|---:|---:|"]
    for name, spent in times.items():
        lines.append(f"| {name} | {spent * scale:.3g} | {times['slotted'] / spent:.2f}x |")
    return lines


def verdicts(results: dict[str, dict[str, float]]) -> list[str]:
    lines = ["", "## Targets", "", "| work | engine | peer | target | reached |", "|---|---|---|---:|---:|"]
    for work, ours, peer, target in TARGETS[BUILD]:
        ratio = results[work][peer] / results[work][ours]
        lines.append(f"| {work} | {ours} | {peer} | {target:g}x | {ratio:.1f}x |")
    return lines


def plot(points: dict[str, dict[int, float]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot(
        xlabel="additions in the chain",
        ylabel="build, backward and free, seconds",
        xscale="log",
        yscale="log",
    )
    for (name, line), colour in zip(points.items(), ("#d55e00", "#e69f00", "#0072b2"), strict=True):
        axes.plot(list(line), list(line.values()), "o-", color=colour, label=name, markersize=4)
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    quick = "--quick" in sys.argv
    sys.setrecursionlimit(20_000)  # the peers recurse
    rounds = 3 if quick else 25
    results = {"W1": in_turn(training(), rounds)}
    results["W3"] = in_turn(expression(), rounds)
    results["W4"] = in_turn(language(), max(3, rounds // 2))
    sys.setrecursionlimit(1_000)
    points = growth(10_000 if quick else 10_000_000 if engine.compiled else 1_000_000)
    lines = [f"# Eager, {BUILD} build", "", f"{machine()}. Medians of CPU time; engines in turn."]
    lines += table("W1: one step of training, MLP 2-16-16-1, 100 samples", results["W1"], 1e3, "ms")
    lines += table("W3: the expression of micrograd's README, value and gradients", results["W3"], 1e4, "us")
    lines += table("W4: one step of training of a GPT on scalars, 4,192 parameters", results["W4"], 1e3, "ms")
    lines += [
        "",
        "## W5: a chain of additions: build, backward, free; us a node",
        "",
        "| n | " + " | ".join(points),
    ]
    lines[-1] += " |"
    lines.append("|---:|" + "---:|" * len(points))
    for n in points[OURS]:
        cells = [f"{each[n] / n * 1e6:.3f}" if n in each else "RecursionError" for each in points.values()]
        lines.append(f"| {n:,} | " + " | ".join(cells) + " |")
    lines += [
        "",
        f"{bytes_a_node():.0f} bytes a node. `import engine`: {import_time(3 if quick else 15):.0f} ms.",
    ]
    lines += verdicts(results)
    print("\n".join(lines))
    if not quick:
        (HERE / f"results-{BUILD}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        plot(points, HERE / f"growth-{BUILD}.png")


if __name__ == "__main__":
    main()
