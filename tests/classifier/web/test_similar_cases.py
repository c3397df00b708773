"""Confirmed cases beside a reading: what is told of them, where their pictures come from, and when there are none."""

import io

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from classifier.inference import predictor_for
from classifier.models import Outcome, Prediction
from classifier.presentation.wording import SIMILAR_SENTENCE
from ml.serve.similar_cases import SHOWN
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.web.conftest import ClientFor

CASES = [
    {"image_id": "ISIC_0000001", "diagnosis": "MEL", "confirmation": "histo", "similarity": 0.91},
    {"image_id": "ISIC_0000002", "diagnosis": "NV", "confirmation": "follow_up", "similarity": 0.9},
]


def page_of(site: Client, prediction: Prediction) -> str:
    response = site.get(reverse("reading", args=[prediction.public_id]))
    assert response.status_code == 200
    return response.content.decode()


def picture_of(site: Client, prediction: Prediction, place: int) -> int:
    return site.get(reverse("similar-case", args=[prediction.public_id, place])).status_code


@pytest.fixture
def reading(owner: Membership) -> Prediction:
    """A reading that kept two cases."""
    return factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic, similar_cases=CASES)


def test_a_reading_keeps_the_nearest_cases_and_the_page_shows_their_pictures(
    site: Client, read_photograph: Prediction
) -> None:
    assert read_photograph.similar_cases is not None
    assert len(read_photograph.similar_cases) == SHOWN
    page = page_of(site, read_photograph)
    assert read_photograph.model_version is not None
    known = predictor_for(read_photograph.model_version).predictor.similar_cases
    assert known is not None
    for place, case in enumerate(read_photograph.similar_cases):
        address = reverse("similar-case", args=[read_photograph.public_id, place])
        assert f'src="{address}"' in page
        response = site.get(address)
        assert response.content == known.thumbnail(case["image_id"])
        assert response["Content-Type"] == "image/webp"
        assert response["Cache-Control"] == "private, max-age=86400"
        with Image.open(io.BytesIO(response.content)) as picture:
            assert picture.format == "WEBP"
    assert picture_of(site, read_photograph, SHOWN) == 404


def test_each_case_has_its_diagnosis_and_how_it_was_confirmed_the_nearest_first(
    site: Client, reading: Prediction
) -> None:
    page = page_of(site, reading)
    strip = page[page.index('id="similar-title"') : page.index(str(SIMILAR_SENTENCE))]
    told = [
        strip.index(words) for words in ("Melanoma", "histopathology", "Melanocytic nevus", "no change on follow-up")
    ]
    assert told == sorted(told)
    assert page.index('id="bars-') < page.index('id="similar-title"') < page.index('id="reviews-title"')


def test_the_strip_can_be_scrolled_by_keyboard_and_has_a_name(site: Client, reading: Prediction) -> None:
    page = page_of(site, reading)
    strip = '<div class="similar-strip" role="group" tabindex="0" aria-labelledby="similar-title">'
    assert strip in " ".join(page.split())


@pytest.mark.parametrize("hidden", [{"similar_cases": None}, {"outcome": Outcome.NOT_ASSESSABLE, "reason": "x"}])
def test_a_reading_that_is_not_assessable_or_has_none_shows_none(
    site: Client, owner: Membership, hidden: dict[str, object]
) -> None:
    told = {"similar_cases": CASES, **hidden}
    prediction = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic, **told)
    assert "similar-title" not in page_of(site, prediction)
    assert picture_of(site, prediction, 0) == 404


def test_a_stranger_gets_no_picture_and_a_colleague_does(
    read_photograph: Prediction, stranger: Membership, colleague: Membership, client_for: ClientFor
) -> None:
    assert picture_of(client_for(colleague), read_photograph, 0) == 200
    assert picture_of(client_for(stranger), read_photograph, 0) == 404


def test_a_case_that_its_bundle_does_not_know_has_no_picture(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    prediction = factories.DonePredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic,
        model_version=read_photograph.model_version,
        similar_cases=CASES,
    )
    assert picture_of(site, prediction, 0) == 404
