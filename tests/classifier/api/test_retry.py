"""A reading that failed can be had again by a program: by asking for it, or by sending the photograph again."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from classifier.models import ModelVersion, Prediction
from classifier.services.intake import receive_upload
from classifier.services.readings.run import run_prediction
from classifier.services.upload import Upload
from classifier.storage import read_stored
from skinsite.accounts.models import Membership
from skinsite.storage.private import private_storage
from tests.classifier.api.conftest import PREDICTIONS, ClientFor

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def failed(
    owner: Membership, photograph: bytes, active_model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> Prediction:
    """A reading that has failed, as one does whose workers have died."""
    with monkeypatch.context() as patch:
        patch.setattr("classifier.services.readings.queue.find_reader", lambda _modality: None)
        patch.setattr("classifier.services.readings.queue.run_prediction", lambda **_key: None)
        receive_upload(actor=owner, upload=Upload(data=photograph, patient_code="A-1"))
    reading = Prediction.objects.get()
    Prediction.objects.filter(pk=reading.pk).update(attempts=3)
    run_prediction(prediction_id=reading.pk)
    reading.refresh_from_db()
    assert (reading.status, reading.failure) == ("failed", "attempts_exhausted")
    return reading


def send(api: APIClient, data: bytes, **fields: str) -> object:
    return api.post(PREDICTIONS, {"image": SimpleUploadedFile("a.jpg", data), **fields}, format="multipart")


@pytest.mark.parametrize("fields", [{}, {"patient_code": "A-1"}, {"attach_anyway": "true"}])
def test_the_photograph_sent_again_is_read_again(
    failed: Prediction, api: APIClient, photograph: bytes, fields: dict[str, str]
) -> None:
    response = send(api, photograph, **fields)

    assert response.status_code == 201  # type: ignore[attr-defined] # the test client's response
    answer = response.json()  # type: ignore[attr-defined]
    assert (answer["status"], answer["image"]) == ("done", str(failed.image.public_id))
    assert answer["id"] != str(failed.public_id)
    assert send(api, photograph).status_code == 200  # type: ignore[attr-defined]
    failed.refresh_from_db()
    assert failed.status == "failed"
    assert Prediction.objects.count() == 2


def test_it_is_asked_for_again_by_its_address(failed: Prediction, api: APIClient) -> None:
    address = f"{PREDICTIONS}{failed.public_id}/retry/"

    response = api.post(address)
    assert response.status_code == 201
    answer = response.json()
    assert (answer["status"], response.headers["Location"]) == ("done", answer["links"]["self"])

    again = api.post(address)
    assert (again.status_code, again.json()["id"]) == (200, answer["id"])
    assert Prediction.objects.count() == 2


def test_what_is_done_is_not_read_again_and_says_so(failed: Prediction, api: APIClient) -> None:
    done = api.post(f"{PREDICTIONS}{failed.public_id}/retry/").json()["id"]

    response = api.post(f"{PREDICTIONS}{done}/retry/")

    assert response.status_code == 409
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["code"] == "done"


def test_a_stranger_does_not_find_it(failed: Prediction, stranger: Membership, client_for: ClientFor) -> None:
    assert client_for(stranger).post(f"{PREDICTIONS}{failed.public_id}/retry/").status_code == 404
    assert Prediction.objects.count() == 1


def test_while_nothing_can_be_read_it_waits(failed: Prediction, api: APIClient) -> None:
    ModelVersion.objects.update(status="retired")

    response = api.post(f"{PREDICTIONS}{failed.public_id}/retry/")

    assert (response.status_code, response.json()["waiting_for"]["code"]) == (202, "no_model")


@pytest.mark.usefixtures("active_model")
@pytest.mark.parametrize("loss", ["missing", "changed"])
def test_a_photograph_whose_bytes_were_lost_is_put_back_by_sending_it_again(
    loss: str, owner: Membership, photograph: bytes, api: APIClient, store: Path
) -> None:
    ModelVersion.objects.update(status="retired")
    reading = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction
    kept = read_stored(reading.image)
    path = store / reading.image.stored_name
    path.unlink() if loss == "missing" else path.write_bytes(b"rotten")
    ModelVersion.objects.update(status="active")
    assert run_prediction(prediction_id=reading.pk).failure == f"stored_image_{loss}"

    response = send(api, photograph)

    assert (response.status_code, response.json()["status"]) == (201, "done")  # type: ignore[attr-defined] # as above
    with private_storage().open(reading.image.stored_name) as stored:
        assert stored.read() == kept
