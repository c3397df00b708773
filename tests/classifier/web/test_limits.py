"""Pages that cost something and the API share their limits, by person, clinic and address."""

import re
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from classifier.models import LesionImage
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from skinsite.platform.models import RateCount
from skinsite.settings.rates import Rate
from tests.classifier.api.conftest import create_token
from tests.classifier.web.conftest import ClientFor

HOUR = 3600
NONE = UUID(int=7)
COSTLY_TO_READ = [
    reverse("history"),
    reverse("patients"),
    f"{reverse('patient-search')}?patient_code=a",
    f"{reverse('lesion-search')}?patient_code=a",
    reverse("heat-map", args=[NONE]),
    reverse("image-file", args=[NONE]),
]
MAKES_READINGS = [
    reverse("upload"),
    reverse("reading-retry", args=[NONE]),
    reverse("image-read-again", args=[NONE]),
    reverse("image-modality", args=[NONE]),
    reverse("image-declared", args=[NONE]),
]


def limit(settings: Settings, **rates: int) -> None:
    """So many uses an hour under these names, and no other limit."""
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS) | {name: Rate(n, HOUR) for name, n in rates.items()}


def program_of(membership: Membership) -> Client:
    return Client(headers={"authorization": f"Token {create_token(membership)}"})


@pytest.mark.parametrize("address", COSTLY_TO_READ)
def test_each_costly_page_counts_among_the_reads_of_pages_and_api(
    owner: Membership, client_for: ClientFor, settings: Settings, address: str
) -> None:
    limit(settings, reads_person=2)
    browser, program = client_for(owner), program_of(owner)
    assert browser.get(address).status_code in {200, 404}
    assert program.get("/api/v1/patients/").status_code == 200
    refused = browser.get(address)
    assert refused.status_code == 429
    assert 3590 <= int(refused["Retry-After"]) <= HOUR
    assert re.search(r"Try again in 3[56]\d\d s", refused.content.decode())
    assert program.get("/api/v1/patients/").status_code == 429


@pytest.mark.parametrize("address", MAKES_READINGS)
def test_each_page_that_makes_a_reading_counts_among_the_uploads_of_pages_and_api(
    owner: Membership, client_for: ClientFor, settings: Settings, address: str
) -> None:
    limit(settings, uploads_person=2)
    browser, program = client_for(owner), program_of(owner)
    assert browser.post(address).status_code in {422, 404}
    assert program.post("/api/v1/predictions/").status_code == 400
    assert browser.post(address).status_code == 429
    assert program.post("/api/v1/predictions/").status_code == 429
    assert browser.get(reverse("upload")).status_code == 200


def test_a_form_costs_as_much_as_it_brings_photographs_and_one_too_many_keeps_none(
    owner: Membership, client_for: ClientFor, settings: Settings
) -> None:
    limit(settings, uploads_person=3)
    browser = client_for(owner)

    def send(number: int, **headers: str) -> int:
        files = [SimpleUploadedFile(f"{n}.jpg", b"no photograph") for n in range(number)]
        answer = browser.post(reverse("upload"), {"image": files, "modality": "dermoscopic"}, headers=headers)
        told.append(answer.content.decode())
        return answer.status_code

    told: list[str] = []
    assert [send(2), send(2), send(1), send(1)] == [422, 429, 422, 429]
    assert LesionImage.objects.count() == 0
    assert send(1, **{"HX-Request": "true"}) == 429
    assert "Too many requests at once" in told[-1]
    assert "<html" not in told[-1]


def test_a_clinic_has_a_limit_of_its_own_over_all_its_people(
    owner: Membership, colleague: Membership, stranger: Membership, client_for: ClientFor, settings: Settings
) -> None:
    limit(settings, reads_person=100, reads_clinic=2)
    assert client_for(owner).get(reverse("history")).status_code == 200
    assert program_of(colleague).get("/api/v1/patients/").status_code == 200
    assert client_for(colleague).get(reverse("history")).status_code == 429
    assert client_for(stranger).get(reverse("history")).status_code == 200


def test_what_the_clinics_limit_refuses_does_not_cost_the_person(
    owner: Membership, colleague: Membership, client_for: ClientFor, settings: Settings
) -> None:
    limit(settings, reads_person=2, reads_clinic=1)
    assert client_for(colleague).get(reverse("history")).status_code == 200
    for _time in range(3):
        assert client_for(owner).get(reverse("history")).status_code == 429
    limit(settings, reads_person=2)
    assert [client_for(owner).get(reverse("history")).status_code for _time in range(3)] == [200, 200, 429]


def test_the_answer_tells_how_one_stands(owner: Membership, client_for: ClientFor, settings: Settings) -> None:
    limit(settings, reads_person=2, reads_clinic=50)
    for answer, left in (
        (client_for(owner).get(reverse("history")), (1, 49)),
        (program_of(owner).get("/api/v1/patients/"), (0, 48)),
    ):
        assert answer["RateLimit-Policy"] == '"reads-person";q=2;w=3600, "reads-clinic";q=50;w=3600'
        found = re.fullmatch(r'"reads-person";r=(\d+);t=\d+, "reads-clinic";r=(\d+);t=\d+', answer["RateLimit"])
        assert found
        assert (int(found[1]), int(found[2])) == left
    refused = client_for(owner).get(reverse("history"))
    assert refused["RateLimit"].startswith('"reads-person";r=0;t=')
    assert "RateLimit" not in client_for(owner).get(reverse("account"))


def test_what_strangers_send_counts_by_address_and_what_they_read_does_not(
    db: None, client: Client, owner: Membership, client_for: ClientFor, settings: Settings
) -> None:
    limit(settings, strangers=2)
    address = reverse("account_login")
    for _time in range(2):
        assert client.post(address, REMOTE_ADDR="192.0.2.7").status_code != 429
    refused = client.post(address, REMOTE_ADDR="192.0.2.7")
    assert refused.status_code == 429
    assert refused["RateLimit-Policy"] == '"strangers";q=2;w=3600'
    assert client.post(address, REMOTE_ADDR="192.0.2.8").status_code != 429
    assert client.get(address, REMOTE_ADDR="192.0.2.7").status_code == 200
    assert client_for(owner).post(reverse("upload"), REMOTE_ADDR="192.0.2.7").status_code == 422


def test_who_goes_on_beyond_a_limit_does_not_fill_the_trail(
    owner: Membership, client_for: ClientFor, settings: Settings
) -> None:
    limit(settings, reads_person=1, refused_often=1000)
    browser = client_for(owner)
    assert {browser.get(reverse("history")).status_code for _time in range(12)} == {200, 429}
    refused = AuditEvent.objects.filter(action="request.refused")
    assert [event.details["status"] for event in refused] == [429, 429]  # the first and the tenth


def test_a_header_of_programs_makes_nobody_one_on_pages(db: None, client: Client, settings: Settings) -> None:
    limit(settings, strangers=1)
    for expected in (200, 429):
        answer = client.post(reverse("account_login"), headers={"Authorization": "Token none"})
        assert answer.status_code == expected


def test_a_search_of_a_script_over_the_limit_puts_no_page_into_its_list(
    owner: Membership, client_for: ClientFor, settings: Settings
) -> None:
    limit(settings, reads_person=1)
    browser = client_for(owner)
    address = f"{reverse('patient-search')}?patient_code=a"
    assert browser.get(address, headers={"HX-Request": "true"}).status_code == 200
    refused = browser.get(address, headers={"HX-Request": "true"})
    assert (refused.status_code, refused["HX-Reswap"]) == (429, "none")


def test_a_picture_had_with_a_token_counts_once(owner: Membership, settings: Settings) -> None:
    limit(settings, reads_person=5)
    program_of(owner).get(reverse("image-file", args=[NONE]))
    assert [row.used for row in RateCount.objects.all()] == [1]
