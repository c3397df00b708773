"""What the address of a list in the admin may ask: the filters that are shown, and a search of a decent length."""

import time
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from classifier.models import Prediction
from skinsite.accounts.models import Membership, User
from skinsite.accounts.oversight import ReadOnlyAdmin
from skinsite.text import limit_search
from tests.classifier.admin.conftest import LIST, ClientFor

USERS = "/admin/accounts/user/"
EVENTS = "/admin/audit/auditevent/"
FORBIDDEN = [
    (LIST, "stored_sha256__regex", "^([0-9a-f]+)+!$"),
    (LIST, "stored_sha256", "0"),
    (LIST, "outcome__regex", "a"),
    (LIST, "outcome__in", "a,b"),
    (LIST, "created_at__year", "99999999999"),
    (LIST, "image__lesion__patient__code__startswith", "P"),
    (LIST, "requested_by__password__startswith", "argon2"),
    (USERS, "password__startswith", "argon2$"),
    (USERS, "email__startswith", "a"),
    (EVENTS, "action__startswith", "user"),
    (EVENTS, "payload__details__contains", "x"),
]
SENSELESS = [
    (LIST, "outcome__exact", "\0"),
    (LIST, "outcome__exact", "x" * 5000),
    (LIST, "outcome__isnull", "perhaps"),
    (LIST, "created_at__gte", "yesterday"),
    (LIST, "created_at__gte", "0001-01-01 00:00:00+14:00"),
    (LIST, "created_at__lt", "9999-12-31 23:59:59-14:00"),
    (LIST, "model", "\0"),
    (LIST, "q", "\0"),
    (LIST, "q", "word " * 1900),
    (LIST, "p", "9" * 40),
    (LIST, "o", "1.99.-7.x"),
    (USERS, "is_active__exact", "perhaps"),
    (USERS, "q", "\0 word " * 1900),
    (EVENTS, "kind__exact", "\0"),
    (EVENTS, "q", "word " * 1900),
]


@pytest.fixture
def people(administrator: Membership, superuser: User, client_for: ClientFor) -> dict[str, Client]:
    return {LIST: client_for(administrator), EVENTS: client_for(administrator), USERS: client_for(superuser)}


@pytest.mark.parametrize(("address", "lookup", "value"), FORBIDDEN)
def test_a_lookup_that_no_filter_has_is_refused_and_the_database_is_not_asked(
    people: dict[str, Client], prediction: Prediction, address: str, lookup: str, value: str
) -> None:
    began = time.monotonic()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = people[address].get(f"{address}?{urlencode({lookup: value})}")
    assert answer.status_code == 400
    assert not any(" REGEXP " in query["sql"] or " LIKE " in query["sql"] for query in asked.captured_queries)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(("address", "name", "value"), SENSELESS)
def test_a_senseless_value_is_no_filter_and_never_a_fault(
    people: dict[str, Client], prediction: Prediction, address: str, name: str, value: str
) -> None:
    answer = people[address].get(f"{address}?{urlencode({name: value})}", follow=True)
    assert answer.status_code == 200


@pytest.mark.parametrize("model_admin", admin.site._registry.values(), ids=lambda each: each.opts.model_name)
def test_every_filter_that_is_shown_works(people: dict[str, Client], model_admin: ReadOnlyAdmin) -> None:
    address = f"/admin/{model_admin.opts.app_label}/{model_admin.opts.model_name}/"
    browser = next(each for each in people.values() if each.get(address).status_code == 200)
    shown: Any = cast("Any", browser.get(address)).context_data["cl"]
    specs = shown.filter_specs
    assert 0 < len(specs) <= len(model_admin.list_filter)  # one without choices is not shown
    links = [choice["query_string"] for spec in specs for choice in spec.choices(shown)]
    assert len(links) > len(specs)
    for link in links:
        assert browser.get(address + link).status_code == 200, link


def test_at_most_ten_words_and_120_characters_are_searched_for(
    people: dict[str, Client], prediction: Prediction
) -> None:
    assert limit_search("  a \0 b\u200b  c ") == "a b c"
    assert limit_search(" ".join("abcdefghijkl")) == "a b c d e f g h i j"
    assert limit_search("x" * 500) == "x" * 120
    found = people[LIST].get(f"{LIST}?{urlencode({'q': 'P-SECRET ' * 10 + 'nothing-has-this'})}")
    assert "P-SECRET" in found.content.decode()
