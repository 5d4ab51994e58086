"""JAX's grammar around the transforms: aux, names, keywords, trees of axes, dataclasses."""

import pickle
from collections import namedtuple
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest

import engine
import nn
from engine import Value, grad, hessian, jacfwd, jacobian, jit, jvp, value_and_grad, vjp, vmap
from engine.recorded_call import RUNNING

Pair = namedtuple("Pair", "a b")


@dataclass(frozen=True)
class Line:
    slope: object
    offset: object
    kind: str = field(default="line", metadata={"static": True})

    def __call__(self, x):
        return self.slope * x + self.offset if self.kind == "line" else x


def with_aux(x):
    y = x * x
    return y * x, {"square": y, "name": "cube", "count": np.arange(2), "list": [1, None, y]}


def test_aux_comes_beside_the_derivative_as_numbers():
    aux = {"square": 4.0, "name": "cube", "list": [1, None, 4.0]}

    def plain(found):
        assert found.pop("count").tolist() == [0, 1]
        return found

    (value, found), slope = value_and_grad(with_aux, has_aux=True)(2.0)
    assert (value, plain(found), slope) == (8.0, aux, 12.0)
    for transform, derivative in ((grad, 12.0), (jacobian, 12.0), (jacfwd, 12.0), (hessian, 12.0)):
        got, found = transform(with_aux, has_aux=True)(2.0)
        assert (got, plain(found)) == (derivative, aux), transform
    value, pullback, found = vjp(with_aux, 2.0, has_aux=True)
    assert (value, pullback(1.0), plain(found)) == (8.0, (12.0,), aux)
    value, tangent, found = jvp(with_aux, 2.0, 1.0, has_aux=True)
    assert (value, tangent, plain(found)) == (8.0, 12.0, aux)
    with pytest.raises(TypeError, match=r"pair \(result, aux\)"):
        grad(lambda x: x, has_aux=True)(1.0)


def test_aux_stays_connected_to_an_enclosing_transform():
    def outer(x):
        slope, aux = grad(lambda t: (t * t, x * x * x), has_aux=True)(1.0)
        return slope * aux

    assert grad(outer)(2.0) == 24.0
    x = Value(3.0)
    _, aux = grad(lambda t: (t, t * t), has_aux=True)(x)
    aux.backward()
    assert x.grad == 6.0


def test_aux_compiles():
    f = jit(value_and_grad(lambda x: (x * x, x + 1), has_aux=True))
    assert f(3.0) == ((9.0, 4.0), 6.0)


def product(x, y, *, scale=1.0):
    return scale * x * x * y


def test_keywords_are_arguments():
    assert grad(product)(x=3.0, y=2.0) == 12.0
    assert grad(product, argnums=1)(3.0, y=2.0) == 9.0
    assert grad(product, argnums=(1, 0))(x=3.0, y=2.0) == (9.0, 12.0)
    assert value_and_grad(product)(y=2.0, x=3.0, scale=2) == (36.0, 24.0)
    assert hessian(product)(x=3.0, y=2.0) == 4.0


def test_argnames_choose_by_name():
    assert grad(product, argnames="y")(3.0, 2.0) == 9.0
    assert grad(product, argnames=("scale", "x"))(3.0, y=2.0, scale=1.0) == (18.0, 12.0)
    assert jacobian(product, argnames=["y"])(3.0, y=2.0) == (9.0,)
    assert jit(grad(product, argnames="y"))(3.0, 2.0) == 9.0
    assert pickle.loads(pickle.dumps(grad(product, argnames="y")))(3.0, 2.0) == 9.0
    with pytest.raises(TypeError, match=r"argnames asks for 'z', but the call has x, y"):
        grad(product, argnames="z")(3.0, 2.0)
    with pytest.raises(TypeError, match=r"'scale'.*defaults are constants"):
        grad(product, argnames="scale")(3.0, 2.0)
    with pytest.raises(TypeError, match=r"argument 1, but the call has 0 by position, and x"):
        grad(product, argnums=1)(x=3.0)


@pytest.mark.parametrize("argnums", [(0, 0), (0, -2), (1, 0, 1)])
def test_an_argument_is_not_asked_for_twice(argnums):
    with pytest.raises(ValueError, match="twice"):
        grad(product, argnums)(3.0, 2.0)
    with pytest.raises(ValueError, match="twice"):
        grad(product, argnames=("x", "x"))(3.0, 2.0)


def test_dataclasses_and_named_tuples_are_trees():
    line = Line(2.0, 1.0)
    assert grad(lambda line, x: line(x) ** 2)(line, 3.0) == Line(42.0, 14.0)
    assert jit(grad(lambda line, x: line(x) ** 2))(line, 3.0) == Line(42.0, 14.0)
    assert grad(lambda p: p.a * p.b)(Pair(2.0, 3.0)) == Pair(3.0, 2.0)
    assert jvp(lambda line: line, line, Line(1.0, 0.0)) == (line, Line(1.0, 0.0))
    assert vmap(lambda line, x: line(x), in_axes=(None, 0))(line, [1.0, 2.0]) == [3.0, 5.0]
    f = jit(lambda line, x: line(x))
    assert (f(line, 3.0), f(Line(2.0, 1.0, "none"), 3.0), f(Line(1.0, 1.0), 3.0)) == (7.0, 3.0, 4.0)
    with pytest.raises(ValueError, match="structure"):
        jvp(lambda line: line.slope, line, Line(1.0, 0.0, "x"))


AROUND = pytest.mark.parametrize("around", [lambda f: f, jit])


@AROUND
def test_axes_are_trees(around):
    X = np.arange(6.0).reshape(2, 3)
    f = around(vmap(lambda p, x: p["w"] @ x + p["b"], in_axes=({"w": None, "b": 0}, 1)))
    np.testing.assert_allclose(f({"w": np.ones(2), "b": np.zeros(3)}, X), X.sum(0))
    g = around(vmap(lambda p: p[0] * p[1][0], in_axes=((0, [None]),)))
    np.testing.assert_allclose(g((np.arange(3.0), [2.0])), [0.0, 2.0, 4.0])
    h = around(vmap(lambda line, x: line(x), in_axes=(Line(0, None), None)))
    np.testing.assert_allclose(h(Line(np.arange(3.0), 1.0), 2.0), [1.0, 3.0, 5.0])


@AROUND
def test_results_are_stacked_along_out_axes(around):
    X = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(around(vmap(lambda x: 2 * x, out_axes=1))(X), 2 * X.T)
    y, z = around(vmap(lambda x: (x, x[0]), out_axes=(-1, 0)))(X)
    np.testing.assert_array_equal(y, X.T)
    np.testing.assert_array_equal(z, [0.0, 3.0])
    y, c = around(vmap(lambda x: {"y": x, "c": 7.0}.values() and (x[1], 7.0), out_axes=(0, None)))(X)
    assert (list(y), c) == ([1.0, 4.0], 7.0)


@AROUND
def test_keywords_run_over_examples(around):
    f = around(vmap(lambda x, *, k: x * k["a"]))
    assert list(f([1.0, 2.0], k={"a": [3.0, 4.0]})) == [3.0, 8.0]
    np.testing.assert_array_equal(f(np.ones(2), k={"a": np.array([3.0, 4.0])}), [3.0, 4.0])


def test_axes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"look alike"):
        vmap(lambda p: p["w"], in_axes=({"v": 0},))({"w": np.ones(2)})
    with pytest.raises(ValueError, match="int or None"):
        vmap(lambda x: x, in_axes=([0],))(np.ones(2))
    with pytest.raises(ValueError, match=r"2 in argument 0, 3 in argument 1"):
        vmap(lambda x, y: x + y)(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="no mapped axis"):
        vmap(lambda x: x, in_axes=None)(1.0)
    with pytest.raises(ValueError, match="out_axes"):
        vmap(lambda x: x, reduce="sum", out_axes=1)


def test_a_mapped_method_is_bound():
    class Model:
        weight = 3.0

        @partial(vmap, in_axes=(None, 0))
        def response(self, x):
            return self.weight * x

    assert Model().response([1.0, 2.0]) == [3.0, 6.0]


def test_a_primitive_of_yours_takes_keywords():
    scaled = engine.custom(lambda x, k=2.0: k * x * x, lambda x, k: (2 * k * x, x * x), name="scaled")
    assert (scaled(3.0, k=2), scaled(k=2, x=3.0), scaled(x=3.0)) == (18.0, 18.0, 18.0)
    assert grad(lambda x: scaled(x, k=3.0))(2.0) == 12.0
    assert grad(lambda k: scaled(2.0, k=k))(3.0) == 4.0
    with pytest.raises(TypeError, match="scaled.*unexpected keyword argument 'z'"):
        scaled(3.0, z=2.0)
    with pytest.raises(TypeError, match="exp takes its operands by position"):
        engine.exp(x=1.0)


def test_an_argument_that_is_no_number_leaves_nothing_running():
    before = set(RUNNING)
    with pytest.raises(TypeError, match="str"):
        grad(lambda x: x)("a")
    assert before == RUNNING


class Scale:
    def __init__(self, factor):
        self.factor = factor

    @partial(jit, static_argnums=0)
    def times(self, x):
        return self.factor * x


def powers(x, n=2, *, mode="sum"):
    found = [x**i for i in range(n)]
    return sum(found) if mode == "sum" else found[-1]


def test_static_arguments_by_position_by_name_or_by_default():
    for f in (
        jit(powers, static_argnums=1, static_argnames="mode"),
        jit(powers, static_argnames=("n", "mode")),
    ):
        assert f(3.0) == f(3.0, 2) == f(3.0, n=2) == f(x=3.0, n=2) == 4.0
        assert f(3.0, n=3) == f(3.0, 3, mode="sum") == 13.0
        assert f(3.0, 3, mode="last") == f(3.0, mode="last", n=3) == 9.0
        assert pickle.loads(pickle.dumps(f))(3.0, n=3, mode="last") == 9.0
    assert Scale(2.0).times(3.0) == 6.0
    with pytest.raises(ValueError, match="'k', which is no argument"):
        jit(powers, static_argnames="k")
    with pytest.raises(TypeError, match="static_argnums asks for argument 5"):
        jit(powers, static_argnums=5)(1.0)


@pytest.mark.parametrize(
    "call", [lambda: jit(lambda s: s)("a"), lambda: jit(lambda x, s: x)(1.0, s=Scale(1.0))]
)
def test_what_is_no_number_has_to_be_static(call):
    with pytest.raises(
        TypeError, match=r"(str 'a'|Scale).*has to be static \(static_argnums, static_argnames\)"
    ):
        call()


@pytest.mark.parametrize("f", [lambda n: sum(range(n)), lambda n: [1.0, 2.0][n]])
def test_whole_numbers_that_count_or_index_are_guards(f):
    fast = jit(f)
    assert [fast(n) for n in (1.0, 0.0, 1)] == [f(n) for n in (1, 0, 1)]
    with pytest.raises(engine.TracingError, match=r"test_grammar\.py:\d+: .*static_argnums"):
        fast(0.5)


def test_a_list_is_not_repeated_by_what_is_traced():
    with pytest.raises(TypeError, match="list"):
        jit(lambda n: [0.0] * 2 * n)(1.0)


def test_an_export_before_the_first_call_asks_for_one():
    with pytest.raises(TypeError, match=r"call <compiled .*> first"):
        jit(lambda *xs: xs[0]).to_c("f")
    assert "f(" in jit(lambda x: x).to_c("f")
    assert "cos" in jit(grad(engine.sin)).to_c("f")


@dataclass
class Slope(nn.Module):
    weight: object
    kind: str = "linear"


def test_a_module_that_is_a_dataclass_is_a_module():
    model = Slope(Value(3.0))
    gradient = grad(lambda m: m.weight**2)(model)
    assert (gradient.weight.data, gradient.kind) == (6.0, "linear")
