"""The bytes of photographs: what is sent, what is said about keeping it, what is recorded."""

import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.http import FileResponse
from django.test import Client
from django.urls import reverse
from PIL import Image
from rest_framework.test import APIClient

from classifier.models import LesionImage, ModelVersion, Prediction
from classifier.presentation.heat_map import is_whole
from classifier.services.heat_maps import give_heat_map
from classifier.services.intake import receive_upload
from classifier.services.upload import Upload
from classifier.storage import read_stored
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent, EventKind
from skinsite.storage.private import private_storage
from tests import factories
from tests.classifier.api.conftest import create_token
from tests.classifier.web.conftest import ClientFor


def content(response: object) -> bytes:
    """The whole of a streamed response."""
    assert isinstance(response, FileResponse)
    return response.getvalue()


def test_the_photograph_is_sent_as_it_is_stored_and_never_kept(site: Client, read_photograph: Prediction) -> None:
    response = site.get(reverse("image-file", args=[read_photograph.image.public_id]))
    assert content(response) == read_stored(read_photograph.image)
    assert response["Content-Type"] == "image/jpeg"
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == f'inline; filename="{read_photograph.image.public_id}.jpg"'


def test_the_thumbnail_is_small_and_kept_by_this_browser_alone(site: Client, read_photograph: Prediction) -> None:
    response = site.get(reverse("image-thumbnail", args=[read_photograph.image.public_id]))
    with Image.open(io.BytesIO(content(response))) as picture:
        assert max(picture.size) <= 320
    assert response["Cache-Control"] == "private, no-cache"
    assert "Cookie" in response["Vary"]


def test_a_kept_thumbnail_is_shown_only_to_who_may_still_see_it_and_that_is_recorded(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    address = reverse("image-thumbnail", args=[read_photograph.image.public_id])
    first = site.get(address)
    assert content(first)
    tag = first["ETag"]
    again = site.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert AuditEvent.objects.filter(action="image.thumbnail_viewed").count() == 2
    Membership.objects.filter(pk=owner.pk).update(is_active=False)
    assert site.get(address, headers={"If-None-Match": tag}).status_code == 403


def test_the_browser_forgets_its_pictures_at_sign_out_and_when_the_clinic_changes(
    site: Client, owner: Membership
) -> None:
    switched = site.post(reverse("clinic-switch"), {"clinic": owner.clinic.public_id})
    assert switched["Clear-Site-Data"] == '"cache"'
    assert "Clear-Site-Data" not in site.get(reverse("home"))
    assert site.post(reverse("account_logout"))["Clear-Site-Data"] == '"cache"'


@pytest.mark.parametrize("name", ["image-file", "heat-map"])
def test_a_photograph_exchanged_in_the_storage_is_not_shown_and_that_is_recorded(
    name: str, site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    subject = read_photograph.image if name == "image-file" else read_photograph
    address = reverse(name, args=[subject.public_id])
    assert site.get(address).status_code == 200
    kept = Path(settings.MEDIA_ROOT) / read_photograph.image.stored_name
    with Image.open(kept) as picture:
        picture.rotate(180).save(kept, "JPEG")
    response = site.get(address)
    assert response.status_code == 500
    assert "was exchanged" in response.content.decode()
    assert response["Content-Type"].startswith("text/html")
    event = AuditEvent.objects.get(action="image.found_altered")
    assert (event.actor, event.object_id) == (owner.user, str(read_photograph.image.public_id))


def test_the_heat_map_lies_over_the_photograph(site: Client, read_photograph: Prediction) -> None:
    response = site.get(reverse("heat-map", args=[read_photograph.public_id]))
    with Image.open(io.BytesIO(content(response))) as picture:
        assert picture.mode == "RGBA"
        assert picture.width / picture.height == pytest.approx(600 / 450, rel=0.05)
        opacity = np.asarray(picture)[..., 3]
    assert 0 <= opacity.min() < opacity.max() <= 255
    assert response["Content-Type"] == "image/png"
    assert response["Cache-Control"] == "private, no-store"


def test_the_heat_map_is_computed_once_and_then_given_as_it_is_kept(site: Client, read_photograph: Prediction) -> None:
    address, media = reverse("heat-map", args=[read_photograph.public_id]), Path(settings.MEDIA_ROOT)
    first = content(site.get(address))
    kept = media / "heat-maps" / f"{read_photograph.public_id}.png"
    assert kept.read_bytes() == first
    with Image.open(kept) as picture:
        picture.rotate(180).save(kept, "PNG")  # which no computing gives

    assert content(site.get(address)) == kept.read_bytes() != first
    assert AuditEvent.objects.filter(action="image.heat_map_viewed").count() == 2


@pytest.mark.parametrize("kept", [None, b"", 0.5, b"no picture"])
def test_a_kept_heat_map_that_is_gone_or_damaged_is_computed_again(
    kept: bytes | float | None, site: Client, read_photograph: Prediction
) -> None:
    address = reverse("heat-map", args=[read_photograph.public_id])
    first = content(site.get(address))
    path = Path(settings.MEDIA_ROOT) / "heat-maps" / f"{read_photograph.public_id}.png"
    if kept is None:
        path.unlink()
    else:
        path.write_bytes(first[: round(len(first) * kept)] if isinstance(kept, float) else kept)

    assert content(site.get(address)) == first
    assert path.read_bytes() == first


def test_two_who_ask_for_a_heat_map_at_once_get_the_same(read_photograph: Prediction) -> None:
    with ThreadPoolExecutor(3) as pool:
        given = list(pool.map(lambda _n: give_heat_map(prediction=read_photograph), range(6)))

    assert len(set(given)) == 1
    assert is_whole(given[0])
    assert (Path(settings.MEDIA_ROOT) / read_photograph.heat_map_name).read_bytes() == given[0]


def test_a_heat_map_that_cannot_be_kept_is_shown_all_the_same(site: Client, read_photograph: Prediction) -> None:
    (Path(settings.MEDIA_ROOT) / "heat-maps").write_text("not a folder")

    assert is_whole(content(site.get(reverse("heat-map", args=[read_photograph.public_id]))))


def test_a_network_that_gives_no_heat_map_has_none_on_its_page_and_none_in_the_api(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    page, map_address = (reverse(name, args=[read_photograph.public_id]) for name in ("reading", "heat-map"))
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {create_token(owner)}")
    address = reverse("api-prediction-detail", args=[read_photograph.public_id])
    assert map_address in site.get(page).content.decode()
    assert "heat_map" in api.get(address).json()["links"]

    model = ModelVersion.objects.get()
    ModelVersion.objects.update(manifest=model.manifest | {"heat_map": False})

    shown = site.get(page).content.decode()
    assert map_address not in shown
    assert "This network gives no heat-map." in shown
    assert site.get(map_address).status_code == 404
    assert "heat_map" not in api.get(address).json()["links"]


def test_a_clinical_photograph_has_no_heat_map(site: Client, owner: Membership, read_photograph: Prediction) -> None:
    clinical = factories.DonePredictionFactory.create(
        image=read_photograph.image,
        modality="clinical",
        model_version=None,
        bundle_sha256="",
        outcome="not_assessable",
        reason="clinical_photograph",
        probabilities=None,
        balanced_scores=None,
        logits=None,
        malignant_probability=None,
    )
    assert site.get(reverse("heat-map", args=[clinical.public_id])).status_code == 404


def test_without_the_model_that_read_there_is_no_heat_map_and_the_reading_stays(
    site: Client, read_photograph: Prediction
) -> None:
    gone = factories.ModelVersionFactory.create()
    old = factories.DonePredictionFactory.create(image=read_photograph.image, model_version=gone)
    response = site.get(reverse("heat-map", args=[old.public_id]))
    assert response.status_code == 503
    assert "The reading itself is safe" in response.content.decode()
    assert site.get(reverse("reading", args=[old.public_id])).status_code == 200


def test_a_file_that_is_gone_is_not_found_and_not_recorded(site: Client, read_photograph: Prediction) -> None:
    shutil.rmtree(settings.MEDIA_ROOT)
    for name, subject in (
        ("image-file", read_photograph.image),
        ("image-thumbnail", read_photograph.image),
        ("heat-map", read_photograph),
    ):
        assert site.get(reverse(name, args=[subject.public_id])).status_code == 404
    assert not AuditEvent.objects.filter(action__startswith="image.", kind=EventKind.ACCESS).exists()


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("image-file", "image.viewed"),
        ("image-thumbnail", "image.thumbnail_viewed"),
        ("heat-map", "image.heat_map_viewed"),
    ],
)
def test_each_way_out_is_recorded_for_who_saw_it_and_for_nobody_else(
    name: str, action: str, stranger: Membership, read_photograph: Prediction, client_for: ClientFor
) -> None:
    image = read_photograph.image
    path = reverse(name, args=[read_photograph.public_id if name == "heat-map" else image.public_id])
    owner = Membership.objects.get(user=image.uploaded_by)
    assert client_for(stranger).get(path).status_code == 404
    assert content(client_for(owner).get(path))
    event = AuditEvent.objects.get(action=action)
    assert (event.actor, event.clinic, event.object_id) == (owner.user, owner.clinic, str(image.public_id))


def test_a_png_is_told_as_one(owner: Membership, site: Client, active_model: ModelVersion, photograph: bytes) -> None:
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(photograph)) as picture:
        picture.save(buffer, "PNG")
    image: LesionImage = receive_upload(actor=owner, upload=Upload(data=buffer.getvalue())).prediction.image
    response = site.get(reverse("image-file", args=[image.public_id]))
    assert content(response).startswith(b"\x89PNG")
    assert response["Content-Type"] == "image/png"
    assert private_storage().exists(image.stored_name)


def test_while_the_storage_is_down_a_picture_may_be_asked_for_again_later(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Token {create_token(owner)}")
    shutil.rmtree(settings.MEDIA_ROOT)
    Path(settings.MEDIA_ROOT).mkdir()
    for folder in ("images", "thumbnails"):
        (Path(settings.MEDIA_ROOT) / folder).write_text("not a folder")
    for name, subject in (
        ("image-file", read_photograph.image),
        ("image-thumbnail", read_photograph.image),
        ("heat-map", read_photograph),
    ):
        response = site.get(reverse(name, args=[subject.public_id]))
        assert (response.status_code, response["Retry-After"]) == (503, "60")
        assert "The image storage does not answer" in response.content.decode()
        assert "text/html" in response["Content-Type"]
        told = program.get(reverse(name, args=[subject.public_id]))
        assert (told.status_code, told["Retry-After"]) == (503, "60")
        assert told["Content-Type"] == "application/problem+json"
        assert told.json()["errors"][0]["code"] == "storage_unavailable"
        assert "kept" not in told.json()["detail"]


def test_no_heat_map_of_damaged_bytes_but_a_clear_word(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    (Path(settings.MEDIA_ROOT) / read_photograph.image.stored_name).write_bytes(b"no photograph any more")
    response = site.get(reverse("heat-map", args=[read_photograph.public_id]))
    assert response.status_code == 500
    assert "The stored photograph is damaged" in response.content.decode()
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Token {create_token(owner)}")
    told = program.get(reverse("heat-map", args=[read_photograph.public_id]))
    assert (told.status_code, told["Content-Type"]) == (500, "application/problem+json")
    assert told.json()["errors"][0]["code"] == "photograph_damaged"
