"""A real browser against a real server, at the width of a phone and of a desk."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from classifier.models import ModelVersion
from ml.bundle.folder import DEFAULT_BUNDLE
from skinsite.accounts.models import Membership
from tests.browser.chromium import ARGUMENTS, find_chromium
from tests.factories import PASSWORD
from tests.network import put_into_service

SIZES = {"phone": (390, 844), "desk": (1440, 900)}
SAMPLES = Path(__file__).parents[2] / "classifier" / "samples" / "photographs"
LONGEST_WAIT = 15_000  # milliseconds: the machine may be busy

SignIn = Callable[[Page, Membership], None]


def sample_photograph(place: int = 0) -> Path:
    """One of the attributed photographs of real lesions, in the order of their names."""
    return sorted(SAMPLES.glob("*.jpg"))[place]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, once for all tests."""
    expect.set_options(timeout=LONGEST_WAIT)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """Phone and desk."""
    return str(request.param)


@pytest.fixture
def context(browser: Browser, live_server: LiveServer, size: str) -> Iterator[BrowserContext]:
    """A browser of one person, fresh."""
    width, height = SIZES[size]
    context = browser.new_context(
        base_url=live_server.url,
        viewport={"width": width, "height": height},
        is_mobile=size == "phone",
        has_touch=size == "phone",
        locale="en-GB",
        reduced_motion="reduce",
    )
    context.set_default_timeout(LONGEST_WAIT)
    yield context
    context.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the page has complained of; a test that provokes a complaint clears it."""
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    """A page that must not complain: no script error, nothing refused by the policy, nothing missing."""

    def note(message: ConsoleMessage) -> None:
        # A form that comes back with errors is answered 422, which the console calls a failure.
        if message.type == "error" and "422" not in message.text:
            complaints.append(message.text)

    page = context.new_page()
    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []


@pytest.fixture
def storage(settings: Settings, tmp_path: Path, transactional_db: None) -> None:
    """A storage of this test's own, and no network yet."""
    settings.MODEL_STORE = tmp_path / "models"
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def network(storage: None) -> ModelVersion:
    """The shipped network in service."""
    return put_into_service(DEFAULT_BUNDLE)


@pytest.fixture
def sign_in() -> SignIn:
    """Signs a member in by the form."""

    def fill_in(page: Page, membership: Membership) -> None:
        page.goto("/login/")
        page.get_by_label("E-mail address").fill(membership.user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("**/")

    return fill_in
