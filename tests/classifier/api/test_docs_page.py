"""The readable docs in a browser: they show the operations, and the policy stops nothing of theirs."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import ConsoleMessage, Page, sync_playwright
from pytest_django.live_server_helper import LiveServer


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of Chromium: the system's, else the driver's own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def test_the_docs_show_every_operation_with_nothing_blocked_or_from_elsewhere(
    live_server: LiveServer, page: Page
) -> None:
    complaints: list[str] = []
    addresses: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", note)
    page.on("request", lambda request: addresses.append(request.url))
    page.goto(f"{live_server.url}/api/v1/docs/")
    page.wait_for_selector(".opblock")
    page.get_by_text("Read a photograph").click()
    page.get_by_text("attach_anyway").wait_for()
    assert page.locator(".opblock").count() == 11
    assert complaints == []
    assert [address for address in addresses if not address.startswith((live_server.url, "data:"))] == []
