"""Names are a user's: wherever one comes out, it does no harm there."""

import unicodedata
from contextlib import suppress
from xml.etree import ElementTree

import pytest

import engine
import nn
from engine import Value, custom, diagnose, draw, explain, explore, to_json
from engine.primitive import Primitive

HOSTILE = (
    "nul\0", "esc\x1b[31m", "csi\x9b31m", "half\ud800", "turned\u202e", "line\r\n\x85\u2028", "\ufffe\uffff",
    "tag\U000e0041", "</title><script>", "]]><!--", "{0}{*}", "\\N\\", "long" * 25_000,
)  # fmt: skip


def of_a_leaf(name):
    x = Value(2.0, name)
    return engine.mul(x, Value(3.0, "y"))


def of_a_custom_row(name):
    return custom(lambda a, b: a * b, lambda a, b: (b, a), name)(Value(2.0), Value(3.0))


def of_a_row(name):
    row = Primitive(name, lambda a, b: a * b, lambda a, b: b, lambda a, b: a)
    return row(Value(2.0), Value(3.0))


def of_a_parameter(name):
    model = nn.Module()
    model.weights = {name: Value(2.0)}
    return model.weights[name] * Value(3.0)


def refusal(z):
    """What a row says of one operand; a custom one takes any number."""
    with suppress(TypeError):
        return repr(z.primitive(z))
    with pytest.raises(TypeError) as caught:
        z.primitive(z)
    return str(caught.value)


SINKS = {
    "svg": lambda z: draw(z)._repr_svg_(),
    "html": lambda z: draw(z).to_html(),
    "dot": lambda z: draw(z).source,
    "words": lambda z: str(explain(z)),
    "latex": lambda z: explain(z)._repr_latex_(),
    "page": lambda z: explore(z).to_html(),
    "json": to_json,
    "repr": lambda z: f"{z!r} {z.primitive!r} {z.parents!r}",
    "diagnosis": lambda z: str(diagnose((z - 6.0) * z.parents[0] / 0.0)),
    "error": refusal,
}


def does_harm(c):
    return c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")


@pytest.mark.parametrize("place", [of_a_leaf, of_a_custom_row, of_a_row, of_a_parameter])
@pytest.mark.parametrize("sink", SINKS)
def test_no_name_does_harm_where_it_comes_out(place, sink):
    for name in HOSTILE:
        text = SINKS[sink](place(name))
        assert not [c for c in text if does_harm(c)], ascii(name)
        assert len(text) < 500_000
        if sink == "svg":
            ElementTree.fromstring(text)
