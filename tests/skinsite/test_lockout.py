"""Whom wrong passwords lock out, and whom they do not: on SQLite and PostgreSQL, over networks and spellings."""

import sys
import time
import unicodedata

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoDbBlocker, Settings

from skinsite.accounts.lockout import NOWHERE, client_address, describe_client, read_address
from skinsite.accounts.models import Membership, User, plain_address
from skinsite.accounts.sessions import SessionStore
from skinsite.audit.models import AuditEvent
from skinsite.settings.rates import Rate
from tests.factories import PASSWORD, UserFactory
from tests.skinsite.conftest import SignIn

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def forms_of_letters() -> list[tuple[str, str]]:
    """Every character that compatibility normalisation and lower case turn into one ASCII letter, with the letter."""
    found = []
    for code in range(128, sys.maxunicode + 1):
        letter = unicodedata.normalize("NFKC", chr(code)).lower()
        if letter in LETTERS and len(letter) == 1:
            found.append((chr(code), letter))
    return found


def attempt(client: Client, email: str, password: str, **extra: str) -> int:
    response = client.post(reverse("account_login"), {"login": email, "password": password}, **extra)  # type: ignore[arg-type] # request variables
    return int(response.status_code)


def test_every_form_of_a_letter_is_the_letter() -> None:
    forms = forms_of_letters()
    assert len(forms) > 500
    assert {letter for _form, letter in forms} == set(LETTERS)
    assert [
        form for form, letter in forms if plain_address(f"x{form}@clinic.example") != f"x{letter}@clinic.example"
    ] == []


def test_what_merely_looks_like_a_letter_is_another_address(owner: Membership) -> None:
    name, domain = "writer", "clinic.example"
    UserFactory.create(email=f"{name}@{domain}")
    for other in ("wr\u0131ter", "wr\u0456ter", "write\u0433"):
        assert User.objects.find_by_address(f"{other}@{domain}") is None
    assert User.objects.find_by_address(f" \uff37RITER@{domain} ") is not None


@pytest.mark.parametrize("form", ["\uff43", "\u24d2", "\U0001d41c", "\u217d", "C"])
def test_no_form_of_a_letter_walks_around_the_lock(db: None, form: str) -> None:
    UserFactory.create(email="clinician@x.example")
    for _number in range(5):
        attempt(Client(), "clinician@x.example", "wrong")
    assert attempt(Client(), f"{form}linician@x.example", PASSWORD) == 429


def test_an_account_is_found_exactly_on_postgresql(postgres: str, django_db_blocker: DjangoDbBlocker) -> None:
    users = User.objects.db_manager(postgres)
    with django_db_blocker.unblock(), transaction.atomic(using=postgres):
        made = users.create(email="reviewer-i@x.example", name="R", password="!")
        assert users.find_by_address("\uff32EVIEWER-I@x.example") == made
        assert users.find_by_address("rev\u0131ewer-i@x.example") is None
        assert users.find_by_address("reviewer-\u0130@x.example") is None
        assert users.find_by_address("reviewer-i@x.example\0") == made
        transaction.set_rollback(True, using=postgres)


# Addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("1.2.3.4:5555", "1.2.3.4"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", None),
        ("_hidden", None),
        ("", None),
        ("1.2.3", None),
        ("1.2.3.4, 5.6.7.8", None),
        ("\u0661.2.3.4", None),
    ],
)
def test_addresses_are_read_as_proxies_write_them(text: str, address: str | None) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize("told", ["unknown", "1.2.3.4:99999999", "[::", "x" * 5000, "\x00", "%", ","])
def test_what_is_no_address_falls_back_to_the_peer(settings: Settings, told: str) -> None:
    settings.PROXY_COUNT = 1
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=told)
    assert client_address(request) == "192.0.2.1"


def test_who_comes_by_a_socket_has_one_address_and_is_locked_out_too(owner: Membership) -> None:
    assert client_address(RequestFactory().get("/", REMOTE_ADDR="")) == NOWHERE
    statuses = [attempt(Client(), owner.user.email, "wrong", REMOTE_ADDR="") for _number in range(6)]
    assert statuses == [200, 200, 200, 200, 429, 429]


def test_one_network_of_ipv6_is_one_address(owner: Membership, colleague: Membership) -> None:
    statuses = [attempt(Client(), owner.user.email, "wrong", REMOTE_ADDR=f"2001:db8::{n}") for n in range(1, 6)]
    assert statuses[-1] == 429
    assert attempt(Client(), owner.user.email, PASSWORD, REMOTE_ADDR="2001:db8:0:1::1") == 302


def test_events_name_address_and_browser_cut_to_a_length(client: Client, owner: Membership) -> None:
    headers = {"user-agent": "Mozilla\x07" + "x" * 70_000}
    client.post(reverse("account_login"), {"login": owner.user.email, "password": PASSWORD}, headers=headers)
    details = AuditEvent.objects.get(action="user.signed_in").details
    assert details["address"] == "127.0.0.1"
    assert details["browser"] == "Mozilla" + "x" * 192
    assert describe_client(None) == {}


# Strangers


def test_many_addresses_only_slow_an_account_down(owner: Membership, settings: Settings) -> None:
    statuses = [attempt(Client(), owner.user.email, "wrong", REMOTE_ADDR=f"192.0.2.{n}") for n in range(1, 11)]
    assert statuses == [200] * 10
    refused = Client().post(
        reverse("account_login"), {"login": owner.user.email, "password": PASSWORD}, REMOTE_ADDR="192.0.2.99"
    )
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) <= 2
    assert "second" in refused.content.decode()
    time.sleep(int(refused["Retry-After"]))
    assert attempt(Client(), owner.user.email, PASSWORD, REMOTE_ADDR="192.0.2.99") == 302


def test_a_browser_that_the_person_knows_is_not_slowed_down_by_strangers(owner: Membership, client: Client) -> None:
    assert attempt(client, owner.user.email, PASSWORD) == 302
    client.post(reverse("account_logout"))
    for number in range(1, 14):
        attempt(Client(), owner.user.email, "wrong", REMOTE_ADDR=f"192.0.2.{number}")
    for _number in range(6):
        attempt(Client(), owner.user.email, "wrong")
    assert attempt(Client(), owner.user.email, PASSWORD) == 429
    assert attempt(client, owner.user.email, PASSWORD) == 302


def test_a_known_browser_is_known_for_its_persons_alone_and_has_its_own_few_tries(
    owner: Membership, colleague: Membership, client: Client
) -> None:
    assert attempt(client, owner.user.email, PASSWORD) == 302
    client.post(reverse("account_logout"))
    assert [attempt(client, owner.user.email, "wrong") for _number in range(6)] == [200, 200, 200, 200, 429, 429]
    for _number in range(5):
        attempt(Client(), colleague.user.email, "wrong")
    assert attempt(client, colleague.user.email, PASSWORD) == 429


def test_one_address_tries_some_accounts_and_no_more(db: None, settings: Settings) -> None:
    settings.RATE_LIMITS = settings.RATE_LIMITS | {"sign_in_address": Rate(6, 3600)}
    statuses = [attempt(Client(), f"person{number}@clinic.example", "wrong") for number in range(8)]
    assert statuses == [200] * 6 + [429] * 2
    assert attempt(Client(), "else@clinic.example", "wrong", REMOTE_ADDR="192.0.2.5") == 200
    assert AuditEvent.objects.filter(action="user.locked_out").count() == 1


def test_what_is_refused_is_not_hashed(owner: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = counted_hashes(monkeypatch)
    for _number in range(9):
        attempt(Client(), owner.user.email, "wrong")
    assert len(hashed) == 5


@pytest.mark.parametrize("who", ["known", "unknown", "closed", "without password", "no address"])
def test_each_failure_costs_one_hash(owner: Membership, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    email = {"unknown": "nobody@clinic.example", "no address": "password-by-mistake"}.get(who, owner.user.email)
    if who == "closed":
        owner.user.is_active = False
    if who == "without password":
        owner.user.set_unusable_password()
    owner.user.save()
    hashed = counted_hashes(monkeypatch)
    assert attempt(Client(), email, PASSWORD if who == "closed" else "wrong") == 200
    assert len(hashed) == 1


def counted_hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return str(encode(self, password, salt))

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    return hashed


def test_strangers_do_not_fill_the_trail(db: None) -> None:
    for number in range(1, 24):
        attempt(Client(), f"nobody{number}@clinic.example", "wrong", REMOTE_ADDR=f"192.0.2.{number}")
    told = [event.details["in_this_minute"] for event in AuditEvent.objects.filter(action="user.sign_in_failed")]
    assert sorted(told) in ([1, 10], [1, 1, 10])  # a minute may end meanwhile


def test_nothing_typed_into_the_wrong_field_is_kept(client: Client, db: None) -> None:
    attempt(client, "secretcode-password-in-the-wrong-field", "x")
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 a name of the database
            assert "secretcode" not in str(cursor.fetchall()), table


# One's own password


def test_the_own_password_is_tried_few_times_in_a_session(owner: Membership, sign_in: SignIn) -> None:
    client = sign_in(owner)
    new = "a quite different passphrase"
    wrong = {"oldpassword": "wrong", "password1": new, "password2": new}
    for _number in range(9):
        assert "not your password" in client.post(reverse("account_change_password"), wrong).content.decode()
    for password in ("wrong", PASSWORD):
        page = client.post(reverse("account_change_password"), wrong | {"oldpassword": password}).content.decode()
        assert "wrong too often" in page
    owner.user.refresh_from_db()
    assert owner.user.check_password(PASSWORD)
    assert AuditEvent.objects.filter(action="user.own_password_refused", actor=owner.user).count() == 10


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaa",
        " " * 12,
        "passwordpassword",
        "qwertyuiopas",
        "skinsiteskinsite",
        "wilhelmina1234",
        "aaaa" * 5_000,
    ],
)
def test_what_is_easy_to_guess_is_refused_at_once(owner: Membership, sign_in: SignIn, password: str) -> None:
    owner.user.name = "Wilhelmina Grau"
    owner.user.save()
    data = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    began = time.monotonic()
    response = sign_in(owner).post(reverse("account_change_password"), data)
    assert time.monotonic() - began < 5
    assert "password1" in response.context["form"].errors
    owner.user.refresh_from_db()
    assert owner.user.check_password(PASSWORD)


def test_a_weak_password_is_answered_with_what_to_do_in_both_languages(owner: Membership, sign_in: SignIn) -> None:
    client = sign_in(owner)
    data = {"oldpassword": PASSWORD, "password1": "qwertyuiopas", "password2": "qwertyuiopas"}
    english = client.post(reverse("account_change_password"), data).content.decode()
    assert "Take four words that do not belong together" in english
    russian = client.post(reverse("account_change_password"), data, headers={"accept-language": "ru"}).content.decode()
    assert "четыре не связанных между собой слова" in russian


# Sessions


@pytest.mark.parametrize(
    "key", ["abcdefgh\x00ijk", "a" * 31, "A" * 32, "a" * 33, "../../../../../../../../etc/passwd", ""]
)
def test_a_key_that_no_session_can_have_asks_the_database_nothing(
    key: str, django_assert_num_queries: object, db: None
) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator] # a fixture
        assert SessionStore(key).session_key is None


def test_a_session_key_with_nul_is_nobodys(db: None) -> None:
    assert Client(headers={"cookie": 'sessionid="abcdefgh\\000ijk"'}).get(reverse("account")).status_code == 302
