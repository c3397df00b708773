"""The reading of a lesion on the pages of a photograph's reading and of the lesion, and what the trail is told."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from classifier.models import Lesion, LesionImage, LesionReading, Prediction, ReadingShown
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.web.queries import count_queries
from tests.trail import given_out


@pytest.fixture
def readings(owner: Membership) -> list[Prediction]:
    """Two photographs of one examination: low risk the first, suspicious the second."""
    model = factories.ModelVersionFactory.create()
    examination = factories.ExaminationFactory.create(lesion__patient__clinic=owner.clinic)
    low = {"outcome": "low_risk", "reason": "below_low_risk_threshold", "malignant_probability": 0.02}
    return [
        factories.DonePredictionFactory.create(image__examination=examination, model_version=model, **fields)
        for fields in (low, {})
    ]


@pytest.fixture
def together(readings: list[Prediction]) -> LesionReading:
    """The two disagree."""
    made: LesionReading = factories.LesionReadingFactory.create(
        predictions=readings,
        outcome="refer_uncertain",
        reason="photographs_disagree",
        malignant_probability=0.06,
        named=[str(readings[1].image.public_id)],
    )
    return made


def page_of(site: Client, reading: Prediction) -> str:
    response = site.get(reverse("reading", args=[reading.public_id]))
    assert response.status_code == 200
    return response.content.decode()


def test_of_several_photographs_the_verdict_is_the_lesion_s_and_the_photograph_s_own_stands_under_it(
    site: Client, readings: list[Prediction], together: LesionReading
) -> None:
    page = page_of(site, readings[0])
    verdict = page.split("verdict-refer_uncertain")[1].split("</section>")[0]
    assert "Refer: uncertain" in verdict
    assert "suspicious by itself: photograph 2" in verdict
    assert "of 2 photographs together" in verdict
    own = page.split("own-title")[-1]
    assert "Low risk" in own
    strip = re.findall(r'<li class="frame.*?</li>', page, re.DOTALL)
    assert ["frame-named" in each for each in strip] == [False, True]
    assert ['aria-current="true"' in each for each in strip] == [True, False]
    assert reverse("reading", args=[readings[1].public_id]) in strip[1]


def test_its_photographs_and_readings_are_on_the_trail_and_noted_as_shown(
    site: Client, owner: Membership, readings: list[Prediction], together: LesionReading
) -> None:
    page_of(site, readings[0])
    event = AuditEvent.objects.get(action="prediction.viewed")
    assert set(given_out(event, LesionImage)) == {str(each.image.public_id) for each in readings}
    assert given_out(event, LesionReading) == [str(together.public_id)]
    assert str(readings[1].public_id) in given_out(event, Prediction)
    assert ReadingShown.objects.get().examination == together.examination


def test_a_photograph_left_out_says_why_and_one_more_that_waits_is_told(
    site: Client, readings: list[Prediction]
) -> None:
    inputs = [
        {"prediction": str(readings[0].public_id), "weight": 1.0, "left_out": ""},
        {"prediction": str(readings[1].public_id), "weight": 0.0, "left_out": "near_duplicate"},
    ]
    factories.LesionReadingFactory.create(predictions=readings, inputs=inputs)
    factories.PredictionFactory.create(image__examination=readings[0].image.examination)
    page = page_of(site, readings[0])
    assert "left out: nearly the same picture as another" in page
    assert "1 more has no part in it." in page
    assert "1 more is being read; this is of the others." in page


def test_with_one_photograph_nothing_is_said_of_a_lesion_s_reading(site: Client, readings: list[Prediction]) -> None:
    factories.LesionReadingFactory.create(predictions=readings[:1])
    readings[1].image.entered_in_error_at = timezone.now()
    readings[1].image.save()
    page = page_of(site, readings[0])
    assert "verdict-low_risk" in page
    assert "filmstrip" not in page
    assert "This photograph by itself" not in page


def test_an_examination_that_was_more_severe_is_named_in_the_verdict(site: Client, readings: list[Prediction]) -> None:
    lesion = readings[0].image.lesion
    earlier = factories.LesionImageFactory.create(lesion=lesion, taken_on="2024-05-12")
    low = factories.DonePredictionFactory.create(
        image__lesion=lesion, outcome="low_risk", reason="below_low_risk_threshold", malignant_probability=0.02
    )
    factories.LesionReadingFactory.create(predictions=[low])
    factories.LesionReadingFactory.create(predictions=[factories.DonePredictionFactory.create(image=earlier)])
    verdict = page_of(site, low).split("verdict-low_risk")[1].split("</section>")[0]
    assert "Another examination, 12 May 2024:" in verdict
    assert "Suspicious" in verdict


def test_photographs_are_fetched_side_by_side_only_when_asked_for(
    site: Client, readings: list[Prediction], together: LesionReading
) -> None:
    lesion: Lesion = readings[0].image.lesion
    address = reverse("lesion", args=[lesion.public_id])
    page = site.get(address).content.decode()
    assert reverse("image-file", args=[readings[0].image.public_id]) not in page
    chosen = {"first": str(readings[1].image.public_id), "second": "of another clinic"}
    page = site.get(address, chosen).content.decode()
    files = re.findall(r'src="(/images/[^"]*/file/?)"', page) or re.findall(r'data-image\s+src="([^"]*)"', page)
    assert files == [reverse("image-file", args=[readings[1].image.public_id])] * 2


@pytest.mark.parametrize("name", ["reading", "lesion", "patient"])
def test_a_page_takes_as_many_queries_for_3_photographs_as_for_30(
    name: str, site: Client, readings: list[Prediction], together: LesionReading
) -> None:
    lesion = readings[0].image.lesion
    subjects = {"reading": readings[0].public_id, "lesion": lesion.public_id, "patient": lesion.patient.public_id}
    address = reverse(name, args=[subjects[name]])

    def add(count: int) -> None:
        for _more in range(count):
            other = factories.DonePredictionFactory.create(image__lesion=lesion)
            factories.LesionReadingFactory.create(predictions=[other])
            factories.DonePredictionFactory.create(image__examination=together.examination)

    add(1)
    few = count_queries(site, address)
    add(27)
    assert count_queries(site, address) == few
