"""Opinions append, and only reviewers give them."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from classifier.models import Diagnosis, Review
from classifier.services.reviews import add_review
from ml.taxonomy import LESION_CLASSES
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests.factories import DonePredictionFactory, PredictionFactory


def test_reviews_append(reviewer: Membership, administrator: Membership) -> None:
    reading = DonePredictionFactory.create(image__lesion__patient__clinic=reviewer.clinic)

    add_review(actor=reviewer, prediction=reading, diagnosis="MEL", certainty="medium", comment=" Irregular network ")
    add_review(actor=administrator, prediction=reading, diagnosis="cannot_tell", certainty="low")

    found = reading.reviews.order_by("pk").values_list("reviewer", "diagnosis", "certainty", "comment", "kind")
    assert list(found) == [
        (reviewer.user.pk, "MEL", "medium", "Irregular network", "informed"),
        (administrator.user.pk, "cannot_tell", "low", "", "informed"),
    ]
    assert AuditEvent.objects.filter(action="review.added", clinic=reviewer.clinic).count() == 2


def test_clinicians_and_strangers_give_no_opinion(owner: Membership, stranger: Membership) -> None:
    reading = DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)

    for actor in (owner, stranger):
        with pytest.raises(PermissionDenied):
            add_review(actor=actor, prediction=reading, diagnosis="NV", certainty="high")

    assert not Review.objects.exists()


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("diagnosis", {"diagnosis": "measles", "certainty": "high"}),
        ("certainty", {"diagnosis": "NV", "certainty": "very"}),
        ("comment", {"diagnosis": "NV", "certainty": "high", "comment": "x" * 2001}),
    ],
)
def test_an_invalid_field_is_named(reviewer: Membership, field: str, arguments: dict[str, Any]) -> None:
    reading = DonePredictionFactory.create(image__lesion__patient__clinic=reviewer.clinic)

    with pytest.raises(ValidationError) as refusal:
        add_review(actor=reviewer, prediction=reading, **arguments)

    assert list(refusal.value.error_dict) == [field]
    assert not Review.objects.exists()


def test_there_is_no_opinion_on_a_reading_that_is_not_there_yet(reviewer: Membership) -> None:
    reading = PredictionFactory.create(image__lesion__patient__clinic=reviewer.clinic)

    with pytest.raises(ValidationError) as refusal:
        add_review(actor=reviewer, prediction=reading, diagnosis="NV", certainty="high")

    assert refusal.value.code == "not_done"


def test_there_is_no_opinion_on_a_photograph_entered_in_error(reviewer: Membership) -> None:
    reading = DonePredictionFactory.create(
        image__lesion__patient__clinic=reviewer.clinic, image__entered_in_error_at=timezone.now()
    )

    with pytest.raises(ValidationError) as refusal:
        add_review(actor=reviewer, prediction=reading, diagnosis="NV", certainty="high")

    assert refusal.value.code == "entered_in_error"
    assert not Review.objects.exists()


def test_opinions_know_the_classes_of_the_network() -> None:
    known = [(opinion.value, str(opinion.label)) for opinion in Diagnosis]
    assert known[:7] == [(each.code, each.name) for each in LESION_CLASSES]


def test_what_was_said_last_and_is_said_again_within_a_minute_is_one_opinion(
    reviewer: Membership, administrator: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = DonePredictionFactory.create(image__lesion__patient__clinic=reviewer.clinic)
    other = DonePredictionFactory.create(image__lesion__patient__clinic=reviewer.clinic)

    def say(actor: Membership, diagnosis: str = "NV", comment: str = "") -> Review:
        return add_review(actor=actor, prediction=reading, diagnosis=diagnosis, certainty="high", comment=comment)

    first = say(reviewer)
    assert say(reviewer) == first
    assert AuditEvent.objects.filter(action="review.added").count() == 1
    add_review(actor=reviewer, prediction=other, diagnosis="NV", certainty="high")
    assert say(administrator) != first
    assert say(reviewer, comment="sure") != first
    assert say(reviewer, "MEL") != first
    changed_back = say(reviewer)
    assert changed_back != first
    later = timezone.now() + timedelta(seconds=61)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert say(reviewer) != changed_back
    assert reading.reviews.count() == 6
