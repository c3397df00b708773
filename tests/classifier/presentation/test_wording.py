"""Every code has words, in calm plain sentences with whole per cents."""

import pytest
from django.utils import translation

from classifier.models import Lesion, Patient, Prediction, Status
from classifier.presentation import wording
from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle
from ml.serve.detector import IMAGE_DOMAINS, UNLIKE_TRAINING
from ml.taxonomy import DECISIONS
from tests.factories import DonePredictionFactory


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
        (
            "between_thresholds",
            0.03394,
            0.03391,
            0.1612,
            (
                "Malignant sum 3.4 %, at or just above the model's threshold of 3.4 % and below that of 16.1 %: it "
                "does not decide."
            ),
        ),
        (
            "between_thresholds",
            0.16118,
            0.0339,
            0.1612,
            (
                "Malignant sum 16.1 %, just below the model's threshold of 16.1 % and above that of 3.4 %: it does not "
                "decide."
            ),
        ),
        (
            "between_thresholds",
            0.0712,
            0.0711,
            0.0713,
            (
                "Malignant sum 7.1 %, at or just above the model's threshold of 7.1 % and just below that of 7.1 %: it "
                "does not decide."
            ),
        ),
        (
            "melanoma_not_excluded",
            0.0711,
            0.0712,
            0.3,
            (
                "Malignant sum 7.1 %, just below the model's threshold of 7.1 %; but melanoma alone is not below its "
                "own of 0 %: it does not decide."
            ),
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


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0715, "7 %"), (0.02, "2 %"), (0.0152, "1.5 %"), (0.01, "1 %"), (0.0037, "0.37 %"), (0.0, "0 %")],
)
def test_a_limit_below_two_per_cent_is_not_rounded_to_whole_ones(share: float, text: str) -> None:
    assert wording.limit_percent(share) == text


@pytest.mark.parametrize(
    ("reason", "malignant", "limit", "sentence"),
    [
        ("below_low_risk_threshold", 0.0151, 0.0163, "1.5 %, below the model's low-risk threshold of 1.6 %."),
        ("below_low_risk_threshold", 0.0151, 0.0152, "1.5 %, just below the model's low-risk threshold of 1.5 %."),
        ("above_suspicious_threshold", 0.0163, 0.0152, "1.6 %, above the model's referral threshold of 1.5 %."),
        ("above_suspicious_threshold", 0.34, 0.0152, "34 %, above the model's referral threshold of 1.5 %."),
    ],
)
def test_a_sum_beside_a_small_limit_is_written_as_finely(
    reason: str, malignant: float, limit: float, sentence: str
) -> None:
    reading = Prediction(
        reason=reason,
        malignant_probability=malignant,
        thresholds={"malignant": {"low_risk_below": limit, "suspicious_from": limit}},
    )

    assert wording.reason_text(reading) == f"Malignant sum {sentence}"


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
    assert wording.reason_text(recognised).startswith("To the network this looks like a clinical photograph")


def test_every_reason_and_flag_that_the_shipped_model_gives_has_words() -> None:
    manifest = load_bundle(DEFAULT_BUNDLE).manifest

    assert set(wording.REASONS) >= {*IMAGE_DOMAINS[1:], UNLIKE_TRAINING, *manifest.not_assessable_where}
    assert set(wording.FLAGS) == {rule.name for rule in manifest.quality.flags} - {*wording.WITHDRAWN_FLAGS}


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("code", [*wording.FLAGS, *wording.WITHDRAWN_FLAGS, "of_later_make"])
def test_every_flag_gives_its_reason_and_then_what_to_do(code: str, language: str) -> None:
    with translation.override(language):
        reason, colon, hint = wording.flag_text(code).partition(": ")

    assert reason
    assert colon
    assert hint.endswith(".")
    assert len(reason) + len(hint) < 90, "short"


NOT_READ = [reason for reason in wording.REASONS if reason not in DECISIONS]


@pytest.mark.parametrize("reason", NOT_READ)
def test_what_was_not_read_tells_no_numbers_what_to_do_and_blames_no_file(reason: str) -> None:
    text = wording.reason_text(Prediction(status=Status.DONE, outcome="not_assessable", reason=reason))

    assert text.endswith("The network did not read it. Judge it clinically; this says nothing about risk.")
    assert "%" not in text
    assert "right file" not in text


@pytest.mark.parametrize("reason", [*IMAGE_DOMAINS[1:], UNLIKE_TRAINING, "without_colour", "altered"])
def test_a_likely_cancer_that_was_not_read_is_told_with_the_detectors_reason(reason: str) -> None:
    fields = {"status": Status.DONE, "reason": reason, "logits": [[0.0] * 7]}
    told, shrugged = (
        wording.reason_text(Prediction(outcome=outcome, **fields)) for outcome in ("refer_uncertain", "not_assessable")
    )

    assert "may be a malignant lesion: judge it clinically" in told
    assert "nothing about risk" not in told
    assert told.split(". ")[0] == shrugged.split(". ")[0], "the same reason"


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("code", wording.WITHDRAWN_FLAGS)
def test_a_withdrawn_flag_of_an_old_reading_is_to_be_disregarded(code: str, language: str) -> None:
    with translation.override(language):
        text = wording.flag_text(code)

    assert code in text
    assert not any(word in text for word in ("wipe", "without it", "сотр", "без не"))


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
    assert wording.flag_text("glare") == "Flagged as glare: see the model card.", "of a later model"
    assert wording.class_name("AKIEC") == "Actinic keratosis or intraepithelial carcinoma"
    assert wording.waiting_text("broker").startswith("The queue does not answer.")
    assert wording.outcome_text(None) == ""


def test_a_lesion_is_named_by_its_site_and_label() -> None:
    assert wording.lesion_title(Lesion(body_site="back")) == "Back"
    assert wording.lesion_title(Lesion(body_site="back", label="left of the spine")) == "Back, left of the spine"


def test_of_a_patient_sex_and_year_of_birth_are_told_as_far_as_they_are_known() -> None:
    assert wording.sex_and_age(Patient(sex="unknown")) == ""
    assert wording.sex_and_age(Patient(sex="female", birth_year=1958)) == "Female, born 1958"
