"""Who gets into the admin, and what nobody can do there; the registry is walked, so that a new page obeys too."""

from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, reverse

from classifier import audit
from classifier.models import (
    ImageCorrection,
    Lesion,
    LesionImage,
    ModelVersion,
    Patient,
    Prediction,
    Review,
)
from skinsite.accounts.models import Clinic, Membership, User
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.admin.conftest import LIST, ClientFor, page_of, reading_in
from tests.classifier.web.queries import count_queries

PATIENT_DATA = {Patient, Lesion, LesionImage, ImageCorrection, Prediction, Review, AuditEvent}
KEPT = {*PATIENT_DATA, ModelVersion}
MANAGED = {Clinic, User, Membership}
REGISTRY = list(admin.site._registry.items())


def as_asked_by(who: Membership | User) -> object:
    """A request of theirs, with the middleware's membership."""
    request = RequestFactory().get("/admin/")
    request.user = who if isinstance(who, User) else who.user
    request.membership = None if isinstance(who, User) else who  # type: ignore[attr-defined] # what the middleware sets
    return request


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_the_registry_holds_the_projects_own_models_alone() -> None:
    assert {model for model, _page in REGISTRY} == {Prediction, ModelVersion, AuditEvent, *MANAGED}


@pytest.mark.parametrize(("model", "page"), REGISTRY, ids=lambda value: getattr(value, "__name__", ""))
def test_nobody_deletes_anything_and_nobody_adds_or_changes_what_is_kept(
    model: type[Model], page: "ModelAdmin[Model]", reviewer: Membership, administrator: Membership, superuser: User
) -> None:
    for who in (reviewer, administrator, superuser):
        request = as_asked_by(who)
        assert not page.has_delete_permission(request)  # type: ignore[arg-type] # a request all the same
        assert "delete_selected" not in page.get_actions(request)  # type: ignore[arg-type] # as above
        may_write = model in MANAGED and who is superuser
        assert page.has_add_permission(request) is may_write  # type: ignore[arg-type] # as above
        assert page.has_change_permission(request) is may_write  # type: ignore[arg-type] # as above


def named_routes(patterns: list[URLPattern | URLResolver]) -> set[str]:
    """The names of all addresses, those within others too."""
    names: set[str] = set()
    for pattern in patterns:
        names |= named_routes(pattern.url_patterns) if isinstance(pattern, URLResolver) else {pattern.name or ""}
    return names


def test_there_is_no_address_to_add_delete_or_rewrite_a_record_at() -> None:
    routes = named_routes(admin.site.get_urls())
    assert not {name for name in routes if name.endswith(("_delete", "_history"))}
    assert {name for name in routes if name.endswith("_add")} == {
        "accounts_clinic_add",
        "accounts_user_add",
        "accounts_membership_add",
    }
    assert not routes & {"search", "view_on_site"}


def test_a_superuser_is_shown_no_patient_data(superuser: User, prediction: Prediction, client_for: ClientFor) -> None:
    client = client_for(superuser)
    for model, page in REGISTRY:
        response = client.get(list_of(model))
        if model in PATIENT_DATA:
            assert response.status_code == 403, model
            assert not page.has_view_permission(as_asked_by(superuser))  # type: ignore[arg-type] # as above
        else:
            assert response.status_code == 200, model
            assert "P-SECRET" not in response.content.decode()
    assert client.get(page_of(prediction)).status_code == 403
    assert client.post(page_of(prediction), {"diagnosis": "NV", "certainty": "high"}).status_code == 403
    assert not Review.objects.exists()


def test_a_superuser_who_is_a_member_too_sees_no_readings_either(
    superuser: User, prediction: Prediction, owner: Membership, client_for: ClientFor
) -> None:
    factories.MembershipFactory.create(user=superuser, clinic=owner.clinic, role="administrator")
    assert client_for(superuser).get(LIST).status_code == 403


def test_reviewers_and_administrators_see_their_clinic_and_strangers_see_theirs(
    prediction: Prediction,
    reviewer: Membership,
    administrator: Membership,
    stranger: Membership,
    client_for: ClientFor,
) -> None:
    theirs = reading_in(stranger, "P-THEIRS")
    for inside in (reviewer, administrator):
        text = client_for(inside).get(LIST).content.decode()
        assert "P-SECRET" in text
        assert "P-THEIRS" not in text
        assert client_for(inside).get(page_of(prediction)).status_code == 200
        assert client_for(inside).get(page_of(theirs)).status_code == 404
    outside = client_for(stranger)
    text = outside.get(LIST).content.decode()
    assert "P-THEIRS" in text
    assert "P-SECRET" not in text
    assert outside.get(page_of(prediction)).status_code == 404
    assert outside.post(page_of(prediction), {"diagnosis": "NV", "certainty": "high"}).status_code == 404
    assert list(outside.get(f"{LIST}?q=P-SECRET").context["cl"].result_list) == []
    assert not Review.objects.exists()


def test_members_manage_nothing(reviewer: Membership, administrator: Membership, client_for: ClientFor) -> None:
    for inside in (reviewer, administrator):
        client = client_for(inside)
        for model in (*MANAGED, ModelVersion):
            assert client.get(list_of(model)).status_code == 403


def test_a_clinician_is_refused(owner: Membership, prediction: Prediction, client_for: ClientFor) -> None:
    client = client_for(owner)
    for address in ("/admin/", LIST, page_of(prediction)):
        assert client.get(address, follow=True).status_code == 403


def test_a_stranger_to_the_site_signs_in_where_everybody_does(prediction: Prediction) -> None:
    response = Client().get(page_of(prediction), follow=True)
    address, _status = response.redirect_chain[-1]
    assert address == f"/login/?next={page_of(prediction)}"


def test_an_unknown_reading_is_not_found(reviewer: Membership, client_for: ClientFor) -> None:
    client = client_for(reviewer)
    for identifier in (uuid4(), "1", "nonsense"):
        assert client.get(f"{LIST}{identifier}/change/").status_code == 404


def test_the_audit_trail_is_its_clinics_administrators_alone(
    prediction: Prediction, reviewer: Membership, administrator: Membership, stranger: Membership, client_for: ClientFor
) -> None:
    client_for(reviewer).get(page_of(prediction))
    trail = list_of(AuditEvent)
    assert str(prediction.public_id) in client_for(administrator).get(trail).content.decode()
    assert str(prediction.public_id) not in client_for(stranger).get(trail).content.decode()
    assert client_for(reviewer).get(trail).status_code == 403


@pytest.mark.parametrize("model", [AuditEvent, ModelVersion])
def test_lists_take_the_same_queries_for_3_and_for_30_rows(
    model: type[Model], prediction: Prediction, administrator: Membership, superuser: User, client_for: ClientFor
) -> None:
    client = client_for(superuser if model is ModelVersion else administrator)

    def add(count: int) -> None:
        for _number in range(count):
            factories.ModelVersionFactory.create()
            audit.prediction_viewed(actor=administrator, about=prediction)

    add(3)
    with_three = count_queries(client, list_of(model))
    add(27)
    assert count_queries(client, list_of(model)) == with_three


def test_the_admin_has_its_own_content_security_policy(reviewer: Membership, client_for: ClientFor) -> None:
    client = client_for(reviewer)
    policy = client.get(LIST)["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval' 'unsafe-inline'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in client.get("/")["Content-Security-Policy"]
