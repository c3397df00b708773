"""A bundle that is wrong in any way does not load, and says why."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.bundle.folder import DEFAULT_BUNDLE, Bundle, load_bundle, synthetic_view
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import BundleError
from ml.bundle.trust import SHIPPED
from ml.serve.interpretation import Outcome, decide
from ml.serve.predictor import Predictor
from ml.serve.runtime import open_runtime
from ml.taxonomy import CLASSES
from tests.ml.pictures import draw_lesion, jpeg

LARGEST = 25_000_000


def test_the_bundle_that_comes_with_the_software_is_known_by_its_hash() -> None:
    assert hash_file(DEFAULT_BUNDLE / "manifest.json") in SHIPPED


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle"))


def change(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    edit(manifest)
    (path / "manifest.json").write_text(json.dumps(manifest))


def refuse(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        load_bundle(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_shipped_bundle_is_small_credited_and_without_paths_of_the_machine_that_made_it(bundle: Bundle) -> None:
    files = list(DEFAULT_BUNDLE.iterdir())
    assert sum(file.stat().st_size for file in files) <= LARGEST
    assert {file.name for file in files} == {*bundle.manifest.files, "manifest.json"}
    assert "CC BY-NC 4.0" in (DEFAULT_BUNDLE / "ATTRIBUTION.md").read_text()
    for file in files:
        content = file.read_bytes()
        assert b"site-packages" not in content
        assert b"/home/" not in content


def test_the_bundles_hash_is_that_of_its_manifest(bundle: Bundle) -> None:
    assert bundle.sha256 == hash_file(DEFAULT_BUNDLE / "manifest.json")
    assert bundle.manifest.files["model.onnx"] == hash_file(DEFAULT_BUNDLE / "model.onnx")


def test_a_manifest_written_again_is_the_same(bundle: Bundle) -> None:
    assert bundle.manifest.to_json() == (DEFAULT_BUNDLE / "manifest.json").read_text()


def test_a_missing_bundle_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in refuse(tmp_path / "none")


def test_a_manifest_that_is_no_json_is_refused(copy: Path) -> None:
    (copy / "manifest.json").write_text("{")
    assert "not JSON" in refuse(copy)


@pytest.mark.parametrize("name", ["model.onnx", "model.torchscript.pt", "ATTRIBUTION.md", "gate.npz"])
def test_a_changed_or_missing_file_is_refused(copy: Path, name: str) -> None:
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert name in refuse(copy)
    (copy / name).unlink()
    assert name in refuse(copy)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda m: m.update(schema_version=1), "schema_version: is 1; use 2 or 3"),
        (lambda m: m.update(schema_version=4), "schema_version"),
        (lambda m: m["thresholds"]["melanoma"].update(low_risk_below=1.5), "thresholds"),
        (lambda m: m["calibration"]["offsets"].pop(), "calibration.offsets: holds 6; must hold at least 7"),
        (lambda m: m["prediction_sets"].update(score="logits"), "prediction_sets.score"),
        (lambda m: m["gate"].pop("distance_to"), "distance_to"),
        (lambda m: m.update(gate=None), "files must name"),
        (lambda m: m["quality"]["flags"][0].pop("share"), "share"),
        (lambda m: m["quality"].update(colour_from=256.0), "quality.colour_from"),
        (lambda m: m["quality"]["altered"]["weights"].pop(), "quality.altered"),
        (lambda m: m["quality"]["altered"]["deviation"].__setitem__(0, 0.0), "quality.altered"),
        (lambda m: m["thresholds"]["refused"].update(refer_from=1.01), "thresholds.refused"),
        (lambda m: m["classes"].reverse(), "classes"),
        (lambda m: m.update(malignant=["MEL"]), "malignant"),
        (lambda m: m["thresholds"]["malignant"].update(low_risk_below=0.9), "thresholds"),
        (lambda m: m["thresholds"]["malignant"].update(suspicious_from=1.5), "thresholds"),
        (lambda m: m["training_prior"]["frequencies"].pop(), "training_prior.frequencies: holds 6"),
        (lambda m: m["target_prior"]["frequencies"].__setitem__(0, 0.0), "must be more than 0"),
        (lambda m: m["calibration"].update(temperature=0), "temperature"),
        (lambda m: m["calibration"].update(temperature="1"), "temperature"),
        (lambda m: m.update(preprocessing_version="0"), "preprocessing_version"),
        (lambda m: m["input"].update(layout="NCHW"), "layout"),
        (lambda m: m["input"].update(views=[]), "views"),
        (lambda m: m["input"]["views"][0].update(fractoin=1), "fractoin"),
        (lambda m: m.pop("licence"), "licence"),
        (lambda m: m.update(extra=1), "extra"),
        (lambda m: m["files"].pop("model.onnx"), "model.onnx"),
        (lambda m: m.update(classes="MEL"), "classes"),
        (lambda m: m.update(input=[]), "input"),
    ],
)
def test_a_wrong_key_is_named(copy: Path, edit: Callable[[dict[str, Any]], object], told: str) -> None:
    change(copy, edit)
    assert told in refuse(copy)


def to_earlier(manifest: dict[str, Any]) -> None:
    """The manifest as it was before bundle 1.3: nothing of colour, alteration or pools, no second limit, a flag of ink.

    Its schema is 2, the figures of which have neither number nor method.
    """
    manifest["schema_version"] = 2
    for report in manifest["metrics"].values():
        for figure in report["metrics"].values():
            del figure["n"], figure["how"]
    del manifest["thresholds"]["refused"], manifest["quality"]["colour_from"], manifest["quality"]["altered"]
    del manifest["pooling"]
    ink = {"name": "ink", "measure": "ink", "below": None, "above": -1.0, "share": 1.0}
    manifest["quality"]["flags"].append(ink)


def test_a_bundle_made_before_the_second_limit_still_reads_as_it_did(copy: Path) -> None:
    change(copy, to_earlier)
    old = load_bundle(copy)
    grey = jpeg(draw_lesion().convert("L").convert("RGB"))
    reading = Predictor(old, "onnx").read(grey)
    assert reading.reason not in {"without_colour", "altered"}
    certain = np.eye(7)[0]
    assert decide(certain, "unlike_training", old.manifest.thresholds)[0] is Outcome.NOT_ASSESSABLE
    assert "ink" in [rule.name for rule in old.manifest.quality.flags], "as it was said, so that it can be repeated"


def test_a_detector_file_that_is_none_is_refused(copy: Path) -> None:
    (copy / "gate.npz").write_bytes(b"not numbers")
    change(copy, lambda m: m["files"].update({"gate.npz": hash_file(copy / "gate.npz")}))
    with pytest.raises(BundleError, match=r"gate\.npz is damaged"):
        Predictor(load_bundle(copy), "onnx")


def test_a_graph_that_answers_otherwise_than_its_manifest_fails_the_self_test(copy: Path) -> None:
    change(copy, lambda m: m["self_test"]["logits"].reverse())
    with pytest.raises(BundleError, match="self-test"):
        open_runtime(load_bundle(copy), "onnx")


def test_a_graph_that_cannot_be_read_is_refused(copy: Path) -> None:
    (copy / "model.onnx").write_bytes(b"not a graph")
    change(copy, lambda m: m["files"].update({"model.onnx": hash_file(copy / "model.onnx")}))
    with pytest.raises(BundleError, match="cannot open its graph"):
        open_runtime(load_bundle(copy), "onnx")


def test_the_synthetic_view_never_changes() -> None:
    view = synthetic_view(320)
    assert view.shape == (1, 320, 320, 3)
    assert view[0, 0, 0].tolist() == [80, 60, 40]
    assert view[0, 160, 160].tolist() == [205, 185, 165]
    assert int(np.sum(view, dtype=np.int64)) == 38_250_351


def test_the_manifest_has_figures_with_intervals_from_the_test_fold(bundle: Bundle) -> None:
    figures = bundle.manifest.metrics["test"]
    balanced = figures["metrics"]["balanced_accuracy"]
    assert figures["images"] == 1197
    assert balanced["low"] < balanced["value"] < balanced["high"]
    assert balanced["value"] > 0.8
    assert set(figures["per_class"]) == set(CLASSES)


def test_the_manifest_tells_of_its_limits(bundle: Bundle) -> None:
    limits = bundle.manifest.limits
    assert {"fitting", "gate", "stability", "scale", "faults", "held_out_class", "test"} <= set(limits)
    coverage = limits["test"]["prediction_sets"]["coverage"]
    assert coverage["low"] <= 0.90 <= coverage["high"]
    assert limits["gate"]["clinical photographs"]["auroc"]["kind"]["value"] >= 0.995
    assert limits["gate"]["everyday photographs"]["auroc"]["kind"]["value"] >= 0.995
    assert limits["gate"]["another dermatoscope, simulated"]["refused"]["value"] <= 0.10
    assert limits["scale"]["assessable"]["value"] >= 0.98


def test_every_flag_has_a_measured_precision_and_few_well_photographs(bundle: Bundle) -> None:
    measured = bundle.manifest.limits["flags"]
    assert set(measured) == {rule.name for rule in bundle.manifest.quality.flags}
    assert not {"ink", "ruler"} & set(measured)
    for name, found in measured.items():
        assert found["raised"] >= 10, name
        assert found["precision"]["low"] > 0.5, name
        assert found.get("not_labelled", 0) == 0, name


def test_altered_photographs_of_malignant_lesions_are_seldom_called_low_risk(bundle: Bundle) -> None:
    found = bundle.manifest.limits["manipulations"]
    altered = [cell for cell in found["cells"] if cell["strength"]]
    assert len(altered) >= 36
    assert len({cell["kind"] for cell in altered}) >= 12
    by_kind = {cell["strength"]: cell for cell in altered if cell["kind"] == "grey"}
    assert all(cell["low_risk"]["value"] == 0 for cell in by_kind.values())
    assert (
        max(cell["low_risk"]["value"] for cell in altered)
        < max(cell["low_risk_before"]["value"] for cell in altered) / 2
    )
    for fold in ("fold_4", "test"):
        assert bundle.manifest.limits[fold]["unread"]["by_appearance"]["value"] <= 0.005


def test_the_second_limit_calls_few_photographs_of_other_kinds(bundle: Bundle) -> None:
    refused = bundle.manifest.thresholds.refused
    assert refused is not None
    detector = bundle.manifest.limits["gate"]
    for kind in ("everyday photographs", "clinical photographs"):
        assert detector[kind]["called"][str(refused.refer_from)] <= 0.02 * detector[kind]["images"]
