"""A few ratios to references that are measured beside us, held to the committed ones: is something slower?

    python benchmarks/glance.py            # fails if we have lost 30 % against a reference
    python benchmarks/glance.py --write    # commits to the ratios of this machine

Ratios say little of another kind of processor: there they are shown, and nothing fails.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import compiled
import networks
import works
from peers import Slotted
from rivals import RNG, Contestant, c_by_hand, readme, w2_data
from timing import mean_seconds

import engine
from engine import Value, exp, sin, value_and_grad
from engine.compiler import jit

COMMITTED = Path(__file__).with_name("glance.json")
LOSS = 0.3
ROUNDS, TRIES = 9, 3  # a busy moment is no loss


def pairs() -> dict[str, tuple[Contestant | None, Contestant | None]]:
    """Ours, and what it is held to."""
    work, network = w2_data(100), networks.NETWORKS[2]
    step = compiled.step_of(compiled.hinge(engine.relu))
    of_network = compiled.step_of(networks.scalars(engine.relu))
    data, xs = network.data, RNG.normal(size=1_000)
    formula = jit(value_and_grad(lambda xs: engine.sum([sin(x) * exp(-x * x) for x in xs])))
    expression = jit(value_and_grad(readme, (0, 1)))
    return {
        f"W1, eager, {'compiled' if engine.compiled else 'interpreted'} build": (
            works.training(Value),
            works.training(Slotted),
        ),
        "W2, to the best C": (lambda: step(*work), c_by_hand(work, "relu", source="w2_lanes.c")),
        "16-64-64-1, to NumPy by hand": (lambda: of_network(*data), networks.by_hand(network, *data)),
        "gradient to 1,000 numbers, to NumPy by hand": (lambda: formula(xs), lambda: by_hand(xs)),
        "W3, to Python without gradient": (lambda: expression(-4.0, 2.0), in_python),
    }


def by_hand(xs: Any) -> Any:
    np = compiled.np
    e = np.exp(-xs * xs)
    return (np.sin(xs) * e).sum(), (np.cos(xs) - 2.0 * xs * np.sin(xs)) * e


def in_python() -> float:
    return works.readme(-4.0, 2.0, lambda x: max(x, 0.0))  # type: ignore[no-any-return]


def ratio(ours: Contestant, reference: Contestant) -> float:
    """How many times faster than the reference."""
    spent = [(mean_seconds(ours), mean_seconds(reference)) for _ in range(ROUNDS)]
    mine, others = map(min, zip(*spent, strict=True))
    return others / mine


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def main(document: dict[str, Any], write: bool) -> int:
    found, lost = {}, 0
    known = write or document["processor"] == processor()
    committed: dict[str, float] = document["ratios"] if known else {}
    for name, (ours, reference) in pairs().items():
        if ours is None or reference is None:
            continue
        wanted = (1.0 - LOSS) * committed.get(name, 0.0)
        measured = ratio(ours, reference)
        for _ in range(TRIES - 1):
            measured = max(measured, ratio(ours, reference)) if measured < wanted else measured
        found[name] = round(measured, 2)
        lost += measured < wanted
        print(f"{name}: {measured:.2f} times, committed {committed.get(name, float('nan')):.2f}")
    if write:
        written = {"processor": processor(), "ratios": committed | found}
        COMMITTED.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return lost


if __name__ == "__main__":
    sys.exit(main(json.loads(COMMITTED.read_text(encoding="utf-8")), "--write" in sys.argv))
