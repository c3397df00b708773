"""Signing in, passwords, and what too many wrong ones lead to."""

import re

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from skinsite.accounts.lockout import client_address
from skinsite.accounts.models import ApiToken, Membership, Role
from skinsite.accounts.services.passwords import reset_password
from skinsite.audit.models import AuditEvent
from tests.clients import page_client
from tests.factories import PASSWORD, MembershipFactory
from tests.skinsite.conftest import SignIn, acting, token_for

NEW = "a quite different passphrase"


def attempt(client: Client, email: str, password: str, **extra: str) -> int:
    return client.post(reverse("account_login"), {"login": email, "password": password}, **extra).status_code  # type: ignore[arg-type] # request variables


def test_signing_in_by_address_in_any_case(client: Client, owner: Membership) -> None:
    response = client.post(reverse("account_login"), {"login": owner.user.email.upper(), "password": PASSWORD})
    assert response["Location"] == reverse("home")
    assert acting(client.get(reverse("account"))) == owner


@pytest.mark.parametrize("who", ["unknown", "wrong", "inactive"])
def test_the_same_words_for_every_failure(client: Client, owner: Membership, who: str) -> None:
    if who == "inactive":
        owner.user.is_active = False
        owner.user.save()
    email = "nobody@clinic.example" if who == "unknown" else owner.user.email
    password = "wrong" if who == "wrong" else PASSWORD
    html = client.post(reverse("account_login"), {"login": email, "password": password}).content.decode()
    assert "This e-mail address and password do not belong together" in html
    assert email in html


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_signing_in_leads_nowhere_else(client: Client, owner: Membership, target: str) -> None:
    response = client.post(reverse("account_login"), {"login": owner.user.email, "password": PASSWORD, "next": target})
    assert response["Location"] == reverse("home")


def test_whoever_is_signed_in_is_led_on(owner: Membership, sign_in: SignIn) -> None:
    assert sign_in(owner).get(reverse("account_login"))["Location"] == reverse("home")


def test_signing_out_takes_a_post(owner: Membership, sign_in: SignIn) -> None:
    client = sign_in(owner)
    assert client.get(reverse("account_logout")).status_code == 405
    assert client.post(reverse("account_logout"))["Location"] == reverse("account_login")
    assert client.get(reverse("account")).status_code == 302


# Lock-out


def test_five_wrong_passwords_close_the_account_from_that_address(client: Client, owner: Membership) -> None:
    statuses = [attempt(client, owner.user.email, "wrong") for _number in range(5)]
    assert statuses == [200, 200, 200, 200, 429]
    response = client.post(reverse("account_login"), {"login": owner.user.email, "password": PASSWORD})
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    html = response.content.decode()
    assert "closed for 15 minutes" in html
    assert "ask an administrator" in html
    assert AuditEvent.objects.filter(action="user.locked_out", object_id=str(owner.user.public_id)).exists()


def test_another_spelling_of_the_address_does_not_help(client: Client, owner: Membership) -> None:
    name, domain = owner.user.email.split("@")
    for spelling in (owner.user.email, owner.user.email.upper(), f" {owner.user.email} ", f"{name.title()}@{domain}"):
        attempt(client, spelling, "wrong")
    assert attempt(client, owner.user.email, "wrong") == 429


def test_others_and_the_same_person_elsewhere_are_not_locked_out(
    client: Client, owner: Membership, colleague: Membership
) -> None:
    for _number in range(6):
        attempt(client, owner.user.email, "wrong", REMOTE_ADDR="192.0.2.1")
    assert attempt(Client(), colleague.user.email, PASSWORD, REMOTE_ADDR="192.0.2.1") == 302
    assert attempt(Client(), owner.user.email, PASSWORD, REMOTE_ADDR="192.0.2.2") == 302


def test_a_right_password_starts_the_count_anew(client: Client, owner: Membership) -> None:
    for _round in range(2):
        assert [attempt(Client(), owner.user.email, "wrong") for _number in range(4)] == [200] * 4
        assert attempt(client, owner.user.email, PASSWORD) == 302
        client.logout()


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "forged, 203.0.113.9", "203.0.113.9"),
        (2, "forged, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "10.0.0.1", "192.0.2.1"),
        (1, "", "192.0.2.1"),
    ],
)
def test_addresses_are_believed_of_our_own_proxies_alone(
    rf: object, settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.PROXY_COUNT = proxies
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=forwarded)  # type: ignore[attr-defined] # a request factory
    assert client_address(request) == address


def test_a_forged_header_does_not_dodge_the_lock(client: Client, owner: Membership) -> None:
    statuses = [
        attempt(client, owner.user.email, "wrong", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}") for number in range(5)
    ]
    assert statuses[-1] == 429


# One's own password


def test_changing_ones_password_ends_other_sessions(owner: Membership, sign_in: SignIn) -> None:
    here, elsewhere = sign_in(owner), sign_in(owner)
    data = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert here.post(reverse("account_change_password"), data)["Location"] == reverse("account")
    assert here.get(reverse("account")).status_code == 200
    assert elsewhere.get(reverse("account")).status_code == 302
    assert AuditEvent.objects.filter(action="user.password_changed", actor=owner.user).exists()
    owner.user.refresh_from_db()
    assert owner.user.check_password(NEW)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"oldpassword": "wrong", "password1": NEW, "password2": NEW}, "oldpassword"),
        ({"oldpassword": PASSWORD, "password1": NEW, "password2": "other"}, "password2"),
        ({"oldpassword": PASSWORD, "password1": "shorter", "password2": "shorter"}, "password1"),
    ],
)
def test_a_refused_change_says_where_and_changes_nothing(
    owner: Membership, sign_in: SignIn, data: dict[str, str], field: str
) -> None:
    response = sign_in(owner).post(reverse("account_change_password"), data)
    assert list(response.context["form"].errors) == [field]
    owner.user.refresh_from_db()
    assert owner.user.check_password(PASSWORD)


def test_the_page_is_for_those_signed_in(client: Client, db: None) -> None:
    assert client.get(reverse("account_change_password"))["Location"].startswith("/login/")


# Reset by an administrator


def link_of(response: object) -> str:
    assert "/set-password/" not in response.content.decode()  # type: ignore[attr-defined] # a response
    found = re.search(r"(http://testserver/set-password/\S+)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


def test_a_reset_ends_everything_and_gives_a_link_that_works_once(
    administrator: Membership, owner: Membership, sign_in: SignIn
) -> None:
    token_for(owner)
    theirs = sign_in(owner)
    response = sign_in(administrator).post(
        reverse("clinic-member-password", args=[owner.user.public_id]), {"confirmed": "yes"}
    )
    link = link_of(response)
    assert "no-store" in response["Cache-Control"]
    assert theirs.get(reverse("account")).status_code == 302
    assert ApiToken.objects.count() == 0
    assert attempt(Client(), owner.user.email, PASSWORD) == 200

    client = Client()
    form_address = client.get(link, follow=True).redirect_chain[-1][0]
    # The secret is no longer in the address.
    assert form_address.endswith("/set-password/")
    answer = client.post(form_address, {"password1": NEW, "password2": NEW})
    assert answer["Location"] == reverse("account_login")
    assert attempt(Client(), owner.user.email, NEW) == 302
    assert "does not work any more" in Client().get(link, follow=True).content.decode()
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"user.password_reset", "user.password_set"} <= actions


def test_a_second_reset_voids_the_first_link(administrator: Membership, owner: Membership, client: Client) -> None:
    first = reverse("account_reset_password_from_key", args=reset_password(actor=administrator, membership=owner))
    second = reverse("account_reset_password_from_key", args=reset_password(actor=administrator, membership=owner))
    assert "does not work any more" in client.get(first, follow=True).content.decode()
    assert "Set the password" in Client().get(second, follow=True).content.decode()


def test_a_link_ends_after_its_time(
    administrator: Membership, owner: Membership, client: Client, settings: Settings
) -> None:
    link = reverse("account_reset_password_from_key", args=reset_password(actor=administrator, membership=owner))
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "does not work any more" in client.get(link, follow=True).content.decode()


def test_a_weak_password_is_refused_by_the_link_too(
    administrator: Membership, owner: Membership, client: Client
) -> None:
    link = reverse("account_reset_password_from_key", args=reset_password(actor=administrator, membership=owner))
    address = client.get(link, follow=True).redirect_chain[-1][0]
    response = client.post(address, {"password1": "123", "password2": "123"})
    assert "password1" in response.context["form"].errors


def test_the_account_of_somebody_who_works_elsewhere_too_is_not_taken_over(
    administrator: Membership, owner: Membership, sign_in: SignIn
) -> None:
    MembershipFactory.create(user=owner.user)
    client = sign_in(administrator)
    response = client.post(
        reverse("clinic-member-password", args=[owner.user.public_id]), {"confirmed": "yes"}, follow=True
    )
    assert "not your clinic&#x27;s alone" in response.content.decode()
    owner.user.refresh_from_db()
    assert owner.user.check_password(PASSWORD)


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_the_account_of_whoever_runs_the_site_is_not_taken_over(
    administrator: Membership, owner: Membership, flag: str
) -> None:
    setattr(owner.user, flag, True)
    owner.user.save()
    with pytest.raises(ValidationError, match="not your clinic's alone"):
        reset_password(actor=administrator, membership=owner)


def test_nobody_resets_their_own_or_a_former_members_password(administrator: Membership, owner: Membership) -> None:
    with pytest.raises(ValidationError, match="account page"):
        reset_password(actor=administrator, membership=administrator)
    owner.is_active = False
    owner.save()
    with pytest.raises(ValidationError, match="Reactivate"):
        reset_password(actor=administrator, membership=owner)


@pytest.mark.parametrize("actor", ["colleague", "stranger"])
def test_a_reset_by_somebody_else_is_refused(owner: Membership, actor: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(PermissionDenied):
        reset_password(actor=request.getfixturevalue(actor), membership=owner)
    owner.user.refresh_from_db()
    assert owner.user.check_password(PASSWORD)


def test_an_administrator_elsewhere_who_is_a_clinician_here_is_refused(
    owner: Membership, colleague: Membership
) -> None:
    MembershipFactory.create(user=colleague.user, role=Role.ADMINISTRATOR)
    with pytest.raises(PermissionDenied):
        reset_password(actor=colleague, membership=owner)


# Language


def test_the_language_is_chosen_and_kept(client: Client, db: None) -> None:
    response = client.post(reverse("set_language"), {"language": "ru", "next": "/login/"})
    assert response["Location"] == "/login/"
    assert response.cookies["django_language"].value == "ru"
    assert 'lang="ru"' in client.get("/login/").content.decode()
    assert client.post(reverse("set_language"), {"language": "ru", "next": "https://evil.example/"})["Location"] == "/"


def test_who_sets_a_password_by_a_link_that_another_had_in_hand_is_told_until_they_confirm_it(
    administrator: Membership, owner: Membership, stranger: Membership, sign_in: SignIn, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    address = reverse("clinic-member-password", args=[owner.user.public_id])
    page = sign_in(administrator).post(address, {"confirmed": "yes"}).content.decode()
    link = re.findall(r'value="(http://testserver/set-password/[^"]+)"', page)[0]
    client = page_client(owner)
    form_address = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form_address, {"password1": NEW, "password2": NEW}, REMOTE_ADDR="192.0.2.7")
    assert attempt(client, owner.user.email, NEW) == 302
    question = f"{administrator.user} could have used the link to this account's password"
    assert question in client.get(reverse("home")).content.decode()
    assert "192.0.2.7" in client.get(reverse("home")).content.decode()
    for other in (administrator, stranger):
        assert "in hand" not in sign_in(other).get(reverse("home")).content.decode()
        sign_in(other).post(reverse("password-confirm"))
    assert question in client.get(reverse("home")).content.decode()
    assert client.post(reverse("password-confirm")).status_code == 302
    assert "in hand" not in client.get(reverse("home")).content.decode()
    own = client.get(reverse("account")).content.decode()
    assert f"By a link that {administrator.user} could have used too" in own
    assert "192.0.2.7" in own
    [event] = AuditEvent.objects.filter(action="user.password_confirmed")
    assert event.actor == owner.user


def test_a_reset_by_mail_names_who_reset_and_asks_nothing(
    administrator: Membership, owner: Membership, sign_in: SignIn
) -> None:
    address = reverse("clinic-member-password", args=[owner.user.public_id])
    link_of(sign_in(administrator).post(address, {"confirmed": "yes"}))
    assert mail.outbox[-1].to == [owner.user.email]
    assert str(administrator.user) in str(mail.outbox[-1].body)
    owner.user.refresh_from_db()
    assert not owner.user.is_password_in_question
