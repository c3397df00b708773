"""Suspected label errors: confident learning on out-of-sample predictions.

Northcutt, Jiang, Chuang, "Confident Learning", JAIR 70 (2021), by cleanlab. Candidates are for a person to review; no
label or image is changed because of it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ml.baselines.config import read_classical_config
from ml.baselines.features import compute_features
from ml.baselines.run import make_extractor, select_images
from ml.data.split import read_split
from ml.errors import UserError
from ml.taxonomy import CLASSES

FloatArray = npt.NDArray[np.float64]

PARTS = 5
COST = 0.003
"""Inverse regularisation strength of the probe: few of its features suffice to doubt a label."""


@dataclass(frozen=True, slots=True)
class DoubtedLabel:
    """An image whose label ``given`` may be wrong: the class predicted, and the label's own probability."""

    name: str
    given: str
    likely: str
    probability_of_given: float
    probability_of_likely: float


def find_candidates(
    names: tuple[str, ...], labels: npt.NDArray[np.int64], probabilities: FloatArray
) -> list[DoubtedLabel]:
    """Candidates among images (N) by out-of-sample probabilities (N, 7), the least probable label first."""
    doubted = find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    quality = get_label_quality_scores(labels, probabilities)
    places = np.flatnonzero(doubted)
    return [
        DoubtedLabel(
            names[place],
            CLASSES[int(labels[place])],
            CLASSES[int(probabilities[place].argmax())],
            round(float(probabilities[place, labels[place]]), 4),
            round(float(probabilities[place].max()), 4),
        )
        for place in places[np.argsort(quality[places], kind="stable")]
    ]


def cross_validate_features(
    data: Path, config_path: Path, weights: Path | None, cache: Path, *, progress: bool = True
) -> tuple[tuple[str, ...], npt.NDArray[np.int64], FloatArray]:
    """Names, labels and out-of-sample probabilities of the images of the training and choosing folds.

    By logistic regression on the frozen features of ``config_path`` (a probe of ``ml/configs``), in five parts split
    by lesion.
    """
    config = read_classical_config(config_path)
    images = select_images(data, config)
    features = compute_features(images.sources, make_extractor(config.features, weights), cache, progress=progress)
    places = images.indices(*config.train_folds, config.choose_fold)
    names = tuple(images.sources[place].image_id for place in places)
    labels, values = images.labels[places], features.values[places]
    rarest = int(np.bincount(labels, minlength=len(CLASSES)).min())
    if rarest < PARTS:
        raise UserError(f"{data}: a class has {rarest} images; out-of-sample predictions in {PARTS} parts need {PARTS}")
    groups = read_split().group_of
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=COST, max_iter=2000))
    parts = StratifiedGroupKFold(PARTS, shuffle=True, random_state=0)
    probabilities = cross_val_predict(
        probe, values, labels, groups=[groups[name] for name in names], cv=parts, method="predict_proba"
    )
    return names, labels, np.asarray(probabilities, np.float64)
