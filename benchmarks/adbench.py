"""Two objectives of ADBench, ours against PyTorch, JAX and CasADi, over problem sizes.

    python benchmarks/adbench.py            # writes results-adbench.md and adbench.png
    python benchmarks/adbench.py --quick    # a smoke test: small sizes, few rounds, writes nothing

One run, one core, the tools in turn; CPU time, the least of all rounds. All of them agree to 1e-9, which is
checked. What is not installed is left out, with a line that says so.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import adbench_objectives as ad
import numpy as np
from adbench_tools import TOOLS, Step, installed

HERE = Path(__file__).parent
EXAMPLES = 1000
MIXTURES = [(2, 5), (2, 25), (2, 200), (10, 5), (10, 25), (10, 100), (32, 5), (64, 5)]  # d, K
SCENES = [(5, 40, 200), (21, 400, 2_000), (49, 7_776, 31_843), (100, 20_000, 100_000)]
MIXTURE = f"Gaussian mixture, {EXAMPLES:,} examples: gradient"
SCENE = "Bundle adjustment: Jacobian, 2 x 15 an observation"
COLOURS = {"chainrule": "#0072b2", "PyTorch": "#d55e00", "JAX": "#e69f00", "CasADi": "#009e73"}
SLOWER = (
    "Where ours is slower: it multiplies number by number, in straight code for one example on 8 lanes, with "
    "64 bytes a parameter for the sums; the larger the example, the less of both stays in the cache. The "
    "others multiply whole matrices, in blocks that do. At d = 64, K = 5 it is a draw: 0.9 to 1.2 "
    "times, from run to run."
)
SPENT = 0.002  # seconds of a measurement, at least


class Row(NamedTuple):
    """One problem: what it is, its size on the axis, seconds of a step and of the first one for each tool."""

    problem: str
    size: int
    steps: dict[str, float]
    firsts: dict[str, float]

    @property
    def mark(self) -> str:
        """d, K beside the points of a mixture."""
        return self.problem.replace("d = ", "").replace("K = ", "") if self.problem.startswith("d") else ""


def cpu_time(step: Step) -> float:
    """Seconds of CPU time for one step."""
    count, spent = 0, 0.0
    start = time.process_time()
    while spent < SPENT:
        step()
        count, spent = count + 1, time.process_time() - start
    return spent / count


def measured(
    problem: str, size: int, make: Callable[[Any], Step], flat: Callable[..., Any], rounds: int
) -> Row:
    """Every tool made, checked against the first, and timed in turn."""
    steps, firsts, expected = {}, {}, None
    for tool in filter(installed, TOOLS):
        start = time.process_time()
        steps[tool.name] = make(tool)
        results = flat(*steps[tool.name]())
        firsts[tool.name] = time.process_time() - start
        expected = results if expected is None else expected
        np.testing.assert_allclose(results, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())
    times = dict.fromkeys(steps, float("inf"))
    for _ in range(rounds):
        for name, step in steps.items():
            times[name] = min(times[name], cpu_time(step))
    print(problem, *(f"{name} {1e3 * spent:.3f} ms" for name, spent in times.items()), sep=", ", flush=True)
    return Row(problem, size, times, firsts)


def array(x: Any) -> Any:
    return x.full() if hasattr(x, "full") else np.asarray(x)  # CasADi's DM, or anything else


def mixture(d: int, k: int, rounds: int) -> Row:
    theta, x = ad.mixture(d, k, EXAMPLES)

    def flat(value: Any, gradient: Any) -> Any:
        return np.concatenate([array(part).ravel() for part in (value, *gradient)])

    size = sum(part.size for part in theta)
    return measured(f"d = {d}, K = {k}", size, lambda tool: tool.mixture(theta, x), flat, rounds)


def scene(cameras: int, points: int, observations: int, rounds: int) -> Row:
    data = ad.scene(cameras, points, observations)

    def flat(errors: Any, blocks: Any) -> Any:
        errors, blocks = array(errors), array(blocks)
        if errors.shape[0] == 2:  # CasADi has examples in columns
            errors, blocks = errors.T, blocks.reshape(2, -1, ad.COLUMNS).transpose(1, 0, 2)
        values, _, starts = ad.jacobian_of(data, np.ascontiguousarray(blocks))
        assert len(values) == starts[-1]
        return np.concatenate([errors.ravel(), values])

    title = f"{cameras} cameras, {points:,} points"
    return measured(title, observations, lambda tool: tool.scene(data), flat, rounds)


def machine() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "")
    return f"{model or platform.processor()}, {platform.system()}, Python {platform.python_version()}"


def table(title: str, size: str, rows: list[Row]) -> list[str]:
    """Milliseconds for each tool, and how many times ours."""
    names = list(rows[0].steps)
    head = [f"| problem | {size} | {' | '.join(f'{name} ms' for name in names)} | first calls, s |"]
    lines = ["", f"## {title}", "", *head, f"|---|{'---:|' * (len(names) + 2)}"]
    for row in rows:
        ours = row.steps[names[0]]
        cells = [f"{1e3 * spent:.3f} ({spent / ours:.1f}x)" for spent in row.steps.values()]
        cells[0] = f"{1e3 * ours:.3f}"
        firsts = ", ".join(f"{spent:.1f}" for spent in row.firsts.values())
        lines.append(f"| {row.problem} | {row.size:,} | {' | '.join(cells)} | {firsts} |")
    return lines


def plot(problems: dict[str, tuple[str, list[Row]]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.6), dpi=100, layout="constrained")
    for axes, (title, (size, rows)) in zip(figure.subplots(1, len(problems)), problems.items(), strict=True):
        rows = sorted(rows, key=lambda row: row.size)
        for name in rows[0].steps:
            times = [1e3 * row.steps[name] for row in rows]
            axes.loglog([row.size for row in rows], times, marker="o", color=COLOURS[name], label=name)
        for row in rows:
            below = (row.size, 1e3 * min(row.steps.values()))
            paper = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            axes.annotate(
                row.mark, below, (0, -15), textcoords="offset points", ha="center", fontsize=8, bbox=paper
            )
        axes.set(title=title, xlabel=size, ylabel="CPU time of a step, ms")
        axes.grid(alpha=0.3)
        axes.margins(0.08)
        axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path)


def main() -> None:
    quick = "--quick" in sys.argv
    if hasattr(os, "sched_setaffinity"):  # one core for everybody
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    rounds, mixtures, scenes = (2, MIXTURES[:1], SCENES[:1]) if quick else (15, MIXTURES, SCENES)
    problems = {
        MIXTURE: ("parameters (at the points: d, K)", [mixture(*sizes, rounds) for sizes in mixtures]),
        SCENE: ("observations", [scene(*sizes, rounds) for sizes in scenes]),
    }
    missing = [tool.name for tool in TOOLS if not installed(tool)]
    note = f" Not installed, left out: {', '.join(missing)}." if missing else ""
    lines = [
        "# ADBench: two objectives and their derivatives",
        "",
        f"{machine()}, one core. CPU time, the least of {rounds} rounds, the tools in turn; in brackets, how "
        f"many times ours. All results agree to 1e-9; first calls, which compile, stand in the order of the "
        f"tools. Ours is from and to NumPy arrays, the others (PyTorch eager, JAX jit, CasADi SX map) have "
        f"arrays of their own.{note}",
    ]
    for title, (size, rows) in problems.items():
        lines += table(title, size.partition(" ")[0], rows)
    if any(min(row.steps.values()) < row.steps[TOOLS[0].name] for row in problems[MIXTURE][1]):
        lines += ["", SLOWER]
    print("\n".join(lines))
    if not quick:
        (HERE / "results-adbench.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        plot(problems, HERE / "adbench.png")


if __name__ == "__main__":
    main()
