"""Which browser, and how it is started."""

import os
import shutil

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str:
    """Give the browser's path: of CHROMIUM, else on PATH. None is an error, not a reason to leave the tests out."""
    names = [os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    assert found, "There is no Chromium: install it (apt-get install chromium), or name it in CHROMIUM."
    return found
