"""Signing in by a directory in a real browser: there by the button, back by itself, and nothing from elsewhere."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect
from pytest_django import Settings

from classifier.models import Patient
from skinsite.accounts.models import Membership
from skinsite.settings.directories import Directory
from tests.factories import MembershipFactory, UserFactory
from tests.skinsite.directory.provider import Provider

ADDRESS = "anna@hospital.example"
WORDS = {
    "phone": ("ru", "Войти через Hospital account", "Вход не выполнен", "Каталог не подтверждает"),
    "desk": ("en", "Sign in with Hospital account", "You are not signed in", "does not confirm"),
}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A directory on another site than ours, as browsers tell sites apart."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with Provider().serving() as provider:
        yield provider


@pytest.fixture
def anna(provider: Provider, settings: Settings, storage: None) -> Membership:
    """A member whom the directory knows; it is in the settings."""
    membership = MembershipFactory.create(user=UserFactory.create(email=ADDRESS, name="Anna Berg"))
    settings.DIRECTORIES = [
        Directory(
            name="hospital",
            url=provider.url.replace("localhost", "127.0.0.1"),
            client_id="skinsite",
            client_secret="hush",
            label="Hospital account",
            domains=frozenset({"hospital.example"}),
            clinics=(membership.clinic.slug,),
        )
    ]
    return membership


def test_a_person_signs_in_by_the_directory_and_is_told_why_not(
    page: Page, provider: Provider, anna: Membership, size: str, complaints: list[str]
) -> None:
    language, button, refused, why = WORDS[size]
    page.goto("/login/")
    own = page.url.partition("/login/")[0]
    page.context.add_cookies([{"name": "django_language", "value": language, "url": own}])
    page.context.route("https://**", lambda route: route.abort())  # what the mock's page takes from elsewhere
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def sign_in_there(*, verified: bool) -> None:
        provider.know("anna", email=ADDRESS, email_verified=verified)
        asked.clear()
        page.goto("/login/?next=/account/")
        assert [url for url in asked if not url.startswith(own)] == []
        assert complaints == []
        page.get_by_role("button", name=button).click()
        page.get_by_placeholder("sub").first.fill("anna")
        page.get_by_role("button", name="Authorize").click()

    sign_in_there(verified=False)
    expect(page.get_by_role("heading", name=refused)).to_be_visible()
    expect(page.get_by_text(why)).to_be_visible()
    complaints.clear()  # the directory's own page, and our answer's 403
    sign_in_there(verified=True)
    page.wait_for_url("**/account/")
    expect(page.get_by_text("Anna Berg").first).to_be_attached()
    complaints.clear()

    # The session ends while she types: she comes back by the directory in a tab of its own, and nothing is lost.
    page.goto("/patients/new/")
    page.locator("[name=code]").fill("P-1")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.locator("main form button[type=submit]").first.click()
    with page.context.expect_page() as opened:
        page.get_by_role("dialog").get_by_role("button", name=button).click()
    there = opened.value
    there.get_by_placeholder("sub").first.fill("anna")
    there.get_by_role("button", name="Authorize").click()
    there.wait_for_url(f"{own}/")
    page.wait_for_url("**/patients/*-*/")
    assert Patient.objects.get().code == "P-1"
    complaints.clear()
