"""Who saw which photograph small, and when: told once by the page that showed it, and by a look at it elsewhere."""

import re
from html import unescape

import pytest
from django.db import connection
from django.http import FileResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from classifier.models import LesionImage, Prediction
from classifier.presentation import thumbnails
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.web.conftest import ClientFor
from tests.trail import given_out

DIRECT = "image.thumbnail_viewed"


def addresses_in(page: str) -> list[str]:
    """The addresses of the thumbnails on a page."""
    return [unescape(found) for found in re.findall(r'src="([^"]*/thumbnail[^"]*)"', page)]


def look(client: Client, address: str) -> None:
    """See a thumbnail."""
    response: object = client.get(address)
    assert isinstance(response, FileResponse), response
    assert response.getvalue()


def pages(image: LesionImage) -> dict[str, str]:
    """Every page that shows thumbnails, by its one event."""
    return {
        reverse("home"): "prediction.listed",
        reverse("history"): "prediction.listed",
        reverse("patient", args=[image.lesion.patient.public_id]): "patient.viewed",
        reverse("lesion", args=[image.lesion.public_id]): "lesion.viewed",
        reverse("image-readings", args=[image.public_id]): "prediction.listed",
        reverse("admin:classifier_prediction_changelist"): "prediction.listed",
    }


def test_a_page_names_the_photographs_that_it_shows_and_their_thumbnails_write_nothing(
    reviewer: Membership, client_for: ClientFor, read_photograph: Prediction
) -> None:
    client, image = client_for(reviewer), read_photograph.image
    for page, action in pages(image).items():
        before = AuditEvent.objects.count()
        shown = addresses_in(client.get(page).content.decode())
        assert shown, page
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.actor) == (action, reviewer.user)
        assert given_out(event, LesionImage) == [str(image.public_id)]
        for address in shown:
            with CaptureQueriesContext(connection) as captured:
                look(client, address)
            assert not [each for each in captured if each["sql"].startswith(("INSERT", "UPDATE", "BEGIN"))], page
        assert AuditEvent.objects.count() == before + 1, page


def test_a_page_of_many_names_each_once(site: Client, owner: Membership) -> None:
    readings = factories.DonePredictionFactory.create_batch(7, image__lesion__patient__clinic=owner.clinic)
    again = factories.DonePredictionFactory.create(image=readings[0].image)

    shown = addresses_in(site.get(reverse("history")).content.decode())

    event = AuditEvent.objects.get(action="prediction.listed")
    assert len(shown) == event.details["rows"] == len(given_out(event, Prediction))
    assert len(given_out(event, LesionImage)) == len(set(shown)) == 7
    assert str(again.public_id) in given_out(event, Prediction)


def test_a_thumbnail_asked_for_elsewhere_leaves_a_trace_of_its_own(
    site: Client,
    owner: Membership,
    colleague: Membership,
    client_for: ClientFor,
    read_photograph: Prediction,
) -> None:
    image, other = read_photograph.image, factories.LesionImageFactory.create(lesion=read_photograph.image.lesion)
    bare = reverse("image-thumbnail", args=[image.public_id])
    (mine,) = thumbnails.name_thumbnails(owner, [image])
    marked = thumbnails.thumbnail_address(mine)
    thumbnails.name_thumbnails(owner, [other])

    def traces() -> int:
        return AuditEvent.objects.filter(action=DIRECT, object_id=str(image.public_id)).count()

    look(site, marked)
    assert traces() == 0

    looks = [
        (site, bare),
        (site, f"{bare}?named="),
        (site, f"{bare}?named=ж"),
        (site, f"{bare}?named={other.thumbnail_mark}"),
        (client_for(colleague), marked),
    ]
    for number, (client, address) in enumerate(looks, start=1):
        look(client, address)
        assert traces() == number, address
    this_hour = thumbnails._this_hour()
    for later, expected in ((1, len(looks)), (2, len(looks) + 1)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(thumbnails, "_this_hour", lambda later=later: this_hour + later)
            look(site, marked)
        assert traces() == expected, later


def test_a_mark_opens_nothing(stranger: Membership, client_for: ClientFor, read_photograph: Prediction) -> None:
    (named,) = thumbnails.name_thumbnails(stranger, [read_photograph.image])

    assert client_for(stranger).get(thumbnails.thumbnail_address(named)).status_code == 404
    assert Client().get(thumbnails.thumbnail_address(named)).status_code in (302, 401)
