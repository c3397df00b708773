"""Many who sign in at once, and headers as large as a server lets through: a clear answer, nothing half done."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests.factories import PASSWORD, MembershipFactory

TOKEN = "a" * 32
PEOPLE, EACH, GUESSES = 25, 4, 100


def post_sign_in(server: str, email: str, password: str) -> int:
    connection = HTTPConnection(urlsplit(server).netloc, timeout=120)
    try:
        body = urlencode({"login": email, "password": password, "csrfmiddlewaretoken": TOKEN})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={TOKEN}"}
        connection.request("POST", reverse("account_login"), body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_two_hundred_sign_in_at_once_and_guesses_gain_nothing(live_server: LiveServer) -> None:
    victim = MembershipFactory.create().user
    people = [MembershipFactory.create().user for _number in range(PEOPLE)]
    tries = [(person.email, PASSWORD) for person in people for _number in range(EACH)]
    guesses = [(victim.email, f"guess {number}") for number in range(GUESSES)]
    mixed = [one for pair in zip(tries, guesses, strict=True) for one in pair]
    with ThreadPoolExecutor(len(mixed)) as pool:
        statuses = list(pool.map(lambda one: post_sign_in(live_server.url, *one), mixed))
    right, wrong = Counter(statuses[::2]), Counter(statuses[1::2])
    assert right == {302: PEOPLE * EACH}
    assert wrong[200] + wrong[429] == GUESSES
    assert wrong[200] <= 4
    assert Session.objects.count() == PEOPLE * EACH
    assert AuditEvent.objects.filter(action="user.signed_in").count() == PEOPLE * EACH
    assert AuditEvent.objects.filter(action="user.sign_in_failed", object_id=str(victim.public_id)).count() == 5


@pytest.mark.parametrize("name", ["user-agent", "x-forwarded-for", "cookie", "accept-language", "referer"])
def test_a_header_of_64_kilobytes_changes_nothing(owner: Membership, name: str) -> None:
    value = {"cookie": "known-browser=" + "a." * 32_000, "x-forwarded-for": "1.2.3.4, " * 7_000}.get(name, "x" * 65_536)
    client = Client()
    data = {"login": owner.user.email, "password": PASSWORD}
    assert client.post(reverse("account_login"), data, headers={name: value})["Location"] == reverse("home")
    assert len(AuditEvent.objects.get(action="user.signed_in").details["browser"]) <= 200
