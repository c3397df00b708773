"""The admin's theme: the site's own tokens in unfold's places."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _file(name: str) -> Callable[[HttpRequest], str]:
    """The address of a static file, known only when a page is made: production hashes the names."""

    def address(_request: HttpRequest) -> str:
        return static(name)

    return address


# unfold names a light and a dark shade for each place, a token has both: each shade is the token of its place.
_NEUTRAL = {
    "50": "var(--page)",
    "100": "var(--sunken)",
    "200": "var(--hairline)",
    "300": "var(--hairline)",
    "400": "var(--text-secondary)",
    "500": "var(--text-secondary)",
    "600": "var(--text-secondary)",
    "700": "light-dark(var(--text), var(--hairline))",
    "800": "light-dark(var(--text), var(--sunken))",
    "900": "light-dark(var(--text), var(--surface))",
    "950": "light-dark(var(--text), var(--page))",
}
_ACCENT = {
    **dict.fromkeys(("50", "100", "200", "900", "950"), "var(--accent-wash)"),
    **dict.fromkeys(("300", "400", "500", "600"), "var(--accent)"),
    **dict.fromkeys(("700", "800"), "var(--accent-strong)"),
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Oversight"),
    "SITE_HEADER": _("Oversight"),
    "SITE_SYMBOL": "visibility",
    "SITE_URL": reverse_lazy("home"),
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "6px",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("img/favicon.svg")}],
    "SCRIPTS": [_file("js/admin_theme.js")],
    "STYLES": [_file(f"css/{name}") for name in ("tokens.css", "session.css", "list.css", "reading.css", "admin.css")],
    "COLORS": {
        "base": _NEUTRAL,
        "primary": _ACCENT,
        "font": {
            "subtle-light": "var(--text-secondary)",
            "subtle-dark": "var(--text-secondary)",
            "default-light": "var(--text)",
            "default-dark": "var(--text)",
            "important-light": "var(--text)",
            "important-dark": "var(--text)",
        },
    },
    # In place of the admin's own page of passwords.
    "ACCOUNT": {"navigation": [{"title": _("Your account"), "link": reverse_lazy("account")}]},
    "SIDEBAR": {"navigation": "skinsite.menu.navigation"},
}
