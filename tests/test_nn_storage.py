"""Models in files."""

import json
import os
from copy import deepcopy

import pytest

import nn
from engine import Value
from nn.storage import checksum


class Line(nn.Module):
    def __init__(self, slope=2.0):
        self.slope, self.offset = Value(slope), Value(0.1)


def old(document):
    """The document as version 1 had it."""
    return {key: part for key, part in document.items() if key != "sha256"} | {"version": 1}


@pytest.fixture
def document(tmp_path):
    nn.save(nn.MLP(2, [3, 1], "tanh", rng=0), tmp_path / "model.json")
    return json.loads((tmp_path / "model.json").read_text())


@pytest.mark.parametrize(
    "model", [nn.MLP(2, [3, 1], "tanh", rng=0), nn.Layer(2, 2, rng=1), nn.Neuron(2, "gelu", rng=2)], ids=repr
)
def test_a_loaded_model_predicts_bit_for_bit_the_same(model, tmp_path):
    nn.save(model, tmp_path / "model.json")
    twin = nn.load(tmp_path / "model.json")
    assert repr(twin) == repr(model)
    assert twin.state_dict() == model.state_dict()
    assert repr(twin([0.1, -0.7])) == repr(model([0.1, -0.7]))


@pytest.mark.parametrize("number", [5e-324, -0.0, 1.7976931348623157e308, 0.1])
def test_floats_are_exact(number, tmp_path):
    nn.save(Line(number), tmp_path / "line.json")
    assert nn.load(tmp_path / "line.json", Line()).slope.data.hex() == number.hex()


def test_a_model_of_ones_own_is_loaded_into_an_instance(tmp_path):
    nn.save(Line(5.0), tmp_path / "line.json")
    with pytest.raises(ValueError, match="give load\\(\\) an instance to fill"):
        nn.load(tmp_path / "line.json")
    assert nn.load(tmp_path / "line.json", Line()).slope.data == 5.0


def test_nan_is_not_saved_and_the_old_file_stays(tmp_path):
    nn.save(Line(), tmp_path / "line.json")
    with pytest.raises(ValueError, match="parameter slope is nan"):
        nn.save(Line(float("nan")), tmp_path / "line.json")
    assert nn.load(tmp_path / "line.json", Line(7.0)).slope.data == 2.0
    assert [path.name for path in tmp_path.iterdir()] == ["line.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[1, 2]",
        b"{}",
        b"null",
        b'{"format": "chainrule.nn", "version": 1}',
        b'{"format": "chainrule.nn", "format": "chainrule.nn"}',
        b"[" * 100_000,
        b"1" * 10_000,
        b'{"a":' * 50_000,
    ],
    ids=lambda content: repr(content[:20]),
)
def test_any_other_file_is_one_value_error(content, tmp_path):
    path, model = tmp_path / "other.json", Line()
    path.write_bytes(content)
    for target in (None, model):
        with pytest.raises(ValueError, match="is no model of ours"):
            nn.load(path, target)
    assert model.state_dict() == Line().state_dict()


def test_a_hundred_megabytes_of_brackets_are_refused(tmp_path):
    (tmp_path / "brackets.json").write_bytes(b"[" * 100_000_000)
    with pytest.raises(ValueError, match="more than"):
        nn.load(tmp_path / "brackets.json")


def test_every_truncated_file_is_refused(document, tmp_path):
    text = json.dumps(document)
    for length in range(0, len(text), 7):
        (tmp_path / "short.json").write_text(text[:length])
        with pytest.raises(ValueError, match="is no model of ours"):
            nn.load(tmp_path / "short.json")


CHANGES = {
    "a version to come": lambda d: d.update(version=3),
    "version 0": lambda d: d.update(version=0),
    "version true": lambda d: d.update(version=True),
    "an entry too many": lambda d: d.update(code="import os"),
    "nan": lambda d: d["parameters"].update({"layers.0.neurons.0.b": "nan"}),
    "a bare number": lambda d: d["parameters"].update({"layers.0.neurons.0.b": 1}),
    "a decimal float": lambda d: d["parameters"].update({"layers.0.neurons.0.b": 0.5}),
    "an infinity": lambda d: d["parameters"].update({"layers.0.neurons.0.b": float("inf")}),
    "a decimal text": lambda d: d["parameters"].update({"layers.0.neurons.0.b": "1.5"}),
    "a name missing": lambda d: d["parameters"].pop("layers.0.neurons.0.b"),
    "a name changed": lambda d: d["parameters"].update(x=d["parameters"].pop("layers.0.neurons.0.b")),
    "parameters a list": lambda d: d.update(parameters=[]),
    "another shape": lambda d: d["model"].update(nin=3),
    "a gigantic shape": lambda d: d["model"].update(nin=10**12, nouts=[10**12]),
    "a negative shape": lambda d: d["model"].update(nouts=[-3, 1]),
    "a shape of booleans": lambda d: d["model"].update(nouts=[3, True]),
    "no layers": lambda d: d["model"].update(nouts=[]),
    "an unknown activation": lambda d: d["model"].update(activation="exec"),
    "an unknown type": lambda d: d["model"].update(type="os.system"),
    "a model that is a list": lambda d: d.update(model=[]),
    "a huge int": lambda d: d["model"].update(nin=10**4000),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_document_is_refused_and_the_model_stays(change, document, tmp_path):
    model = nn.MLP(2, [3, 1], "tanh", rng=5)
    before = model.state_dict()
    for changed in (deepcopy(document), deepcopy(old(document))):
        change(changed)
        if "sha256" in changed:  # whoever changes a file on purpose can renew that as well
            changed["sha256"] = checksum(changed)
        (tmp_path / "changed.json").write_text(json.dumps(changed))
        for target in (None, model):
            with pytest.raises(ValueError, match="is no model of ours"):
                nn.load(tmp_path / "changed.json", target)
    assert model.state_dict() == before


def test_files_of_version_1_still_load(document, tmp_path):
    (tmp_path / "old.json").write_text(json.dumps(old(document)))
    assert nn.load(tmp_path / "old.json").state_dict() == nn.MLP(2, [3, 1], "tanh", rng=0).state_dict()


def test_a_flipped_digit_is_noticed(tmp_path):
    nn.save(Line(), tmp_path / "line.json")
    text = (tmp_path / "line.json").read_text()
    for i, digit in enumerate(text):
        if digit in "0123456789abcdef":
            flipped = "1" if digit == "0" else "0"
            (tmp_path / "line.json").write_text(f"{text[:i]}{flipped}{text[i + 1 :]}")
            with pytest.raises(ValueError, match="is no model of ours, or not intact"):
                nn.load(tmp_path / "line.json", Line())


@pytest.mark.skipif(os.name != "posix", reason="pipes with names")
def test_what_never_ends_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="no regular file"):
            nn.load(path)


@pytest.mark.parametrize(
    "other", [nn.MLP(2, [3, 1], "relu"), nn.MLP(2, [4, 1], "tanh"), nn.Layer(2, 3), Line()]
)
def test_another_kind_of_model_is_not_filled(other, tmp_path):
    nn.save(nn.MLP(2, [3, 1], "tanh", rng=0), tmp_path / "model.json")
    before = other.state_dict()
    with pytest.raises(ValueError, match="it holds the model .*tanh.* the one to fill is"):
        nn.load(tmp_path / "model.json", other)
    assert other.state_dict() == before
