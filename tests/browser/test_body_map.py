"""The body map in a browser: the named points are hit by two taps and by keys, and pins and lesions light together."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

import tests.classifier.anatomy

POINTS = [
    line.split() for line in (Path(tests.classifier.anatomy.__file__).parent / "points.txt").read_text().splitlines()
]
KEYS = """(points) => {
  const press = (key, isFine = false) => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", { key, shiftKey: isFine, bubbles: true, cancelable: true }));
  const value = (name) => document.querySelector(`[name=place_${name}]`).value;
  const said = [];
  for (const [view, x, y, site, side] of points) {
    document.querySelector("[data-clear]").click();
    document.querySelector(`[data-shows=${view}]`).click();
    document.querySelector(`[data-view=${view}] [tabindex="0"][data-site]`).focus();
    press("Home");
    for (let step = 0; step < 100; step += 1) {
      const { dataset } = document.activeElement;
      if (dataset.site === site && dataset.side === side) break;
      press("ArrowDown");
    }
    said.push([view, document.activeElement.getAttribute("aria-label"), document.activeElement]);
    press("Enter");
    said[said.length - 1].push(value("site"), value("side"), value("view"), Number(value("x")), Number(value("y")));
    said[said.length - 1].splice(2, 1);
  }
  return said;
}"""


@pytest.fixture
def context(browser: Browser, live_server: LiveServer, settings: Settings, storage: None) -> Any:
    """A phone, on the site with the page for trying."""
    settings.ROOT_URLCONF = "tests.browser.body_map_urls"
    context = browser.new_context(
        base_url=live_server.url,
        viewport={"width": 390, "height": 844},
        is_mobile=True,
        has_touch=True,
        locale="en-GB",
        reduced_motion="reduce",
    )
    yield context
    context.close()


def chosen(page: Page) -> dict[str, str]:
    """What the form would send."""
    found: dict[str, str] = page.evaluate(
        """() => Object.fromEntries(["site", "side", "view", "x", "y"].map(
          (name) => [name, document.querySelector(`[name=place_${name}]`).value]))"""
    )
    return found


def where(page: Page, view: str, x: float, y: float, *, afresh: bool = False) -> dict[str, float]:
    """Where a point of a view lies on the screen now, scrolled to; ``afresh``: with nothing chosen, the view whole."""
    found: dict[str, float] = page.evaluate(
        """([view, x, y, afresh]) => {
          if (afresh) for (const name of ["[data-clear]", `[data-shows=${view}]`]) document.querySelector(name).click();
          const svg = document.querySelector(`[data-view=${view}]`);
          const whole = { front: 720, back: 720, head: 540, hands: 580, feet: 580, genital: 250 }[view];
          const at = () => new DOMPoint(x * 360, y * whole).matrixTransform(svg.getScreenCTM());
          scrollBy({ top: at().y - 400, behavior: "instant" });
          return { x: at().x, y: at().y };
        }""",
        [view, x, y, afresh],
    )
    return found


def tap(page: Page, view: str, x: float, y: float, *, afresh: bool = False) -> None:
    """Tap once."""
    at = where(page, view, x, y, afresh=afresh)
    page.touchscreen.tap(at["x"], at["y"])


def test_the_named_points_are_hit_by_two_taps(page: Page, context: BrowserContext) -> None:
    page.goto("/body-map/")
    wrong = []
    for view, x, y, site, side in POINTS:
        tap(page, view, float(x), float(y), afresh=True)
        assert chosen(page)["view"] == ""
        tap(page, view, float(x), float(y))
        found = chosen(page)
        if [found["view"], found["site"], found["side"]] != [view, site, side] or any(
            abs(float(found[name]) - float(given)) > 0.004 for name, given in (("x", x), ("y", y))
        ):
            wrong.append((view, x, y, site, side, found))
    assert wrong == []


def test_every_named_region_is_reached_by_keys_and_its_pin_lies_in_it(page: Page, context: BrowserContext) -> None:
    page.goto("/body-map/")
    reached = page.evaluate(KEYS, POINTS)
    assert len(reached) == len(POINTS)
    for (view, _x, _y, site, side), (_view, label, *found) in zip(POINTS, reached, strict=True):
        assert found[:3] == [site, side, view], label
        assert label.endswith(f", {side}")


def test_a_pin_moved_to_the_other_side_asks_and_what_was_chosen_is_saved(page: Page, context: BrowserContext) -> None:
    page.goto("/body-map/")
    for _ in range(2):
        tap(page, "front", 0.51, 0.45)
    assert chosen(page)["side"] == "left"
    expect(page.locator("[data-said]")).to_have_text("Lower abdomen, left")
    page.locator(".body-map-chosen").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-said]")).to_have_text("Lower abdomen, midline")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("from the patient's left side to the right side")).to_be_visible()
    page.get_by_role("button", name="Keep it on the left").click()
    assert chosen(page)["side"] == "midline"
    page.locator(".body-map-chosen").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Move it to the right").click()
    expect(page.locator("[data-said]")).to_have_text("Lower abdomen, right")
    before = chosen(page)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("output")).to_contain_text("Place(site='lower_abdomen', side='right', view='front'")
    assert chosen(page) == before
    page.get_by_label("Site").select_option(label="Ring finger")
    assert (chosen(page)["side"], chosen(page)["view"]) == ("right", "")
    expect(page.get_by_label("Side").locator("option[value=midline]")).to_be_disabled()


def test_thirty_pins_are_apart_and_light_with_their_lesions(page: Page, context: BrowserContext) -> None:
    page.goto("/body-map/shown/")
    boxes = page.locator(".body-map-pin rect").evaluate_all(
        "all => all.map((one) => { const { left, top, right, bottom } = one.getBoundingClientRect(); "
        "return [left, top, right, bottom]; })"
    )
    assert len(boxes) == 30
    for place, (left, top, right, bottom) in enumerate(boxes):
        assert right - left > 30
        assert bottom - top > 16
        others = boxes[place + 1 :]
        assert not [
            each for each in others if each[0] < right and left < each[2] and each[1] < bottom and top < each[3]
        ]
    page.locator("li a").nth(4).focus()
    expect(page.locator(".body-map-pin.is-lit")).to_have_attribute("data-lesion-ref", "lesion-4")
    page.locator(".body-map-pin").nth(7).focus()
    expect(page.locator("li.is-lit")).to_have_id("lesion-7")


@pytest.mark.parametrize("path", ["/body-map/", "/body-map/shown/"])
def test_the_map_has_no_serious_barrier_and_is_no_wider_than_the_screen(
    page: Page, context: BrowserContext, path: str
) -> None:
    page.goto(path)
    found = Axe().run(page, ".body-map").response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in {"serious", "critical"}] == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
