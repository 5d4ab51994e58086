"""`to_jax` and `to_torch`: functions in the structure of the compiled one, for transforms of those."""

import importlib.util
import sys
from typing import NamedTuple

import numpy as np
import pytest

import engine
from engine import gelu, grad, hessian, jit, softplus, tanh, value_and_grad, vmap

HAS = {name: importlib.util.find_spec(name) is not None for name in ("jax", "torch")}
needs_jax = pytest.mark.skipif(not HAS["jax"], reason="jax is not installed")
needs_torch = pytest.mark.skipif(not HAS["torch"], reason="torch is not installed")
RNG = np.random.default_rng(0)
W = {"hidden": RNG.normal(size=(4, 3)), "out": [RNG.normal(size=4), 0.5]}
X, Y = RNG.normal(size=(6, 3)), np.sign(RNG.normal(size=6))


class Loss(NamedTuple):
    value: object
    hidden: object


def network(w, x, y):
    hidden = np.array([tanh(engine.dot(row, x)) for row in w["hidden"]])
    weights, bias = w["out"]
    return Loss(softplus(-y * (engine.dot(weights, hidden) + bias)), hidden)


def loss(w, x, y):
    return network(w, x, y).value


def compiled(f, *args):
    """f under jit, called once; and what it returned."""
    made = jit(f)
    return made, made(*args)


def flat(tree):
    return np.array(engine.trees.Tree(tree).scalars)


def jax():
    module = importlib.import_module("jax")
    module.config.update("jax_enable_x64", True)
    return module


def leaves(tree):
    """All numbers of a tree of JAX or PyTorch, in its order, which is ours."""
    parts = [part for part, split in engine.trees.walk(tree) if split is None]
    return np.concatenate([np.ravel(np.asarray(part)) for part in parts])


def in_torch(tree):
    torch = importlib.import_module("torch")
    pieces = engine.trees.Tree(tree)
    arrays = (np.array(piece.scalars, dtype=float).reshape(piece.shape or ()) for piece in pieces.pieces)
    return pieces.assemble(list(map(torch.tensor, arrays)))


@needs_jax
def test_jax_gets_the_structure_of_arguments_and_results():
    f, expected = compiled(network, W, X[0], Y[0])
    found = jax().jit(f.to_jax())(W, X[0], Y[0])
    assert type(found) is Loss
    assert found.hidden.shape == (4,)
    np.testing.assert_allclose(leaves(found), flat(expected), 1e-14)


@needs_jax
def test_jax_differentiates_it_to_every_part_of_an_argument():
    f, _ = compiled(loss, W, X[0], Y[0])
    gradient = jax().grad(f.to_jax())(W, X[0], Y[0])
    assert gradient["hidden"].shape == (4, 3)
    np.testing.assert_allclose(leaves(gradient), flat(grad(loss)(W, X[0], Y[0])), 1e-12)


@needs_jax
def test_second_derivatives_in_jax_are_the_engines():
    f, _ = compiled(lambda p: gelu(p[0] * p[1]) + p[0] ** 2, [0.3, -2.0])
    np.testing.assert_allclose(
        leaves(jax().hessian(f.to_jax())([0.3, -2.0])), flat(hessian(f)([0.3, -2.0])), 1e-13
    )


@needs_jax
@pytest.mark.parametrize("reduce", ["mean", "sum", None])
def test_a_mapped_function_is_mapped_in_jax(reduce):
    f, expected = compiled(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce=reduce), W, X, Y)
    found = jax().jit(f.to_jax())(W, X, Y)
    np.testing.assert_allclose(leaves(found), flat(expected), 1e-12, 1e-15)


@needs_jax
def test_axes_are_those_of_vmap():
    f, expected = compiled(
        vmap(lambda d, c: d["a"] * c, in_axes=({"a": 1}, None), out_axes=1), {"a": X.T}, 2.0
    )
    np.testing.assert_allclose(f.to_jax()({"a": X.T}, 2.0), expected)


@needs_torch
def test_torch_differentiates_it_to_every_part_of_an_argument():
    torch = importlib.import_module("torch")
    f, expected = compiled(network, W, X[0], Y[0])
    w, x, y = in_torch(W), in_torch(X[0]), in_torch(Y[0])
    np.testing.assert_allclose(leaves(f.to_torch()(w, x, y)), flat(expected), 1e-14)
    scalar, _ = compiled(loss, W, X[0], Y[0])
    gradient = torch.func.grad(scalar.to_torch())(w, x, y)
    np.testing.assert_allclose(leaves(gradient), flat(grad(loss)(W, X[0], Y[0])), 1e-12)
    w["hidden"].requires_grad_()
    scalar.to_torch()(w, x, y).backward()
    np.testing.assert_allclose(w["hidden"].grad, gradient["hidden"])


@needs_torch
@pytest.mark.parametrize("reduce", ["mean", None])
def test_a_mapped_function_is_mapped_in_torch(reduce):
    f, expected = compiled(vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce=reduce), W, X, Y)
    found = f.to_torch()(in_torch(W), in_torch(X), in_torch(Y))
    np.testing.assert_allclose(leaves(found), flat(expected), 1e-12, 1e-15)


@pytest.mark.parametrize("library", [name for name in HAS if HAS[name]])
def test_static_arguments_are_part_of_the_function(library):
    jax() if library == "jax" else None
    f = jit(vmap(lambda x, n, y: x**n * y, in_axes=(0, None, None)), static_argnums=1)
    expected = f(X[:, 0], 3, 2.0)
    args = in_torch([X[:, 0], 2.0]) if library == "torch" else [X[:, 0], 2.0]
    found = getattr(f, f"to_{library}")()(*args)
    np.testing.assert_allclose(np.asarray(found), expected, 1e-14)


@pytest.mark.parametrize("library", [name for name in HAS if HAS[name]])
def test_another_count_of_numbers_is_refused(library):
    f, _ = compiled(loss, W, X[0], Y[0])
    jax() if library == "jax" else None
    with pytest.raises(ValueError, match="compiled for 3 numbers in x, got 4"):
        getattr(f, f"to_{library}")()(W, np.ones(4), 1.0)


@pytest.mark.parametrize("library", HAS)
def test_a_missing_library_is_named(library, monkeypatch):
    f, _ = compiled(softplus, 1.0)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=f"to_{library} needs {library}: pip install {library}"):
        getattr(f, f"to_{library}")()
