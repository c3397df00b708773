"""What pages ask of the session: who is signed in, for which clinic, for how long."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from skinsite.accounts.models import Membership
from tests.factories import MembershipFactory, PredictionFactory
from tests.skinsite.conftest import SignIn

HOUR = 3600


def test_nobody_is_told_so_and_given_a_token_to_sign_in_with(client: Client, db: None) -> None:
    said = client.get(reverse("session")).json()
    assert (said["person"], said["clinic"], said["seconds"]) == (None, None, 0)
    assert said["token"]
    assert "csrftoken" in client.cookies


def test_a_member_is_named_with_the_clinic_of_the_session(owner: Membership, sign_in: SignIn) -> None:
    elsewhere = MembershipFactory.create(user=owner.user)
    said = sign_in(elsewhere).get(reverse("session")).json()
    assert said["person"] == str(owner.user.public_id)
    assert said["clinic"] == str(elsewhere.clinic.public_id)
    assert said["seconds"] == HOUR


def test_to_ask_keeps_nobody_signed_in_and_to_post_does(
    owner: Membership, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(owner)
    start = timezone.now()

    def left_after(minutes: int, method: str) -> int:
        monkeypatch.setattr(timezone, "now", lambda: start + timedelta(minutes=minutes))
        return int(getattr(client, method)(reverse("session")).json()["seconds"])

    left_after(0, "post")
    assert left_after(40, "get") == pytest.approx(20 * 60, abs=2)
    assert left_after(56, "get") == pytest.approx(4 * 60, abs=2)
    assert left_after(58, "post") == pytest.approx(60 * 60, abs=2)
    assert left_after(110, "get") == pytest.approx(8 * 60, abs=2)
    assert left_after(119, "get") == 0
    assert client.get(reverse("account")).status_code == 302


def test_the_day_s_end_comes_before_the_idle_hour(
    owner: Membership, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.SESSION_IDLE_SECONDS = 13 * HOUR
    client = sign_in(owner)
    start = timezone.now()
    client.get(reverse("account"))
    monkeypatch.setattr(timezone, "now", lambda: start + timedelta(hours=11, minutes=57))
    assert client.post(reverse("session")).json()["seconds"] == pytest.approx(3 * 60, abs=2)


def test_every_page_of_a_member_knows_when_its_session_ends(owner: Membership, sign_in: SignIn) -> None:
    page = sign_in(owner).get(reverse("account")).content.decode()
    assert f'data-seconds="{HOUR}"' in page
    assert f'data-person="{owner.user.public_id}"' in page


def test_a_reading_that_is_asked_for_by_itself_keeps_nobody_signed_in(
    owner: Membership, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(owner)
    start = timezone.now()
    client.post(reverse("session"))
    address = reverse(
        "reading-status", args=[PredictionFactory.create(image__lesion__patient__clinic=owner.clinic).public_id]
    )
    for minutes in range(1, 60, 2):
        monkeypatch.setattr(timezone, "now", lambda minutes=minutes: start + timedelta(minutes=minutes))
        assert client.get(address).status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: start + timedelta(minutes=61))
    assert client.get(address).status_code == 302


def test_a_session_that_began_in_the_future_is_over(
    owner: Membership, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: start + timedelta(days=30))  # the clock is ahead
    client = sign_in(owner)
    assert client.get(reverse("account")).status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: start)  # and is set right
    assert client.get(reverse("account")).status_code == 302


def test_clocks_that_differ_by_seconds_end_no_session(
    owner: Membership, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: start + timedelta(seconds=50))
    client = sign_in(owner)
    assert client.get(reverse("account")).status_code == 200
    monkeypatch.setattr(timezone, "now", lambda: start)
    assert client.get(reverse("account")).status_code == 200
