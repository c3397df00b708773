"""Who gets in: by session and by token, and who not any more."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from skinsite.accounts.access import administrator_required, member_required
from skinsite.accounts.authentication import ClinicTokenAuthentication, Program
from skinsite.accounts.models import ApiToken, Membership, Role, User
from tests.factories import ClinicFactory, MembershipFactory, UserFactory
from tests.skinsite.conftest import SignIn, acting, token_for


def test_a_stranger_to_the_site_is_asked_to_sign_in(client: Client, db: None) -> None:
    response = client.get(reverse("account"))
    assert (response.status_code, response["Location"]) == (302, "/login/?next=/account/")


def test_a_person_without_a_clinic_is_told_what_to_do(sign_in: SignIn, db: None) -> None:
    response = sign_in(UserFactory.create()).get(reverse("home"))
    assert response.status_code == 403
    assert "You belong to no clinic" in response.content.decode()


def test_a_member_acts_for_the_clinic_of_the_session(owner: Membership, sign_in: SignIn) -> None:
    elsewhere = MembershipFactory.create(user=owner.user, role=Role.ADMINISTRATOR)
    assert acting(sign_in(owner).get(reverse("home"))) == owner
    assert acting(sign_in(elsewhere).get(reverse("home"))) == elsewhere


def test_without_a_choice_a_member_acts_for_the_first_clinic(owner: Membership, sign_in: SignIn) -> None:
    MembershipFactory.create(user=owner.user)
    assert acting(sign_in(owner.user).get(reverse("home"))) == owner


def test_a_forged_choice_gives_nothing(owner: Membership, stranger: Membership, sign_in: SignIn) -> None:
    client = sign_in(owner)
    session = client.session
    session["clinic"] = stranger.clinic_id
    session.save()
    response = client.get(reverse("home"))
    assert (response.status_code, acting(response)) == (403, None)


def test_no_other_clinic_stands_in_for_one_whose_membership_has_ended(owner: Membership, sign_in: SignIn) -> None:
    later = MembershipFactory.create(user=owner.user)
    client = sign_in(owner.user)
    assert acting(client.get(reverse("home"))) == owner
    Membership.objects.filter(pk=owner.pk).update(is_active=False)
    response = client.get(reverse("home"))
    assert (response.status_code, acting(response)) == (403, None)
    assert f"Work in {later.clinic}" in response.content.decode()
    assert client.post(reverse("clinic-switch"), {"clinic": later.clinic.public_id}).status_code == 302
    assert acting(client.get(reverse("home"))) == later


@pytest.mark.parametrize("what_ends", ["membership", "user", "clinic"])
def test_a_live_session_ends_with_what_it_stands_on(owner: Membership, sign_in: SignIn, what_ends: str) -> None:
    client = sign_in(owner)
    assert client.get(reverse("home")).status_code == 200
    ending: Any = {"membership": owner, "user": owner.user, "clinic": owner.clinic}[what_ends]
    ending.is_active = False
    ending.save()
    response = client.get(reverse("home"))
    assert response.status_code == {"membership": 403, "user": 302, "clinic": 403}[what_ends]


@pytest.mark.parametrize("role", [Role.CLINICIAN, Role.REVIEWER])
def test_only_administrators_pass_where_one_is_required(owner: Membership, sign_in: SignIn, role: Role) -> None:
    member = MembershipFactory.create(clinic=owner.clinic, role=role)
    assert sign_in(member).get(reverse("clinic")).status_code == 403


def test_guards_hand_on_arguments(administrator: Membership, rf: object) -> None:
    def view(request: HttpRequest, *, word: str) -> HttpResponse:
        return HttpResponse(word)

    request = HttpRequest()
    request.method = "GET"
    request.user = administrator.user
    request.membership = administrator  # type: ignore[attr-defined] # as the middleware does
    assert member_required(view)(request, word="hello").status_code == 200
    assert administrator_required(view)(request, word="hello").status_code == 200


def test_an_anonymous_request_asks_the_database_nothing(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, db: None
) -> None:
    with django_assert_num_queries(0):
        client.get(reverse("account_login"))


def test_a_session_ends_twelve_hours_after_signing_in(
    owner: Membership, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(owner)
    start = timezone.now()
    for minutes in range(0, 12 * 60 + 1, 40):
        monkeypatch.setattr(timezone, "now", lambda at=start + timedelta(minutes=minutes): at)
        assert client.get(reverse("account")).status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: start + timedelta(hours=12, minutes=1))
    assert client.get(reverse("account")).status_code == 302


def test_an_idle_session_ends_sooner(owner: Membership, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sign_in(owner)
    start = timezone.now()
    assert client.get(reverse("account")).status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: start + timedelta(minutes=62))
    assert client.get(reverse("account")).status_code == 302


# Tokens


def authenticate(key: str | bytes) -> tuple[User | Program, ApiToken, Request]:
    request = Request(
        APIRequestFactory().get("/", HTTP_AUTHORIZATION=b"Token " + key if isinstance(key, bytes) else f"Token {key}")
    )
    result = ClinicTokenAuthentication().authenticate(request)
    assert result is not None
    return (*result, request)


def test_a_token_acts_for_its_person_in_its_clinic(owner: Membership) -> None:
    MembershipFactory.create(user=owner.user)
    _token, key = token_for(owner)
    user, token, request = authenticate(key)
    assert (user, token.membership, request.membership) == (owner.user, owner, owner)  # type: ignore[attr-defined] # set by it


def test_the_key_itself_is_not_kept(owner: Membership) -> None:
    token, key = token_for(owner)
    assert key not in str(vars(token))
    assert len(token.token_key) == 15


def test_use_is_noted_to_the_minute(owner: Membership) -> None:
    token, key = token_for(owner)
    authenticate(key)
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    authenticate(key)
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    authenticate(key)
    token.refresh_from_db()
    assert token.last_used_at > first


def test_an_expired_token_is_refused(owner: Membership) -> None:
    _token, key = token_for(owner, expiry=timedelta(seconds=-1))
    with pytest.raises(AuthenticationFailed):
        authenticate(key)


def test_a_revoked_token_is_refused(owner: Membership) -> None:
    token, key = token_for(owner)
    token.delete()
    with pytest.raises(AuthenticationFailed):
        authenticate(key)


@pytest.mark.parametrize("what_ends", ["membership", "user", "clinic"])
def test_a_token_ends_with_what_it_stands_on(owner: Membership, what_ends: str) -> None:
    _token, key = token_for(owner)
    ending: Any = {"membership": owner, "user": owner.user, "clinic": owner.clinic}[what_ends]
    ending.is_active = False
    ending.save()
    with pytest.raises(AuthenticationFailed, match="no longer gives access"):
        authenticate(key)


def test_a_token_of_a_person_and_no_membership_cannot_be(owner: Membership) -> None:
    with pytest.raises(IntegrityError, match="token_of_a_person_or_a_service"), transaction.atomic():
        ApiToken.objects.create(owner.user)


def test_a_token_that_has_expired_stays_in_its_owners_list(owner: Membership) -> None:
    token, key = token_for(owner, expiry=timedelta(seconds=-1))
    with pytest.raises(AuthenticationFailed):
        authenticate(key)
    token.refresh_from_db()
    assert token.is_over


@pytest.mark.parametrize("key", ["0" * 64, "zz", "", b"\xff\xfe\xfd", "a b"])
def test_nonsense_is_refused(owner: Membership, key: str | bytes) -> None:
    with pytest.raises(AuthenticationFailed):
        authenticate(key)


def test_no_header_is_left_to_the_session(db: None) -> None:
    assert ClinicTokenAuthentication().authenticate(Request(APIRequestFactory().get("/"))) is None


def test_a_deactivated_demonstration_gives_no_access(settings: Settings, sign_in: SignIn, db: None) -> None:
    member = MembershipFactory.create(clinic=ClinicFactory.create(is_demo=True))
    settings.DEMO_ALLOWED = False
    assert sign_in(member).get(reverse("home")).status_code == 403
