"""The photographs that the limits are measured on: each of another lesion, and every share with its interval."""

from pathlib import Path
from typing import Any

import pytest

from ml.bundle.folder import Bundle
from ml.data.isic import Record
from ml.evaluation import altered_images, limits, shifts
from ml.evaluation.limits import Measuring
from ml.evaluation.manipulations import MANIPULATIONS
from ml.evaluation.observe import Observer
from ml.serve.predictor import Predictor
from tests.ml.figures import ends
from tests.ml.pictures import draw_lesion, jpeg


@pytest.fixture
def measuring(bundle: Bundle, predictor: Predictor, tmp_path: Path) -> Measuring:
    """Six photographs of four lesions."""
    records = []
    for number, lesion in enumerate(["a", "a", "b", None, "c", "c"]):
        path = tmp_path / f"I{number}.jpg"
        path.write_bytes(jpeg(draw_lesion(400, 300)))
        records.append(Record(path.stem, path, 0 if lesion == "a" else 1, lesion))
    return Measuring(bundle, Observer(predictor, progress=False), records, "fold")


@pytest.mark.parametrize(("count", "places"), [(100, [0, 2, 3, 4]), (2, [0, 4])])
def test_a_sample_has_one_photograph_of_a_lesion(measuring: Measuring, count: int, places: list[int]) -> None:
    assert measuring._sample(count) == places


def test_every_share_has_its_number_and_interval(measuring: Measuring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FAULT_SAMPLE", 2)
    monkeypatch.setattr(limits, "SAMPLE", 2)
    monkeypatch.setattr(shifts, "FAULTS", {"dark": shifts.FAULTS["dark"]})
    monkeypatch.setattr(shifts, "SMALL_CHANGES", {"mirror": shifts.mirror})
    monkeypatch.setattr(altered_images, "MANIPULATIONS", {"negative": {"all": MANIPULATIONS["negative"]["all"]}})
    found = measuring.measure(None)
    flags, manipulations = found.pop("flags"), found.pop("manipulations")
    found_interval, raised_interval = [0.3424, 1.0], [0.0, 0.6576]  # Wilson's of two of two, and of none of two
    assert {name: flags["small"][name] for name in ("by", "images", "raised")} == {
        "by": "fault",
        "images": 2,
        "raised": 2,
    }
    assert ends(flags["small"]["found"]) == [1.0, *found_interval]
    assert ends(flags["small"]["raised_unspoilt"]) == [0.0, *raised_interval]
    assert ends(flags["small"]["precision"]) == [1.0, *found_interval]
    assert manipulations["images"] == 1, "one photograph of the one malignant lesion"
    assert [(cell["kind"], cell["strength"]) for cell in manipulations["cells"]] == [("none", ""), ("negative", "all")]
    assert all(cell["low_risk_before"]["n"] == 1 for cell in manipulations["cells"])
    assert found["scale"]["images"] == found["stability"]["images"] == found["faults"]["none"]["images"] == 2
    assert len([name for name, value in walk(found, "") if name.endswith("/value") and isinstance(value, float)]) == 13


def walk(value: dict[str, Any], path: str) -> list[tuple[str, Any]]:
    """Every value that is no dictionary, with its path."""
    return [
        found
        for name, each in value.items()
        for found in (walk(each, f"{path}/{name}") if isinstance(each, dict) else [(f"{path}/{name}", each)])
    ]
