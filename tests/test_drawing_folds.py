"""Pictures in which neurons and layers are folded, and how they open."""

import re
import shutil

import pytest
from test_drawing import found, network, shape, words

import engine
import nn
from engine import Value
from engine.drawing import draw
from engine.text import number


def names(root: Value, **options: object) -> list[str]:
    return [box.name for box in draw(root, **options).picture.boxes]


def sizes(root: Value, **options: object) -> dict[str, str]:
    """How many nodes each group holds, as its box says."""
    boxes = draw(root, **options).picture.boxes
    return {box.name: box.label for box in boxes if box.kind == "group"}


def test_parameters_are_labelled_by_their_paths_unless_they_have_a_label():
    model = nn.MLP(2, [2, 1])
    assert [p.label for p in model.parameters()] == [path for path, _ in model.named_parameters()]

    class Outer(nn.Module):
        def __init__(self) -> None:
            self.mine, self.net, self._unseen = Value(1.0, "theta"), model, Value(2.0)

    outer = Outer()
    assert [outer.mine.label, outer._unseen.label] == ["theta", ""]
    assert model.layers[0].neurons[1].b.label == "net.layers.0.neurons.1.b"


def test_a_neuron_is_its_parameters_and_what_is_computed_from_them():
    assert sizes(network(2, 1), fold="neuron") == {
        "layers.0.neurons.0": "6 nodes",
        "layers.0.neurons.1": "6 nodes",
        "layers.1.neurons.0": "5 nodes",
    }


def test_a_layer_is_its_neurons():
    root = network(2, 1)
    assert sizes(root, fold="layer") == {"layers.0": "12 nodes", "layers.1": "5 nodes"}
    assert sizes(root, fold="depth") == sizes(root) == {}


def test_a_folded_neuron_shows_its_output():
    svg = draw(network(2, 1), fold="neuron")._repr_svg_()
    output = network(2, 1).parents[0]
    assert number(output.data) in words(svg)
    assert len(found(svg, "group")) == 3
    assert "4 of 21 nodes shown" in words(svg)


def test_only_a_large_graph_folds_by_itself_and_by_neuron_first():
    root = network(16, 16, 1)
    assert len(names(root)) == 37
    assert names(root, max_nodes=36)[-2:] == ["layers.2.neurons.0", "\N{DIVISION SIGN}"]
    assert list(sizes(root, max_nodes=20)) == ["layers.0", "layers.1", "layers.2"]
    assert shape(root, max_nodes=1000)[0] > 400


@pytest.mark.parametrize("slope", [engine.leaky_relu, engine.elu])
def test_an_activation_with_a_parameter_belongs_to_its_neuron(slope):
    neuron = Value(1.0, "line.w") * Value(2.0)
    assert sizes(slope(neuron) + 1, fold="neuron") == {"line": "3 nodes"}


def test_a_sum_of_products_belongs_to_its_neuron():
    products = [Value(1.0, f"cell.w.{i}") * Value(2.0, f"x{i}") for i in range(3)]
    total = products[0] + products[1] + products[2] + Value(1.0, "cell.b")
    assert sizes(total.tanh() / 2, fold="neuron") == {"cell": "11 nodes"}


def test_a_loss_belongs_to_no_neuron():
    score = nn.MLP(2, [1], rng=0)([1.0, 2.0])
    for loss in (nn.losses.hinge(score, 1), nn.losses.squared_error(score, 1.0)):
        assert sizes(loss, fold="neuron") == {"layers.0.neurons.0": "5 nodes"}


def test_a_batch_folds_into_its_layers_with_what_lies_between_them():
    model = nn.MLP(2, [8, 1], rng=0)
    scores = [model([i / 100, 1.0]) for i in range(100)]
    loss = engine.mean([nn.losses.hinge(y, 1.0) for y in scores]) + nn.losses.l2(model)
    boxes = draw(loss, fold="layer").picture.boxes
    assert [box.kind for box in boxes].count("group") == 2
    assert len(boxes) == 6
    assert sum(int(box.label.split()[0].replace(",", "")) for box in boxes if box.label) > 2000


def test_a_layer_that_feeds_itself_folds_once_for_each_turn():
    layer = nn.Layer(2, 2, "tanh", rng=0)
    state = [1.0, 2.0]
    for _ in range(3):
        state = layer(state)
    drawing = draw(engine.sum(state), fold="neuron")
    assert [box.name for box in drawing.picture.boxes].count("neurons.0") == 3
    assert all(arrow.tail < arrow.head for arrow in drawing.picture.arrows)


def test_a_small_limit_holds_for_folded_graphs_too():
    for limit in range(1, 8):
        drawing = draw(network(4, 4, 1), max_nodes=limit)
        assert len(drawing.picture.boxes) <= limit + 1
        assert all(arrow.tail < arrow.head for arrow in drawing.picture.arrows)


@pytest.mark.parametrize("label", ["a b.c", "1.5", ".w", "w.", "w..b", "layers[0].b", "ä b.\u202e", "."])
def test_other_labels_with_a_dot_are_no_paths(label):
    assert sizes(Value(1.0, label) * 2 + 1, fold="neuron") == {}


def test_a_group_opens_in_the_page_without_a_script():
    page = draw(network(4, 4, 1), fold="layer").to_html()
    links = re.findall(r'<a href="#([\w-]+)">', page)
    assert len(links) == len(set(links)) == 3 + 9
    assert all(page.count(f'<div id="{link}">') == 1 for link in links)
    assert page.count("<details>") == page.count("</details>") == len(links)
    assert "<script" not in page
    assert "layers.1.neurons.3.w.2" in page
    assert "href" not in draw(network(4, 4, 1), fold="layer")._repr_svg_()


def test_a_click_on_a_box_opens_it_in_a_browser(tmp_path):
    api = pytest.importorskip("playwright.sync_api")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        pytest.skip("chromium is not installed")
    path = draw(network(3, 1), fold="layer").save(tmp_path / "graph.html")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_page()
        page.goto(path.as_uri())
        weight = page.get_by_text("layers.0.neurons.2.w.1", exact=True)
        assert not weight.is_visible()
        for name in ("layers.0", "layers.0.neurons.2"):
            page.locator("svg a", has=page.get_by_text(name, exact=True)).first.click()
        assert weight.is_visible()
        chromium.close()


def test_the_inside_of_a_group_is_of_the_same_moment():
    root = network(2, 1)
    drawing = draw(root, fold="layer")
    before = drawing.to_html()
    root.zero_grad()
    assert drawing.to_html() == before


def test_what_stands_for_an_argument_of_a_transform_is_not_shown():
    x = Value(0.5, "x")
    slope = engine.grad(engine.grad(engine.exp))(x)
    assert names(slope) == ["x", "exp"]
    assert names(engine.grad(lambda t: t * t)(x))[:1] == ["x"]
