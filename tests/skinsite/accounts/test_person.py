"""What people say of themselves: a name that is nobody else's, a language and a theme that follow them."""

import re

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from skinsite.accounts.models import Membership, User
from skinsite.accounts.services.invitations import accept_invitation, invite_member
from skinsite.audit.models import AuditEvent
from tests.factories import PASSWORD, MembershipFactory, UserFactory
from tests.skinsite.conftest import SignIn

PREFERENCES = {"language": "", "theme": "", "time_zone": ""}


def test_a_person_changes_their_own_name_and_the_trail_tells_both(owner: Membership, sign_in: SignIn) -> None:
    before = owner.user.name
    sign_in(owner).post(reverse("account-person"), PREFERENCES | {"name": "  Clara   Gómez "})
    owner.user.refresh_from_db()
    assert owner.user.name == "Clara Gómez"
    event = AuditEvent.objects.get(action="user.renamed")
    assert (event.actor, event.details) == (owner.user, {"before": before, "after": "Clara Gómez"})


@pytest.mark.parametrize(
    "name",
    ["Dr. \u202enothgieL", "Anna\u2066", "Anna\u200e", "Anna\nBerg", "Anna\x00", "\u2800", "\u200b", "", "x" * 121],
)
def test_a_name_that_reads_otherwise_than_it_is_written_is_refused(
    owner: Membership, sign_in: SignIn, name: str
) -> None:
    before = owner.user.name
    assert sign_in(owner).post(reverse("account-person"), PREFERENCES | {"name": name}).status_code == 422
    owner.user.refresh_from_db()
    assert owner.user.name == before


@pytest.mark.parametrize("name", ["Anna Berg", "anna berg", "ANNA  BERG", "Аnnа Веrg", "Anna-Berg"])
def test_the_name_of_a_colleague_is_refused_and_that_of_a_stranger_is_not(
    owner: Membership, colleague: Membership, stranger: Membership, sign_in: SignIn, name: str
) -> None:
    User.objects.filter(pk=colleague.user_id).update(name="Anna Berg")
    refused = sign_in(owner).post(reverse("account-person"), PREFERENCES | {"name": name})
    assert "A colleague in this clinic has this name" in refused.content.decode()
    assert sign_in(stranger).post(reverse("account-person"), PREFERENCES | {"name": name}).status_code == 302


def test_ones_own_name_is_not_a_colleagues(owner: Membership, sign_in: SignIn) -> None:
    answer = sign_in(owner).post(reverse("account-person"), PREFERENCES | {"name": owner.user.name.upper()})
    assert answer.status_code == 302


def test_nobody_joins_under_the_name_of_a_colleague(administrator: Membership, owner: Membership) -> None:
    _invitation, secret = invite_member(actor=administrator, email="new@clinic.example", role="clinician")
    with pytest.raises(ValidationError, match="has this name"):
        accept_invitation(secret=secret, name=owner.user.name, password=PASSWORD)
    with pytest.raises(ValidationError, match="letters, blanks and signs"):
        accept_invitation(secret=secret, name="\u202eeman", password=PASSWORD)
    assert accept_invitation(secret=secret, name="Somebody New", password=PASSWORD).user.name == "Somebody New"


def test_who_has_an_account_of_that_name_changes_it_first(administrator: Membership, owner: Membership) -> None:
    namesake = MembershipFactory.create(user=UserFactory.create(name=owner.user.name)).user
    _invitation, secret = invite_member(actor=administrator, email=namesake.email, role="clinician")
    with pytest.raises(ValidationError, match="Change yours on your account page"):
        accept_invitation(secret=secret, user=namesake)
    namesake.name = "Another"
    namesake.save()
    assert accept_invitation(secret=secret, user=namesake).clinic == administrator.clinic


def test_a_superuser_gives_nobody_such_a_name_either(owner: Membership, colleague: Membership) -> None:
    superuser = UserFactory.create(is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(superuser)
    address = reverse("admin:accounts_user_change", args=[owner.user.pk])
    for name in (colleague.user.name, "\u202eeman"):
        data = {"email": owner.user.email, "name": name, "time_zone": "", "is_active": "on"}
        assert client.post(address, data).status_code == 200
    owner.user.refresh_from_db()
    assert owner.user.name not in (colleague.user.name, "\u202eeman")


def test_language_and_theme_follow_a_person_to_every_browser(owner: Membership, sign_in: SignIn) -> None:
    here = sign_in(owner)
    answer = here.post(
        reverse("account-person"), PREFERENCES | {"name": owner.user.name, "language": "ru", "theme": "dark"}
    )
    assert {name: answer.cookies[name].value for name in ("django_language", "theme")} == {
        "django_language": "ru",
        "theme": "dark",
    }
    assert AuditEvent.objects.get(action="user.preferences_set").details == {"language": "ru", "theme": "dark"}
    other = Client()
    other.post("/login/", {"username": owner.user.email, "login": owner.user.email, "password": PASSWORD})
    page = other.get(reverse("account")).content.decode()
    assert 'lang="ru" data-theme="dark"' in page


def test_who_has_chosen_nothing_keeps_what_the_browser_has(owner: Membership) -> None:
    client = Client()
    client.cookies["theme"] = "dark"
    answer = client.post("/login/", {"username": owner.user.email, "login": owner.user.email, "password": PASSWORD})
    assert answer.status_code == 302
    assert not {"theme", "django_language"} & set(answer.cookies)


@pytest.mark.parametrize("who", ["superuser", "former member"])
def test_who_belongs_to_no_clinic_has_an_account_page_too(
    owner: Membership, sign_in: SignIn, settings: Settings, who: str
) -> None:
    settings.SUPERUSERS_NEED_SECOND_FACTOR = False
    person = owner.user if who == "former member" else User.objects.create_superuser("root@site.example", PASSWORD)
    Membership.objects.update(is_active=False)
    client, other = sign_in(person), sign_in(person)
    page = client.get(reverse("account")).content.decode()
    assert "Where you are signed in" in page
    if person.is_superuser:
        assert f'href="{reverse("account")}"' in client.get("/admin/", follow=True).content.decode()
    assert reverse("mfa_index") in page
    assert "Your clinics" not in page
    assert "Your API tokens" not in page
    typed = {"name": "Ada Root", "language": "ru", "theme": "dark", "time_zone": "Asia/Tokyo"}
    assert client.post(reverse("account-person"), typed).status_code == 302
    person.refresh_from_db()
    assert {field: getattr(person, field) for field in typed} == typed
    assert "Asia/Tokyo" in client.get(reverse("account")).content.decode()
    assert client.post(reverse("account-end-sessions")).status_code == 302
    assert other.get(reverse("account")).status_code == 302
    assert client.get(reverse("account")).status_code == 200


def test_what_is_never_empty_is_not_called_optional(owner: Membership, sign_in: SignIn) -> None:
    page = sign_in(owner).get(reverse("account")).content.decode()
    labels = re.findall(r'<label for="id_(language|theme|time_zone)">(.*?)</label>', page, re.DOTALL)
    assert [(name, "optional" in label) for name, label in labels] == [
        ("language", False),
        ("theme", False),
        ("time_zone", True),
    ]
