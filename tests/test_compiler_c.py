"""C: gcc -O2 -ffp-contract=off gives the interpreted engine's bits."""

import ctypes
import math
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import numpy
import pytest
from alike import GOLDEN, ROWS, SPECIAL, arity, bits, golden, same, within
from drawn import as_the_engine, batch, batches, together
from hypothesis import given, settings

from engine import exp, gelu, sin, softplus, value_and_grad
from engine.compiler import TracingError, Untranslatable, jit
from engine.compiler.sources.c import CFile
from engine.compiler.tape.passes import simplified
from engine.compiler.tape.trace import trace
from engine.primitive import custom

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
FLAGS = [*STRICT, "-O2", "-ffp-contract=off", "-shared", "-fPIC"]


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], ctypes.CDLL]:
    folder = tmp_path_factory.mktemp("c")

    def build(source: str) -> ctypes.CDLL:
        file = folder / f"{len(list(folder.iterdir()))}.c"
        file.write_text(source, encoding="ascii")
        library = file.with_suffix(".so")
        subprocess.run(["gcc", *FLAGS, str(file), "-o", str(library), "-lm"], check=True)
        return ctypes.CDLL(str(library))

    return build


def outputs(library: ctypes.CDLL, name: str, xs: Sequence[float], count: int) -> list[float]:
    y = (ctypes.c_double * count)()
    library[name]((ctypes.c_double * len(xs))(*xs), y)
    return list(y)


@settings(max_examples=batches())
@given(batch())
def test_random_expressions_and_their_gradients_have_the_engines_bits(compiled, drawn):
    traced, point, expected = together(drawn)
    tape = simplified(traced)
    results = traced.evaluate(point)
    assert as_the_engine(drawn, results, expected)
    assert same(tape.evaluate(point), results)
    library = compiled(CFile(tape, "f").source())
    assert same(outputs(library, "f", point, len(results)), results)


def test_every_kernel_has_the_engines_bits_also_at_the_edges(compiled):
    tape = trace(lambda xs: [row(*xs[: arity(row)]) for row in ROWS], "abcde")
    library = compiled(CFile(tape, "f").source())
    for a in SPECIAL:
        for b in SPECIAL:
            for rest in ([0.25, 3.0, -2.0], [math.nan, -0.0, 1.0], [-math.inf, math.inf, 0.5]):
                point = [a, b, *rest]
                expected, got = tape.evaluate(point), outputs(library, "f", point, len(ROWS))
                wrong = [r.name for r, x, y in zip(ROWS, expected, got, strict=True) if bits(x) != bits(y)]
                assert not wrong, point


def test_the_golden_file_comes_out_of_compiled_code(compiled):
    names = {name: i for i, name in enumerate(GOLDEN)}

    def everything(xs: Sequence[Any]) -> list[Any]:
        results = []
        for name, op in GOLDEN.items():
            n = op["arity"]
            value, gradient = value_and_grad(golden(name), tuple(range(n)))(*xs[:n])
            results += [value, *gradient, 0.0][:3]
        return results

    library = compiled(CFile(simplified(trace(everything, "xyz")), "f").source())
    for name, op in GOLDEN.items():
        for point in op["points"]:
            numbers = [None if x is None else float.fromhex(x) for x in point]
            got = outputs(library, "f", [*numbers[: op["arity"]], 0.5, 0.5][:3], 3 * len(names))
            start, expected = 3 * names[name], numbers[op["arity"] :]
            assert within(got[start], expected[0], 3.0), (name, point)
            for i in range(min(2, op["arity"])):
                assert within(got[start + 1 + i], expected[1 + i], 4.0), (name, point)


def test_one_file_holds_the_value_and_the_gradient(compiled):
    source = jit(lambda x, y: x * sin(y)).to_c("wave")
    library = compiled(source)
    library.wave_gradient.restype = ctypes.c_double
    gradient = (ctypes.c_double * 2)()
    value = library.wave_gradient((ctypes.c_double * 2)(2.0, 0.5), gradient)
    assert [value, *gradient] == [2.0 * math.sin(0.5), math.sin(0.5), 2.0 * math.cos(0.5)]
    assert outputs(library, "wave", [2.0, 0.5], 1) == [value]
    assert {line for line in source.splitlines() if line.startswith("#")} == {
        "#include <math.h>",
        "#include <stdlib.h>",
    }


@pytest.mark.parametrize("number", [0.1, 5e-324, -0.0, math.inf, -math.inf, math.nan, -1e308, 2.0**-1022])
def test_constants_survive_to_the_bit(compiled, number):
    tape = trace(lambda xs: [number, xs[0] + number], "x")
    assert same(outputs(compiled(CFile(tape, "f").source()), "f", [0.0], 2), [number, 0.0 + number])


HOSTILE = ['x; system("id"); //', "int", "", "1x", "naïve", "a" * 100_000, "x*/ evil /*", "main", "double"]


@pytest.mark.parametrize(
    "name", [*HOSTILE, "a-b", "_f", "gamma", "malloc", "expf", "template", "printf", "f\n"]
)
def test_a_name_that_no_function_of_c_can_have_is_refused(name):
    with pytest.raises(ValueError, match="got .{0,60}$|choose another name") as caught:
        jit(lambda x: sin(x) * 2.0).to_c(name)
    assert len(str(caught.value)) < 200
    with pytest.raises(TypeError, match="is a str, got int"):
        jit(lambda x: sin(x) * 2.0).to_c(3)


def walk(x, y):
    for _ in range(600):
        x, y = x * 0.5 + sin(y), y + x * 0.01
    return x * y


def test_long_tapes_are_cut_into_functions_that_hand_on_their_results(compiled):
    expected = value_and_grad(walk, (0, 1))(0.3, 0.7)
    f = jit(value_and_grad(walk, (0, 1)))
    source = f.to_c("f")
    assert source.count("static void f_") > 5
    assert same(outputs(compiled(source), "f", [0.3, 0.7], 3), [expected[0], *expected[1]])


@pytest.mark.parametrize("storage", ["heap", "static", "caller"])
def test_the_caller_chooses_where_long_functions_keep_their_numbers(compiled, storage):
    f = jit(walk)
    source, header = f.to_c("f", storage=storage), f.to_c_header("f", storage=storage)
    assert ("malloc" in source) == (storage == "heap")
    assert ("f_work" in header) == ("*work" in source) == (storage == "caller")
    library = compiled(source)
    library.f_gradient.restype = ctypes.c_double
    gradient, work = (ctypes.c_double * 2)(), (ctypes.c_double * 5_000)()
    value = library.f_gradient((ctypes.c_double * 2)(0.3, 0.7), gradient, work)
    expected = value_and_grad(walk, (0, 1))(0.3, 0.7)
    assert same([value, *gradient], [expected[0], *expected[1]])
    y = ctypes.c_double()
    library.f((ctypes.c_double * 2)(0.3, 0.7), ctypes.byref(y), work)
    assert y.value == value


def test_a_storage_that_does_not_exist_is_refused():
    for export in (jit(walk).to_c, jit(walk).to_c_header):
        with pytest.raises(ValueError, match="heap, static, caller, got 'stack'"):
            export("f", storage="stack")


MAIN = """
#include <stdio.h>
#include "wave.h"
#include "walk.h"
int main(void) {
    double x[wave_inputs] = {0.3, 0.7}, y[wave_outputs], gradient[wave_inputs], work[walk_work];
    wave(x, y);
    printf("%a\\n", y[0]);
    printf("%a\\n", walk_gradient(x, gradient, work));
    printf("%a\\n", gradient[1]);
    return 0;
}
"""


@pytest.mark.parametrize("together", [False, True], ids=["two files", "one file"])
@pytest.mark.parametrize("language", ["c", "c++"])
def test_two_functions_go_into_one_program(tmp_path, language, together):
    if shutil.which({"c": "gcc", "c++": "g++"}[language]) is None:
        pytest.skip("g++ is not installed")
    wave, long = jit(lambda x, y: gelu(x) * exp(y) + softplus(x)), jit(walk)
    sources = [wave.to_c("wave"), long.to_c("walk", storage="caller")]
    files = [tmp_path / "wave.c", tmp_path / "walk.c"]
    (tmp_path / "wave.h").write_text(wave.to_c_header("wave"))
    (tmp_path / "walk.h").write_text(long.to_c_header("walk", storage="caller"))
    for file, source in zip(files, ["".join(sources), ""] if together else sources, strict=True):
        file.write_text(source)
    objects = [str(file.with_suffix(".o")) for file in files[: 1 if together else 2]]
    flags = [*STRICT, "-O2", "-ffp-contract=off"]
    for file in objects:
        subprocess.run(["gcc", *flags, "-c", file[:-1] + "c", "-o", file], check=True)
    main, program = tmp_path / f"main.{language.replace('+', 'p')}", tmp_path / "program"
    main.write_text(MAIN)
    compiler = ["gcc", *flags] if language == "c" else ["g++", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run([*compiler, str(main), *objects, "-o", str(program), "-lm"], check=True)
    lines = subprocess.run([str(program)], capture_output=True, text=True, check=True).stdout.split()
    value, gradient = value_and_grad(walk, (0, 1))(0.3, 0.7)
    assert same(list(map(float.fromhex, lines)), [wave.f(0.3, 0.7), value, gradient[1]])


def test_float32_is_rounded_as_the_machine_code_does(compiled):
    def f(x, y):
        return gelu(x) * exp(y) + softplus(x) / 3.0 - 0.1 * y

    single = jit(f, dtype="float32")
    source = single.to_c("f")
    assert "void f(const float *x, float *y)" in single.to_c_header("f")
    library = compiled(source)
    library.f_gradient.restype = ctypes.c_float
    for point in ((0.3, 0.7), (-2.0, 1e-3), (1e38, -1e38), (math.nan, 0.1)):
        x, y, gradient = (ctypes.c_float * 2)(*point), (ctypes.c_float * 1)(), (ctypes.c_float * 2)()
        library.f(x, y)
        assert same(list(y), [float(single(*map(numpy.float32, point)))])
        assert same([library.f_gradient(x, gradient)], list(y))


def test_an_operation_without_a_kernel_is_named():
    twice = custom(lambda x: 2.0 * x, lambda x: 2.0, name="twice")
    thrice = custom(lambda x: 3.0 * x, lambda x: 3.0, name="thrice")
    with pytest.raises(Untranslatable, match="twice.*thrice"):
        jit(lambda x: twice(x) + thrice(x)).to_c("f")


def test_there_is_no_source_of_what_cannot_be_traced():
    with pytest.raises(TracingError, match="engine.where"):
        jit(lambda x: x.item()).to_c("f")
    with pytest.raises(TypeError, match=r"call <compiled .*> first.*x if x > 0"):
        jit(lambda x: x if x > 0.0 else -x).to_c("f")
