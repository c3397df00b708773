"""Many at once, in real threads on real databases: one photograph, one reading."""

from pathlib import Path

from tests.classifier.conftest import draw_lesion
from tests.classifier.running.site import Site


def test_twenty_identical_uploads_at_once_give_one_reading(site: Site, tmp_path: Path) -> None:
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion(seed=20))

    answer = site.work("upload_at_once", photograph, 20)

    assert len(answer["readings"]) == 1
    assert answer["created"] == 1
    assert answer["rows"] == [1, 1, 1]
    assert answer["statuses"] == [["done", 1]]
    assert len([path for path in (site.folder / "media").rglob("*") if path.is_file()]) == 2


def test_a_reading_run_ten_times_at_once_is_made_once(site: Site, tmp_path: Path) -> None:
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion(seed=10))
    site.work("set_model_status", "retired")
    reading, status, waiting_for = site.work("upload", photograph)
    assert (status, waiting_for) == ("queued", "no_model")
    site.work("set_model_status", "active")

    status, attempts, outcome, waiting_for = site.work("run_at_once", reading, 10)

    assert (status, attempts, waiting_for) == ("done", 1, "")
    assert outcome is not None


def test_photographs_of_a_lesion_read_at_once_give_one_reading_of_all(site: Site, tmp_path: Path) -> None:
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for seed in range(4):
        (photographs / f"{seed}.jpg").write_bytes(draw_lesion(seed=60 + seed))
    site.work("set_model_status", "retired")
    assert site.work("read_lesion_at_once", photographs) == {"in_force": 4, "made": 1}


def test_two_first_activations_at_once_leave_one_active(site: Site, tmp_path: Path) -> None:
    assert site.work("activate_at_once", tmp_path) == 1


def test_one_opinion_given_four_times_at_once_is_one(site: Site, tmp_path: Path) -> None:
    photograph = tmp_path / "lesion.jpg"
    photograph.write_bytes(draw_lesion(seed=40))
    assert site.work("say_at_once", photograph, 4) == 1


def test_uploads_at_once_take_no_more_than_the_clinic_may_take_up(site: Site, tmp_path: Path) -> None:
    for seed in range(8):
        (tmp_path / f"{seed}.jpg").write_bytes(draw_lesion(seed=100 + seed))
    told = site.work("fill_at_once", tmp_path)
    assert told["accepted"] == told["kept"]
    assert 1 <= told["accepted"] <= 3
    assert told["refusals"] == 8 - told["accepted"]
    assert told["beyond"] <= 0
