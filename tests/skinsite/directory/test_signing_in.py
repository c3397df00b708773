"""Signing in by a directory: whom it lets in, as what, and where the person gets to."""

import json
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp_auth
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from skinsite.accounts.models import Clinic, Membership, Role, User
from skinsite.accounts.services.invitations import invite_member
from skinsite.accounts.services.members import deactivate_member, reactivate_member
from skinsite.audit.models import AuditEvent
from skinsite.directory.models import REFRESH_TOKENS, DirectoryGrant
from skinsite.directory.sessions import directory_record
from skinsite.settings.directories import Directory
from tests.factories import MembershipFactory, UserFactory
from tests.skinsite.conftest import acting
from tests.skinsite.directory.conftest import ADDRESS, BROWSER, Configure, Walk, leave, refusals
from tests.skinsite.directory.provider import Provider, query_of


@pytest.fixture
def anna(clinic: Clinic) -> Membership:
    """A clinician of the clinic whom the directory knows too."""
    return MembershipFactory.create(user=UserFactory.create(email=ADDRESS, name="Anna"), clinic=clinic)


def test_a_member_is_let_in_by_the_verified_address(client: Client, anna: Membership, walk: Walk) -> None:
    assert walk(client)["Location"] == "/"
    assert acting(client.get(reverse("account"))) == anna
    event = AuditEvent.objects.get(action="user.signed_in_by_directory")
    assert (event.actor, event.clinic) == (anna.user, anna.clinic)
    assert event.details == {"directory": "hospital", "address": "127.0.0.1", "browser": BROWSER}


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [("/patients/?q=1", "/patients/?q=1"), ("https://evil.example/", "/"), ("//evil.example", "/")],
)
def test_it_leads_on_to_a_page_of_this_site_alone(
    client: Client, anna: Membership, walk: Walk, wanted: str, reached: str
) -> None:
    assert walk(client, next=wanted)["Location"] == reached


def test_the_request_asks_with_state_nonce_and_pkce_and_takes_no_wishes(client: Client, directory: Directory) -> None:
    page = client.post(reverse("openid_connect_login", args=["hospital"]) + "?scope=admin&auth_params=prompt%3Dnone")
    asked = query_of(page.context["address"])
    assert set(asked) == {
        *("client_id", "redirect_uri", "scope", "response_type", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    assert set(asked["scope"].split()) == {"openid", "profile", "email"}
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == "http://testserver/oidc/hospital/login/callback/"
    assert asked["nonce"] not in ("", asked["state"])


def test_the_code_is_exchanged_with_the_verifier_of_the_challenge(
    client: Client, anna: Membership, walk: Walk, provider: Provider
) -> None:
    walk(client)
    (asked,) = provider.asked
    assert asked["grant_type"] == "authorization_code"
    assert len(asked["code_verifier"]) >= 43


def test_the_buttons_stand_on_the_sign_in_page_and_lead_there_by_post_alone(
    client: Client, directory: Directory
) -> None:
    page = client.get(reverse("account_login"), {"next": "/patients/"}).content.decode()
    assert "Sign in with Hospital account" in page
    assert 'action="/oidc/hospital/login/"' in page
    assert client.get("/oidc/hospital/login/").status_code == 405


def test_without_a_directory_nothing_is_offered(client: Client, db: None) -> None:
    assert "/oidc/" not in client.get(reverse("account_login")).content.decode()
    assert client.post(reverse("openid_connect_login", args=["hospital"])).status_code == 404
    assert client.get(reverse("openid_connect_callback", args=["hospital"])).status_code == 404


def test_forms_still_go_to_this_site_alone(client: Client, directory: Directory) -> None:
    page = client.post(reverse("openid_connect_login", args=["hospital"]))
    assert "form-action 'self';" in page["Content-Security-Policy"] + ";"
    assert page["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


@pytest.mark.parametrize("spelt", [ADDRESS.upper(), "ａnna@hospital.example", f" {ADDRESS} "])
def test_an_address_is_compared_in_the_one_spelling(
    client: Client, anna: Membership, walk: Walk, provider: Provider, spelt: str
) -> None:
    provider.know("anna", email=spelt, email_verified=True)
    assert walk(client).status_code == 302
    assert User.objects.count() == 2  # the clinic's own clinician, and Anna


@pytest.mark.parametrize("said", [False, None, "false", "yes", 0, 2, [True], {}])
def test_an_address_that_is_not_verified_makes_no_account(
    client: Client, anna: Membership, walk: Walk, provider: Provider, said: Any
) -> None:
    provider.know("anna", email=ADDRESS, email_verified=said)
    answer = walk(client)
    assert answer.status_code == 403
    assert "does not confirm that the e-mail address is yours" in answer.content.decode()
    assert refusals() == [("unverified", ADDRESS, "127.0.0.1")]
    assert not acting(client.get(reverse("account_login")))


@pytest.mark.parametrize(
    "address",
    ["anna@elsewhere.example", "anna@sub.hospital.example", "anna@hospital.example.evil.example", "@hospital.example"],
)
def test_an_address_outside_of_the_domains_makes_no_account(
    client: Client, clinic: Clinic, walk: Walk, provider: Provider, address: str
) -> None:
    MembershipFactory.create(user=UserFactory.create(email=ADDRESS), clinic=clinic)
    invite_member(actor=None, email="anna@elsewhere.example", role=Role.CLINICIAN, clinic=clinic)
    provider.know("anna", email=address, email_verified=True)
    assert walk(client).status_code == 403
    assert refusals() == [("domain", address, "127.0.0.1")]
    assert not User.objects.filter(email=address).exists()


def test_who_belongs_to_no_clinic_gets_no_account(client: Client, walk: Walk) -> None:
    answer = walk(client)
    assert answer.status_code == 403
    assert "Ask an administrator to invite you" in answer.content.decode()
    assert refusals() == [("no_place", ADDRESS, "127.0.0.1")]
    assert not User.objects.filter(email=ADDRESS).exists()


def test_an_open_invitation_to_the_address_is_accepted(
    client: Client, clinic: Clinic, walk: Walk, administrator: Membership
) -> None:
    invite_member(actor=administrator, email=ADDRESS, role=Role.REVIEWER)
    assert walk(client).status_code == 302
    joined = Membership.objects.get(user__email=ADDRESS)
    assert (joined.clinic, joined.role, joined.user.name) == (clinic, "reviewer", "Anna Berg")
    assert not joined.user.has_usable_password()
    assert acting(client.get(reverse("account"))) == joined


def test_who_has_no_password_is_told_so_where_it_would_be_changed(
    client: Client, clinic: Clinic, walk: Walk, administrator: Membership
) -> None:
    invite_member(actor=administrator, email=ADDRESS, role=Role.CLINICIAN)
    walk(client)
    address = reverse("account_change_password")
    assert address not in client.get(reverse("account")).content.decode()
    answer = client.get(address, follow=True)
    assert answer.redirect_chain == [(reverse("account"), 302)]
    assert "You have no password here" in str([str(each) for each in answer.context["messages"]])


@pytest.mark.parametrize("told", ["Anna \u202egreB", "Dr. Colleague", "x" * 300, "", 7, None])
def test_a_name_that_nobody_could_give_themselves_is_left_out(
    client: Client, colleague: Membership, walk: Walk, provider: Provider, told: Any
) -> None:
    User.objects.filter(pk=colleague.user_id).update(name="Dr. Colleague")
    invite_member(actor=None, email=ADDRESS, role=Role.CLINICIAN, clinic=colleague.clinic)
    provider.know("anna", email=ADDRESS, email_verified=True, name=told)
    assert walk(client).status_code == 302
    assert User.objects.get(email=ADDRESS).name == ("7" if told == 7 else "")


def test_an_invitation_to_another_clinic_is_not(client: Client, stranger: Membership, walk: Walk) -> None:
    invitation, _secret = invite_member(actor=stranger, email=ADDRESS, role=Role.ADMINISTRATOR)
    assert walk(client).status_code == 403
    invitation.refresh_from_db()
    assert invitation.is_open


def test_an_expired_invitation_is_none(client: Client, administrator: Membership, walk: Walk) -> None:
    invitation, _secret = invite_member(actor=administrator, email=ADDRESS, role=Role.CLINICIAN)
    invitation.expires_at = timezone.now()
    invitation.save()
    assert walk(client).status_code == 403


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"is_active": False}, "closed"), ({"is_superuser": True}, "superuser"), ({"is_staff": True}, "superuser")],
)
def test_closed_accounts_and_those_that_run_the_site_never_come_in_by_a_directory(
    client: Client, anna: Membership, walk: Walk, change: dict[str, bool], reason: str
) -> None:
    User.objects.filter(pk=anna.user_id).update(**change)
    assert walk(client).status_code == 403
    assert refusals() == [(reason, ADDRESS, "127.0.0.1")]


def test_an_address_that_another_account_of_the_directory_takes_over_is_not_the_same_person(
    client: Client, anna: Membership, walk: Walk, provider: Provider
) -> None:
    walk(client)
    provider.know("anna-the-second", email=ADDRESS, email_verified=True)
    assert walk(Client(), "anna-the-second").status_code == 403
    assert refusals() == [("other_person", ADDRESS, "127.0.0.1")]


def test_those_who_run_the_site_hand_the_account_over(
    client: Client, anna: Membership, walk: Walk, provider: Provider
) -> None:
    walk(client)
    provider.know("anna-the-second", email=ADDRESS, email_verified=True)
    call_command("unlink_directory", ADDRESS.upper(), stdout=StringIO())
    assert walk(Client(), "anna-the-second").status_code == 302
    assert AuditEvent.objects.get(action="user.directory_unlinked").details == {"directory": ["hospital"]}
    with pytest.raises(CommandError, match=r"There is no account of nobody@hospital\.example\."):
        call_command("unlink_directory", "nobody@hospital.example")


def test_who_gets_a_new_address_in_the_directory_stays_the_same_person(
    client: Client, anna: Membership, walk: Walk, provider: Provider
) -> None:
    walk(client)
    provider.know("anna", email="anna.lund@hospital.example", email_verified=True)
    fresh = Client()
    assert walk(fresh).status_code == 302
    assert acting(fresh.get(reverse("account"))) == anna


def test_a_directory_lets_into_its_own_clinics_alone(
    client: Client, anna: Membership, stranger: Membership, walk: Walk
) -> None:
    elsewhere = MembershipFactory.create(user=anna.user, clinic=stranger.clinic)
    walk(client)
    session = client.session
    session["clinic"] = elsewhere.clinic_id
    session.save()
    assert acting(client.get(reverse("account"))) is None
    switch = client.post(reverse("clinic-switch"), {"clinic": str(elsewhere.clinic.public_id)})
    assert switch.status_code == 404
    assert elsewhere.clinic.name not in client.get(reverse("account")).content.decode()


def roles_after(walk: Walk, provider: Provider, groups: Any) -> tuple[int, list[tuple[str, bool]]]:
    """The answer's status once the directory names these groups, and what is then Anna's."""
    provider.know("anna", email=ADDRESS, email_verified=True, **({} if groups is None else {"groups": groups}))
    status = walk(Client()).status_code
    return status, list(Membership.objects.filter(user__email=ADDRESS).values_list("role", "is_active"))


def test_a_group_makes_a_member_and_changes_and_ends_it(grouped: Directory, walk: Walk, provider: Provider) -> None:
    assert roles_after(walk, provider, ["/porters"]) == (403, [])
    assert roles_after(walk, provider, ["/porters", "/doctors"]) == (302, [("clinician", True)])
    assert roles_after(walk, provider, ["/heads", "/doctors"]) == (302, [("administrator", True)])
    assert roles_after(walk, provider, "/doctors") == (302, [("clinician", True)])
    assert roles_after(walk, provider, None) == (403, [("clinician", False)])
    assert roles_after(walk, provider, ["/heads"]) == (302, [("administrator", True)])
    told = AuditEvent.objects.filter(action__startswith="membership.").order_by("pk")
    assert [each.action.partition(".")[2] for each in told] == [
        *("created", "role_changed", "role_changed", "deactivated", "reactivated", "role_changed"),
    ]


def test_a_membership_by_invitation_is_the_clinic_s_whatever_the_groups(
    grouped: Directory, anna: Membership, walk: Walk, provider: Provider
) -> None:
    assert roles_after(walk, provider, ["/heads"]) == (302, [("clinician", True)])
    assert roles_after(walk, provider, []) == (302, [("clinician", True)])


def test_whom_an_administrator_put_out_no_group_brings_back(
    grouped: Directory, administrator: Membership, walk: Walk, provider: Provider
) -> None:
    roles_after(walk, provider, ["/doctors"])
    made = Membership.objects.get(user__email=ADDRESS)
    deactivate_member(actor=administrator, membership=made)
    assert roles_after(walk, provider, ["/doctors"]) == (403, [("clinician", False)])
    reactivate_member(actor=administrator, membership=made)
    assert roles_after(walk, provider, []) == (302, [("clinician", True)])


@pytest.mark.parametrize("odd", [7, {"a": 1}, [["/doctors"], None, 7], True, "/doctors,/heads"])
def test_claims_of_odd_kinds_are_as_good_as_none(grouped: Directory, walk: Walk, provider: Provider, odd: Any) -> None:
    provider.know("anna", email=ADDRESS, email_verified=True, groups=odd, _claim_names=odd, name=odd)
    assert walk(Client()).status_code == 403
    provider.know("anna", email=odd, email_verified=True)
    assert walk(Client()).status_code == 403
    assert [reason for reason, *_rest in refusals()] == [
        "no_place",
        "unverified" if odd != "/doctors,/heads" else "domain",
    ]


def test_groups_that_are_left_out_for_being_many_end_nothing(
    grouped: Directory, walk: Walk, provider: Provider
) -> None:
    roles_after(walk, provider, ["/doctors"])
    provider.know("anna", email=ADDRESS, email_verified=True, _claim_names={"groups": "src1"})
    assert walk(Client()).status_code == 403
    assert [reason for reason, *_rest in refusals()] == ["groups_left_out"]
    assert Membership.objects.get(user__email=ADDRESS).is_active


def test_breaking_off_is_no_error(client: Client, directory: Directory) -> None:
    state = query_of(leave(client))["state"]
    answer = client.get(
        reverse("openid_connect_callback", args=["hospital"]), {"error": "access_denied", "state": state}
    )
    assert answer.status_code == 403
    assert "You broke off at the directory" in answer.content.decode()
    assert [reason for reason, *_rest in refusals()] == ["cancelled"]


def test_the_refusal_is_told_in_russian(client: Client, walk: Walk) -> None:
    client.cookies["django_language"] = "ru"
    page = walk(client).content.decode()
    assert "Вход не выполнен" in page
    assert "You" not in page.partition("<main")[2].partition("</main")[0]


def test_entra_s_own_claim_may_stand_for_a_verified_address(
    client: Client, walk: Walk, configure: Configure, anna: Membership, provider: Provider
) -> None:
    configure(verified_claim="xms_edov")
    provider.know("anna", email=ADDRESS, xms_edov=1)
    assert walk(client).status_code == 302
    provider.know("anna", email=ADDRESS, email_verified=True)
    assert walk(Client()).status_code == 403


def test_a_second_factor_is_asked_for_and_no_token_waits_in_the_session(
    client: Client, anna: Membership, walk: Walk, provider: Provider, directory: Directory
) -> None:
    secret = totp_auth.generate_totp_secret()
    totp_auth.TOTP.activate(anna.user, secret)
    assert walk(client)["Location"] == reverse("mfa_authenticate")
    assert acting(client.get(reverse("account_login"))) is None
    grant = DirectoryGrant.objects.get()
    waiting = json.dumps(dict(client.session))
    assert "anna" in waiting
    assert REFRESH_TOKENS.decrypt(grant.refresh_token) not in waiting
    assert "hush" not in waiting
    code = totp_auth.format_hotp_value(totp_auth.hotp_value(secret, next(totp_auth.yield_hotp_counters_from_time())))
    assert client.post(reverse("mfa_authenticate"), {"code": code})["Location"] == "/"
    assert acting(client.get(reverse("account"))) == anna
    assert directory_record(client.get(reverse("account")).wsgi_request) is not None
