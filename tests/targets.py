"""Targets of compiled functions, asked for value and gradient of a row at hostile points.

A target may differ from the engine by 4 ulp, and by what an ulp of the inputs does. It may not differ in
class: 0, inf, nan, the sign. What a target cannot do, whatever we write, is in LIMITS.
"""

import ctypes
import importlib
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pytest

from engine import grad, value_and_grad
from engine.compiler.backend import Block, Layout
from engine.compiler.calls.results import Results
from engine.compiler.sources.c import CFile
from engine.compiler.sources.javascript import javascript_source
from engine.compiler.sources.onnx import onnx_model
from engine.compiler.sources.python import python_source
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.tape import Tape
from engine.compiler.tape.trace import trace
from engine.primitive import TABLE, Primitive
from engine.testing.strategies import SMOOTH

TINIEST = 5e-324
HOSTILE = [0.0, TINIEST, 0.3, 0.75, 1.0, 1.5, 2.5, 3.0, 40.0, 800.0, 1e17, 1e200, math.inf]
NUMBERS = [*HOSTILE, *(-x for x in HOSTILE), math.nan]
SIZE = len(NUMBERS)
# Every pair of them, with a third, a fourth and a fifth number that differ from pair to pair
POINTS = [
    [NUMBERS[k % SIZE] for k in (i, j, i + 7 * j + 3, 5 * i + 11 * j, 2 * i + j)]
    for i in range(SIZE)
    for j in range(SIZE)
]
ROWS = (*SMOOTH, *(TABLE[name] for name in ("select", "less", "less_equal", "greater", "greater_equal")))
Columns = Sequence[Sequence[float]]  # an output of all points each


class Case(NamedTuple):
    """What the engine says of a row: its value and its gradient, with room for an ulp of the inputs."""

    tape: Tape
    points: list[list[float]]
    expected: list[list[float]]
    room: list[list[float]]


def operands(row: Primitive) -> int:
    return len(row.partials) if row.gradient is None else 4


def value_and_slopes(row: Primitive) -> Callable[..., list[Any]]:
    def outputs(xs: Sequence[Any]) -> list[Any]:
        value, slopes = value_and_grad(row, tuple(range(operands(row))))(*xs[: operands(row)])
        return [value, *slopes]

    return outputs


@cache
def case(row: Primitive) -> Case:
    count = operands(row)
    names = [f"x{i}" for i in range(count)]
    tape = trace(value_and_slopes(row), names)
    places = tuple(range(count))

    def conditions(xs: Sequence[Any]) -> list[Any]:
        slopes = [grad(lambda *xs, k=k: value_and_slopes(row)(xs)[k], places)(*xs) for k in range(count + 1)]
        return [abs(x * slope) for each in slopes for x, slope in zip(xs, each, strict=True)]

    points = [point[:count] for point in (POINTS[:: SIZE + 1] if count == 1 else POINTS)]
    steep = simplified(trace(conditions, names))
    room = []
    for point in points:
        moved = [x if x < math.inf else 0.0 for x in steep.evaluate(point)]
        room.append([sum(moved[k * count : (k + 1) * count]) * math.ulp(1.0) for k in range(count + 1)])
    return Case(simplified(tape), points, [tape.evaluate(point) for point in points], room)


def agrees(got: float, expected: float, room: float) -> bool:
    if got != got or expected != expected or math.isinf(got) or math.isinf(expected):
        return got == expected or (got != got and expected != expected)
    if got == expected == 0.0:
        return math.copysign(1.0, got) == math.copysign(1.0, expected)
    return got == expected or abs(got - expected) <= 4.0 * math.ulp(expected) + room


# Targets: each gives the columns of all outputs


def in_python(namespace: str) -> Callable[[Primitive], Columns]:
    def run(row: Primitive) -> Columns:
        library = importlib.import_module(namespace)
        if namespace == "jax":
            library.config.update("jax_enable_x64", True)
        tape, points, *_ = case(row)
        names: dict[str, Any] = {}
        exec(python_source(tape, namespace), names)
        columns = names["f"](*np.array(points).T)
        return [np.broadcast_to(np.asarray(column), len(points)) for column in columns]

    return run


def in_onnx(row: Primitive) -> Columns:
    reference = importlib.import_module("onnx.reference")
    tape, points, *_ = case(row)
    layout = Layout(tuple(Block(1, True) for _ in tape.inputs), mapped=True)
    model = onnx_model(tape, layout, Results([0.0] * len(tape.outputs)))
    with np.errstate(all="ignore"):
        return reference.ReferenceEvaluator(model).run(
            None, {name: np.array([p[i] for p in points]) for i, name in enumerate(tape.inputs)}
        )


# Languages that have to be compiled or started: many rows at a time


def beside(row: Primitive) -> tuple[Primitive, ...]:
    """The rows that a row is computed with."""
    return ROWS if row in ROWS else (row,)


def tape_of(rows: Sequence[Primitive]) -> Tape:
    """All rows on one tape, one behind the other."""
    return trace(lambda xs: [y for row in rows for y in value_and_slopes(row)(xs)], "abcde")


def picked(row: Primitive, outputs: Sequence[Sequence[float]]) -> Columns:
    """The columns of a row among the outputs of all beside it at POINTS."""
    rows = beside(row)
    start = sum(operands(other) + 1 for other in rows[: rows.index(row)])
    step = SIZE + 1 if operands(row) == 1 else 1
    return [[y[start + k] for y in outputs[::step]] for k in range(operands(row) + 1)]


@cache
def from_c(rows: tuple[Primitive, ...]) -> Sequence[Sequence[float]]:
    tape = tape_of(rows)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.c"
        file.write_text(CFile(tape, "f").source())
        library = file.with_suffix(".so")
        flags = ["-O1", "-ffp-contract=off", "-shared", "-fPIC"]
        subprocess.run(["gcc", *flags, str(file), "-o", str(library), "-lm"], check=True)
        f = ctypes.CDLL(str(library)).f
        outputs = []
        for point in POINTS:
            y = (ctypes.c_double * len(tape.outputs))()
            f((ctypes.c_double * 5)(*point), y)
            outputs.append(list(y))
    return outputs


@cache
def from_javascript(rows: tuple[Primitive, ...]) -> Sequence[Sequence[float]]:
    points = json.dumps([[repr(x) for x in point] for point in POINTS]).replace("inf", "Infinity")
    script = f"""{javascript_source(tape_of(rows), "f")}
        const shown = (v) => Object.is(v, -0) ? "-0.0" : String(v).replace("Infinity", "inf");
        console.log(JSON.stringify({points}.map((point) => f(point.map(Number)).map(shown))));"""
    done = subprocess.run(["node", "-"], input=script, capture_output=True, text=True, check=True)
    return [[float(x) for x in row] for row in json.loads(done.stdout)]


TARGETS: dict[str, Callable[[Primitive], Columns]] = {
    "numpy": in_python("numpy"),
    "jax": in_python("jax"),
    "torch": in_python("torch"),
    "onnx": in_onnx,
    "c": lambda row: picked(row, from_c(beside(row))),
    "javascript": lambda row: picked(row, from_javascript(beside(row))),
}


# What a target cannot do, whatever we write
LIMITS: dict[str, Callable[[Primitive, Sequence[float], float], bool]] = {
    # XLA takes subnormal numbers on a CPU for 0
    "jax": lambda row, point, y: any(0.0 < abs(x) < sys.float_info.min for x in (*point, y)),
    # torch.fmod may give nan for a subnormal divisor
    "torch": lambda row, point, y: row is TABLE["remainder"] and abs(point[1]) == TINIEST,
}


PROGRAMS = {"c": "gcc", "javascript": "node"}  # all others are run by a library of their name


def need(target: str) -> None:
    """Skips a test where a target cannot be run."""
    if target not in PROGRAMS:
        pytest.importorskip(target)
    elif shutil.which(PROGRAMS[target]) is None:
        pytest.skip(f"{PROGRAMS[target]} is not installed")


def wrong(target: str, row: Primitive) -> list[str]:
    """Where a target differs from the engine."""
    _, points, expected, room = case(row)
    columns = TARGETS[target](row)
    return [
        f"output {k} at {point}: {float(got)!r}, not {ys[k]!r}"
        for k, column in enumerate(columns)
        for point, got, ys, rs in zip(points, column, expected, room, strict=True)
        if not agrees(float(got), ys[k], rs[k])
        and not (target in LIMITS and LIMITS[target](row, point, ys[k]))
    ]
