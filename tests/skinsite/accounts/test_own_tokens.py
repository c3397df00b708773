"""API tokens that people make for themselves on their account page: three actors, shown once, ended."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from skinsite.accounts.models import ApiToken, Membership, Scope
from skinsite.accounts.services.passwords import set_password_by_link
from skinsite.accounts.tokens import MOST_TOKENS, create_token, end_tokens, revoke_token
from skinsite.audit.models import AuditEvent
from skinsite.settings.rates import Rate
from tests.factories import PASSWORD, MembershipFactory
from tests.skinsite.conftest import SignIn, token_for

FORM = {"name": "Notebook", "scope": "upload", "days": "30"}


def key_of(page: str) -> str:
    found = re.search(r'id="token-key"[^>]*value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


def test_a_token_is_made_shown_once_and_works(owner: Membership, sign_in: SignIn) -> None:
    client = sign_in(owner)
    answer = client.post(reverse("token-create"), FORM)
    assert "no-store" in answer["Cache-Control"]
    key = key_of(answer.content.decode())
    account = client.get(reverse("account")).content.decode()
    assert "Notebook" in account
    assert key not in account
    token = ApiToken.objects.get()
    assert (token.user, token.membership, token.service) == (owner.user, owner, None)
    assert (token.name, token.scope) == ("Notebook", Scope.UPLOAD)
    assert timedelta(days=29) < token.expiry - timezone.now() <= timedelta(days=30)
    program = APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    assert program.get("/api/v1/patients/").json()["errors"][0]["code"] == "missing_scope"
    event = AuditEvent.objects.get(action="api_token.created")
    assert (event.actor, event.clinic) == (owner.user, owner.clinic)
    assert event.details == {"for_email": owner.user.email, "name": "Notebook", "scope": "upload"}
    assert key not in str(event.details)


def test_it_works_ninety_days_unless_another_time_is_chosen(owner: Membership, sign_in: SignIn) -> None:
    page = sign_in(owner).get(reverse("account")).content.decode()
    assert '<option value="90" selected>90 days</option>' in page
    assert '<option value="read" selected>Read</option>' in page


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " \u200b "), ("name", "x" * 61), ("scope", "everything"), ("days", "366"), ("days", "0")],
)
def test_a_form_that_makes_no_sense_makes_nothing(owner: Membership, sign_in: SignIn, field: str, value: str) -> None:
    answer = sign_in(owner).post(reverse("token-create"), FORM | {field: value})
    assert answer.status_code == 422
    assert ApiToken.objects.count() == 0


def test_a_form_sent_twice_makes_one_token(owner: Membership, sign_in: SignIn) -> None:
    client, once = sign_in(owner), {"once": str(uuid4())}
    assert client.post(reverse("token-create"), FORM | once).status_code == 200
    again = client.post(reverse("token-create"), FORM | once)
    assert again.status_code == 422
    assert "has been made already" in again.content.decode()
    assert ApiToken.objects.count() == 1


def test_nobody_makes_a_token_for_a_colleague(
    owner: Membership, administrator: Membership, stranger: Membership
) -> None:
    for actor in (administrator, stranger):
        with pytest.raises(PermissionDenied):
            create_token(actor=actor, membership=owner, name="Theirs", scope=Scope.READ)
    assert ApiToken.objects.count() == 0


def test_there_are_only_so_many_at_once(owner: Membership) -> None:
    for number in range(MOST_TOKENS):
        token_for(owner, name=f"Token {number}")
    with pytest.raises(ValidationError, match="Revoke one"):
        create_token(actor=owner, membership=owner, name="One more", scope=Scope.READ)
    ApiToken.objects.update(expiry=timezone.now() - timedelta(minutes=1))
    create_token(actor=owner, membership=owner, name="One more", scope=Scope.READ)


def test_one_that_ended_a_month_ago_leaves_the_list(owner: Membership) -> None:
    token_for(owner, name="Old", expiry=timedelta(days=-31))
    token_for(owner, name="Just ended", expiry=timedelta(days=-29))
    create_token(actor=owner, membership=owner, name="New", scope=Scope.READ)
    assert set(ApiToken.objects.values_list("name", flat=True)) == {"Just ended", "New"}


def test_all_tokens_of_a_person_end_and_nobody_elses(owner: Membership, colleague: Membership) -> None:
    elsewhere = MembershipFactory.create(user=owner.user)
    token_for(owner)
    token_for(elsewhere)
    token_for(owner, expiry=timedelta(days=-1))
    others, _key = token_for(colleague)
    assert end_tokens(user=owner.user) == 2
    assert list(ApiToken.objects.all()) == [others]


def test_a_program_that_is_nobodys_revokes_no_token_of_nobodys(owner: Membership, stranger: Membership) -> None:
    service = owner.clinic.services.create(name="Archive", scope=Scope.WRITE)
    first, _key = ApiToken.objects.create(None, service=service, scope=Scope.WRITE)
    second, _key = ApiToken.objects.create(None, service=service, scope=Scope.WRITE)
    with pytest.raises(PermissionDenied):
        revoke_token(actor=first, token=second)


def test_only_who_is_signed_in_makes_one(client: Client, db: None) -> None:
    assert client.post(reverse("token-create"), FORM).status_code == 302


# With a password


NEW = "a quite different passphrase"
CHANGE = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}


@pytest.mark.parametrize(("kept", "left"), [({}, 0), ({"keep_tokens": "on"}, 1)])
def test_tokens_end_with_a_password_change_unless_they_are_kept_on_purpose(
    owner: Membership, colleague: Membership, sign_in: SignIn, kept: dict[str, str], left: int
) -> None:
    token_for(owner)
    others, _key = token_for(colleague)
    client = sign_in(owner)
    assert "Keep my API tokens" in client.get(reverse("account_change_password")).content.decode()
    assert client.post(reverse("account_change_password"), CHANGE | kept).status_code == 302
    assert ApiToken.objects.filter(user=owner.user).count() == left
    assert ApiToken.objects.filter(pk=others.pk).exists()
    assert AuditEvent.objects.get(action="user.password_changed").details["api_tokens_ended"] == 1 - left


def test_a_refused_change_ends_no_token(owner: Membership, sign_in: SignIn) -> None:
    token_for(owner)
    sign_in(owner).post(reverse("account_change_password"), CHANGE | {"oldpassword": "wrong"})
    assert ApiToken.objects.count() == 1


def test_who_has_no_token_is_not_asked_about_any(owner: Membership, sign_in: SignIn) -> None:
    assert "Keep my API tokens" not in sign_in(owner).get(reverse("account_change_password")).content.decode()


def test_tokens_always_end_with_a_password_set_by_a_link(owner: Membership) -> None:
    token_for(owner)
    set_password_by_link(user=owner.user, password=NEW, client={})
    assert ApiToken.objects.count() == 0


@pytest.mark.parametrize("address", ["/api/v1/patients/", "/images/7b0d6bd1-1a4e-4d38-9e2c-8a8c9e4b6f10/thumbnail"])
def test_who_guesses_tokens_is_refused_and_a_right_one_from_there_works_on(
    owner: Membership, settings: Settings, address: str
) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"wrong_tokens": Rate(3, 3600)}
    _token, key = token_for(owner)

    def ask(token: str, place: str = "2001:db8::1") -> Any:
        return Client(REMOTE_ADDR=place).get(address, headers={"Authorization": f"Token {token}"})

    assert [ask(f"{number:064}").status_code for number in range(4)] == [401, 401, 401, 429]
    refused = ask("g" * 64, "2001:db8::2")
    assert refused.status_code == 429
    assert 3500 < int(refused["Retry-After"]) <= 3600
    assert ask(key).status_code in {200, 404}
    assert ask("g" * 64, "2001:db8:0:1::1").status_code == 401
