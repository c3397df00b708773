"""The checks of the heat-map: places are counted as reckoned by hand, and shuffled weights are the same numbers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from ml.__main__ import main
from ml.bundle.folder import Bundle, synthetic_view
from ml.bundle.manifest import ONNX_FILE
from ml.data.isic import Record
from ml.data.masks import DIRECTORY
from ml.data.split import read_split
from ml.evaluation import heat_map
from ml.evaluation.heat_map import correlate_maps, draw_disc, measure_overlap, randomise, take_highest
from tests.ml.figures import ends
from tests.ml.pictures import draw_lesion
from tests.ml.tiny_isic import write_tiny_isic

SHAPE = (12, 16)


def test_the_hottest_places_are_as_many_as_asked_for() -> None:
    values = np.arange(12.0).reshape(3, 4)
    assert np.flatnonzero(take_highest(values, 3)).tolist() == [9, 10, 11]
    assert not take_highest(values, 0).any()


def test_the_disc_lies_in_the_middle_and_is_round() -> None:
    disc = draw_disc((11, 11), 5)
    assert np.argwhere(disc).tolist() == [[4, 5], [5, 4], [5, 5], [5, 6], [6, 5]]


def test_a_map_that_is_hot_where_the_lesion_is_beats_the_disc() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[:4, :4] = True
    right = measure_overlap([mask.astype(np.float32)] * 2, [mask] * 2, ["a", "b"])
    assert ends(right["heat_map"].to_json()) == [1.0, 1.0, 1.0]
    assert ends(right["centred_disc"].to_json()) == [0.0, 0.0, 0.0]
    wrong = measure_overlap([(~mask).astype(np.float32)] * 2, [mask] * 2, ["a", "b"])
    assert ends(wrong["difference"].to_json()) == [0.0, 0.0, 0.0]


def test_maps_are_compared_where_the_network_sees_the_picture() -> None:
    one, other = np.zeros((2, 6, 8), np.float32)
    one[2:4, 2:6] = np.arange(1, 9).reshape(2, 4)
    other[2:4, 2:6] = np.arange(8, 0, -1).reshape(2, 4)
    assert correlate_maps([one, one], [other, one]) == pytest.approx(0)
    assert correlate_maps([one], [other]) == pytest.approx(-1)
    assert correlate_maps([one, one], [one, one[:3]]) == pytest.approx(1)


def test_weights_are_shuffled_from_the_last_layer_down_and_stay_the_same_numbers(bundle: Bundle) -> None:
    view = synthetic_view(bundle.manifest.input.size)
    before = {each.name: numpy_helper.to_array(each) for each in onnx.load(bundle.path / ONNX_FILE).graph.initializer}
    parts: list[str] = []
    logits: list[Any] = []
    for part, runtime in randomise(bundle):
        parts.append(part)
        logits.append(runtime.run(view).logits)
        if len(parts) == 2:
            break
    assert parts == ["classifier", "conv_head"]
    assert np.abs(logits[0] - np.array(bundle.manifest.self_test.logits)).max() > 0.1
    assert np.abs(logits[1] - logits[0]).max() > 0.1
    assert {"model.classifier.weight_half", "model.conv_stem.weight_half"} <= before.keys()


def test_the_command_writes_both_checks_and_names_what_is_lacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_tiny_isic(tmp_path / "data", per_class={"4": 1})
    arguments = ["--data", str(data), "--out", str(tmp_path / "found.json")]
    assert main(["heat-map", *arguments]) == 2
    assert "no lesion mask" in capsys.readouterr().err
    (data / DIRECTORY).mkdir()
    for path in (data / "ISIC2018_Task3_Training_Input").iterdir():
        draw_lesion().convert("L").point(lambda grey: 255 * (grey < 120)).save(
            data / DIRECTORY / f"{path.stem}_segmentation.png"
        )
    monkeypatch.setattr(heat_map, "randomise", lambda _bundle: [])
    assert main(["heat-map", *arguments]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["images"] == 7
    assert set(found["overlap"]) == {"heat_map", "centred_disc", "difference"}


def test_only_the_fold_that_the_network_has_not_seen_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_tiny_isic(tmp_path / "data", per_class={"0": 1, "4": 1})
    seen: list[Record] = []

    def note(_bundle: Bundle, records: list[Record], _data: Path) -> dict[str, Any]:
        seen.extend(records)
        return {}

    monkeypatch.setattr(heat_map, "measure_heat_map", note)
    assert main(["heat-map", "--data", str(data), "--out", str(tmp_path / "found.json")]) == 0
    split = read_split().fold_of
    assert {split[record.image_id] for record in seen} == {"4"}
