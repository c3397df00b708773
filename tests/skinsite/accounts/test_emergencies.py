"""Access in an emergency: who grants it to whom, what is open under it, and that it ends and is told."""

from collections.abc import Callable
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from classifier.models import Patient
from skinsite.accounts.models import ApiToken, Clinic, EmergencyAccess, Membership, Role, User
from skinsite.accounts.services.emergencies import end_emergency_access, grant_emergency_access
from skinsite.audit.models import AuditEvent
from tests.factories import PASSWORD, MembershipFactory, PatientFactory, UserFactory
from tests.skinsite.conftest import SignIn, acting

Travel = Callable[[timedelta], None]


@pytest.fixture
def superuser(db: None) -> User:
    """Who runs the site."""
    return User.objects.create_superuser("root@site.example", PASSWORD)


@pytest.fixture
def patient(administrator: Membership) -> Patient:
    """A patient of the clinic whose records are needed."""
    return PatientFactory.create(clinic=administrator.clinic, code="NEEDED-NOW")


@pytest.fixture
def travel(monkeypatch: pytest.MonkeyPatch) -> Travel:
    """Moves the clock to so long after the start."""
    start: datetime = timezone.now()

    def moved(after: timedelta) -> None:
        monkeypatch.setattr(timezone, "now", lambda: start + after)

    return moved


def administered(actor: Membership | None) -> Clinic:
    assert actor is not None
    return actor.clinic


def grant(actor: Membership | None, user: User, **said: Any) -> EmergencyAccess:
    clinic = said.pop("clinic", None) or administered(actor)
    return grant_emergency_access(
        actor=actor, clinic=clinic, **{"email": user.email, "hours": 2, "reason": "Night shift alone", **said}
    )


def choose(client: Client, access: EmergencyAccess) -> None:
    """Work in the clinic, as the person chooses in the banner."""
    answer = client.post(reverse("clinic-switch"), {"clinic": str(access.clinic.public_id)})
    assert answer.status_code == 302
    client.defaults["HTTP_X_MADE_FOR"] = str(access.clinic.public_id)


def sees(client: Client, patient: Patient) -> bool:
    return client.get(reverse("patient", args=[patient.public_id])).status_code == 200


def test_an_administrator_grants_it_and_nobody_else(
    administrator: Membership, owner: Membership, reviewer: Membership, stranger: Membership, superuser: User
) -> None:
    for actor in (owner, reviewer, stranger):
        with pytest.raises(PermissionDenied):
            grant(actor, superuser, clinic=administrator.clinic)
    assert not EmergencyAccess.objects.exists()
    access = grant(administrator, superuser)
    with pytest.raises(PermissionDenied):  # whoever has it grants none on
        grant_emergency_access(
            actor=access, clinic=access.clinic, email=stranger.user.email, hours=1, reason="A friend"
        )


@pytest.mark.parametrize("kind", ["superuser", "member elsewhere", "without a clinic"])
def test_the_person_sees_the_records_while_it_lasts_and_neither_before_nor_after(  # noqa: PLR0917 fixtures
    administrator: Membership, patient: Patient, sign_in: SignIn, superuser: User, travel: Travel, kind: str
) -> None:
    elsewhere = MembershipFactory.create()
    everybody: dict[str, Membership | User] = {
        "superuser": superuser,
        "member elsewhere": elsewhere,
        "without a clinic": UserFactory.create(),
    }
    who = everybody[kind]
    person = who.user if isinstance(who, Membership) else who
    client = sign_in(who)
    assert not sees(client, patient)
    access = grant(administrator, person)
    assert not sees(client, patient), "nobody is taken to another clinic behind their back"
    choose(client, access)
    for minutes in (25, 50, 75, 100, 119):  # at work all the while
        travel(timedelta(minutes=minutes))
        assert sees(client, patient)
    travel(timedelta(hours=2, seconds=10))
    assert not sees(client, patient)
    assert client.get(reverse("home")).status_code == 403
    part = client.get(reverse("patient-search"), {"patient_code": "NEEDED"}, headers={"HX-Request": "true"})
    assert part.status_code == 409, "a page that is still open"
    assert administrator.clinic.name in part.content.decode()
    assert access.capabilities == frozenset()
    if isinstance(who, Membership):
        assert client.post(reverse("clinic-switch"), {"clinic": str(who.clinic.public_id)}).status_code == 302
        assert acting(client.get(reverse("home"))) == who


def test_it_reads_and_does_nothing_else(
    administrator: Membership, patient: Patient, sign_in: SignIn, superuser: User
) -> None:
    client = sign_in(superuser)
    choose(client, grant(administrator, superuser))
    assert client.get("/api/v1/patients/").status_code == 200
    assert client.post("/api/v1/predictions/", {"patient_code": "NEW"}).status_code == 403
    assert client.post(reverse("patient-create"), {"code": "NEW", "sex": "female"}).status_code == 403
    assert (
        client.post(reverse("patient-edit", args=[patient.public_id]), {"code": "OTHER", "sex": "female"}).status_code
        == 403
    )
    assert client.get(reverse("patient-edit", args=[patient.public_id])).status_code == 403
    assert client.get(reverse("clinic")).status_code == 403
    assert client.get(reverse("trail-patient", args=[patient.public_id])).status_code == 404
    token = {"name": "Mine", "scope": "read", "days": "30"}
    assert client.post(reverse("token-create"), token).status_code == 403
    assert list(Patient.objects.values_list("code", flat=True)) == ["NEEDED-NOW"]
    assert not ApiToken.objects.exists()
    assert not Membership.objects.filter(user=superuser).exists()


def test_what_is_read_under_it_is_told_as_such(
    administrator: Membership, patient: Patient, sign_in: SignIn, superuser: User
) -> None:
    access = grant(administrator, superuser)
    client = sign_in(superuser)
    choose(client, access)
    assert sees(client, patient)
    event = AuditEvent.objects.get(action="patient.viewed")
    assert (event.actor, event.clinic) == (superuser, administrator.clinic)
    assert event.details["under"] == "emergency_access"
    assert sees(sign_in(administrator), patient)
    assert "under" not in AuditEvent.objects.filter(action="patient.viewed").latest("pk").details
    granted = AuditEvent.objects.get(action="emergency_access.granted")
    assert (granted.actor, granted.clinic) == (administrator.user, administrator.clinic)
    assert granted.details["email"] == superuser.email
    trail = sign_in(administrator).get(reverse("trail"), {"person": str(superuser.public_id)}).content.decode()
    assert "emergency access" in trail


def test_its_person_or_an_administrator_ends_it_early(  # noqa: PLR0917 fixtures
    administrator: Membership,
    owner: Membership,
    stranger: Membership,
    patient: Patient,
    sign_in: SignIn,
    superuser: User,
) -> None:
    client = sign_in(superuser)
    for ends in (administrator, superuser):
        access = grant(administrator, superuser)
        for nobody in (owner, stranger):
            with pytest.raises(PermissionDenied):
                end_emergency_access(actor=nobody, access=access)
        choose(client, access)
        assert sees(client, patient)
        end_emergency_access(actor=ends, access=access)
        end_emergency_access(actor=ends, access=access)
        assert not sees(client, patient)
        access.refresh_from_db()
        assert access.ended_by == (ends if isinstance(ends, User) else ends.user)
    assert AuditEvent.objects.filter(action="emergency_access.ended").count() == 2


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("hours", {"hours": 5}),
        ("hours", {"hours": 0}),
        ("reason", {"reason": " \u200b"}),
        ("reason", {"reason": "x" * 301}),
        ("email", {"email": "nobody@nowhere.example"}),
    ],
)
def test_what_is_not_granted(administrator: Membership, superuser: User, field: str, said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        grant(administrator, superuser, **said)
    assert list(refused.value.message_dict) == [field]
    assert not EmergencyAccess.objects.exists()


def test_members_need_none_and_one_at_a_time_is_enough(
    administrator: Membership, owner: Membership, superuser: User, travel: Travel
) -> None:
    with pytest.raises(ValidationError, match="member already"):
        grant(administrator, owner.user)
    grant(administrator, superuser, hours=4)
    travel(timedelta(hours=3, minutes=59))
    with pytest.raises(ValidationError, match="emergency access already"):
        grant(administrator, superuser)
    travel(timedelta(hours=4, minutes=1))
    grant(administrator, superuser)


def test_a_row_that_claims_more_than_four_hours_gives_none_of_them(
    administrator: Membership, patient: Patient, sign_in: SignIn, superuser: User, travel: Travel
) -> None:
    access = grant(administrator, superuser)
    EmergencyAccess.objects.update(ends_at=timezone.now() + timedelta(days=30))
    access.refresh_from_db()
    client = sign_in(superuser)
    choose(client, access)
    for minutes in range(25, 240, 25):
        travel(timedelta(minutes=minutes))
        assert sees(client, patient)
    travel(timedelta(hours=4, seconds=10))
    assert not sees(client, patient)
    assert access.capabilities == frozenset()


def test_a_second_factor_is_asked_for_where_the_clinic_asks_for_one(
    administrator: Membership, patient: Patient, sign_in: SignIn
) -> None:
    administrator.clinic.second_factor_required = True
    administrator.clinic.save()
    person = UserFactory.create()
    client = sign_in(person)
    choose(client, grant(administrator, person))
    answer = client.get(reverse("patient", args=[patient.public_id]))
    assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_index"))
    assert client.get("/api/v1/patients/").status_code == 403


def test_the_command_grants_it_and_the_administrators_are_told(
    administrator: Membership,
    owner: Membership,
    stranger: Membership,
    superuser: User,
    django_capture_on_commit_callbacks: Any,
) -> None:
    second = MembershipFactory.create(clinic=administrator.clinic, role=Role.ADMINISTRATOR)
    said = ["--clinic", administrator.clinic.slug, "--email", superuser.email.upper(), "--reason", "Nobody answers"]
    with pytest.raises(CommandError, match="--hours"):
        call_command("grant_emergency_access", *said, "--hours", "5")
    out = StringIO()
    with django_capture_on_commit_callbacks(execute=True):
        call_command("grant_emergency_access", *said, "--hours", "4", stdout=out)
    access = EmergencyAccess.objects.get()
    assert (access.user, access.clinic, access.granted_by) == (superuser, administrator.clinic, None)
    assert access.ends_at - access.granted_at == timedelta(hours=4)
    assert superuser.email in out.getvalue()
    assert {to for each in mail.outbox for to in each.to} == {administrator.user.email, second.user.email}
    assert superuser.email in mail.outbox[0].body
    assert "Nobody answers" not in mail.outbox[0].body
    event = AuditEvent.objects.get(action="emergency_access.granted")
    assert (event.actor, event.clinic) == (None, administrator.clinic)


def test_the_clinic_s_page_grants_shows_and_ends_it_for_its_administrator_alone(
    administrator: Membership, owner: Membership, stranger: Membership, superuser: User, sign_in: SignIn
) -> None:
    said = {"email": superuser.email, "hours": "2", "reason": "Night shift alone"}
    assert sign_in(owner).post(reverse("clinic-emergency"), said).status_code == 403
    site = sign_in(administrator)
    assert site.post(reverse("clinic-emergency"), {**said, "hours": "5"}).status_code == 422
    assert not EmergencyAccess.objects.exists()
    assert site.post(reverse("clinic-emergency"), said).status_code == 302
    access = EmergencyAccess.objects.get()
    assert (access.user, access.clinic, access.granted_by) == (superuser, administrator.clinic, administrator.user)
    page = site.get(reverse("clinic")).content.decode()
    for told in (superuser.email, "Night shift alone", "Runs until"):
        assert told in page
    address = reverse("clinic-emergency-end", args=[access.public_id])
    assert sign_in(stranger).post(address, {"confirmed": "yes"}).status_code == 404
    assert sign_in(owner).post(address, {"confirmed": "yes"}).status_code == 403
    assert "End the emergency access" in site.post(address).content.decode()
    assert EmergencyAccess.objects.active().exists(), "it asks first"
    assert site.post(address, {"confirmed": "yes"}).status_code == 302
    assert not EmergencyAccess.objects.active().exists()
    assert "Ended early by" in site.get(reverse("clinic")).content.decode()


def test_a_banner_tells_its_person_on_every_page_and_ends_it(
    administrator: Membership, patient: Patient, superuser: User, stranger: Membership, sign_in: SignIn
) -> None:
    client = sign_in(superuser)
    assert "Emergency access" not in client.get(reverse("admin:accounts_clinic_changelist")).content.decode()
    access = grant(administrator, superuser)
    until = timezone.localtime(access.ends_at).strftime("%H:%M")
    for name in ("admin:accounts_clinic_changelist", "home"):
        page = client.get(reverse(name)).content.decode()
        assert f"you may read the records of {access.clinic} until {until}" in page
    choose(client, access)
    for address in (reverse("patient", args=[patient.public_id]), reverse("home"), reverse("account")):
        page = client.get(address).content.decode()
        assert f"you read the records of {access.clinic} until {until}" in page
        for offered in (reverse("upload"), reverse("patient-edit", args=[patient.public_id]), reverse("token-create")):
            assert f'"{offered}' not in page, "what would be refused is not offered"
    end = reverse("account-emergency-end", args=[access.public_id])
    assert sign_in(stranger).post(end).status_code == 404
    assert client.post(end).status_code == 302
    assert not sees(client, patient)
    assert "Emergency access:" not in client.get(reverse("home")).content.decode()
