"""What was measured of a lesion, on the pages: told with one sentence where it was, and left out where it was not."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from classifier.models import Lesion, Outcome, Prediction
from classifier.presentation import wording
from skinsite.accounts.models import Membership
from tests import factories

MEASURES = {"sharpness": 3.1, "lesion_area": 0.2312, "lesion_at_edge": 0.0, "lesion_asymmetry": 0.117}
ESTIMATES = {"sharpness": 3.1, "lesion_area": 0.2, "lesion_at_edge": 0.1}  # the detector of a model without a mask
LINE = "Covers~23~% of the picture~· asymmetry~0.12".replace("~", "\N{NO-BREAK SPACE}")


@pytest.fixture
def lesion(owner: Membership) -> Lesion:
    return factories.LesionFactory.create(patient__clinic=owner.clinic)


def read(lesion: Lesion, measures: dict[str, float] | None, **fields: object) -> Prediction:
    return factories.DonePredictionFactory.create(image__lesion=lesion, measures=measures, **fields)


def page_of(site: Client, name: str, of: Lesion | Prediction) -> str:
    response = site.get(reverse(name, args=[of.public_id]))
    assert response.status_code == 200
    return response.content.decode()


def test_the_lesions_page_tells_each_reading_that_was_measured_and_explains_once(site: Client, lesion: Lesion) -> None:
    for measures in (MEASURES, MEASURES, ESTIMATES, None):
        read(lesion, measures)
    page = page_of(site, "lesion", lesion)
    assert page.count(LINE) == page.count("frame-measures") == 2
    assert page.count(str(wording.LESION_SENTENCE)) == 1


def test_the_readings_page_tells_it_among_the_details(site: Client, lesion: Lesion) -> None:
    measured, other = read(lesion, MEASURES), read(lesion, MEASURES | {"lesion_area": 0.5})
    page = page_of(site, "reading", measured)
    assert page.index("reading-foot") < page.index(LINE)
    assert page.count("of the picture\N{NO-BREAK SPACE}·") == page.count(str(wording.LESION_SENTENCE)) == 1
    assert reverse("lesion", args=[other.image.lesion.public_id]) in page


@pytest.mark.parametrize(
    "fields",
    [
        {"measures": None},
        {"measures": ESTIMATES},
        {"measures": MEASURES, "outcome": Outcome.NOT_ASSESSABLE, "reason": "blank_frame"},
    ],
    ids=["none", "estimates", "not assessable"],
)
def test_nothing_is_said_where_it_was_not_measured_or_is_not_told(
    fields: dict[str, object], site: Client, lesion: Lesion
) -> None:
    reading = factories.DonePredictionFactory.create(image__lesion=lesion, **fields)
    for page in (page_of(site, "lesion", lesion), page_of(site, "reading", reading)):
        assert "of the picture" not in page
        assert str(wording.LESION_SENTENCE) not in page


@pytest.mark.parametrize(
    ("changed", "english", "russian"),
    [
        ({}, "Covers 23 % of the picture · asymmetry 0.12", "Занимает 23 % снимка · асимметрия 0,12"),
        (
            {"lesion_area": 0.004, "lesion_at_edge": 0.08, "lesion_asymmetry": 0.4},
            "Covers < 1 % of the picture · touches 8 % of its edge · asymmetry 0.40",
            "Занимает < 1 % снимка · касается 8 % его края · асимметрия 0,40",
        ),
        (
            {"lesion_area": 0.0, "lesion_asymmetry": 0.0},
            "No lesion made out in the picture",
            "Новообразование на снимке не выделено",
        ),
    ],
)
def test_the_line_in_both_languages(changed: dict[str, float], english: str, russian: str, lesion: Lesion) -> None:
    reading = read(lesion, MEASURES | changed)
    for language, line in (("en", english), ("ru", russian)):
        with translation.override(language):
            assert wording.lesion_text(reading) == line
