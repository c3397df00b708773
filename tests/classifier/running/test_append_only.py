"""The database itself keeps readings, reviews and corrections as they are, on SQLite and on PostgreSQL."""

from pathlib import Path

from tests.classifier.conftest import draw_lesion
from tests.classifier.running.site import Site


def test_what_is_finished_cannot_be_changed(site: Site, tmp_path: Path) -> None:
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion(seed=7))

    tries = site.work("change_what_is_kept", photograph)

    assert len(tries) == 8
    assert set(tries.values()) == {"refused: append-only"}, tries
