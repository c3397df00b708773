"""A storage that is down: uploads are refused with a reason, and the rest of the site goes on."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import LesionImage
from skinsite.accounts.models import Membership
from tests.classifier.conftest import draw_lesion
from tests.clients import sign_in_on_page


@pytest.fixture
def broken_storage(store: Path) -> None:
    """A file where the folder of photographs should be."""
    store.mkdir(parents=True)
    (store / "images").write_text("not a folder")


@pytest.mark.usefixtures("broken_storage")
def test_an_upload_is_refused_and_may_be_tried_again(owner: Membership, client: Client, tmp_path: Path) -> None:
    client.raise_request_exception = False
    sign_in_on_page(client, owner)
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion())

    with photograph.open("rb") as file:
        answer = client.post("/api/v1/predictions/", {"image": file})
    with photograph.open("rb") as file:
        page = client.post(reverse("upload"), {"image": file, "modality": "dermoscopic", "new_patient": "on"})

    assert (answer.status_code, answer["Content-Type"], answer["Retry-After"]) == (
        503,
        "application/problem+json",
        "60",
    )
    assert answer.json()["errors"][0]["code"] == "storage_unavailable"
    assert page.status_code < 500
    assert "The image storage does not answer" in page.content.decode()
    assert not LesionImage.objects.exists()
