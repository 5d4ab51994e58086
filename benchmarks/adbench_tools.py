"""The objectives of ADBench in each tool, the best way we know: a gradient, and the blocks of a Jacobian.

For each a tool makes a step without arguments, on data that it holds in arrays of its own.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from itertools import chain
from operator import mul
from types import SimpleNamespace
from typing import Any

import adbench_objectives as ad
import numpy as np
from adbench_objectives import Mixture, Scene

import engine
from engine import jacobian, value_and_grad, vjp, vmap
from engine.compiler import jit

Step = Callable[[], Any]


def dot(xs: Sequence[Any], ys: Sequence[Any]) -> Any:
    return sum(map(mul, xs, ys))


class Ours:
    name = "chainrule"
    needs = "llvmlite"

    @staticmethod
    def mixture(theta: Mixture, x: Any) -> Step:
        """What the parameters alone decide is computed once; vjp takes the gradient on from there."""

        def shared(theta: Sequence[Any]) -> Any:
            return [np.array(part) for part in ad.triangles(engine, Mixture(*theta))]

        def own(theta: Sequence[Any]) -> Any:
            return ad.prior(engine, Mixture(*theta), len(x))

        def rest(theta: Sequence[Any], slopes: Any) -> Any:
            value, gradient = value_and_grad(own)(theta)
            (carried,) = vjp(shared, theta)[1](slopes)
            return value, [a + b for a, b in zip(gradient, carried, strict=True)]

        before, after = jit(shared), jit(rest)
        one = value_and_grad(lambda shared, x: ad.example(engine, shared, x))
        examples = jit(vmap(one, in_axes=(None, 0), reduce="sum"))

        parameters = list(theta)

        def step() -> Any:
            value, slopes = examples(before(parameters), x)
            more, gradient = after(parameters, slopes)
            return value + more, gradient

        return step

    @staticmethod
    def scene(scene: Scene) -> Step:
        def block(camera: Any, point: Any, weight: Any, seen: Any) -> Any:
            def errors(v: Any) -> Any:
                return np.array(ad.residual(engine, v, seen))

            v = np.concatenate([camera, point, [weight]])
            return errors(v), jacobian(errors)(v)

        blocks = jit(vmap(block))

        def step() -> Any:
            cameras, points = scene.cameras.take(scene.camera, 0), scene.points.take(scene.point, 0)
            return blocks(cameras, points, scene.weights, scene.seen)

        return step


class PyTorch:
    name = "PyTorch"
    needs = "torch"

    @staticmethod
    def mixture(theta: Mixture, x: Any) -> Step:
        import torch

        torch.set_num_threads(1)
        parameters = Mixture(*(torch.tensor(part, requires_grad=True) for part in theta))
        d, x = theta.means.shape[1], torch.tensor(x)
        below = (slice(None), *map(torch.tensor, np.tril_indices(d, -1)))

        def step() -> Any:
            q = torch.diag_embed(torch.exp(parameters.logs))
            q[below] = parameters.lower
            value = ad.matrix_likelihood(torch, parameters, q, x)
            return value.detach(), torch.autograd.grad(value, parameters)

        return step

    @staticmethod
    def scene(scene: Scene) -> Step:
        """Every observation has numbers of its own: two sweeps are the rows of all blocks."""
        import torch

        torch.set_num_threads(1)
        data = Scene(*map(torch.tensor, scene))

        def step() -> Any:
            columns = data.cameras[data.camera], data.points[data.point], data.weights[:, None]
            v = torch.cat(columns, dim=1).requires_grad_()
            errors = ad.matrix_residuals(torch, v, data.seen)
            first, second = errors[:, 0].sum(), errors[:, 1].sum()
            rows = [*torch.autograd.grad(first, v, retain_graph=True), *torch.autograd.grad(second, v)]
            return errors.detach(), torch.stack(rows, dim=1)

        return step


class Jax:
    name = "JAX"
    needs = "jax"

    @staticmethod
    def mixture(theta: Mixture, x: Any) -> Step:
        import jax

        jax.config.update("jax_enable_x64", True)
        lib = SimpleNamespace(einsum=jax.numpy.einsum, logsumexp=jax.nn.logsumexp)
        d = theta.means.shape[1]
        below = (slice(None), *np.tril_indices(d, -1))

        def likelihood(theta: Mixture, x: Any) -> Any:
            q = jax.numpy.exp(theta.logs)[:, :, None] * jax.numpy.eye(d)
            return ad.matrix_likelihood(lib, theta, q.at[below].set(theta.lower), x)

        compiled = jax.jit(jax.value_and_grad(likelihood))
        data = jax.device_put((theta, x))
        return lambda: jax.block_until_ready(compiled(*data))

    @staticmethod
    def scene(scene: Scene) -> Step:
        import jax

        jax.config.update("jax_enable_x64", True)
        names = jax.numpy
        lib = SimpleNamespace(sqrt=names.sqrt, sin=names.sin, cos=names.cos, dot=dot)

        def errors(v: Any, seen: Any) -> Any:
            return names.stack(ad.residual(lib, v, seen))

        def blocks(scene: Scene) -> Any:
            columns = scene.cameras[scene.camera], scene.points[scene.point], scene.weights[:, None]
            v = names.concatenate(columns, axis=1)
            return jax.vmap(errors)(v, scene.seen), jax.vmap(jax.jacrev(errors))(v, scene.seen)

        compiled, data = jax.jit(blocks), jax.device_put(scene)
        return lambda: jax.block_until_ready(compiled(data))


class CasADi:
    """Expressions of scalars for one example, mapped over all; a graph of matrices around them."""

    name = "CasADi"
    needs = "casadi"

    @staticmethod
    def mixture(theta: Mixture, x: Any) -> Step:
        import casadi

        lib = SimpleNamespace(exp=casadi.exp, sum=sum, dot=dot)
        lib.logsumexp = lambda xs: casadi.logsumexp(casadi.vertcat(*xs))
        flat = casadi.SX.sym("theta", sum(part.size for part in theta))
        symbols = Mixture(*nested(casadi.vertsplit(flat), [part.shape for part in theta]))
        tops, rows, shifts = ad.triangles(lib, symbols)
        shared = casadi.vertcat(*tops, *chain(*rows, *shifts))
        before = casadi.Function("before", [flat], [shared])

        inner, point = casadi.SX.sym("shared", *shared.shape), casadi.SX.sym("x", x.shape[1])
        shapes = [(len(tops),), (len(tops), len(rows[0])), (len(tops), len(shifts[0]))]
        value = ad.example(lib, nested(casadi.vertsplit(inner), shapes), casadi.vertsplit(point))
        one = casadi.Function("one", [inner, point], [value, casadi.gradient(value, inner)])
        examples = one.map(
            "examples", "serial", len(x), [0], [0, 1]
        )  # the parameters stay, results are added

        more = ad.prior(lib, symbols, len(x))
        gradient = casadi.gradient(more, flat) + casadi.jtimes(shared, flat, inner, True)
        after = casadi.Function("after", [flat, inner], [more, gradient])
        given, points = casadi.DM(np.concatenate([part.ravel() for part in theta])), casadi.DM(x.T)

        def step() -> Any:
            value, slopes = examples(before(given), points)
            more, gradient = after(given, slopes)
            return value + more, [gradient]

        return step

    @staticmethod
    def scene(scene: Scene) -> Step:
        import casadi

        lib = SimpleNamespace(sqrt=casadi.sqrt, sin=casadi.sin, cos=casadi.cos, dot=dot)
        v, seen = casadi.SX.sym("v", ad.COLUMNS), casadi.SX.sym("seen", 2)
        errors = casadi.vertcat(*ad.residual(lib, casadi.vertsplit(v), casadi.vertsplit(seen)))
        one = casadi.Function("one", [v, seen], [errors, casadi.densify(casadi.jacobian(errors, v))])
        data = [
            casadi.DM(part.T) for part in (scene.cameras, scene.points, scene.weights[:, None], scene.seen)
        ]
        cameras, points, weights, images = (casadi.MX.sym("m", *part.shape) for part in data)
        columns = cameras[:, scene.camera.tolist()], points[:, scene.point.tolist()], weights
        results = one.map(len(scene.weights))(casadi.vertcat(*columns), images)
        blocks = casadi.Function("blocks", [cameras, points, weights, images], results)
        return lambda: blocks(*data)


def nested(scalars: list[Any], shapes: Sequence[tuple[int, ...]]) -> list[Any]:
    """Lists, or lists of rows, of these shapes."""
    parts, rest = [], iter(scalars)
    for shape in shapes:
        rows = [[next(rest) for _ in range(shape[-1])] for _ in range(shape[0] if len(shape) == 2 else 1)]
        parts.append(rows if len(shape) == 2 else rows[0])
    return parts


TOOLS = (Ours, PyTorch, Jax, CasADi)


def installed(tool: Any) -> bool:
    return importlib.util.find_spec(tool.needs) is not None
