"""Every row of data/edge-conventions.json: kinks, poles, infinities, traps."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import functions as f
from engine import primitives as p
from engine.transform import grad, jvp, value_and_grad

ROWS = json.loads((Path(__file__).parent / "data" / "edge-conventions.json").read_text())
SPELLED: dict[str, Callable[..., Any]] = {
    "leaky_relu(0.01)": f.leaky_relu,
    "elu(1.0)": f.elu,
    "gelu(erf)": f.gelu,
    "gelu(tanh)": lambda x: f.gelu(x, approximate="tanh"),
    "clamp(-1,1)": lambda x: f.clamp(x, -1, 1),
    "x**0 (const exponent)": lambda x: x**0,
    "x**1 (const exponent)": lambda x: x**1,
    "x**1.5 (const exponent)": lambda x: x**1.5,
    "x**2 (const exponent)": lambda x: x**2,
    "x**3 (const exponent)": lambda x: x**3,
    "2**x (const base)": lambda x: 2**x,
    "0**x (const base)": lambda x: 0**x,
    "(-2)**x (const base)": lambda x: (-2) ** x,
    "pow": lambda x, y: x**y,
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "logsumexp2 (logaddexp)": p.logaddexp,
    "logsumexp([x,y])": lambda x, y: f.logsumexp([x, y]),
    "% (python mod)": lambda x, y: x % y,
    "// (floor division)": lambda x, y: x // y,
    "remainder (IEEE)": p.remainder,
    "where(x>0, log(x), 0)": lambda x: f.where(x > 0, p.log(x), 0),
    "sqrt(x*x)": lambda x: p.sqrt(x * x),
    "binary_cross_entropy(p, y=0)": lambda q: p.binary_cross_entropy(q, 0),
    "binary_cross_entropy(p, y=1)": lambda q: p.binary_cross_entropy(q, 1),
    "bce_with_logits(z, y=1)": lambda z: p.binary_cross_entropy_with_logits(z, 1),
    "softmax_cross_entropy([a,b], target=0)": lambda a, b: f.cross_entropy([a, b], 0),
    "softmax_cross_entropy([a,b], target=1)": lambda a, b: f.cross_entropy([a, b], 1),
    "huber(delta=1)": f.huber,
    "l1_loss(x,0)": lambda x: abs(x - 0),
    "x+x (aliased)": lambda x: x + x,
    "x-x (aliased)": lambda x: x - x,
    "x/x (aliased)": lambda x: x / x,
    "maximum(x,x) (aliased)": lambda x: p.maximum(x, x),
    "xlogy (x*log y)": p.xlogy,
    "hypot(x,x) (aliased)": lambda x: p.hypot(x, x),
    "atan2(x,x) (aliased)": lambda x: p.atan2(x, x),
}


def rows(wanted: Callable[[Any], bool]) -> list[Any]:
    """Function, inputs and the row, of the rows wanted."""
    chosen = [row for row in ROWS if wanted(row)]
    return [
        pytest.param(
            SPELLED[row["op"]] if row["op"] in SPELLED else getattr(p, row["op"]),
            tuple(float(x) for x in row["inputs"]),
            row,
            id=f"{row['op']}-{','.join(row['inputs'])}",
        )
        for row in chosen
    ]


def agrees(got: float, expected: str) -> bool:
    """Within 4 ulp; -0.0 is 0.0, and nan is nan."""
    number = float(expected)
    if math.isnan(number) or not math.isfinite(got) or not math.isfinite(number):
        return got == number or (math.isnan(got) and math.isnan(number))
    return abs(got - number) <= 4.0 * math.ulp(number) and (got == 0.0) == (number == 0.0)


@pytest.mark.parametrize(("function", "inputs", "row"), rows(lambda row: True))
def test_values_follow_the_conventions(
    function: Callable[..., Any], inputs: tuple[float, ...], row: Any
) -> None:
    value, _ = value_and_grad(function)(*inputs)
    assert agrees(value, row["value"])


@pytest.mark.parametrize(("function", "inputs", "row"), rows(lambda row: row["strength"] != "free"))
def test_gradients_follow_the_conventions(
    function: Callable[..., Any], inputs: tuple[float, ...], row: Any
) -> None:
    gradient = grad(function, argnums=tuple(range(len(inputs))))(*inputs)
    for got, expected in zip(gradient, row["grads"], strict=True):
        assert agrees(got, expected)


@pytest.mark.parametrize(
    ("function", "inputs", "row"),
    rows(lambda row: row["strength"] != "free" and row["grad2"] is not None and len(row["inputs"]) == 1),
)
def test_second_derivatives_follow_the_conventions(
    function: Callable[..., Any], inputs: tuple[float, ...], row: Any
) -> None:
    (x,) = inputs
    assert agrees(grad(grad(function))(x), row["grad2"])
    assert agrees(jvp(grad(function), (x,), (1.0,))[1], row["grad2"])
    assert agrees(grad(lambda x: jvp(function, (x,), (1.0,))[1])(x), row["grad2"])
