"""A reading in a word."""

import pytest
from django.utils import timezone

from classifier.models import Outcome, Prediction, Status
from classifier.presentation.verdict import Verdict, verdict_kind, verdict_of
from tests import factories


def test_a_finished_reading_is_its_outcome(db: None) -> None:
    reading = factories.DonePredictionFactory.create(outcome=Outcome.SUSPICIOUS)
    assert verdict_of(reading) == Verdict("suspicious", "Suspicious")
    assert verdict_kind(reading) == "suspicious"


def test_what_does_not_count_says_so_first_and_what_it_said_after(db: None) -> None:
    reading = factories.DonePredictionFactory.create(
        outcome=Outcome.SUSPICIOUS, image__entered_in_error_at=timezone.now()
    )
    assert verdict_of(reading) == Verdict("void", "Entered in error", said="Suspicious")
    assert verdict_kind(reading) == "void"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (Status.QUEUED, Verdict("waiting", "Waiting")),
        (Status.RUNNING, Verdict("waiting", "Being read")),
        (Status.FAILED, Verdict("failed", "Failed")),
    ],
)
def test_before_there_is_an_outcome_it_is_how_far_the_reading_is(status: Status, verdict: Verdict, db: None) -> None:
    waiting: Prediction = factories.PredictionFactory.create()
    waiting.status = status  # not saved
    assert verdict_of(waiting) == verdict
    assert verdict_kind(waiting) == status


def test_a_lesion_without_a_reading_has_none() -> None:
    assert verdict_of(None) == Verdict("waiting", "No reading")
