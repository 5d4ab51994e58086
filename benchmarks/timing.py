"""How a step is timed: CPU time, engines in turn, so that other programs on the machine count little."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

Step = Callable[[], Any]


def seconds(step: Step, paused: bool = False) -> float:
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


def mean_seconds(call: Step) -> float:
    """For one call: the mean over half a millisecond or more, short enough to be left alone at times."""
    count, spent = 1, 0.0
    while spent < 0.0005:
        count *= 2
        start = time.process_time()
        for _ in range(count):
            call()
        spent = time.process_time() - start
    return spent / count


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


def collector_time(step: Step) -> float:
    """Seconds of a step that the cyclic collector takes."""
    spent, started = 0.0, 0.0

    def watch(phase: str, info: dict[str, int]) -> None:
        nonlocal spent, started
        if phase == "start":
            started = time.process_time()
        else:
            spent += time.process_time() - started

    gc.collect()
    gc.callbacks.append(watch)
    try:
        step()
    finally:
        gc.callbacks.remove(watch)
    return spent
