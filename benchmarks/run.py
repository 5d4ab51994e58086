"""The eager engine against its peers: W1, W3, W4, W5 and the time of an import, in one run, in turn.

    python benchmarks/run.py            # writes results-compiled.md (or -interpreted) and the plot
    python benchmarks/run.py --quick    # a smoke test: fewer rounds, smaller graphs, writes nothing

Times are medians of CPU time; only the ratios within one run mean anything. Peers that are not
installed are left out, and named.
"""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gpt
import works
from growth import LIMIT, Points, bytes_a_node, collected, growth, longest, plot, recursing
from growth import table as growth_table
from peers import Micrograd, Slotted
from timing import Step, in_turn, repeated

import engine
from engine import Value

BUILD = "compiled" if engine.compiled else "interpreted"
OURS = f"engine, {BUILD}"
PAUSE = ", collector paused"
PAUSED = OURS + PAUSE
DOTS = f"{OURS}, nn.MLP"
HERE = Path(__file__).parent
LARGE = 1_000_000  # nodes: the chain that W5 is judged by
PEERS = {"micrograd": Micrograd, "slotted": Slotted}
# What performance.md asks for: work, engine, peer, how many times faster.
TARGETS = {
    "compiled": [
        ("W1", OURS, "slotted", 6.5),
        ("W1", OURS, "micrograd", 60.0),
        ("W1", PAUSED, f"slotted{PAUSE}", 4.0),
        ("W1", PAUSED, f"micrograd{PAUSE}", 10.0),
        ("W1", DOTS, "micrograd", 80.0),
        ("W4", OURS, "slotted", 6.0),
    ],
    "interpreted": [("W1", OURS, "slotted", 1.3), ("W1", OURS, "micrograd", 4.0)],
}

Results = dict[str, dict[str, float]]


def training() -> dict[str, Step]:
    """W1: loss and gradient of a 2-16-16-1 network on 100 samples, on scalars."""
    contestants = {name: works.training(kind) for name, kind in PEERS.items()}
    return in_both_states(contestants | {OURS: works.training(Value), DOTS: works.network()})


def in_both_states(contestants: dict[str, Step]) -> dict[str, Step]:
    """Each with Python's collector running, then each with it paused: only like is compared with like."""
    return contestants | {name + PAUSE: step for name, step in contestants.items()}


def expression() -> dict[str, Step]:
    """W3: micrograd's README, 100 times: the value and both gradients."""
    contestants = {name: works.expression(kind) for name, kind in PEERS.items()}
    contestants[OURS] = works.expression(Value)
    for name, (module, contestant) in works.ARRAYS.items():
        if find_spec(module):
            contestants[name] = contestant(importlib.import_module(module))
    return {name: repeated(step, 100) for name, step in contestants.items()}


def language() -> dict[str, Step]:
    """W4: a step of training of a GPT with 4,192 parameters on a word of six letters."""

    def contestant(kind: Callable[[float], Any]) -> Step:
        w = gpt.weights(kind)
        adam = gpt.Adam(w)
        return lambda: gpt.step(w, adam, "string")

    return in_both_states({name: contestant(kind) for name, kind in [*PEERS.items(), (OURS, Value)]})


def chains(largest: int) -> dict[str, Points]:
    """W5: seconds for chains of additions; the peers recurse, with all the room that they ask for."""
    points = {
        name: recursing(lambda kind=kind: growth(kind, largest), 2 * largest) for name, kind in PEERS.items()
    }
    return points | {OURS: growth(Value, largest), PAUSED: growth(Value, largest, paused=True)}


def import_time(rounds: int) -> float:
    """Milliseconds of CPU time that `import engine` takes above a bare interpreter."""
    environment = {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONDONTWRITEBYTECODE": ""}

    def run(statement: str) -> float:
        before = os.times()
        subprocess.run([sys.executable, "-c", statement], check=True, env=environment)
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])  # of children: user and system

    pairs = [(run("import engine"), run("pass")) for _ in range(rounds)]
    return 1e3 * (min(pair[0] for pair in pairs) - min(pair[1] for pair in pairs))


def machine() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    model = names[0] if names else platform.processor()
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def table(title: str, times: dict[str, float], scale: float, unit: str) -> list[str]:
    lines = ["", f"## {title}", "", f"| engine | {unit} | to the slotted one |", "|---|---:|---:|"]
    for name, spent in times.items():
        slotted = times["slotted" + (PAUSE if name.endswith(PAUSE) else "")]
        lines.append(f"| {name} | {spent * scale:.2f} | {slotted / spent:.2f}x |")
    return lines


def expressions(times: dict[str, float]) -> list[str]:
    lines = table("W3: the expression of micrograd's README, value and gradients", times, 1e4, "us")
    missing = [name for name in works.ARRAYS if name not in times]
    return [*lines, "", f"Not installed, left out: {', '.join(missing)}."] if missing else lines


def chain_lines(points: dict[str, Points], n: int) -> list[str]:
    ends = [f"{name} at {recursing(lambda kind=kind: longest(kind), LIMIT)}" for name, kind in PEERS.items()]
    return [
        "",
        "## W5: a chain of additions: build, backward, free; us a node",
        "",
        *growth_table(points),
        "",
        f"The peers recurse; here their limit is raised. With Python's own, {LIMIT:,}, they end in a "
        f"RecursionError: {', '.join(ends)} additions.",
        "",
        f"At {n:,} nodes {collected(n):.2f} us a node go to Python's cyclic collector, which walks along all "
        f"nodes again and again while the graph is built, and finds no cycles.",
    ]


def verdicts(results: Results, points: dict[str, Points], n: int, import_ms: float) -> list[str]:
    lines = [
        "",
        "## Targets",
        "",
        "| work | engine | measure | target | reached |",
        "|---|---|---|---:|---:|",
    ]
    for work, ours, peer, target in TARGETS[BUILD]:
        ratio = results[work][peer] / results[work][ours]
        lines.append(f"| {work} | {ours} | to {peer} | >= {target:g}x | {ratio:.1f}x |")
    if engine.compiled:
        for name in (OURS, PAUSED):
            lines.append(f"| W5 | {name} | us a node, n = {n:,} | <= 0.5 | {points[name][n] / n * 1e6:.2f} |")
        lines.append(f"| W5 | {OURS} | bytes a node | <= 120 | {bytes_a_node():.0f} |")
    lines.append(f"| import engine | {OURS} | ms above bare Python | <= 40 | {import_ms:.0f} |")
    return lines


def main() -> None:
    quick = "--quick" in sys.argv
    rounds, largest = (3, 10_000) if quick else (25, 10_000_000 if engine.compiled else LARGE)
    judged = min(largest, LARGE)
    results = {
        "W1": recursing(lambda: in_turn(training(), rounds), 20_000),
        "W4": recursing(lambda: in_turn(language(), max(3, rounds // 2)), 100_000),
    }
    points = chains(largest)
    results["W3"] = in_turn(expression(), rounds)  # last: its peers fill the heap that the collector walks
    lines = [
        f"# Eager, {BUILD} build",
        "",
        f"{machine()}. Medians of CPU time; engines in turn.",
        *table("W1: one step of training, MLP 2-16-16-1, 100 samples", results["W1"], 1e3, "ms"),
        *expressions(results["W3"]),
        *table("W4: one step of training of a GPT on scalars, 4,192 parameters", results["W4"], 1e3, "ms"),
        *chain_lines(points, judged),
        *verdicts(results, points, judged, import_time(3 if quick else 15)),
    ]
    print("\n".join(lines))
    if not quick:
        (HERE / f"results-{BUILD}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        plot(points, HERE / f"growth-{BUILD}.png")


if __name__ == "__main__":
    main()
