"""Retrieval quality of similar cases: mean average precision by class."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.metrics import bootstrap
from ml.metrics.estimate import DIGITS, OVER_LESIONS, Estimate
from ml.serve.similar_cases import SHOWN, FloatArray, SimilarCases
from ml.taxonomy import CLASSES

Float64Array = npt.NDArray[np.float64]


def measure_similar_cases(
    cases: SimilarCases, embeddings: Sequence[FloatArray], labels: npt.NDArray[np.integer], groups: Sequence[str]
) -> dict[str, Any]:
    """Retrieval quality of the cases nearest to photographs (embeddings (V, D) each, labels (N,)).

    A case is relevant if it has the photograph's class. ``mean_average_precision`` is over the ranking of all cases,
    ``precision`` over those shown; ``by_chance`` both for random cases, which is the share of the class among them.
    Each first for the mean of the classes, with its interval over lesions, then by class. ``copies`` is the number of
    photographs of which a case was left out as a copy.
    """
    similarity = np.stack([cases.compare(embedding) for embedding in embeddings])
    diagnoses = np.array([CLASSES.index(code.decode()) for code in cases.arrays.diagnoses])
    relevant = diagnoses[np.argsort(-similarity, axis=1, kind="stable")] == labels[:, np.newaxis]
    relevant &= np.isfinite(-np.sort(-similarity, axis=1))
    shares = np.bincount(diagnoses, minlength=len(CLASSES)) / len(diagnoses)
    return {
        "photographs": len(labels),
        "cases": len(diagnoses),
        "shown": SHOWN,
        "copies": int(np.isinf(similarity).any(axis=1).sum()),
        "mean_average_precision": _by_class(average_precision(relevant), labels, groups),
        "precision": _by_class(relevant[:, :SHOWN].mean(axis=1), labels, groups),
        "by_chance": {code: round(float(share), DIGITS) for code, share in zip(CLASSES, shares, strict=True)},
    }


def average_precision(relevant: npt.NDArray[np.bool_]) -> Float64Array:
    """Average precision (Q,) of rankings (Q, N) of relevance; 0 where nothing is relevant."""
    precision = np.cumsum(relevant, axis=1) / np.arange(1, relevant.shape[1] + 1)
    return np.asarray((precision * relevant).sum(axis=1) / np.maximum(relevant.sum(axis=1), 1))


def _by_class(values: Float64Array, labels: npt.NDArray[np.integer], groups: Sequence[str]) -> dict[str, Any]:
    """Mean over classes with its interval, under ``mean``, and each class's mean."""
    members = (labels[:, np.newaxis] == np.arange(len(CLASSES))).astype(np.float64)

    def measure(weights: Float64Array) -> dict[str, Float64Array]:
        with np.errstate(invalid="ignore", divide="ignore"):
            of_class = (weights @ (values[:, np.newaxis] * members)) / (weights @ members)
        return {"mean": np.nanmean(of_class, axis=1), "of_class": of_class}

    means = measure(np.ones((1, len(labels))))
    interval = bootstrap.intervals(measure, groups)["mean"]
    mean = Estimate.of(means["mean"][0], interval, n=len(labels), how=OVER_LESIONS)
    described: dict[str, Any] = {"mean": mean.to_json()}
    for code, value in zip(CLASSES, means["of_class"][0], strict=True):
        if not np.isnan(value):
            described[code] = round(float(value), DIGITS)
    return described
