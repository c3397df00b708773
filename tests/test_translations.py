"""Everything that people read is there in Russian: complete, compiled, with its places kept."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest
from django.test import Client
from django.utils import translation

from classifier.presentation import wording
from ml.serve.image_io import MESSAGES, ImageRejected
from skinsite.accounts.models import Membership
from tests import factories

ROOT = Path(__file__).parents[1]
CATALOGS = {
    "site": ROOT / "locale" / "ru" / "LC_MESSAGES" / "django.po",
    "libraries": ROOT / "locale" / "libraries" / "ru" / "LC_MESSAGES" / "django.po",
}
SOURCES = ("skinsite", "classifier", "ml", "templates")
REFRESH = "`make messages`, then translate what is empty in locale/ru/LC_MESSAGES/django.po"

# Texts that are the same in Russian: numbers, and an abbreviation that Russian papers use too.
WITHOUT_CYRILLIC = {"< 1 %", "> 99 %", "%(number)s %%", "AUC", "API"}

CYRILLIC = re.compile("[А-Яа-яЁё]")
PLACE = re.compile(r"%\(\w+\)[sd]|%%|%[sd]|\{\w*\}")
NOT_SAID = re.compile(
    r"\bобразовани|\bоценк(?!а (?:модели|невозможна))|заключени|\bсет[ьи]\b|сумм[аыу] злокачественных|\bхеш|токены? API"
    r"|клинический снимок|не определено|\bочаг|прочитанн?[оы]",
    re.IGNORECASE,
)
RUSSIAN_PLURAL_FORMS = 4  # as Django's own catalogs count: 1; 2 to 4; 5 and more; fractions

Key = tuple[str | None, str]


def entries(path: Path) -> dict[Key, polib.POEntry]:
    return {(entry.msgctxt, entry.msgid): entry for entry in polib.pofile(str(path)) if not entry.obsolete}


def texts(entry: polib.POEntry) -> list[str]:
    """The translation, or all its plural forms."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> set[Key]:
    """What the code and the templates ask to be translated now."""
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "bundles", "*.jpg", "*.png")
        )
    (copy / "locale").mkdir()
    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "--locale=ru", "--extension=html,py,txt"],
        cwd=copy,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        check=True,
        capture_output=True,
    )
    return set(entries(copy / "locale" / "ru" / "LC_MESSAGES" / "django.po"))


def test_every_text_of_the_code_and_the_templates_is_translated(extracted: set[Key]) -> None:
    translated = {key for key, entry in entries(CATALOGS["site"]).items() if all(texts(entry))}
    assert extracted - translated == set(), REFRESH


def test_the_catalog_holds_nothing_that_is_no_longer_said(extracted: set[Key]) -> None:
    assert set(entries(CATALOGS["site"])) - extracted == set(), REFRESH


@pytest.mark.parametrize("path", CATALOGS.values(), ids=CATALOGS.keys())
def test_every_translation_is_russian_and_sure(path: Path) -> None:
    found = entries(path)
    assert [entry.msgid for entry in found.values() if entry.fuzzy] == []
    latin = {key[1] for key, entry in found.items() if not all(CYRILLIC.search(text) for text in texts(entry))}
    assert latin == (WITHOUT_CYRILLIC if path == CATALOGS["site"] else set())


@pytest.mark.parametrize("path", CATALOGS.values(), ids=CATALOGS.keys())
def test_every_translation_keeps_its_places_line_ends_and_plural_forms(path: Path) -> None:
    for (_context, source), entry in entries(path).items():
        for text in texts(entry):
            assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(source)), source
            assert text.endswith((".", "…")) == source.endswith((".", "…")), source
        if entry.msgid_plural:
            assert len(texts(entry)) == RUSSIAN_PLURAL_FORMS, source


@pytest.mark.parametrize("path", [*CATALOGS.values(), ROOT / "README.ru.md"], ids=[*CATALOGS, "README"])
def test_russian_keeps_to_the_words_of_clinicians(path: Path) -> None:
    """A lesion has one name and is no "education", a photograph is analysed and not "read", a reading is neither a
    school mark nor a document, and a hash is a checksum."""
    said = (
        [path.read_text()]
        if path.suffix == ".md"
        else [text for each in entries(path).values() for text in texts(each)]
    )
    assert [text for text in said if NOT_SAID.search(text)] == []


@pytest.mark.parametrize("path", CATALOGS.values(), ids=CATALOGS.keys())
def test_the_compiled_catalog_is_the_one_that_is_written(path: Path, tmp_path: Path) -> None:
    made = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", made, path], check=True)
    compiled, committed = (
        {(entry.msgctxt, entry.msgid): texts(entry) for entry in polib.mofile(str(file))}
        for file in (made, path.with_suffix(".mo"))
    )
    assert committed == compiled, "make messages"


def test_numbers_take_the_right_form() -> None:
    with translation.override("ru"):
        hours = [
            translation.ngettext("%(count)d hour ago", "%(count)d hours ago", n) % {"count": n} for n in (1, 3, 11, 21)
        ]
    assert hours == ["1 час назад", "3 часа назад", "11 часов назад", "21 час назад"]


@pytest.mark.parametrize("code", MESSAGES)
def test_every_rejection_of_an_image_is_told_in_russian(code: str) -> None:
    numbers = dict.fromkeys(("megabytes", "limit", "megapixels", "width", "height", "scans", "coding"), 7)
    with translation.override("ru"):
        assert CYRILLIC.search(wording.rejection_text(ImageRejected(code, **numbers)))


@pytest.mark.django_db
def test_the_api_answers_in_the_language_that_is_asked_for(client: Client, owner: Membership) -> None:
    client.force_login(owner.user)
    for language, word in (("ru", "Не найдено"), ("en", "Not found"), ("de", "Not found")):
        response = client.get("/api/v1/patients/42/", headers={"accept-language": language})
        assert response.json()["title"] == word
    factories.DonePredictionFactory.create(image__lesion__patient__clinic=owner.clinic)
    [reading] = client.get("/api/v1/predictions/", headers={"accept-language": "ru"}).json()["results"]
    assert (
        reading["reason"]["text"]
        == "Оценка модели: злокачественное 34 %, выше порога направления к специалисту (30 %)."
    )
    assert "не диагноз" in reading["notice"]
