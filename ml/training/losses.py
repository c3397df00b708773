"""Loss functions for hard and mixed labels."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.errors import UserError
from ml.taxonomy import CLASSES
from ml.training.config import Loss


class DivergedError(UserError):
    """The training loss is not finite; the run cannot recover."""


class LabelLoss(nn.Module):
    """Mean loss of logits (N, 7) against target distributions (N, 7), as ``config`` specifies.

    ``counts`` (7,): training images of each class; ``prior`` (7,): class frequencies under the sampling.
    """

    weights: Tensor
    log_prior: Tensor

    def __init__(self, config: Loss, counts: Tensor, prior: Tensor) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("weights", weigh_losses(config, counts, prior), persistent=False)
        self.register_buffer("log_prior", prior.log(), persistent=False)

    @property
    def learnt_prior(self) -> Tensor:
        """The class prior (7,) of the trained softmax, by which balanced scores are divided.

        A class weight acts like oversampling by that factor; logit adjustment gives a uniform prior.
        """
        if self.config.kind == "logit_adjusted":
            return torch.full_like(self.log_prior, 1 / len(CLASSES))
        weighted = self.weights * self.log_prior.exp()
        return weighted / weighted.sum()

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        smoothing = self.config.label_smoothing
        targets = (1 - smoothing) * targets + smoothing / len(CLASSES)
        if self.config.kind == "logit_adjusted":
            logits = logits + self.log_prior
        log_probabilities = functional.log_softmax(logits.float(), dim=1)
        terms = -targets * log_probabilities * self.weights
        if self.config.kind == "focal":
            terms = terms * (1 - log_probabilities.exp()) ** self.config.focal_gamma
        return terms.sum(dim=1).mean()


def weigh_losses(config: Loss, counts: Tensor, prior: Tensor) -> Tensor:
    """Class weights (7,) with mean 1 over the sampled classes."""
    if config.class_weights == "none":
        return torch.ones_like(prior)
    if config.class_weights == "inverse":
        weights = 1 / prior
    else:
        beta = torch.tensor(config.effective_beta, dtype=torch.float64)
        weights = ((1 - beta) / (1 - beta ** counts.double())).float()
    return weights / (weights * prior).sum()


def distil(logits: Tensor, taught: Tensor) -> Tensor:
    """Distillation loss: cross-entropy of logits (N, 7) to the teachers' probabilities (N, 7)."""
    return -(taught * functional.log_softmax(logits.float(), dim=1)).sum(dim=1).mean()
