"""What the tests of the project's own parts share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.test import Client
from pytest_django import DjangoDbBlocker

from skinsite.accounts.models import ApiToken, Clinic, Membership, User
from skinsite.settings.databases import describe_database
from skinsite.settings.env import Environment
from tests.clients import page_client

SignIn = Callable[[Membership | User], Client]


@pytest.fixture
def sign_in() -> SignIn:
    """A browser in which this person is signed in; with a membership it acts for that clinic."""

    def signed_in(who: Membership | User) -> Client:
        client = page_client(who) if isinstance(who, Membership) else Client()
        client.force_login(who if isinstance(who, User) else who.user)
        if isinstance(who, Membership):
            session = client.session
            session["clinic"] = who.clinic_id
            session.save()
        return client

    return signed_in


@pytest.fixture(autouse=True)
def _no_counts_left() -> None:
    """Counters of requests start anew in each test."""
    cache.clear()


@pytest.fixture
def clinic(owner: Membership) -> Clinic:
    """The clinic that a test is about."""
    return owner.clinic


def token_for(membership: Membership, **fields: object) -> tuple[ApiToken, str]:
    """An API token of a member, and its key."""
    made: tuple[ApiToken, str] = ApiToken.objects.create(membership.user, membership=membership, **fields)
    return made


def acting(response: Any) -> Membership | None:
    """The membership that the request behind an answer acted under."""
    membership: Membership | None = response.wsgi_request.membership
    return membership


@pytest.fixture(scope="session")
def postgres(postgres_url: str, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The alias of a migrated PostgreSQL database beside the default one."""
    environment = Environment()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", postgres_url)
        described = describe_database(environment.database("DATABASE_URL"))
    connections.databases["postgres"] = connections.configure_settings({"default": described})["default"]
    with django_db_blocker.unblock():
        call_command("migrate", database="postgres", verbosity=0)
    yield "postgres"
    with django_db_blocker.unblock():
        connections["postgres"].close()
    del connections.databases["postgres"]
