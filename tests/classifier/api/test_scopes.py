"""What a token of each scope may do: every address of the API is walked, so that a new one cannot forget to say."""

from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern
from rest_framework.test import APIClient

from classifier.api.urls import router
from classifier.models import LesionReading, Prediction
from skinsite.accounts.models import ApiToken, Membership, Scope, ServiceAccount
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.api.conftest import LISTS, PREDICTIONS, create_token, send

READ, WRITE, UPLOAD = Scope.READ, Scope.WRITE, Scope.UPLOAD
# By hand, of what each address does: who may.
ALLOWED: dict[tuple[str, str], set[Scope]] = {
    **{("get", f"{name}/"): {READ, WRITE} for name in LISTS},
    **{("get", f"{name}/<uuid:id>/"): {READ, WRITE} for name in LISTS if name != "predictions"},
    ("get", "predictions/<uuid:id>/"): {READ, WRITE, UPLOAD},  # of what it has sent itself: see below
    ("post", "predictions/"): {UPLOAD, WRITE},
    ("post", "predictions/<uuid:id>/retry/"): {WRITE},
    **{("post", f"{name}/"): {WRITE} for name in ("visits", "examinations")},
    **{("patch", f"{name}/<uuid:id>/"): {WRITE} for name in ("visits", "examinations")},
}
PICTURES = ("images/{image}/file", "images/{image}/thumbnail", "readings/{reading}/heat-map")


@pytest.fixture
def reading(owner: Membership) -> Prediction:
    """A reading of somebody else's photograph in the owner's clinic, and an opinion on it."""
    patient = factories.PatientFactory.create(clinic=owner.clinic)
    image = factories.LesionImageFactory.create(lesion__patient=patient)
    reading = factories.DonePredictionFactory.create(image=image)
    factories.LesionReadingFactory.create(predictions=[reading])
    factories.ReviewFactory.create(prediction=reading)
    return reading


def program(key: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    return client


def service_of(membership: Membership, scope: Scope) -> tuple[ServiceAccount, APIClient]:
    """A service account of the member's clinic, and its client."""
    service = ServiceAccount.objects.create(clinic=membership.clinic, name="Archive", scope=scope)
    _token, key = ApiToken.objects.create(None, service=service, scope=scope)
    return service, program(str(key))


def walk(reading: Prediction) -> list[tuple[str, str, str]]:
    """Every method, pattern and address of the API."""
    ids = {
        "patients": reading.image.lesion.patient,
        "lesions": reading.image.lesion,
        "visits": reading.image.examination.visit,
        "examinations": reading.image.examination,
        "images": reading.image,
        "lesion-readings": LesionReading.objects.get(),
        "predictions": reading,
        "reviews": reading.reviews.get(),
    }
    found = []
    for route in router.urls:
        assert isinstance(route, URLPattern)
        pattern = str(route.pattern)
        record: Any = ids[pattern.partition("/")[0]]
        address = f"/api/v1/{pattern.replace('<uuid:id>', str(record.public_id))}"
        found += [(method, pattern, address) for method in route.callback.actions if method != "head"]  # type: ignore[attr-defined] # of a view set
    return found


def test_the_table_names_every_address(reading: Prediction) -> None:
    assert {(method, pattern) for method, pattern, _address in walk(reading)} == set(ALLOWED)


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("whose", ["person", "service"])
def test_each_scope_opens_its_addresses_and_is_told_what_it_lacks_at_others(
    owner: Membership, reading: Prediction, scope: Scope, whose: str
) -> None:
    client = service_of(owner, scope)[1] if whose == "service" else program(create_token(owner, scope=scope))
    refused = 0
    for method, pattern, address in walk(reading):
        answer = getattr(client, method)(address)
        if scope in ALLOWED[method, pattern]:
            assert answer.status_code != 403, (method, address)
            continue
        refused += 1
        problem = answer.json()
        assert (answer.status_code, problem["errors"][0]["code"]) == (403, "missing_scope"), (method, address)
        assert all(f"`{one}`" in problem["detail"] for one in ALLOWED[method, pattern]), problem
        assert f"the scope of this one is `{scope}`" in problem["detail"]
    assert refused == {READ: 6, UPLOAD: 20, WRITE: 0}[scope]


def test_what_may_send_and_not_read_finds_its_own_answers_alone(
    owner: Membership, reading: Prediction, photograph: bytes
) -> None:
    service, client = service_of(owner, UPLOAD)
    _other, other = service_of(owner, UPLOAD)
    sent = send(client, photograph)
    assert sent.status_code in (201, 202)
    own = f"{PREDICTIONS}{sent.json()['id']}/"
    assert client.get(own).status_code == 200
    assert other.get(own).status_code == 404
    assert client.get(f"{PREDICTIONS}{reading.public_id}/").status_code == 404
    asked = Prediction.objects.get(public_id=sent.json()["id"])
    assert (asked.image.uploaded_by, asked.image.uploaded_by_service) == (None, service)
    assert (asked.requested_by, asked.requested_by_service) == (None, service)


@pytest.mark.parametrize(("scope", "is_told"), [(UPLOAD, False), (WRITE, True)])
def test_what_may_only_send_is_told_no_other_patients_code(
    owner: Membership, photograph: bytes, scope: Scope, *, is_told: bool
) -> None:
    factories.PatientFactory.create(clinic=owner.clinic, code="AO-17", code_key="ao-17")
    _service, client = service_of(owner, scope)
    sent = send(client, photograph, patient_code="A0-17")
    assert sent.status_code in (201, 202)
    assert ("AO-17" in sent.content.decode()) is is_told


def test_what_a_service_does_is_told_under_its_own_name(owner: Membership, photograph: bytes) -> None:
    service, client = service_of(owner, WRITE)
    send(client, photograph)
    client.get("/api/v1/patients/")
    events = AuditEvent.objects.filter(action__in=["image.uploaded", "patient.listed", "patient.created"])
    assert len(events) == 3
    for event in events:
        assert (event.actor, event.service, event.actor_name) == (None, service, "Archive")
        assert event.clinic == owner.clinic


def test_sending_what_is_here_already_gives_the_reading_that_it_has(owner: Membership, photograph: bytes) -> None:
    first = send(program(create_token(owner)), photograph)
    _service, client = service_of(owner, UPLOAD)
    again = send(client, photograph)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


def test_pictures_take_a_token_that_may_read(owner: Membership, reading: Prediction) -> None:
    addresses = [f"/{one.format(image=reading.image.public_id, reading=reading.public_id)}" for one in PICTURES]
    for scope in Scope:
        client = Client(headers={"authorization": f"Token {create_token(owner, scope=scope)}"})
        answers = [client.get(address) for address in addresses]
        if scope == UPLOAD:
            assert [answer.json()["errors"][0]["code"] for answer in answers] == ["missing_scope"] * len(addresses)
        else:
            assert 403 not in {answer.status_code for answer in answers}


def test_a_service_of_another_clinic_sees_nothing(stranger: Membership, reading: Prediction) -> None:
    _service, client = service_of(stranger, WRITE)
    for method, pattern, address in walk(reading):
        answer = getattr(client, method)(address)
        if "<uuid:id>" in pattern:
            assert answer.status_code == 404, address
        elif method == "get":
            assert answer.json()["results"] == [], address


def test_a_service_that_is_ended_or_whose_clinic_is_closed_is_refused(owner: Membership) -> None:
    service, client = service_of(owner, READ)
    assert client.get("/api/v1/patients/").status_code == 200
    owner.clinic.is_active = False
    owner.clinic.save()
    assert client.get("/api/v1/patients/").status_code == 401
    owner.clinic.is_active = True
    owner.clinic.save()
    service.ended_at = service.created_at
    service.save()
    assert client.get("/api/v1/patients/").status_code == 401


def test_a_service_has_no_page_and_no_admin(owner: Membership) -> None:
    service = ServiceAccount.objects.create(clinic=owner.clinic, name="Archive", scope=WRITE)
    _token, key = ApiToken.objects.create(None, service=service, scope=WRITE)
    client = Client(headers={"authorization": f"Token {key}"})
    for address in ("/", "/account/", "/clinic/", "/patients/"):
        assert client.get(address).status_code == 401, address
    assert client.get("/admin/").status_code == 302
    assert client.cookies.get("sessionid") is None
