"""`jit` on networks of many widths, on a long formula and on a Jacobian, against NumPy by hand, JAX, PyTorch
and heyoka; and a table of all works here in which somebody else is faster.

    python benchmarks/networks.py            # writes results-networks.md
    python benchmarks/networks.py --quick    # a smoke test: fewer rounds, writes nothing

One core, CPU time, all contestants in turn, the least of all rounds; their gradients are compared. What is
not installed is left out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from compiled import JAX, OURS, QUICK, TORCH, Times, agree, first, machine, microseconds, step_of
from rivals import RNG, Contestant, installed, jax, np

import engine
from engine import dot, jacobian, square, tanh, value_and_grad
from engine.compiler import jit

FAST, NUMPY, HEYOKA = f"{OURS}, fast_math", "NumPy by hand", "heyoka"
Contestants = dict[str, Contestant | None]


class Network(NamedTuple):
    """Widths of the layers, a hidden activation, and how many samples; the loss is the squared error."""

    widths: Sequence[int]
    activation: str
    samples: int

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.widths))}, {self.activation}, {self.samples} samples"

    @property
    def data(self) -> tuple[list[Any], Any, Any]:
        parameters = [
            array
            for a, b in pairwise(self.widths)
            for array in (RNG.normal(size=(b, a)) / np.sqrt(a), RNG.normal(size=b))
        ]
        shapes = (self.samples, self.widths[0]), (self.samples, self.widths[-1])
        return parameters, *(RNG.normal(size=shape) for shape in shapes)


NETWORKS = [
    *(Network((16, width, width, 1), "relu", 128) for width in (16, 32, 64, 128)),
    Network((64, 32, 10), "relu", 200),
    Network((64, 128, 64, 10), "tanh", 64),
]


def scalars(activation: Callable[[Any], Any]) -> Callable[..., Any]:
    """The loss of one sample."""

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        *layers, last = zip(parameters[::2], parameters[1::2], strict=True)
        h = list(x)
        for w, b in layers:
            h = [activation(dot(row, h) + c) for row, c in zip(w, b, strict=True)]
        scores = [dot(row, h) + c for row, c in zip(*last, strict=True)]
        return engine.sum([square(a - b) for a, b in zip(scores, y, strict=True)])

    return loss


def by_hand(network: Network, parameters: list[Any], x: Any, y: Any) -> Contestant:
    """Matrix products, forwards and backwards."""
    relu, last = network.activation == "relu", len(parameters) - 2

    def step() -> Any:
        hidden = [x]
        for k in range(0, last + 2, 2):
            z = hidden[-1] @ parameters[k].T + parameters[k + 1]
            hidden.append(z if k == last else np.maximum(z, 0.0) if relu else np.tanh(z))
        error = hidden[-1] - y
        slope, gradient = 2.0 / len(x) * error, []
        for k in range(last, -1, -2):
            h = hidden[k // 2]
            gradient[:0] = [slope.T @ h, slope.sum(0)]
            if k:
                slope = slope @ parameters[k] * ((h > 0.0) if relu else 1.0 - h * h)
        return (error * error).sum(1).mean(), gradient

    return step


def with_matrices(activation: Callable[[Any], Any]) -> Callable[..., Any]:
    """The mean loss, for libraries of tensors."""

    def mean(parameters: Any, x: Any, y: Any) -> Any:
        for k in range(0, len(parameters), 2):
            x = x @ parameters[k].T + parameters[k + 1]
            x = x if k == len(parameters) - 2 else activation(x)
        return ((x - y) ** 2).sum(1).mean()

    return mean


def by_jax(f: Callable[[Any], Any], *args: Any) -> Contestant | None:
    """What f makes of JAX, on JAX's own arrays."""
    module = jax()
    if module is None:
        return None
    step, own = module.jit(f(module)), module.device_put(args)
    return lambda: module.block_until_ready(step(*own))


def by_torch(network: Network, *args: Any) -> Contestant | None:
    torch = installed("torch")
    if torch is None:
        return None
    torch.set_num_threads(1)
    parameters, x, y = [torch.tensor(p, requires_grad=True) for p in args[0]], *map(torch.tensor, args[1:])
    mean = with_matrices(getattr(torch, network.activation))

    def step() -> Any:
        value = mean(parameters, x, y)
        return value.detach(), torch.autograd.grad(value, parameters)

    return step


def network_work(network: Network) -> tuple[str, Contestants]:
    args, loss = network.data, scalars(getattr(engine, network.activation))
    ours, fast = step_of(loss), step_of(loss, fast_math=True)

    def in_jax(module: Any) -> Any:
        return module.value_and_grad(with_matrices(getattr(module.nn, network.activation)))

    return str(network), {
        OURS: lambda: ours(*args),
        FAST: lambda: fast(*args),
        NUMPY: by_hand(network, *args),
        JAX: by_jax(in_jax, *args),
        TORCH: by_torch(network, *args),
    }


def formula_work(n: int) -> tuple[str, Contestants]:
    """A gradient to n numbers."""
    a, b = RNG.normal(size=(2, n))

    def f(a: Any, b: Any) -> Any:
        return engine.sum([tanh(x) * y for x, y in zip(a, b, strict=True)])

    def in_numpy() -> Any:
        h = np.tanh(a)
        return h @ b, (1.0 - h * h) * b

    def in_jax(module: Any) -> Any:
        return module.value_and_grad(lambda a, b: (module.numpy.tanh(a) * b).sum())

    ours, fast = (jit(value_and_grad(f), fast_math=fast_math) for fast_math in (False, True))
    return f"gradient of a sum of tanh(a) b, {n:,} numbers", {
        OURS: lambda: ours(a, b),
        FAST: lambda: fast(a, b),
        NUMPY: in_numpy,
        JAX: by_jax(in_jax, a, b),
        HEYOKA: by_heyoka(
            lambda heyoka, x: [(1.0 - heyoka.tanh(v) ** 2.0) * w for v, w in zip(x, b, strict=True)], a
        ),
    }


def jacobian_work(n: int) -> tuple[str, Contestants]:
    w, x = RNG.normal(size=(n, n)), RNG.normal(size=n)

    def in_numpy() -> Any:
        h = np.tanh(w @ x)
        return 0.0, (1.0 - h * h)[:, None] * w

    def in_jax(module: Any) -> Any:
        whole = module.jacobian(lambda x: module.numpy.tanh(w @ x))
        return lambda x: (0.0, whole(x))

    def in_heyoka(heyoka: Any, x: Any) -> Any:
        slopes = [
            1.0 - heyoka.tanh(heyoka.sum([c * v for c, v in zip(row, x, strict=True)])) ** 2.0 for row in w
        ]
        return [slope * c for slope, row in zip(slopes, w, strict=True) for c in row]

    ours, fast = (
        jit(jacobian(lambda x: [tanh(dot(row, list(x))) for row in w]), fast_math=fast_math)
        for fast_math in (False, True)
    )
    return f"Jacobian of a layer, {n} to {n}", {
        OURS: lambda: (0.0, ours(x)),
        FAST: lambda: (0.0, fast(x)),
        NUMPY: in_numpy,
        JAX: by_jax(in_jax, x),
        HEYOKA: by_heyoka(in_heyoka, x),
    }


def by_heyoka(slopes: Callable[[Any, Any], Any], at: Any) -> Contestant | None:
    """Expressions of the slopes, written by hand, compiled by heyoka."""
    module = installed("heyoka")
    if module is None:
        return None
    variables = [module.expression(f"x{i}") for i in range(len(at))]
    compiled, out = module.cfunc(slopes(module, variables), vars=variables), None
    out = compiled(at)
    return lambda: (0.0, compiled(at, outputs=out))


def works() -> Iterator[tuple[str, Contestants]]:
    for network in NETWORKS[:1] if QUICK else NETWORKS:
        yield network_work(network)
    yield formula_work(1_000 if QUICK else 10_000)
    yield jacobian_work(10 if QUICK else 50)


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    results: dict[str, Times] = {}
    spent = {}
    for name, contestants in works():
        spent[name] = first(contestants[OURS])  # type: ignore[arg-type]
        agree(contestants)
        results[name] = microseconds(contestants)
        print(name, results[name], flush=True)
    text = "\n".join([*heading(), *table(results, spent), *faster(results)])
    print(text)
    if not QUICK:
        Path(__file__).with_name("results-networks.md").write_text(text + "\n", encoding="utf-8")


def heading() -> list[str]:
    return [
        "# Networks, a formula, a Jacobian",
        "",
        f"{machine()}. Loss and gradient, of networks with squared error; microseconds of CPU time, the "
        "least of many rounds, all in turn; double precision. First call: tracing and compiling, in seconds.",
        "",
    ]


def table(results: dict[str, Times], spent: dict[str, float]) -> list[str]:
    names = list(dict.fromkeys(name for times in results.values() for name in times))
    lines = [f"| | {' | '.join(names)} | first call |", f"|---|{'---:|' * (len(names) + 1)}"]
    for work, times in results.items():
        cells = [f"{times[name]:.3g}" if name in times else "" for name in names]
        lines.append(f"| {work} | {' | '.join(cells)} | {spent[work]:.2f} |")
    return lines


def faster(results: dict[str, Times]) -> list[str]:
    lines = ["", "## Where others are faster", ""]
    found = [
        f"| {work} | {name} | {times[OURS] / spent:.2f} |"
        for work, times in results.items()
        for name, spent in times.items()
        if spent < times[OURS] and name not in (OURS, FAST)
    ]
    return lines + (
        ["| work | who | how many times |", "|---|---|---:|", *found] if found else ["In none of these."]
    )


if __name__ == "__main__":
    main()
