"""Losses of mixed labels, against values worked by hand."""

import math

import pytest
import torch

from ml.training.config import Loss
from ml.training.losses import LabelLoss, distil, weigh_losses

COUNTS = torch.tensor([100, 400, 100, 100, 100, 100, 100])
PRIOR = COUNTS / COUNTS.sum()
EVEN = torch.zeros(1, 7)
NEVUS = torch.eye(7)[[1]]
MELANOMA = torch.eye(7)[[0]]


def measure(config: Loss, logits: torch.Tensor, targets: torch.Tensor) -> float:
    return float(LabelLoss(config, COUNTS, PRIOR)(logits, targets))


def test_cross_entropy_of_even_scores_is_the_logarithm_of_seven() -> None:
    assert measure(Loss(), EVEN, NEVUS) == pytest.approx(math.log(7))


def test_smoothing_spreads_a_share_over_all_classes() -> None:
    logits = torch.tensor([[0.0, math.log(4), 0.0, 0.0, 0.0, 0.0, 0.0]])  # probabilities 0.1 and, once, 0.4
    expected = -(0.9 * math.log(0.4) + 0.1 / 7 * (math.log(0.4) + 6 * math.log(0.1)))
    assert measure(Loss(label_smoothing=0.1), logits, NEVUS) == pytest.approx(expected)


def test_focal_loss_counts_what_is_sure_less() -> None:
    logits = torch.tensor([[0.0, math.log(6 * 9), 0.0, 0.0, 0.0, 0.0, 0.0]])  # nine in ten for the nevus
    assert measure(Loss("focal", focal_gamma=2), logits, NEVUS) == pytest.approx(0.1**2 * -math.log(0.9), rel=1e-4)


def test_logit_adjustment_adds_the_prior_to_the_scores() -> None:
    # Even scores become the prior itself: four in ten for the nevus, one in ten for the others.
    assert measure(Loss("logit_adjusted"), EVEN, NEVUS) == pytest.approx(-math.log(0.4))
    assert measure(Loss("logit_adjusted"), EVEN, MELANOMA) == pytest.approx(-math.log(0.1))


def test_inverse_weights_make_every_class_count_alike() -> None:
    weights = weigh_losses(Loss(class_weights="inverse"), COUNTS, PRIOR)
    torch.testing.assert_close(weights * PRIOR, torch.full((7,), 1 / 7))


def test_effective_numbers_weigh_between_none_and_inverse() -> None:
    # With beta 0.99: (1 - 0.99) / (1 - 0.99^n) is 0.01577 for 100 images and 0.01018 for 400.
    weights = weigh_losses(Loss(class_weights="effective", effective_beta=0.99), COUNTS, PRIOR)
    assert float(weights[0] / weights[1]) == pytest.approx(0.01577 / 0.01018, rel=1e-3)
    assert float((weights * PRIOR).sum()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Loss(), PRIOR),
        (Loss(class_weights="inverse"), torch.full((7,), 1 / 7)),
        (Loss("logit_adjusted"), torch.full((7,), 1 / 7)),
    ],
    ids=["plain", "weighted", "adjusted"],
)
def test_the_prior_that_a_network_learns_follows_from_the_loss(config: Loss, expected: torch.Tensor) -> None:
    torch.testing.assert_close(LabelLoss(config, COUNTS, PRIOR).learnt_prior, expected)


def test_a_student_that_agrees_pays_the_teachers_entropy() -> None:
    taught = torch.tensor([[0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0]])
    assert float(distil(taught.clamp(min=1e-30).log(), taught)) == pytest.approx(math.log(2))
