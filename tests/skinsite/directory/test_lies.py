"""A directory's answers that are not believed: no session, no account, one event, and words that help."""

import time
from collections.abc import Callable
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from skinsite.accounts.models import Clinic, Membership
from skinsite.settings.directories import Directory
from tests.factories import MembershipFactory, UserFactory
from tests.skinsite.conftest import acting
from tests.skinsite.directory.conftest import ADDRESS, Walk, leave, refusals
from tests.skinsite.directory.provider import Claims, Provider, query_of

Lie = Callable[[Claims, Provider], str]
MINUTE = 60


@pytest.fixture(autouse=True)
def anna(clinic: Clinic, directory: Directory) -> Membership:
    """Whom an honest answer would let in."""
    return MembershipFactory.create(user=UserFactory.create(email=ADDRESS), clinic=clinic)


def claiming(**claims: object) -> Lie:
    """The provider signs what is not so; None leaves a claim out."""

    def lie(true: Claims, provider: Provider) -> str:
        return provider.sign({name: value for name, value in (true | claims).items() if value is not None})

    return lie


def moved(seconds: int, *, lasting: int = 3600) -> Lie:
    """The provider's clock is off by so much."""

    def lie(true: Claims, provider: Provider) -> str:
        now = int(time.time()) + seconds
        return provider.sign(true | {"iat": now, "exp": now + lasting})

    return lie


LIES: dict[str, Lie] = {
    "wrong audience": claiming(aud="another-site"),
    "no audience": claiming(aud=None),
    "several audiences, no azp": claiming(aud=["skinsite", "another-site"]),
    "several audiences, azp of the other": claiming(aud=["skinsite", "another-site"], azp="another-site"),
    "azp of another": claiming(azp="another-site"),
    "wrong issuer": claiming(iss="https://evil.example"),
    "no issuer": claiming(iss=None),
    "wrong nonce": claiming(nonce="0" * 64),
    "no nonce": claiming(nonce=None),
    "no subject": claiming(sub=None),
    "empty subject": claiming(sub=""),
    "subject of a thousand letters": claiming(sub="x" * 1000),
    "subject that is a number": claiming(sub=7),
    "no expiry": claiming(exp=None),
    "no time of issue": claiming(iat=None),
    "expiry that is a word": claiming(exp="never"),
    "algorithm none": lambda claims, _provider: jwt.encode(claims, "", algorithm="none"),
    "HMAC with the public key": lambda claims, provider: provider.sign_by_public_key(claims),
    "HMAC with the client's secret": lambda claims, provider: provider.sign(claims, key="hush" * 8, algorithm="HS256"),
    "a stranger's key": lambda claims, provider: provider.sign_by_another_key(claims),
    "a key that is not in the list": lambda claims, provider: provider.sign(claims, kid="unknown"),
    "an algorithm that is not the key's": lambda claims, provider: provider.sign(
        claims, key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"
    ),
    "an algorithm that is not allowed": lambda claims, provider: provider.sign(claims, algorithm="RS512"),
    "changed after signing": lambda claims, provider: ".".join(
        [
            provider.sign(claims).split(".")[0],
            provider.sign(claims | {"sub": "somebody"}).split(".")[1],
            provider.sign(claims).split(".")[2],
        ]
    ),
    "no token": lambda *_true: "",
    "no token, but words": lambda *_true: "a.b.c",
}


@pytest.mark.parametrize("name", LIES)
def test_a_lie_signs_nobody_in(client: Client, walk: Walk, provider: Provider, name: str) -> None:
    provider.lie = LIES[name]
    answer = walk(client)
    assert answer.status_code == 403
    assert "not believed" in answer.content.decode()
    assert refusals() == [("forged", "", "127.0.0.1")]
    assert client.get(reverse("account")).status_code == 302


@pytest.mark.parametrize(
    "lie",
    [moved(5 * MINUTE), moved(-5 * MINUTE, lasting=4 * MINUTE), moved(-2 * 60 * MINUTE)],
    ids=["five minutes ahead", "five minutes behind", "expired an hour ago"],
)
def test_another_time_is_said_to_be_one(client: Client, walk: Walk, provider: Provider, lie: Lie) -> None:
    provider.lie = lie
    answer = walk(client)
    assert answer.status_code == 403
    assert "clock and this site&#x27;s clock differ by more than a minute" in answer.content.decode()
    assert [reason for reason, *_rest in refusals()] == ["clock"]
    assert client.get(reverse("account")).status_code == 302


@pytest.mark.parametrize(
    "lie", [moved(50), moved(-50, lasting=10), claiming(aud=["skinsite"]), claiming(azp="skinsite")]
)
def test_what_is_within_the_rules_is_believed(
    client: Client, walk: Walk, provider: Provider, anna: Membership, lie: Lie
) -> None:
    provider.lie = lie
    assert walk(client).status_code == 302
    assert acting(client.get(reverse("account"))) == anna


def test_an_answer_is_taken_once(client: Client, provider: Provider) -> None:
    back = provider.authorise(leave(client), "anna")
    assert client.get(back).status_code == 302
    answer = client.get(back)
    assert answer.status_code == 403
    assert "used already" in answer.content.decode()
    assert [reason for reason, *_rest in refusals()] == ["state"]


def test_an_answer_is_taken_in_the_browser_that_asked_alone(client: Client, provider: Provider) -> None:
    back = provider.authorise(leave(client), "anna")
    answer = Client().get(back)
    assert answer.status_code == 403
    assert "Begin again on the sign-in page" in answer.content.decode()


def test_a_stranger_who_has_begun_nothing_fills_no_trail(client: Client) -> None:
    answer = client.get(reverse("openid_connect_callback", args=["hospital"]), {"code": "x", "state": "y"})
    assert answer.status_code == 403
    assert "Begin again on the sign-in page" in answer.content.decode()
    assert refusals() == []


def test_a_code_that_was_used_is_refused_by_the_directory(client: Client, provider: Provider) -> None:
    first = query_of(provider.authorise(leave(client), "anna"))
    client.get(reverse("openid_connect_callback", args=["hospital"]), first)
    client.logout()
    second = query_of(leave(client))
    answer = client.get(
        reverse("openid_connect_callback", args=["hospital"]), {"code": first["code"], "state": second["state"]}
    )
    assert answer.status_code == 403
    assert [reason for reason, *_rest in refusals()] == ["answer"]


def test_the_answer_of_one_provider_is_not_taken_for_another_s(
    client: Client, provider: Provider, directory: Directory, settings: Settings
) -> None:
    settings.DIRECTORIES = [directory, replace(directory, name="evil", url="http://localhost:9")]
    back = query_of(provider.authorise(leave(client), "anna"))
    mixed = client.get(reverse("openid_connect_callback", args=["evil"]), back)
    assert mixed.status_code == 403
    named = client.get(reverse("openid_connect_callback", args=["hospital"]), back | {"iss": "http://localhost:9"})
    assert named.status_code == 403
    assert [reason for reason, *_rest in refusals()] == ["state", "forged"]
    assert provider.asked == []  # the code went to nobody


def test_a_directory_that_is_away_is_said_to_be(client: Client, provider: Provider, walk: Walk) -> None:
    back = provider.authorise(leave(client), "anna")
    provider.is_away = True
    assert client.get(back).status_code == 502
    assert [reason for reason, *_rest in refusals()] == ["unreachable"]


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://evil.example"},
        {"authorization_endpoint": "https://evil.example/authorize"},
        {"token_endpoint": "ftp://localhost/"},
    ],
    ids=["another issuer", "people sent elsewhere", "another scheme"],
)
def test_a_directory_that_describes_another_is_not_gone_to(
    client: Client, provider: Provider, described: dict[str, str]
) -> None:
    provider.described = described
    answer = client.post(reverse("openid_connect_login", args=["hospital"]))
    assert answer.status_code == 403
    assert "not believed" in answer.content.decode()


def test_nobody_is_there_before_the_directory_answers(client: Client, settings: Settings, directory: Directory) -> None:
    settings.DIRECTORIES = [replace(directory, url="http://localhost:9")]
    answer = client.post(reverse("openid_connect_login", args=["hospital"]))
    assert answer.status_code == 502
    assert "cannot be reached" in answer.content.decode()


def test_a_directory_that_is_away_is_left_alone_for_some_seconds(client: Client, provider: Provider) -> None:
    provider.is_away = True
    for _time in range(3):
        assert client.post(reverse("openid_connect_login", args=["hospital"])).status_code == 502
    assert provider.turned_away == 1
