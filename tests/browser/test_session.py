"""A session that ends while somebody works: they are warned, sign in on the page, and lose nothing."""

import pytest
from playwright.sync_api import Page, expect

from classifier.models import Patient
from classifier.services.intake import receive_upload
from classifier.services.upload import Upload
from skinsite.accounts.models import Membership
from tests.browser.conftest import SignIn, sample_photograph
from tests.factories import PASSWORD, MembershipFactory

FAULT = "<!doctype html><title>The site is not available</title>"


@pytest.fixture
def form_page(page: Page, owner: Membership, transactional_db: None, sign_in: SignIn) -> Page:
    """A plain form, filled in."""
    sign_in(page, owner)
    page.goto("/patients/new/")
    page.get_by_label("Patient code").fill("P-1")
    return page


def test_a_plain_form_goes_on_after_signing_in_on_the_page(form_page: Page, owner: Membership) -> None:
    page = form_page
    page.context.clear_cookies()
    page.get_by_role("button", name="Add the patient").click()
    dialog = page.get_by_role("dialog", name="You have been signed out")
    expect(dialog.get_by_label("E-mail address")).to_have_value(owner.user.email)
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/patients/*-*/")
    assert Patient.objects.get().code == "P-1"


def test_who_signs_in_again_is_back_in_the_clinic_of_the_page(
    page: Page, owner: Membership, transactional_db: None, sign_in: SignIn
) -> None:
    later = MembershipFactory.create(user=owner.user)
    sign_in(page, owner)
    page.goto("/account/")
    page.get_by_role("button", name=f"Work in {later.clinic}").click()
    expect(page.get_by_text("You now work in")).to_be_visible()
    page.goto("/patients/new/")
    page.get_by_label("Patient code").fill("P-2")
    page.context.clear_cookies()
    page.get_by_role("button", name="Add the patient").click()
    page.get_by_role("dialog").get_by_label("Password").fill(PASSWORD)
    page.get_by_role("dialog").get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/patients/*-*/")
    assert Patient.objects.get().clinic == later.clinic


def test_a_second_click_is_the_same_click(form_page: Page) -> None:
    form_page.get_by_role("button", name="Add the patient").dblclick()
    form_page.wait_for_url("**/patients/*-*/")
    assert Patient.objects.count() == 1


def test_a_lost_connection_leaves_a_plain_form_where_it_is(form_page: Page, complaints: list[str]) -> None:
    page = form_page
    page.context.set_offline(offline=True)
    page.get_by_role("button", name="Add the patient").click()
    expect(page.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(page.get_by_label("Patient code")).to_have_value("P-1")
    page.context.set_offline(offline=False)
    complaints.clear()
    page.get_by_role("button", name="Add the patient").click()
    page.wait_for_url("**/patients/*-*/")


def test_the_end_is_told_five_minutes_before_and_can_be_put_off(
    page: Page, owner: Membership, transactional_db: None, sign_in: SignIn
) -> None:
    page.clock.install()
    sign_in(page, owner)
    page.goto("/patients/new/")
    warning = page.get_by_text("less than five minutes")
    expect(warning).to_be_hidden()
    left = {"seconds": 240}
    page.route("**/session/", lambda route: answer(route, owner, left["seconds"]))
    page.clock.fast_forward("55:05")
    expect(warning).to_be_visible()
    left["seconds"] = 3600
    page.get_by_role("button", name="Stay signed in").click()
    expect(warning).to_be_hidden()


def test_the_end_covers_the_page(page: Page, owner: Membership, transactional_db: None, sign_in: SignIn) -> None:
    page.clock.install()
    sign_in(page, owner)
    page.goto("/patients/")
    page.context.clear_cookies()
    page.clock.fast_forward("01:01:00")
    expect(page.get_by_role("dialog", name="You have been signed out")).to_be_visible()


@pytest.fixture
def waiting_page(page: Page, owner: Membership, storage: None, sign_in: SignIn) -> Page:
    """The page of a reading that waits, which knows whether it was loaded anew."""
    sign_in(page, owner)
    waiting = receive_upload(actor=owner, upload=Upload(data=sample_photograph().read_bytes())).prediction
    page.goto(f"/readings/{waiting.public_id}/")
    page.evaluate("window.kept = true")
    return page


def test_a_passing_fault_of_the_server_does_not_load_a_page_that_waits_anew(
    waiting_page: Page, complaints: list[str]
) -> None:
    page = waiting_page
    page.route("**/readings/*/status", lambda route: route.fulfill(status=503, body=FAULT, content_type="text/html"))
    for _poll in range(2):
        with page.expect_response(lambda response: response.status == 503):
            pass
    assert page.evaluate("window.kept") is True
    complaints.clear()


def test_a_page_that_waits_asks_again_after_signing_in_on_it(waiting_page: Page) -> None:
    page = waiting_page
    page.context.clear_cookies()
    dialog = page.get_by_role("dialog", name="You have been signed out")
    dialog.get_by_label("Password").fill(PASSWORD)
    with page.expect_navigation():
        dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator("[data-waiting]")).to_be_visible()


def answer(route: object, member: Membership, seconds: int) -> None:
    """What the server would say, without an hour's wait."""
    body = {
        "person": str(member.user.public_id),
        "clinic": str(member.clinic.public_id),
        "seconds": seconds,
        "token": "x",
    }
    route.fulfill(json=body)  # type: ignore[attr-defined]
