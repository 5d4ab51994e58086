"""Whatever is thrown at a compiled function: the numbers that plain Python gives, or a clear error."""

import contextlib
import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
from alike import same
from hypothesis import given
from hypothesis import strategies as st
from small import W, X, Y, loss, product

from engine import Value, jit, value_and_grad, vmap

REFUSED = (TypeError, ValueError, LookupError, OverflowError)


def unaligned(array):
    return np.frombuffer(b"\0" + array.tobytes(), "u1")[1:].view("f8").reshape(array.shape)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def with_one(number):
    """Puts a number into a copy, as an object where it is no float."""

    def put(array):
        changed = array.astype(float if isinstance(number, float) else object)
        changed.flat[0] = number
        return changed

    return put


KEPT = {  # the same numbers
    "itself": lambda a: a,
    "fortran": np.asfortranarray,
    "objects": lambda a: a.astype(object),
    "big-endian": lambda a: a.astype(">f8"),
    "long double": lambda a: a.astype("longdouble"),
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
    "backwards": lambda a: a[::-1].copy()[::-1],
    "unaligned": unaligned,
    "read-only": read_only,
    "masked": np.ma.masked_array,
    "subclass": lambda a: a.copy().view(type("Sub", (np.ndarray,), {})),
    "matrix of Values": lambda a: np.array([Value(x) for x in a.flat], dtype=object).reshape(a.shape),
    "list": lambda a: a.tolist(),
    "list of arrays": list,
}
CHANGED = {  # other numbers, other shapes, other things
    "float32": lambda a: a.astype("float32"),
    "float16": lambda a: a.astype("float16"),
    "integers": lambda a: a.astype(int),
    "truth": lambda a: a > 0.0,
    "unsigned": lambda a: abs(a).astype("u1"),
    "broadcast": lambda a: np.broadcast_to(a[0], a.shape),
    "nan": with_one(math.nan),
    "infinite": with_one(-math.inf),
    "huge": with_one(10**300),
    "too huge": with_one(10**400),
    "fraction": with_one(Fraction(1, 3)),
    "text inside": with_one("x"),
    "None inside": with_one(None),
    "complex inside": with_one(1j),
    "array inside": with_one(np.zeros(2)),
    "transposed": lambda a: a.T,
    "longer": lambda a: np.concatenate([a, a]),
    "shorter": lambda a: a[:-1],
    "one": lambda a: a[:1],
    "empty": lambda a: a[:0],
    "no columns": lambda a: a[..., :0],
    "more axes": lambda a: a[None],
    "number": lambda a: a.flat[0],
    "float": lambda a: float(a.flat[0]),
    "array of no axes": lambda a: np.array(a.flat[0]),
    "complex": lambda a: a.astype(complex),
    "text": lambda a: a.astype(str),
    "dates": lambda a: np.zeros(a.shape, "M8[s]"),
    "records": lambda a: np.zeros(a.shape, [("x", float)]),
    "None": lambda a: None,
    "dict": lambda a: dict(enumerate(a.tolist())),
    "tuple": lambda a: tuple(a.tolist()),
    "bytes": lambda a: a.tobytes(),
    "generator": lambda a: iter(a.tolist()),
}
CHANGES = {**KEPT, **CHANGED}
CHANGE = st.just("itself") | st.sampled_from(sorted(CHANGES))


def changed(changes):
    return [CHANGES[change](array) for change, array in zip(changes, (W, X, Y), strict=True)]


def outcome(f, args):
    """The numbers of a call, or the error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of NumPy's, where plain Python goes on with what is refused
            value, gradient = f(*args)
        flat = [value, *(gradient.values() if isinstance(gradient, dict) else gradient)]
        return [[number(x) for x in np.ravel(np.asarray(part, dtype=object))] for part in flat]
    except REFUSED as error:
        return error


def number(x):
    return x.data if isinstance(x, Value) else float(x)


@pytest.mark.parametrize("reduce", [None, "mean"])
@given(changes=st.tuples(CHANGE, CHANGE, CHANGE))
def test_changed_arguments_give_what_plain_python_gives_or_are_refused(reduce, changes):
    compiled, plain = STEPS[reduce]
    first = outcome(compiled, (W, X, Y))
    expected = outcome(plain, changed(changes))
    args = changed(changes)
    for _ in range(2):
        got = outcome(compiled, args)
        if isinstance(got, list) and isinstance(expected, list):
            assert [len(part) for part in got] == [len(part) for part in expected]
            for k, (a, b) in enumerate(zip(got, expected, strict=True)):
                # Below a closed gate linear rows multiply by 0, compiled: at infinity that is nan.
                known = ~np.isnan(a) if k and "infinite" in changes else np.full(np.shape(a), True)
                np.testing.assert_allclose(np.asarray(a)[known], np.asarray(b)[known], rtol=1e-12, atol=1e-14)
        else:
            assert isinstance(got, Exception), (got, expected)
            assert str(got)
    assert repr(outcome(compiled, (W, X, Y))) == repr(first)


def mapped(reduce):
    return vmap(value_and_grad(loss), in_axes=(None, 0, 0), reduce=reduce)


STEPS = {reduce: (jit(mapped(reduce)), mapped(reduce)) for reduce in (None, "mean")}


OBJECTS = st.recursive(
    st.floats()
    | st.integers()
    | st.text(max_size=3)
    | st.none()
    | st.booleans()
    | st.sampled_from([W, X, Y, X.T, W[:0]]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=6,
)


NESTED = jit(value_and_grad(product))


@given(st.lists(OBJECTS, max_size=4), st.none() | OBJECTS)
def test_no_arguments_crash_it(args, out):
    nested = NESTED(W, [X, Y])
    for keywords in ({}, {"out": out}):
        with contextlib.suppress(*REFUSED):
            NESTED(*args, **keywords)
        with contextlib.suppress(*REFUSED):
            NESTED(W, [X, Y], **keywords)
    assert same([NESTED(W, [X, Y])[0]], [nested[0]])
