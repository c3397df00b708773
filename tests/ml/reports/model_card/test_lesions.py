"""What stands beside a reading is told of where it was measured."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ml.bundle.folder import Bundle
from ml.bundle.manifest import ONNX_FILE
from ml.reports.model_card import lesions
from ml.taxonomy import CLASSES
from tests.ml.figures import ends, make_figure

BY_CLASS = {"mean": make_figure(0.6123, 0.55, 0.66)} | dict.fromkeys(CLASSES, 0.5)
FOLD: dict[str, Any] = {
    "similar_cases": {
        "photographs": 798,
        "cases": 2000,
        "shown": 5,
        "copies": 3,
        "mean_average_precision": BY_CLASS,
        "precision": BY_CLASS,
        "by_chance": dict.fromkeys(CLASSES, 0.1429),
    },
    "segmentation": {
        "images": 798,
        "dice": make_figure(0.91, 0.9, 0.92),
        "jaccard": make_figure(0.84, 0.82, 0.86),
        "otsu_jaccard": make_figure(0.6, 0.58, 0.62),
        "otsu_dice": make_figure(0.7, 0.68, 0.72),
        "dice_less_otsu": make_figure(0.21, 0.19, 0.23),
        "rank_correlation": {"lesion_area": 0.95, "lesion_asymmetry": 0.6},
    },
}


def test_similar_cases_and_masks_are_told_of_with_what_they_are_measured_against(bundle: Bundle) -> None:
    manifest = replace(bundle.manifest, limits={"fold_4": FOLD})
    cases, masks = lesions.describe_lesions(manifest, "fold_4", "fold 4")[:2]
    assert "## Similar cases, on fold 4" in cases
    assert "| mean of the classes | 0.612 [0.550, 0.660] | 0.612 [0.550, 0.660] |" in cases
    assert "| MEL | 0.500 | 0.500 | 0.143 |" in cases
    assert "| Dice | 0.910 [0.900, 0.920] | 0.700 [0.680, 0.720] |" in masks
    assert "+0.210 [+0.190, +0.230]" in masks


def test_what_was_not_measured_is_not_told_of(bundle: Bundle) -> None:
    manifest = replace(bundle.manifest, limits={"fold_4": {}}, files={**bundle.manifest.files, ONNX_FILE: "another"})
    assert lesions.describe_lesions(manifest, "fold_4", "fold 4") == []


def test_the_heat_map_is_told_of_where_it_was_this_graphs(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "heat-map.json"
    assert lesions.find_heat_map(bundle.manifest, path) is None
    for graph, is_its in ((bundle.manifest.files[ONNX_FILE], True), ("another", False)):
        path.write_text(json.dumps({"graph": graph}))
        assert (lesions.find_heat_map(bundle.manifest, path) is not None) is is_its


def test_the_heat_map_is_set_beside_what_no_likeness_looks_like() -> None:
    measured = json.loads(lesions.HEAT_MAP.read_text(encoding="utf-8"))
    section = lesions._describe_heat_map(measured)
    value, low, high = ends(measured["overlap"]["heat_map"])
    assert f"as large as the mask | {value:.3f} [{low:.3f}, {high:.3f}] |" in section
    assert f"correlate by\n{measured['other_photographs']:.3f}" in section
    assert section.count("| blocks.") == sum(each["down_to"].startswith("blocks.") for each in measured["randomised"])
