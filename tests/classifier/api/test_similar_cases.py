"""Confirmed cases in an answer: with their diagnosis and its confirmation in words, and none where none are shown."""

import pytest
from rest_framework.test import APIClient

from classifier.models import Outcome
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.api.conftest import PREDICTIONS

CASES = [{"image_id": "ISIC_0000001", "diagnosis": "MEL", "confirmation": "histo", "similarity": 0.91}]


def test_a_case_tells_its_diagnosis_and_how_it_was_confirmed(api: APIClient, owner: Membership) -> None:
    clinic = owner.clinic
    reading = factories.DonePredictionFactory.create(image__lesion__patient__clinic=clinic, similar_cases=CASES)
    assert api.get(f"{PREDICTIONS}{reading.public_id}/").json()["similar_cases"] == [
        {
            "image": "ISIC_0000001",
            "diagnosis": {"code": "MEL", "text": "Melanoma"},
            "confirmation": {"code": "histo", "text": "histopathology"},
            "similarity": 0.91,
        }
    ]


@pytest.mark.parametrize("hidden", [{"similar_cases": None}, {"outcome": Outcome.NOT_ASSESSABLE, "reason": "x"}])
def test_a_reading_that_is_not_assessable_or_has_none_gives_null(
    api: APIClient, owner: Membership, hidden: dict[str, object]
) -> None:
    told = {"similar_cases": CASES, **hidden}
    reading = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic, **told)
    assert api.get(f"{PREDICTIONS}{reading.public_id}/").json()["similar_cases"] is None
