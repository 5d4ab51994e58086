"""The picture of a network at one sample."""

import math
import re
from xml.etree import ElementTree

import pytest
from test_nn_explore import Skips

import nn
from engine.text import number, typeset
from nn import losses
from nn.still import brief_number

SVG = "{http://www.w3.org/2000/svg}"


def words(drawing):
    return [text.text for text in ElementTree.fromstring(drawing._repr_svg_()).iter(f"{SVG}text")]


def discs(drawing):
    return [
        g for g in ElementTree.fromstring(drawing._repr_svg_()).iter(f"{SVG}g") if g.get("class") == "node"
    ]


def test_a_small_network_shows_every_number():
    model = nn.MLP(2, [3, 1], "tanh", rng=1)
    drawing = nn.draw(model, [0.8, -0.5], 1.0, loss=losses.squared_error)
    seen = words(drawing)
    said = model.layers[0]([0.8, -0.5])
    for value in said:
        assert brief_number(value.data) in seen
    for layer in model.layers:
        for neuron in layer.neurons:
            for w in neuron.w:
                assert brief_number(w.data) in seen
    loss = losses.squared_error(model([0.8, -0.5]), 1.0)
    assert typeset(number(loss.data)) in seen
    loss.backward()
    titles = [g.find(f"{SVG}title").text for g in discs(drawing)]
    assert len(titles) == 6
    slope = 2 * (model([0.8, -0.5]).data - 1.0)
    assert float(titles[-1].split("gradient ")[1]) == pytest.approx(slope)


def test_without_a_loss_there_are_no_gradients():
    assert not any(
        text.startswith("\N{PARTIAL DIFFERENTIAL}") for text in words(nn.draw(nn.MLP(2, [3, 1]), [1.0, 2.0]))
    )


def test_of_wide_layers_the_loudest_stand_for_all_and_weights_are_strips():
    model = nn.MLP(64, [16, 10], "tanh", rng=1)
    x = [(k % 7) / 7 for k in range(64)]
    drawing = nn.draw(model, x, 3, loss=losses.cross_entropy)
    seen = words(drawing)
    for caption in ("\N{HORIZONTAL ELLIPSIS} 60 more", "\N{HORIZONTAL ELLIPSIS} 12 more", "the sample"):
        assert caption in seen
    assert "weights 16 \N{MULTIPLICATION SIGN} 64" in seen
    assert len(discs(drawing)) == 4 + 4 + 10
    loudest = sorted((abs(v.data) for v in model.layers[0](x)), reverse=True)[:4]
    shown = [abs(float(g.find(f"{SVG}title").text.split(",")[0])) for g in discs(drawing)[4:8]]
    assert sorted(shown, reverse=True) == loudest


def test_numbers_of_weights_never_cover_each_other():
    drawing = nn.draw(nn.MLP(3, [5, 4, 1], rng=1), [1.0, 2.0, 3.0])
    places = re.findall(
        r'<text class="small [np]\d" x="([\d.]+)" y="([\d.]+)" text-anchor="start"', drawing.svg
    )
    assert len(places) == 15 + 20 + 4
    assert min(abs(float(y) - float(v)) for x, y in places for u, v in places if x == u and y != v) > 10


def test_it_is_saved_as_svg_and_html_and_fits_a_width(tmp_path):
    drawing = nn.draw(nn.Layer(2, 2), [1.0, math.nan], width=500)
    assert ElementTree.fromstring(drawing.svg).get("width") == "500"
    assert repr(drawing) == "<Drawing of Layer 2-2>"
    for name in ("a.svg", "a.html"):
        assert "nan" in drawing.save(tmp_path / name).read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="saved as .svg or .html, got '.png'"):
        drawing.save(tmp_path / "a.png")


def test_other_models_and_other_widths_are_refused():
    with pytest.raises(ValueError, match="Skips is no plain chain of layers"):
        nn.draw(Skips(), [1.0, 2.0])
    with pytest.raises(ValueError, match="2 inputs are needed, got 3"):
        nn.draw(nn.MLP(2, [1]), [1.0, 2.0, 3.0])
