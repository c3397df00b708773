"""Where somebody is signed in, and from where they, or others, have signed in: shown to the person alone."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from skinsite.accounts.browsers import name_browser
from skinsite.accounts.models import Membership
from skinsite.accounts.signed_in import forget_ended
from skinsite.audit.models import AuditEvent
from tests.factories import PASSWORD

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)


def signed_in(
    member: Membership, browser: str = FIREFOX, address: str = "192.0.2.1", password: str = PASSWORD
) -> Client:
    """A browser in which the member has typed their password."""
    client = Client(headers={"User-Agent": browser}, REMOTE_ADDR=address)
    client.post("/login/", {"login": member.user.email, "password": password})
    return client


def page(client: Client) -> str:
    return client.get(reverse("account")).content.decode()


def end_others(client: Client, member: Membership) -> None:
    client.post(reverse("account-end-sessions"), {"made_for": str(member.clinic.public_id)})


def test_a_person_sees_where_they_are_signed_in_and_nobody_elses(owner: Membership, colleague: Membership) -> None:
    here = signed_in(owner)
    signed_in(owner, SAFARI, "198.51.100.7")
    signed_in(colleague, FIREFOX, "203.0.113.9")
    shown = page(here)
    assert "Firefox, Windows" in shown
    assert "Safari, iPhone" in shown
    assert "198.51.100.7" in shown
    assert "203.0.113.9" not in shown
    assert shown.count("This browser") == 1


def test_everywhere_else_is_signed_out_at_once_and_here_is_not(owner: Membership, colleague: Membership) -> None:
    here, elsewhere, theirs = signed_in(owner), signed_in(owner, SAFARI, "198.51.100.7"), signed_in(colleague)
    end_others(here, owner)
    assert elsewhere.get(reverse("account")).status_code == 302
    assert here.get(reverse("account")).status_code == 200
    assert theirs.get(reverse("account")).status_code == 200
    assert AuditEvent.objects.get(action="user.sessions_ended").details == {"count": 1}
    assert "Sign out everywhere else" not in page(here)


def test_a_session_of_which_no_row_tells_is_signed_out_too(owner: Membership) -> None:
    here, elsewhere = signed_in(owner), signed_in(owner, SAFARI)
    UserSession.objects.filter(session_key=elsewhere.session.session_key).delete()
    end_others(here, owner)
    assert elsewhere.get(reverse("account")).status_code == 302
    assert here.get(reverse("account")).status_code == 200
    assert UserSession.objects.get(user=owner.user).session_key == here.session.session_key


def test_a_session_is_still_found_after_its_key_has_changed(owner: Membership) -> None:
    here, elsewhere = signed_in(owner), signed_in(owner, SAFARI)
    elsewhere.post(reverse("clinic-switch"), {"clinic": str(owner.clinic.public_id)})  # under a new key
    assert UserSession.objects.filter(session_key=elsewhere.session.session_key).exists()
    end_others(here, owner)
    assert elsewhere.get(reverse("account")).status_code == 302


def test_a_person_sees_who_tried_to_sign_in_and_from_where(owner: Membership, colleague: Membership) -> None:
    signed_in(owner, SAFARI, "203.0.113.5", password="wrong")
    signed_in(colleague, SAFARI, "203.0.113.77")
    shown = page(signed_in(owner))
    assert "signing in failed" in shown
    assert "203.0.113.5" in shown
    assert "203.0.113.77" not in shown


def test_only_who_is_signed_in_ends_sessions(client: Client, db: None) -> None:
    assert client.post(reverse("account-end-sessions")).status_code == 302


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (FIREFOX, "Firefox, Windows"),
        (SAFARI, "Safari, iPhone"),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "Chrome, Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36 Edg/126.0",
            "Edge, Windows",
        ),
        ("curl/8.5.0", "curl"),
        ("<script>alert(1)</script>", ""),
        ("", ""),
    ],
)
def test_a_browser_is_named_as_people_know_it(told: str, name: str) -> None:
    assert name_browser(told) == name


def test_of_sessions_that_have_ended_nothing_is_kept(owner: Membership, colleague: Membership) -> None:
    signed_in(owner)
    signed_in(colleague)
    UserSession.objects.update(last_seen_at=timezone.now() - timedelta(hours=2))
    Session.objects.filter(session_key=UserSession.objects.get(user=owner.user).session_key).delete()
    forget_ended()
    assert [each.user for each in UserSession.objects.all()] == [colleague.user]
