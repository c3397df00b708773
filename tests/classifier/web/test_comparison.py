"""Readings of one photograph by two models, side by side; and having it read by the one in service."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import ModelStatus, ModelVersion, Outcome, Prediction
from classifier.presentation.comparison import Change, compare
from classifier.services.corrections.declaration import correct_declared
from classifier.services.corrections.entered_in_error import mark_entered_in_error
from classifier.services.registry import register_model
from ml.bundle.folder import DEFAULT_BUNDLE
from ml.taxonomy import CLASSES
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.web.conftest import ClientFor
from tests.classifier.web.queries import count_queries

READ_IT = "Read it with the model in service"
COMPARE = "Compare the readings of this photograph side by side"


@pytest.fixture
def older(owner: Membership) -> Prediction:
    """A suspicious reading of 34 % by a model that has been followed by another."""
    return factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic, model_version__name="first network"
    )


@pytest.fixture
def newer(older: Prediction) -> Prediction:
    """A later reading of the same photograph: melanoma 3 % in place of 30 %, seborrheic keratosis the rest."""
    shares = {"MEL": 0.03, "NV": 0.45, "BCC": 0.03, "AKIEC": 0.01, "BKL": 0.42, "DF": 0.04, "VASC": 0.02}
    return factories.DonePredictionFactory.create(
        image=older.image,
        model_version__name="second network",
        model_version__status=ModelStatus.ACTIVE,
        outcome=Outcome.LOW_RISK,
        reason="below_low_risk_threshold",
        probabilities=[shares[code] for code in CLASSES],
        malignant_probability=0.07,
    )


def page_of(site: Client, name: str, subject: object) -> str:
    response = site.get(reverse(name, args=[subject.public_id]))  # type: ignore[attr-defined] # a reading or its photograph
    assert response.status_code == 200
    return response.content.decode()


def test_two_readings_stand_side_by_side_the_newest_first(site: Client, older: Prediction, newer: Prediction) -> None:
    page = page_of(site, "image-readings", newer.image)
    order = [
        page.index(words)
        for words in ("second network", "Low risk", "first network 0", "Superseded by a later reading")
    ]
    assert order == sorted(order)
    assert page.count('data-class="MEL"') == 2
    for reading in (older, newer):
        assert reverse("reading", args=[reading.public_id]) in page


def test_what_changed_is_told_from_one_to_the_next(older: Prediction, newer: Prediction) -> None:
    second, first = compare([newer, older])
    assert second.before == older
    assert second.changes == (
        Change("Outcome", "Suspicious", "Low risk"),
        Change("Malignant sum", "34\xa0%", "7\xa0%"),
        Change("Melanoma", "30\xa0%", "3\xa0%"),
        Change("Benign keratosis", "15\xa0%", "42\xa0%"),
    )
    assert (first.before, first.changes) == (None, ())


def test_limits_that_changed_are_told_too(older: Prediction) -> None:
    limits = {"malignant": {"low_risk_below": 0.1, "suspicious_from": 0.3}, "melanoma": {"low_risk_below": 0.02}}
    again = factories.DonePredictionFactory.build(image=older.image, thresholds=limits)
    assert compare([again, older])[0].changes == (
        Change("Low risk below", "8\xa0%", "10\xa0%"),
        Change("Melanoma's own limit", "none", "2\xa0%"),
    )


def test_of_a_reading_without_numbers_the_outcome_alone_is_compared(older: Prediction) -> None:
    blank = factories.DonePredictionFactory.build(image=older.image, outcome=Outcome.NOT_ASSESSABLE)
    assert compare([blank, older])[0].changes == (Change("Outcome", "Suspicious", "Not assessable"),)


def test_readings_that_say_the_same_are_told_to(site: Client, older: Prediction) -> None:
    factories.DonePredictionFactory.create(image=older.image)
    assert "No difference in whole per cent." in page_of(site, "image-readings", older.image)


def test_a_reading_leads_to_the_comparison_once_there_are_two_models(
    site: Client, older: Prediction, request: pytest.FixtureRequest
) -> None:
    assert COMPARE not in page_of(site, "reading", older)
    newer = request.getfixturevalue("newer")
    for reading in (older, newer):
        page = page_of(site, "reading", reading)
        assert COMPARE in page
        assert reverse("image-readings", args=[reading.image.public_id]) in page


def test_a_photograph_that_no_model_has_read_says_so(site: Client, owner: Membership) -> None:
    queued = factories.PredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    assert "No model has read this photograph yet" in page_of(site, "image-readings", queued.image)


def test_the_comparison_takes_as_many_queries_for_two_as_for_many(
    site: Client, older: Prediction, newer: Prediction
) -> None:
    path = reverse("image-readings", args=[newer.image.public_id])
    few = count_queries(site, path)
    for _number in range(5):
        factories.DonePredictionFactory.create(image=newer.image)
    assert count_queries(site, path) == few


def test_looking_at_the_comparison_leaves_a_trace(site: Client, older: Prediction, newer: Prediction) -> None:
    page_of(site, "image-readings", newer.image)
    assert AuditEvent.objects.get(action="prediction.listed").details["rows"] == 2


def test_any_member_has_a_photograph_read_by_the_model_in_service_and_the_first_reading_stays(
    client_for: ClientFor, colleague: Membership, read_photograph: Prediction
) -> None:
    site, outcome = client_for(colleague), read_photograph.outcome
    assert READ_IT not in page_of(site, "reading", read_photograph), "its model is in service"
    active = register_model(path=DEFAULT_BUNDLE, activate=True)
    assert READ_IT in page_of(site, "reading", read_photograph)

    response = site.post(reverse("image-read-again", args=[read_photograph.image.public_id]))

    again = Prediction.objects.get(image=read_photograph.image, model_version=active)
    read_photograph.refresh_from_db()
    assert response["Location"] == reverse("reading", args=[again.public_id])
    assert (again.status, read_photograph.outcome) == ("done", outcome)
    page = page_of(site, "reading", again)
    assert READ_IT not in page
    assert COMPARE in page


def test_asking_twice_gives_the_same_reading(site: Client, read_photograph: Prediction) -> None:
    register_model(path=DEFAULT_BUNDLE, activate=True)
    address = reverse("image-read-again", args=[read_photograph.image.public_id])
    assert site.post(address)["Location"] == site.post(address)["Location"]
    assert read_photograph.image.predictions.count() == 2


def test_a_stranger_has_nothing_read(client_for: ClientFor, stranger: Membership, older: Prediction) -> None:
    for method, name in (("get", "image-readings"), ("post", "image-read-again")):
        response = getattr(client_for(stranger), method)(reverse(name, args=[older.image.public_id]))
        assert response.status_code == 404
    assert older.image.predictions.count() == 1


def test_what_was_entered_in_error_is_not_read_again(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    register_model(path=DEFAULT_BUNDLE, activate=True)
    mark_entered_in_error(actor=owner, image=read_photograph.image, reason="The floor")
    assert READ_IT not in page_of(site, "reading", read_photograph)
    address = reverse("image-read-again", args=[read_photograph.image.public_id])
    assert "it is not read again" in site.post(address, follow=True).content.decode()
    assert read_photograph.image.predictions.count() == 1


def test_readings_of_what_was_declared_otherwise_are_not_compared(
    site: Client, owner: Membership, read_photograph: Prediction, bundle_with_cases: Path, active_model: ModelVersion
) -> None:
    correct_declared(actor=owner, image=read_photograph.image, declared=["nail"], reason="A nail")
    assert COMPARE not in page_of(site, "reading", read_photograph)
    assert page_of(site, "image-readings", read_photograph.image).count("Open the reading") == 1
