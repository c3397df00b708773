"""The temperature that makes probabilities mean what they say."""

import numpy as np
import numpy.typing as npt

from ml.predictor import calibrate

FloatArray = npt.NDArray[np.float64]

SMALLEST, LARGEST, STEPS = 0.2, 5.0, 2000


def fit_temperature(
    log_mean: FloatArray,
    labels: npt.NDArray[np.int64],
    training_prior: tuple[float, ...],
    target_prior: tuple[float, ...],
) -> float:
    """The temperature of least negative log-likelihood of ``labels`` (N,) under ``log_mean`` scores (N, 7).

    Guo et al., ICML 2017, with the prior moved from the training's to the target's. Searched on 2,000 steps from 0.2
    to 5, evenly apart in their logarithm: one parameter needs no optimiser.
    """
    candidates = np.geomspace(SMALLEST, LARGEST, STEPS)
    losses = [negative_log_likelihood(log_mean, labels, training_prior, target_prior, float(t)) for t in candidates]
    return round(float(candidates[int(np.argmin(losses))]), 4)


def negative_log_likelihood(
    log_mean: FloatArray,
    labels: npt.NDArray[np.int64],
    training_prior: tuple[float, ...],
    target_prior: tuple[float, ...],
    temperature: float,
) -> float:
    """Mean negative log-likelihood of the labels under the calibrated probabilities."""
    probabilities, _ = calibrate(log_mean, training_prior, target_prior, temperature)
    return float(-np.log(np.maximum(probabilities[np.arange(len(labels)), labels], np.finfo(np.float64).tiny)).mean())
