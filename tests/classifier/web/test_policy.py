"""What every page keeps to: no inline script or style, nothing from elsewhere, nothing untranslated in the frame."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.test import Client

from classifier.models import ModelVersion, Prediction
from tests.classifier.web.routes import POST_ONLY, all_routes

Pages = dict[str, tuple[str, str]]  # the page and its policy, by the name of the route
PICTURES = {"image-file", "image-thumbnail", "heat-map", "similar-case"}


class Inspector(HTMLParser):
    """Notes what a strict policy would refuse, ids given twice, and addresses of other sites."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.ids: list[str] = []
        self.elsewhere: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.refused.append(tag)
        self.refused += [f"{tag} {name}" for name in given if name == "style" or re.fullmatch(r"on[a-z]+", name)]
        self.refused += [f"{tag} {name}" for name in given if name.startswith("hx-on") or name == "hx-vals"]
        self.ids += [value for name, value in attrs if name == "id" and value]
        for name in ("src", "href", "action"):
            value = given.get(name) or ""
            if re.match(r"(https?:)?//|javascript:|data:", value):
                self.elsewhere.append(value)


@pytest.fixture
def pages(site: Client, read_photograph: Prediction, active_model: ModelVersion) -> Pages:
    """Every page for people, as the server sends it."""
    routes = [each for each in all_routes(read_photograph, active_model) if each.name not in POST_ONLY | PICTURES]
    responses = {route.name: site.get(route.path, follow=True) for route in routes}
    return {name: (each.content.decode(), each["Content-Security-Policy"]) for name, each in responses.items()}


def test_no_page_has_anything_inline_or_from_elsewhere_or_an_id_twice(pages: Pages) -> None:
    for name, (page, _policy) in pages.items():
        inspector = Inspector()
        inspector.feed(page)
        assert inspector.refused == [], name
        assert inspector.elsewhere == [], name
        assert len(inspector.ids) == len(set(inspector.ids)), name


def test_every_page_is_sent_with_a_policy_that_allows_nothing_inline(pages: Pages) -> None:
    for name, (_page, policy) in pages.items():
        assert "unsafe" not in policy, name
        assert "script-src 'self'" in policy, name
        assert "style-src 'self'" in policy, name


def test_every_label_leads_to_a_field_and_every_description_to_a_text(pages: Pages) -> None:
    for name, (page, _policy) in pages.items():
        ids = set(re.findall(r'\sid="([^"]+)"', page))
        pointed = set(re.findall(r'<label for="([^"]+)"', page))
        for several in re.findall(r'aria-(?:describedby|labelledby)="([^"]*)"', page):
            pointed |= set(several.split())
        assert pointed <= ids, name


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "413", "500"])
def test_an_error_page_says_what_happened_what_is_safe_and_what_to_do(code: str) -> None:
    page = render_to_string(f"{code}.html")
    body = page[page.index('<div class="error-page') :]
    assert len(re.findall(r"<p>\s*\S", body)) >= 3
    assert 'href="/"' in body


def test_the_page_of_what_is_not_there_is_ours(site: Client) -> None:
    response = site.get("/nowhere/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_the_theme_chosen_is_in_the_page_at_once(site: Client) -> None:
    for theme, expected in (("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ("<x>", "")):
        site.cookies["theme"] = theme
        page = site.get("/").content.decode()
        assert re.search(r'<html lang="en"(.*?)>', page).group(1) == expected  # type: ignore[union-attr] # it is there


def test_scripts_set_no_inline_style_by_markup_and_evaluate_nothing() -> None:
    scripts = sorted((Path(settings.BASE_DIR) / "static" / "js").glob("*.js"))
    assert len(scripts) >= 5
    for script in scripts:
        text = script.read_text()
        assert not re.search(r"\beval\(|new Function|setAttribute\(.style|https?://", text), script.name


def test_every_module_that_a_script_imports_is_there() -> None:
    for script in sorted((Path(settings.BASE_DIR) / "static" / "js").glob("*.js")):
        for name in re.findall(r'from "\./(.+?)"', script.read_text()):
            assert finders.find(f"js/{name}"), f"{script.name} imports {name}"
