"""Superusers manage clinics, people and memberships in the admin, on record."""

import re

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from skinsite.accounts.models import Clinic, Membership, Role, User
from skinsite.accounts.services.passwords import reset_password_of_anybody
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.skinsite.conftest import SignIn


@pytest.fixture
def superuser(db: None) -> User:
    """Who runs the site."""
    return User.objects.create_superuser("root@site.example", factories.PASSWORD)


def test_whoever_belongs_to_no_clinic_and_runs_the_site_signs_in_to_the_admin(
    superuser: User, reviewer: Membership, client: Client
) -> None:
    def place(email: str) -> str:
        return client.post(reverse("account_login"), {"login": email, "password": factories.PASSWORD}).headers[
            "Location"
        ]

    assert place(superuser.email) == "/admin/"
    assert client.get("/", follow=True).status_code == 403
    client.logout()
    assert place(reviewer.user.email) == "/"


def test_the_admin_opens_on_the_clinics_for_a_superuser_and_on_the_readings_for_a_reviewer(
    superuser: User, reviewer: Membership, sign_in: SignIn
) -> None:
    assert sign_in(superuser).get("/admin/")["Location"] == "/admin/accounts/clinic/"
    assert sign_in(reviewer).get("/admin/")["Location"] == "/admin/classifier/prediction/"


def test_a_superuser_adds_a_clinic_a_person_and_a_membership(superuser: User, sign_in: SignIn) -> None:
    client = sign_in(superuser)
    client.post("/admin/accounts/clinic/add/", {"name": "North", "slug": "north", "is_active": "on"})
    client.post("/admin/accounts/user/add/", {"email": "New@Clinic.Example", "name": "N. Ew", "is_active": "on"})
    clinic, person = Clinic.objects.get(slug="north"), User.objects.get(email="new@clinic.example")
    assert not person.has_usable_password()
    client.post(
        "/admin/accounts/membership/add/",
        {"user": person.pk, "clinic": clinic.pk, "role": Role.REVIEWER, "is_active": "on"},
    )
    assert Membership.objects.get(user=person, clinic=clinic).role == Role.REVIEWER
    recorded = AuditEvent.objects.filter(actor=superuser, kind="change").values_list("action", flat=True)
    assert sorted(recorded) == ["clinic.created", "membership.created", "user.created"]


def test_the_last_administrator_of_a_clinic_stays(superuser: User, administrator: Membership, sign_in: SignIn) -> None:
    address = f"/admin/accounts/membership/{administrator.pk}/change/"
    response = sign_in(superuser).post(address, {"role": Role.CLINICIAN, "is_active": "on"})
    assert "last administrator" in response.content.decode()
    administrator.refresh_from_db()
    assert administrator.role == Role.ADMINISTRATOR


def test_a_superuser_ends_a_membership_and_its_role_changes_by_the_services(
    superuser: User, reviewer: Membership, sign_in: SignIn
) -> None:
    address = f"/admin/accounts/membership/{reviewer.pk}/change/"
    sign_in(superuser).post(address, {"role": Role.CLINICIAN})
    reviewer.refresh_from_db()
    assert (reviewer.role, reviewer.is_active) == (Role.CLINICIAN, False)
    told = AuditEvent.objects.filter(kind="change").values_list("action", "actor__email")
    assert sorted(told) == [
        ("membership.deactivated", superuser.email),
        ("membership.role_changed", superuser.email),
    ]


def test_of_a_change_that_is_refused_nothing_stays(
    superuser: User, owner: Membership, reviewer: Membership, sign_in: SignIn
) -> None:
    address = f"/admin/accounts/membership/{reviewer.pk}/change/"
    # The only administrator now: the new role is granted, and ending the membership is refused.
    response = sign_in(superuser).post(address, {"role": Role.ADMINISTRATOR})
    assert "last administrator" in response.content.decode()
    reviewer.refresh_from_db()
    assert (reviewer.role, reviewer.is_active) == (Role.REVIEWER, True)
    assert not AuditEvent.objects.filter(kind="change").exists()


def test_signing_out_of_the_admin_ends_the_session_of_the_site(reviewer: Membership, sign_in: SignIn) -> None:
    client = sign_in(reviewer)
    client.post("/admin/logout/")
    assert client.get("/admin/classifier/prediction/").status_code == 302


def test_a_password_is_changed_where_everybody_changes_it(reviewer: Membership, sign_in: SignIn) -> None:
    assert sign_in(reviewer).get("/admin/password_change/")["Location"] == "/account/password/"


@pytest.mark.parametrize("model", ["clinic", "user", "membership"])
def test_lists_take_the_same_queries_for_3_and_for_30_rows(model: str, superuser: User, sign_in: SignIn) -> None:
    client = sign_in(superuser)
    address = f"/admin/accounts/{model}/"

    def count() -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    factories.MembershipFactory.create_batch(3)
    with_three = count()
    factories.MembershipFactory.create_batch(27)
    assert count() == with_three


def test_a_superuser_gives_no_clinic_the_name_of_another_and_finds_it_in_any_case(
    superuser: User, sign_in: SignIn
) -> None:
    clinic = factories.ClinicFactory.create(name="Клиника Кожи")
    client = sign_in(superuser)
    said = {"name": "клиника кожи", "slug": "second", "is_active": "on"}
    assert "There is a clinic of this name already" in client.post("/admin/accounts/clinic/add/", said).content.decode()
    assert Clinic.objects.count() == 1
    assert client.post(f"/admin/accounts/clinic/{clinic.pk}/change/", said).status_code == 302
    assert "клиника кожи" in client.get("/admin/accounts/clinic/", {"q": "КЛИНИКА"}).content.decode()
    assert "клиника кожи" not in client.get("/admin/accounts/clinic/", {"q": "север"}).content.decode()


def take_password_away(client: Client, *people: User) -> str:
    data = {"action": "send_password_link", "_selected_action": [person.pk for person in people]}
    return client.post("/admin/accounts/user/", data, follow=True).content.decode()


def test_who_runs_the_site_resets_a_password_by_a_link_that_only_its_person_gets(
    superuser: User, owner: Membership, sign_in: SignIn
) -> None:
    before = sign_in(owner)
    page = take_password_away(sign_in(superuser), owner.user)
    assert f"A link was mailed to {owner.user.email}." in page
    assert "/set-password/" not in page
    assert before.get("/history/").status_code == 302  # signed out
    sent = [message for message in mail.outbox if "/set-password/" in str(message.body)]
    assert [message.to for message in sent] == [[owner.user.email]]
    assert f"{superuser}, who runs this site" in str(sent[0].body)
    link = re.search(r"http://testserver(/set-password/\S+)", str(sent[0].body))
    assert link
    assert Client().get(link[1], follow=True).status_code == 200
    event = AuditEvent.objects.get(action="user.password_reset")
    assert (event.actor, event.clinic) == (superuser, None)
    owner.user.refresh_from_db()
    assert not owner.user.has_usable_password()


def test_without_a_mail_server_nor_for_oneself_nor_by_others_a_password_is_reset_there(
    superuser: User, administrator: Membership, owner: Membership, sign_in: SignIn, settings: Settings
) -> None:
    assert "own password on your account page" in take_password_away(sign_in(superuser), superuser)
    take_password_away(sign_in(administrator), owner.user)
    with pytest.raises(PermissionDenied):
        reset_password_of_anybody(actor=administrator.user, user=owner.user)
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert "by mail alone" in take_password_away(sign_in(superuser), owner.user)
    for person in (superuser, owner.user):
        person.refresh_from_db()
        assert person.check_password(factories.PASSWORD)
    assert not AuditEvent.objects.filter(action="user.password_reset").exists()
