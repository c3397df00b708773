"""The trail on pages: who may ask, what is answered, how it pages, what leaves as a file, and that asking is kept."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from classifier import audit
from classifier.models import Patient
from skinsite.accounts import audit as accounts
from skinsite.accounts.models import Membership, Role, Scope, User
from skinsite.accounts.services.members import deactivate_member, reactivate_member
from skinsite.accounts.services.programs import open_service
from skinsite.audit import looks
from skinsite.audit.models import AuditEvent, EventKind, StrangersRefused
from skinsite.audit.refusals import STRANGERS
from skinsite.audit.trail import ROWS_ON_A_PAGE, events_for, read_page
from skinsite.paging import FARTHEST_PAGE
from tests import factories
from tests.classifier.web.queries import count_queries
from tests.skinsite.conftest import SignIn
from tests.trail import given_out

FROM = {"address": "192.0.2.7", "browser": "Firefox"}


@pytest.fixture
def auditor(owner: Membership) -> Membership:
    """Who reads the trail of the clinic and no record."""
    return factories.MembershipFactory.create(clinic=owner.clinic, role=Role.AUDITOR)


@pytest.fixture
def patient(owner: Membership) -> Patient:
    """A patient of the clinic."""
    return factories.PatientFactory.create(clinic=owner.clinic, code="P-77")


def page_of(client: Client, name: str, *args: object, **asked: str) -> str:
    answer = client.get(reverse(name, args=args), asked)
    assert answer.status_code == 200
    return answer.content.decode()


def test_who_saw_a_patient_is_told_to_administrators_and_auditors_alone(
    owner: Membership, stranger: Membership, patient: Patient, sign_in: SignIn
) -> None:
    audit.patient_viewed(actor=owner, about=patient)
    address = reverse("trail-patient", args=[patient.public_id])
    roles = {role: factories.MembershipFactory.create(clinic=owner.clinic, role=role) for role in Role}
    for role in (Role.ADMINISTRATOR, Role.AUDITOR):
        page = page_of(sign_in(roles[role]), "trail-patient", patient.public_id)
        assert owner.user.email in page
        assert "patient: viewed" in page
    for role in (Role.CLINICIAN, Role.REVIEWER):
        assert sign_in(roles[role]).get(address).status_code == 403
    assert sign_in(stranger).get(address).status_code == 404
    assert Client().get(address).status_code == 302


def test_a_patient_is_found_by_the_code_and_one_of_another_clinic_is_not(
    auditor: Membership, stranger: Membership, patient: Patient, sign_in: SignIn
) -> None:
    theirs = factories.PatientFactory.create(clinic=stranger.clinic, code="P-88")
    client = sign_in(auditor)
    found = client.get(reverse("trail-patients"), {"code": "p-77"})
    assert found["Location"] == reverse("trail-patient", args=[patient.public_id])
    assert "Nothing matches" in page_of(client, "trail-patients", code=theirs.code)


def test_an_auditor_sees_no_record(auditor: Membership, patient: Patient, sign_in: SignIn) -> None:
    client = sign_in(auditor)
    assert client.get(reverse("home"))["Location"] == reverse("trail")
    for name, args in (("patients", []), ("history", []), ("upload", []), ("patient", [patient.public_id])):
        assert client.get(reverse(name, args=args)).status_code == 403, name
    assert client.get("/api/v1/patients/").status_code == 403


def test_looking_at_the_trail_is_on_it_with_whom_it_named(
    owner: Membership, auditor: Membership, patient: Patient, sign_in: SignIn
) -> None:
    audit.patient_viewed(actor=owner, about=patient)
    page_of(sign_in(auditor), "trail")
    looked = AuditEvent.objects.get(action="trail.viewed")
    assert (looked.actor, looked.kind) == (auditor.user, EventKind.ACCESS)
    assert given_out(looked, Patient) == [str(patient.public_id)]


def test_going_on_through_a_page_is_told_once_an_hour_and_of_each_whom_it_names(
    owner: Membership, auditor: Membership, patient: Patient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = factories.PatientFactory.create(clinic=owner.clinic)
    audit.patient_viewed(actor=owner, about=another)
    for _number in range(ROWS_ON_A_PAGE + 3):
        audit.patient_viewed(actor=owner, about=patient)
    client = sign_in(auditor)

    def look(name: str, *args: object, **asked: str) -> list[tuple[str, list[str]]]:
        """What a look leaves on the trail: about whom, and which patients it named."""
        before = AuditEvent.objects.latest("pk").pk
        page_of(client, name, *args, **asked)
        told = AuditEvent.objects.filter(action="trail.viewed", pk__gt=before)
        return [(event.object_id, given_out(event, Patient)) for event in told]

    first = client.get(reverse("trail")).context["page"]
    assert look("trail") == []
    assert look("trail", before=first.older) == [("", [str(another.public_id)])]
    assert look("trail", before=first.older) == []
    assert len(look("trail", since="2020-01-01")) == 1, "another question"
    assert look("trail-patient", patient.public_id)[0][0] == str(patient.public_id)
    assert look("trail-person", owner.user.public_id)[0][0] == str(owner.user.public_id)
    assert look("trail-person", auditor.user.public_id)[0][0] == str(auditor.user.public_id)
    later = timezone.now() + timedelta(minutes=61)
    monkeypatch.setattr(looks, "timezone", SimpleNamespace(now=lambda: later))
    assert look("trail")[0][0] == ""
    assert len(AuditEvent.objects.filter(action="trail.exported")) == 0
    for _number in range(2):
        client.get(reverse("trail"), {"as": "csv"})
    assert len(AuditEvent.objects.filter(action="trail.exported")) == 2, "a file leaves the site each time"


def test_the_admins_list_of_events_is_walked_and_never_counted(administrator: Membership, sign_in: SignIn) -> None:
    for _number in range(60):
        audit.patients_listed(actor=administrator, shown=[])
    client, address = sign_in(administrator), reverse("admin:audit_auditevent_changelist")
    with CaptureQueriesContext(connection) as captured:
        pages = [client.get(address, asked).content.decode() for asked in ({}, {"p": "2"}, {"kind__exact": "access"})]
    asked_of_events = [each["sql"] for each in captured if "audit_auditevent" in each["sql"]]
    assert asked_of_events
    assert not [statement for statement in asked_of_events if "COUNT(" in statement.upper()]
    shown = [page.count('class="field-moment') for page in pages[:2]]
    assert shown == [50, 60 + 1 - 50], "the look at the first page is an event too"
    assert "?p=2" in pages[0]
    assert "?p=3" not in pages[1]
    assert client.get(address, {"p": str(FARTHEST_PAGE + 1)}).status_code == 302, "so far nobody walks"


def test_a_token_goes_by_its_name_and_never_by_what_is_kept_of_its_secret(
    administrator: Membership, sign_in: SignIn
) -> None:
    token, _key = open_service(actor=administrator, name="Archive", scope=Scope.READ)
    page = page_of(sign_in(administrator), "trail")
    assert "API token Archive" in page
    assert token.digest not in page


def test_what_a_person_did_holds_their_sign_ins_in_each_of_their_clinics(
    owner: Membership, administrator: Membership, stranger: Membership, patient: Patient, sign_in: SignIn
) -> None:
    factories.MembershipFactory.create(user=owner.user, clinic=stranger.clinic)
    accounts.user_signed_in(about=owner.user, client=FROM)
    audit.patient_viewed(actor=owner, about=patient)
    here = page_of(sign_in(administrator), "trail-person", owner.user.public_id)
    there = page_of(sign_in(stranger), "trail-person", owner.user.public_id)
    assert "user: signed in" in here
    assert "patient: viewed" in here
    assert "user: signed in" in there
    assert "patient: viewed" not in there
    nobody = factories.UserFactory.create()
    assert sign_in(administrator).get(reverse("trail-person", args=[nobody.public_id])).status_code == 404


def test_of_a_persons_sign_ins_a_clinic_is_told_those_while_they_worked_in_it(
    owner: Membership, administrator: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    def sign_in_from(address: str) -> None:
        accounts.user_signed_in(about=owner.user, client=FROM | {"address": address})

    sign_in_from("192.0.2.1")
    elsewhere = factories.MembershipFactory.create(user=owner.user, clinic=stranger.clinic)
    sign_in_from("192.0.2.2")
    deactivate_member(actor=administrator, membership=owner)
    sign_in_from("192.0.2.3")
    reactivate_member(actor=administrator, membership=owner)
    deactivate_member(actor=stranger, membership=elsewhere)
    sign_in_from("192.0.2.4")
    told = {}
    for reader in (administrator, stranger):
        client = sign_in(reader)
        pages = [page_of(client, "trail"), page_of(client, "trail-person", owner.user.public_id)]
        found = [set(re.findall(r"192\.0\.2\.\d", page)) for page in pages]
        assert found[0] == found[1]
        told[reader] = found[0]
        assert "clinics: " not in pages[0], "where else somebody works is not told"
    assert told == {administrator: {"192.0.2.1", "192.0.2.2", "192.0.2.4"}, stranger: {"192.0.2.2", "192.0.2.3"}}


def test_a_wrong_password_is_refused_to_somebody_unknown_and_no_deed_of_its_victim(
    owner: Membership, administrator: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    root = User.objects.create_superuser("root@site.example", factories.PASSWORD)
    for _number in range(5):
        Client().post(reverse("account_login"), {"login": owner.user.email, "password": "wrong"})
    client = sign_in(administrator)
    did, refused = page_of(client, "trail-person", owner.user.public_id), page_of(client, "trail-refused")
    for words in ("signing in failed", "locked out after wrong passwords"):
        assert words not in did
        assert words in refused
        assert words not in page_of(sign_in(stranger), "trail-refused")
    row = next(row for row in re.findall(r"<tr>.*?</tr>", refused, re.DOTALL) if "locked out" in row)
    assert "Somebody who was not known" in row
    assert str(owner.user) in row
    assert str(owner.user) in page_of(sign_in(root), "trail-refused"), "whose account it was is for superusers too"
    assert "signing in failed" in page_of(sign_in(owner), "account")


def test_superusers_read_what_is_of_no_clinic_and_nothing_of_patients(
    owner: Membership, patient: Patient, sign_in: SignIn
) -> None:
    root = User.objects.create_superuser("root@site.example", factories.PASSWORD)
    accounts.user_signed_in(about=root, client=FROM)
    audit.patient_viewed(actor=owner, about=patient)
    client = sign_in(root)
    page = page_of(client, "trail")
    assert "user: signed in" in page
    assert "patient: viewed" not in page
    assert client.get(reverse("trail-patient", args=[patient.public_id])).status_code == 404
    assert client.get(reverse("trail-patients"), {"code": patient.code}).status_code == 404


def test_what_a_superuser_does_on_other_clinics_is_not_told_to_one_that_they_were_a_member_of(
    administrator: Membership, sign_in: SignIn
) -> None:
    root = User.objects.create_superuser("root@site.example", factories.PASSWORD)
    factories.MembershipFactory.create(user=root, clinic=administrator.clinic)
    accounts.user_created(actor=root, about=factories.UserFactory.create(email="zoe@other.example"), fields=["email"])
    page = page_of(sign_in(administrator), "trail")
    assert "user: created" not in page
    assert "zoe@other.example" not in page
    assert "user: created" in page_of(sign_in(root), "trail")


@pytest.mark.parametrize("end", ["9999-12-31T23:59:59-10:00", "0001-01-01T00:00:00+14:00"])
def test_a_place_beyond_the_calendar_is_none(administrator: Membership, sign_in: SignIn, end: str) -> None:
    accounts.user_signed_in(about=administrator.user, client=FROM)
    assert "user: signed in" in page_of(sign_in(administrator), "trail", before=f"{end}_1")


def test_refusals_of_members_are_events_and_those_of_strangers_are_counted(
    owner: Membership, administrator: Membership, stranger: Membership, patient: Patient, sign_in: SignIn
) -> None:
    address = reverse("patient", args=[patient.public_id])
    outside = sign_in(stranger)
    assert outside.get(address).status_code == 404
    assert sign_in(owner).get(reverse("clinic")).status_code == 403
    events = AuditEvent.objects.filter(action="request.refused").order_by("pk")
    assert [(event.actor, event.clinic, event.details["status"]) for event in events] == [
        (stranger.user, stranger.clinic, 404),
        (owner.user, owner.clinic, 403),
    ]
    assert events[0].details["asked"] == [str(patient.public_id)]
    before = AuditEvent.objects.count()
    for _number in range(3):
        assert Client().get("/api/v1/patients/", headers={"Authorization": "Token wrong"}).status_code == 401
    STRANGERS._written = 0
    STRANGERS.write_if_due()
    assert AuditEvent.objects.count() == before
    assert sum(StrangersRefused.objects.filter(status=401).values_list("count", flat=True)) == 3
    assert owner.user.email in page_of(sign_in(administrator), "trail-refused")
    assert stranger.user.email not in page_of(sign_in(administrator), "trail-refused")


def test_a_browsers_own_guess_at_an_address_is_no_event(owner: Membership, sign_in: SignIn) -> None:
    assert sign_in(owner).get("/apple-touch-icon.png").status_code == 404
    assert not AuditEvent.objects.filter(action="request.refused").exists()


def test_pages_follow_each_other_without_gap_and_take_the_same_queries(
    owner: Membership, administrator: Membership, sign_in: SignIn
) -> None:
    accounts.user_signed_in(about=owner.user, client=FROM)
    for _number in range(60):
        audit.patients_listed(actor=owner, shown=[])
    streams = events_for(administrator)
    first = read_page(streams, size=25)
    second = read_page(streams, size=25, before=first.older)
    third = read_page(streams, size=25, before=second.older)
    told = [row.event.pk for page in (first, second, third) for row in page.rows]
    assert told == sorted(told, reverse=True)
    assert (len(told), len(set(told)), third.older) == (61, 61, "")
    client = sign_in(administrator)
    few = count_queries(client, reverse("trail"))
    for _number in range(30):
        audit.patients_listed(actor=owner, shown=[])
    assert count_queries(client, reverse("trail")) == few
    newest = AuditEvent.objects.latest("pk")
    assert read_page(streams, before="nonsense").rows[0].event == newest


def test_days_and_people_narrow_the_trail_by_the_clinics_clock(
    owner: Membership, administrator: Membership, sign_in: SignIn
) -> None:
    administrator.clinic.time_zone = "Asia/Vladivostok"
    administrator.clinic.save()
    audit.patients_listed(actor=owner, shown=[])
    client = sign_in(administrator)
    today = datetime.now(UTC) + timedelta(hours=10)
    assert owner.user.email in page_of(client, "trail", since=f"{today:%Y-%m-%d}")
    tomorrow = f"{today + timedelta(days=1):%Y-%m-%d}"
    assert "holds nothing of this kind" in page_of(client, "trail", since=tomorrow)
    mine = page_of(client, "trail", person=str(administrator.user.public_id))
    assert "list viewed: patients" not in mine


def test_a_file_holds_what_is_shown_and_starts_no_formula(
    owner: Membership, auditor: Membership, patient: Patient, sign_in: SignIn
) -> None:
    Patient.objects.filter(pk=patient.pk).update(code="=1+1")
    audit.patient_viewed(actor=owner, about=patient)
    answer = sign_in(auditor).get(reverse("trail-patient", args=[patient.public_id]), {"as": "csv"})
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[1][1:3] == [owner.user.email, "patient: viewed"]
    assert rows[1][5] == "'=1+1"
    assert given_out(AuditEvent.objects.get(action="trail.exported"), Patient) == [str(patient.public_id)]


def test_each_question_walks_along_an_index(owner: Membership, administrator: Membership) -> None:
    streams = events_for(administrator)
    questions = [
        *streams,
        *events_for(administrator, person=owner.user),
        *(stream.filter(kind=EventKind.REFUSAL) for stream in streams),
    ]
    for question in questions:
        with CaptureQueriesContext(connection) as captured:
            list(question.order_by("-at", "-pk")[:51])
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {captured[0]['sql']}")
            plan = [row[3] for row in cursor.fetchall()]
        events = [step for step in plan if "audit_auditevent" in step and "payload" not in step]
        assert all("USING INDEX" in step for step in events), plan
