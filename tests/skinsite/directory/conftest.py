"""A directory of the clinic's own, and a browser that walks there and back."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from skinsite.accounts.models import Clinic
from skinsite.audit.models import AuditEvent
from skinsite.settings.directories import Directory, GroupRole
from tests.skinsite.directory.provider import Provider

ADDRESS = "anna@hospital.example"
BROWSER = "Mozilla/5.0 (test)"
Walk = Callable[..., Any]
Configure = Callable[..., Directory]


@pytest.fixture(scope="session")
def provider_server() -> Iterator[Provider]:
    """The hospital's directory, for all tests: it takes a while to make its keys."""
    with Provider().serving() as provider:
        yield provider


@pytest.fixture
def provider(provider_server: Provider) -> Provider:
    """The hospital's directory, honest, which knows Anna."""
    provider_server.be_honest()
    provider_server.know("anna", email=ADDRESS, email_verified=True, name="Anna Berg")
    return provider_server


@pytest.fixture
def configure(provider: Provider, clinic: Clinic, settings: Settings) -> Configure:
    """Names the directory in the settings, with what is said of it."""

    def named(**changes: Any) -> Directory:
        directory = Directory(
            name="hospital",
            url=provider.url,
            client_id="skinsite",
            client_secret="hush",
            label="Hospital account",
            domains=frozenset({"hospital.example"}),
            clinics=(clinic.slug,),
        )
        changed = replace(directory, **changes)
        settings.DIRECTORIES = [changed]
        return changed

    return named


@pytest.fixture
def directory(configure: Configure) -> Directory:
    """The directory, named in the settings for the clinic."""
    return configure()


@pytest.fixture
def grouped(directory: Directory, configure: Configure, clinic: Clinic) -> Directory:
    """The directory, two of whose groups are roles in the clinic."""
    doctors, heads = GroupRole("/doctors", clinic.slug, "clinician"), GroupRole("/heads", clinic.slug, "administrator")
    return configure(groups=(doctors, heads))


@pytest.fixture
def walk(provider: Provider, directory: Directory) -> Walk:
    """Signs in by the directory: the sign-in page's button, the directory's form, the way back; the last answer."""

    def there_and_back(client: Client, subject: str = "anna", next: str = "") -> Any:  # noqa: A002 the field's name
        return client.get(provider.authorise(leave(client, next=next), subject), HTTP_USER_AGENT=BROWSER)

    return there_and_back


def leave(client: Client, name: str = "hospital", **sent: str) -> str:
    """Press the button; the address that the page leads on to."""
    page = client.post(reverse("openid_connect_login", args=[name]), sent)
    assert page.status_code == 200
    return str(page.context["address"])


def refusals() -> list[tuple[Any, ...]]:
    """Every refusal in the trail: the reason, the address that was claimed, from where."""
    events = AuditEvent.objects.filter(action="user.directory_refused").order_by("pk")
    return [(each.details["reason"], each.details["email"], each.details["address"]) for each in events]
