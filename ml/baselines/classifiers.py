"""Support vector machines and probes of features: fitted over a grid, chosen on held-out images.

Probabilities of a support vector machine: Platt, "Probabilistic Outputs for Support Vector Machines" (1999), with his
sigmoid made multinomial: logistic regression on the margins of images that were held out, fold by fold.
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
"""Megabytes."""
MOST_ITERATIONS = 2000


@dataclass(frozen=True, slots=True)
class Examples:
    """Features (N, D) with their labels (N,) and folds (N,)."""

    features: npt.NDArray[np.float32]
    labels: IntArray
    folds: npt.NDArray[np.str_]

    @property
    def prior(self) -> FloatArray:
        """The classes' frequencies (7,)."""
        return np.bincount(self.labels, minlength=len(CLASSES)) / len(self.labels)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One point of the grid and its balanced accuracy on the choosing images."""

    settings: dict[str, Any]
    balanced_accuracy: float


@dataclass(frozen=True, slots=True)
class Fitted:
    """The chosen classifier; ``predict`` gives probabilities (N, 7) under the prior of its training. ``candidates``:
    the whole grid, the chosen one first."""

    estimator: Any
    prior: FloatArray
    candidates: list[Candidate]
    smooths: bool = False

    def predict(self, features: npt.NDArray[np.float32]) -> FloatArray:
        probabilities = np.asarray(self.estimator.predict_proba(features), dtype=np.float64)
        return smooth_shares(probabilities, self.prior, self.estimator) if self.smooths else probabilities


def restore(config: ClassicalConfig, estimator: Any, prior: FloatArray) -> Fitted:
    """A classifier that was fitted before, as it was kept."""
    return Fitted(estimator, prior, [], smooths=not isinstance(config, SvmConfig) and config.classifier == "knn")


def fit_classifier(config: ClassicalConfig, training: Examples, choosing: Examples, *, progress: bool) -> Fitted:
    """Fit what the configuration names for every point of its grid and keep the best on the choosing images; of equals
    the first."""
    if isinstance(config, SvmConfig):
        return _fit_svm(config, training, choosing, progress=progress)
    return _fit_probe(config, training, choosing, progress=progress)


def _fit_svm(config: SvmConfig, training: Examples, choosing: Examples, *, progress: bool) -> Fitted:
    """Chosen by its own decisions, with classes weighted equally; then its margins become probabilities, which have the
    frequencies of the training."""
    scaling = make_pipeline(*_list_scaling(config))
    scaled, held_out = scaling.fit_transform(training.features), scaling.transform(choosing.features)
    points = list(_list_points(config, scale=1 / (scaled.shape[1] * scaled.var())))
    candidates = []
    for settings in tqdm(points, desc="Grid", unit="fit", disable=not progress):
        decided = _make_svm(settings).fit(scaled, training.labels).predict(held_out)
        candidates.append(Candidate(settings, float(balanced_accuracy_score(choosing.labels, decided))))
    candidates.sort(key=lambda each: -each.balanced_accuracy)
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
    """Unweighted, so that its probabilities have the frequencies of the training; chosen by their quotient with
    these, as every model of the study decides."""
    best, candidates = None, []
    points = [{"C": cost} for cost in config.costs] + [{"n_neighbors": count} for count in config.neighbours]
    for settings in tqdm(points, desc="Grid", unit="fit", disable=not progress):
        estimator = _make_probe(config, settings).fit(training.features, training.labels)
        fitted = restore(config, estimator, training.prior)
        decided = (fitted.predict(choosing.features) / training.prior).argmax(axis=1)
        candidates.append(Candidate(settings, float(balanced_accuracy_score(choosing.labels, decided))))
        if best is None or candidates[-1].balanced_accuracy > max(each.balanced_accuracy for each in candidates[:-1]):
            best = estimator
    candidates.sort(key=lambda each: -each.balanced_accuracy)
    return Fitted(best, training.prior, candidates, smooths=config.classifier == "knn")


def _make_probe(config: ProbeConfig, settings: dict[str, Any]) -> Any:
    if config.classifier == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(**settings, max_iter=MOST_ITERATIONS))
    # Of vectors of unit length, Euclid's order of neighbours is that of their cosines.
    return make_pipeline(Normalizer(), KNeighborsClassifier(**settings, algorithm="brute"))


def smooth_shares(shares: FloatArray, prior: FloatArray, pipeline: Any) -> FloatArray:
    """Shares (N, 7) of k neighbours with one more of every image, which is spread over the classes as the prior is: no
    class is left at zero, and without evidence the prior remains."""
    count = pipeline[-1].n_neighbors
    return np.asarray((count * shares + prior) / (count + 1))
