"""The clean figure stands beside the selected one wherever that is shown, as the maintainers handed it over."""

from pathlib import Path

import pytest

from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle
from ml.reports.model_card import card as model_card
from ml.reports.model_card.official_test import format_official, read_official

ROOT = Path(__file__).parents[4]


def test_the_file_is_of_the_official_set_and_says_who_measured_it() -> None:
    official = read_official()
    assert official["images"] == 1511
    assert "measured once by the maintainers" in official["what"]
    assert format_official("balanced_accuracy") == "0.852 [0.825, 0.877]"


@pytest.mark.parametrize("name", ["README.md", "docs/research.md", "docs/model-card.md"])
def test_a_document_that_gives_the_test_fold_gives_the_official_set_too(name: str) -> None:
    text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
    assert "0.859 [0.829, 0.889]" in text
    assert format_official("balanced_accuracy") in text
    assert "maintainers" in text


def test_the_russian_readme_gives_it_too() -> None:
    figure = format_official("balanced_accuracy").replace(", ", "; ").replace(".", ",")
    text = " ".join((ROOT / "README.ru.md").read_text(encoding="utf-8").split())
    assert figure in text


def test_no_document_says_that_nothing_was_chosen_on_the_test_fold() -> None:
    for path in (ROOT / "docs").glob("*.md"):
        assert "ever chosen on it" not in " ".join(path.read_text(encoding="utf-8").split()), path


def test_the_card_says_that_its_test_figures_are_selected() -> None:
    card = model_card.render_card(load_bundle(DEFAULT_BUNDLE).manifest)
    assert "a little better than on images that chose nothing" in " ".join(card.split())
    assert format_official("balanced_accuracy") in card
