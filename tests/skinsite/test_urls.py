"""Every address of the site, walked: none forgets to ask who is there."""

import re
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

# Open to everybody, and why.
PUBLIC = {
    "account_login": "the way in",
    "account_passkey": "the way in by a passkey",
    "account_passkey_begin": "a question to a passkey, which tells nothing",
    "account_inactive": "says that an account is closed, and not whose",
    "mfa_authenticate": "the second step of the way in",
    "account_logout": "ends a session, by POST",
    "openid_connect_login": "the way to a directory",
    "openid_connect_callback": "the way back, with a secret of the session's",
    "openid_connect_left": "leads to signing out at a directory",
    "session": "tells who asks, and nothing else",
    "account_reset_password_from_key": "a link with a secret",
    "invitation": "a link with a secret",
    "set_language": "changes a cookie",
    "health-live": "for probes",
    "health-ready": "for probes, without details",
    "api-schema": "how to ask, and no answers",
    "api-docs": "how to ask, and no answers",
    "admin:login": "leads to the way in",
    "admin:logout": "ends a session",
    "": "what the API does not have",
}
# The admin's regular expressions, by an address that each matches.
BY_EXPRESSION = {r"^(?P<app_label>accounts|audit|classifier)/$": "classifier/", r"(?P<url>.*)$": "nothing/"}
EXAMPLES = {"uuid": str(uuid4()), "path": str(uuid4()), "int": "1", "str": "word"}


def addresses(resolver: URLResolver, before: str = "/", namespace: str = "") -> Iterator[tuple[str, str]]:
    """The name and an example of the address of every pattern."""
    inner = f"{namespace}{resolver.namespace}:" if resolver.namespace else namespace
    for one in resolver.url_patterns:
        address = before + example(one)
        if isinstance(one, URLResolver):
            yield from addresses(one, address, inner)
        else:
            yield f"{inner}{one.name or one.pattern}", address


def example(one: URLPattern | URLResolver) -> str:
    """A part of an address that the pattern matches."""
    text = str(one.pattern)
    if not isinstance(one.pattern, RoutePattern):
        return BY_EXPRESSION.get(text, text.strip("^$"))
    return re.sub(r"<(?:(\w+):)?\w+>", lambda found: EXAMPLES[found[1] or "str"], text)


ALL = dict(addresses(get_resolver()))


def test_the_walk_finds_the_rooms() -> None:
    assert {"home", "reading", "clinic", "admin:index", "health-ready", "api-prediction-list"} <= set(ALL)


def test_what_is_public_exists() -> None:
    assert set(PUBLIC) <= set(ALL)


@pytest.mark.parametrize("name", sorted(set(ALL) - set(PUBLIC)))
def test_nobody_gets_in_without_signing_in(client: Client, db: None, name: str) -> None:
    for response in (client.get(ALL[name]), client.post(ALL[name])):
        if response.status_code == 302:
            assert response["Location"].startswith(("/login/?next=", "/admin/login/?next="))
        else:
            assert response.status_code in {401, 405}
