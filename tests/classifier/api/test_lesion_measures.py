"""What was measured of a lesion, in an answer: three numbers, or null."""

import pytest
from rest_framework.test import APIClient

from classifier.models import Outcome
from skinsite.accounts.models import Membership
from tests import factories
from tests.classifier.api.conftest import PREDICTIONS

MEASURES = {"sharpness": 3.1, "lesion_area": 0.2312, "lesion_at_edge": 0.05, "lesion_asymmetry": 0.117}


def test_a_reading_tells_what_was_measured_of_the_lesion(api: APIClient, owner: Membership) -> None:
    reading = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic, measures=MEASURES)
    told = api.get(f"{PREDICTIONS}{reading.public_id}/").json()["lesion_measures"]
    assert told == {"area": 0.2312, "at_edge": 0.05, "asymmetry": 0.117}


@pytest.mark.parametrize(
    "hidden",
    [
        {"measures": None},
        {"measures": {"lesion_area": 0.2, "lesion_at_edge": 0.1}},
        {"outcome": Outcome.NOT_ASSESSABLE, "reason": "blank_frame"},
    ],
    ids=["none", "estimates of a model without a mask", "not assessable"],
)
def test_a_reading_without_them_gives_null(api: APIClient, owner: Membership, hidden: dict[str, object]) -> None:
    fields = {"measures": MEASURES, **hidden}
    reading = factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic, **fields)
    assert api.get(f"{PREDICTIONS}{reading.public_id}/").json()["lesion_measures"] is None
