"""Adding photographs in a browser: many at once, errors among them, by keyboard alone, dropped, without a script."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from classifier.models import Declared, LesionImage, ModelVersion
from skinsite.accounts.models import Membership
from tests.browser.conftest import SignIn, sample_photograph
from tests.factories import PASSWORD, PatientFactory


@pytest.fixture
def upload_page(page: Page, owner: Membership, network: ModelVersion, sign_in: SignIn) -> Page:
    """The page to add photographs on, signed in."""
    sign_in(page, owner)
    page.goto("/upload/")
    return page


def choose(page: Page, *files: Path) -> None:
    page.get_by_label("Choose photographs").set_input_files([str(file) for file in files])


def test_the_error_of_one_file_stays_in_its_row_while_the_rest_goes_on(upload_page: Page, tmp_path: Path) -> None:
    page = upload_page
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(sample_photograph(3).read_bytes()[:5000])
    choose(page, sample_photograph(1), broken, sample_photograph(2))
    rows = page.locator("[data-capture-row]")
    expect(rows).to_have_count(3)
    first = rows.nth(0)
    expect(first.locator("[data-preview] img")).to_be_visible()
    first.get_by_label("Patient code").fill("P-300")
    first.get_by_label("New patient").check()
    first.get_by_label("Body site of a new lesion").select_option("scalp")
    first.get_by_label("In a tattoo").check()
    first.get_by_role("button", name="Same for all below").click()
    for place in range(3):
        expect(rows.nth(place).get_by_label("In a tattoo")).to_be_checked()
        expect(rows.nth(place).get_by_label("Patient code")).to_have_value("P-300")
        expect(rows.nth(place).get_by_label("Body site of a new lesion")).to_have_value("scalp")
    page.get_by_role("button", name="Save and read all").click()
    for place in (0, 2):
        expect(rows.nth(place)).to_have_attribute("data-state", "done")
        expect(rows.nth(place).get_by_role("link", name="Open the reading")).to_be_visible()
    expect(rows.nth(1)).to_have_attribute("data-state", "error")
    expect(rows.nth(1).get_by_role("alert")).to_contain_text("copy it from the camera again")
    expect(rows.nth(1).get_by_label("Patient code")).to_have_value("P-300")
    kept = LesionImage.objects.filter(
        examination__lesion__patient__code="P-300", examination__lesion__body_site="scalp", declared="tattoo"
    )
    assert kept.count() == 2


@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "changed"])
def test_a_file_that_changed_since_it_was_chosen_is_not_called_a_lost_connection(
    upload_page: Page, complaints: list[str], tmp_path: Path, *, is_gone: bool
) -> None:
    photograph = tmp_path / "synchronised.jpg"
    photograph.write_bytes(sample_photograph(1).read_bytes())
    choose(upload_page, photograph)
    row = upload_page.locator("[data-capture-row]")
    expect(row.locator("[data-preview] img")).to_be_visible()
    row.get_by_label("Patient code").fill("P-301")
    row.get_by_label("New patient").check()
    if is_gone:
        photograph.unlink()
    else:
        photograph.write_bytes(sample_photograph(2).read_bytes() + b"later")
        os.utime(photograph, (1, 1))
    row.get_by_role("button", name="Save and show the reading").click()
    expect(row.get_by_role("alert")).to_contain_text("Choose it again")
    expect(row.get_by_label("Patient code")).to_have_value("P-301")
    # What the browser itself says of a request that it does not send; nothing else is wrong.
    own = ("htmx:afterRequest", "htmx:sendError", "net::ERR_UPLOAD_FILE_CHANGED", "net::ERR_FILE_NOT_FOUND")
    assert [complaint for complaint in complaints if not any(words in complaint for words in own)] == []
    complaints.clear()


def test_a_file_over_the_limit_is_refused_before_it_travels(upload_page: Page, tmp_path: Path) -> None:
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(bytes(25_000_001))
    choose(upload_page, huge)
    expect(upload_page.get_by_role("alert")).to_contain_text("larger than the limit of 25 MB")


def test_the_same_photograph_for_another_patient_is_told_and_kept_if_wanted(upload_page: Page) -> None:
    page = upload_page
    choose(page, sample_photograph(), sample_photograph())
    rows = page.locator("[data-capture-row]")
    for place, code in enumerate(("P-1", "P-2")):
        rows.nth(place).get_by_label("Patient code").fill(code)
        rows.nth(place).get_by_label("New patient").check()
    page.get_by_role("button", name="Save and read all").click()
    expect(rows.nth(1).get_by_role("alert")).to_contain_text("already on another lesion")
    rows.nth(1).get_by_role("button", name="Keep it here as well").click()
    expect(rows.nth(1)).to_have_attribute("data-state", "done")
    assert LesionImage.objects.count() == 2


def test_a_lost_connection_leaves_what_was_typed_and_the_next_try_works(
    upload_page: Page, complaints: list[str]
) -> None:
    page = upload_page
    choose(page, sample_photograph())
    row = page.locator("[data-capture-row]")
    row.get_by_label("Patient code").fill("P-400")
    row.get_by_label("New patient").check()
    page.route("**/upload/", lambda route: route.abort())
    send = row.get_by_role("button", name="Save and show the reading")
    send.click()
    expect(row.get_by_role("alert")).to_contain_text("The connection was lost")
    expect(row.get_by_label("Patient code")).to_have_value("P-400")
    page.unroute("**/upload/")
    complaints.clear()
    send.click()
    page.wait_for_url("**/readings/*/**")


def test_somebody_signed_out_meanwhile_signs_in_on_the_page_and_the_batch_goes_on(upload_page: Page) -> None:
    page = upload_page
    choose(page, sample_photograph(0), sample_photograph(1))
    rows = page.locator("[data-capture-row]")
    for place in range(2):
        rows.nth(place).get_by_label("Patient code").fill(f"P-50{place}")
        rows.nth(place).get_by_label("New patient").check()
    page.context.clear_cookies()
    page.get_by_role("button", name="Save and read all").click()
    dialog = page.get_by_role("dialog", name="You have been signed out")
    dialog.get_by_label("Password").fill("wrong")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("do not belong together")
    assert not LesionImage.objects.exists()
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    for place in range(2):
        expect(rows.nth(place)).to_have_attribute("data-state", "done")
    assert set(LesionImage.objects.values_list("examination__lesion__patient__code", flat=True)) == {"P-500", "P-501"}


def test_a_batch_goes_out_after_signing_in_again_in_another_tab(
    upload_page: Page, owner: Membership, sign_in: SignIn
) -> None:
    page = upload_page
    choose(page, sample_photograph())
    row = page.locator("[data-capture-row]")
    row.get_by_label("Patient code").fill("P-510")
    row.get_by_label("New patient").check()
    other = page.context.new_page()
    other.goto("/account/")
    page.context.clear_cookies()
    sign_in(other, owner)  # which makes every form that is open already too old
    page.bring_to_front()
    row.get_by_role("button", name="Save and show the reading").click()
    page.wait_for_url("**/readings/*/**")
    assert LesionImage.objects.get().lesion.patient.code == "P-510"


def test_nothing_goes_out_in_the_name_of_somebody_else_who_signed_in_meanwhile(
    upload_page: Page, stranger: Membership, sign_in: SignIn
) -> None:
    page = upload_page
    choose(page, sample_photograph())
    row = page.locator("[data-capture-row]")
    row.get_by_label("Patient code").fill("P-520")
    row.get_by_label("New patient").check()
    other = page.context.new_page()
    other.goto("/login/")
    page.context.clear_cookies()
    sign_in(other, stranger)
    page.bring_to_front()
    row.get_by_role("button", name="Save and show the reading").click()
    expect(row.get_by_role("alert")).to_contain_text("Somebody else has signed in")
    expect(row.get_by_label("Patient code")).to_have_value("P-520")
    assert not LesionImage.objects.exists()


def test_a_photograph_dropped_anywhere_on_the_page_becomes_a_row(upload_page: Page) -> None:
    upload_page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["x"], "dropped.jpg", { type: "image/jpeg" }));
            const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new DragEvent("drop", options));
        }"""
    )
    expect(upload_page.locator("[data-capture-row]")).to_contain_text("dropped.jpg")


def test_a_row_is_removed_and_the_focus_stays_near(upload_page: Page) -> None:
    page = upload_page
    choose(page, sample_photograph(0), sample_photograph(1))
    page.locator("[data-remove]").first.click()
    expect(page.locator("[data-capture-row]")).to_have_count(1)
    expect(page.locator("[data-remove]")).to_be_focused()


def test_a_photograph_is_sent_with_the_keyboard_alone(upload_page: Page) -> None:
    page = upload_page
    with page.expect_file_chooser() as chooser:
        # Listening for the chooser is switched on beside this: a whole turn passes before the key.
        page.get_by_label("Choose photographs").focus()
        expect(page.get_by_label("Choose photographs")).to_be_focused()
        page.keyboard.press("Enter")
    chooser.value.set_files(str(sample_photograph()))
    row = page.locator("[data-capture-row]")
    expect(row.get_by_label("Dermoscopic")).to_be_focused()
    page.keyboard.press("Tab")
    expect(row.get_by_label("Patient code")).to_be_focused()
    page.keyboard.type("P-600")
    page.keyboard.press("Tab")
    expect(row.get_by_label("New patient")).to_be_focused()
    page.keyboard.press("Space")
    for _field in ("lesion", "body site", *Declared, "button"):
        page.keyboard.press("Tab")
    expect(row.get_by_role("button", name="Save and show the reading")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/readings/*/**")


def test_neither_enter_nor_a_typo_makes_a_patient_but_a_chosen_one_is_made_and_told(
    upload_page: Page, owner: Membership
) -> None:
    PatientFactory.create(clinic=owner.clinic, code="2024-00001")
    page = upload_page
    choose(page, sample_photograph())
    row = page.locator("[data-capture-row]")
    row.get_by_label("Patient code").fill("2024-0000")
    row.get_by_label("Patient code").press("Enter")
    expect(row.get_by_role("alert")).to_contain_text("No patient of this clinic has the code “2024-0000”")
    assert not LesionImage.objects.exists()
    row.get_by_role("button", name="New patient “2024-0000”").click()
    page.wait_for_url("**/readings/*/**")
    expect(page.get_by_text("New patient created: 2024-0000")).to_be_visible()


def test_without_a_script_the_plain_form_does_it(
    browser: Browser, live_server: LiveServer, owner: Membership, network: ModelVersion
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/login/")
    page.get_by_label("E-mail address").fill(owner.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto("/upload/")
    page.get_by_label("Choose photographs").set_input_files(str(sample_photograph()))
    page.get_by_label("Patient code").fill("P-700")
    page.get_by_label("New patient").check()
    page.get_by_role("button", name="Save and show the reading").click()
    page.wait_for_url("**/readings/*/**")
    expect(page.get_by_role("link", name="Open the heat-map")).to_be_visible()
    assert LesionImage.objects.get().lesion.patient.code == "P-700"
    context.close()
