"""Who is closed in the directory is out within the hour, with what they have here."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from skinsite.accounts.models import ApiToken, Clinic, Membership
from skinsite.audit.models import AuditEvent
from skinsite.directory.models import REFRESH_TOKENS, DirectoryGrant
from skinsite.directory.services.grants import renew_due_grants
from skinsite.settings.directories import Directory
from tests.factories import MembershipFactory, UserFactory
from tests.skinsite.conftest import SignIn, acting, token_for
from tests.skinsite.directory.conftest import ADDRESS, Walk
from tests.skinsite.directory.provider import Provider

After = Callable[[int], None]


@pytest.fixture(autouse=True)
def anna(clinic: Clinic, directory: Directory) -> Membership:
    """A clinician whom the directory knows."""
    return MembershipFactory.create(user=UserFactory.create(email=ADDRESS), clinic=clinic)


@pytest.fixture
def after(monkeypatch: pytest.MonkeyPatch) -> After:
    """Lets so many minutes pass since the test began. The provider's clock stands."""
    start = timezone.now()

    def minutes(count: int) -> None:
        monkeypatch.setattr(timezone, "now", lambda: start + timedelta(minutes=count))

    return minutes


def is_in(client: Client) -> bool:
    """Whether a page of a member is shown; asking for it is doing something."""
    return bool(client.get(reverse("home")).status_code == 200)


def test_the_queue_asks_again_when_half_of_the_hour_is_over(
    client: Client, walk: Walk, provider: Provider, after: After
) -> None:
    walk(client)
    after(29)
    assert renew_due_grants() == 0
    assert len(provider.asked) == 1
    after(31)
    assert renew_due_grants() == 1
    assert provider.asked[-1]["grant_type"] == "refresh_token"
    assert DirectoryGrant.objects.get().vouched_until == timezone.now() + timedelta(hours=1)
    after(85)
    provider.is_away = True
    assert is_in(client)


def test_a_refusal_ends_sessions_and_tokens(
    walk: Walk, provider: Provider, after: After, anna: Membership, owner: Membership
) -> None:
    client, other = Client(), Client()
    walk(client)
    walk(other)
    token_for(anna)
    kept, _key = token_for(owner)
    provider.refuses_refresh = True
    after(31)
    assert renew_due_grants() == 0
    after(33)
    assert not is_in(client)
    assert not is_in(other)
    assert list(ApiToken.objects.all()) == [kept]
    event = AuditEvent.objects.get(action="user.directory_access_ended")
    assert (event.object_id, event.clinic) == (str(anna.user.public_id), anna.clinic)
    assert event.details == {"directory": "hospital", "api_tokens_ended": 1}


def test_a_session_by_password_is_not_the_directory_s_to_end(
    walk: Walk, provider: Provider, after: After, anna: Membership, sign_in: SignIn
) -> None:
    walk(Client())
    by_password = sign_in(anna)
    provider.refuses_refresh = True
    after(31)
    renew_due_grants()
    after(33)
    assert is_in(by_password)


def test_tokens_of_other_clinics_stay(walk: Walk, provider: Provider, after: After, anna: Membership) -> None:
    kept, _key = token_for(MembershipFactory.create(user=anna.user))
    walk(Client())
    provider.refuses_refresh = True
    after(31)
    renew_due_grants()
    assert list(ApiToken.objects.all()) == [kept]


def test_without_a_queue_the_person_s_next_request_asks(
    client: Client, walk: Walk, provider: Provider, after: After
) -> None:
    walk(client)
    after(30)
    assert is_in(client)
    after(61)
    assert is_in(client)
    assert [each["grant_type"] for each in provider.asked] == ["authorization_code", "refresh_token"]
    provider.refuses_refresh = True
    after(120)
    assert is_in(client)
    after(122)
    assert not is_in(client)


def test_requests_side_by_side_are_no_reason_to_sign_anybody_out(
    client: Client, walk: Walk, provider: Provider, after: After
) -> None:
    walk(client)
    after(61)
    DirectoryGrant.objects.update(asked_at=timezone.now())
    assert is_in(client)
    assert len(provider.asked) == 1
    provider.refuses_refresh = True
    after(62)
    assert not is_in(client)


def test_a_directory_that_is_away_ends_a_session_with_the_hour(
    client: Client, walk: Walk, provider: Provider, after: After
) -> None:
    walk(client)
    provider.is_away = True
    after(31)
    assert renew_due_grants() == 0
    after(59)
    assert is_in(client)
    after(61)
    assert not is_in(client)
    assert not AuditEvent.objects.filter(action="user.directory_access_ended").exists()


def test_a_directory_that_is_away_is_asked_once_a_round(
    walk: Walk, provider: Provider, after: After, clinic: Clinic
) -> None:
    walk(Client())
    MembershipFactory.create(user=UserFactory.create(email="boris@hospital.example"), clinic=clinic)
    provider.know("boris", email="boris@hospital.example", email_verified=True)
    walk(Client(), "boris")
    provider.described = {"token_endpoint": f"{provider.url}/nothing"}
    after(31)
    asked = len(provider.asked)
    provider.is_away = True
    renew_due_grants()
    assert len(provider.asked) == asked
    assert DirectoryGrant.objects.filter(asked_at=None).count() == 1


def test_a_fault_over_one_person_holds_up_no_other(
    walk: Walk, provider: Provider, after: After, clinic: Clinic
) -> None:
    walk(Client())
    provider.stumbles_over = {REFRESH_TOKENS.decrypt(DirectoryGrant.objects.get().refresh_token)}
    MembershipFactory.create(user=UserFactory.create(email="boris@hospital.example"), clinic=clinic)
    provider.know("boris", email="boris@hospital.example", email_verified=True)
    walk(Client(), "boris")
    after(31)
    assert renew_due_grants() == 1
    renewed = DirectoryGrant.objects.get(vouched_until=timezone.now() + timedelta(hours=1))
    assert renewed.user.email == "boris@hospital.example"


def test_leaving_a_group_counts_from_the_next_renewal(
    client: Client, walk: Walk, provider: Provider, after: After, grouped: Directory
) -> None:
    Membership.objects.filter(user__email=ADDRESS).update(directory="hospital")
    provider.know("anna", email=ADDRESS, email_verified=True, groups=["/doctors"])
    walk(client)
    provider.said_at_refresh = {"sub": "anna", "groups": ["/heads"]}
    after(31)
    assert renew_due_grants() == 1
    membership = Membership.objects.get(user__email=ADDRESS)
    assert (membership.role, membership.is_active) == ("administrator", True)
    provider.said_at_refresh = {"sub": "anna", "groups": []}
    after(62)
    renew_due_grants()
    assert not Membership.objects.get(user__email=ADDRESS).is_active
    assert not is_in(client)


def test_an_id_token_of_somebody_else_renews_nothing(walk: Walk, provider: Provider, after: After) -> None:
    walk(Client())
    before = DirectoryGrant.objects.get().vouched_until
    provider.said_at_refresh = {"sub": "boris"}
    after(31)
    assert renew_due_grants() == 0
    assert DirectoryGrant.objects.get().vouched_until == before


def test_of_an_answer_that_is_not_believed_the_new_refresh_token_is_kept_alone(
    walk: Walk, provider: Provider, after: After
) -> None:
    walk(Client())
    before = DirectoryGrant.objects.get().vouched_until
    provider.said_at_refresh, provider.given_at_refresh = {"sub": "boris"}, "the next one"
    after(31)
    assert renew_due_grants() == 0
    grant = DirectoryGrant.objects.get()
    assert (REFRESH_TOKENS.decrypt(grant.refresh_token), grant.vouched_until) == ("the next one", before)


def test_without_a_refresh_token_a_session_lasts_an_hour_and_says_so(
    client: Client, walk: Walk, provider: Provider, after: After
) -> None:
    provider.gives_refresh_tokens = False
    walk(client)
    after(20)
    assert is_in(client)
    assert client.get(reverse("session")).json()["seconds"] == pytest.approx(40 * 60, abs=5)
    after(59)
    assert is_in(client)
    after(61)
    assert not is_in(client)
    assert len(provider.asked) == 1


def test_a_new_refresh_token_takes_the_place_of_the_last(walk: Walk, provider: Provider, after: After) -> None:
    walk(Client())
    before = DirectoryGrant.objects.get().refresh_token
    after(31)
    renew_due_grants()
    kept = DirectoryGrant.objects.get().refresh_token
    assert REFRESH_TOKENS.decrypt(kept)
    assert kept != before


def test_of_who_is_long_gone_the_refresh_token_is_forgotten(
    walk: Walk, provider: Provider, after: After, settings: Settings
) -> None:
    walk(Client())
    settings.SESSION_ABSOLUTE_SECONDS = 3600
    after(61)
    renew_due_grants()
    assert DirectoryGrant.objects.get().refresh_token == ""
    assert len(provider.asked) == 1


def test_a_token_keeps_the_directory_asked(
    walk: Walk, provider: Provider, after: After, settings: Settings, anna: Membership
) -> None:
    walk(Client())
    token_for(anna, expiry=timedelta(days=1))
    settings.SESSION_ABSOLUTE_SECONDS = 3600
    after(61)
    assert renew_due_grants() == 1


def test_a_process_that_is_at_it_is_not_disturbed(walk: Walk, provider: Provider, after: After) -> None:
    walk(Client())
    after(31)
    DirectoryGrant.objects.update(asked_at=timezone.now())
    assert renew_due_grants() == 0
    assert len(provider.asked) == 1
    after(32)
    assert renew_due_grants() == 1


def test_a_directory_that_the_settings_have_lost_lets_nobody_stay(
    client: Client, walk: Walk, settings: Settings, after: After
) -> None:
    walk(client)
    settings.DIRECTORIES = []
    after(2)
    assert not is_in(client)


def test_the_database_alone_opens_no_refresh_token(client: Client, walk: Walk, settings: Settings) -> None:
    walk(client)
    with connection.cursor() as cursor:
        cursor.execute("SELECT refresh_token FROM directory_directorygrant")
        (closed,) = cursor.fetchone()
    token = REFRESH_TOKENS.decrypt(closed)
    assert len(token) > 20
    assert token not in closed
    settings.SECRET_KEY, first = "another key, of no use here", settings.SECRET_KEY
    assert REFRESH_TOKENS.decrypt(closed) == ""
    settings.SECRET_KEY_FALLBACKS = [first]
    assert REFRESH_TOKENS.decrypt(closed) == token
    assert REFRESH_TOKENS.decrypt(REFRESH_TOKENS.encrypt("")) == ""


def test_nothing_that_the_directory_says_is_kept(client: Client, walk: Walk, anna: Membership) -> None:
    walk(client)
    account = DirectoryGrant.objects.get().account
    assert (account.provider, account.uid, account.user) == ("hospital", "anna", anna.user)
    assert account.extra_data == {}
    assert not account.socialtoken_set.exists()


def test_a_session_that_goes_on_acts_for_its_clinic(client: Client, walk: Walk, anna: Membership, after: After) -> None:
    walk(client)
    after(50)
    is_in(client)
    after(90)
    assert acting(client.get(reverse("account"))) == anna
