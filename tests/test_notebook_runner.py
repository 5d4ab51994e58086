"""`notebooks/run.py`: what counts as a change of a committed notebook."""

import importlib.util
import io
from base64 import b64encode
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
numpy = pytest.importorskip("numpy")
pytest.importorskip("nbclient")
Image = pytest.importorskip("PIL.Image")
ImageDraw = pytest.importorskip("PIL.ImageDraw")


@pytest.fixture(scope="module")
def run():
    path = Path(__file__).parents[1] / "notebooks" / "run.py"
    spec = importlib.util.spec_from_file_location("notebooks_run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def picture(shift=0, noise=0, colour="#0072b2", size=(500, 300)):
    """A rising line, moved by some pixels, with a little noise."""
    image = Image.new("RGB", size, "white")
    line = [(x, size[1] - x // 2 - shift) for x in range(0, size[0], 5)]
    ImageDraw.Draw(image).line(line, fill=colour, width=2)
    pixels = numpy.asarray(image) + numpy.random.default_rng(0).integers(-noise, noise + 1, (*size[::-1], 3))
    content = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype("uint8")).save(content, format="png")
    return b64encode(content.getvalue()).decode()


def stream(text):
    return nbformat.v4.new_output("stream", name="stdout", text=text)


def display(**data):
    return nbformat.v4.new_output("display_data", {key.replace("_", "/", 1): x for key, x in data.items()})


def notebook(*outputs, tags=()):
    cell = nbformat.v4.new_code_cell("work()", outputs=list(outputs), metadata={"tags": list(tags)})
    return nbformat.v4.new_notebook(cells=[cell])


SVG = {"image_svg+xml": "<svg>\n<text>1.5</text>\n</svg>"}
OTHER_SVG = {"image_svg+xml": "<svg>\n<text>1.6</text>\n</svg>"}
GIF = '<img src="data:image/gif;base64,{}" alt="moving">'


def test_the_same_outputs_are_no_difference(run):
    outputs = stream("loss 0.5\n"), display(**SVG), display(image_png=picture())
    assert run.difference(notebook(*outputs), notebook(*outputs)) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([stream("loss 0.5\n")], [stream("loss 0.6\n")]),
        ([stream("loss 0.5\n")], []),
        ([], [stream("a warning\n")]),
        ([display(**SVG)], [display(**OTHER_SVG)]),
        ([display(image_png=picture())], [display(image_png=picture(shift=3))]),
        ([display(image_png=picture())], [display(image_png=picture(colour="#d55e00"))]),
        ([display(image_png=picture())], [display(image_png=picture(size=(500, 310)))]),
        ([display(image_png=picture())], []),
        ([display(text_html=GIF.format(picture()))], [display(text_html=GIF.format(picture(shift=3)))]),
    ],
    ids=[
        "a number",
        "an output less",
        "an output more",
        "a number in an SVG",
        "a moved curve",
        "a curve of another colour",
        "another size",
        "no picture",
        "an animation",
    ],
)
def test_what_changed_is_a_difference(run, before, after):
    assert run.difference(notebook(*before), notebook(*after)) != ""


def test_pixels_may_differ_a_little(run):
    before, after = display(image_png=picture()), display(image_png=picture(noise=4))
    assert run.difference(notebook(before), notebook(after)) == ""


def test_a_measured_time_may_be_another(run):
    before, after = (notebook(stream(f"{t} s\n"), tags=["varies"]) for t in (1, 2))
    assert run.difference(before, after) == ""


def test_addresses_and_the_cuts_of_a_stream_are_normalised(run):
    pieces = run.merged([stream("at 0x7f00aa\n"), stream("done\n")])
    assert [run.normal(piece).text for piece in pieces] == ["at 0x...\ndone\n"]
