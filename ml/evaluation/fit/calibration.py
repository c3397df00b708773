"""Calibration by temperature and class offsets, with a ridge chosen by cross-validation. Needs SciPy."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ml.bundle.manifest import LARGEST_OFFSET, TEMPERATURES, Calibration
from ml.evaluation.calibration import Priors, apply_calibration, fit_temperature, mean_loss
from ml.evaluation.cross_validation import grouped_parts
from ml.metrics.classification import expected_calibration_error
from ml.metrics.estimate import DIGITS
from ml.serve.interpretation import softmax
from ml.taxonomy import CLASSES

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0)


def fit_offsets(log_mean: FloatArray, labels: IntArray, priors: Priors, ridge: float) -> Calibration:
    """Fit temperature and class offsets by penalised likelihood.

    Bias-corrected temperature scaling (Alexandari et al., ICML 2020): the offsets correct a prior that the scores do
    not carry exactly. The penalty is ``ridge`` times the sum of squared offsets, added to the summed loss.
    """
    scores = log_mean - np.log(priors.training)
    prior, truth = np.log(priors.target), np.eye(len(CLASSES))[labels]

    def loss(values: FloatArray) -> tuple[float, FloatArray]:
        scaled = scores * np.exp(-values[0])
        probabilities = softmax(scaled + values[1:] + prior)
        wrong = probabilities - truth
        total = -np.log(np.maximum((probabilities * truth).sum(axis=1), np.finfo(np.float64).tiny)).sum()
        slope = np.concatenate(([-(wrong * scaled).sum()], wrong.sum(axis=0) + 2 * ridge * values[1:]))
        return float(total + ridge * (values[1:] ** 2).sum()), slope

    bounds = [tuple(np.log(TEMPERATURES)), *[(-LARGEST_OFFSET, LARGEST_OFFSET)] * len(CLASSES)]
    solution = minimize(loss, np.zeros(1 + len(CLASSES)), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Calibration(
        round(float(np.exp(solution[0])), DIGITS), tuple(round(float(value), DIGITS) for value in solution[1:]), ""
    )


def choose_calibration(
    log_mean: FloatArray, labels: IntArray, groups: Sequence[str], priors: Priors
) -> tuple[Calibration, float | None, list[dict[str, float | str]]]:
    """The calibration with the lowest cross-validated loss, its ridge (None: temperature only), and the comparison.

    Parts are split by lesion; the comparison has each method's loss and expected calibration error on held-out parts.
    """
    ridges: tuple[float | None, ...] = (None, *RIDGES)
    comparison = [_judge(log_mean, labels, groups, priors, ridge) for ridge in ridges]
    best = min(range(len(ridges)), key=lambda index: float(comparison[index]["loss"]))
    return fit_calibration(log_mean, labels, priors, ridges[best]), ridges[best], comparison


def fit_calibration(log_mean: FloatArray, labels: IntArray, priors: Priors, ridge: float | None) -> Calibration:
    """Fit a temperature only if ``ridge`` is None, else with offsets."""
    if ridge is not None:
        return fit_offsets(log_mean, labels, priors, ridge)
    temperature = fit_temperature(
        log_mean=log_mean, labels=labels, training_prior=priors.training, target_prior=priors.target
    )
    return Calibration(temperature, (0.0,) * len(CLASSES), "")


def cross_calibrate(
    log_mean: FloatArray, labels: IntArray, groups: Sequence[str], priors: Priors, ridge: float | None
) -> tuple[FloatArray, FloatArray]:
    """Cross-validated (probabilities, balanced scores), each (N, 7): each image's by a fit on the other parts."""
    probabilities, balanced_scores = np.empty_like(log_mean), np.empty_like(log_mean)
    for fitting, judging in grouped_parts(groups):
        calibration = fit_calibration(log_mean[fitting], labels[fitting], priors, ridge)
        probabilities[judging], balanced_scores[judging] = apply_calibration(log_mean[judging], calibration, priors)
    return probabilities, balanced_scores


def _judge(
    log_mean: FloatArray, labels: IntArray, groups: Sequence[str], priors: Priors, ridge: float | None
) -> dict[str, float | str]:
    probabilities, _ = cross_calibrate(log_mean, labels, groups, priors, ridge)
    error = expected_calibration_error(labels=labels, probabilities=probabilities, weights=np.ones((1, len(labels))))
    name = "temperature" if ridge is None else f"temperature and offsets, ridge {ridge:g}"
    return {
        "method": name,
        "loss": round(mean_loss(probabilities=probabilities, labels=labels), DIGITS),
        "expected_calibration_error": round(float(error[0]), DIGITS),
    }
