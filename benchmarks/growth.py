"""W5: chains of 10 to 10,000,000 additions, built, differentiated and freed; and where engines end."""

from __future__ import annotations

import sys
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from timing import Step, collector_time, repeated, seconds

from engine import Value

Kind = Callable[[float], Any]
Points = dict[int, float]  # seconds, by the length of the chain

PATIENCE = 30.0  # seconds: a chain that would take longer is not tried
LIMIT = 1_000  # Python's own limit of recursion
COLOURS = ("#d55e00", "#e69f00", "#0072b2", "#56b4e9")


def chain(kind: Kind, n: int) -> Step:
    """n additions, the gradient, and all of it freed."""

    def step() -> None:
        y = x = kind(1.0)
        for _ in range(n):
            y = y + x
        y.backward()

    return step


def growth(kind: Kind, largest: int, paused: bool = False) -> Points:
    """The time of chains of 10, 100, ... up to the largest, or as far as patience reaches."""
    points: Points = {}
    n = 10
    while n <= largest and 10 * points.get(n // 10, 0.0) < PATIENCE:
        many = max(1, 10_000 // n)
        step = repeated(chain(kind, n), many)
        points[n] = min(seconds(step, paused) for _ in range(3)) / many
        n *= 10
    return points


def recursing(work: Callable[[], Any], limit: int) -> Any:
    """The result of work that recurses up to a limit, one level for each node: it needs a large stack."""
    size, depth = threading.stack_size(512 * 2**20), sys.getrecursionlimit()
    sys.setrecursionlimit(limit)
    try:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(work).result()
    finally:
        sys.setrecursionlimit(depth)
        threading.stack_size(size)


def longest(kind: Kind) -> int:
    """The longest chain that Python's own limit of recursion allows."""
    good, bad = 1, LIMIT
    while bad - good > 1:
        n = (good + bad) // 2
        try:
            chain(kind, n)()
            good = n
        except RecursionError:
            bad = n
    return good


def table(points: dict[str, Points]) -> list[str]:
    """Microseconds a node, a line for each length and a column for each engine."""
    lines = [f"| n | {' | '.join(points)} |", "|---:|" + "---:|" * len(points)]
    for n in max(points.values(), key=len):
        cells = [
            f"{each[n] / n * 1e6:.3f}" if n in each else f"over {PATIENCE:.0f} s" for each in points.values()
        ]
        lines.append(f"| {n:,} | {' | '.join(cells)} |")
    return lines


def plot(points: dict[str, Points], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot(
        title="Time grows as the graph does: a chain of additions",
        xlabel="additions in the chain",
        ylabel="build, backward and free, seconds",
        xscale="log",
        yscale="log",
    )
    for (name, line), colour in zip(points.items(), COLOURS, strict=True):
        axes.plot(list(line), list(line.values()), "o-", color=colour, label=name, markersize=4)
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def collected(n: int) -> float:
    """The part of the time of a chain that Python's cyclic collector takes, in microseconds a node."""
    return collector_time(chain(Value, n)) / n * 1e6


def bytes_a_node(n: int = 100_000) -> float:
    tracemalloc.start()
    y = x = Value(1.0)
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(n):
        y = y + x
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / n
