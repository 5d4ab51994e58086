"""`fit`, `History`, `accuracy`."""

import gc
import math
import re
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

import engine
import nn
from engine import Value
from nn import losses, optim

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([-1, 1, 1, -1])


def trained(loss=losses.hinge, y=XOR, nout=1, X=X, **options):
    model = nn.MLP(2, [8, nout], rng=1)
    optimizer = options.pop("optimizer", None) or optim.Adam(model.parameters(), lr=0.05)
    settings = {"epochs": 60, "progress": False, "compiled": False} | options
    return model, nn.fit(model, X, y, loss=loss, optimizer=optimizer, **settings)


def test_a_network_learns_exclusive_or():
    model, history = trained()
    assert nn.accuracy(model, X, XOR) == 1.0
    assert history.loss[-1] < 0.1 < history.loss[0]
    assert (len(history.loss), history.steps, history.stopped) == (60, 60, "")


def test_classes_are_learned_from_logits():
    model, _ = trained(losses.cross_entropy, (XOR + 1) // 2, nout=2)
    assert nn.accuracy(model, X, (XOR + 1) // 2) == 1.0


def test_a_line_is_fitted_to_single_numbers():
    model = nn.MLP(1, [1], rng=0)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    nn.fit(
        model,
        [0, 1, 2],
        [1, 3, 5],
        loss=losses.squared_error,
        optimizer=optimizer,
        epochs=400,
        progress=False,
    )
    assert [p.data for p in model.parameters()] == pytest.approx([2.0, 1.0], abs=1e-6)


def test_fit_does_what_the_loop_written_out_does():
    model, history = trained(epochs=3)
    twin = nn.MLP(2, [8, 1], rng=1)
    optimizer = optim.Adam(twin.parameters(), lr=0.05)
    for expected in history.loss:
        loss = engine.mean([losses.hinge(twin(x), t) for x, t in zip(X, XOR, strict=True)])
        assert loss.data == expected
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert twin.state_dict() == model.state_dict()


LOSSES = [
    (losses.hinge, XOR, 1),
    (losses.squared_error, [[0.1, 1], [2, -1], [3, 0], [0, 0]], 2),
    (losses.huber, [0.1, 2, 3, -4], 1),
    (losses.cross_entropy, [0, 1, 2, 0], 3),
    (losses.cross_entropy, np.eye(3)[[0, 1, 2, 0]], 3),
    (losses.binary_cross_entropy_with_logits, [0, 1, 1, 0.5], 1),
]


@pytest.mark.parametrize(("loss", "y", "nout"), LOSSES)
@pytest.mark.parametrize("batch_size", [None, 3])
def test_compiled_steps_agree_with_the_graph(loss, y, nout, batch_size):
    settings = {"loss": loss, "y": y, "nout": nout, "batch_size": batch_size, "validation": (X, y)}
    (fast, compiled), (slow, eager) = (trained(**settings, epochs=10, compiled=c) for c in (True, False))
    assert (compiled.how, eager.how) == ("compiled", "eager")
    assert compiled.loss == pytest.approx(eager.loss, rel=1e-9)
    assert compiled.validation == pytest.approx(eager.validation, rel=1e-9)
    assert fast.state_dict() == pytest.approx(slow.state_dict(), rel=1e-9, abs=1e-12)


def test_a_loss_may_be_a_plain_number_for_some_samples():
    def margin(score, target):
        return max(1 - target * score, 0)  # as one would write it in Python

    model, history = trained(margin, compiled=True, validation=(X, XOR))
    assert nn.accuracy(model, X, XOR) == 1.0
    assert history.how.startswith("compiled")


def branching(score, target):
    return losses.hinge(score, 1) if target > 0 else losses.hinge(score, -1)


def test_a_loss_with_branches_is_compiled():
    _, history = trained(branching, compiled=True, epochs=2)
    assert history.how.startswith("compiled")
    assert history.loss == pytest.approx(trained(epochs=2)[1].loss, rel=1e-12)


def test_what_cannot_be_compiled_is_trained_through_the_graph_and_says_why():
    _, history = trained(lambda y, t: branching(y, t) * len({y}), compiled=True, epochs=2)
    assert history.how.startswith("eager: TracingError")
    assert history.loss == pytest.approx(trained(epochs=2)[1].loss, rel=1e-12)


def test_a_loss_that_is_no_pure_function_is_not_compiled():
    noise = iter(np.random.default_rng(0).normal(size=1000).tolist())
    _, history = trained(lambda y, t: losses.squared_error(y + next(noise), t), compiled=True, epochs=2)
    assert history.how == "eager: compiled, it gave other numbers: no pure function"


def test_a_parameter_outside_the_model_is_trained_through_the_graph():
    scale = Value(1.0)
    model = nn.MLP(2, [8, 1], rng=1)
    optimizer = optim.SGD([*model.parameters(), scale], lr=0.1)
    history = nn.fit(
        model,
        X,
        XOR,
        loss=lambda y, t: losses.hinge(scale * y, t),
        optimizer=optimizer,
        epochs=2,
        progress=False,
    )
    assert history.how.startswith("eager: the optimizer holds")
    assert scale.data != 1.0


def test_batches_take_every_sample_once_and_the_order_follows_the_seed():
    seen = []

    def loss(score, target):
        seen.append(target)
        return losses.squared_error(score, target)

    _, history = trained(loss, y=[1, 2, 3, 4], batch_size=3, epochs=2)
    assert history.steps == 4
    assert sorted(seen[:4]) == sorted(seen[4:]) == [1, 2, 3, 4]
    assert trained(batch_size=2)[1].loss == trained(batch_size=2)[1].loss
    assert trained(batch_size=2, rng=5)[1].loss != trained(batch_size=2)[1].loss


def test_validation_is_measured_after_every_epoch():
    _, history = trained(validation=(X, XOR), epochs=5)
    assert len(history.validation) == 5
    assert history.validation[:4] == pytest.approx(history.loss[1:], rel=1e-12)


def test_a_callback_stops_early_and_the_best_weights_stay():
    seen = []

    def patience(history):
        seen.append(history.loss[-1])
        return len(seen) == 4

    rising = optim.SGD((model := nn.MLP(2, [8, 1], rng=1)).parameters(), lr=lambda t: 0.1 if t < 2 else 1e3)
    history = nn.fit(
        model,
        X,
        XOR,
        loss=losses.hinge,
        optimizer=rising,
        epochs=50,
        callback=patience,
        progress=False,
    )
    assert history.stopped == "callback"
    assert history.loss == seen
    batch = zip(X, XOR, strict=True)
    assert engine.mean([losses.hinge(model(x), t) for x, t in batch]).data == min(seen)


def test_control_c_stops_compiled_training_as_well():
    def interrupt(history):
        if len(history.loss) == 5:
            raise KeyboardInterrupt

    _, history = trained(compiled=True, callback=interrupt)
    assert (history.how, history.stopped, len(history.loss)) == ("compiled", "interrupted", 5)


@pytest.mark.parametrize("at", [0, 1, 7, 30])
def test_control_c_returns_the_history_so_far_with_the_best_weights(at):
    calls = iter(range(10**6))

    def loss(score, target):
        if next(calls) == at:
            raise KeyboardInterrupt
        return losses.hinge(score, target)

    model, history = trained(loss)
    assert history.stopped == "interrupted"
    assert len(history.loss) == at // 4
    data = list(zip(X, XOR, strict=True))
    reached = engine.mean([losses.hinge(model(x), t) for x, t in data]).data
    assert not history.loss or reached == min(history.loss)
    assert gc.isenabled()


def test_an_epoch_without_a_number_is_never_the_best():
    rates = iter([0.1, math.inf, math.inf])
    model = nn.MLP(2, [8, 1], rng=1)
    history = nn.fit(
        model,
        X,
        XOR,
        loss=losses.hinge,
        optimizer=optim.SGD(model.parameters(), lr=lambda t: next(rates)),
        epochs=3,
        callback=lambda history: len(history.loss) == 3,
        keep_going=True,
        compiled=False,
        progress=False,
    )
    assert math.isnan(history.loss[-1])
    assert history.best == min(history.loss[:2])
    assert all(math.isfinite(p.data) for p in model.parameters())


NAN = [[0.0, 0.0], [0.0, math.nan], [1.0, 0.0], [1.0, 1.0]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": [1, -1]}, "X has 4 of them, y has 2"),
        ({"X": [], "y": []}, "X and y are empty"),
        ({"X": NAN}, r"X\[1\] holds nan"),
        ({"X": [[0.0, 0.0], [0.0], [1.0, 0.0], [1.0, 1.0]]}, r"X\[1\] has length 1, but X\[0\] has 2"),
        ({"X": np.zeros((4, 3))}, "2 inputs are needed, got 3"),
        ({"X": ["ab"] * 4}, r"X\[0\] holds 'ab'"),
        ({"y": [1, -1, math.inf, 1]}, r"y\[2\] holds inf"),
        ({"y": [1, -1, 0, 1]}, r"targets of -1 or 1, got y\[2\] = 0"),
        ({"y": [0, 1, 2, 0], "loss": losses.cross_entropy, "nout": 2}, r"from 0 to 1, got y\[2\] = 2"),
        ({"y": [0, 1, -1, 0], "loss": losses.cross_entropy, "nout": 2}, r"from 0 to 1, got y\[2\] = -1"),
        ({"y": [0, 1, 0.5, 0], "loss": losses.cross_entropy, "nout": 2}, r"from 0 to 1, got y\[2\] = 0.5"),
        ({"y": [0, 1, 2, 0], "loss": losses.binary_cross_entropy_with_logits}, "targets from 0 to 1"),
        ({"y": [0, 1, 2, 0], "loss": losses.squared_error, "nout": 2}, "a target has 2 numbers"),
        ({"batch_size": 0}, "batch_size is an int of 1 or more"),
        ({"batch_size": 2.0}, "batch_size is an int of 1 or more"),
        ({"epochs": -1}, "epochs is an int of 0 or more"),
        ({"batch_size": True}, "batch_size is an int of 1 or more"),
        ({"validation": (X, XOR[:2])}, "validation X has 4 of them, validation y has 2"),
        ({"validation": (NAN, XOR)}, r"validation X\[1\] holds nan"),
        ({"validation": X}, "validation is a pair"),
        ({"nout": 2}, "hinge takes the one output of a model, this model has 2"),
        ({"y": [[0.5, -0.5]] * 4, "loss": losses.cross_entropy, "nout": 2}, "2 weights of 0 or more"),
        ({"optimizer": optim.SGD([Value(1.0)])}, "no parameter of this model"),
    ],
)
def test_unusable_data_is_named_before_the_first_step(options, message):
    steps = []
    with pytest.raises(ValueError, match=message):
        trained(**options, callback=steps.append)
    assert not steps


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"X": None}, "X is an array or a list with an entry for each sample, got None"),
        ({"y": 3}, "y is an array or a list with an entry for each sample, got 3"),
        ({"loss": "hinge"}, "loss is a function such as nn.losses.hinge, got 'hinge'"),
        ({"optimizer": optim.Adam}, "made from model.parameters"),
        ({"callback": 3}, "callback is a function of the History, got 3"),
    ],
)
def test_what_is_of_another_kind_is_named_before_the_first_step(options, message):
    steps = []
    with pytest.raises(TypeError, match=message):
        trained(**({"callback": steps.append} | options))
    assert not steps


def test_the_collector_is_as_the_user_left_it():
    gc.disable()
    try:
        trained(epochs=1)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_progress_is_shown_on_stderr_only(capsys):
    trained(epochs=2, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "2/2" in err or "tqdm" in err


@pytest.mark.parametrize(("module", "cure"), [("matplotlib", "chainrule[nn]"), ("numpy", "chainrule[jit]")])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(module, cure):
    code = (
        f"import sys; sys.modules[{module!r}] = sys.modules['tqdm'] = None\n"
        "import nn\n"
        "model = nn.MLP(1, [1], rng=0)\n"
        "optimizer = nn.optim.SGD(model.parameters())\n"
        "history = nn.fit(model, [0, 1], [1, 3], loss=nn.losses.squared_error, optimizer=optimizer,"
        " epochs=2, progress=False)\n"
        "print(history.how)\n"
        "history.plot()"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert cure in run.stdout + run.stderr


def test_history_says_how_it_went():
    history = nn.History(loss=[2.0, 1.0], validation=[2.5, 1.5], steps=8, stopped="callback")
    assert repr(history) == "History(2 epochs, 8 eager steps, loss 1, validation 1.5, callback)"
    assert history.best == 1.5
    assert repr(nn.History()) == "History(0 epochs, 0 eager steps)"


def test_history_plots_itself(tmp_path):
    pytest.importorskip("matplotlib")
    nn.History(loss=[2.0, 1.0], validation=[2.5, 1.5]).plot(tmp_path / "loss.png")
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert nn.History(loss=[1.0])._repr_png_().startswith(b"\x89PNG")


def test_accuracy_of_single_outputs_is_by_sign():
    assert nn.accuracy(lambda x: Value(x), [-1.0, 2.0, 3.0], [0, 1, -1]) == pytest.approx(2 / 3)


def diverging(loss, compiled, lr=0.1, **options):
    """The model, its optimizer and the history of a training that meets a nan."""
    model = nn.MLP(2, [4, 1], rng=1)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    with pytest.warns(RuntimeWarning, match="training stopped after"):
        history = nn.fit(
            model,
            X,
            XOR,
            loss=loss,
            optimizer=optimizer,
            epochs=9,
            compiled=compiled,
            progress=False,
            **options,
        )
    return model, optimizer, history


@pytest.mark.parametrize("compiled", [True, False])
def test_nan_stops_training_at_the_weights_and_the_optimizer_of_one_moment(compiled):
    rates = [0.1, 0.1, 1e308, 1.0, 1.0]
    model, optimizer, history = diverging(losses.squared_error, compiled, lr=lambda t: rates[t])
    assert history.stopped.startswith("not finite: ")
    assert repr(history).endswith("not finite)")
    best = history.loss.index(history.best)
    assert optimizer.steps == best
    twin = nn.MLP(2, [4, 1], rng=1)
    again = optim.Adam(twin.parameters(), lr=0.1)
    nn.fit(
        twin,
        X,
        XOR,
        loss=losses.squared_error,
        optimizer=again,
        epochs=best,
        compiled=compiled,
        progress=False,
    )
    assert model.state_dict() == twin.state_dict()
    assert optimizer.state_dict() == again.state_dict()


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (
            lambda score, target: engine.log(score * 0.0 - 1.0),
            "sample 0, in layers.1.neurons.0: the first",
        ),
        (lambda score, target: engine.sqrt(score * 0.0), "the gradient to layers.*sqrt.*, its gradient to"),
        (lambda score, target: engine.log(target + 0.5) * score, r"sample [0-3]: the first nan"),
        (lambda score, target: score * 0.0 + 1e308, "the loss is inf, though that of every sample"),
    ],
)
def test_the_sample_the_layer_and_the_operation_are_named(loss, words, compiled):
    model, _, history = diverging(loss, compiled, batch_size=4)
    assert re.search(words, history.stopped)
    assert model.state_dict() == nn.MLP(2, [4, 1], rng=1).state_dict()


def test_training_goes_on_for_whoever_asks_for_it():
    model = nn.MLP(2, [4, 1], rng=1)
    optimizer = optim.SGD(model.parameters(), lr=1e308)
    options = {"loss": losses.squared_error, "optimizer": optimizer, "epochs": 4, "progress": False}
    assert nn.fit(model, X, XOR, keep_going=True, **options).steps == 4


@pytest.mark.parametrize("optimizer", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSProp, optim.Adagrad])
def test_a_step_that_is_interrupted_has_not_happened(optimizer):
    parameters = [Value(float(i)) for i in range(5)]
    training = optimizer(parameters)
    for p in parameters:
        p.grad = 1.0
    training.step()
    before, data = training.state_dict(), [p.data for p in parameters]
    change, calls = training.change, iter(range(4))

    def interrupted(*numbers):
        if next(calls) == 3:
            raise KeyboardInterrupt
        return change(*numbers)

    training.change = interrupted
    with pytest.raises(KeyboardInterrupt):
        training.step()
    del training.change
    assert (training.state_dict(), [p.data for p in parameters]) == (before, data)


class Signs(optim.Optimizer):
    """A rule with a branch, and a memory."""

    memories = ("last",)

    def __init__(self, parameters, lr=0.01, factor=1.0):
        super().__init__(parameters, lr)
        self.factor = factor

    def change(self, p, g, shared, memory):
        (rate,), (last,) = shared, memory
        return (rate * self.factor if g * last >= 0.0 else 0.0), g


class Clipped(optim.SGD):
    def step(self):
        for p in self.parameters:
            p.grad = max(-0.1, min(0.1, p.grad))
        super().step()


class Counted(Signs):
    """Asks what arrays do not know."""

    def change(self, p, g, shared, memory):
        return super().change(p, float(g), shared, memory)


@pytest.mark.parametrize(
    ("kind", "how"), [(Signs, "compiled"), (Clipped, "eager: Clipped"), (Counted, "eager: ")]
)
def test_an_optimizer_of_ones_own_trains_compiled_as_through_the_graph(kind, how):
    def run(compiled):
        model = nn.MLP(2, [4, 1], rng=1)
        optimizer = kind(model.parameters(), 0.05)
        settings = {"loss": losses.squared_error, "optimizer": optimizer, "progress": False}
        history = nn.fit(model, X, XOR, **settings, epochs=6, batch_size=3, compiled=compiled)
        return history, model.state_dict(), sum(optimizer.memory(), [float(optimizer.steps)])

    (fast, weights, state), (slow, expected, memory) = run(True), run(False)
    assert fast.how.startswith(how)
    assert fast.loss == pytest.approx(slow.loss, rel=1e-12)
    assert weights == pytest.approx(expected, rel=1e-12)
    assert state == pytest.approx(memory, rel=1e-9)


def test_a_setting_that_a_callback_changes_is_seen_by_compiled_steps():
    model = nn.MLP(2, [4, 1], rng=1)
    optimizer = optim.SGD(model.parameters(), 0.05, momentum=0.9)
    still = []

    def stop_moving(history):
        optimizer.lr, optimizer.momentum = (lambda t: 0.0), 0.0
        still.append(model.state_dict())

    settings = {"loss": losses.squared_error, "optimizer": optimizer, "progress": False}
    history = nn.fit(model, X, XOR, **settings, epochs=3, callback=stop_moving)
    assert history.how == "compiled"
    assert still[0] == still[1] == still[2]


@pytest.mark.parametrize("compiled", [True, False])
def test_a_schedule_that_raises_leaves_weights_and_optimizer_of_the_last_step(compiled):
    def schedule(t):
        if t == 3:
            raise LookupError("no rate for step 3")
        return 0.05

    def run(epochs, lr, compiled):
        model = nn.MLP(2, [4, 1], rng=1)
        optimizer = optim.Adam(model.parameters(), lr)
        settings = {"loss": losses.squared_error, "optimizer": optimizer, "progress": False}
        with suppress(LookupError):
            nn.fit(model, X, XOR, **settings, epochs=epochs, batch_size=1, compiled=compiled)
        return [p.data for p in model.parameters()], optimizer.steps

    moved, steps = run(1, schedule, compiled)
    assert steps == 3
    assert moved != run(0, 0.05, False)[0]
    assert moved == pytest.approx(run(1, lambda t: 0.05 if t < 3 else 0.0, False)[0], rel=1e-9)
