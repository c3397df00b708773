"""The documentation says what is so."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_deployment_names_every_variable_that_the_settings_read() -> None:
    settings = "".join(path.read_text() for path in (ROOT / "skinsite/settings").glob("*.py"))
    read = set(re.findall(r'env\.(?:text|required|number|switch|words|database|email)\(\s*"(\w+)"', settings))
    told = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs/deployment.md").read_text()))
    assert len(read) > 30
    assert read - told == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    missing = [
        target
        for target in targets
        if not target.startswith(("http://", "https://", "mailto:")) and not (page.parent / target).exists()
    ]
    assert missing == []


def test_readme_names_commands_that_make_knows() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = "".join(page.read_text() for page in PAGES)
    named = set(re.findall(r"`?make ([a-z][a-z-]+)`", pages)) | set(re.findall(r"^make ([a-z-]+)", pages, re.MULTILINE))
    assert named >= {"run", "test", "bench"}
    assert named - known == set()
