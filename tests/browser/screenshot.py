"""Takes the picture of README.md from a running site, as `make run` starts it:

    python -m tests.browser.screenshot --email EMAIL --password PASSWORD

writes docs/images/reading.png: the newest suspicious reading, at the width of a desk.
"""

import argparse
import io
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.chromium import ARGUMENTS, find_chromium

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "reading.png"
WIDTH, HEIGHT = 1280, 860
COLOURS = 256  # a palette keeps the file under 300 KB


def main() -> None:
    """Read the arguments and take the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--site", default="http://127.0.0.1:8000", help="address of the running site")
    parser.add_argument("--email", required=True, help="e-mail address of a member of the demonstration clinic")
    parser.add_argument("--password", required=True)
    parser.add_argument("--out", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        page = browser.new_page(
            base_url=arguments.site, viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light"
        )
        open_reading(page, arguments.email, arguments.password)
        picture = Image.open(io.BytesIO(page.screenshot()))
        browser.close()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.FLOYDSTEINBERG).save(arguments.out, optimize=True)


def open_reading(page: Page, email: str, password: str) -> None:
    """Sign in and open the newest suspicious reading, its photograph loaded."""
    page.goto("/login/")
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(password)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/")
    page.goto("/history/?outcome=suspicious")
    page.locator("[data-row-link]").first.click()
    page.wait_for_url("**/readings/*/**")
    page.wait_for_load_state("networkidle")


if __name__ == "__main__":
    main()
