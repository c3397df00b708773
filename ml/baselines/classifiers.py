"""Support vector machines and probes on features: fitted over a grid, chosen on held-out images.

SVM probabilities: Platt, "Probabilistic Outputs for Support Vector Machines" (1999), with a multinomial sigmoid:
logistic regression on the cross-validated margins.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import PredefinedSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVC
from tqdm import tqdm

from ml.baselines.config import ClassicalConfig, ProbeConfig, SvmConfig
from ml.taxonomy import CLASSES

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

KERNEL_CACHE = 300
"""In megabytes."""
MOST_ITERATIONS = 2000


@dataclass(frozen=True, slots=True)
class Examples:
    """Features (N, D) with their labels (N,) and folds (N,)."""

    features: npt.NDArray[np.float32]
    labels: IntArray
    folds: npt.NDArray[np.str_]

    @property
    def prior(self) -> FloatArray:
        """Class frequencies (7,)."""
        return np.bincount(self.labels, minlength=len(CLASSES)) / len(self.labels)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One point of the grid and its balanced accuracy on the choosing images."""

    settings: dict[str, Any]
    balanced_accuracy: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """The chosen classifier.

    ``predict`` gives probabilities (N, 7) under its training prior. ``candidates`` is the whole grid, the chosen point
    first.
    """

    estimator: Any
    prior: FloatArray
    candidates: list[Candidate]
    smooths: bool = False

    def predict(self, features: npt.NDArray[np.float32]) -> FloatArray:
        probabilities = np.asarray(self.estimator.predict_proba(features), dtype=np.float64)
        return smooth_shares(probabilities, self.prior, self.estimator) if self.smooths else probabilities


def restore(config: ClassicalConfig, estimator: Any, prior: FloatArray) -> Fitted:
    """Restore a fitted classifier from its stored estimator."""
    return Fitted(estimator, prior, [], smooths=not isinstance(config, SvmConfig) and config.classifier == "knn")


def fit_classifier(config: ClassicalConfig, training: Examples, choosing: Examples, *, progress: bool) -> Fitted:
    """Fit every point of the configured grid and keep the best on the choosing images, the first of equals."""
    if isinstance(config, SvmConfig):
        return _fit_svm(config, training, choosing, progress=progress)
    return _fit_probe(config, training, choosing, progress=progress)


def _fit_svm(config: SvmConfig, training: Examples, choosing: Examples, *, progress: bool) -> Fitted:
    """Fit and choose an SVM with balanced class weights; then turn its margins into probabilities.

    The probabilities have the class frequencies of the training images.
    """
    scaling = make_pipeline(*_list_scaling(config))
    scaled, held_out = scaling.fit_transform(training.features), scaling.transform(choosing.features)
    points = list(_list_points(config, scale=1 / (scaled.shape[1] * scaled.var())))
    candidates = []
    for settings in tqdm(points, desc="Grid", unit="fit", disable=not progress):
        decided = _make_svm(settings).fit(scaled, training.labels).predict(held_out)
        candidates.append(Candidate(settings, float(balanced_accuracy_score(choosing.labels, decided))))
    candidates.sort(key=lambda candidate: -candidate.balanced_accuracy)
    chosen = make_pipeline(*_list_scaling(config), _make_svm(candidates[0].settings))
    by_fold = PredefinedSplit(np.unique(training.folds, return_inverse=True)[1])
    platt = LogisticRegression(max_iter=MOST_ITERATIONS)
    calibrated = StackingClassifier([("svm", chosen)], platt, cv=by_fold, stack_method="decision_function")
    return Fitted(calibrated.fit(training.features, training.labels), training.prior, candidates)


def _list_scaling(config: SvmConfig) -> list[Any]:
    if config.explained_variance is None:
        return [StandardScaler()]
    return [StandardScaler(), PCA(config.explained_variance, svd_solver="full", random_state=config.seed)]


def _list_points(config: SvmConfig, *, scale: float) -> Iterator[dict[str, Any]]:
    for part in config.grid:
        for cost in part.costs:
            if part.kernel == "linear":
                yield {"kernel": part.kernel, "C": cost}
            for gamma in part.gammas:
                yield {"kernel": part.kernel, "C": cost, "gamma": float(f"{gamma * scale:.6g}")}


def _make_svm(settings: dict[str, Any]) -> SVC:
    return SVC(**settings, class_weight="balanced", cache_size=KERNEL_CACHE)


def _fit_probe(config: ProbeConfig, training: Examples, choosing: Examples, *, progress: bool) -> Fitted:
    """Fit an unweighted probe, chosen by its probabilities divided by the training prior."""
    best, candidates = None, []
    points = [{"C": cost} for cost in config.costs] + [{"n_neighbors": count} for count in config.neighbours]
    for settings in tqdm(points, desc="Grid", unit="fit", disable=not progress):
        estimator = _make_probe(config, settings).fit(training.features, training.labels)
        fitted = restore(config, estimator, training.prior)
        decided = (fitted.predict(choosing.features) / training.prior).argmax(axis=1)
        candidates.append(Candidate(settings, float(balanced_accuracy_score(choosing.labels, decided))))
        if best is None or candidates[-1].balanced_accuracy > max(
            candidate.balanced_accuracy for candidate in candidates[:-1]
        ):
            best = estimator
    candidates.sort(key=lambda candidate: -candidate.balanced_accuracy)
    return Fitted(best, training.prior, candidates, smooths=config.classifier == "knn")


def _make_probe(config: ProbeConfig, settings: dict[str, Any]) -> Any:
    if config.classifier == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(**settings, max_iter=MOST_ITERATIONS))
    # For unit vectors, Euclidean distance and cosine give the same order of neighbours.
    return make_pipeline(Normalizer(), KNeighborsClassifier(**settings, algorithm="brute"))


def smooth_shares(shares: FloatArray, prior: FloatArray, pipeline: Any) -> FloatArray:
    """Smooth the class shares (N, 7) of k neighbours with one pseudo-neighbour distributed as the prior.

    No class is left at zero, and without evidence the prior remains.
    """
    count = pipeline[-1].n_neighbors
    return np.asarray((count * shares + prior) / (count + 1))
