import json
import math
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

import engine
import nn
from engine import Value
from engine.drawing import draw
from engine.drawing.layers import crossings, layers_of
from engine.drawing.layout import arrange
from engine.drawing.palette import DARK, LIGHT
from engine.drawing.picture import picture, tone
from engine.drawing.svg import card_size, sign_size
from engine.text import LABEL_LIMIT, clean, number, symbol

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"
DIRECTIONS = ["LR", "RL", "TB", "BT"]
EVIL = [
    '"]; evil [label="',
    "<script>alert(1)</script>",
    "</svg>",
    "</title><img src=x onerror=alert(1)>",
    "]]>",
    "{a|b}",
    r"\N \G \l",
    "\\",
    "\0\x1b[31m",
    "\N{RIGHT-TO-LEFT OVERRIDE}abc\N{LEFT-TO-RIGHT ISOLATE}",
    "\ud800 and \udfff",
    "\uffff\ufdd0\U0001ffff",
    "javascript:alert(1)",
    '" onload="alert(1)',
    "&amp; &#0; &bogus;",
    "a\nb\r\nc\u2028d",
    "x" * 10_000,
    "\N{COMBINING ACUTE ACCENT}" * 10_000,
    " ",
    "{svg}",
]
needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="the program dot is not installed")


def apples_and_oranges() -> Value:
    names = {"apple": 100, "apples": 2, "orange": 150, "oranges": 3, "tax": 1.1}
    apple, apples, orange, oranges, tax = (Value(data, label) for label, data in names.items())
    price = (apple * apples + orange * oranges) * tax
    price.label = "price"
    price.backward()
    return price


def micrograd_readme() -> Value:
    a, b = Value(-4.0, "a"), Value(2.0, "b")
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    f = (c - d) ** 2
    g = f / 2 + 10 / f
    g.backward()
    return g


def comb(n: int) -> Value:
    x = y = Value(1.0, "x")
    for _ in range(n):
        y = y * x
    y.backward()
    return y


def network(*widths: int) -> Value:
    """Half of the output of an MLP with two inputs, whose parameters are 0.25, 0.5, 0.75 in turn."""
    model = nn.MLP(2, list(widths), "tanh")
    for i, parameter in enumerate(model.parameters()):
        parameter.data = (i % 3 + 1) / 4
    half = model([Value(1.0, "x"), Value(-2.0, "y")]) / 2
    half.backward()
    return half


def found(svg: str, style: str) -> list[ElementTree.Element]:
    """The elements of an SVG that carry the class."""
    return [e for e in ElementTree.fromstring(svg).iter() if style in e.get("class", "").split()]


def shape(root: Value, **options: object) -> tuple[int, int]:
    svg = draw(root, **options)._repr_svg_()
    return len(found(svg, "node")), len(found(svg, "arrow"))


def words(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def dot_counts(source: str) -> tuple[int, int]:
    """Nodes and edges, as dot itself counts them."""
    command = ["dot", "-Tdot_json"]
    result = subprocess.run(command, input=source.encode(), capture_output=True, check=True, timeout=60)
    assert result.stderr == b""
    graph = json.loads(result.stdout)
    return len(graph["objects"]), len(graph["edges"])


@pytest.mark.parametrize("name", ["apples", "square", "fold", "downwards", "values", "neurons"])
def test_the_text_of_a_picture_is_golden(name):
    x = Value(3.0, "x")
    drawing = {
        "apples": lambda: draw(apples_and_oranges()),
        "square": lambda: draw(x * x),
        "fold": lambda: draw(comb(50), max_nodes=4),
        "downwards": lambda: draw(engine.exp(x) - 1, direction="TB"),
        "values": lambda: draw(apples_and_oranges(), gradients=False),
        "neurons": lambda: draw(network(2, 1), fold="neuron"),
    }[name]()
    for suffix, text in ((".dot", drawing.source), (".svg", drawing._repr_svg_())):
        golden = GOLDEN / f"drawing_{name}{suffix}"
        if "UPDATE_GOLDEN" in os.environ:
            golden.write_text(text, encoding="utf-8")
        assert text == golden.read_text(encoding="utf-8")


def test_every_number_of_the_lecture_stands_in_the_picture():
    svg = draw(apples_and_oranges())._repr_svg_()
    shown = words(svg)
    for figure in (
        "715",
        "650",
        "200",
        "450",
        "2.2",
        "110",
        "3.3",
        "165",
        "1.1",
        "price",
        "oranges",
        "\N{MULTIPLICATION SIGN}",
        "+",
    ):
        assert figure in shown
    assert [text.text for text in found(svg, "sign") if text.tag == f"{SVG}text"] == [
        *("2", "100", "3", "150", "1", "1", "1.1", "650")
    ]


def test_a_repeated_operand_has_two_arrows():
    x = Value(3.0)
    assert shape(x * x) == (2, 2)
    assert shape(engine.dot([x, x], [x, x])) == (2, 4)


def test_a_leaf_draws_alone():
    assert shape(Value(1.0, "x")) == (1, 0)


def test_a_constant_has_no_gradient_and_its_arrow_no_label():
    svg = draw(Value(-4.0, "a") ** 3)._repr_svg_()
    assert len(found(svg, "constant")) == 1
    assert len([group for group in found(svg, "sign") if group.tag == f"{SVG}g"]) == 1
    assert "nan" not in words(svg)


def test_the_graph_of_a_second_derivative_draws():
    x = Value(0.5, "x")
    second = engine.grad(engine.grad(lambda t: engine.exp(engine.sin(t))))(x)
    second.backward()
    nodes, arrows = shape(second)
    assert nodes > 10
    assert arrows >= nodes - 1


def test_a_graph_without_gradients_says_what_to_do():
    x = Value(2.0)
    assert "gradients are 0 until backward() is called" in words(draw(x * x)._repr_svg_())


def test_values_only_leaves_out_every_gradient():
    svg = draw(apples_and_oranges(), gradients=False)._repr_svg_()
    assert not found(svg, "tint")
    assert not found(svg, "sign")


def test_a_drawing_is_of_its_moment():
    price = apples_and_oranges()
    drawing = draw(price)
    before = drawing._repr_svg_()
    price.zero_grad()
    assert drawing._repr_svg_() == before
    assert repr(drawing) == "<Drawing of 9 nodes and 8 arrows>"


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_nothing_covers_anything(direction):
    shown = picture(micrograd_readme(), 200, True)
    layout = arrange(shown, [card_size(box) for box in shown.boxes], sign_size, direction)
    places = [(*place.middle, *place.size) for place in layout.places]
    arrows = [way for way in layout.ways if way.link.arrow]
    places += [(*way.label, *sign_size(way.link.arrow)) for way in arrows if way.link.arrow.local]
    for i, (x, y, w, h) in enumerate(places):
        assert x >= w / 2
        assert y >= h / 2
        assert x + w / 2 <= layout.size.x
        assert y + h / 2 <= layout.size.y
        for u, v, a, b in places[:i]:
            assert abs(x - u) >= (w + a) / 2 or abs(y - v) >= (h + b) / 2


def test_arrows_point_to_the_root_and_end_at_their_card():
    shown = picture(micrograd_readme(), 200, True)
    layout = arrange(shown, [card_size(box) for box in shown.boxes], sign_size, "LR")
    for way in layout.ways:
        assert way.start.x <= way.unbend.x <= way.end.x
        if way.link.arrow:
            place = layout.places[way.link.head]
            assert 0 < place.middle.x - place.size.x / 2 - way.end.x < 10
            assert abs(way.end.y - place.middle.y) < place.size.y / 2


def test_the_links_of_a_tree_do_not_cross():
    leaves = [Value(float(i)) for i in range(16)]
    while len(leaves) > 1:
        leaves = [x * y for x, y in zip(leaves[::2], leaves[1::2], strict=True)]
    assert crossings(layers_of(picture(leaves[0], 200, True))) == 0


def test_a_large_graph_folds_and_says_how_much():
    root = comb(1000)
    drawing = draw(root, max_nodes=10)
    assert "991 more nodes" in " ".join(words(drawing._repr_svg_()))
    assert "10 of 1,001 nodes shown" in words(drawing._repr_svg_())
    assert repr(drawing).endswith("991 nodes folded>")
    assert shape(root, max_nodes=1) == (2, 1)
    assert shape(root, max_nodes=1001)[0] == 1001


@pytest.mark.parametrize("limit", range(1, 30))
def test_folding_makes_no_circle(limit):
    drawing = draw(micrograd_readme(), max_nodes=limit)
    assert all(arrow.tail < arrow.head for arrow in drawing.picture.arrows)
    assert len(drawing.picture.boxes) == limit + 1
    assert drawing.picture.boxes[-1].value == "24.7"


def test_a_picture_of_a_hundred_thousand_nodes_is_small():
    drawing = draw(comb(100_000))
    svg = drawing._repr_svg_()
    assert "200 of 100,001 nodes shown" in words(svg)
    assert len(svg) + len(drawing.source) < 1_000_000


def test_a_node_of_a_hundred_thousand_operands_draws():
    xs = [Value(1.0) for _ in range(100_000)]
    assert shape(engine.sum(xs)) == (201, 200)


def test_a_long_chain_needs_no_recursion():
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        assert shape(comb(3000), max_nodes=10_000) == (3001, 6000)
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("label", EVIL, ids=range(len(EVIL)))
def test_a_label_is_only_ever_text(label):
    root = Value(1.0, label) * Value(2.0, label)
    root.label = label
    drawing = draw(root)
    svg = drawing._repr_svg_()
    assert shape(root) == (3, 2)
    page = drawing.to_html()
    for text in (svg, page, drawing.source):
        text.encode()
        assert "javascript:" not in text.lower()
        assert not re.search(r"\son\w+\s*=", text.lower())
        assert "\0" not in text

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            assert tag not in ("script", "img", "a", "foreignObject", "iframe")
            assert not [name for name, _ in attributes if name.startswith("on") or "href" in name]

    for text in (svg, page):
        Reader().feed(text)
    assert {e.tag.removeprefix(SVG) for e in ElementTree.fromstring(svg).iter()} <= {
        *("svg", "title", "style", "g", "rect", "path", "text")
    }
    assert all(len(text) < LABEL_LIMIT + 30 for text in words(svg))


@needs_dot
def test_dot_counts_the_same_nodes_and_edges_whatever_the_labels():
    for label in EVIL:
        root = Value(1.0, label) * Value(2.0, label)
        root.label = label
        assert dot_counts(draw(root).source) == (3, 2), label


@needs_dot
def test_dot_shows_a_backslash_as_it_is():
    source = draw(Value(1.0, r"\N{a|b}\G")).source
    svg = subprocess.run(["dot", "-Tsvg"], input=source.encode(), capture_output=True, check=True).stdout
    assert r"\N{a|b}\G" in words(svg.decode())


@needs_dot
def test_a_folded_graph_is_painted(tmp_path):
    pytest.importorskip("graphviz")
    assert draw(comb(100_000)).save(tmp_path / "a.pdf").stat().st_size > 1000


@pytest.mark.parametrize("suffix", [".svg", ".SVG", ".html", ".dot"])
def test_texts_are_saved_without_any_package(tmp_path, monkeypatch, suffix):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    path = draw(apples_and_oranges()).save(tmp_path / f"graph{suffix}")
    assert path == tmp_path / f"graph{suffix}"
    assert "715" in path.read_text(encoding="utf-8")


@needs_dot
@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_images_are_saved_through_dot(tmp_path, suffix, magic):
    pytest.importorskip("graphviz")
    assert draw(apples_and_oranges()).save(str(tmp_path / f"graph{suffix}")).read_bytes().startswith(magic)


def test_an_image_without_the_package_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r"chainrule\[draw\]"):
        draw(Value(1.0)).save(tmp_path / "graph.png")


def test_an_image_without_the_program_says_what_to_install(tmp_path, monkeypatch):
    pytest.importorskip("graphviz")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="install Graphviz"):
        draw(Value(1.0)).save(tmp_path / "graph.png")
    assert not (tmp_path / "graph.png").exists()


@pytest.mark.parametrize("name", ["x.bmp", "x", "x.svg.gz"])
def test_an_unknown_format_names_the_known_ones(tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.html, \.dot, \.png, \.pdf, got"):
        draw(Value(1.0)).save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_the_digraph_is_the_same_picture():
    graphviz = pytest.importorskip("graphviz")
    drawing = draw(apples_and_oranges())
    assert isinstance(drawing.to_graphviz(), graphviz.Digraph)
    assert drawing.to_graphviz().source == drawing.source


@pytest.mark.parametrize("root", [3.0, None, "x", [Value(1.0)]])
def test_only_a_value_can_be_drawn(root):
    with pytest.raises(TypeError, match=f"takes a Value, .* got {type(root).__name__}"):
        draw(root)


def test_options_are_checked():
    with pytest.raises(ValueError, match="LR, RL, TB, BT, got 'left'"):
        draw(Value(1.0), direction="left")
    with pytest.raises(ValueError, match=r"max_nodes .* got 0"):
        draw(Value(1.0), max_nodes=0)
    with pytest.raises(ValueError, match="'neuron', 'layer', 'depth', got 'neurons'"):
        draw(Value(1.0), fold="neurons")


@pytest.mark.parametrize(
    ("x", "text"),
    [
        *((0.0, "0"), (-0.0, "0"), (2.0, "2"), (-123456.0, "-123456"), (1e6, "1e6"), (12345.6, "12346")),
        *((0.7310585786300049, "0.7311"), (1e-300, "1e-300"), (2.5e10, "2.5e10"), (999999.7, "1e6")),
        *((float("nan"), "nan"), (float("inf"), "inf"), (-float("inf"), "-inf")),
    ],
)
def test_numbers_are_short(x, text):
    assert number(x) == text


def test_labels_are_short_and_on_one_line():
    assert clean("a\n  b\tc") == "a b c"
    assert clean("x" * 10_000) == "x" * (LABEL_LIMIT - 1) + "…"


def test_operations_are_called_as_in_python():
    rows = engine.primitive.TABLE
    signs = {
        name: symbol(name, rows[name].python) for name in ("add", "sub", "mul", "div", "pow", "neg", "exp")
    }
    assert list(signs.values()) == ["+", "\u2212", "\u00d7", "\u00f7", "**", "\u2212", "exp"]


def test_colours_tell_sign_and_size():
    gradients = (-1.0, -0.2, -0.02, -0.002, 0.0, 0.002, 0.02, 0.2, 1.0)
    assert [tone(g, 1.0) for g in gradients] == ["n4", "n3", "n2", "n1", "zero", "p1", "p2", "p3", "p4"]
    assert tone(float("nan"), 1.0) == "nan"
    assert tone(-float("inf"), 0.0) == "n4"


def luminance(colour: str) -> float:
    """As WCAG 2 defines it."""
    shares = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_ink_is_readable_on_its_ground(palette):
    for ground in (palette.paper, palette.card, palette.chip):
        assert contrast(palette.ink, ground) >= 7
        assert contrast(palette.faint, ground) >= 4.5
    for name, tint in palette.tints.items():
        ink = palette.inks[name if name in palette.inks else name[0]]
        assert contrast(ink, tint) >= 4.5, name


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_lines_stand_out_more_the_larger_the_gradient(palette):
    for sign in "np":
        strengths = [contrast(palette.lines[f"{sign}{i}"], palette.paper) for i in (1, 2, 3, 4)]
        assert all(weak < strong for weak, strong in pairwise(strengths))


def test_a_picture_has_the_width_that_is_asked_for_and_shrinks_with_its_page():
    root = ElementTree.fromstring(draw(apples_and_oranges(), width=300)._repr_svg_())
    wide, high = (float(x) for x in root.get("viewBox").split()[2:])
    assert float(root.get("width")) == 300
    assert float(root.get("height")) == pytest.approx(300 * high / wide, abs=0.1)
    assert "max-width:100%" in draw(apples_and_oranges())._repr_svg_()


@pytest.mark.parametrize("width", [0, -3, math.inf, math.nan, "wide"])
def test_a_width_is_a_number_of_pixels(width):
    with pytest.raises(ValueError, match="width is a number of pixels"):
        draw(Value(1.0), width=width)


def test_the_colour_of_an_arrow_has_the_sign_of_its_number():
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    root = -(x * y) * 5.0
    root.backward()
    seen = picture(root, 200, True)
    for arrow in seen.arrows:
        if arrow.local:
            assert seen.tone(arrow.flow)[0] == ("n" if arrow.local.startswith("-") else "p")
