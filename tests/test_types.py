"""Every operation, every kind of number on either side, every awkward value: what the float version gives."""

import math
import operator
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from engine import Value
from engine.primitive import TABLE

VALUES = (-math.inf, -3.0, -0.5, -0.0, 0.0, 0.5, 3.0, math.inf, math.nan)
FINITE = tuple(x for x in VALUES if math.isfinite(x))
KINDS = (float, int, bool, np.float64, np.float32, np.int64, np.bool_, Fraction)
ARITHMETIC = (
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
)
ORDER = (operator.lt, operator.le, operator.gt, operator.ge)
UNARY = [row for row in TABLE.values() if row.gradient is None and len(row.partials) == 1]
BINARY = [row for row in TABLE.values() if row.gradient is None and len(row.partials) == 2]
MANY = [row for row in TABLE.values() if row.gradient is not None]


def examples(kind):
    """The awkward values that the kind can hold."""
    if kind in (float, np.float64, np.float32):
        return [kind(x) for x in VALUES]
    return [kind(x) for x in FINITE]


def same(x, y):
    return x.hex() == y.hex() or (math.isnan(x) and math.isnan(y))


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_holds_exactly_a_float(kind):
    for x in examples(kind):
        assert type(Value(x).data) is float
        assert same(Value(x).data, float(x))


@pytest.mark.parametrize("kind", [Value, *KINDS])
@pytest.mark.parametrize("row", BINARY, ids=lambda row: row.name)
def test_a_primitive_takes_every_number_on_either_side(row, kind):
    for x in VALUES:
        for y in examples(kind) if kind is not Value else map(Value, VALUES):
            number = y.data if isinstance(y, Value) else float(y)
            assert same(row(Value(x), y).data, row(x, number))
            assert same(row(y, Value(x)).data, row(number, x))


@pytest.mark.parametrize("row", UNARY + MANY, ids=lambda row: row.name)
def test_a_primitive_of_one_number_gives_values_for_values_and_floats_for_floats(row):
    for kind in KINDS:
        for x in examples(kind):
            result = row(x)
            assert type(result) is float
            assert same(row(Value(x)).data, result)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("symbol", ARITHMETIC, ids=lambda symbol: symbol.__name__)
def test_an_operator_takes_every_number_on_either_side_and_keeps_the_gradient(symbol, kind):
    for x in VALUES:
        for y in examples(kind):
            a = Value(x)
            left, right = symbol(a, y), symbol(y, a)
            assert isinstance(left, Value)
            assert isinstance(right, Value)
            assert same(left.data, symbol(Value(x), Value(float(y))).data)
            assert same(right.data, symbol(Value(float(y)), Value(x)).data)
            assert left.parents[0] is a
            assert right.parents[1] is a


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("symbol", ORDER, ids=lambda symbol: symbol.__name__)
def test_an_order_is_that_of_the_numbers(symbol, kind):
    for x in VALUES:
        for y in examples(kind):
            assert symbol(Value(x), y) == symbol(x, float(y))
            assert symbol(y, Value(x)) == symbol(float(y), x)


@pytest.mark.parametrize("symbol", ARITHMETIC, ids=lambda symbol: symbol.__name__)
def test_an_array_on_either_side_gives_an_array_of_values(symbol):
    array = np.array([0.5, 2.0, 3.0])
    for left in (True, False):
        x = Value(1.5)
        result = symbol(array, x) if left else symbol(x, array)
        assert result.dtype == object
        assert [y.data for y in result] == [
            symbol(Value(y), Value(1.5)).data if left else symbol(Value(1.5), Value(y)).data for y in array
        ]
        assert all(x in y.parents for y in result)


@pytest.mark.parametrize(
    "name", "exp log log1p expm1 sqrt cbrt sin cos tan arctan sinh cosh tanh arcsinh abs".split()
)
def test_numpys_functions_work_on_arrays_of_values(name):
    x = Value(0.7)
    y = getattr(np, name)(np.array([x, Value(2.0)]))[0]
    y.backward()
    h = 2.0**-14
    numeric = (getattr(np, name)(0.7 + h) - getattr(np, name)(0.7 - h)) / (2 * h)
    assert y.data == pytest.approx(float(getattr(np, name)(0.7)), rel=1e-15)
    assert x.grad == pytest.approx(numeric, rel=1e-7)


@pytest.mark.parametrize(
    "stranger", ["3", b"3", None, 1j, np.complex128(1j), [1.0], (1.0,), {}, Decimal(1), np.zeros(2)]
)
def test_what_is_no_real_number_is_refused_by_its_type(stranger):
    with pytest.raises(TypeError, match=type(stranger).__name__):
        Value(stranger)


@pytest.mark.parametrize("stranger", ["3", b"3", None, 1j, [1.0], Decimal(1), object()])
@pytest.mark.parametrize("symbol", [*ARITHMETIC, *ORDER], ids=lambda symbol: symbol.__name__)
def test_strangers_on_either_side_are_type_errors(symbol, stranger):
    with pytest.raises(TypeError):
        symbol(Value(2.0), stranger)
    with pytest.raises(TypeError):
        symbol(stranger, Value(2.0))


def test_a_subclass_of_float_is_stripped():
    class Money(float):
        pass

    assert type(Value(Money(3)).data) is float


def test_a_zero_dimensional_array_is_no_number_but_its_item_is():
    assert Value(np.array(3.0).item()).data == 3.0
