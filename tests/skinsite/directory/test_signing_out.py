"""Signing out of a session that came by a directory: the way to sign out there too, and no other way."""

import pytest
import requests
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from skinsite.accounts.models import Clinic, Membership
from tests.factories import PASSWORD, MembershipFactory, UserFactory
from tests.skinsite.directory.conftest import ADDRESS, Walk
from tests.skinsite.directory.provider import Provider, query_of


@pytest.fixture
def anna(clinic: Clinic) -> Membership:
    """A clinician of the clinic whom the directory knows too."""
    return MembershipFactory.create(user=UserFactory.create(email=ADDRESS, name="Anna"), clinic=clinic)


def test_who_came_by_the_directory_is_offered_to_sign_out_there_too(
    client: Client, anna: Membership, walk: Walk, provider: Provider
) -> None:
    walk(client)
    left = client.post(reverse("account_logout"))["Location"]
    assert client.get(reverse("account")).status_code == 302
    page = client.get(left)
    address = page.context["address"]
    assert address.startswith(f"{provider.url}/oauth2/end_session?")
    assert query_of(address) == {"client_id": "skinsite", "post_logout_redirect_uri": "http://testserver/login/"}
    assert "Sign out there too" in page.content.decode()
    assert "http://testserver/login/" in requests.get(address, timeout=5).text


def test_who_came_by_a_password_gets_to_the_sign_in_page(client: Client, anna: Membership, walk: Walk) -> None:
    client.post(reverse("account_login"), {"login": ADDRESS, "password": PASSWORD})
    assert client.get(reverse("account")).status_code == 200
    assert client.post(reverse("account_logout"))["Location"] == reverse("account_login")


@pytest.mark.parametrize(
    "told",
    [
        "https://evil.example/out",
        "javascript:alert(1)",
        "//evil.example",
        "http://[",
        "/oauth2/end_session",
        "",
        7,
        None,
    ],
)
def test_nobody_is_led_to_another_site(
    client: Client, anna: Membership, walk: Walk, provider: Provider, told: object
) -> None:
    walk(client)
    cache.clear()  # of what it said before
    provider.described = {"end_session_endpoint": told}  # type: ignore[dict-item] # a lie
    left = client.post(reverse("account_logout"))["Location"]
    assert client.get(left)["Location"] == reverse("account_login")


def test_a_directory_that_is_away_keeps_nobody_signed_in(
    client: Client, anna: Membership, walk: Walk, provider: Provider
) -> None:
    walk(client)
    cache.clear()
    provider.is_away = True
    left = client.post(reverse("account_logout"))["Location"]
    assert client.get(left)["Location"] == reverse("account_login")
    assert client.get(reverse("account")).status_code == 302


def test_of_a_directory_that_there_is_not_nothing_is_told(client: Client, walk: Walk) -> None:
    assert client.get(reverse("openid_connect_left", args=["other"])).status_code == 404
