"""The documentation says what is so."""

import argparse
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from ml.verbs.table import VERBS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_deployment_names_every_variable_that_the_settings_read() -> None:
    paths = [*(ROOT / "skinsite/settings").glob("*.py"), ROOT / "classifier/settings.py"]
    settings = "".join(path.read_text() for path in paths)
    read = set(re.findall(r'\benv\.\w+\(\s*"([A-Z0-9_]+)"', settings))
    told = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", (ROOT / "docs/deployment.md").read_text()))
    assert len(read) > 30
    assert read - told == set()


@cache
def published() -> frozenset[Path]:
    """Files that a clone has, and their folders; in a copy without its history, all that lie here."""
    if not (ROOT / ".git").exists():
        return frozenset(ROOT.rglob("*"))
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return frozenset(path for file in files if file.exists() for path in (file, *file.parents))


def test_a_file_that_git_does_not_know_is_not_published() -> None:
    assert {ROOT / "README.md", ROOT / "docs"} <= published()
    assert ROOT / ".venv" not in published() or not (ROOT / ".git").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_a_clone_has(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    missing = [
        target
        for target in targets
        if not target.startswith(("http://", "https://", "mailto:"))
        and (page.parent / target).resolve() not in published()
    ]
    assert missing == []


def test_readme_names_commands_that_make_knows() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = "".join(page.read_text() for page in PAGES)
    named = set(re.findall(r"`?make ([a-z][a-z-]+)`", pages)) | set(re.findall(r"^make ([a-z-]+)", pages, re.MULTILINE))
    assert named >= {"run", "test", "bench"}
    assert named - known == set()


NAMED = re.compile(r"(?<!# )(python -m ml|manage\.py) ([a-z][\w-]*)((?:[^`\n#\\|&]|\\\n|\\\|)*)")
"""A command as a document or the Makefile writes it, with what follows it on its line or in its quotes."""
QUOTED = re.compile(r"(?<!`)`([a-z][\w-]*)( [^`\n]*--[^`\n]*)`")
"""A command with options in quotes, without what runs it."""


def list_named_commands() -> list[tuple[str, str, str, frozenset[str]]]:
    """Where each is named, what runs it, its name, and the options that are shown with it."""
    found = []
    for path in (*PAGES, ROOT / "Makefile", ROOT / "compose.yaml", *(ROOT / "ml" / "configs").rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        named = [(each[1], each[2], each[3]) for each in NAMED.finditer(text)]
        named += [("", each[1], each[2]) for each in QUOTED.finditer(text)]
        found += [
            (path.name, runner, name, frozenset(re.findall(r"--[a-z][\w-]*", rest))) for runner, name, rest in named
        ]
    return found


@cache
def list_options(runner: str, name: str) -> frozenset[str] | None:
    """The options of a command; None where there is no such command."""
    if runner != "manage.py" and name in VERBS:
        parser = argparse.ArgumentParser()
        VERBS[name].options(parser)
        return frozenset(parser._option_string_actions)
    if runner != "python -m ml" and name in get_commands():
        app = get_commands()[name]
        assert isinstance(app, str)
        return frozenset(load_command_class(app, name).create_parser("manage.py", name)._option_string_actions)
    return None


def test_every_command_that_is_named_exists_with_the_options_shown() -> None:
    named = list_named_commands()
    assert {name for _, runner, name, _ in named if runner == "python -m ml"} >= {"train", "study", "build", "errors"}
    assert {name for _, runner, name, _ in named if runner == "manage.py"} >= {"doctor", "create_clinic", "train_model"}
    wrong = []
    for page, runner, name, shown in named:
        options = list_options(runner, name)
        if options is None and runner:
            wrong.append(f"{page}: {runner} {name}")
        elif options is not None and not shown <= options:
            wrong.append(f"{page}: {runner} {name} {', '.join(sorted(shown - options))}")
    assert wrong == []


def test_no_module_is_named_as_a_command() -> None:
    tracked = [path for path in published() if path.suffix in {".md", ".py", ".yaml", ".html", ""} and path.is_file()]
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in tracked}
    found = {path.relative_to(ROOT).as_posix() for path, text in texts.items() if re.search(r"python -m ml\.\w", text)}
    assert found == set()


def test_every_file_that_the_architecture_names_is_there() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = ("skinsite/", "classifier/", "ml/", "templates/", "locale/", "docs/", "tests/", "requirements/")
    named = {name for name in re.findall(r"`([\w./-]+)`", text) if name.startswith(rooms)}
    assert len(named) > 40
    assert {name for name in named if (ROOT / name) not in published()} == set()


def test_ten_changes_name_their_files() -> None:
    table = (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition("## Ten changes")[2]
    changes = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(changes) == 10
    for change, files in changes:
        paths = re.findall(r"`([\w./-]+)`", files)
        assert paths, change
        assert all((ROOT / path) in published() for path in paths), change


def test_the_glossary_is_short() -> None:
    glossary = (
        (ROOT / "docs/architecture.md").read_text(encoding="utf-8").partition("## Glossary")[2].partition("##")[0]
    )
    words = [line.split("|")[1].strip() for line in glossary.splitlines() if line.startswith("| ")][1:]
    assert 20 < len(words) <= 40
    assert len(set(words)) == len(words)
