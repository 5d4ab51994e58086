"""W4 by `jit`: the language model of gpt.py, compiled from the source that runs eagerly.

    python benchmarks/language.py            # writes results-language.md
    python benchmarks/language.py --quick    # a smoke test: few steps, writes nothing

CPU time; the best of several rounds in which all contestants take turns. Then a whole training, every
compilation counted, and a small network on one example against C by hand.
"""

from __future__ import annotations

import ctypes
import gc
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any

import gpt
import numpy as np
from gpt_compiled import LENGTH, PlaceByPlace, WordByWord
from peers import Slotted
from run import machine

import engine
from engine import Value, jit, value_and_grad
from engine.compiler import specialisation
from engine.compiler.llvm import executable, program
from engine.compiler.loops.roller import rolled
from engine.compiler.tape.tape import Tape

Step = Callable[[], Any]
BUILD = "compiled" if engine.compiled else "interpreted"
TARGET = 3  # the class of the one example
HERE = Path(__file__).parent
WORD = "string"
FLAGS = ("gcc", "-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC")


# Measuring


def seconds(step: Step, paused: bool = False) -> float:
    """CPU time of one step: the mean over two hundredths of a second."""
    gc.collect()
    gc.freeze()  # the tapes of others are not this one's to walk through
    if paused:
        gc.disable()
    count, spent = 0, 0.0
    start = time.process_time()
    while spent < 0.02:
        step()
        count += 1
        spent = time.process_time() - start
    gc.enable()
    return spent / count


def in_turn(contestants: dict[str, Step], rounds: int) -> dict[str, float]:
    """The best time of each; every round has each of them once."""
    best = dict.fromkeys(contestants, math.inf)
    for _ in range(rounds):
        for name, step in contestants.items():
            best[name] = min(best[name], seconds(step, "paused" in name))
    return best


def eager(kind: Callable[[float], Any], seed: int = 0) -> Callable[[str], float]:
    w = gpt.weights(kind, seed)
    adam = gpt.Adam(w)
    return lambda word: gpt.step(w, adam, word)


def steps(rounds: int) -> list[str]:
    """W4: one step of training on one word."""
    model = WordByWord(len(WORD) + 1)
    model.step(WORD)
    kinds = {"slotted pure Python": Slotted, f"engine, eager, {BUILD}": Value}
    contestants: dict[str, Step] = {name: partial(eager(kind), WORD) for name, kind in kinds.items()}
    contestants |= {
        "engine, jit": partial(model.step, WORD),
        "of which loss and gradient": partial(model.backward, WORD),
    }
    times = in_turn(contestants, rounds)
    slow = times["slotted pure Python"]
    lines = [f"| {name} | {1e3 * spent:.4g} | {slow / spent:,.1f}x |" for name, spent in times.items()]
    return ["| | ms a step | to the slotted one |", "|---|---:|---:|", *lines]


@contextmanager
def watched(places: dict[str, tuple[Any, str]]) -> Iterator[dict[str, float]]:
    """Seconds of CPU time that are spent in some functions, each found by its name in a module."""
    spent = dict.fromkeys(places, 0.0)
    before = {label: getattr(owner, name) for label, (owner, name) in places.items()}

    def timed(label: str) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            start = time.process_time()
            try:
                return before[label](*args, **keywords)
            finally:
                spent[label] += time.process_time() - start

        return call

    for label, (owner, name) in places.items():
        setattr(owner, name, timed(label))
    try:
        yield spent
    finally:
        for label, (owner, name) in places.items():
            setattr(owner, name, before[label])


def first_call(length: int) -> tuple[dict[str, float], Tape]:
    """Where the time of a first call goes, and the tape."""
    places = {
        "loss": (gpt, "loss"),
        "trace": (specialisation, "trace"),
        "passes": (specialisation, "simplified"),
        "rolling": (program, "regular"),
        "code": (executable, "linked"),
    }
    model = WordByWord(length)
    gc.collect()
    with watched(places) as spent:
        start = time.process_time()
        model.backward("a")
        first = time.process_time() - start
    return {
        "the loss, on symbols": spent["loss"],
        "its gradient, and both laid flat": spent["trace"] - spent["loss"],
        "passes": spent["passes"],
        "rolling": spent["rolling"],
        "LLVM": spent["code"] - spent["rolling"],
        "all else": first - spent["trace"] - spent["passes"] - spent["code"],
        "first call": first,
    }, model.loss.tape


def compilation(length: int, rounds: int) -> list[str]:
    """The quickest of some first calls."""
    shown, tape = min((first_call(length) for _ in range(rounds)), key=lambda call: call[0]["first call"])
    return [
        f"{len(tape):,} entries for words of up to {length - 1} letters: {len(rolled(tape).loops)} loops.",
        "",
        f"| the quickest of {rounds} | s |",
        "|---|---:|",
        *(f"| {name} | {time_:.2f} |" for name, time_ in shown.items()),
    ]


def agreement(count: int) -> str:
    """The losses of the first steps, engine by engine."""
    chosen = some_words(count)
    slow, models = eager(Slotted), (WordByWord(LENGTH), PlaceByPlace())
    losses = [(slow(word), *(model.step(word) for model in models)) for word in chosen]
    worst = max(abs(theirs - ours) for theirs, *each in losses for ours in each)
    return f"The losses of {count} steps of training differ by at most {worst:.1e} from the slotted engine's."


def some_words(count: int) -> list[str]:
    rng, words = random.Random(0), gpt.words()
    return [rng.choice(words) for _ in range(count)]


def trained(chosen: Sequence[str]) -> tuple[PlaceByPlace, list[float]]:
    """A new model after a step on each word, and the losses."""
    model = PlaceByPlace()
    return model, [model.step(word) for word in chosen]


def training(count: int, sample: int, rounds: int) -> list[str]:
    """A whole training and what the model spells then, all compilations counted."""
    chosen = some_words(count)
    runs: list[tuple[PlaceByPlace, list[float]]] = []

    def by_graphs() -> None:
        for _ in map(eager(Slotted), chosen[:sample]):
            pass

    contestants: dict[str, Step] = {
        "jit": lambda: runs.append(trained(chosen)),
        "slotted": by_graphs,
        "slotted, collector paused": by_graphs,
    }
    ours, *theirs = in_turn(contestants, rounds).values()
    slotted, paused = (spent * count / sample for spent in theirs)
    model, losses = runs[-1]
    rng, start = random.Random(1), time.process_time()
    spelled = [gpt.spelled(model.chances, rng) for _ in range(20)]
    written = time.process_time() - start
    return [
        "Position by position, from the same source: three small functions serve words of every length. "
        f"{count:,} steps, all compilations included: {ours:.2f} s. The slotted engine takes {slotted:.0f} "
        f"s, **{slotted / ours:.0f}x**; with Python's collector paused {paused:.0f} s, {paused / ours:.0f}x "
        f"({sample} of the steps measured). All are the quickest of {rounds}, in turn, with a new model "
        "each.",
        f"Mean loss of the first 50 steps {mean(losses[:50]):.2f}, of the last 50 {mean(losses[-50:]):.2f}.",
        "",
        f"Words it spells now, at temperature 0.5, in {written:.2f} s with a fourth function: "
        + ", ".join(spelled)
        + ".",
    ]


# A network on one example


def by_hand(parameters: Sequence[Any], x: Any) -> Step | None:
    """mlp.c, compiled by gcc."""
    if shutil.which("gcc") is None:
        return None
    library = Path(tempfile.mkdtemp()) / "mlp.so"
    subprocess.run([*FLAGS, str(HERE / "mlp.c"), "-o", str(library), "-lm"], check=True)
    function = ctypes.CDLL(str(library)).mlp
    function.restype = ctypes.c_double
    gradient = [np.empty_like(p) for p in parameters]
    given, results = (
        [a.ctypes.data_as(ctypes.c_void_p) for a in arrays] for arrays in ((*parameters, x), gradient)
    )
    return lambda: (function(*given, ctypes.c_long(TARGET), *results), gradient)


def cross_entropy(parameters: Any, x: Any) -> Any:
    """An MLP 64-32-10 on one example."""
    w1, b1, w2, b2 = parameters
    h = [engine.relu(engine.dot(w, x) + b) for w, b in zip(w1, b1, strict=True)]
    return engine.cross_entropy([engine.dot(w, h) + b for w, b in zip(w2, b2, strict=True)], TARGET)


def network(rounds: int) -> list[str]:
    rng = np.random.default_rng(0)
    parameters = [rng.normal(size=shape) * 0.2 for shape in ((32, 64), (32,), (10, 32), (10,))]
    x = rng.normal(size=64)
    compiled = jit(value_and_grad(cross_entropy))
    hand = by_hand(parameters, x)
    contestants: dict[str, Step] = {"engine, jit": lambda: compiled(parameters, x)}
    if hand is not None:
        contestants[f"C by hand, {' '.join(FLAGS[:4])}"] = hand
        for ours, theirs in zip(compiled(parameters, x)[1], hand()[1], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)
    compiled(parameters, x)
    times = in_turn(contestants, rounds)
    ours = times["engine, jit"]
    lines = [f"| {name} | {1e6 * spent:.2f} | {spent / ours:.2f} |" for name, spent in times.items()]
    return ["| | us a call | times ours |", "|---|---:|---:|", *lines]


def main() -> None:
    quick = "--quick" in sys.argv
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sys.setrecursionlimit(20_000)  # the slotted engine recurses
    rounds = 3 if quick else 15
    lines = [
        "# The language model, compiled",
        "",
        f"{machine()}. CPU time, the best of {rounds} rounds; engines in turn. {BUILD.capitalize()} build.",
        "",
        f"## W4: one step of training on the word {WORD!r}: loss, gradient, Adam",
        "",
        *steps(rounds),
        "",
        agreement(5 if quick else 50),
        "",
        "## Compilation",
        "",
        *compilation(len(WORD) + 1, 1 if quick else 5),
        "",
        *compilation(LENGTH, 1 if quick else 3),
        "",
        "The target, 3 s for one length, is for a word of usual length: half of the words have at most "
        f"{median(map(len, gpt.words())):.0f} letters. A function for {LENGTH - 1} is twice the graph, and "
        "takes longer.",
        "",
        "## A training",
        "",
        *(training(20, 5, 1) if quick else training(1_000, 100, 3)),
        "",
        "## An MLP 64-32-10 on one example: loss and gradient",
        "",
        *network(rounds),
    ]
    print("\n".join(lines))
    if not quick:
        (HERE / "results-language.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
