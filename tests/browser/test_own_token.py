"""A token is made on the account page and copied by one click, under the policy that lets no inline script run."""

from playwright.sync_api import Page, expect

from skinsite.accounts.models import ApiToken, Membership
from tests.browser.conftest import SignIn


def test_a_token_is_made_and_copied(page: Page, owner: Membership, storage: None, sign_in: SignIn) -> None:
    sign_in(page, owner)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/account/")
    page.get_by_text("New token").click()
    page.get_by_label("Name of the program").fill("Notebook")
    page.get_by_role("button", name="Make the token and show it").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    key = page.get_by_label("Token").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == key
    assert ApiToken.objects.get().token_key == key[:15]
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_text("Notebook")).to_be_visible()
