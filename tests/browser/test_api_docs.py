"""The readable docs of the API: they show the operations, and the policy stops nothing of theirs."""

from playwright.sync_api import Page


def test_the_docs_show_every_operation_with_nothing_from_elsewhere(page: Page) -> None:
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    page.goto("/api/v1/docs/")
    page.wait_for_selector(".opblock")
    page.get_by_text("Read a photograph", exact=True).click()
    page.get_by_text("attach_anyway").first.wait_for()
    assert page.locator(".opblock").count() == 22
    site = str(page.evaluate("location.origin"))
    assert [address for address in addresses if not address.startswith((site, "data:"))] == []
