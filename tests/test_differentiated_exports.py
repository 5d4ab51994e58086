"""What to_python wrote, differentiated by JAX and PyTorch: the engine's derivatives, to the edges."""

import importlib.util
import math

import numpy as np
import pytest
from targets import agrees

import engine
from engine import clamp, gelu, grad, hypot, jit, log, mish, sigmoid, softmax, softplus, sqrt, tanh, where
from engine.compiler.errors import Untranslatable

HOSTILE = [
    0.0,
    -0.0,
    0.3,
    -1.5,
    40.0,
    -40.0,
    800.0,
    -800.0,
    1e17,
    1e200,
    -1e200,
    math.inf,
    -math.inf,
    math.nan,
]
FUNCTIONS = {
    "softplus": lambda x: softplus(x),
    "sigmoid": lambda x: sigmoid(x),
    "gelu": lambda x: gelu(x),
    "tanh": lambda x: tanh(x),
    "mish": lambda x: mish(x),
    "log": lambda x: log(x),
    "sqrt": lambda x: sqrt(x),
    "hypot": lambda x: hypot(x, 1.0),
    "cube": lambda x: x**3,
    "power": lambda x: x**2.5,
    "softmax": lambda x: softmax([x, 1.0, 2.0])[0],
    "clamp": lambda x: clamp(x, -1.0, 1.0),
    "joint": lambda x: softplus(x) * sigmoid(x) + tanh(x) / (1.0 + x * x),
}
by_function = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)


def run(source):
    names = {}
    exec(compile(source, "generated", "exec"), names)
    return names["f"]


def slopes_of_jax(f, order, points):
    jax = importlib.import_module("jax")
    jax.config.update("jax_enable_x64", True)
    for _ in range(order):
        f = jax.grad(f)
    return jax.jit(jax.vmap(f))(np.array(points)).tolist()


def slopes_of_torch(f, order, points):
    torch = importlib.import_module("torch")
    x = torch.tensor(points, dtype=torch.float64, requires_grad=True)
    y = f(x)
    for _ in range(order):
        (y,) = torch.autograd.grad(y.sum(), x, create_graph=True, materialize_grads=True)
    return y.tolist()


LIBRARIES = {"jax": slopes_of_jax, "torch": slopes_of_torch}
MISSING = {
    name: pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"no {name}")
    for name in LIBRARIES
}
by_library = pytest.mark.parametrize(
    "library", [pytest.param(name, marks=MISSING[name]) for name in LIBRARIES]
)


@by_function
@by_library
def test_first_derivatives_at_hostile_points_are_the_engines(library, f):
    slopes = LIBRARIES[library](run(jit(f).to_python(library)), 1, HOSTILE)
    for x, slope in zip(HOSTILE, slopes, strict=True):
        expected = grad(f)(x)
        assert agrees(slope, expected, 16.0 * math.ulp(expected)) or slope == expected == 0.0, x


@by_function
@by_library
def test_second_derivatives_are_the_engines(library, f):
    points = [0.3, -1.5, 2.0, 40.0, 700.0]
    slopes = LIBRARIES[library](run(jit(f).to_python(library)), 2, points)
    expected = [grad(grad(f))(x) for x in points]
    np.testing.assert_allclose(slopes, expected, 1e-13, 1e-15)


@by_library
def test_an_exported_gradient_can_be_differentiated(library):
    f = run(jit(grad(lambda x: gelu(x))).to_python(library))
    expected = [grad(grad(gelu))(x) for x in (0.0, 1.5, 800.0)]
    assert LIBRARIES[library](f, 1, [0.0, 1.5, 800.0]) == pytest.approx(expected, rel=1e-14)


@by_library
def test_what_would_take_functions_without_end_is_refused_where_it_is_asked(library):
    cube = run(jit(lambda x: x**3).to_python(library))
    assert LIBRARIES[library](cube, 3, [2.0]) == pytest.approx([6.0], rel=1e-14)
    f = run(jit(lambda x: x**2.5).to_python(library))
    assert LIBRARIES[library](f, 2, [4.0]) == pytest.approx([7.5], rel=1e-14)
    with pytest.raises(NotImplementedError, match="write out the function's own derivative"):
        LIBRARIES[library](f, 3, [2.0])


def test_a_lowered_row_is_one_function_of_its_name_however_often_it_is_used():
    source = jit(lambda x, y: softplus(x) * softplus(y) + where(x > y, gelu(x), 0.5)).to_python("numpy")
    assert source.count("def softplus(x):") == source.count("def gelu(x):") == 1
    assert "softplus(x) * softplus(y) + numpy.where(x > y, gelu(x), 0.5)" in source


def test_conditions_are_written_as_such():
    source = jit(lambda x: where(x > 1.0, sigmoid(x), 2.0)).to_python("numpy")
    assert "numpy.where((x > -700.0) | ~(x <= x), 1.0 / (1.0 + numpy.exp(-x)), numpy.exp(x))" in source


@pytest.mark.parametrize("library", ["numpy", "jax", "torch"])
def test_single_precision_is_that_of_arguments_and_results(library):
    module = pytest.importorskip(library)
    if library == "jax":
        module.config.update("jax_enable_x64", True)
    f = run(jit(lambda x: (softplus(x), 2.0 * x), dtype="float32").to_python(library))
    results = f(np.array([0.1, 3.0]))
    assert all(str(result.dtype).endswith("float32") for result in results)
    assert float(results[0][0]) == np.float32(softplus(float(np.float32(0.1))))


def test_math_has_no_single_precision():
    with pytest.raises(ValueError, match="math has no float32"):
        jit(lambda x: softplus(x), dtype="float32").to_python("math")


def test_jax_without_double_precision_is_refused():
    jax = pytest.importorskip("jax")
    f = run(jit(lambda x: softplus(x)).to_python("jax"))
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(TypeError, match="jax_enable_x64"):
            f(1.0)
    finally:
        jax.config.update("jax_enable_x64", True)


def test_constants_of_both_arms_keep_their_precision_in_torch():
    importlib.import_module("torch") if importlib.util.find_spec("torch") else pytest.skip("no torch")
    f = run(jit(lambda x: where(x > 0.0, 0.1, 0.3)).to_python("torch"))
    assert [float(f(1.0)), float(f(-1.0))] == [0.1, 0.3]


def test_names_of_helpers_give_way_to_parameters_and_to_the_function():
    f = jit(lambda softplus, sum: engine.softplus(softplus) * sum)  # noqa: A006
    g = {}
    exec(f.to_python("numpy", "sigmoid"), g)
    assert g["sigmoid"](1.0, 2.0) == 2.0 * softplus(1.0)


def test_many_terms_are_one_sum():
    f = jit(lambda x: engine.sum([x * float(i) for i in range(3000)]))
    assert run(f.to_python("numpy"))(2.0) == 2.0 * sum(range(3000))


def test_a_row_without_a_kernel_is_refused_with_its_reason():
    twice = engine.custom(lambda x: 2.0 * x, lambda x: 2.0, name="twice")
    with pytest.raises(Untranslatable, match=r"torch lacks 1 .*: twice \(a Python function of yours\)"):
        jit(lambda x: twice(softplus(x))).to_python("torch")
