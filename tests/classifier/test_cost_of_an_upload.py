"""What one upload with its reading costs, in one request, as the pages and the API make it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from classifier.management.anatomy import Meter, count_write_transactions, watched
from classifier.models import ModelVersion, Prediction
from classifier.services.readings.run import run_prediction
from skinsite.accounts.models import Membership
from tests.classifier.api.conftest import create_token
from tests.classifier.conftest import draw_lesion
from tests.clients import sign_in_on_page

pytestmark = pytest.mark.django_db(transaction=True)

Send = Callable[..., None]


@pytest.fixture
def by_page(owner: Membership, client: Client) -> Send:
    """Adds a photograph by the form's script, in a session that has been used before."""
    sign_in_on_page(client, owner)
    client.get(reverse("account"))

    def send(data: bytes, **fields: str) -> None:
        form = {"image": SimpleUploadedFile("a.jpg", data), "modality": "dermoscopic", **fields}
        response = client.post(reverse("upload"), form, headers={"HX-Request": "true"})
        assert response.status_code == 200, response.content

    return send


@pytest.fixture
def by_api(owner: Membership) -> Send:
    """Sends a photograph with a token that was used less than a minute ago."""
    client = Client(headers={"authorization": f"Token {create_token(owner)}"})
    assert client.get(reverse("api-patient-list")).status_code == 200

    def send(data: bytes, new_patient: str = "", **fields: str) -> None:
        form = {"image": SimpleUploadedFile("a.jpg", data), **fields}
        response = client.post(reverse("api-prediction-list"), form)
        assert response.status_code == 201, response.content

    return send


@pytest.fixture(params=["by_page", "by_api"])
def send(request: pytest.FixtureRequest) -> Send:
    """Each way in."""
    way: Send = request.getfixturevalue(request.param)
    return way


def test_it_takes_at_most_46_statements_and_five_write_transactions(
    active_model: ModelVersion, send: Send, django_assert_max_num_queries: Any
) -> None:
    send(draw_lesion(), new_patient="on")  # the first opens the network
    kinds: list[dict[str, str]] = [
        {"new_patient": "on"},
        {"new_patient": "on", "patient_code": "A-1"},
        {"patient_code": "A-1"},
    ]
    for seed, fields in enumerate(kinds, start=1):
        with django_assert_max_num_queries(46) as captured:
            send(draw_lesion(seed=seed), **fields)
        assert count_write_transactions([query["sql"] for query in captured.captured_queries]) == 5, fields
        assert Prediction.objects.latest("pk").status == "done"


def test_it_is_decoded_and_hashed_once_and_read_from_the_bytes_in_hand(active_model: ModelVersion, send: Send) -> None:
    meter, photograph = Meter(), draw_lesion()
    with watched(meter):
        send(photograph, new_patient="on")

    assert dict(meter.counts) == {
        "decodes": 2,  # the upload, and by the network what was stored
        "encodes": 2,  # what is stored, and its thumbnail
        "hashes": 2,  # of what came, and of what is stored
        "storage writes": 2,
    }


def test_what_was_read_from_the_bytes_in_hand_is_what_the_stored_bytes_give(
    active_model: ModelVersion, send: Send
) -> None:
    send(draw_lesion(), new_patient="on")
    at_once = Prediction.objects.get()
    again = Prediction.objects.create(
        image=at_once.image,
        modality=at_once.modality,
        declared="nail",  # another question: else it would be the same reading
        stored_sha256=at_once.stored_sha256,
    )

    from_storage = run_prediction(prediction_id=again.pk)

    assert from_storage.logits == at_once.logits
    assert from_storage.probabilities == at_once.probabilities
    assert from_storage.measures == at_once.measures
    assert (at_once.attempts, at_once.waiting_for) == (1, "")
    assert at_once.started_at is not None
    assert at_once.finished_at is not None
    assert at_once.created_at <= at_once.finished_at
