"""Two readings of the same images side by side: each one's figures, and the differences on the same resamples."""

from typing import Any

import numpy as np

from ml.bundle.folder import Bundle
from ml.errors import UserError
from ml.evaluation.evaluate import Evaluation, make_measure
from ml.evaluation.limits import list_shares, make_share_measure
from ml.metrics import bootstrap, classification
from ml.metrics.estimate import OVER_LESIONS, Estimate, count_judged

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
"""What is compared beside the shares of outcomes."""


def compare(one: Evaluation, other: Evaluation) -> dict[str, Any]:
    """Figures of both, and of ``one`` less ``other``, with 95 % intervals over lesions.

    Both are resampled alike, so that what an easy or a hard lesion does to both falls out of the difference (Efron &
    Tibshirani, 1993). Raises ``UserError`` unless both read the same images.
    """
    images = [item.image_id for item in one.items]
    if images != [item.image_id for item in other.items]:
        raise UserError(
            f"{_name(one.bundle)} and {_name(other.bundle)} did not read the same images; read one fold with both"
        )
    plain, resampled = zip(*(_measure(each) for each in (one, other)), strict=True)
    of = _count(one)
    figures: dict[str, dict[str, Estimate]] = {}
    for name in plain[0]:
        values = (*(each[name][0] for each in plain), plain[0][name][0] - plain[1][name][0])
        drawn = (*(each[name] for each in resampled), resampled[0][name] - resampled[1][name])
        figures[name] = {
            key: Estimate.of(value, bootstrap.percentiles(rows), n=of[name], how=OVER_LESIONS)
            for key, value, rows in zip(("one", "other", "difference"), values, drawn, strict=True)
        }
    return {"images": len(images), "lesions": len(set(one.groups)), "figures": figures}


def _count(evaluation: Evaluation) -> dict[str, int]:
    """Of how many images each figure is."""
    images, malignant = len(evaluation.items), int(evaluation.scored.is_malignant.sum())
    shares = {name: int(among.sum()) for name, (_, among) in list_shares(evaluation).items()}
    return {name: count_judged(name, images=images, malignant=malignant) for name in FIGURES} | shares


def _measure(evaluation: Evaluation) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Every figure on the images (1,) and on each resample (2000,)."""
    measure_scores = make_measure(evaluation.bundle.manifest, evaluation.items, evaluation.readings)
    measure_shares = make_share_measure(list_shares(evaluation))

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        found = measure_scores(weights)
        return {name: found[name] for name in FIGURES} | measure_shares(weights)

    return measure(np.ones((1, len(evaluation.items)))), bootstrap.resample(measure, evaluation.groups)


def _name(bundle: Bundle) -> str:
    return f"{bundle.manifest.name} {bundle.manifest.version}"
