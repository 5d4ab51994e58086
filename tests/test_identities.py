"""Derivatives that have to cancel: what is wrong in all modes at once is seen here."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine as e
from engine import grad, jvp

ULP = 2.0**-52
ANY = (-8.0, 8.0)
IDENTITIES = {
    "exp of log": ((0.01, 50.0), lambda x: (e.exp(e.log(x)), x)),
    "log of exp": (ANY, lambda x: (e.log(e.exp(x)), x)),
    "expm1 of log1p": ((-0.9, 50.0), lambda x: (e.expm1(e.log1p(x)), x)),
    "squares of sine and cosine": (ANY, lambda x: (e.sin(x) * e.sin(x), 1.0 - e.cos(x) * e.cos(x))),
    "tangent": ((-1.5, 1.5), lambda x: (e.tan(x), e.sin(x) / e.cos(x))),
    "hyperbolic tangent": (ANY, lambda x: (e.tanh(x), e.sinh(x) / e.cosh(x))),
    "hyperbolic squares": ((-3.0, 3.0), lambda x: (e.cosh(x) * e.cosh(x), 1.0 + e.sinh(x) * e.sinh(x))),
    "lgamma steps by log": ((0.1, 30.0), lambda x: (e.lgamma(x + 1.0), e.lgamma(x) + e.log(x))),
    "gamma steps by its argument": ((0.1, 20.0), lambda x: (e.gamma(x + 1.0), x * e.gamma(x))),
    "atanh of tanh": ((-3.0, 3.0), lambda x: (e.atanh(e.tanh(x)), x)),
    "asinh of sinh": (ANY, lambda x: (e.asinh(e.sinh(x)), x)),
    "acosh of cosh": ((0.1, 8.0), lambda x: (e.acosh(e.cosh(x)), x)),
    "asin and acos": ((-0.95, 0.95), lambda x: (e.asin(x), math.pi / 2 - e.acos(x))),
    "atan of tan": ((-1.4, 1.4), lambda x: (e.atan(e.tan(x)), x)),
    "atan2 of a ratio": ((0.1, 8.0), lambda x: (e.atan2(x, 2.0), e.atan(x / 2.0))),
    "square of sqrt": ((0.01, 50.0), lambda x: (e.sqrt(x) ** 2, x)),
    "cube of cbrt": ((0.01, 50.0), lambda x: (e.cbrt(x) ** 3, x)),
    "pow is exp of log": ((0.1, 8.0), lambda x: (x**x, e.exp(x * e.log(x)))),
    "softplus, both sides": (ANY, lambda x: (e.softplus(x) - e.softplus(-x), x)),
    "sigmoid, both sides": (ANY, lambda x: (e.sigmoid(x), 1.0 - e.sigmoid(-x))),
    "sigmoid is half a tanh": (ANY, lambda x: (e.sigmoid(x), 0.5 + 0.5 * e.tanh(0.5 * x))),
    "logit of sigmoid": ((-6.0, 6.0), lambda x: (e.logit(e.sigmoid(x)), x)),
    "logsumexp of twins": (ANY, lambda x: (e.logsumexp([x, x]), x + math.log(2.0))),
    "logaddexp is logsumexp": (ANY, lambda x: (e.logaddexp(x, 1.0), e.logsumexp([x, 1.0]))),
    "softmax sums to one": (ANY, lambda x: (e.sum(e.softmax([x, 1.0, 2.0 * x])), 1.0)),
    "cross entropy": (ANY, lambda x: (e.cross_entropy([x, 1.0], 0), e.logsumexp([x, 1.0]) - x)),
    "erf and erfc": ((-3.0, 3.0), lambda x: (e.erf(x), 1.0 - e.erfc(x))),
    "erfinv of erf": ((-2.0, 2.0), lambda x: (e.erfinv(e.erf(x)), x)),
    "silu": (ANY, lambda x: (e.silu(x), x * e.sigmoid(x))),
    "mish": (ANY, lambda x: (e.mish(x), x * e.tanh(e.softplus(x)))),
    "gelu": ((-3.0, 3.0), lambda x: (e.gelu(x), 0.5 * x * (1.0 + e.erf(x / math.sqrt(2.0))))),
    "hypot": ((0.1, 8.0), lambda x: (e.hypot(x, 2.0), e.sqrt(x * x + 4.0))),
    "norm is hypot": ((0.1, 8.0), lambda x: (e.norm([x, 2.0]), e.hypot(x, 2.0))),
    "dot is a sum of products": (ANY, lambda x: (e.dot([x, 2.0], [x, x]), x * x + 2.0 * x)),
    "log to a base": ((0.1, 50.0), lambda x: (e.log(x, 10.0), e.log10(x))),
    "xlogy": ((0.1, 8.0), lambda x: (e.xlogy(x, x), x * e.log(x))),
    "degrees and back": (ANY, lambda x: (e.radians(e.degrees(x)), x)),
    "max and min add up": (ANY, lambda x: (e.max([x, 1.0]) + e.min([x, 1.0]), x + 1.0)),
    "parts of a division": ((0.3, 8.0), lambda x: ((x // 0.7) * 0.7 + x % 0.7, x)),
}


def few_ulps(x, left, right, magnify):
    """A few ulp of the larger part; `magnify` for what the argument's own rounding does to steep parts."""
    return 64 * ULP * max(abs(left), abs(right), 1.0) * magnify


@pytest.mark.parametrize("name", IDENTITIES)
@given(data=st.data())
def test_both_sides_have_the_same_derivatives(name, data):
    (low, high), sides = IDENTITIES[name]
    x = data.draw(st.floats(low, high))
    left, right = (lambda t: sides(t)[0] + 0.0 * t), (lambda t: sides(t)[1] + 0.0 * t)
    steep = max(1.0, *(abs(grad(f)(x)) for f in (e.exp, e.cosh))) if low < -3.0 or high > 3.0 else 100.0
    magnify = steep if name.split()[0] in ("log", "atanh", "asinh", "acosh", "logit", "sigmoid,") else 20.0
    slopes = [grad(f)(x) for f in (left, right)]
    assert abs(slopes[0] - slopes[1]) <= few_ulps(x, *slopes, magnify)
    assert [jvp(f, x, 1.0)[1] for f in (left, right)] == pytest.approx(slopes, rel=64 * ULP, abs=64 * ULP)
    bends = [grad(grad(f))(x) for f in (left, right)]
    assert abs(bends[0] - bends[1]) <= few_ulps(x, *bends, 100.0 * magnify)
