"""The interactive page in a real Chromium, and the JSON behind it."""

import importlib.util
import json
import math
import os
import random
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import axe_finds_nothing, needed
from hypothesis import Phase, given, settings

import engine
import nn
from engine import Value
from engine.drawing.layout import arrange
from engine.drawing.picture import picture
from engine.drawing.svg import card_size, sign_size, stroke_path
from engine.edges import local_gradient
from engine.exploring import explore, to_json
from engine.exploring.document import open_edges
from engine.exploring.program import tape
from engine.snapshot import Snapshot
from engine.testing.strategies import expressions

GOLDEN = Path(__file__).parent / "golden"
EVIL = [
    '"]; evil [label="',
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "</svg>",
    "{a|b} {0} {1}",
    "<!--content-->",
    "\0\x1b",
    "a\u202eb",
    "\ud800",
    "x" * 10_000,
    "javascript:alert(1)",
    '" onload="alert(1)',
    "__proto__",
    "$&",
]


def shown(page):
    """(value, gradient) of all nodes on the page, as floats; None for what is not known yet."""
    found = page.eval_on_selector_all(".node", "all => all.map(n => [n.dataset.value, n.dataset.gradient])")
    return [tuple(float(x) if x else None for x in pair) for pair in found]


def computed(root):
    """What a fresh engine run says."""
    root.zero_grad()
    root.forward()
    root.backward()
    return [(node.data, node.grad) for node in Snapshot(root).order]


def bits(pairs):
    return [(x.hex(), g.hex()) for x, g in pairs]


def neuron():
    numbers = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}
    w0, x0, w1, x1, w2 = (Value(x, name) for name, x in numbers.items())
    root = 1 / (1 + engine.exp(-(w0 * x0 + w1 * x1 + w2)))
    root.label = "neuron"
    return root


def move(page, i, x):
    """Drags the slider of the i-th leaf to a number."""
    script = "(slider, x) => { slider.value = x; slider.dispatchEvent(new Event('input')) }"
    page.locator(".leaf input[type=range]").nth(i).evaluate(script, x)
    return float(page.locator(".leaf input[type=range]").nth(i).input_value())


def at_the_end(page):
    page.keyboard.press("End")
    return page


def test_the_page_opens_before_the_first_step_and_ends_on_backward_bit_for_bit(open_page):
    root = neuron()
    page = open_page(explore(root))
    assert page.locator("#counter").text_content() == "0 / 21"
    assert [value for value, _ in shown(page) if value is not None] == [
        node.data for node in Snapshot(root).order if node.is_leaf
    ]
    assert page.get_by_role("button", name="Play backpropagation").is_visible()
    assert bits(shown(at_the_end(page))) == bits(computed(root))


@pytest.mark.parametrize("action", ["play", "key", "scrub"])
def test_there_are_three_ways_through_the_steps(open_page, action):
    root = neuron()
    page = open_page(explore(root))
    page.clock.install()
    if action == "play":
        page.get_by_role("button", name="Play backpropagation").click(force=True)
        assert page.locator("#play").get_attribute("aria-label") == "Pause"
        page.clock.run_for(22 * 1100)
        assert page.locator("#play").get_attribute("aria-label") == "Play"
    elif action == "key":
        for _ in range(21):
            page.keyboard.press("ArrowRight")
    else:
        page.locator("#scrub").evaluate("s => { s.value = 21; s.dispatchEvent(new Event('input')) }")
    assert page.locator("#counter").text_content() == "21 / 21"
    assert bits(shown(page)) == bits(computed(root))


@pytest.mark.parametrize("focus", ["#scrub", ".leaf input[type=range]", "#next"])
def test_space_plays_and_pauses_wherever_the_pointer_left_the_focus(open_page, focus):
    page = open_page(explore(neuron()))
    page.locator(focus).first.click()
    for label in ("Pause", "Play"):
        page.keyboard.press("Space")
        assert page.locator("#play").get_attribute("aria-label") == label


def test_a_step_shows_the_local_derivative_and_the_running_sum(open_page):
    x, y = Value(2.0, "x"), Value(3.0, "y")
    root = x**2 + x * y
    root.label = "z"
    page = at_the_end(open_page(explore(root)))
    words = page.locator("#bubble").inner_text()
    assert "Back from v1 to x" in words
    assert "7" in words
    page.locator(".node").first.press("Enter")
    assert "4" in page.locator("#rule").inner_text()


def test_a_slider_moves_everything(open_page):
    root = neuron()
    leaves = [node for node in Snapshot(root).order if node.is_variable]
    page = open_page(explore(root))
    leaves[2].data = move(page, 2, 0.625)
    for (x, g), (value, gradient) in zip(shown(page), computed(root), strict=True):
        assert (x, g) == (pytest.approx(value, rel=1e-14), pytest.approx(gradient, rel=1e-13))
    assert page.locator("#bubble").is_hidden()
    page.get_by_role("button", name="Back to the first numbers").click()
    leaves[2].data = -3.0
    assert bits(shown(page)) == bits(computed(root))


def test_a_number_can_be_typed_also_beyond_the_slider(open_page):
    root = neuron()
    page = open_page(explore(root))
    page.get_by_role("spinbutton", name="w0").fill("-40.5")
    assert -40.5 in [value for value, _ in shown(page)]
    assert float(page.get_by_role("slider", name="w0").get_attribute("min")) < -40.5


def amplified(root, rng):
    """Values and gradients when every operation is a little wrong, by 1e-10 of itself."""
    order = Snapshot(root).order
    data = {}
    for node in order:
        exact = node.primitive.evaluate([data[id(p)] for p in node.parents]) if node.parents else node.data
        data[id(node)] = exact * (1.0 + rng.choice([-1e-10, 1e-10]) * bool(node.parents))
    adjoint = {id(node): 0.0 for node in order} | {id(root): 1.0}
    for node in reversed(order):
        if node.parents:
            twin = node.primitive(*(Value(data[id(p)]) for p in node.parents))
            for parent, slope in zip(node.parents, local_gradient(twin), strict=True):
                wrong = 1.0 + rng.choice([-1e-10, 1e-10])
                adjoint[id(parent)] += 0.0 if slope is None else adjoint[id(node)] * slope * wrong
    return [(data[id(node)], adjoint[id(node)]) for node in order]


def agree(got, wanted, *others):
    """Within 1e-12 times the condition, as small errors on purpose show it."""
    for (x, g), (value, gradient), *wrong in zip(got, wanted, *others, strict=True):
        for a, b, near in ((x, value, [w[0] for w in wrong]), (g, gradient, [w[1] for w in wrong])):
            if math.isfinite(b):
                condition = abs(b) + max(abs(w - b) for w in near) / 1e-10
                assert abs(a - b) <= 1e-12 * condition + 1e-300, (a, b)
            else:
                assert a == b or (a != a and b != b)


def test_random_expressions_after_all_sliders_were_moved(open_page):
    pages = [open_page(explore(Value(1.0)))]
    pages[0].clock.install()

    @settings(max_examples=30, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
    @given(expressions(variables=3, max_leaves=6, max_nodes=16))
    def every(expression):
        root = expression.root
        order = Snapshot(root).order
        page = open_page(explore(root), pages[0])
        page.keyboard.press("Space")
        page.clock.run_for(1100 * 100)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("End")
        assert bits(shown(page)) == bits(computed(root))
        for i, leaf in enumerate(node for node in order if node.is_variable):
            leaf.data = move(page, i, leaf.data * 1.001 + 0.001)
        rng = random.Random(1)
        got, wanted, *others = shown(page), computed(root), *(amplified(root, rng) for _ in range(4))
        kept = [i for i, node in enumerate(order) if not node.is_constant]
        agree(*([pairs[i] for i in kept] for pairs in (got, wanted, *others)))

    every()


@settings(deadline=None)
@given(expressions(variables=3, max_leaves=8))
def test_the_program_of_the_page_gives_the_engines_bits_where_python_runs_it(expression):
    order = Snapshot(expression.root).order
    results = iter(tape(order).evaluate([node.data for node in order if node.is_variable]))
    for node in order:
        if node.parents:
            assert repr(next(results)) == repr(node.data)
            for operand, slope, is_open in zip(
                node.parents, local_gradient(node), open_edges(node), strict=True
            ):
                if slope is not None:
                    assert repr(next(results)) == repr(slope)
                    if node.primitive.gated:
                        assert (next(results) != 0.0) == is_open or operand.is_constant
    assert not list(results)


def test_nothing_passes_through_a_closed_gate_also_after_a_slider_was_moved(open_page):
    x = Value(1.5, "x")
    root = engine.sqrt(engine.relu(x)) + engine.elu(x, 2.0)
    page = at_the_end(open_page(explore(root)))
    assert bits(shown(page)) == bits(computed(root))
    x.data = move(page, 0, -1.5)
    assert bits(shown(page)) == bits(computed(root))


def test_repeated_operands_second_order_and_lists(open_page):
    x, y = Value(1.5, "x"), Value(0.5, "y")
    second = engine.grad(engine.grad(lambda x: engine.tanh(x * x) * y))(x)
    root = engine.logsumexp([x, y, x * x]) + second + engine.dot([x, y], [y, 2.0])
    assert bits(shown(at_the_end(open_page(explore(root))))) == bits(computed(root))


def test_a_leaf_alone(open_page):
    page = at_the_end(open_page(explore(Value(3.0, "x"))))
    assert shown(page) == [(3.0, 1.0)]


def test_rules_of_the_users_own_stand_still_and_say_why(open_page):
    x = Value(2.0, "x")
    double = engine.custom(lambda x: 2 * x, lambda x: 2.0, name="double")
    page = at_the_end(open_page(explore(double(x) * x)))
    assert "only Python knows how to compute double" in page.locator("#note").inner_text()
    assert shown(page)[-1] == (8.0, 1.0)
    assert page.locator(".leaf input").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(open_page, scheme, width):
    look = {"color_scheme": scheme, "reduced_motion": "reduce", "viewport": {"width": width, "height": 800}}
    page = open_page(explore(neuron(), history=[{"w0": 1.0}, {"w0": 2.0}]), **look)
    page.locator("summary").click()
    for keys in ("", "End", "Home ArrowRight ArrowRight", "End ArrowLeft", "d d", "p", "9 Enter", "h"):
        for key in keys.split():
            if key == "h":
                page.locator("#hint").click()
            else:
                page.keyboard.press(key)
        axe_finds_nothing(page)
    folded = open_page(explore(loss(16, 16, samples=3)), **look)
    for key in ("f", "End"):
        folded.keyboard.press(key)
    axe_finds_nothing(folded)


def loss(*widths, samples):
    """The mean square loss of an MLP with two inputs."""
    model = nn.MLP(2, [*widths, 1], "tanh", rng=1)
    rng = random.Random(2)
    errors = [
        (model([rng.uniform(-1, 1), rng.uniform(-1, 1)]) - rng.choice([-1, 1])) ** 2 for _ in range(samples)
    ]
    root = sum(errors) / samples
    root.label = "loss"
    return root


def test_a_phone_shows_it_from_top_to_bottom_and_never_scrolls_sideways(open_page):
    page = open_page(explore(neuron()), viewport={"width": 360, "height": 740}, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    places = page.eval_on_selector_all(".node", "all => all.map(n => n.getBoundingClientRect().y)")
    assert places[-1] == max(places)
    page.get_by_role("button", name="x1, leaf").tap()
    assert "x1" in page.locator("#rule").inner_text()


def test_every_control_has_a_name(open_page):
    page = open_page(explore(neuron()))
    tree = page.locator("body").aria_snapshot()
    for name in ("Play", "One step back", "To the end", "Step", "Speed", "w0, slider"):
        assert name in tree
    assert (
        at_the_end(page).locator("#scrub").get_attribute("aria-valuetext").startswith("step 21 of 21: Back")
    )


def test_a_training_run_can_be_scrubbed(open_page):
    w, x = Value(0.5, "w"), Value(2.0, "x")
    loss = (w * x - 3.0) ** 2
    history = [{"w": k / 10} for k in range(11)]
    page = open_page(explore(loss, history=history))
    page.locator("#epoch").evaluate("s => { s.value = 3; s.dispatchEvent(new Event('input')) }")
    twin = Value(0.3)
    wanted = (twin * 2.0 - 3.0) ** 2
    wanted.backward()
    assert shown(page)[0] == (0.3, twin.grad)
    assert shown(page)[-1] == (wanted.data, 1.0)
    assert page.locator("#epoch-number").inner_text() == "4 / 11: 5.76"
    assert (w.data, w.grad) == (0.5, 0.0)


@pytest.mark.parametrize(
    ("history", "error"),
    [
        ([{"q": 1.0}], "no leaves are labelled"),
        ([{"w": 1.0}], "2 leaves are labelled"),
        ([{"x": "1"}], "a real number"),
    ],
)
def test_a_history_has_to_fit(history, error):
    root = Value(1.0, "w") * Value(2.0, "w") * Value(3.0, "x")
    with pytest.raises((ValueError, TypeError), match=error):
        explore(root, history=history)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, attributes))


def tags(html):
    parser = Tags()
    parser.feed(html)
    return parser.found


def test_lost_digits_are_shown_until_a_leaf_is_turned(open_page):
    x = Value(0.001, "x")
    opened = open_page(explore((1 - engine.cos(x)) / x))
    opened.locator("#last").click()
    opened.locator("summary").click()
    digits = opened.locator("#table td:last-child")
    assert digits.all_text_contents() == ["16", "16", "16", "10", "10"]
    opened.locator(".node.root").click()
    assert "Rounding has left 10 of 16 digits." in opened.locator("#rule").text_content()
    move(opened, 0, 0.5)
    assert digits.all_text_contents() == [""] * 5
    assert "Rounding" not in opened.locator("#rule").text_content()


@pytest.mark.parametrize("label", EVIL)
def test_no_label_becomes_code(open_page, label):
    x, z = Value(2.0, label), Value(4.0, "z")
    root = engine.exp(x) * engine.custom(lambda x: x, lambda x: 1.0, name=label)(z)
    root.label = label
    page = explore(root)
    found = tags(page.to_html())
    assert [tag for tag, _ in found].count("script") == 2
    assert not [name for _, attributes in found for name, _ in attributes if name.startswith("on")]
    assert "javascript:" not in page.to_html().lower()
    opened = open_page(page)
    assert len(shown(opened)) == 5
    opened.locator("summary").click()
    opened.locator("#table tr").nth(4).wait_for(state="attached")
    assert opened.locator("#table tr").count() == 5
    assert opened.locator("script").count() == 2
    json.loads(to_json(root))


def test_the_policy_lets_nothing_else_run(chromium, tmp_path):
    page = chromium.new_page()
    path = explore(neuron()).save(tmp_path / "a.html")
    page.goto(path.as_uri())
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = true";
            document.body.append(script);
            const image = document.createElement("img");
            image.src = "https://example.com/a.png";
            document.body.append(image);
        }"""
    )
    assert page.evaluate("window.hacked") is None
    page.close()


def test_in_a_notebook_it_lives_in_a_sandboxed_frame(open_page, tmp_path):
    path = tmp_path / "notebook.html"
    path.write_text(f"<!DOCTYPE html><title>n</title>{explore(neuron())._repr_html_()}", encoding="utf-8")
    frame = open_page(path).frame_locator("iframe")
    frame.locator("#next").click()
    assert frame.locator("#counter").text_content() == "1 / 21"
    (attributes,) = [dict(attributes) for tag, attributes in tags(path.read_text()) if tag == "iframe"]
    assert attributes["sandbox"] == "allow-scripts"


def test_it_survives_nbconvert_without_a_kernel(chromium, tmp_path):
    needed(importlib.util.find_spec("nbconvert"), "nbconvert")
    import nbformat
    from nbconvert import HTMLExporter

    output = nbformat.v4.new_output("display_data", {"text/html": explore(neuron())._repr_html_()})
    cell = nbformat.v4.new_code_cell("engine.explore(root)", outputs=[output])
    html, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    path = tmp_path / "notebook.html"
    path.write_text(html, encoding="utf-8")
    context = chromium.new_context(offline=True)
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="domcontentloaded")
    frame = page.frame_locator("iframe")
    frame.locator("#next").click()
    assert frame.locator("#counter").text_content() == "1 / 21"
    context.close()


def test_only_graphs_that_a_page_can_hold_are_explored():
    y = Value(1.0, "x")
    for _ in range(2500):
        y = y * 1.0
    with pytest.raises(ValueError, match="5,001 nodes, the page shows up to 5,000"):
        explore(y)


@pytest.mark.parametrize("root", [3.0, None, "x"])
def test_only_values_are_explored(root):
    with pytest.raises(TypeError, match="the root of a graph"):
        explore(root)


@pytest.mark.parametrize("name", ["x.bmp", "x.svg", "x"])
def test_a_page_is_saved_as_html_only(tmp_path, name):
    with pytest.raises(ValueError, match="saved as .html"):
        explore(Value(1.0)).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_the_file_is_small_and_always_the_same():
    page = explore(neuron())
    assert page.to_html() == explore(neuron()).to_html()
    assert len(page.to_html()) < 95_000
    x, y = Value(2.0, "x"), Value(3.0, "y")
    assert len(explore(x**2 + engine.sin(x * y)).to_html()) <= 90_000


def golden_graph():
    x, y = Value(2.0, "x"), Value(-3.0)
    return (x * y + x**2 - engine.floor(x)).tanh() / engine.max([x, y, math.inf])


def test_json_is_as_it_was():
    text = json.dumps(json.loads(to_json(golden_graph())), indent=1) + "\n"
    file = GOLDEN / "page_graph.json"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


def test_json_holds_what_its_schema_says():
    root = golden_graph()
    content = json.loads(to_json(root))
    root.backward()
    assert set(content) == {"format", "version", "expression", "nodes"}
    for node, row in zip(Snapshot(root).order, content["nodes"], strict=True):
        assert float(row["data"]).hex() == node.data.hex()
        assert float(row["gradient"]).hex() == node.grad.hex()
        assert len(row["local"]) == len(row["partials"]) == len(row["parents"]) == len(node.parents)
        assert row["op"] == node.op
    assert len({row["name"] for row in content["nodes"] if row["kind"] != "constant"}) == sum(
        row["kind"] != "constant" for row in content["nodes"]
    )


def test_json_of_a_large_graph_takes_no_recursion():
    x = y = Value(1.0, "x")
    for _ in range(20_000):
        y = y * x
    assert len(json.loads(to_json(y))["nodes"]) == 20_001


def same_places(page, root, direction):
    """Whether the page arranges the boxes of a picture as `draw` does."""
    seen = picture(root, 200, True, "depth")
    sizes = [card_size(box) for box in seen.boxes]
    wanted = arrange(seen, sizes, sign_size, direction)
    boxes = [{"kind": box.kind, "size": list(size)} for box, size in zip(seen.boxes, sizes, strict=True)]
    arrows = [{"tail": a.tail, "head": a.head, "sign": list(sign_size(a))} for a in seen.arrows]
    script = "([boxes, arrows, down]) => arrange(boxes, arrows, down)"
    got = page.evaluate(script, [boxes, arrows, direction == "TB"])
    for place, (x, y, wide, high) in zip(wanted.places, got["places"], strict=True):
        assert (x + wide / 2, y + high / 2, wide, high) == pytest.approx((*place.middle, *place.size))
    for way, found in zip(wanted.ways, got["ways"], strict=True):
        assert found["label"] == pytest.approx(way.label)
        numbers = [
            [float(x) for x in re.findall(r"-?[\d.]+", path)] for path in (found["path"], stroke_path(way))
        ]
        assert numbers[0] == pytest.approx(numbers[1], abs=0.11)
    assert got["size"] == pytest.approx(wanted.size)


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_the_page_gives_the_places_of_draw(open_page, direction):
    page = open_page(explore(neuron()))
    for root in (neuron(), golden_graph(), loss(3, 2, samples=2), loss(8, 8, samples=1), Value(1.0)):
        same_places(page, root, direction)


def cards(page):
    return page.locator(".node:not([aria-label^=Fold])")


def test_a_network_opens_as_a_handful_of_boxes_that_open_in_place(open_page):
    root = loss(16, 16, samples=3)
    page = open_page(explore(root))
    assert "655 nodes" in page.locator("#headline").inner_text()
    assert cards(page).count() == 6
    assert page.locator("#counter").inner_text() == "0 / 10"
    at_the_end(page)
    page.get_by_role("button", name="layer 1, 16 neurons").press("Enter")
    page.get_by_role("button", name="neuron 3, of layer 1").press("Enter")
    assert page.get_by_role("button", name="Fold neuron 3").is_visible()
    order = {node.label: node for node in Snapshot(root).order}
    root.backward()
    card = page.get_by_role("button", name="L1N3.w5, leaf")
    assert card.evaluate("c => Number(c.dataset.gradient)") == order["layers.1.neurons.3.w.5"].grad
    assert shown(page)[-1] == (root.data, 1.0)
    page.get_by_role("button", name="Fold layer 1").press("Enter")
    assert cards(page).count() == 6


def test_folded_or_not_the_table_has_all_gradients_bit_for_bit(open_page):
    root = loss(16, 16, samples=3)
    page = at_the_end(open_page(explore(root)))
    page.locator("summary").click()
    page.locator("#table tr").nth(654).wait_for(state="attached")
    rows = page.eval_on_selector_all(
        "#table tr", "all => all.map(r => [r.cells[2].textContent, r.cells[3].textContent])"
    )
    for (x, gradient), (data, grad) in zip(rows, computed(root), strict=True):
        assert float(x).hex() == data.hex()
        assert float(gradient or 0.0) == grad


def test_thousands_of_nodes_open_quickly(open_page):
    page = explore(loss(8, 8, samples=40))
    start = time.perf_counter()
    opened = open_page(page)
    opened.get_by_role("button", name="layer 0, 8 neurons").wait_for()
    assert time.perf_counter() - start < 3.0
    assert cards(opened).count() == 6


def test_a_label_folds_what_it_alone_needs_and_a_long_graph_folds_in_runs(open_page):
    x, y = Value(0.5, "x"), Value(2.0, "y")
    part = engine.sin(x * 2 + 1) * engine.exp(x * 3)
    part.label = "part"
    rest = part
    for _ in range(12):
        rest = rest * y
    page = open_page(explore(rest))
    box = page.get_by_role("button", name="part, 10 nodes")
    assert box.is_visible()
    assert not page.get_by_role("button", name="x, leaf").count()
    box.press("Enter")
    assert page.get_by_role("button", name="x, leaf").is_visible()
    for _ in range(2000):
        rest = engine.sin(rest)
    assert cards(open_page(explore(rest))).count() == 13


def test_boxes_open_in_any_order_without_a_circle(open_page):
    page = open_page(explore(loss(3, 3, samples=2)))
    for seed in range(5):
        rng = random.Random(seed)
        for _ in range(6):
            buttons = page.locator(".node.box")
            if not buttons.count():
                break
            buttons.nth(rng.randrange(buttons.count())).press("Enter")
            assert page.evaluate("page.graph.arrows.every((a) => a.tail < a.head)")
        page.keyboard.press("f")


def test_practice_tells_wrong_answers_from_right_ones(open_page):
    x, y = Value(2.0, "x"), Value(3.0, "y")
    root = x**2 + engine.sin(x * y) * 0.5
    page = open_page(explore(root))
    page.keyboard.press("p")
    answers = [
        ("z", "Type a number"),
        ("1", "Right: 1"),
        ("0.5", "Right: 0.5"),
        ("0.96", "local derivative"),
        ("0.5", "gradient that arrives"),
        ("-0.48", "the sign is not"),
        ("6", "value of the node"),
        ("7", "Not yet"),
        ("0.48", "Right"),
        ("0,96", "Right"),
        ("1", "Right"),
        ("4", "comes through v1 alone"),
        ("5.44", "the whole backward pass is yours"),
    ]
    for answer, words in answers:
        page.locator("#answer").fill(answer)
        page.keyboard.press("Enter")
        assert words in page.locator("#say").inner_text(), answer
    assert page.locator("#score").inner_text() == "6 of 6 found"
    assert bits(shown(page)) == bits(computed(root))


def test_practice_hides_every_gradient_and_helps_in_three_steps(open_page):
    page = open_page(explore(neuron()))
    page.get_by_role("button", name="Practice").click()
    assert {gradient for _, gradient in shown(page)[:-1]} == {0.0}
    assert page.locator("#slope").inner_text() == "slope ?"
    for words in ("used once, by neuron", "\u2212", "?"):
        page.get_by_role("button", name="Hint").click()
        assert words in page.locator("#say").inner_text()
    page.get_by_role("button", name="Show me").click()
    assert "Right" in page.locator("#say").inner_text()


def test_descent_goes_down_as_the_engine_does(open_page):
    w, x = Value(0.5, "w"), Value(2.0, "x")
    root = (w * x - 3.0) ** 2
    page = open_page(explore(root))
    page.get_by_role("spinbutton", name="rate").fill("0.02")
    for _ in range(5):
        page.get_by_role("button", name="Step down").click()
        root.zero_grad()
        root.forward()
        root.backward()
        for leaf in (w, x):
            leaf.data -= 0.02 * leaf.grad
    assert shown(page)[-1][0] == pytest.approx(computed(root)[-1][0], rel=1e-13)
    assert "step 5" in page.locator("#root-now").inner_text()


def test_the_curve_is_dragged_to_turn_its_leaf(open_page):
    page = open_page(explore(neuron()))
    page.get_by_role("spinbutton", name="x1").focus()
    assert page.locator("#curve-title").inner_text() == "neuron as x1 moves"
    box = page.locator("#curve").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 50)
    page.mouse.up()
    moved = float(page.get_by_role("slider", name="x1").input_value())
    assert -3.5 < moved < -2.9
    assert page.locator("#slope").inner_text().startswith("slope ")


@pytest.mark.parametrize("x", [1e6, -1.2345e-7, 1e300, math.inf, math.nan])
def test_numbers_never_spill(open_page, x):
    page = at_the_end(open_page(explore(Value(x, "x") * -1.0 + Value(-12345.678, "y"))))
    spilled = """all => all.filter(n => [...n.querySelectorAll("text")].some(t => {
        const [inner, outer] = [t.getBoundingClientRect(), n.querySelector(".frame").getBoundingClientRect()];
        return inner.left < outer.left || inner.right > outer.right;
    })).length"""
    assert page.eval_on_selector_all(".node", spilled) == 0


def test_zoom_keeps_the_root_in_words(open_page):
    page = at_the_end(open_page(explore(neuron())))
    assert page.locator("#pin").is_hidden()
    for _ in range(8):
        page.keyboard.press("+")
    page.mouse.move(200, 300)
    page.mouse.down()
    page.mouse.move(800, 300, steps=3)
    page.mouse.up()
    assert page.locator("#pin").inner_text() == "neuron = 0.7311"
    page.locator("#pin").click()
    assert page.locator("#pin").is_hidden()
    page.keyboard.press("0")
    assert page.locator("#pin").is_hidden()
