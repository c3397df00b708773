"""Temperature scaling: fit and application. NumPy only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.bundle.manifest import Calibration
from ml.metrics.classification import log_loss
from ml.metrics.estimate import DIGITS
from ml.serve.interpretation import calibrate

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SMALLEST, LARGEST, STEPS = 0.2, 5.0, 2000


@dataclass(frozen=True, slots=True)
class Priors:
    """Class frequencies in training, and those to which probabilities are calibrated."""

    training: Sequence[float]
    target: Sequence[float]


def fit_temperature(
    *,
    log_mean: FloatArray,
    labels: IntArray,
    training_prior: Sequence[float],
    target_prior: Sequence[float],
) -> float:
    """Fit the temperature that minimises the NLL of ``labels`` (N,) under ``log_mean`` scores (N, 7).

    Guo et al., ICML 2017, with the prior moved from training to target. Grid search over 2,000 values from 0.2 to 5,
    evenly spaced in their logarithm: one parameter needs no optimiser.
    """
    candidates = np.geomspace(SMALLEST, LARGEST, STEPS)
    losses = [
        negative_log_likelihood(
            log_mean=log_mean,
            labels=labels,
            training_prior=training_prior,
            target_prior=target_prior,
            temperature=float(temperature),
        )
        for temperature in candidates
    ]
    return round(float(candidates[int(np.argmin(losses))]), DIGITS)


def negative_log_likelihood(
    *,
    log_mean: FloatArray,
    labels: IntArray,
    training_prior: Sequence[float],
    target_prior: Sequence[float],
    temperature: float,
) -> float:
    """Mean NLL of labels (N,) under the calibrated probabilities of ``log_mean`` scores (N, 7)."""
    probabilities, _ = calibrate(log_mean, training_prior, target_prior, temperature)
    return mean_loss(probabilities=probabilities, labels=labels)


def apply_calibration(log_mean: FloatArray, calibration: Calibration, priors: Priors) -> tuple[FloatArray, FloatArray]:
    """Calibrate log mean scores (N, 7) to (probabilities, balanced scores), each (N, 7)."""
    return calibrate(log_mean, priors.training, priors.target, calibration.temperature, calibration.offsets)


def mean_loss(*, probabilities: FloatArray, labels: IntArray) -> float:
    """Mean NLL of labels (N,) under probabilities (N, 7), unweighted."""
    return float(log_loss(labels=labels, probabilities=probabilities, weights=np.ones((1, len(labels))))[0])
