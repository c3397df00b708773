"""Who sees what: every address of the API is walked, so that a new one cannot forget the rule."""

from datetime import timedelta

import pytest
from django.db.models import Model
from django.urls import URLPattern
from django.utils import timezone
from rest_framework.test import APIClient

from classifier.api.urls import router, urlpatterns
from skinsite.accounts.models import ApiToken, Membership
from skinsite.audit.models import AuditEvent, EventKind
from tests import factories
from tests.classifier.api.conftest import LISTS, ClientFor, create_token

RETRY = "predictions/<uuid:id>/retry/"  # takes POST alone; see the tests of it
ROUTES = [pattern for pattern in router.urls if isinstance(pattern, URLPattern) and str(pattern.pattern) != RETRY]


@pytest.fixture
def records(owner: Membership) -> dict[str, Model]:
    """One record of each kind in the owner's clinic, by the name of its list."""
    image = factories.LesionImageFactory.create(lesion__patient__clinic=owner.clinic)
    review = factories.ReviewFactory.create(prediction__image=image)
    return {
        "patients": image.lesion.patient,
        "lesions": image.lesion,
        "visits": image.examination.visit,
        "examinations": image.examination,
        "images": image,
        "predictions": review.prediction,
        "lesion-readings": factories.LesionReadingFactory.create(predictions=[review.prediction]),
        "reviews": review,
    }


def addresses(records: dict[str, Model]) -> list[str]:
    """Every address of the router, filled with the records' identifiers."""
    found = []
    for route in ROUTES:
        path = f"/api/v1/{route.pattern}"
        name = path.split("/")[3]
        found.append(path.replace("<uuid:id>", public_id(records[name])))
    return found


def public_id(record: Model) -> str:
    return str(getattr(record, "public_id"))  # noqa: B009 the models share no base


def test_the_router_has_the_lists_that_these_tests_know(records: dict[str, Model]) -> None:
    assert set(records) == set(LISTS) == {str(route.pattern).split("/")[0] for route in ROUTES}
    assert len(addresses(records)) == 2 * len(LISTS)


def test_outside_the_router_there_is_only_what_is_for_everybody() -> None:
    outside = {str(each.pattern) for each in urlpatterns} - {str(route.pattern) for route in ROUTES}
    assert outside == {"schema/", "docs/", "", RETRY}


def test_owner_and_colleague_list_what_a_stranger_does_not(
    records: dict[str, Model], owner: Membership, colleague: Membership, stranger: Membership, client_for: ClientFor
) -> None:
    inside = [client_for(owner), client_for(colleague)]
    outside = client_for(stranger)
    for name, record in records.items():
        for client in inside:
            listed = client.get(f"/api/v1/{name}/")
            assert listed.status_code == 200, name
            assert [row["id"] for row in listed.json()["results"]] == [public_id(record)], name
        hidden = outside.get(f"/api/v1/{name}/")
        assert (hidden.status_code, hidden.json()["results"]) == (200, []), name


def test_owner_and_colleague_open_what_a_stranger_cannot(
    records: dict[str, Model], owner: Membership, colleague: Membership, stranger: Membership, client_for: ClientFor
) -> None:
    inside = [client_for(owner), client_for(colleague)]
    outside = client_for(stranger)
    for name, record in records.items():
        address = f"/api/v1/{name}/{public_id(record)}/"
        assert address in addresses(records)
        for client in inside:
            opened = client.get(address)
            assert (opened.status_code, opened.json()["id"]) == (200, public_id(record)), address
        hidden = outside.get(address)
        assert (hidden.status_code, hidden.json()["title"]) == (404, "Not found"), address


def test_filters_reveal_nothing_of_another_clinic(
    records: dict[str, Model], stranger: Membership, client_for: ClientFor
) -> None:
    client = client_for(stranger)
    patient, lesion = public_id(records["patients"]), public_id(records["lesions"])
    for name, field, value in [
        ("lesions", "patient", patient),
        ("images", "patient", patient),
        ("images", "lesion", lesion),
        ("predictions", "lesion", lesion),
        ("predictions", "patient", patient),
        ("visits", "patient", patient),
        ("examinations", "lesion", lesion),
        ("lesion-readings", "lesion", lesion),
    ]:
        response = client.get(f"/api/v1/{name}/", {field: value})
        assert (response.status_code, response.json()["results"]) == (200, [])


def test_nobody_gets_anything_without_a_token_or_a_session(records: dict[str, Model]) -> None:
    client = APIClient()
    retry = f"/api/v1/predictions/{public_id(records['predictions'])}/retry/"
    for address in [*addresses(records), retry]:
        for method in ("get", "post", "put", "patch", "delete"):
            response = getattr(client, method)(address)
            assert response.status_code == 401, (method, address)
            assert response.headers["WWW-Authenticate"] == "Token"
            assert response.headers["Content-Type"] == "application/problem+json"


def test_nothing_is_deleted_and_only_visits_and_examinations_change(
    records: dict[str, Model], administrator: Membership, client_for: ClientFor
) -> None:
    client = client_for(administrator)
    for address in addresses(records):
        kind, one = address.split("/")[3], address.count("/") > 4
        changed = {"PATCH"} if one and kind in ("visits", "examinations") else set()
        created = {"POST"} if not one and kind in ("predictions", "visits", "examinations") else set()
        for method in {"put", "patch", "delete", "options"} - {each.lower() for each in changed}:
            answer = getattr(client, method)(address)
            assert answer.status_code == 405, (method, address)
            assert set(answer["Allow"].split(", ")) == {"GET", "HEAD"} | created | changed, address
        assert client.post(address).status_code == (400 if created else 405), address


def test_a_session_is_as_good_as_a_token_and_needs_the_csrf_token_to_write(
    records: dict[str, Model], owner: Membership
) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(owner.user)
    for address in addresses(records):
        assert client.get(address).status_code == 200, address
    refused = client.post("/api/v1/predictions/", {}, format="multipart")
    assert refused.status_code == 403
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_a_superuser_without_a_clinic_sees_no_patient_data(records: dict[str, Model], db: None) -> None:
    superuser = factories.UserFactory.create(is_superuser=True, is_staff=True)
    client = APIClient()
    client.force_login(superuser)
    for address in addresses(records):
        assert client.get(address).status_code == 403, address


def test_a_token_acts_for_its_one_clinic(owner: Membership, stranger: Membership, client_for: ClientFor) -> None:
    second = factories.MembershipFactory.create(user=owner.user, clinic=stranger.clinic)
    here = factories.PatientFactory.create(clinic=owner.clinic)
    there = factories.PatientFactory.create(clinic=stranger.clinic)
    for membership, own in ((owner, here), (second, there)):
        rows = client_for(membership).get("/api/v1/patients/").json()["results"]
        assert [row["id"] for row in rows] == [str(own.public_id)]


def refused(key: str) -> bool:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    return client.get("/api/v1/patients/").status_code == 401


def test_a_token_ends_with_its_membership_its_person_and_its_clinic(owner: Membership) -> None:
    key = create_token(owner)
    assert not refused(key)
    for thing in (owner, owner.user, owner.clinic):
        thing.is_active = False
        thing.save()
        assert refused(key)
        thing.is_active = True
        thing.save()
        assert not refused(key)


def test_a_token_that_has_expired_or_is_revoked_is_refused(owner: Membership) -> None:
    assert refused(create_token(owner, timedelta(seconds=-1)))
    key = create_token(owner)
    assert not refused(key)
    ApiToken.objects.filter(membership=owner).delete()
    assert refused(key)


def test_only_a_hash_of_a_token_is_kept(owner: Membership) -> None:
    key = create_token(owner)
    token = ApiToken.objects.get(membership=owner)
    assert key not in (token.digest, token.token_key)
    assert len(token.digest) == 128
    assert token.expiry > timezone.now()


@pytest.mark.parametrize(
    "header", ["Token", "Token one two", "Token 123", "Token \xff\xfe", "Bearer 123", "Basic YTpi"]
)
def test_a_header_that_is_no_token_is_refused(header: str, db: None) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    assert client.get("/api/v1/patients/").status_code == 401


def test_every_look_at_a_record_is_kept_in_the_audit_trail(
    records: dict[str, Model], owner: Membership, client_for: ClientFor
) -> None:
    client = client_for(owner)
    for address in addresses(records):
        client.get(address)
    events = AuditEvent.objects.filter(kind=EventKind.ACCESS, actor=owner.user, clinic=owner.clinic)
    kinds = ("examination", "image", "lesion", "lesion_reading", "patient", "prediction", "review", "visit")
    expected = sorted(f"{kind}.{verb}" for kind in kinds for verb in ("listed", "viewed"))
    assert sorted(events.values_list("action", flat=True)) == expected
    viewed = events.get(action="patient.viewed")
    assert viewed.object_id == str(getattr(records["patients"], "public_id"))  # noqa: B009 the models share no base


def test_the_audit_trail_keeps_the_names_of_filters_and_not_their_values(
    records: dict[str, Model], owner: Membership, client_for: ClientFor
) -> None:
    client_for(owner).get("/api/v1/patients/", {"code": "Ward 7"})
    details = AuditEvent.objects.get(action="patient.listed").details
    searched = details.pop("searched")  # a hash: it tells a second search for the same, and not for what
    assert details == {"rows": 0, "filters": ["code"]}
    assert "Ward" not in str(searched)
    client_for(owner).get("/api/v1/patients/", {"code": "ward 7"})
    client_for(owner).get("/api/v1/patients/", {"code": "ward 8"})
    found = [event.details["searched"] for event in AuditEvent.objects.filter(action="patient.listed").order_by("pk")]
    assert [each == searched for each in found] == [True, True, False]


def test_what_is_not_visible_leaves_no_trace_of_a_look(
    records: dict[str, Model], stranger: Membership, client_for: ClientFor
) -> None:
    client = client_for(stranger)
    for address in addresses(records):
        client.get(address)
    assert not AuditEvent.objects.filter(action__endswith=".viewed").exists()
