"""Every code has words, in calm plain sentences with whole per cents."""

import pytest
from django.utils import translation

from classifier import wording
from classifier.models import Prediction, Status
from ml.bundle import DEFAULT_BUNDLE, load_bundle
from ml.gate import KINDS, UNLIKE_TRAINING
from ml.image_io import MESSAGES, ImageRejected
from tests.factories import DonePredictionFactory

PARAMS = {
    "megabytes": "30.1",
    "limit": 25,
    "megapixels": "60.0",
    "width": 100,
    "height": 200,
    "scans": 26_000,
    "coding": "TIFF 34925",
}


@pytest.mark.parametrize("code", MESSAGES)
def test_every_rejection_says_what_the_decoder_says(code: str) -> None:
    error = ImageRejected(code, **PARAMS)

    assert wording.rejection_text(error) == str(error)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.004, "< 1 %"), (0.012, "1 %"), (0.345, "34 %"), (0.995, "> 99 %"), (1.0, "100 %")],
)
def test_shares_are_whole_per_cents(share: float, text: str) -> None:
    assert wording.percent(share) == text


@pytest.mark.parametrize(
    ("outcome", "reason", "malignant", "sentence"),
    [
        (
            "low_risk",
            "below_low_risk_threshold",
            0.004,
            "Malignant sum < 1 %, below the model's low-risk threshold of 8 %.",
        ),
        (
            "suspicious",
            "above_suspicious_threshold",
            0.34,
            "Malignant sum 34 %, above the model's referral threshold of 30 %.",
        ),
        (
            "refer_uncertain",
            "between_thresholds",
            0.12,
            "Malignant sum 12 %, between the model's thresholds of 8 % and 30 %: it does not decide.",
        ),
    ],
)
def test_a_reason_is_one_sentence_with_its_numbers(
    db: None, outcome: str, reason: str, malignant: float, sentence: str
) -> None:
    reading = DonePredictionFactory.create(outcome=outcome, reason=reason, malignant_probability=malignant)

    assert wording.reason_text(reading) == wording.status_text(reading) == sentence


@pytest.mark.parametrize(
    ("reason", "malignant", "low", "high", "sentence"),
    [
        (
            "below_low_risk_threshold",
            0.0314,
            0.0339,
            0.16,
            "Malignant sum 3.1 %, below the model's low-risk threshold of 3.4 %.",
        ),
        (
            "below_low_risk_threshold",
            0.03391,
            0.03394,
            0.16,
            "Malignant sum 3.4 %, just below the model's low-risk threshold of 3.4 %.",
        ),
        (
            "above_suspicious_threshold",
            0.1612,
            0.03,
            0.1612,
            "Malignant sum 16.1 %, at or just above the model's referral threshold of 16.1 %.",
        ),
        (
            "between_thresholds",
            0.158,
            0.0339,
            0.1612,
            "Malignant sum 15.8 %, between the model's thresholds of 3.4 % and 16.1 %: it does not decide.",
        ),
    ],
)
def test_a_reason_tells_a_sum_from_a_limit_that_rounds_alike(
    reason: str, malignant: float, low: float, high: float, sentence: str
) -> None:
    reading = Prediction(
        reason=reason,
        malignant_probability=malignant,
        thresholds={"malignant": {"low_risk_below": low, "suspicious_from": high}},
    )

    assert wording.reason_text(reading) == sentence


def test_melanoma_that_is_not_excluded_is_told_with_both_limits() -> None:
    reading = Prediction(
        reason="melanoma_not_excluded",
        malignant_probability=0.041,
        thresholds={
            "malignant": {"low_risk_below": 0.07, "suspicious_from": 0.07},
            "melanoma": {"low_risk_below": 0.0152},
        },
    )

    assert wording.reason_text(reading) == (
        "Malignant sum 4 %, below the model's threshold of 7 %; but melanoma alone is not below its own of 1.5 %: "
        "it does not decide."
    )


def test_a_clinical_photograph_is_told_as_declared_or_as_recognised() -> None:
    declared = Prediction(reason="clinical_photograph", modality="clinical")
    recognised = Prediction(reason="clinical_photograph", modality="dermoscopic", logits=[[0.0] * 7])

    assert wording.reason_text(declared).startswith("This is a clinical photograph.")
    assert wording.reason_text(recognised).startswith("This looks like a clinical photograph, though it was declared")


def test_every_reason_and_flag_that_the_shipped_model_gives_has_words() -> None:
    manifest = load_bundle(DEFAULT_BUNDLE).manifest

    assert set(wording.REASONS) >= {*KINDS[1:], UNLIKE_TRAINING, *manifest.not_assessable_where}
    assert set(wording.FLAGS) == {rule.name for rule in manifest.quality.flags}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("code", [*wording.FLAGS, "of_later_make"])
def test_every_flag_gives_its_reason_and_then_what_to_do(code: str, language: str) -> None:
    with translation.override(language):
        reason, colon, hint = wording.flag_text(code).partition(": ")

    assert reason
    assert colon
    assert hint.endswith(".")
    assert len(reason) + len(hint) < 90, "short"


@pytest.mark.parametrize(
    "reason", ["blank_frame", "clinical_photograph", "not_skin_lesion", "unlike_training", "nail", "tattoo"]
)
def test_a_reading_that_is_not_assessable_tells_no_numbers(reason: str) -> None:
    text = wording.reason_text(Prediction(status=Status.DONE, outcome="not_assessable", reason=reason))

    assert text != reason
    assert "%" not in text


def test_a_failure_says_what_is_safe_and_what_to_do() -> None:
    crashed = Prediction(status=Status.FAILED, failure="crashed: ImageRejected")
    exhausted = Prediction(status=Status.FAILED, failure="attempts_exhausted", attempts=3)

    assert wording.failure_text(crashed) == (
        "The reading failed (ImageRejected). The photograph is kept; try again, or ask support."
    )
    assert wording.failure_text(exhausted).startswith("The reading was begun 3 times")


def test_words_are_chosen_when_they_are_shown() -> None:
    with translation.override("ru"):
        assert isinstance(wording.flag_text("blurred"), str)
    assert wording.flag_text("blurred") == "Out of focus: hold still, focus again."
    assert wording.flag_text("glare") == "Flagged as glare: take it again if you can.", "of a later model"
    assert wording.class_name("AKIEC") == "Actinic keratosis or intraepithelial carcinoma"
    assert wording.waiting_text("broker").startswith("The queue does not answer.")
    assert wording.outcome_text(None) == ""
