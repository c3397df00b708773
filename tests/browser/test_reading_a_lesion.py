"""The way of a clinician: sign in, send a photograph of a real lesion, see its reading, find it, have it reviewed."""

import io
import re
from datetime import date
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from classifier.models import Lesion, LesionReading, ModelVersion, Prediction, Review
from classifier.services.intake import receive_upload
from classifier.services.registry import register_model
from classifier.services.upload import Upload
from ml.bundle.folder import DEFAULT_BUNDLE
from skinsite.accounts.models import Membership
from tests.browser.conftest import SignIn, sample_photograph

OUTCOME = re.compile("Low risk|Suspicious|Refer: uncertain")


def send(page: Page, *files: Path) -> None:
    """Choose files in the drop zone."""
    page.get_by_label("Choose photographs").set_input_files([str(file) for file in files])


@pytest.fixture
def reading_page(page: Page, owner: Membership, network: ModelVersion, sign_in: SignIn) -> Page:
    """The page of a reading that was just made through the browser."""
    sign_in(page, owner)
    send(page, sample_photograph())
    row = page.locator("[data-capture-row]")
    row.get_by_label("Patient code").fill("P-100")
    row.get_by_label("New patient").check()
    row.get_by_role("button", name="Save and show the reading").click()
    page.wait_for_url("**/readings/*/**")
    return page


def test_a_photograph_becomes_a_reading_that_is_found_in_the_history_and_reviewed(
    reading_page: Page, reviewer: Membership, sign_in: SignIn
) -> None:
    page = reading_page
    expect(page.locator(".verdict")).to_contain_text(OUTCOME)
    expect(page.locator("[data-class]")).to_have_count(7)
    expect(page.get_by_text("Decision support for research use.").first).to_be_visible()

    page.goto("/history/")
    page.get_by_label("Search", exact=True).fill("P-100")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**q=P-100**")
    page.get_by_role("link", name="P-100").click()
    page.wait_for_url("**/readings/*/")

    prediction = Prediction.objects.get()
    page.context.clear_cookies()
    sign_in(page, reviewer)
    page.goto(f"/readings/{prediction.public_id}/")
    page.get_by_role("link", name="Give an opinion").click()
    give_opinion(page)
    review = Review.objects.get()
    assert (review.diagnosis, review.certainty, review.reviewer) == ("NV", "high", reviewer.user)
    page.goto(f"/readings/{prediction.public_id}/")
    expect(page.locator(".opinion")).to_contain_text("Regular network.")


def give_opinion(page: Page) -> None:
    """Fill in the admin's form."""
    page.get_by_label("Melanocytic nevus").check()
    page.get_by_label("Sure", exact=True).check()
    form = page.locator("form", has=page.locator("[name=comment]"))
    form.locator("[name=comment]").fill("Regular network.")
    form.get_by_role("button").click()
    expect(page.get_by_text("Regular network.")).to_be_visible()


def test_a_reading_that_waits_for_a_model_says_so_and_appears_by_itself(
    page: Page, owner: Membership, storage: None, sign_in: SignIn
) -> None:
    sign_in(page, owner)
    send_from(page, sample_photograph(), "P-100")
    expect(page.locator(".verdict")).to_contain_text("no model is in service")
    register_model(path=DEFAULT_BUNDLE, activate=True)
    expect(page.locator(".verdict")).to_contain_text(OUTCOME)
    expect(page.locator("[data-class]")).to_have_count(7)


def test_the_viewer_zooms_by_keys_and_the_heat_map_comes_when_asked(reading_page: Page) -> None:
    page = reading_page
    assert page.locator("[data-heat]").get_attribute("src") is None
    stage = page.locator("[data-stage]")
    stage.focus()
    page.keyboard.press("+")
    expect(stage).to_have_attribute("data-zoomed", "true")
    page.keyboard.press("0")
    expect(stage).to_have_attribute("data-zoomed", "false")
    slider = page.get_by_label("Heat-map")
    slider.focus()
    for _step in range(10):
        page.keyboard.press("ArrowRight")
    expect(page.locator("[data-heat]")).to_be_visible()
    expect(page.locator("[data-heat]")).not_to_have_js_property("naturalWidth", 0)
    assert page.locator("[data-heat]").evaluate("image => image.style.opacity") == "0.5"
    expect(page.get_by_text("Where the network looked; not evidence.")).to_be_visible()


def test_a_wrong_modality_is_corrected_with_a_reason(reading_page: Page) -> None:
    page = reading_page
    page.get_by_text("Change to a clinical photograph").click()
    form = page.locator("form[action$=modality]")
    form.get_by_role("button").click()
    expect(page.locator(".error-summary")).to_be_focused()
    form.get_by_label("Reason").fill("taken without a dermatoscope")
    form.get_by_role("button").click()
    expect(page.locator(".verdict")).to_contain_text("Not assessable")
    expect(page.get_by_text("The kind of photograph has been corrected.")).to_be_visible()
    expect(page.get_by_role("heading", name="Other readings of this photograph")).to_be_visible()
    assert Prediction.objects.count() == 2


def test_a_photograph_is_moved_by_searching_the_patient(reading_page: Page) -> None:
    page = reading_page
    send_from(page, sample_photograph(1), "P-200")
    wrong = Prediction.objects.order_by("pk").first()
    right = Prediction.objects.order_by("pk").last()
    assert wrong is not None
    assert right is not None
    page.goto(f"/readings/{wrong.public_id}/")
    page.get_by_text("Wrong patient or lesion").click()
    form = page.locator("form[action$=move]")
    code = form.get_by_label("Patient code")
    code.fill("")
    code.press_sequentially("p-2")
    expect(form.locator("datalist option")).to_have_attribute("value", "P-200")
    code.fill("P-200")
    lesions = form.get_by_label("Lesion", exact=True)
    expect(form.get_by_label("Body site of a new lesion")).to_be_visible()
    lesions.select_option(str(right.image.lesion.public_id))
    expect(form.get_by_label("Body site of a new lesion")).to_be_hidden()
    form.get_by_label("Reason").fill("two patients mixed up")
    form.get_by_role("button").click()
    expect(page.get_by_text("The photograph has been moved.")).to_be_visible()
    wrong.image.refresh_from_db()
    assert wrong.image.lesion.patient.code == "P-200"


def send_from(page: Page, file: Path, code: str) -> None:
    """Send one more photograph from its page."""
    page.goto("/upload/")
    send(page, file)
    row = page.locator("[data-capture-row]")
    row.get_by_label("Patient code").fill(code)
    row.get_by_label("New patient").check()
    row.get_by_role("button", name="Save and show the reading").click()
    page.wait_for_url("**/readings/*/**")


@pytest.fixture
def followed(owner: Membership, network: ModelVersion) -> Lesion:
    """A lesion with an examination of one photograph, and a later one of two."""
    lesion: Lesion | None = None
    photograph = sample_photograph(1).read_bytes()
    turned = io.BytesIO()
    Image.open(io.BytesIO(photograph)).transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", quality=95)
    for day, data in (
        (date(2025, 3, 4), sample_photograph(0).read_bytes()),
        (date(2026, 5, 12), photograph),
        (date(2026, 5, 12), turned.getvalue()),
    ):
        whose = {"lesion": lesion} if lesion else {"patient_code": "P-300", "body_site": "back", "side": "left"}
        sent = receive_upload(actor=owner, upload=Upload(data=data, taken_on=day, **whose))
        lesion = sent.prediction.image.lesion
    assert lesion is not None
    return lesion


def test_a_lesion_is_followed_from_patient_to_lesion_to_comparison_and_to_the_photographs(
    page: Page, owner: Membership, followed: Lesion, sign_in: SignIn
) -> None:
    sign_in(page, owner)
    page.goto(f"/patients/{followed.patient.public_id}/")
    page.get_by_role("link", name=f"L{followed.number} · Back, left").click()
    expect(page.locator("[data-compare]")).to_have_count(0)  # no photograph is fetched before it is asked for
    expect(page.get_by_role("heading", name="Sums over time")).to_be_visible()
    page.get_by_role("button", name="Show side by side").click()
    panes = page.locator("[data-pane]")
    expect(panes).to_have_count(2)
    expect(panes.nth(0)).to_contain_text("4 Mar 2025, photograph 1")
    expect(panes.nth(1)).to_contain_text("12 May 2026, photograph 2")
    first, second = panes.nth(0).locator("[data-stage]"), panes.nth(1).locator("[data-stage]")
    first.focus()
    page.keyboard.press("+")
    assert [sheet.evaluate("sheet => sheet.style.transform") for sheet in page.locator("[data-sheet]").all()] == [
        "translate(0px, 0px) scale(1.25)"
    ] * 2
    page.keyboard.press("0")
    page.keyboard.press("b")
    expect(second).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(first).to_be_hidden()
    expect(second).to_be_focused()
    page.keyboard.press("Escape")
    expect(first).to_be_visible()

    together = LesionReading.objects.in_force().get(examination__visit__day=date(2026, 5, 12))
    page.get_by_role("listitem").filter(has_text="12 May 2026").get_by_role("link", name="Photograph 2").click()
    expect(page.locator(".verdict")).to_contain_text(str(together.get_outcome_display()))
    expect(page.locator(".verdict")).to_contain_text(re.compile("of (2 photographs together|1 photograph)"))
    expect(page.locator("[aria-current=true]", has_text="Photograph 2")).to_be_visible()
    page.get_by_role("link", name="Photograph 1").click()
    expect(page.locator("[aria-current=true]", has_text="Photograph 1")).to_be_visible()
    expect(page.locator(".identity")).to_contain_text("taken 12 May 2026")
    expect(page.get_by_role("link", name="4 Mar 2025")).to_be_visible()
    verdict, photograph = page.locator(".verdict").bounding_box(), page.locator(".viewer-stage").bounding_box()
    assert verdict is not None
    assert photograph is not None
    if page.viewport_size == {"width": 390, "height": 844}:
        assert verdict["y"] < photograph["y"]
