"""`jit` against C by hand, PyTorch and JAX: W2 (relu and tanh), W3, ways to call it, and what grows with n.

    python benchmarks/compiled.py            # writes results-jit.md and growth-jit.png
    python benchmarks/compiled.py --quick    # a smoke test: fewer rounds, smaller graphs, writes nothing

Times are CPU time, on one core, all contestants in turn; only the ratios of one run mean anything. The least
of all rounds is taken: what comes on top is the rest of the machine. What is not installed is left out.
"""

from __future__ import annotations

import gc
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rivals import (
    RNG,
    Contestant,
    Work,
    c_by_hand,
    np,
    readme,
    w2_data,
    w2_jax,
    w2_numba,
    w2_torch,
    w3_jax,
    w3_torch,
)
from timing import mean_seconds

import engine
import nn
from engine import dot, sin, value_and_grad, vmap
from engine.compiler import jit
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.trace import trace

HERE = Path(__file__).parent
QUICK = "--quick" in sys.argv
ROUNDS = 20 if QUICK else 300
OURS, NUMBA = "chainrule jit", "numba by hand, like the plain C"
PLAIN, BEST = "C by hand, plain", "C by hand, samples on lanes, sums in registers"
TORCH, JAX, JAX_NUMPY = "PyTorch", "JAX jit, on its own arrays", "JAX jit, from and to NumPy arrays"
Times = dict[str, float]


def microseconds(contestants: dict[str, Contestant | None]) -> Times:
    """The least time of a call, all contestants measured in turn, so that noise meets them alike."""
    present = {name: call for name, call in contestants.items() if call is not None}
    best = dict.fromkeys(present, float("inf"))
    for _ in range(ROUNDS):
        for name, call in present.items():
            best[name] = min(best[name], 1e6 * mean_seconds(call))
    return best


def first(call: Contestant) -> float:
    """Seconds of a call that is made once."""
    start = time.process_time()
    call()
    return time.process_time() - start


# W2


def hinge(activation: Callable[[Any], Any]) -> Callable[..., Any]:
    """The loss of one example, on scalars."""

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h = [activation(dot(w, x) + b) for w, b in zip(w1, b1, strict=True)]
        h = [activation(dot(w, h) + b) for w, b in zip(w2, b2, strict=True)]
        return engine.relu(1.0 - y * (dot(w3, h) + b3[0]))

    return loss


def step_of(loss: Callable[..., Any], reduce: str | None = "mean", **options: Any) -> Any:
    return jit(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce=reduce), **options)


def w2(work: Work, activation: str) -> tuple[Times, float]:
    """The times, and the seconds of our first call."""
    step = step_of(hinge(getattr(engine, activation)))
    fast = step_of(hinge(getattr(engine, activation)), fast_math=True)
    spent = first(lambda: step(*work))
    contestants = {
        OURS: lambda: step(*work),
        "chainrule jit, fast_math": lambda: fast(*work),
        BEST: c_by_hand(work, activation, source="w2_lanes.c"),
        f"{BEST}, without FMA": c_by_hand(work, activation, "-ffp-contract=off", source="w2_lanes.c"),
        f"{BEST}, -ffast-math": c_by_hand(work, activation, "-ffast-math", source="w2_lanes.c"),
        PLAIN: c_by_hand(work, activation),
        f"{PLAIN}, -ffast-math": c_by_hand(work, activation, "-ffast-math"),
        NUMBA: w2_numba(work) if activation == "relu" else None,
        TORCH: w2_torch(work, activation),
        JAX: w2_jax(work, activation),
        JAX_NUMPY: w2_jax(work, activation, from_numpy=True),
    }
    agree(contestants)
    return microseconds(contestants), spent


def agree(contestants: dict[str, Contestant | None]) -> None:
    """All of them have to compute the same gradient."""
    flat = {name: flattened(call()[1]) for name, call in contestants.items() if call is not None}
    for gradient in flat.values():
        np.testing.assert_allclose(gradient, flat[OURS], rtol=1e-9, atol=1e-12)


def flattened(gradient: Any) -> Any:
    parts = gradient if isinstance(gradient, (list, tuple)) else [gradient]
    return np.concatenate([np.asarray(part, dtype=float).ravel() for part in parts])


# The same step, called in other ways


def ways(work: Work) -> Times:
    """Arguments of other kinds, results that go elsewhere."""
    loss, (parameters, x, y) = hinge(engine.relu), work
    step, each = step_of(loss), step_of(loss, reduce=None)
    named = dict(zip("abcdef", parameters, strict=True))
    of_dict = step_of(lambda p, x, y: loss([p[key] for key in "abcdef"], x, y))
    model = nn.MLP(2, [16, 16, 1], rng=0)
    weights, rebuild = model.tree_parts()
    flat = np.array([w.data for w in weights])
    of_model = step_of(lambda m, x, y: engine.relu(1.0 - y * m(x)))
    of_vector = step_of(lambda w, x, y: engine.relu(1.0 - y * rebuild(w)(x)))
    out = (np.empty(()), [np.empty(p.shape) for p in parameters])
    return microseconds(
        {
            "a list of arrays": lambda: step(parameters, x, y),
            "the same with out=": lambda: step(parameters, x, y, out=out),
            "a dict of arrays": lambda: of_dict(named, x, y),
            "a module's parameters as one vector": lambda: of_vector(flat, x, y),
            "a module: Values in, connected Values out": lambda: of_model(model, x, y),
            "not reduced: a gradient for each sample": lambda: each(parameters, x, y),
        }
    )


def w3() -> Times:
    compiled = jit(value_and_grad(readme, (0, 1)))
    assert compiled(-4.0, 2.0) == value_and_grad(readme, (0, 1))(-4.0, 2.0)
    return microseconds({OURS: lambda: compiled(-4.0, 2.0), "JAX jit": w3_jax(), TORCH: w3_torch()})


# Against n


def coupled(xs: Any) -> Any:
    """A sum over neighbours, of n numbers: six operations for each."""
    total = 0.0
    for a, b in zip(xs, [*xs[1:], xs[0]], strict=True):
        total = total + sin(a) * b + a * a
    return total


def growth() -> Iterator[dict[str, float]]:
    """Cost of a gradient to n numbers, and of compiling it."""
    for n in (100, 1_000) if QUICK else (10, 100, 1_000, 10_000):
        x = RNG.normal(size=n)
        f, both = jit(coupled), jit(value_and_grad(coupled))
        f(x)
        spent, entries = first(lambda both=both, x=x: both(x)), len(both.tape)  # type: ignore[misc]
        times = microseconds({"f": lambda f=f, x=x: f(x), "both": lambda g=both, x=x: g(x)})  # type: ignore[misc]
        yield {"n": n, **times, "ratio": times["both"] / times["f"], "entries": entries, "first": spent}


def tracing() -> Iterator[tuple[int, float, float]]:
    """Entries of the final tape, microseconds an entry of tracing and of the passes."""

    def gradient(xs: list[Any]) -> list[Any]:
        value, slopes = value_and_grad(coupled)(xs)
        return [value, *slopes]

    for n in (90, 900) if QUICK else (90, 900, 9_000, 90_000):
        names = [f"x{i}" for i in range(n)]
        recorded = None
        gc.collect()  # the tapes of others are not this one's to clear away
        start = time.process_time()
        recorded = trace(gradient, names)
        traced = time.process_time()
        count = len(simplified(recorded))
        done = time.process_time()
        yield count, 1e6 * (traced - start) / count, 1e6 * (done - traced) / count


# What is written


def machine() -> str:
    info = Path("/proc/cpuinfo")
    names = [
        s for s in (info.read_text() if info.exists() else "").splitlines() if s.startswith("model name")
    ]
    model = names[0].partition(": ")[2] if names else platform.processor()
    return f"{model}, one core, {platform.system()}, Python {platform.python_version()}"


def table(title: str, times: Times) -> list[str]:
    mine = next(iter(times.values()))
    rows = [f"| {name} | {spent:.3g} | {spent / mine:.2f} |" for name, spent in times.items()]
    return ["", f"## {title}", "", "| | us | times ours |", "|---|---:|---:|", *rows]


def growth_tables(grown: list[dict[str, float]], traced: list[tuple[int, float, float]]) -> list[str]:
    lines = ["", "## A gradient against n: to run, and to compile", ""]
    lines += [
        "| n | function us | with gradient us | ratio | entries of the tape | first call s | us an entry |"
    ]
    lines += ["|---:|---:|---:|---:|---:|---:|---:|"]
    for row in grown:
        lines.append(
            f"| {row['n']:,} | {row['f']:.1f} | {row['both']:.1f} | {row['ratio']:.2f} | {row['entries']:,} "
            f"| {row['first']:.2f} | {1e6 * row['first'] / row['entries']:.1f} |"
        )
    lines += ["", "## Tracing and passes against n", ""]
    lines += [
        "| entries of the final tape | trace us an entry | passes us an entry | both |",
        "|---:|---:|---:|---:|",
    ]
    return lines + [f"| {n:,} | {a:.1f} | {b:.1f} | {a + b:.1f} |" for n, a, b in traced]


def verdicts(
    relu: Times, many: Times, tanh: Times, w3: Times, calls: tuple[float, float], growth: Any
) -> list[str]:
    grown, traced = growth
    rows = [
        ("W2 relu, to the best C", "<= 1.3x", relu[OURS] / relu.get(BEST, float("nan"))),
        ("the same, 1,000 samples", "<= 1.3x", many[OURS] / many.get(BEST, float("nan"))),
        ("W2 relu, PyTorch to it", ">= 10x", relu.get(TORCH, float("nan")) / relu[OURS]),
        ("W2 relu, JAX to it", ">= 10x", relu.get(JAX, float("nan")) / relu[OURS]),
        ("W2 relu, JAX from and to NumPy to it", ">= 10x", relu.get(JAX_NUMPY, float("nan")) / relu[OURS]),
        ("W2 tanh, PyTorch to it", ">= 5x", tanh.get(TORCH, float("nan")) / tanh[OURS]),
        ("W2 tanh, JAX to it", ">= 5x", tanh.get(JAX, float("nan")) / tanh[OURS]),
        ("W2, first call, s", "<= 0.5", max(calls)),
        ("W3, us", "<= 0.28", w3[OURS]),
        ("W3, JAX to it", ">= 10x", w3.get("JAX jit", float("nan")) / w3[OURS]),
        ("gradient to function, at most", "<= 4x", max(row["ratio"] for row in grown)),
        ("compile, us an entry at the largest", "<= 30", 1e6 * grown[-1]["first"] / grown[-1]["entries"]),
        ("trace and passes, us an entry at the largest", "<= 15", traced[-1][1] + traced[-1][2]),
    ]
    lines = ["", "## Targets", "", "| | target | reached |", "|---|---:|---:|"]
    measured = [row for row in rows if row[2] == row[2]]  # nan: the rival is not installed
    return lines + [f"| {what} | {target} | {reached:.2f} |" for what, target, reached in measured]


def plot(relu: Times, tanh: Times, grown: list[dict[str, float]], traced: Any, path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 3.6), layout="constrained")
    bars, cost, compiling = figure.subplots(1, 3, width_ratios=(1.3, 1, 1))
    names = [name for name in relu if name in tanh]
    for times, offset, colour, label in ((relu, 0.2, "#0072b2", "relu"), (tanh, -0.2, "#e69f00", "tanh")):
        places = [len(names) - i + offset for i in range(len(names))]
        bars.barh(places, [times[name] for name in names], 0.38, color=colour, label=label)
    bars.set(xscale="log", xlim=(1, None), xlabel="microseconds a step", yticks=range(len(names), 0, -1))
    bars.set_yticklabels([name.replace(", samples on lanes, sums in registers", ", best") for name in names])
    cost.plot([row["n"] for row in grown], [row["ratio"] for row in grown], "o-", color="#0072b2")
    cost.set(xscale="log", ylim=(0, 5), xlabel="n inputs", ylabel="cost(gradient) / cost(function)")
    compiling.plot(
        [n for n, _, _ in traced],
        [a + b for _, a, b in traced],
        "o-",
        color="#0072b2",
        label="tracing and simplifying",
    )
    first_calls = [(row["entries"], 1e6 * row["first"] / row["entries"]) for row in grown if row["n"] >= 100]
    compiling.plot(
        *zip(*first_calls, strict=True), "o-", color="#d55e00", label="the whole first call, machine code too"
    )
    compiling.set(xscale="log", yscale="log", ylim=(1, 3000), xlabel="entries of the tape")
    compiling.set_ylabel("microseconds an entry")
    bars.set_title("A training step of an MLP 2-16-16-1, 100 samples", fontsize=10)
    cost.set_title("What a gradient costs beside its function", fontsize=10)
    compiling.set_title("What compiling costs, once", fontsize=10)
    for axes in (bars, cost, compiling):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
    for axes in (bars, compiling):
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=150)


def main() -> None:
    if hasattr(os, "sched_setaffinity"):  # JAX and PyTorch would take all cores
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    work = w2_data(100)
    (relu, first_relu), (tanh, first_tanh) = w2(work, "relu"), w2(work, "tanh")
    many, _ = w2(w2_data(1_000), "relu")
    called, expression = ways(work), w3()
    grown, traced = list(growth()), list(tracing())
    lines = ["# Compiled functions", "", f"{machine()}. The least CPU time of {ROUNDS} rounds, in turn."]
    title = "loss and gradient of an MLP 2-16-16-1"
    lines += table(f"W2, relu: {title}, 100 samples", relu) + table(f"W2, tanh: {title}, 100 samples", tanh)
    lines += table(f"W2, relu: {title}, 1,000 samples", many)
    lines += ["", "C is compiled by gcc -O3 -march=native."]
    lines += ["", f"First calls: {first_relu:.2f} s (relu), {first_tanh:.2f} s (tanh)."]
    lines += table("W2, relu, called with other arguments", called)
    lines += table("W3: the expression of micrograd's README, value and gradient of two floats", expression)
    lines += growth_tables(grown, traced)
    lines += verdicts(relu, many, tanh, expression, (first_relu, first_tanh), (grown, traced))
    print("\n".join(lines))
    if not QUICK:
        (HERE / "results-jit.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        plot(relu, tanh, grown, traced, HERE / "growth-jit.png")


if __name__ == "__main__":
    main()
