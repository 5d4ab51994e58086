"""Losses of one sample."""

import math

import pytest

from engine import Value, grad
from nn import MLP, losses


def test_squared_error_of_several_outputs_is_their_mean():
    assert losses.squared_error(3.0, 1.0) == 4.0
    assert losses.squared_error([3.0, 1.0], [1.0, 1.0]) == 2.0
    assert grad(losses.squared_error)([3.0, 1.0], [1.0, 1.0]) == [2.0, 0.0]


def test_hinge_wants_a_margin_of_one():
    assert [losses.hinge(score, -1) for score in (-2.0, -1.0, 0.0, 1.0)] == [0.0, 0.0, 1.0, 2.0]


def test_huber_is_quadratic_near_and_linear_far():
    assert [losses.huber(y, 0.0, 2.0) for y in (1.0, 3.0)] == [0.5, 4.0]


def test_cross_entropy_of_logits_has_the_gradient_softmax_minus_target():
    e = [math.exp(z) for z in (0.5, -1.0, 2.0)]
    expected = [x / sum(e) for x in e]
    expected[1] -= 1.0
    assert grad(losses.cross_entropy)([0.5, -1.0, 2.0], 1) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("huge", [1e3, 1e300])
def test_losses_are_exact_for_any_logits(huge):
    assert losses.cross_entropy([huge, -huge], 0) == 0.0
    assert losses.cross_entropy([huge, -huge], 1) == 2 * huge
    assert losses.binary_cross_entropy_with_logits(huge, 0.0) == huge
    assert losses.binary_cross_entropy_with_logits(-huge, 0.0) == 0.0
    assert grad(losses.binary_cross_entropy_with_logits)(huge, 0.0) == 1.0


def test_binary_cross_entropy_of_a_probability():
    assert losses.binary_cross_entropy(0.8, 0.0) == pytest.approx(1.6094379124341003, rel=1e-15)


def test_l2_takes_a_model_or_its_parameters_and_is_one_dot():
    ps = [Value(3.0), Value(-4.0)]
    penalty = losses.l2(ps, 0.5)
    penalty.backward()
    assert penalty.data == 12.5
    assert [p.grad for p in ps] == [3.0, -4.0]
    model = MLP(2, [1], rng=0)
    assert losses.l2(model).data == losses.l2(model.parameters()).data


def test_outputs_and_targets_of_different_length_are_refused():
    with pytest.raises(ValueError, match="2 outputs, the target 3 numbers"):
        losses.squared_error([1.0, 2.0], [1.0, 2.0, 3.0])
