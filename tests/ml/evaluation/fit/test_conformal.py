"""Prediction sets hold the true class as often as they promise."""

import numpy as np
import numpy.typing as npt
import pytest

from ml.bundle.manifest import PredictionSets
from ml.evaluation.cross_validation import grouped_parts
from ml.evaluation.fit.conformal import choose_sets, fit_limit, measure_sets
from ml.metrics.classification import Scored
from ml.serve.interpretation import form_set, in_sets, softmax
from ml.taxonomy import CLASSES


def draw(count: int, seed: int, melanoma: float = 0.11) -> Scored:
    generator = np.random.default_rng(seed)
    prior = np.array([melanoma, 0.71 - melanoma, 0.06, 0.06, 0.11, 0.03, 0.03])
    labels = generator.choice(7, count, p=prior)
    scores = generator.normal(size=(count, 7)) + 2.0 * np.eye(7)[labels]
    return Scored(labels, softmax(scores + np.log(prior)), softmax(scores))


def test_the_limit_by_hand() -> None:
    # Of 19 scores and the next, the next is below the second smallest with a chance of 2 in 20.
    assert fit_limit(np.arange(1, 20) / 20) == pytest.approx(0.10, abs=1e-6)
    assert fit_limit(np.array([0.3, 0.2])) == pytest.approx(0.2)


def test_nine_in_ten_new_images_are_covered() -> None:
    old, new = draw(3000, 1), draw(3000, 2)
    limit = fit_limit(old.balanced_scores[np.arange(3000), old.labels])
    covered = in_sets(new.balanced_scores, limit)[np.arange(3000), new.labels]
    assert covered.mean() == pytest.approx(0.90, abs=0.02)


def test_a_set_is_never_empty_and_names_classes_in_their_order() -> None:
    scores = np.array([0.3, 0.1, 0.05, 0.25, 0.2, 0.05, 0.05])
    rule = PredictionSets("probabilities", 0.2, 0.9, "")
    assert form_set(scores, np.eye(7)[6], rule) == ("MEL", "AKIEC", "BKL")
    assert form_set(scores, scores, PredictionSets("probabilities", 0.9, 0.9, "")) == ("MEL",)
    assert form_set(scores, np.eye(7)[6], PredictionSets("balanced_scores", 0.9, 0.9, "")) == ("VASC",)
    assert form_set(scores, scores, None) == ()


def test_sets_that_keep_melanoma_are_chosen() -> None:
    scored = draw(1500, 3, melanoma=0.03)
    groups = [str(number) for number in range(1500)]
    rule, comparison = choose_sets(scored, lambda _fitting: scored, groups, "here")
    by_name = {each["score"]: each for each in comparison}
    assert rule.score == "balanced_scores"
    assert by_name["probabilities"]["melanoma_coverage"] < 0.85 < by_name["balanced_scores"]["melanoma_coverage"]
    assert all(each["coverage"] == pytest.approx(0.9, abs=0.03) for each in comparison[:2])
    assert "here (1500 images)" in rule.how


def test_rare_classes_are_pooled_and_bands_are_betas() -> None:
    labels = np.array([0] * 40 + [5] * 3 + [6] * 4)
    scores = np.zeros((47, 7))
    scores[np.arange(47), labels] = 1
    scores[:2] = np.eye(7)[1]  # two melanomas not covered
    report = measure_sets(
        Scored(labels, scores, scores), PredictionSets("probabilities", 0.5, 0.9, ""), list(map(str, labels))
    )
    assert set(report["classes"]) == {"MEL", "DF and VASC"}
    melanoma = report["classes"]["MEL"]
    # Clopper-Pearson for 38 of 40 (Brown, Cai & DasGupta's formula): 0.8308 to 0.9939.
    assert melanoma == {"value": 0.95, "low": 0.8308, "high": 0.9939, "n": 40, "how": "Clopper-Pearson"}
    assert (report["classes"]["DF and VASC"]["low"], report["classes"]["DF and VASC"]["high"]) == (0.5904, 1.0)
    assert report["sizes"] == {"1": 47}
    assert report["coverage"]["value"] == pytest.approx(45 / 47, abs=1e-4)


def test_parts_keep_lesions_whole_and_judge_every_image_once() -> None:
    groups = [f"L{number // 2}" for number in range(60)]
    judged: list[int] = []
    for fitting, judging in grouped_parts(groups):
        names: list[npt.NDArray[np.str_]] = [np.array(groups)[places] for places in (fitting, judging)]
        assert not set(names[0]) & set(names[1])
        judged += judging.tolist()
    assert sorted(judged) == list(range(60))
    assert len(CLASSES) == 7
