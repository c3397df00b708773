"""Who gets which page: owner, colleague, stranger, somebody without a clinic, nobody. Each walks every route."""

import pytest
from django.test import Client
from django.urls import reverse

from classifier.models import Lesion, LesionImage, ModelVersion, Patient, Prediction
from skinsite.accounts.models import Membership, Role
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.web.conftest import ClientFor
from tests.classifier.web.routes import FOR_ADMINISTRATORS, POST_ONLY, Route, all_routes
from tests.trail import given_out

METHODS = ("get", "post")
NOT_ALLOWED = 405


@pytest.fixture
def routes(read_photograph: Prediction, active_model: ModelVersion) -> list[Route]:
    """Every route, about one clinic's photograph."""
    return all_routes(read_photograph, active_model)


@pytest.fixture(params=["owner", "colleague", "reviewer", "administrator"])
def member(request: pytest.FixtureRequest) -> Membership:
    """Each kind of member of the clinic."""
    found: Membership = request.getfixturevalue(request.param)
    return found


def test_nobody_is_asked_to_sign_in(routes: list[Route]) -> None:
    for route in routes:
        for method in METHODS:
            response = getattr(Client(), method)(route.path)
            assert response.status_code == 302, route
            assert response["Location"].startswith(reverse("account_login")), route


def test_a_stranger_finds_nothing_of_another_clinic(
    routes: list[Route], read_photograph: Prediction, stranger: Membership, client_for: ClientFor
) -> None:
    site = client_for(stranger)
    answers: dict[str, set[int]] = {}
    for route in routes:
        for method in METHODS:
            response = getattr(site, method)(route.path)
            answers.setdefault(route.name, set()).add(response.status_code)
            page = response.getvalue().decode().replace(route.path, "")
            for secret in ("P-1", "mole.jpg", str(read_photograph.public_id)):
                assert secret not in page, route
    objects = {route.name for route in routes if route.is_object}
    assert len(objects) >= 14
    for name in objects:
        assert 404 in answers[name], name
        assert answers[name] <= {404, NOT_ALLOWED}, name


def test_every_member_of_the_clinic_gets_every_page(
    routes: list[Route], member: Membership, client_for: ClientFor
) -> None:
    site = client_for(member)
    for route in routes:
        response = site.get(route.path, follow=True)
        response.getvalue()
        if route.name in FOR_ADMINISTRATORS and member.role != Role.ADMINISTRATOR:
            assert response.status_code == 403, route
        else:
            assert response.status_code == (NOT_ALLOWED if route.name in POST_ONLY else 200), route


def test_somebody_without_a_clinic_is_told_so(routes: list[Route]) -> None:
    client = Client()
    client.force_login(factories.UserFactory.create())
    for route in routes:
        response = client.post(route.path)
        assert response.status_code == 403, route
        assert "P-1" not in response.content.decode(), route


def test_a_stranger_cannot_move_a_photograph_to_a_lesion_of_theirs(
    read_photograph: Prediction, stranger: Membership, client_for: ClientFor
) -> None:
    theirs = factories.LesionFactory.create(patient__clinic=stranger.clinic)
    said = {"patient_code": theirs.patient.code, "lesion": theirs.public_id, "reason": "mine"}
    response = client_for(stranger).post(reverse("image-move", args=[read_photograph.image.public_id]), said)
    assert response.status_code == 404
    read_photograph.image.refresh_from_db()
    assert read_photograph.image.lesion != theirs


def test_a_lesion_of_another_clinic_is_as_unknown_as_none(site: Client, stranger: Membership) -> None:
    theirs = factories.LesionFactory.create(patient__clinic=stranger.clinic)
    asked = site.get(reverse("lesion-search"), {"patient_code": theirs.patient.code})
    assert str(theirs.public_id) not in asked.content.decode()
    asked = site.get(reverse("patient-search"), {"patient_code": theirs.patient.code})
    assert theirs.patient.code not in asked.content.decode()
    asked = site.get(reverse("upload"), {"lesion": str(theirs.public_id)})
    assert theirs.patient.code not in asked.content.decode()
    assert Lesion.objects.count() == 1


def test_looking_at_a_reading_a_patient_and_a_lesion_is_on_the_audit_trail(
    site: Client, owner: Membership, read_photograph: Prediction
) -> None:
    lesion = read_photograph.image.lesion
    site.get(reverse("reading", args=[read_photograph.public_id]))
    site.get(reverse("lesion", args=[lesion.public_id]))
    site.get(reverse("patient", args=[lesion.patient.public_id]))
    seen = AuditEvent.objects.filter(actor=owner.user, action__endswith=".viewed").order_by("pk")
    assert [(event.action, event.object_id) for event in seen] == [
        ("prediction.viewed", str(read_photograph.public_id)),
        ("lesion.viewed", str(lesion.public_id)),
        ("patient.viewed", str(lesion.patient.public_id)),
    ]


@pytest.mark.parametrize(
    ("name", "asked", "action"),
    [
        ("home", {}, "prediction.listed"),
        ("history", {"q": "berg", "status": "queued"}, "prediction.listed"),
        ("patients", {"q": "berg"}, "patient.listed"),
        ("patient-search", {"patient_code": "berg"}, "patient.listed"),
        ("lesion-search", {"patient_code": "berg-17"}, "lesion.listed"),
        ("upload", {"patient_code": "berg-17"}, "lesion.listed"),
    ],
)
def test_that_a_list_was_given_out_is_kept_without_what_was_asked_for(
    name: str, asked: dict[str, str], action: str, site: Client, owner: Membership
) -> None:
    reading = factories.PredictionFactory.create(
        image__lesion__patient__clinic=owner.clinic, image__lesion__patient__code="Berg-17"
    )
    lesion = reading.image.lesion
    kinds: dict[str, Prediction | Lesion | Patient]
    kinds = {"prediction": reading, "lesion": lesion, "patient": lesion.patient}
    shown = kinds[action.partition(".")[0]]
    site.get(reverse(name), asked)
    event = AuditEvent.objects.get(action__endswith=".listed")
    assert (event.action, event.actor, event.clinic) == (action, owner.user, owner.clinic)
    assert event.details == {"rows": 1, "filters": sorted(asked)}
    assert given_out(event, type(shown)) == [str(shown.public_id)]
    assert given_out(event, Patient) == [str(lesion.patient.public_id)]
    assert given_out(event, LesionImage) == ([str(reading.image.public_id)] if shown == reading else [])
