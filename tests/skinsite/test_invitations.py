"""Invitations: single-use links into a clinic."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from skinsite.accounts.models import ApiToken, Clinic, Invitation, Membership, Role, User
from skinsite.accounts.services.invitations import accept_invitation, find_invitation, invite_member, revoke_invitation
from skinsite.audit.models import AuditEvent
from tests.factories import PASSWORD, MembershipFactory, UserFactory
from tests.skinsite.conftest import SignIn, acting

EMAIL = "new.person@clinic.example"


@pytest.fixture
def secret(administrator: Membership) -> str:
    """The secret of an open invitation of a reviewer."""
    return invite_member(actor=administrator, email=EMAIL, role=Role.REVIEWER)[1]


def joining(**changed: str) -> dict[str, str]:
    return {"name": "New Person", "password": PASSWORD, "password_again": PASSWORD} | changed


def test_the_link_goes_by_mail_and_the_administrator_never_sees_it(administrator: Membership, sign_in: SignIn) -> None:
    client = sign_in(administrator)
    response = client.post(reverse("clinic-invite"), {"email": " New.Person@Clinic.Example ", "role": "reviewer"})
    [letter] = mail.outbox
    assert letter.to == [EMAIL]
    link = linked(letter.body)
    for page in (response, client.get(reverse("clinic"))):
        assert EMAIL in page.content.decode()
        assert "/invitations/" + link.split("/")[-2] not in page.content.decode()
    assert "no-store" in response["Cache-Control"]
    assert Client().get(link).status_code == 200


def linked(text: object) -> str:
    """The address of an invitation in a letter or on a page."""
    [link, *_others] = re.findall(r"http://testserver/invitations/[^\s\"]+", str(text))
    return str(link)


def test_no_russian_date_is_followed_by_a_second_full_stop(administrator: Membership, sign_in: SignIn) -> None:
    client = sign_in(administrator)
    ApiToken.objects.create(administrator.user, expiry=timedelta(days=1), membership=administrator)
    said = {"email": EMAIL, "role": "reviewer"}
    shown = client.post(reverse("clinic-invite"), said, headers={"accept-language": "ru"}).content.decode()
    tokens = client.get(reverse("account"), headers={"accept-language": "ru"}).content.decode()
    for text in (shown, tokens, str(mail.outbox[0].body)):
        assert re.search(r"\d{1,2} [а-я]+ \d{4}", text)
        assert "г.." not in text


def test_without_a_mail_server_nothing_is_sent_or_logged(
    administrator: Membership, sign_in: SignIn, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    response = sign_in(administrator).post(reverse("clinic-invite"), {"email": EMAIL, "role": "reviewer"})
    assert "No e-mail has been sent" in response.content.decode()
    link = response.context["link"]
    assert link in response.content.decode()
    captured = capsys.readouterr()
    assert "/invitations/" not in captured.out + captured.err


def test_a_mail_server_that_is_gone_is_told_and_the_link_is_still_not_shown(
    administrator: Membership, sign_in: SignIn, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    response = sign_in(administrator).post(reverse("clinic-invite"), {"email": EMAIL, "role": "reviewer"})
    assert "could not be sent" in response.content.decode()
    assert "/invitations/" not in response.content.decode().replace("/clinic/invitations/", "")


def test_only_the_hash_of_the_secret_is_kept(secret: str) -> None:
    assert secret not in str(Invitation.objects.values().get())
    assert secret not in str(AuditEvent.objects.values())


def test_a_new_person_joins_and_is_signed_in(secret: str, clinic: object, client: Client) -> None:
    address = reverse("invitation", args=[secret])
    assert EMAIL in client.get(address).content.decode()
    assert client.post(address, joining())["Location"] == reverse("home")
    member = Membership.objects.get(user__email=EMAIL)
    assert (member.clinic, member.role, member.user.name) == (clinic, Role.REVIEWER, "New Person")
    assert member.user.check_password(PASSWORD)
    assert acting(client.get(reverse("account"))) == member
    assert AuditEvent.objects.get(action="invitation.accepted").actor == member.user


def test_who_may_not_come_in_yet_is_not_welcomed(
    secret: str, clinic: Clinic, client: Client, settings: Settings
) -> None:
    settings.DEMO_ALLOWED = False
    Clinic.objects.filter(pk=clinic.pk).update(is_demo=True)
    answer = client.post(reverse("invitation", args=[secret]), joining(), follow=True)
    assert Membership.objects.filter(user__email=EMAIL).exists()
    assert "You are now a member" not in answer.content.decode()
    assert not answer.wsgi_request.user.is_authenticated
    assert "clinic" not in client.session


def test_the_link_works_once(secret: str, client: Client) -> None:
    address = reverse("invitation", args=[secret])
    client.post(address, joining())
    response = Client().get(address)
    assert response.status_code == 404
    assert "is over" in response.content.decode()
    assert Client().post(address, joining(name="Second")).status_code == 404
    assert not User.objects.filter(name="Second").exists()


@pytest.mark.parametrize("end", ["expired", "withdrawn", "clinic closed", "invited again"])
def test_a_link_that_is_over(administrator: Membership, secret: str, client: Client, end: str) -> None:
    invitation = Invitation.objects.get()
    if end == "expired":
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif end == "withdrawn":
        revoke_invitation(actor=administrator, invitation=invitation)
    elif end == "clinic closed":
        administrator.clinic.is_active = False
        administrator.clinic.save()
    else:
        invite_member(actor=administrator, email=EMAIL, role=Role.CLINICIAN)
    assert client.post(reverse("invitation", args=[secret]), joining()).status_code == 404
    assert not User.objects.filter(email=EMAIL).exists()
    with pytest.raises(ValidationError, match="used, withdrawn or has expired"):
        accept_invitation(secret=secret, name="New Person", password=PASSWORD)


def test_a_guess_finds_nothing(secret: str, client: Client) -> None:
    assert client.get(reverse("invitation", args=[secret[:-1] + "!"])).status_code == 404
    assert find_invitation("") is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"password": "short", "password_again": "short"}, "password"),
        ({"password": "password1234", "password_again": "password1234"}, "password"),
        ({"password_again": "another one entirely"}, "password_again"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_link_still_works(
    secret: str, client: Client, changed: dict[str, str], field: str
) -> None:
    response = client.post(reverse("invitation", args=[secret]), joining(**changed))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert client.post(reverse("invitation", args=[secret]), joining()).status_code == 302


def test_an_existing_account_has_to_sign_in_to_join(secret: str, client: Client) -> None:
    person = UserFactory.create(email=EMAIL)
    address = reverse("invitation", args=[secret])
    assert "sign in with it to join" in client.get(address).content.decode()
    client.post(address, joining(password="another long password", password_again="another long password"))
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    assert not person.memberships.exists()
    response = client.post(reverse("account_login"), {"login": EMAIL, "password": PASSWORD, "next": address})
    assert response["Location"] == address
    assert client.post(address)["Location"] == reverse("home")
    assert person.memberships.get().role == Role.REVIEWER


def test_the_page_of_an_invitation_does_not_tell_whether_the_address_has_an_account(
    secret: str, client: Client, settings: Settings
) -> None:
    def page() -> str:
        text = client.get(reverse("invitation", args=[secret])).content.decode()
        return re.sub(r'csrfmiddlewaretoken" value="\w+"|<code>[^<]+</code>', "", text)

    before = page()
    UserFactory.create(email=EMAIL)
    assert page() == before


def test_who_joins_by_a_link_that_was_handed_over_is_asked_whether_it_was_they(
    administrator: Membership, client: Client, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    _invitation, secret = invite_member(actor=administrator, email=EMAIL, role=Role.REVIEWER)
    client.post(reverse("invitation", args=[secret]), joining())
    assert f"{administrator.user} could have used the link" in client.get(reverse("home")).content.decode()


def test_somebody_else_cannot_take_the_invitation(secret: str, stranger: Membership, sign_in: SignIn) -> None:
    client = sign_in(stranger)
    address = reverse("invitation", args=[secret])
    assert f"for {EMAIL}" in client.get(address).content.decode()
    assert client.post(address).status_code == 422
    assert stranger.user.memberships.count() == 1
    assert find_invitation(secret) is not None


def test_the_service_makes_no_second_account_of_an_address(secret: str) -> None:
    UserFactory.create(email=EMAIL)
    with pytest.raises(ValidationError, match="sign in to join"):
        accept_invitation(secret=secret, name="New Person", password=PASSWORD)
    assert find_invitation(secret) is not None


@pytest.mark.parametrize(
    ("email", "role", "field"),
    [("no address", "reviewer", "email"), ("", "reviewer", "email"), (EMAIL, "owner", "role"), (EMAIL, "", "role")],
)
def test_a_wrong_invitation_is_said_at_its_field(
    administrator: Membership, sign_in: SignIn, email: str, role: str, field: str
) -> None:
    response = sign_in(administrator).post(reverse("clinic-invite"), {"email": email, "role": role})
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    with pytest.raises(ValidationError) as refused:
        invite_member(actor=administrator, email=email, role=role)
    assert list(refused.value.message_dict) == [field]


@pytest.mark.parametrize(("active", "text"), [(True, "is a member already"), (False, "Reactivate them")])
def test_members_present_and_past_are_not_invited(
    administrator: Membership, owner: Membership, sign_in: SignIn, *, active: bool, text: str
) -> None:
    owner.is_active = active
    owner.save()
    data = {"email": owner.user.email.upper(), "role": "reviewer"}
    response = sign_in(administrator).post(reverse("clinic-invite"), data)
    assert text in response.content.decode()
    assert not Invitation.objects.exists()


def test_a_colleague_and_a_stranger_cannot_invite(
    owner: Membership, colleague: Membership, stranger: Membership, sign_in: SignIn
) -> None:
    assert sign_in(colleague).post(reverse("clinic-invite"), {"email": EMAIL, "role": "reviewer"}).status_code == 403
    for intruder in (colleague, stranger):
        with pytest.raises(PermissionDenied):
            invite_member(actor=intruder, email=EMAIL, role=Role.ADMINISTRATOR, clinic=owner.clinic)
    assert not Invitation.objects.exists()


def test_an_invitation_is_withdrawn_by_its_own_administrator_alone(
    administrator: Membership, stranger: Membership, secret: str, sign_in: SignIn
) -> None:
    invitation = Invitation.objects.get()
    address = reverse("clinic-invitation-revoke", args=[invitation.public_id])
    assert sign_in(stranger).post(address).status_code == 404
    with pytest.raises(PermissionDenied):
        revoke_invitation(actor=stranger, invitation=invitation)
    assert find_invitation(secret) == invitation
    assert sign_in(administrator).post(address, {"confirmed": "yes"}).status_code == 302
    assert find_invitation(secret) is None
    assert AuditEvent.objects.get(action="invitation.revoked").clinic == administrator.clinic


def test_the_system_invites_the_first_administrator(owner: Membership) -> None:
    invitation, secret = invite_member(actor=None, email=EMAIL, role=Role.ADMINISTRATOR, clinic=owner.clinic)
    assert invitation.invited_by is None
    assert accept_invitation(secret=secret, name="First", password=PASSWORD).role == Role.ADMINISTRATOR


def test_one_address_can_be_invited_by_two_clinics(administrator: Membership) -> None:
    elsewhere = MembershipFactory.create(role=Role.ADMINISTRATOR)
    invite_member(actor=administrator, email=EMAIL, role=Role.REVIEWER)
    invite_member(actor=elsewhere, email=EMAIL, role=Role.CLINICIAN)
    assert Invitation.objects.count() == 2
