"""A reading that does not count looks like none that does, wherever it stands, and is counted nowhere."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from classifier.models import Prediction
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.web.conftest import ClientFor
from tests.classifier.web.queries import count_queries

RED = 'class="outcome outcome-suspicious"'
GREY = 'class="outcome outcome-void"'
WORDS = {"superseded": "Superseded by a later reading", "entered_in_error": "Entered in error"}


@pytest.fixture
def review_site(reviewer: Membership, client_for: ClientFor) -> Client:
    """The browser of a reviewer of the clinic."""
    return client_for(reviewer)


@pytest.fixture(params=sorted(WORDS))
def standing(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def void(owner: Membership, standing: str) -> Prediction:
    """A suspicious reading that does not count any more: the later one calls it low risk."""
    reading: Prediction = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    if standing == "superseded":
        factories.DonePredictionFactory.create(
            image=reading.image, outcome="low_risk", reason="below_low_risk_threshold", malignant_probability=0.02
        )
    else:
        reading.image.entered_in_error_at = timezone.now()
        reading.image.save()
    return reading


@pytest.mark.parametrize("page", ["reading", "lesion", "image-readings", "history", "admin"])
def test_it_is_grey_with_the_word_in_the_verdict(
    page: str, void: Prediction, standing: str, site: Client, review_site: Client
) -> None:
    subjects: dict[str, Any] = {"reading": void, "lesion": void.image.lesion, "image-readings": void.image}
    if page == "admin":
        response = review_site.get(reverse("admin:classifier_prediction_change", args=[void.public_id]))
    elif page == "history":
        response = site.get(reverse("history"), {"standing": standing})
    else:
        response = site.get(reverse(page, args=[subjects[page].public_id]))
    text = response.content.decode()
    assert RED not in text
    assert "verdict-suspicious" not in text
    verdict = re.search(GREY + r".*?</span></span>", text, re.DOTALL)
    if (page, standing) == ("lesion", "superseded"):  # a photograph is there once, by the reading that counts
        assert verdict is None
        return
    assert verdict is not None
    assert WORDS[standing] in verdict[0]
    assert "it said: Suspicious" in verdict[0]


def test_the_row_of_an_upload_says_that_it_does_not_count(void: Prediction, standing: str, site: Client) -> None:
    text = site.get(reverse("reading-status", args=[void.public_id]), {"part": "row"}).content.decode()
    assert RED not in text
    assert GREY in text
    assert WORDS[standing] in text
    assert "This reading does not count any more." in text
    assert '<p class="secondary">Its reason was: Malignant sum' in text
    assert '<p class="secondary">Malignant sum' not in text


@pytest.mark.parametrize("page", ["home", "history", "patient"])
def test_it_is_no_row_and_no_count(page: str, void: Prediction, site: Client) -> None:
    arguments = [void.image.lesion.patient.public_id] if page == "patient" else []
    text = site.get(reverse(page, args=arguments)).content.decode()
    assert RED not in text
    assert GREY not in text
    assert reverse("reading", args=[void.public_id]) not in text


def test_a_photograph_in_error_is_no_last_photograph_of_its_patient(site: Client, owner: Membership) -> None:
    image = factories.LesionImageFactory.create(
        lesion__patient__clinic=owner.clinic, entered_in_error_at=timezone.now()
    )
    for address in (reverse("patients"), reverse("patient", args=[image.lesion.patient.public_id])):
        assert "<time" not in site.get(address).content.decode()


@pytest.mark.parametrize("rows", [2, 20])
def test_a_patients_page_asks_no_more_for_more_lesions(site: Client, owner: Membership, rows: int) -> None:
    patient = factories.PatientFactory.create(clinic=owner.clinic)
    for _row in range(rows):
        factories.DonePredictionFactory.create(image__lesion__patient=patient)
    address = reverse("patient", args=[patient.public_id])
    assert count_queries(site, address) <= 14
