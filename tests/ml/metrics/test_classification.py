"""Metrics against scikit-learn, the official scorer and sums by hand."""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics
from isic_challenge_scoring.classification import ClassificationMetric, ClassificationScore

from ml.metrics.classification import (
    Scored,
    area_under_roc,
    balanced_accuracy,
    class_mean_log_loss,
    count_confusion,
    decide,
    expected_calibration_error,
    measure,
)
from ml.taxonomy import CLASSES

IMAGES = 400


@pytest.fixture(scope="module")
def scored() -> Scored:
    generator = np.random.default_rng(7)
    labels = np.concatenate([np.arange(7), generator.choice(7, IMAGES - 7, p=[0.2, 0.4, 0.1, 0.05, 0.15, 0.05, 0.05])])
    strength = 2.0 * np.eye(7)[labels]
    return Scored(
        labels,
        softmax(generator.normal(size=(IMAGES, 7)) + strength),
        softmax(generator.normal(size=(IMAGES, 7)) + strength),
    )


@pytest.fixture(scope="module")
def weights() -> npt.NDArray[np.float64]:
    return np.random.default_rng(8).integers(0, 4, (2, IMAGES)).astype(np.float64)


def softmax(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    exponentials = np.exp(values)
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def test_metrics_equal_scikit_learns_under_any_weights(scored: Scored, weights: npt.NDArray[np.float64]) -> None:
    found = measure(scored, weights, low_risk_below=0.2, suspicious_from=0.5)
    decided, likely = scored.balanced_scores.argmax(1), scored.probabilities.argmax(1)
    ill = np.isin(scored.labels, [0, 2, 3])
    for row, weight in enumerate(weights):
        options = {"sample_weight": weight}
        recall = sklearn.metrics.recall_score(scored.labels, decided, average=None, **options)
        precision = sklearn.metrics.precision_score(scored.labels, decided, average=None, **options)
        expected = {
            "accuracy": sklearn.metrics.accuracy_score(scored.labels, decided, **options),
            "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(scored.labels, decided, **options),
            "macro_f1": sklearn.metrics.f1_score(scored.labels, decided, average="macro", **options),
            "most_probable_accuracy": sklearn.metrics.accuracy_score(scored.labels, likely, **options),
            "most_probable_macro_f1": sklearn.metrics.f1_score(scored.labels, likely, average="macro", **options),
            "macro_auc": sklearn.metrics.roc_auc_score(
                scored.labels, scored.balanced_scores, average="macro", multi_class="ovr", **options
            ),
            "melanoma_auc": sklearn.metrics.roc_auc_score(scored.labels == 0, scored.probabilities[:, 0], **options),
            "malignancy_auc": sklearn.metrics.roc_auc_score(ill, scored.malignant, **options),
            "sensitivity_suspicious": sklearn.metrics.recall_score(ill, scored.malignant >= 0.5, **options),
            "specificity_low_risk": sklearn.metrics.recall_score(~ill, scored.malignant < 0.2, **options),
        }
        for name, value in expected.items():
            assert found[name][row] == pytest.approx(value), name
        assert found["recall"][row] == pytest.approx(recall)
        assert found["precision"][row] == pytest.approx(precision)
        for place in range(7):
            one = sklearn.metrics.roc_auc_score(scored.labels == place, scored.balanced_scores[:, place], **options)
            assert found["auc"][row, place] == pytest.approx(one)


def test_the_area_under_the_curve_counts_ties_by_half() -> None:
    labels = np.array([0, 0, 1, 1, 1], bool)
    scores = np.array([0.1, 0.5, 0.5, 0.5, 0.9])
    # Six pairs: 3 right with 0.1, then 0.5 against 0.5 twice (half each) and against 0.9 once: 5 of 6.
    assert area_under_roc(positive=labels, scores=scores, weights=np.ones((1, 5)))[0] == pytest.approx(5 / 6)


def test_calibration_error_by_hand() -> None:
    # Two images at 0.9, one of them right: a gap of 0.4. Two at 0.6, both right: a gap of 0.4. Mean 0.4.
    probabilities = np.zeros((4, 7))
    probabilities[:, 0] = [0.9, 0.9, 0.6, 0.6]
    probabilities[:, 1] = 1 - probabilities[:, 0]
    labels = np.array([0, 1, 0, 0])
    assert expected_calibration_error(labels=labels, probabilities=probabilities, weights=np.ones((1, 4)))[
        0
    ] == pytest.approx(0.4)


def test_a_tie_is_undecided_and_wrong() -> None:
    scores = np.array([[0.4, 0.4, 0.2, 0, 0, 0, 0], [0.5, 0.3, 0.2, 0, 0, 0, 0]])
    decided = decide(scores)
    assert decided.tolist() == [-1, 0]
    confusion = count_confusion(labels=np.array([0, 0]), decided=decided, weights=np.ones((1, 2)))[0]
    assert confusion[0].tolist() == [1, 0, 0, 0, 0, 0, 0, 1]


def test_what_a_sample_does_not_define_is_left_out_of_the_mean(scored: Scored) -> None:
    weights = (scored.labels < 3).astype(np.float64)[np.newaxis]
    found = measure(scored, weights, low_risk_below=0.2, suspicious_from=0.5)
    assert np.isnan(found["recall"][0]).tolist() == [False] * 3 + [True] * 4
    assert found["balanced_accuracy"][0] == pytest.approx(found["recall"][0, :3].mean())


def test_balanced_accuracy_equals_the_official_scorers(scored: Scored, tmp_path: Path) -> None:
    scores = scored.balanced_scores.copy()
    scores[::50] = 1 / 7
    names = [f"ISIC_{number:07d}" for number in range(IMAGES)]
    names[-1] = "ISIC_0035068"
    truth, predictions = tmp_path / "truth.csv", tmp_path / "predictions.csv"
    for path, values in ((truth, np.eye(7)[scored.labels]), (predictions, scores)):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(
                [("image", *CLASSES), *((n, *row) for n, row in zip(names, values, strict=True))]
            )
    official = ClassificationScore.from_file(truth, predictions, ClassificationMetric.BALANCED_ACCURACY)
    weights = np.array([[name != "ISIC_0035068" for name in names]], np.float64)
    ours = measure(Scored(scored.labels, scores, scores), weights, low_risk_below=0.2, suspicious_from=0.5)
    assert ours["balanced_accuracy"][0] == pytest.approx(official.overall, abs=1e-12)
    assert ours["auc"][0] == pytest.approx(official.per_category["auc"].to_numpy(), abs=1e-12)


def test_balanced_accuracy_of_decisions_is_the_mean_recall_of_the_classes_that_are_there() -> None:
    # Melanoma 1 of 2, nevus 3 of 4; nothing else was there: (1/2 + 3/4) / 2.
    labels = np.array([0, 0, 1, 1, 1, 1])
    decided = np.array([0, 1, 1, 1, 1, 5])
    assert balanced_accuracy(labels=labels, decided=decided) == pytest.approx(0.625)


def test_the_class_mean_of_log_loss_gives_every_class_the_same_weight() -> None:
    """Two images of class 0 with scores 1/2 and 1/8, one of class 1 with 1/4; the third row leaves class 1 out."""
    scores = np.zeros((3, 7))
    scores[0, 0], scores[1, 0], scores[2, 1] = 0.5, 0.125, 0.25
    rows = np.array([[1.0, 1.0, 1.0], [3.0, 1.0, 5.0], [1.0, 1.0, 0.0]])
    found = class_mean_log_loss(labels=np.array([0, 0, 1]), scores=scores, weights=rows)
    assert found.tolist() == pytest.approx(np.log(2) * np.array([(2 + 2) / 2, (1.5 + 2) / 2, 2]))
