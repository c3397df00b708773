"""A browser in words that a person knows it by; what it says of itself is long, and nobody's to believe."""

from django.utils.translation import gettext as _

# In this order: each says of itself what those after it say.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("YaBrowser/", "Yandex Browser"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
LENGTH = 60
"""Of the longest name that comes of these."""


def name_browser(user_agent: str) -> str:
    """The browser and the system that a ``User-Agent`` tells of, such as "Firefox, Windows"; empty for neither.

    Without the version, which changes every month: the same browser keeps its name.
    """
    found = [next((name for sign, name in table if sign in user_agent), "") for table in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found))


def browser_in_words(name: str) -> str:
    """The name of a browser, or that it is none that is known."""
    return name or _("another program")
