"""Whether a flag is right is counted on spoilt photographs, and against labels by eye."""

from dataclasses import replace
from pathlib import Path

import pytest

from ml.bundle.folder import Bundle
from ml.bundle.manifest import QualityRule
from ml.data.isic import Record
from ml.errors import UserError
from ml.evaluation import flags
from ml.evaluation.observe import Observer
from ml.serve.predictor import Predictor
from tests.ml.pictures import draw_lesion, jpeg


@pytest.fixture
def records(tmp_path: Path) -> list[Record]:
    made = []
    for number in range(3):
        path = tmp_path / f"I{number}.jpg"
        path.write_bytes(jpeg(draw_lesion(640, 480)))
        made.append(Record(path.stem, path, 1))
    return made


def test_precision_is_of_the_flagged(
    bundle: Bundle, predictor: Predictor, records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = (
        QualityRule("small", "short_side", None, 0.0, 0),  # raised on each
        QualityRule("hair", "hair", None, 0.0, 0),
    )
    manifest = replace(bundle.manifest, quality=replace(bundle.manifest.quality, flags=rules))
    labels = tmp_path / "labels.csv"
    labels.write_text("flag,image,seen\nhair,A,1\nhair,B,0\nhair,C,1\nruler,D,1\n")
    monkeypatch.setattr(flags, "LABELS", labels)
    monkeypatch.setattr(flags.read_labels, "__defaults__", (labels,))
    reading = predictor.read(records[0].path.read_bytes())
    readings = {name: replace(reading, flags=("hair",) if name != "C" else ()) for name in "ABCD"}
    found = flags.measure_flags(manifest, Observer(predictor, progress=False), records, readings)
    assert (found["small"]["raised"], found["small"]["precision"]["value"]) == (6, 0.5), "spoilt and unspoilt alike"
    assert (found["hair"]["raised"], found["hair"]["precision"]["value"], found["hair"]["not_labelled"]) == (2, 0.5, 1)


def test_labels_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv"):
        flags.read_labels(tmp_path / "none.csv")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("picture\nA\n")
    with pytest.raises(UserError, match=r"wrong\.csv: .*the header must have flag,image,seen"):
        flags.read_labels(wrong)
    wrong.write_text("flag,image,seen\nhair,A,1\nhair,B\n")
    with pytest.raises(UserError, match=r"wrong\.csv, line 3: too few fields"):
        flags.read_labels(wrong)


def test_every_label_is_of_a_flag_that_the_bundle_has(bundle: Bundle) -> None:
    assert {name for name, _ in flags.read_labels()} <= {rule.name for rule in bundle.manifest.quality.flags}
