"""Loops over examples in registers: which tapes, what is kept in memory, the same bits on every machine."""

import importlib.util

import numpy as np
import pytest
from test_mapped_bits import DIGESTS, LOSSES, WAYS, digest

import engine
from engine import dot, relu, square, tanh, value_and_grad, vmap
from engine import sum as total
from engine.compiler import jit
from engine.compiler.backend import Block, Layout
from engine.compiler.llvm import nest_function
from engine.compiler.llvm.nest_function import best_tile
from engine.compiler.llvm.nests import Nests
from engine.compiler.llvm.regions import LANES, SUMS, Regions
from engine.compiler.loops.roller import rolled
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.trace import trace

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("llvmlite") is None, reason="llvmlite is not installed"
)


def nests_of(f, parameters, inputs, reduce="sum"):
    """Of a function and its gradient to the parameters, over examples of so many inputs."""

    def flat(xs):
        value, slopes = value_and_grad(f)(list(xs[:parameters]), list(xs[parameters:]))
        return [value, *slopes]

    tape = simplified(trace(flat, [f"x{i}" for i in range(parameters + inputs)]))
    layout = Layout((Block(parameters, False), Block(inputs, True)), True, reduce)
    return Nests(Regions(rolled(tape), layout))


def layer(w, x):
    return [dot(w[i : i + len(x)], x) for i in range(0, len(w), len(x))]


def network(activation):
    return lambda w, x: total([square(activation(z)) for z in layer(w, x)])


def valley(w, x):
    return total([square(a * b - square(a)) * b + square(a - 1.0) for a, b in zip(w, x, strict=True)])


def names(nests):
    return [[each.loop.primitive.name for each in nest.statements] for nest in nests.nests]


def stored(nests):
    return [each.loop.primitive.name for each in nests.statements if each.is_stored]


def test_a_layer_is_one_nest_and_its_sums_stay_in_registers():
    nests = nests_of(network(relu), 24 * 16, 16)
    assert names(nests)[0][:2] == ["sum", "relu"]
    assert "sum" not in stored(nests)
    assert nests.pays


def test_gradients_are_summed_over_the_examples_and_never_stored():
    nests = nests_of(network(relu), 24 * 16, 16)
    sums = [each for each in nests.statements if each.summed]
    assert sum(each.loop.rows * each.loop.columns for each in sums) == 1 + 24 * 16
    assert nests.regions.counts[SUMS] == 1 + 24 * 16
    assert nests.regions.counts[LANES] < 24 * 16


def test_results_for_each_example_are_stored():
    nests = nests_of(network(relu), 24 * 16, 16, reduce=None)
    assert not any(each.summed for each in nests.statements)
    assert nests.regions.counts[LANES] >= 1 + 24 * 16


def test_a_function_and_its_slope_are_computed_together():
    assert ["tanh", "sech2"] in [nest[:2] for nest in names(nests_of(network(tanh), 24 * 16, 16))]


def test_a_tape_that_reads_all_once_is_not_for_nests():
    assert not nests_of(valley, 50, 50).pays


@pytest.mark.parametrize("registers", [2, 5, 16])
def test_tiles_hold_no_more_sums_than_there_are_registers(registers, monkeypatch):
    monkeypatch.setattr(nest_function, "accumulators", lambda: registers)
    sizes = [best_tile(nest) for nest in nests_of(network(relu), 24 * 16, 16).nests]
    assert max(rows * columns for rows, columns in sizes) == registers


@pytest.mark.parametrize("registers", [2, 5])
@pytest.mark.parametrize("loss", ["wide network", "attention"])
def test_tiles_of_any_size_give_the_same_bits(loss, registers, monkeypatch):
    monkeypatch.setattr(nest_function, "accumulators", lambda: registers)
    for way in WAYS:
        assert digest(loss, way) == DIGESTS[f"{loss}, {way}"]


def test_blocks_of_any_length_give_the_same_bits(monkeypatch):
    monkeypatch.setattr("engine.compiler.llvm.memory.GROUPS", 3)
    for loss in list(LOSSES)[:4]:
        assert digest(loss, "sum of 4,200") == DIGESTS[f"{loss}, sum of 4,200"]


LISTS = {
    "mean": lambda hs: square(engine.mean([tanh(h) for h in hs])),
    "logsumexp": engine.logsumexp,
    "softmax": lambda hs: total([square(h) for h in engine.softmax(hs)]),
    "max": engine.max,
    "norm": engine.norm,
    "prod": engine.prod,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", LISTS)
def test_rows_of_lists_have_the_bits_of_code_without_loops(row, dtype, monkeypatch):
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=72).astype(dtype), rng.normal(size=(37, 9)).astype(dtype)

    def results(worth):
        monkeypatch.setattr("engine.compiler.llvm.nests.WORTH", worth)
        monkeypatch.setattr("engine.compiler.llvm.nests.SHARE", 1e9)
        f = value_and_grad(lambda w, x: LISTS[row](layer(list(w), list(x))))
        return jit(vmap(f, in_axes=(None, 0), reduce="sum"), dtype=dtype)(w, x)

    (value, slopes), (expected, wanted) = results(0), results(10**9)
    assert value == expected
    assert np.array_equal(slopes, wanted)


def test_inputs_and_constants_may_be_results_of_each_example():
    f = jit(vmap(lambda w, x: [layer(list(w), list(x)), list(x), w[0], 2.5], in_axes=(None, 0)))
    w, x = np.random.default_rng(0).normal(size=(24 * 16,)), np.random.default_rng(1).normal(size=(21, 16))
    y, again, first, number = f(w, x)
    np.testing.assert_allclose(np.array(y).T, x @ w.reshape(24, 16).T, rtol=1e-12)
    assert np.array_equal(np.array(again).T, x)
    assert np.array_equal(first, np.full(21, w[0]))
    assert np.array_equal(number, np.full(21, 2.5))
