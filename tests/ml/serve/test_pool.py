"""One reading of a lesion out of its photographs', by hand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ml.bundle.folder import Bundle
from ml.bundle.manifest import Manifest, PoolingRule
from ml.serve.interpretation import decide, form_set
from ml.serve.pool import (
    DIFFERENT_LESIONS,
    NEAR_DUPLICATE,
    PHOTOGRAPHS_DISAGREE,
    Photograph,
    find_quality,
    not_below,
    pool_readings,
    severest,
)

HERE, NEAR, ELSEWHERE = (100, 0, 0), (99, 4, 0), (0, 100, 0)
"""Signatures: cosine 0.999 between the first two, 0 or 0.04 from these to the third."""

RULE = PoolingRule(odds_power=0, quality_power=0, quality_measure=None, copy_from=0.95, same_from=0.5, how="by hand")


@pytest.fixture(scope="module")
def manifest(bundle: Bundle) -> Manifest:
    """The shipped manifest, with a rule by hand."""
    return replace(bundle.manifest, pooling=RULE)


def of_sum(malignant: float) -> tuple[float, ...]:
    """Probabilities of that malignant sum, nearly all BCC and NV."""
    benign, rest = 1 - malignant, 1e-3
    return (
        malignant * rest,
        benign * (1 - 3 * rest),
        malignant * (1 - 2 * rest),
        malignant * rest,
        *[benign * rest] * 3,
    )


def photograph(
    key: str, malignant: float, manifest: Manifest, *, embedding: tuple[int, ...] | None = None
) -> Photograph:
    """An assessable photograph of that sum, with the outcome that the manifest gives it."""
    outcome, reason = decide(np.array(of_sum(malignant)), None, manifest.thresholds)
    return Photograph(key, of_sum(malignant), outcome, reason, embedding=embedding)


def refused(key: str, outcome: str, reason: str) -> Photograph:
    return Photograph(key, of_sum(0.99), outcome, reason, embedding=HERE)


def test_one_photograph_gives_its_own_reading_exactly(manifest: Manifest) -> None:
    probabilities = (0.013, 0.9, 0.03, 0.007, 0.03, 0.01, 0.01)
    pooled = pool_readings([Photograph("a", probabilities, "low_risk", "below_low_risk_threshold")], manifest)
    assert pooled.probabilities == probabilities
    assert pooled.malignant_probability == float(np.array(probabilities)[[0, 2, 3]].sum())
    assert (pooled.outcome, pooled.reason) == ("low_risk", "below_low_risk_threshold")
    assert (pooled.weights, pooled.pooled, pooled.left_out, pooled.named) == ({"a": 1}, ("a",), {}, ())
    balanced = np.array(probabilities) / manifest.target_prior.frequencies
    assert pooled.prediction_set == list(
        form_set(np.array(probabilities), balanced / balanced.sum(), manifest.prediction_sets)
    )


def test_the_sum_has_the_mean_log_odds(manifest: Manifest) -> None:
    # Odds 1:9 and 4:1 have the geometric mean 2:3.
    pooled = pool_readings([photograph("a", 0.1, manifest), photograph("b", 0.8, manifest)], manifest)
    assert pooled.malignant_probability == pytest.approx(0.4)
    assert sum(pooled.probabilities or ()) == pytest.approx(1)
    assert pooled.weights == pytest.approx({"a": 0.5, "b": 0.5})


def test_two_cancers_of_different_kinds_do_not_cancel_each_other_out(manifest: Manifest) -> None:
    one = Photograph("a", (0.5, 0.5, 0, 0, 0, 0, 0), "suspicious", "above_suspicious_threshold")
    other = Photograph("b", (0, 0.5, 0.5, 0, 0, 0, 0), "suspicious", "above_suspicious_threshold")
    pooled = pool_readings([one, other], manifest)
    assert pooled.malignant_probability == pytest.approx(0.5)
    assert pooled.outcome == "suspicious"


def test_the_odds_power_weighs_the_more_suspicious_photograph_more(manifest: Manifest) -> None:
    # Odds 1 and 4 to the power of a half: weights 1:2. The log-odds are then 2/3 ln 4, the odds 4^(2/3) = 2.5198.
    rule = replace(manifest, pooling=replace(RULE, odds_power=0.5))
    pooled = pool_readings([photograph("a", 0.5, manifest), photograph("b", 0.8, manifest)], rule)
    assert pooled.weights == pytest.approx({"a": 1 / 3, "b": 2 / 3})
    assert pooled.malignant_probability == pytest.approx(2.5198 / 3.5198, abs=1e-4)


def test_the_quality_power_weighs_the_sharper_photograph_more_if_all_are_known(manifest: Manifest) -> None:
    rule = replace(manifest, pooling=replace(RULE, quality_power=2, quality_measure="sharpness"))
    qualities = [find_quality({"sharpness": value}, rule) for value in (0.1, 0.2)]
    pair = [
        replace(photograph(key, malignant, manifest), quality=quality)
        for key, malignant, quality in zip("ab", (0.1, 0.8), qualities, strict=True)
    ]
    assert pool_readings(pair, rule).weights == pytest.approx({"a": 0.2, "b": 0.8})
    pair[0] = replace(pair[0], quality=find_quality({}, rule))
    assert pool_readings(pair, rule).weights == pytest.approx({"a": 0.5, "b": 0.5})


@pytest.mark.parametrize(
    "copy",
    [
        lambda manifest: photograph("copy", 0.1, manifest),
        lambda manifest: photograph("copy", 0.12, manifest, embedding=NEAR),
    ],
    ids=["the same photograph, without an embedding", "a near-duplicate"],
)
def test_a_photograph_that_is_added_again_leaves_the_sum_as_it_was(
    manifest: Manifest, copy: Callable[[Manifest], Photograph]
) -> None:
    first = [photograph("a", 0.1, manifest, embedding=HERE), photograph("b", 0.8, manifest, embedding=(80, 60, 0))]
    before, after = pool_readings(first, manifest), pool_readings([*first, copy(manifest)], manifest)
    assert before.malignant_probability is not None
    assert after.malignant_probability == pytest.approx(before.malignant_probability, abs=1e-6)
    assert after.left_out == {"copy": NEAR_DUPLICATE}


def test_a_photograph_that_is_suspicious_alone_keeps_the_lesion_from_low_risk(manifest: Manifest) -> None:
    benign = [photograph(f"n{number}", 0.002 + number / 1e4, manifest) for number in range(5)]
    pooled = pool_readings([*benign, photograph("m", 0.9, manifest)], manifest)
    assert pooled.malignant_probability is not None
    assert pooled.malignant_probability < manifest.thresholds.malignant.low_risk_below, "the mean alone is low risk"
    assert (pooled.outcome, pooled.reason, pooled.named) == ("refer_uncertain", PHOTOGRAPHS_DISAGREE, ("m",))


def test_a_near_duplicate_that_is_suspicious_alone_does_so_too(manifest: Manifest) -> None:
    pair = [photograph("a", 0.07, manifest, embedding=HERE), photograph("b", 0.08, manifest, embedding=NEAR)]
    pooled = pool_readings(pair, manifest)
    assert (pooled.outcome, pooled.named) == ("refer_uncertain", ("b",))


def test_photographs_of_different_lesions_are_not_pooled(manifest: Manifest) -> None:
    one = [photograph(key, 0.01, manifest, embedding=HERE) for key in "ab"]
    benign, ill = (photograph("c", malignant, manifest, embedding=ELSEWHERE) for malignant in (0.02, 0.9))
    pooled = pool_readings([benign, *one], manifest)
    assert (pooled.outcome, pooled.reason, pooled.named) == ("refer_uncertain", DIFFERENT_LESIONS, ("c",))
    assert (pooled.probabilities, pooled.malignant_probability, pooled.pooled) == (None, None, ())
    assert set(pooled.left_out) == {"a", "b", "c"}
    assert pool_readings([*one, ill], manifest).outcome == "suspicious", "the severest of the parts"


def test_a_photograph_between_two_others_links_them(manifest: Manifest) -> None:
    views = [(100, 0, 0), (0, 100, 0), (80, 80, 0)]
    chain = [photograph(f"{index}", 0.01 + index / 100, manifest, embedding=view) for index, view in enumerate(views)]
    assert pool_readings(chain, manifest).reason != DIFFERENT_LESIONS
    assert pool_readings(chain[:2], manifest).reason == DIFFERENT_LESIONS


def test_photographs_that_cannot_be_assessed_stay_out_of_the_pool(manifest: Manifest) -> None:
    kept = photograph("a", 0.02, manifest)
    others = [
        refused("blank", "not_assessable", "blank_frame"),
        Photograph("clinical", None, "not_assessable", "clinical_photograph"),
    ]
    pooled = pool_readings([*others, kept], manifest)
    assert pooled.probabilities == kept.probabilities
    assert pooled.outcome == "low_risk"
    assert pooled.left_out == {"blank": "blank_frame", "clinical": "clinical_photograph"}


def test_without_an_assessable_photograph_the_severest_refusal_stands(manifest: Manifest) -> None:
    blank = refused("a", "not_assessable", "blank_frame")
    likely = refused("b", "refer_uncertain", "unlike_training")
    pooled = pool_readings([blank, likely], manifest)
    assert (pooled.outcome, pooled.reason, pooled.named) == ("refer_uncertain", "unlike_training", ("b",))
    assert (pooled.probabilities, pooled.malignant_probability, pooled.prediction_set) == (None, None, None)
    pooled = pool_readings([blank], manifest)
    assert (pooled.outcome, pooled.reason) == ("not_assessable", "blank_frame")


@pytest.mark.parametrize(("outcome", "reason"), [("refer_uncertain", "unlike_training"), ("not_assessable", "ulcer")])
def test_a_refused_likely_cancer_and_a_declared_site_keep_from_low_risk(
    manifest: Manifest, outcome: str, reason: str
) -> None:
    pooled = pool_readings([photograph("a", 0.01, manifest), refused("b", outcome, reason)], manifest)
    assert (pooled.outcome, pooled.reason, pooled.named) == ("refer_uncertain", reason, ("b",))
    assert pooled.probabilities is not None, "what was pooled is still told"
    suspicious = pool_readings([photograph("a", 0.9, manifest), refused("b", outcome, reason)], manifest)
    assert suspicious.outcome == "suspicious"


def test_an_earlier_bundle_pools_with_equal_weights_and_knows_copies_by_equal_probabilities(bundle: Bundle) -> None:
    earlier = replace(bundle.manifest, pooling=None)
    three = [
        photograph("a", 0.1, earlier, embedding=HERE),
        photograph("b", 0.8, earlier, embedding=ELSEWHERE),
        photograph("c", 0.1, earlier),
    ]
    pooled = pool_readings(three, earlier)
    assert pooled.malignant_probability == pytest.approx(0.4)
    assert pooled.left_out == {"c": NEAR_DUPLICATE}
    assert find_quality({"sharpness": 1.0}, earlier) is None


def test_what_was_shown_is_never_lowered() -> None:
    assert not_below("low_risk", "suspicious") == "suspicious"
    assert not_below("suspicious", "low_risk") == "suspicious"
    assert not_below("not_assessable", "refer_uncertain") == "refer_uncertain"
    assert not_below("low_risk", "not_assessable") == "low_risk"
    assert not_below("not_assessable", None) == "not_assessable"
    assert severest(["low_risk", "refer_uncertain", "not_assessable"]) == "refer_uncertain"


def test_a_pool_of_nothing_is_refused(manifest: Manifest) -> None:
    with pytest.raises(ValueError, match="at least one"):
        pool_readings([], manifest)
