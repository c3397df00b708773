"""Support vector machines and probes: chosen on held-out images, with probabilities of a stated prior."""

import numpy as np
import pytest

from ml.baselines.classifiers import Examples, Fitted, fit_classifier, smooth_shares
from ml.baselines.config import FeatureSet, Kernel, ProbeConfig, SvmConfig

FEATURES = FeatureSet("handcrafted")
COUNTS = (24, 60, 18, 15, 24, 12, 12)
"""Images of each class: unequal, as lesions are."""
SVM = SvmConfig("svm", FEATURES, (Kernel("linear", (0.1,)), Kernel("rbf", (1.0, 10.0), (0.5, 1.0))), ("0", "1", "2"))
LOGISTIC = ProbeConfig("probe", FEATURES, "logistic", costs=(0.01, 1.0))
NEAREST = ProbeConfig("probe", FEATURES, "knn", neighbours=(1, 5))
CONFIGS = pytest.mark.parametrize("config", [SVM, LOGISTIC, NEAREST], ids=["svm", "logistic", "knn"])


def draw(seed: int, *, spread: float = 0.6) -> Examples:
    """Clouds of points, one a class, about the corners of a cube in five dimensions, each in another direction."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(7), COUNTS)
    corners = np.array([[int(bit) for bit in f"{code:05b}"] for code in (1, 2, 4, 8, 16, 7, 25)])
    points = 2.0 * corners[labels] + random.normal(0, spread, (len(labels), 5))
    folds = (np.arange(len(labels)) % 3).astype(str)
    return Examples(points.astype(np.float32), labels, folds)


def fit(config: SvmConfig | ProbeConfig, *, spread: float = 0.6) -> tuple[Fitted, Examples]:
    choosing = draw(2, spread=spread)
    return fit_classifier(config, draw(1, spread=spread), choosing, progress=False), choosing


@CONFIGS
def test_separable_classes_are_told_apart(config: SvmConfig | ProbeConfig) -> None:
    fitted, choosing = fit(config, spread=0.2)
    probabilities = fitted.predict(choosing.features)
    assert probabilities.shape == (len(choosing.labels), 7)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert ((probabilities / fitted.prior).argmax(axis=1) == choosing.labels).mean() > 0.97


@CONFIGS
def test_probabilities_have_the_frequencies_of_the_training(config: SvmConfig | ProbeConfig) -> None:
    fitted, choosing = fit(config, spread=1.2)
    assert fitted.prior == pytest.approx(np.array(COUNTS) / sum(COUNTS))
    assert fitted.predict(choosing.features).mean(axis=0) == pytest.approx(fitted.prior, abs=0.06)


@CONFIGS
def test_the_same_seed_gives_the_same_numbers(config: SvmConfig | ProbeConfig) -> None:
    (first, choosing), (second, _) = fit(config), fit(config)
    np.testing.assert_array_equal(first.predict(choosing.features), second.predict(choosing.features))
    assert first.candidates == second.candidates


@CONFIGS
def test_the_best_of_the_whole_grid_comes_first(config: SvmConfig | ProbeConfig) -> None:
    fitted, _ = fit(config, spread=1.2)
    scores = [each.balanced_accuracy for each in fitted.candidates]
    assert len(scores) == {"svm": 5, "probe": 2}[config.kind]
    assert scores == sorted(scores, reverse=True)


def test_what_is_chosen_is_what_predicts() -> None:
    fitted, choosing = fit(NEAREST, spread=1.5)
    chosen = fitted.candidates[0].settings["n_neighbors"]
    assert fitted.estimator[-1].n_neighbors == chosen
    decided = (fitted.predict(choosing.features) / fitted.prior).argmax(axis=1)
    recalls = [(decided[choosing.labels == label] == label).mean() for label in range(7)]
    assert np.mean(recalls) == pytest.approx(fitted.candidates[0].balanced_accuracy)


def test_of_equals_the_first_is_chosen() -> None:
    fitted, _ = fit(ProbeConfig("probe", FEATURES, "knn", neighbours=(3, 5, 7)), spread=0.05)
    assert [each.balanced_accuracy for each in fitted.candidates] == [1, 1, 1]
    assert fitted.estimator[-1].n_neighbors == 3


def test_an_svm_without_components_keeps_all_features() -> None:
    whole = SvmConfig("svm", FEATURES, SVM.grid, ("0", "1", "2"), explained_variance=None)
    fitted, choosing = fit(whole, spread=0.2)
    assert (fitted.predict(choosing.features).argmax(axis=1) == choosing.labels).mean() > 0.97


def test_shares_of_neighbours_are_never_zero() -> None:
    # Three neighbours of class 0 and one that is spread as the prior: (3 + 0.4) / 4 and 0.1 / 4.
    fitted, _ = fit(ProbeConfig("probe", FEATURES, "knn", neighbours=(3,)))
    prior = np.array([0.4, *[0.1] * 6])
    smoothed = smooth_shares(np.eye(7)[:1], prior, fitted.estimator)
    assert smoothed[0].tolist() == pytest.approx([0.85, *[0.025] * 6])
