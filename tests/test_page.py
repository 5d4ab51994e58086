"""The interactive page in a real Chromium, and the JSON behind it."""

import importlib.util
import json
import math
import os
import random
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings

import engine
from engine import Value
from engine.edges import local_gradient
from engine.exploring import explore, to_json
from engine.exploring.document import open_edges
from engine.exploring.program import tape
from engine.snapshot import Snapshot
from engine.testing.strategies import expressions

GOLDEN = Path(__file__).parent / "golden"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
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


def needed(found, what):
    """Skips where something is missing; in CI that is a failure."""
    if not found:
        (pytest.fail if "CI" in os.environ else pytest.skip)(f"{what} is not installed")


@pytest.fixture(scope="module")
def chromium():
    needed(importlib.util.find_spec("playwright"), "playwright")
    needed(CHROMIUM, "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, tmp_path):
    """Opens a page; at the end there was no error and no request, or the test fails."""
    contexts, complaints = [], []

    def opened(subject, page=None, **options):
        page = page or watched(**options)
        path = subject if isinstance(subject, Path) else subject.save(tmp_path / "page.html")
        page.goto(path.as_uri())
        return page

    def watched(**options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


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


def test_the_page_opens_on_backward_bit_for_bit(open_page):
    root = neuron()
    assert bits(shown(open_page(explore(root)))) == bits(computed(root))


@pytest.mark.parametrize("action", ["play", "key", "scrub"])
def test_there_are_three_ways_through_the_steps(open_page, action):
    root = neuron()
    page = open_page(explore(root))
    page.clock.install()
    page.keyboard.press("Home")
    assert page.locator("#counter").text_content() == "1 / 22"
    leaves = [value for value, _ in shown(page) if value is not None]
    assert leaves == [node.data for node in Snapshot(root).order if node.is_leaf]
    if action == "play":
        page.keyboard.press("Space")
        assert page.locator("#play").get_attribute("aria-label") == "Pause"
        page.clock.run_for(22 * 900)
        assert page.locator("#play").get_attribute("aria-label") == "Play"
    elif action == "key":
        for _ in range(21):
            page.keyboard.press("ArrowRight")
    else:
        page.locator("#scrub").evaluate("s => { s.value = 21; s.dispatchEvent(new Event('input')) }")
    assert page.locator("#counter").text_content() == "22 / 22"
    assert bits(shown(page)) == bits(computed(root))


def test_a_step_shows_the_local_derivative_and_the_running_sum(open_page):
    x, y = Value(2.0, "x"), Value(3.0, "y")
    root = x**2 + x * y
    root.label = "z"
    page = open_page(explore(root))
    words = page.locator("#step").inner_text()
    assert "Backward: from v1 to x" in words
    assert page.locator("#step math").all_inner_texts()[-2:] == ["=3+4", "=7"] or "7" in words
    page.locator(".node").first.press("Enter")
    assert "4" in page.locator("#rule").inner_text()


def test_a_slider_moves_everything(open_page):
    root = neuron()
    leaves = [node for node in Snapshot(root).order if node.is_variable]
    page = open_page(explore(root))
    leaves[2].data = move(page, 2, 0.625)
    for (x, g), (value, gradient) in zip(shown(page), computed(root), strict=True):
        assert (x, g) == (pytest.approx(value, rel=1e-14), pytest.approx(gradient, rel=1e-13))
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
        assert bits(shown(page)) == bits(computed(root))
        page.keyboard.press("Home")
        page.keyboard.press("Space")
        page.clock.run_for(900 * 100)
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
    page = open_page(explore(root))
    assert bits(shown(page)) == bits(computed(root))
    x.data = move(page, 0, -1.5)
    assert bits(shown(page)) == bits(computed(root))


def test_repeated_operands_second_order_and_lists(open_page):
    x, y = Value(1.5, "x"), Value(0.5, "y")
    second = engine.grad(engine.grad(lambda x: engine.tanh(x * x) * y))(x)
    root = engine.logsumexp([x, y, x * x]) + second + engine.dot([x, y], [y, 2.0])
    assert bits(shown(open_page(explore(root)))) == bits(computed(root))


def test_a_leaf_alone(open_page):
    page = open_page(explore(Value(3.0, "x")))
    assert shown(page) == [(3.0, 1.0)]


def test_rules_of_the_users_own_stand_still_and_say_why(open_page):
    x = Value(2.0, "x")
    double = engine.custom(lambda x: 2 * x, lambda x: 2.0, name="double")
    page = open_page(explore(double(x) * x))
    assert "only Python knows how to compute double" in page.locator("#note").inner_text()
    assert shown(page)[-1] == (8.0, 1.0)
    assert page.locator(".leaf input").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(open_page, scheme, width):
    needed(importlib.util.find_spec("axe_playwright_python"), "axe-playwright-python")
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(
        explore(neuron(), history=[{"w0": 1.0}, {"w0": 2.0}]),
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": 800},
    )
    page.locator("summary").click()
    for keys in (["End"], ["Home", *["ArrowRight"] * 3], ["End", "ArrowLeft"]):
        for key in keys:
            page.locator("h1").evaluate("h => h.ownerDocument.activeElement.blur()")
            page.keyboard.press(key)
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


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
    assert page.locator("#scrub").get_attribute("aria-valuetext").startswith("step 22 of 22: Backward")


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
    opened.locator("#all tbody tr").nth(4).wait_for(state="attached")
    assert opened.locator("#all tbody tr").count() == 5
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
    frame.locator("#back").click()
    assert frame.locator("#counter").text_content() == "21 / 22"
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
    frame.locator("#back").click()
    assert frame.locator("#counter").text_content() == "21 / 22"
    context.close()


def test_only_graphs_that_can_be_followed_are_explored():
    y = Value(1.0, "x")
    for _ in range(500):
        y = y * 1.0
    with pytest.raises(ValueError, match="1,001 nodes, the page shows up to 500"):
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
    assert len(page.to_html()) < 60_000


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
