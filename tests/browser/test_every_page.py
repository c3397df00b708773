"""Every page at both widths, light and dark, in both languages: nothing is cut, and a screen reader can use it."""

from collections.abc import Iterator
from datetime import date
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from classifier.models import ModelVersion, Prediction
from classifier.services.intake import receive_upload
from classifier.services.upload import Upload
from skinsite.accounts.models import Membership, Role
from tests import factories
from tests.browser.conftest import SignIn, sample_photograph
from tests.classifier.web.routes import POST_ONLY, all_routes

NOT_PAGES = {
    "image-file",
    "image-thumbnail",
    "heat-map",
    "similar-case",
    "patient-search",
    "lesion-search",
    "reading-status",
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SERIOUS = {"moderate", "serious", "critical"}
WIDTHS = (320, 390, 820, 899, 900, 1024, 1099, 1100, 1440)
"""The narrowest phone to a desk, and each side of every width at which the layout changes."""


@pytest.fixture
def paths(network: ModelVersion, administrator: Membership) -> list[str]:
    """The addresses of all pages, of a clinic with readings of every kind."""
    readings: list[Prediction] = []
    for place in range(3):
        photograph = sample_photograph(place)
        modality = "clinical" if place == 1 else "dermoscopic"
        readings.append(
            receive_upload(
                actor=administrator,
                upload=Upload(
                    data=photograph.read_bytes(),
                    original_name=photograph.name,
                    modality=modality,
                    patient_code=f"P-{place}",
                ),
            ).prediction
        )
    lesion = readings[0].image.lesion
    for place, day in ((3, None), (4, date(2025, 3, 4))):  # two photographs of one day, and one of another
        again = Upload(data=sample_photograph(place).read_bytes(), lesion=lesion, taken_on=day)
        receive_upload(actor=administrator, upload=again)
    factories.DonePredictionFactory.create(image=readings[0].image)  # by another model, to stand beside it
    factories.ReviewFactory.create(prediction=readings[0], reviewer=administrator.user, comment="Regular network.")
    waiting = factories.PredictionFactory.create(image=readings[0].image, waiting_for="no_model")
    routes = [route for route in all_routes(readings[0], network) if route.name not in NOT_PAGES | POST_ONLY]
    of_accounts = [reverse(name) for name in ("account", "account_change_password", "clinic", "clinic-services")]
    of_accounts += [reverse(name) for name in ("trail", "trail-refused", "trail-patients")]
    of_readings = [reverse("reading", args=[each.public_id]) for each in (readings[1], waiting)]
    of_readings += [f"{reverse('lesion', args=[lesion.public_id])}?first=&second="]  # side by side
    trail, oversight = (reverse(f"admin:{name}_changelist") for name in ("audit_auditevent", "classifier_prediction"))
    of_oversight = [
        f"{trail}?kind__exact=access",
        f"{trail}?q=nowhere",
        oversight,
        reverse("admin:classifier_prediction_change", args=[readings[0].public_id]),
    ]
    others = ["/history/?q=nowhere", "/history/?status=failed"]
    return [*(route.path for route in routes), *of_readings, *of_accounts, *of_oversight, *others]


@pytest.fixture
def signed_in(page: Page, administrator: Membership, paths: list[str], sign_in: SignIn) -> Iterator[Page]:
    """The administrator's page; those that wait ask the server, so leave before the server ends."""
    assert administrator.role == Role.ADMINISTRATOR
    sign_in(page, administrator)
    yield page
    page.goto("about:blank")


def find_serious(page: Page, **options: object) -> list[str]:
    """What axe finds that hinders somebody, landmarks included."""
    results = Axe().run(page, options=options)
    return [
        f"{each['id']}: {[node['target'] for node in each['nodes']]}"
        for each in results.response["violations"]
        if each["impact"] in SERIOUS
    ]


def test_no_page_has_a_serious_barrier_or_is_wider_than_the_screen(signed_in: Page, paths: list[str]) -> None:
    page = signed_in
    for path in paths:
        page.emulate_media(color_scheme="light")
        page.goto(path)
        assert find_serious(page) == [], path
        assert too_wide(page) == [], path
        page.emulate_media(color_scheme="dark")
        assert find_serious(page, runOnly=["color-contrast"]) == [], path


def test_the_page_of_what_is_not_there_has_no_barrier_either(signed_in: Page, complaints: list[str]) -> None:
    signed_in.goto("/nowhere/")
    complaints.clear()
    expect(signed_in.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert find_serious(signed_in) == []


def test_the_page_to_sign_in_on_has_no_barrier(page: Page, db: None) -> None:
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.goto("/login/")
        assert find_serious(page) == []


def test_russian_fits_on_every_page(signed_in: Page, paths: list[str]) -> None:
    page = signed_in
    choose_language(page, "Русский")
    for path in paths:
        page.goto(path)
        assert page.evaluate("document.documentElement.lang") == "ru"
        assert tall_buttons(page) == [], path
        assert too_wide(page) == [], path


def too_wide(page: Page) -> list[int]:
    """The widths at which the page scrolls sideways; the page is left as wide as it was."""
    before = page.viewport_size
    assert before is not None
    found = []
    for width in WIDTHS:
        page.set_viewport_size({**before, "width": width})
        if page.evaluate("document.documentElement.scrollWidth - innerWidth") > 0:
            found.append(width)
    page.set_viewport_size(before)
    return found


def choose_language(page: Page, name: str) -> None:
    page.get_by_label("Account and settings").click()
    page.get_by_role("button", name=name).click()
    page.wait_for_load_state()


def tall_buttons(page: Page) -> list[str]:
    """Buttons whose words took a second line."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll(".button, .mainnav a, .chip")]
            .filter((button) => button.offsetParent && button.offsetHeight > 60)
            .map((button) => button.textContent.trim())"""
    )
    return found


def test_a_theme_is_chosen_and_kept(signed_in: Page) -> None:
    page = signed_in
    page.emulate_media(color_scheme="light")
    page.goto("/")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_label("Account and settings").click()
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(background)
    assert light != dark
    page.goto("/history/")
    assert page.evaluate(background) == dark
    page.get_by_label("Account and settings").click()
    page.get_by_role("button", name="System").click()
    assert page.evaluate(background) == light


def test_a_photograph_lies_on_the_same_grey_in_both_themes(signed_in: Page, paths: list[str]) -> None:
    page = signed_in
    page.goto(next(path for path in paths if path.startswith("/readings/")))
    surface = "getComputedStyle(document.querySelector('[data-stage]')).backgroundColor"
    seen = set()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        seen.add(page.evaluate(surface))
    assert seen == {"rgb(119, 119, 119)"}


def test_keys_walk_a_list_open_a_row_search_and_tell_themselves(signed_in: Page) -> None:
    page = signed_in
    page.goto("/history/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    links = page.locator("[data-row-link]")
    expect(links.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_label("Search", exact=True)).to_be_focused()
    page.keyboard.type("j?")
    expect(page.get_by_label("Search", exact=True)).to_have_value("j?")
    page.get_by_role("heading", name="History").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/readings/*/")


def test_paper_shows_a_list_as_a_table_with_the_times_in_full(signed_in: Page) -> None:
    page = signed_in
    page.goto("/history/")
    page.set_viewport_size({"width": 720, "height": 1000})
    page.emulate_media(media="print")
    expect(page.locator(".table-list thead th").nth(1)).to_be_visible()
    shown = page.locator("tbody time").last
    year = str(timezone.now().year)
    assert year in str(shown.evaluate("node => getComputedStyle(node, '::after').content"))
    assert shown.evaluate("node => getComputedStyle(node).fontSize") == "0px"
    expect(page.locator(".topbar")).to_be_hidden()
