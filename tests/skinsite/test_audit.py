"""The audit trail: who did what, in which request; and signing in."""

import hashlib
import json
from collections.abc import Iterable

import pytest
from django.contrib.auth import authenticate
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from skinsite.accounts import audit
from skinsite.accounts.models import Membership
from skinsite.audit.events import EVENT_TYPES, Entry, access, written_together
from skinsite.audit.models import AuditEvent, AuditPayload, EventKind
from skinsite.platform.request_id import RequestIdFilter, current_request_id, set_request_id
from tests import factories
from tests.factories import PASSWORD
from tests.skinsite.conftest import SignIn
from tests.triggers import lifted_triggers


def patients_listed(*, actor: Membership, shown: Iterable[Model]) -> AuditEvent:
    """An event that gives out records; its declaration is undone, since the trail knows only the site's own."""

    @access("patient.shown", "shown", of=Membership)  # type: ignore[arg-type] # words of a test need no translation
    def declared() -> Entry:
        return Entry(actor, None, {"rows": 2}, shown=shown)

    EVENT_TYPES.pop()
    return declared()


def actions() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


def test_a_change_names_actor_clinic_object_and_details(owner: Membership) -> None:
    event = audit.clinic_renamed(actor=owner, about=owner.clinic, before="A", after="B")
    event.refresh_from_db()
    assert event.kind == EventKind.CHANGE
    assert (event.actor, event.actor_email) == (owner.user, owner.user.email)
    assert event.clinic == owner.clinic
    assert (event.object_type, event.object_id) == ("accounts.Clinic", str(owner.clinic.public_id))
    assert event.details == {"before": "A", "after": "B"}


def test_an_object_without_a_public_id_is_named_by_its_key(owner: Membership) -> None:
    assert audit.membership_reactivated(actor=owner, about=owner).object_id == str(owner.pk)


def test_the_system_acts_for_the_clinic_that_is_named(owner: Membership) -> None:
    event = audit.user_password_set_by_system(about=owner.user, clinic=owner.clinic)
    assert (event.kind, event.actor, event.actor_email, event.clinic) == (EventKind.CHANGE, None, "", owner.clinic)


def test_an_event_is_undone_with_the_transaction_that_it_tells_of(owner: Membership) -> None:
    def fail() -> None:
        with transaction.atomic():
            audit.clinic_renamed(actor=owner, about=owner.clinic, before="A", after="B")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert "clinic.renamed" not in actions()


def test_what_an_event_says_lies_beside_its_row_which_holds_a_salted_hash_of_it(owner: Membership) -> None:
    shown = factories.PatientFactory.create_batch(2, clinic=owner.clinic)
    events = [patients_listed(actor=owner, shown=shown) for _time in range(2)]
    for event in events:
        stored = AuditEvent.objects.get(pk=event.pk)
        lines = [stored.payload.salt, json.dumps({"rows": 2}, separators=(",", ":"))]
        lines += sorted(f"classifier.Patient {patient.public_id}" for patient in shown)
        assert stored.payload_sha256 == hashlib.sha256("\n".join(lines).encode()).hexdigest()
        assert stored.details == {"rows": 2}
    assert events[0].payload_sha256 != events[1].payload_sha256


def test_who_was_shown_a_record_is_found_by_its_id_and_by_an_index(owner: Membership, colleague: Membership) -> None:
    seen, other = factories.PatientFactory.create_batch(2, clinic=owner.clinic)
    patients_listed(actor=owner, shown=[seen, other, seen])
    patients_listed(actor=colleague, shown=[other])
    asked = AuditEvent.objects.filter(
        subjects__record_type="classifier.Patient", subjects__record_id=str(seen.public_id)
    )
    assert [event.actor for event in asked] == [owner.user]
    assert "audit_subject_record" in asked.order_by("-pk").explain()


def test_an_event_whose_details_were_erased_has_none(owner: Membership) -> None:
    event = audit.clinic_renamed(actor=owner, about=owner.clinic, before="A", after="B")
    with lifted_triggers():
        AuditPayload.objects.filter(event=event).delete()
    assert AuditEvent.objects.get(pk=event.pk).details == {}


def test_events_written_together_are_one_statement_a_table_in_their_order(owner: Membership) -> None:
    with CaptureQueriesContext(connection) as captured, transaction.atomic(), written_together():
        audit.clinic_renamed(actor=owner, about=owner.clinic, before="A", after="B")
        with written_together():
            audit.membership_reactivated(actor=owner, about=owner)
        audit.clinic_renamed(actor=owner, about=owner.clinic, before="B", after="C")
    assert [each["sql"].split()[0] for each in captured] == ["SAVEPOINT", "INSERT", "INSERT", "RELEASE"]
    assert actions() == ["clinic.renamed", "membership.reactivated", "clinic.renamed"]
    assert [event.details["after"] for event in AuditEvent.objects.filter(action="clinic.renamed").order_by("pk")] == [
        "B",
        "C",
    ]


def test_of_events_together_none_is_written_where_it_ends_in_an_error(owner: Membership) -> None:
    def fail() -> None:
        with written_together():
            audit.clinic_renamed(actor=owner, about=owner.clinic, before="A", after="B")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    audit.membership_reactivated(actor=owner, about=owner)
    assert actions() == ["membership.reactivated"]


def test_an_event_carries_the_id_of_its_request_as_the_proxy_set_it(
    owner: Membership, sign_in: SignIn, settings: Settings
) -> None:
    settings.PROXY_SETS_REQUEST_ID = True
    client = sign_in(owner)
    response = client.post(
        reverse("clinic-switch"), {"clinic": owner.clinic.public_id}, headers={"X-Request-ID": "proxy-0123456789"}
    )
    assert response["X-Request-ID"] == "proxy-0123456789"
    assert AuditEvent.objects.get(action="clinic.switched_to").request_id == "proxy-0123456789"
    assert current_request_id() == ""


@pytest.mark.parametrize("forged", ["short", "with space and more", "x" * 65, "line\tbreak-and-more"])
def test_an_id_that_could_forge_the_log_is_replaced(client: Client, db: None, settings: Settings, forged: str) -> None:
    settings.PROXY_SETS_REQUEST_ID = True
    given = client.get(reverse("account_login"), headers={"X-Request-ID": forged})["X-Request-ID"]
    assert given != forged
    assert len(given) == 32


def test_nobody_chooses_the_id_of_events_where_no_proxy_sets_it(client: Client, db: None) -> None:
    forged = "FORGED-BY-CLIENT-0001"
    given = client.get(reverse("account_login"), headers={"X-Request-ID": forged})["X-Request-ID"]
    assert given != forged
    assert len(given) == 32


def test_the_line_of_a_refused_request_has_its_id(client: Client, db: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(RequestIdFilter())
    answer = client.get("/nowhere/at/all/")
    (record,) = [each for each in caplog.records if each.name == "django.request"]
    assert record.request_id == answer["X-Request-ID"]  # type: ignore[attr-defined] # the filter sets it


def test_outside_of_a_request_the_id_is_that_of_the_task(owner: Membership) -> None:
    set_request_id("task-1")
    try:
        assert audit.clinic_created(actor=None, about=owner.clinic).request_id == "task-1"
    finally:
        set_request_id("")


def test_signing_in_and_out_is_recorded(client: Client, owner: Membership) -> None:
    client.post(reverse("account_login"), {"login": owner.user.email, "password": PASSWORD})
    client.post(reverse("account_logout"))
    assert actions() == ["user.signed_in", "user.signed_out"]
    assert {event.actor for event in AuditEvent.objects.all()} == {owner.user}


def test_a_failed_sign_in_is_recorded_without_the_password(client: Client, owner: Membership) -> None:
    client.post(reverse("account_login"), {"login": owner.user.email, "password": "my secret guess"})
    event = AuditEvent.objects.get(action="user.sign_in_failed")
    assert (event.kind, event.actor, event.actor_email) == (EventKind.REFUSAL, None, "")
    assert event.object_id == str(owner.user.public_id)
    assert "guess" not in str(vars(event))


def test_an_unknown_address_is_not_kept(client: Client, db: None) -> None:
    client.post(reverse("account_login"), {"login": "my-password-by-mistake", "password": "x"})
    event = AuditEvent.objects.get(action="user.sign_in_failed")
    assert event.actor is None
    assert "by-mistake" not in str(vars(event))


def test_authentication_by_code_is_recorded_too(owner: Membership) -> None:
    request = RequestFactory().post("/")
    assert authenticate(request, username=owner.user.email, password="wrong") is None
    assert actions() == ["user.sign_in_failed"]
