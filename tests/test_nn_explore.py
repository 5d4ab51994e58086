"""The page of a network in a real Chromium: what it computes, shows and refuses."""

import json
import math
import pickle
import random

import pytest
from browser import axe_finds_nothing
from test_page import EVIL, tags

import engine
import nn
from engine import Value
from nn import losses, optim
from nn.layers import chain_of

RINGS = [[math.cos(k) * (1 + k % 2), math.sin(k) * (1 + k % 2)] for k in range(40)]
SIDES = [k % 2 for k in range(40)]
LOGITS = losses.binary_cross_entropy_with_logits


def mlp(*widths, activation="tanh"):
    return nn.MLP(widths[0], widths[1:], activation, rng=1)


def trained(model, loss=LOGITS, X=RINGS, y=SIDES, rate=0.03, epochs=60, kind=optim.Adam, **options):
    optimizer = kind(model.parameters(), rate, **options)
    return nn.fit(model, X, y, loss=loss, optimizer=optimizer, epochs=epochs, progress=False)


def weights_of(page):
    return page.evaluate("Array.from(net.weights)")


def steps(page, count):
    for _ in range(count):
        page.keyboard.press("s")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (optim.Adam, {"betas": (0.8, 0.99), "weight_decay": 0.01}),
        (optim.AdamW, {}),
        (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.001}),
        (optim.RMSProp, {"momentum": 0.5}),
        (optim.Adagrad, {}),
    ],
)
def test_sixty_steps_on_the_page_are_those_of_fit(open_page, kind, options):
    model = mlp(2, 5, 4, 1)
    optimizer = kind(model.parameters(), 0.03, **options)
    page = open_page(nn.explore(model, RINGS, SIDES, loss=LOGITS, optimizer=optimizer))
    assert page.locator("#optimizer").input_value() == kind.__name__
    steps(page, 60)
    history = trained(model, kind=kind, **options)
    assert weights_of(page) == pytest.approx([p.data for p in model.parameters()], rel=1e-9, abs=1e-12)
    assert page.evaluate("net.losses") == pytest.approx(history.loss, rel=1e-9)
    assert page.locator("#steps").inner_text() == "60"
    page.keyboard.press("r")
    assert page.locator("#steps").inner_text() == "0"


@pytest.mark.parametrize(
    ("sizes", "loss", "targets"),
    [
        ((2, 8, 1), losses.hinge, [2 * s - 1 for s in SIDES]),
        ((2, 6, 3), losses.cross_entropy, [k % 3 for k in range(40)]),
        ((2, 4, 2), losses.squared_error, [[x, -y] for x, y in RINGS]),
        ((2, 32, 24, 1), losses.huber, [x for x, _ in RINGS]),
    ],
)
def test_loss_gradient_and_every_neuron_are_those_of_the_engine(open_page, sizes, loss, targets):
    model = mlp(*sizes)
    page = open_page(nn.explore(model, RINGS, targets, loss=loss))
    sample, target = RINGS[7], targets[7]
    value = loss(model(sample), target)
    value.backward()
    got = page.evaluate("trace(7)")
    assert got["loss"] == pytest.approx(value.data, rel=1e-12)
    gradient = [p.grad for p in model.parameters()]
    assert list(got["gradient"]) == pytest.approx(gradient, rel=1e-11, abs=1e-15)
    outputs = sample
    for said, layer in zip(got["a"][1:], model.layers, strict=True):
        outputs = [x.data for x in losses.as_list(layer(outputs))]
        assert said == pytest.approx(outputs, rel=1e-12)


def test_the_two_tables_of_a_neuron_add_up(open_page):
    page = open_page(nn.explore(mlp(2, 9, 8, 1), RINGS, SIDES, loss=LOGITS))
    page.get_by_role("button", name="layer 1, neuron 3").click()
    assert "Layer 1, neuron 3" in page.locator("#neuron").inner_text()
    for table in page.locator("#neuron table").all():
        numbers = table.evaluate("t => [...t.tBodies[0].rows].map(r => r.cells[3]?.textContent ?? '')")
        *parts, total = [float(x.replace("\N{MINUS SIGN}", "-")) for x in numbers if x]
        assert sum(parts) == pytest.approx(total, abs=2e-3 * max(map(abs, parts)))


def test_waves_go_forward_and_back_with_activations_and_gradients(open_page):
    page = open_page(nn.explore(mlp(2, 4, 1), RINGS, SIDES, loss=LOGITS))
    told = []
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        told.append(page.locator("#tell").inner_text())
    for words, found in zip(
        (
            "is the input",
            "Forward: layer 0",
            "Forward: the output",
            "Loss",
            "Back through the output",
            "layer 0",
        ),
        told,
        strict=True,
    ):
        assert words in found
    assert page.locator("#by-gradient").get_attribute("aria-pressed") == "true"
    assert "\N{PARTIAL DIFFERENTIAL}" in page.locator("#top").text_content()


def test_a_recorded_run_is_scrubbed_and_played(open_page):
    model = mlp(2, 5, 1)
    first = [p.data for p in model.parameters()]
    history = trained(model, epochs=300)
    page = open_page(nn.explore(history, title="Rings"))
    assert page.locator("#title").inner_text() == "Rings"
    assert weights_of(page) == pytest.approx([p.data for p in model.parameters()], rel=1e-6)
    page.locator("#scrub").evaluate("s => { s.value = 0; s.dispatchEvent(new Event('input')) }")
    assert page.locator("#steps").inner_text() == "0"
    assert weights_of(page) == pytest.approx(first, rel=1e-6)
    page.keyboard.press("Space")
    page.wait_for_timeout(1000)
    assert page.evaluate("me.at") > 3
    page.keyboard.press("Space")
    page.get_by_role("button", name="Train here").click()
    assert weights_of(page) == first


def test_the_graph_of_a_loss_scrubs_through_the_history_of_its_model(open_page):
    model = mlp(2, 3, 1)
    history = trained(model, epochs=20)
    loss = LOGITS(model(RINGS[3]), 1)
    first = history.weights[0]
    page = open_page(engine.explore(loss, history=history))
    page.locator("#epoch").evaluate("s => { s.value = 0; s.dispatchEvent(new Event('input')) }")
    for p, x in zip(model.parameters(), first, strict=True):
        p.data = x
    assert page.locator("#epoch-number").inner_text().startswith("1 / 21: ")
    assert page.evaluate("page.state.data[root]") == pytest.approx(loss.forward(), rel=1e-12)


def test_where_no_script_may_run_there_is_a_picture():
    for page in (nn.explore(mlp(2, 3, 1), RINGS, SIDES, loss=LOGITS), engine.explore(Value(2.0, "x") * 3.0)):
        bundle = page._repr_mimebundle_()
        assert bundle["image/svg+xml"].startswith("<svg")
        assert "<iframe sandbox" in bundle["text/html"]
        assert bundle["text/plain"].startswith("<Exploration of ")


def test_a_history_keeps_weights_denser_early_and_how_it_was_trained():
    model = mlp(2, 3, 1)
    history = trained(model, epochs=400)
    epochs = list(history.weights)
    assert (epochs[0], epochs[-1]) == (0, 400)
    assert len(epochs) <= 120
    assert epochs[10] - epochs[0] < epochs[-1] - epochs[-11]
    assert history.weights[400] == [p.data for p in model.parameters()]
    assert (history.optimizer, history.rate, history.batch_size, history.seed) == ("Adam", 0.03, 40, 0)
    assert pickle.loads(pickle.dumps(history)).weights == history.weights
    assert list(trained(mlp(2, 3, 1), epochs=3).weights) == [0, 1, 2, 3]


def test_it_trains_at_thirty_frames_a_second(open_page):
    X, y = RINGS * 3, SIDES * 3
    page = open_page(nn.explore(mlp(2, 16, 16, 1), X[:100], y[:100], loss=LOGITS))
    page.keyboard.press("Space")
    page.wait_for_timeout(1500)
    start = page.evaluate("[me.turn, performance.now()]")
    page.wait_for_timeout(2000)
    end = page.evaluate("[me.turn, performance.now()]")
    rate = 1000 * (end[0] - start[0]) / (end[1] - start[1])
    print(f"{rate:.0f} frames a second")
    assert rate > 10  # 30 and more on two idle cores


def test_pages_are_small():
    assert len(nn.explore(mlp(2, 16, 16, 1), RINGS, SIDES, loss=LOGITS).to_html()) < 90_000
    images = [[(k * j) % 17 / 16 for j in range(64)] for k in range(100)]
    page = nn.explore(mlp(64, 16, 10), images, [k % 10 for k in range(100)], loss=losses.cross_entropy)
    assert len(page.to_html()) < 180_000


def pages():
    images = [[(k * j) % 17 / 16 for j in range(64)] for k in range(30)]
    flowers = [[math.sin(k * j) for j in range(1, 5)] for k in range(30)]
    line = [[k / 10] for k in range(-15, 15)]
    heights = [math.sin(x) for (x,) in line]
    classes = [k % 3 for k in range(30)]
    return {
        "plane": lambda: nn.explore(trained(mlp(2, 6, 1), epochs=9)),
        "classes": lambda: nn.explore(mlp(2, 6, 3), RINGS[:30], classes, loss=losses.cross_entropy),
        "table": lambda: nn.explore(mlp(4, 8, 3), flowers, classes, loss=losses.cross_entropy),
        "images": lambda: nn.explore(mlp(64, 16, 3), images, classes, loss=losses.cross_entropy),
        "line": lambda: nn.explore(mlp(1, 6, 1), line, heights, loss=losses.squared_error),
        "sides": lambda: nn.explore(mlp(4, 6, 1), flowers, SIDES[:30], loss=LOGITS),
        "numbers": lambda: nn.explore(mlp(4, 6, 1), flowers, heights, loss=losses.squared_error),
    }


@pytest.mark.parametrize("name", pages())
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_every_kind_of_page_works_and_axe_finds_nothing(open_page, name, scheme, width):
    page = open_page(
        pages()[name](),
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 800},
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for key in ("s", "n", "ArrowRight", "ArrowLeft", "ArrowLeft", "g"):
        page.keyboard.press(key)
    page.locator("#map").click(position={"x": 60, "y": 60})
    page.locator(".tile").last.press("Enter")
    assert "nan" not in page.locator("#neuron").inner_text()
    axe_finds_nothing(page)


def test_weights_that_are_no_numbers_are_shown_as_such(open_page):
    model = mlp(2, 3, 1)
    model.layers[0].neurons[1].w[0].data = math.nan
    page = open_page(nn.explore(model, RINGS, SIDES, loss=LOGITS))
    page.get_by_role("button", name="layer 0, neuron 1").click()
    assert "nan" in page.locator("#neuron").inner_text()
    assert page.locator("#loss").inner_text() == "nan"


@pytest.mark.parametrize("name", EVIL)
def test_no_name_becomes_code(open_page, name):
    page = nn.explore(
        mlp(2, 3, 2),
        RINGS,
        SIDES,
        loss=losses.cross_entropy,
        title=name,
        inputs=[name, "b"],
        outputs=[name, "d"],
    )
    assert [tag for tag, _ in tags(page.to_html())].count("script") == 2
    opened = open_page(page)
    assert opened.locator("script").count() == 2
    opened.keyboard.press("s")


class Skips(nn.Module):
    def __init__(self):
        self.first, self.last = nn.Layer(2, 2, "tanh", rng=1), nn.Neuron(2, "linear", rng=2)

    def __call__(self, x):
        return self.last(self.first(x)) + x[0]


class Twice(nn.MLP):
    def __call__(self, x):
        return super().__call__(super().__call__(x))


def test_a_model_that_is_no_chain_of_layers_gets_the_page_of_its_graph(open_page):
    page = open_page(nn.explore(Skips(), RINGS, SIDES, loss=losses.squared_error))
    assert "Skips is no plain chain of layers" in page.locator("#note").inner_text()
    assert page.locator("h1").inner_text().startswith("Backpropagation")
    assert chain_of(Twice(2, [2, 2], rng=1)) is None
    assert nn.explore(trained(Skips(), losses.squared_error, epochs=1)).content["note"].startswith("Skips")


class Own(optim.Optimizer):
    def change(self, p, g, shared, memory):
        return (shared[0] * g,)


def test_an_optimizer_that_the_page_has_not_is_named():
    model = mlp(2, 2, 1)
    page = nn.explore(model, RINGS, SIDES, loss=LOGITS, optimizer=Own(model.parameters(), 0.5))
    assert page.content["note"] == "The page has no Own: it trains by SGD."
    assert (page.content["optimizer"], page.content["rate"]) == ("SGD", 0.5)


def test_inputs_of_other_units_fill_the_map_each_by_its_own_range(open_page):
    X = [[a, 1000 * b] for a, b in RINGS]
    page = open_page(nn.explore(mlp(2, 3, 1), X, SIDES, loss=LOGITS))
    places = page.eval_on_selector_all(
        "#points circle", "all => all.map(c => [+c.getAttribute('cx'), +c.getAttribute('cy')])"
    )
    for axis in (0, 1):
        assert max(p[axis] for p in places) - min(p[axis] for p in places) > 7
    assert nn.explore(mlp(2, 3, 1), RINGS, SIDES, loss=LOGITS).content["domain"][0] == pytest.approx(
        [-2.6, 2.6], abs=0.1
    )


def test_a_large_set_of_samples_is_thinned_and_the_page_says_so():
    rng = random.Random(1)
    X = [[rng.random() for _ in range(64)] for _ in range(2000)]
    page = nn.explore(mlp(64, 2, 1), X, [0] * 2000, loss=LOGITS)
    assert "667 of 2,000 points" in page.content["about"]
    json.dumps(page.content)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: nn.explore(mlp(2, 2, 1), [[1.0, 2.0, 3.0]], [1], loss=LOGITS), "2 inputs are needed, got 3"),
        (lambda: nn.explore(mlp(2, 2, 1), RINGS, SIDES), "without a loss"),
        (lambda: nn.explore(3, RINGS, SIDES, loss=LOGITS), "takes a model with X, y and loss="),
        (lambda: nn.explore(nn.History()), "does not know its model"),
        (
            lambda: nn.explore(
                mlp(2, 2, 1), RINGS, SIDES, loss=LOGITS, history=trained(mlp(2, 3, 1), epochs=1)
            ),
            "history of another model: it has 13 weights, the model 9",
        ),
        (lambda: nn.explore(mlp(2, 200, 200, 1), RINGS, SIDES, loss=LOGITS), "up to 20,000 parameters"),
        (
            lambda: nn.explore(mlp(2, 2, 1), RINGS, SIDES, loss=LOGITS, inputs=["a"]),
            "2 names are needed, got 1",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error):
    with pytest.raises((ValueError, TypeError), match=error):
        call()
