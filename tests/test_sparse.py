"""Sparse Jacobians and Hessians: the entries of the dense ones, where there are any."""

import pickle
import sys
from itertools import pairwise

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
import scipy.sparse.linalg

import engine
from engine import Value, grad, hessian, jacobian, jit, vmap


def rosenbrock(x):
    return engine.sum([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])


def arrowhead(x):
    return engine.sum([a * a * x[0] for a in x[1:]]) + x[0] ** 4


def bratu(u):
    h, v = 1 / (len(u) + 1), [0.0, *u, 0.0]
    return [v[i - 1] - 2 * v[i] + v[i + 1] + h * h * engine.exp(v[i]) for i in range(1, len(u) + 1)]


def banded(x):
    return [x[i - 2] * engine.sin(x[i]) * x[i] for i in range(2, len(x))]


PROBLEMS = [
    (hessian, rosenbrock, 148),
    (hessian, arrowhead, 148),
    (jacobian, bratu, 148),
    (jacobian, banded, 96),
]


@pytest.mark.parametrize(("transform", "f", "entries"), PROBLEMS, ids=lambda x: getattr(x, "__name__", None))
def test_sparse_is_the_dense_to_the_bit_and_compiled_too(transform, f, entries):
    x = np.linspace(-1.0, 1.0, 50)
    sparse, dense = transform(f, sparse=True), transform(f)
    matrix = sparse(x)
    assert type(matrix) is scipy.sparse.csr_array
    assert (matrix.nnz, matrix.dtype, matrix.has_sorted_indices) == (entries, float, True)
    np.testing.assert_array_equal(matrix.toarray(), dense(x))
    compiled = jit(sparse)
    for _ in range(2):  # the second call takes another way
        assert type(compiled(x)) is scipy.sparse.csr_array
        np.testing.assert_array_equal(compiled(x).toarray(), jit(dense)(x))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(compiled))(x).data, compiled(x).data)


def test_ten_thousand_variables_are_no_matter():
    x = np.linspace(-1.0, 1.0, 10_000)
    matrix = jacobian(bratu, sparse=True)(x)
    np.testing.assert_allclose(matrix.diagonal(), np.exp(x) / 10_001**2 - 2.0)
    assert matrix.nnz == 29_998


def test_rows_without_a_variable_are_empty():
    def f(x):
        return [1.0, x[1], engine.floor(x[0]), x[2] * x[2] * x[1]]

    matrix = jacobian(f, sparse=True)([1.5, 2.0, 3.0])
    np.testing.assert_array_equal(matrix.toarray(), [[0, 0, 0], [0, 1, 0], [0, 0, 0], [0, 9, 12]])
    assert hessian(lambda x: x[0] + x[1], sparse=True)([1.0, 2.0]).nnz == 0


def test_several_arguments_lie_side_by_side():
    def f(a, b, scale):
        return {"x": scale * a[0] * b, "y": a[1]}, "aside"

    matrix, aside = jacobian(f, argnums=(0, 1), has_aux=True, sparse=True)([2.0, 3.0], 5.0, 10.0)
    assert aside == "aside"
    np.testing.assert_array_equal(matrix.toarray(), [[50, 0, 20], [0, 1, 0]])
    both = hessian(lambda a, b: a * a * b, argnums=(0, 1), sparse=True)(2.0, 3.0)
    np.testing.assert_array_equal(both.toarray(), [[6, 4], [4, 0]])


def test_its_entries_can_be_differentiated_again():
    def trace_of_squares(x):
        return engine.sum(hessian(rosenbrock, sparse=True)(x).data ** 2)

    def dense(x):
        return engine.sum([h * h for row in hessian(rosenbrock)(x) for h in row])

    x = [0.3, -0.2, 0.5, 0.1]
    assert grad(trace_of_squares)(x) == pytest.approx(grad(dense)(x), rel=1e-14)
    v = [Value(0.5), Value(2.0)]
    matrix = jacobian(lambda x: [x[0] * x[0] * x[1]], sparse=True)(v)
    matrix.data[0].backward()
    assert (v[0].grad, v[1].grad) == (4.0, 1.0)


def test_whoever_changes_a_result_changes_no_other():
    f = jit(jacobian(banded, sparse=True))
    first = f(np.ones(5))
    first.indices[:] = 0
    first.eliminate_zeros()
    np.testing.assert_array_equal(f(np.ones(5)).toarray(), jacobian(banded)(np.ones(5)))


def test_a_matrix_of_another_pattern_is_another_structure():
    f = jit(lambda m: [engine.dot(m.data, m.data), m.data[0] * float(m.indices[2])])
    first, second = (
        scipy.sparse.csr_array(np.array(rows)) for rows in ([[1.0, 2], [0, 3]], [[1.0, 2], [3, 0]])
    )
    assert [f(m) for m in (first, first, second, second, first)] == [
        [14.0, 1.0], [14.0, 1.0], [14.0, 0.0], [14.0, 0.0], [14.0, 1.0]
    ]  # fmt: skip
    assert grad(lambda m: engine.dot(m.data, m.data))(first).toarray().tolist() == [[2.0, 4.0], [0.0, 6.0]]


def test_a_batch_of_sparse_matrices_is_refused():
    with pytest.raises(ValueError, match="no batch axis"):
        vmap(jacobian(banded, sparse=True))(np.ones((2, 5)))


def test_solvers_take_it_as_it_is():
    u = np.zeros(30)
    residual, slope = jit(lambda u: np.array(bratu(u), dtype=object)), jit(jacobian(bratu, sparse=True))
    for _ in range(5):
        u = u - scipy.sparse.linalg.spsolve(slope(u).tocsc(), residual(u))
    assert abs(residual(u)).max() < 1e-15
    fitted = scipy.optimize.least_squares(residual, np.zeros(30), jac=slope, tr_solver="lsmr")
    np.testing.assert_allclose(fitted.x, u, atol=1e-6)
    found = scipy.optimize.minimize(
        jit(engine.value_and_grad(rosenbrock)),
        np.zeros(6),
        jac=True,
        hess=jit(hessian(rosenbrock, sparse=True)),
        method="trust-constr",
    )
    np.testing.assert_allclose(found.x, 1.0, atol=1e-6)


def test_without_scipy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r"pip install 'chainrule\[sparse\]'"):
        jacobian(banded, sparse=True)
