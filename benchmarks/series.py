"""Series, orbits and sparse matrices against JAX's jet, algopy, heyoka, SciPy and CasADi.

    python benchmarks/series.py            # writes results-series.md
    python benchmarks/series.py --quick    # a smoke test: lower orders, smaller matrices, writes nothing

The integrator is the one of notebook 12, taken from there. CPU time on one core, the least of many calls,
contestants in turn; only the ratios of one run mean anything. What is not installed is left out.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from timing import mean_seconds

import engine
from engine import grad, hessian, jacobian, jit, taylor

HERE = Path(__file__).parent
NOTEBOOK = HERE.parent / "notebooks/12-series-sparse-matrices-and-lost-digits.ipynb"
QUICK = "--quick" in sys.argv
ORDERS = (5, 10) if QUICK else (5, 10, 20)
SIZES = (100, 1000) if QUICK else (1000, 10_000)
ORBITS = 5 if QUICK else 100
ROUNDS = 5 if QUICK else 60
POINT = 0.3
Call = Callable[[], Any]


def installed(name: str) -> Any:
    """The module, or None."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def microseconds(calls: dict[str, Call]) -> dict[str, float]:
    """The least time of a call, all of them in turn."""
    best = dict.fromkeys(calls, math.inf)
    for _ in range(ROUNDS):
        for name, call in calls.items():
            best[name] = min(best[name], mean_seconds(call))
    return {name: 1e6 * t for name, t in best.items()}


def once(call: Call) -> tuple[float, Any]:
    """Seconds of the first call, which compiles, and its result."""
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


# A composition


def wave(m: Any) -> Callable[[Any], Any]:
    return lambda x: m.tanh(m.exp(x) * m.sin(x))


def compositions() -> Iterator[str]:
    yield "## Coefficients of tanh(exp x sin x)\n"
    rows = [row for order in ORDERS for row in composition(order)]
    yield from table(["order, contestant", "us a call", "s to compile", "operations"], rows)
    slopes = [jit(nested(order)) for order in range(1, 6)]
    compiling = [once(lambda f=f: f(POINT))[0] for f in slopes]
    growth = (len(slopes[-1].tape) / len(slopes[1].tape)) ** (1 / 3)
    yield (
        f"`grad` nested five times makes {len(slopes[-1].tape)} operations, {growth:.1f} times more each, "
        f"and compiles in {compiling[-1]:.1f} s.\n"
    )


def nested(order: int) -> Callable[[Any], Any]:
    f = wave(engine)
    for _ in range(order):
        f = grad(f)
    return f


def composition(order: int) -> Iterator[list[str]]:
    compiled = jit(lambda x: taylor(wave(engine), x, order))
    spent = {"chainrule, jit": once(lambda: compiled(POINT))[0]}
    calls: dict[str, Call] = {
        "chainrule": lambda: taylor(wave(engine), POINT, order),
        "chainrule, jit": lambda: compiled(POINT),
    }
    for make in (jax_jet, algopy_series, heyoka_series):
        found = make(order)
        if found is not None:
            name, call = found
            spent[name], calls[name] = once(call)[0], call
    for name, t in microseconds(calls).items():
        size = str(len(compiled.tape)) if name == "chainrule, jit" else ""
        yield [f"{order}, {name}", f"{t:,.1f}", f"{spent[name]:.2f}" if name in spent else "", size]


def jax_jet(order: int) -> tuple[str, Call] | None:
    jax = installed("jax")
    if jax is None:
        return None
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jet = importlib.import_module("jax.experimental.jet").jet
    path = [1.0] + [0.0] * (order - 1)
    f = jax.jit(lambda x: jet(wave(jax.numpy), (x,), (path,)))
    return "JAX's jet, jit", lambda: jax.block_until_ready(f(POINT))


def algopy_series(order: int) -> tuple[str, Call] | None:
    algopy = installed("algopy")
    if algopy is None:
        return None

    def call() -> Any:
        x = algopy.UTPM(np.zeros((order + 1, 1)))
        x.data[0], x.data[1] = POINT, 1.0
        return wave(algopy)(x).data

    return "algopy", call


def heyoka_series(order: int) -> tuple[str, Call] | None:
    """A step of x' = 1, y' = f(x), whose coefficients are those of f; the tolerance sets its order."""
    hy = installed("heyoka")
    if hy is None or order != ORDERS[-1]:
        return None
    x, y = hy.make_vars("x", "y")
    tolerance = math.exp(2.0 * (1 - order))
    stepper = hy.taylor_adaptive([(x, 1.0 + 0.0 * x), (y, wave(hy)(x))], [POINT, 0.0], tol=tolerance)

    def call() -> Any:
        stepper.state[:] = POINT, 0.0
        return stepper.step(write_tc=True)

    return f"heyoka, a step of order {stepper.order}", call


# Orbits


def lesson() -> dict[str, Any]:
    """What the cells of the notebook define that make the integrator."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    wanted = ("series_of_solution", "stepper", "solve", "kepler", "perihelion", "energy")
    scope: dict[str, Any] = {"engine": engine, "jet": engine.jet, "jit": jit, "math": math}
    for cell in cells:
        source = "".join(cell["source"])
        if source.startswith(tuple(f"def {name}(" for name in wanted)):
            exec(source.partition("\nplanet = ")[0], scope)
    return scope


def lotka_volterra(y: Any) -> list[Any]:
    return [1.5 * y[0] - y[0] * y[1], y[0] * y[1] - 3.0 * y[1]]


def conserved(y: Any) -> float:
    return float(y[0] - 3.0 * math.log(y[0]) + y[1] - 1.5 * math.log(y[1]))


def orbits() -> Iterator[str]:
    ours = lesson()
    start, end = ours["perihelion"](0.5), 2 * math.pi * ORBITS
    yield f"## Orbits: two bodies, eccentricity 0.5, {ORBITS} orbits\n"
    yield from integrated(ours, ours["kepler"], start, end, ours["energy"])
    yield f"## Lotka and Volterra, up to t = {ORBITS}\n"
    yield from integrated(ours, lotka_volterra, [10.0, 5.0], float(ORBITS), conserved)


def integrated(
    ours: dict[str, Any],
    f: Callable[..., Any],
    start: list[float],
    end: float,
    invariant: Callable[..., float],
) -> Iterator[str]:
    step = ours["stepper"](f)
    spent = {"chainrule, order 20": once(lambda: step(start, end))[0]}
    calls: dict[str, Callable[[], tuple[int, Any]]] = {
        "chainrule, order 20": lambda: counted(ours["solve"](step, start, end)),
        "SciPy's DOP853, 1e-13": lambda: by_scipy(f, start, end),
    }
    hy = installed("heyoka")
    if hy is not None:
        names = hy.make_vars(*"xyuv"[: len(start)])
        spent["heyoka"], stepper = once(
            lambda: hy.taylor_adaptive(list(zip(names, f(names), strict=True)), start)
        )
        calls["heyoka"] = lambda: by_heyoka(stepper, start, end)
    best = dict.fromkeys(calls, math.inf)
    results: dict[str, tuple[int, Any]] = {}
    for _ in range(min(ROUNDS, 10)):
        for name, call in calls.items():
            t, results[name] = once(call)
            best[name] = min(best[name], t)
    first = invariant(start)
    rows = [
        [
            name,
            f"{1e3 * best[name]:.2f}",
            f"{steps:,}",
            f"{abs(invariant(y) / first - 1):.1e}",
            f"{spent[name]:.2f}" if name in spent else "",
        ]
        for name, (steps, y) in results.items()
    ]
    yield from table(["integrator", "ms", "steps", "drift of the invariant", "s to compile"], rows)


def counted(path: list[Any]) -> tuple[int, Any]:
    return len(path) - 1, path[-1]


def by_scipy(f: Callable[..., Any], start: list[float], end: float) -> tuple[int, Any]:
    run = solve_ivp(lambda t, y: f(y), (0.0, end), start, method="DOP853", rtol=1e-13, atol=1e-13)
    return len(run.t) - 1, run.y[:, -1]


def by_heyoka(stepper: Any, start: list[float], end: float) -> tuple[int, Any]:
    stepper.time, stepper.state[:] = 0.0, start
    return stepper.propagate_until(end)[3], np.array(stepper.state)


# Sparse matrices


def chain(x: Any) -> Any:
    """Rosenbrock's function."""
    return engine.sum([100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])


def arrow(x: Any) -> Any:
    return engine.sum([x[0] * a * a for a in x[1:]]) + x[0] ** 4


def ring(x: Any) -> list[Any]:
    return [x[i] * engine.sin(x[i - 3]) * x[i - 5] for i in range(len(x))]


def bratu(u: Any) -> list[Any]:
    h, v = 1 / (len(u) + 1), [0.0, *u, 0.0]
    return [v[i - 1] - 2 * v[i] + v[i + 1] + h * h * engine.exp(v[i]) for i in range(1, len(u) + 1)]


PROBLEMS = [("Hessian", hessian, chain), ("Hessian", hessian, arrow), ("Jacobian", jacobian, ring)]
PROBLEMS += [("Jacobian", jacobian, bratu)]


def sparse_matrices() -> Iterator[str]:
    yield "## Sparse derivatives, from an array to a matrix of SciPy's\n"
    rows = [sparse_row(*problem) for problem in PROBLEMS]
    small, large = SIZES
    head = [
        "matrix",
        f"entries, n = {small:,}",
        "eager, ms",
        "compiled, us",
        "CasADi, us",
        "its numbers alone",
    ]
    yield from table([*head, f"eager, n = {large:,}, ms", "times more"], rows)


def sparse_row(kind: str, transform: Callable[..., Any], f: Callable[..., Any]) -> list[str]:
    small, large = (np.linspace(0.5, 1.5, n) for n in SIZES)
    sparse = transform(f, sparse=True)
    compiled = jit(sparse)
    matrix = compiled(small)
    if len(small) <= 1000:
        dense = np.array(transform(f)(small[:100].tolist()))
        assert (sparse(small[:100]).toarray() == dense).all()
    calls = {"compiled": lambda: compiled(small)} | casadi_calls(transform, f, small, matrix)
    t = microseconds(calls)
    first, second = (min(once(lambda x=x: sparse(x))[0] for _ in range(3)) for x in (small, large))
    others = [f"{t[name]:,.1f}" if name in t else "" for name in ("CasADi", "numbers")]
    times = f"{second / first:.1f}"
    return [
        f"{kind}, {f.__name__}", f"{matrix.nnz:,}", f"{1e3 * first:.1f}", f"{t['compiled']:.1f}", *others,
        f"{1e3 * second:.0f}", times,
    ]  # fmt: skip


def casadi_calls(
    transform: Callable[..., Any], f: Callable[..., Any], x: Any, expected: Any
) -> dict[str, Call]:
    """CasADi's function, from an array to a matrix of SciPy's, and into memory at hand for its numbers."""
    ca = installed("casadi")
    if ca is None:
        return {}
    symbols = ca.SX.sym("x", len(x))
    result = casadi_result(ca, f, [symbols[i] for i in range(len(x))])
    matrix = ca.hessian(result, symbols)[0] if transform is hessian else ca.jacobian(result, symbols)
    function = ca.Function("f", [symbols], [matrix])
    assert abs(function(x).sparse() - expected).max() < 1e-8
    buffer, call = function.buffer()
    numbers, copy = np.zeros(matrix.nnz()), np.array(x)
    buffer.set_arg(0, memoryview(copy))
    buffer.set_res(0, memoryview(numbers))
    kept = (function, buffer, copy, numbers)  # CasADi holds addresses alone
    return {"CasADi": lambda: function(x).sparse(), "numbers": lambda kept=kept: call()}


def casadi_result(ca: Any, f: Callable[..., Any], xs: list[Any]) -> Any:
    """f of CasADi's symbols, with its functions in place of ours."""
    own = {name: getattr(engine, name) for name in ("exp", "sin", "sum")}
    try:
        engine.exp, engine.sin, engine.sum = ca.exp, ca.sin, lambda terms: ca.sum1(ca.vertcat(*terms))
        result = f(xs)
    finally:
        for name, function in own.items():
            setattr(engine, name, function)
    return ca.vertcat(*result) if isinstance(result, list) else result


def main() -> None:
    lines = ["# Series, orbits and sparse matrices\n"]
    lines.append(
        f"{platform.machine()}, one core, Python {platform.python_version()}. Least CPU times of one run.\n"
    )
    for part in (compositions, orbits, sparse_matrices):
        for line in part():
            lines.append(line)
            print(line, flush=True)
    if not QUICK:
        (HERE / "results-series.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
