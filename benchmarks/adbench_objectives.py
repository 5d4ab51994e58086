"""Two objectives of ADBench, from their mathematics: Srajer, Kukelova, Fitzgibbon, "A benchmark of selected
algorithmic differentiation tools on some problems in computer vision and machine learning", 2018.

On scalars, in terms of any library with exp, sqrt, sin, cos, sum, dot and logsumexp of lists; and once
more on whole arrays, for libraries that are made for these.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lgamma, log, pi
from typing import Any, Final, NamedTuple

import numpy as np

GAMMA: Final = 1.0  # of the Wishart prior: 1 / its scale,
MORE: Final = 0  # and how many degrees of freedom it has above d + 1
CAMERA: Final = 11  # numbers of a camera: rotation, centre, focal length, principal point, distortion
COLUMNS: Final = CAMERA + 3 + 1  # with the point, and the weight of the observation


# Gaussian mixture: the log-likelihood of examples, and of the parameters under the prior


class Mixture(NamedTuple):
    """Of K components in d dimensions: logits of their weights (K,), means (K, d), and the square root
    of the inverse covariance: logarithms of its diagonal (K, d), its lower triangle (K, d (d - 1) / 2)."""

    alphas: Any
    means: Any
    logs: Any
    lower: Any


def mixture(d: int, k: int, examples: int) -> tuple[Mixture, Any]:
    rng = np.random.default_rng(0)
    shapes = (k,), (k, d), (k, d), (k, d * (d - 1) // 2)
    scales = 1.0, 1.0, 0.3, 0.3
    theta = Mixture(*(s * rng.normal(size=shape) for s, shape in zip(scales, shapes, strict=True)))
    return theta, rng.normal(size=(examples, d))


def triangles(lib: Any, theta: Mixture) -> tuple[list[Any], list[list[Any]], list[list[Any]]]:
    """What all examples share: of each component alpha + log det Q, the rows of Q, and Q mu."""
    tops, rows, shifts = [], [], []
    for alpha, mu, q, lower in zip(*theta, strict=True):
        row = [[*lower[i * (i - 1) // 2 : i * (i + 1) // 2], lib.exp(q[i])] for i in range(len(q))]
        tops.append(alpha + lib.sum(q))
        rows.append([x for part in row for x in part])
        shifts.append([lib.dot(part, mu[: len(part)]) for part in row])
    return tops, rows, shifts


def example(lib: Any, shared: Any, x: Sequence[Any]) -> Any:
    """log sum_k exp(alpha + log det Q - |Q (x - mu)|^2 / 2)."""
    scores = []
    for top, row, shift in zip(*shared, strict=True):
        starts = [i * (i + 1) // 2 for i in range(len(x) + 1)]
        z = [lib.dot(row[starts[i] : starts[i + 1]], x[: i + 1]) - shift[i] for i in range(len(x))]
        scores.append(top - 0.5 * lib.dot(z, z))
    return lib.logsumexp(scores)


def prior(lib: Any, theta: Mixture, examples: int) -> Any:
    """Wishart's, of the inverse covariances, and what normalises the weights."""
    total = constant(len(theta.means[0]), len(theta.means), examples) - examples * lib.logsumexp(theta.alphas)
    for q, lower in zip(theta.logs, theta.lower, strict=True):
        diagonal = [lib.exp(x) for x in q]
        squares = lib.dot(diagonal, diagonal) + (lib.dot(lower, lower) if len(lower) else 0.0)
        total = total + MORE * lib.sum(q) - 0.5 * GAMMA**2 * squares
    return total


def constant(d: int, k: int, examples: int) -> float:
    n = d + MORE + 1
    gammas = 0.25 * d * (d - 1) * log(pi) + sum(lgamma(0.5 * (n - j)) for j in range(d))
    return k * (n * d * (log(GAMMA) - 0.5 * log(2.0)) - gammas) - 0.5 * examples * d * log(2.0 * pi)


def matrix_likelihood(lib: Any, theta: Mixture, q: Any, x: Any) -> Any:
    """The whole objective on arrays: `q` is Q of all components, (K, d, d)."""
    k, d = theta.means.shape
    z = (x @ q.reshape(k * d, d).T).reshape(len(x), k, d) - lib.einsum("kij,kj->ki", q, theta.means)
    scores = theta.alphas + theta.logs.sum(1) - 0.5 * (z * z).sum(2)
    wishart = MORE * theta.logs.sum() - 0.5 * GAMMA**2 * (q * q).sum()
    weights = len(x) * lib.logsumexp(theta.alphas, 0)
    return lib.logsumexp(scores, 1).sum() - weights + wishart + constant(d, k, len(x))


# Bundle adjustment: where a camera sees a point, and where it was seen


class Scene(NamedTuple):
    """Cameras (n, 11), points (m, 3), weights (p,) of the observations (p, 2): of which camera and point."""

    cameras: Any
    points: Any
    weights: Any
    seen: Any
    camera: Any
    point: Any


def scene(cameras: int, points: int, observations: int) -> Scene:
    rng = np.random.default_rng(0)
    turns, centres = rng.normal(size=(cameras, 3)), 0.1 * rng.normal(size=(cameras, 3))
    lenses = [rng.uniform(1, 2, (cameras, 1)), *(0.01 * rng.normal(size=(cameras, 2)) for _ in range(2))]
    return Scene(
        np.hstack([turns, centres, *lenses]),
        rng.normal(size=(points, 3)) + np.array([0.0, 0.0, 6.0]),
        rng.uniform(0.5, 1.5, observations),
        rng.normal(size=(observations, 2)),
        rng.integers(0, cameras, observations),
        rng.integers(0, points, observations),
    )


def residual(lib: Any, v: Sequence[Any], seen: Sequence[Any]) -> list[Any]:
    """The error of one observation, (2,), from the numbers of camera, point and weight, (15,)."""
    r, focal, centre, (k1, k2) = v[:3], v[6], v[7:9], v[9:11]
    a = [v[11 + i] - v[3 + i] for i in range(3)]
    angle2 = lib.dot(r, r)  # Rodrigues; no camera of these stands straight, where it is 0
    angle = lib.sqrt(angle2)
    cosine, sine = lib.cos(angle), lib.sin(angle) / angle
    along = lib.dot(r, a) * (1.0 - cosine) / angle2
    turned = [r[1] * a[2] - r[2] * a[1], r[2] * a[0] - r[0] * a[2], r[0] * a[1] - r[1] * a[0]]
    x, y, z = [cosine * a[i] + sine * turned[i] + along * r[i] for i in range(3)]
    u = [x / z, y / z]
    radius2 = lib.dot(u, u)
    size = focal * (1.0 + radius2 * (k1 + radius2 * k2))
    return [v[14] * (size * u[i] + centre[i] - seen[i]) for i in range(2)]


def matrix_residuals(lib: Any, v: Any, seen: Any) -> Any:
    """The same of all observations: (p, 2) from (p, 15)."""
    r, a = v[:, :3], v[:, 11:14] - v[:, 3:6]
    angle2 = (r * r).sum(1)[:, None]
    angle = lib.sqrt(angle2)
    cosine, sine = lib.cos(angle), lib.sin(angle) / angle
    along = (r * a).sum(1)[:, None] * (1.0 - cosine) / angle2
    seen_from = cosine * a + sine * lib.linalg.cross(r, a) + along * r
    u = seen_from[:, :2] / seen_from[:, 2:]
    radius2 = (u * u).sum(1)[:, None]
    size = v[:, 6:7] * (1.0 + radius2 * (v[:, 9:10] + radius2 * v[:, 10:11]))
    return v[:, 14:] * (size * u + v[:, 7:9] - seen)


def jacobian_of(scene: Scene, blocks: Any) -> tuple[Any, Any, Any]:
    """All blocks (p, 2, 15) as one sparse matrix of 2 p rows, in compressed rows: data, columns, starts."""
    n, m = scene.cameras.size, scene.points.size
    columns = np.hstack(
        [
            CAMERA * scene.camera[:, None] + np.arange(CAMERA),
            n + 3 * scene.point[:, None] + np.arange(3),
            n + m + np.arange(len(scene.weights))[:, None],
        ]
    )
    count = 2 * len(scene.weights)
    return blocks.ravel(), np.repeat(columns, 2, axis=0).ravel(), COLUMNS * np.arange(count + 1)
