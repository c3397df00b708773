"""Searching works alike on both databases, in Cyrillic too, and takes signs for what they are."""

from pathlib import Path

from tests.classifier.conftest import draw_lesion
from tests.classifier.running.site import Site


def test_search_knows_the_cases_of_cyrillic_and_no_patterns(site: Site, tmp_path: Path) -> None:
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion(seed=30))

    counts = site.work("search", photograph, "ключ-17", "КЛЮЧ", "родинка (1)", "ключ родинка", "к.юч", "%", "(1", "]")

    assert counts == [1, 1, 1, 1, 0, 0, 1, 0]
