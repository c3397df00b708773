"""Paired comparison of two evaluations on the same images."""

from typing import Any

import numpy as np

from ml.bundle.folder import Bundle
from ml.errors import UserError
from ml.evaluation.evaluate import Evaluation, make_measure
from ml.evaluation.limits import list_shares, make_share_measure
from ml.metrics import bootstrap, classification
from ml.metrics.estimate import OVER_IMAGES, OVER_LESIONS, Estimate, count_judged

FloatArray = classification.FloatArray

FIGURES = (
    "balanced_accuracy",
    "malignancy_auc",
    "log_loss",
    "expected_calibration_error",
    "sensitivity_not_low_risk",
    "specificity_low_risk",
    "sensitivity_suspicious",
    "specificity_not_suspicious",
)
"""Metrics compared, besides the shares of outcomes."""


def compare_evaluations(one: Evaluation, other: Evaluation) -> dict[str, Any]:
    """Metrics of both evaluations and their differences, each with a 95 % interval over lesions.

    Where lesions are unknown, ``lesions`` is None and the intervals are over images.

    Differences are ``one`` minus ``other`` on the same resamples, so that the difficulty of a lesion cancels out
    (Efron & Tibshirani, 1993). Raises ``UserError`` unless both read the same images.
    """
    images = [item.image_id for item in one.items]
    if images != [item.image_id for item in other.items]:
        raise UserError(
            f"{_name(one.bundle)} and {_name(other.bundle)} did not read the same images; read one fold with both"
        )
    plain, resampled = zip(*(_measure(each) for each in (one, other)), strict=True)
    of, lesions = _count(one), one.report.lesions
    how = OVER_IMAGES if lesions is None else OVER_LESIONS
    figures: dict[str, dict[str, Estimate]] = {}
    for name in plain[0]:
        values = (*(evaluation[name][0] for evaluation in plain), plain[0][name][0] - plain[1][name][0])
        drawn = (*(evaluation[name] for evaluation in resampled), resampled[0][name] - resampled[1][name])
        figures[name] = {
            key: Estimate.of(value, bootstrap.percentiles(rows), n=of[name], how=how)
            for key, value, rows in zip(("one", "other", "difference"), values, drawn, strict=True)
        }
    return {"images": len(images), "lesions": lesions, "figures": figures}


def _count(evaluation: Evaluation) -> dict[str, int]:
    """Number of images of each figure."""
    images, malignant = len(evaluation.items), int(evaluation.scored.is_malignant.sum())
    shares = {name: int(among.sum()) for name, (_, among) in list_shares(evaluation).items()}
    return {name: count_judged(name, images=images, malignant=malignant) for name in FIGURES} | shares


def _measure(evaluation: Evaluation) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Every metric on the images (1,) and on each resample (2000,)."""
    measure_scores = make_measure(evaluation.bundle.manifest, evaluation.items, evaluation.readings)
    measure_shares = make_share_measure(list_shares(evaluation))

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        values = measure_scores(weights)
        return {name: values[name] for name in FIGURES} | measure_shares(weights)

    return measure(np.ones((1, len(evaluation.items)))), bootstrap.resample(measure, evaluation.groups)


def _name(bundle: Bundle) -> str:
    return f"{bundle.manifest.name} {bundle.manifest.version}"
