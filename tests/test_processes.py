"""Whatever is public crosses to another process: copied, pickled, and used in an interpreter that is new."""

import copy
import multiprocessing
import pickle
import random
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import engine
import engine.testing
import nn
from engine import Value, custom, debug, grad, hessian, jacfwd, jacobian, jit, no_grad, value_and_grad, vmap
from engine.compiler.errors import Untranslatable
from engine.parser import ParseError
from engine.testing import GradientError
from nn import optim


def square(x):
    return x * x


@grad
def slope(x):
    return x * x * x


@vmap
def each(x):
    return x * 2.0


def cubed(x):
    return x * x * x


def cubed_gradient(x):
    return (3.0 * x * x,)


def raised(error, call, *args):
    with pytest.raises(error) as caught:
        call(*args)
    return caught.value.with_traceback(None)


def called(f, *args):
    f(*args)
    return f


def graph():
    y = square(Value(3.0, "x"))
    y.backward()
    return y


def stale():
    x = Value(1.0)
    y = x * x
    x.data = 2.0
    return raised(engine.StaleGraphError, y.backward)


def wrong():
    return raised(GradientError, engine.testing.gradcheck, lambda x: x.detach() * x, (2.0,))


def trained():
    model = nn.MLP(1, [2, 1], rng=0)
    optimizer = optim.Adam(model.parameters(), optim.warmup(optim.cosine(0.1, 9), 2))
    options = {"optimizer": optimizer, "epochs": 2, "progress": False}
    return optimizer, nn.fit(model, [0.0, 1.0], [1.0, 2.0], loss=nn.losses.squared_error, **options)


def moved(optimizer):
    optimizer.step()
    return [p.data for p in optimizer.parameters]


def inside(mode):
    with mode:
        return (Value(1.0) * 2.0).parents == ()


# What is made, and what it is used for.
THINGS = {
    "Value": (graph(), lambda y: (y.backward(), y.data, y.parents[0].grad)),
    "Primitive": (custom(cubed, cubed_gradient), lambda f: grad(f)(2.0)),
    "row": (engine.sin, lambda f: f(1.0)),
    "Diagnosis": (engine.diagnose(engine.log(Value(-1.0))), str),
    "Rounding": (engine.rounding(graph()), lambda r: (str(r), r.bound)),
    "Drawing": (engine.draw(graph()), lambda d: d.to_html()),
    "Explanation": (engine.explain(graph()), str),
    "Exploration": (engine.explore(graph()), lambda e: e.to_html()),
    "StaleGraphError": (stale(), str),
    "TracingError": (raised(engine.TracingError, jit(lambda x: x * len({x})), 1.0), str),
    "Untranslatable": (Untranslatable("no gamma"), str),
    "ParseError": (raised(ParseError, engine.parse, "1 +"), lambda e: (str(e), e.position)),
    "GradientError": (wrong(), lambda e: (str(e), e.reason)),
    "no_grad": (no_grad(), inside),
    "debug": (debug(), inside),
    "grad": (grad(square), lambda f: f(3.0)),
    "a decorator": (slope, lambda f: f(3.0)),
    "vmap": (vmap(square), lambda f: f([1.0, 2.0])),
    "a mapping decorator": (each, lambda f: f([1.0, 2.0])),
    "value_and_grad": (value_and_grad(square), lambda f: f(3.0)),
    "jacobian": (jacobian(square), lambda f: f(3.0)),
    "jacfwd": (jacfwd(square), lambda f: f(3.0)),
    "hessian": (hessian(square), lambda f: f(3.0)),
    "jit": (jit(square), lambda f: f(3.0)),
    "jit of a transform": (called(jit(grad(square)), 2.0), lambda f: f(3.0)),
    "jit of a lambda": (called(jit(lambda x: x * x), 2.0), lambda f: f(3.0)),
    "jit over arrays": (called(jit(vmap(square)), np.ones(3)), lambda f: f([1.0, 2.0, 3.0])),
    "Module": (nn.MLP(2, [3, 1], rng=0), lambda m: m([1.0, 2.0]).data),
    "Layer": (nn.Layer(2, 3, rng=0), lambda m: [y.data for y in m([1.0, 2.0])]),
    "Neuron": (nn.Neuron(2, rng=0), lambda m: m([1.0, 2.0]).data),
    "optimizer": (trained()[0], moved),
    "History": (trained()[1], lambda h: (h.loss, repr(h))),
    "constant": (optim.constant(0.1), lambda s: s(3)),
    "step": (optim.step(0.1, 2), lambda s: s(3)),
    "cosine": (optim.cosine(0.1, 9), lambda s: s(3)),
    "warmup": (optim.warmup(optim.step(0.1, 2), 3), lambda s: s(1)),
    **{kind.__name__: (kind([Value(1.0)]), moved) for kind in (optim.SGD, optim.RMSProp, optim.Adagrad)},
    "loss": (nn.losses.huber, lambda f: f(1.0, 3.0)),
    "init": (nn.init.glorot_uniform, lambda f: f(random.Random(0), 2, 3)),
}


@pytest.fixture(scope="module")
def elsewhere():
    """A process that has imported nothing of ours but this module, when it is asked to."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


def used(name, pickled):
    return repr(THINGS[name][1](pickle.loads(pickled)))


@pytest.mark.parametrize("name", THINGS)
def test_it_is_copied_and_pickled_and_works_in_another_process(name, elsewhere):
    thing, use = THINGS[name]
    pickled = pickle.dumps(thing)
    copies = [copy.copy(thing), copy.deepcopy(thing), pickle.loads(pickled)]
    expected = repr(use(copy.deepcopy(thing)))
    assert [repr(use(twin)) for twin in copies[1:]] == [expected] * 2
    assert type(copies[0]) is type(thing)
    assert elsewhere.submit(used, name, pickled).result(60) == expected


def test_an_error_comes_back_from_a_pool(elsewhere):
    with pytest.raises(ParseError, match="at character"):
        elsewhere.submit(engine.parse, "1 +").result(60)


def test_numpy_need_not_be_there_before_a_compiled_function():
    program = (
        "import pickle, sys; f = pickle.load(sys.stdin.buffer); assert 'numpy' in sys.modules; "
        "print(f([1.0, 2.0, 3.0]))"
    )
    f = called(jit(grad(lambda xs: engine.dot(xs, xs))), [1.0, 2.0, 3.0])
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, input=pickle.dumps(f), capture_output=True, check=True)
    assert done.stdout == b"[2.0, 4.0, 6.0]\n"


def test_everything_public_is_here_or_a_plain_function():
    made = {name for name in engine.__all__ if name[0].isupper()}
    assert made <= THINGS.keys()
    for module in (engine, nn, engine.testing):
        for name in module.__all__:
            thing = getattr(module, name)
            if not hasattr(thing, "__path__") and not hasattr(thing, "__spec__"):
                assert pickle.loads(pickle.dumps(thing)) is thing or isinstance(thing, (str, bool)), name
