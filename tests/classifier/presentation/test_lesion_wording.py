"""What is said of a lesion's reading: every reason, and every photograph that has no part in it."""

import pytest
from django.utils import translation

from classifier.models import Lesion, LesionReading
from classifier.presentation import lesion_wording
from ml.serve.pool import REASONS_OF_POOL
from ml.taxonomy import DECISIONS

PLACES = {"a": 1, "b": 2, "c": 3}
THRESHOLDS = {"malignant": {"low_risk_below": 0.08, "suspicious_from": 0.3}}


def reading(reason: str, outcome: str = "refer_uncertain", **fields: object) -> LesionReading:
    pooled = {"malignant_probability": 0.04, "probabilities": [0.04], "thresholds": THRESHOLDS}
    return LesionReading(outcome=outcome, reason=reason, inputs=[{}, {}], **pooled | fields)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            reading("below_low_risk_threshold", "low_risk"),
            "Malignant sum 4 %, below the model's low-risk threshold of 8 %.",
        ),
        (
            reading("photographs_disagree", named=["b"]),
            (
                "The photographs disagree: the malignant sum of all together is 4 %, but suspicious by itself: "
                "photograph 2."
            ),
        ),
        (
            reading("between_thresholds", named=["c", "a"]),
            (
                "The malignant sum of all together is 4 %, low by itself; but what the model does not decide keeps the "
                "lesion from low risk: photographs 1 and 3."
            ),
        ),
        (
            reading("different_lesions", named=["c"], malignant_probability=None, probabilities=None),
            (
                "The photographs look like different lesions (unlike the others: photograph 3), so they were not taken "
                "together, and the most severe counts. Is it the same lesion? If not, move what belongs to another."
            ),
        ),
        (
            reading("shown_before", "suspicious", kept_from="suspicious"),
            (
                "The photographs now give a malignant sum of 4 %, which is less. What was shown before stays: only a "
                "person can end it."
            ),
        ),
        (
            reading("unlike_training", "not_assessable", malignant_probability=None, probabilities=None),
            (
                "None of the photographs could be assessed. The network did not read it. Judge it clinically; this "
                "says nothing about risk."
            ),
        ),
    ],
    ids=lambda given: given.reason if isinstance(given, LesionReading) else "",
)
def test_a_reason_is_a_sentence_that_names_its_photographs(given: LesionReading, text: str) -> None:
    assert lesion_wording.reason_text(given, PLACES) == text


def test_a_photograph_that_has_left_is_not_named_by_a_number() -> None:
    assert "one photograph" in lesion_wording.reason_text(reading("photographs_disagree", named=["gone"]), PLACES)


@pytest.mark.parametrize("reason", [*DECISIONS, *REASONS_OF_POOL, "shown_before", "ulcer", "not_skin_lesion"])
def test_every_reason_has_russian_words(reason: str) -> None:
    with translation.override("ru"):
        russian = lesion_wording.reason_text(
            reading(reason, named=["a", "b"] if reason != DECISIONS[0] else []), PLACES
        )
    assert not any(word in russian for word in (reason, "the ", "photograph"))


def test_a_photograph_without_a_part_says_why() -> None:
    assert lesion_wording.left_out_text("near_duplicate") == "left out: nearly the same picture as another"
    assert lesion_wording.left_out_text("a later reason") == "left out: not assessable"
    assert lesion_wording.left_out_text("") == ""


def test_a_lesion_is_named_by_number_site_and_side() -> None:
    assert lesion_wording.lesion_name(Lesion(number=3, body_site="back", side="left")) == "L3 · Back, left"
    unknown = Lesion(number=3, body_site="back", side="unknown", label="by the ear")
    assert lesion_wording.lesion_name(unknown) == "L3 · Back, by the ear"
