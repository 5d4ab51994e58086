"""Tapes run by machine code: number by number, and on the lanes of many examples."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.compiler.backend import Block, Layout, Options, computed
from engine.compiler.llvm.executable import Native
from engine.compiler.tape.tape import Tape


def on_scalars(tape: Tape, points: Sequence[Sequence[float]]) -> Any:
    run = Native(tape, Layout((Block(len(tape.inputs), False),)), Options())
    return [computed(run, [np.array(point)], (len(tape.outputs),), "float64")[0].tolist() for point in points]


def on_lanes(tape: Tape, points: Sequence[Sequence[float]]) -> Any:
    run = Native(tape, Layout((Block(len(tape.inputs), True),), True), Options())
    return computed(run, [np.array(points)], (len(points), len(tape.outputs)), "float64")[0].tolist()
