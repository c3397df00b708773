"""What a bundle must not hold: each is refused in one line that names the file, and none of it is run or unpacked."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.bundle.folder import DEFAULT_BUNDLE, STORES, Bundle, load_bundle, write_manifest
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import DETECTOR_FILE, MANIFEST_FILE, SIMILAR_CASES_FILE, BundleError
from ml.serve.predictor import Predictor
from tests.ml.bundle.test_folder import change, refuse

Manifest = dict[str, Any]
Edit = Callable[[Manifest], object]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_BUNDLE, tmp_path / "bundle"))


def text_of(copy: Path) -> str:
    return (copy / MANIFEST_FILE).read_text(encoding="utf-8")


UNFITTED: dict[str, Edit] = {
    "calibration": lambda m: m["calibration"].update(how="not yet measured"),
    "thresholds.malignant": lambda m: m["thresholds"]["malignant"].update(how="not yet measured"),
    "thresholds.melanoma": lambda m: m["thresholds"]["melanoma"].update(how="not yet measured"),
    "quality": lambda m: m["quality"].update(how="not yet measured"),
    "metrics": lambda m: m.update(metrics={}),
}


@pytest.mark.parametrize("said", ["not yet measured", "Not yet measured", "Limits NOT YET\nMEASURED."])
@pytest.mark.parametrize(
    "part",
    [
        "calibration",
        "thresholds.malignant",
        "thresholds.melanoma",
        "thresholds.refused",
        "operating_points.1",
        "prediction_sets",
        "gate",
        "quality",
    ],
)
def test_a_part_that_says_it_was_not_measured_is_refused_in_any_letters(copy: Path, part: str, said: str) -> None:
    def say(manifest: Any) -> None:
        for name in part.split("."):
            manifest = manifest[int(name) if name.isdigit() else name]
        manifest["how"] = said

    change(copy, say)
    assert f"{part} was not measured" in refuse(copy)


@pytest.mark.parametrize("part", UNFITTED)
def test_what_was_not_measured_is_refused_by_name(copy: Path, part: str) -> None:
    change(copy, UNFITTED[part])
    assert f"{part} was not measured" in refuse(copy)


@pytest.mark.parametrize(
    ("edit", "part"),
    [
        (lambda m: m["thresholds"]["malignant"].update(low_risk_below=0, suspicious_from=1), "thresholds.malignant"),
        (lambda m: m["thresholds"]["malignant"].update(suspicious_from=1), "thresholds.malignant"),
        (lambda m: m["thresholds"]["melanoma"].update(low_risk_below=1), "thresholds.melanoma"),
        (lambda m: m["quality"].update(flags=[]), "quality"),
    ],
)
def test_limits_that_refer_nobody_are_refused_whatever_they_say_of_themselves(
    copy: Path, edit: Edit, part: str
) -> None:
    change(copy, edit)
    assert f"{part} was not measured" in refuse(copy)


def test_a_bundle_that_is_being_built_is_refused(copy: Path) -> None:
    (copy / "UNFINISHED").touch()
    assert "was never finished" in refuse(copy)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda m: m["calibration"].update(temperature=1e-9), "temperature"),
        (lambda m: m["calibration"]["offsets"].__setitem__(0, 500), "offsets"),
        (lambda m: m["self_test"].update(tolerance=1e9), "self_test.tolerance"),
        (lambda m: m["self_test"].update(tolerance=0), "self_test.tolerance"),
        (lambda m: m["training_prior"]["frequencies"].__setitem__(0, 5.0), "sum to 1"),
        (lambda m: m["input"].update(size=100_000), "input.size"),
        (lambda m: m["input"].update(size=0), "input.size"),
        (lambda m: m["input"].update(size=320.5), "type int"),
        (lambda m: m["input"].update(size=True), "type int"),
        (lambda m: m["input"].update(interpolation="sideways"), "interpolation"),
        (lambda m: m["input"].update(mean=[0.5]), "input.mean"),
        (lambda m: m["input"].update(std=[0.5, 0.5, 0]), "input.std"),
        (lambda m: m["input"].update(max_aspect_ratio=0), "max_aspect_ratio"),
        (lambda m: m["input"].update(views=m["input"]["views"] * 20), "input.views"),
        (lambda m: m["input"]["views"][0].update(fraction=0), "input.views[0].fraction: is 0; must be at least 0.1"),
        (lambda m: m["prediction_sets"].update(coverage=2), "prediction_sets"),
        (lambda m: m["operating_points"][0].update(sensitivity=7), "operating_points"),
        (lambda m: m["operating_points"][0].update(score="benign"), "operating_points"),
        (lambda m: m["quality"]["flags"][0].update(above=1.0), "one side"),
        (lambda m: m["quality"]["flags"][0].update(share=3), "quality.flags"),
        (lambda m: m["quality"]["flags"].append(m["quality"]["flags"][0]), "each once"),
        (lambda m: m["quality"].update(blank_below=-1), "blank_below"),
        (lambda m: m.update(name="a" * 121), "name"),
        (lambda m: m.update(name=""), "name"),
        (lambda m: m.update(name="../../etc"), "name"),
        (lambda m: m.update(version="1\n2"), "version"),
        (lambda m: m.update(version="9" * 41), "version"),
        (lambda m: m.update(not_assessable_where=["<b>"]), "not_assessable_where"),
        (lambda m: m["files"].update({"model.onnx": "../secret"}), "files.model.onnx: is '../secret'; must match"),
        (lambda m: m["files"].update({"../../etc/passwd": "0" * 64}), "files must name"),
        (lambda m: m["files"].update({"n" * 5000: "0" * 64}), "files must name"),
        (lambda m: m["pooling"].update(odds_power=-1), "pooling.odds_power"),
        (lambda m: m["pooling"].update(quality_measure=None), "quality measure"),
        (lambda m: m["pooling"].update(same_from=1), "same_from must be below"),
        (lambda m: m["metrics"].update(test="good"), "metrics.test"),
        (lambda m: m["metrics"]["test"].update(images=-3), "metrics.test.images"),
        (lambda m: m["metrics"]["test"]["metrics"].update(balanced_accuracy=0.9), "balanced_accuracy"),
        (lambda m: m["metrics"]["test"]["metrics"]["balanced_accuracy"].update(value=7.5), "balanced_accuracy"),
        (lambda m: m["metrics"]["test"]["metrics"].pop("balanced_accuracy"), "balanced_accuracy"),
        (lambda m: m["metrics"]["test"]["metrics"]["accuracy"].update(low=1, high=0), "accuracy"),
        (lambda m: m.update(heat_map="yes"), "heat_map"),
        (lambda m: m.update(outputs={"embedding": [1.5]}), "outputs"),
        (lambda m: m.update(limits=[]), "limits"),
    ],
)
def test_a_senseless_value_is_named(copy: Path, edit: Edit, told: str) -> None:
    change(copy, edit)
    assert told in refuse(copy)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('"temperature": 0.7993', '"temperature": NaN', "NaN"),
        ('"temperature": 0.7993', '"temperature": -Infinity', "Infinity"),
        ('"temperature": 0.7993', '"temperature": 1e999', "number beyond"),
        ('"temperature": 0.7993', f'"temperature": {"9" * 400}', "number beyond"),
        ('"temperature": 0.7993', f'"temperature": {"9" * 5000}', "manifest.json"),
        ('"temperature": 0.7993', '"temperature": 0.7993, "temperature": 1', "'temperature' twice"),
        ('"version": "1.4"', '"version": "1.3\\u0000"', "cannot be stored"),
        ('"version": "1.4"', '"version": "\\ud800"', "cannot be stored"),
        ('"limits": {', '"limits": {"a": ' + "[" * 40 + "]" * 40 + ",", "nested deeper"),
        ('"limits": {', '"limits": {"a": ' + "[" * 100_000 + "]" * 100_000 + ",", "nested deeper"),
        ('"limits": {', '"limits": {"a": "' + "x" * 30_000 + '",', "30000 characters"),
    ],
)
def test_json_with_a_surprise_is_refused(copy: Path, before: str, after: str, told: str) -> None:
    text = text_of(copy)
    assert before in text
    (copy / MANIFEST_FILE).write_text(text.replace(before, after, 1), encoding="utf-8")
    assert told in refuse(copy)


def test_a_manifest_of_many_megabytes_is_not_parsed(copy: Path) -> None:
    (copy / MANIFEST_FILE).write_text(text_of(copy).rjust(5_100_000), encoding="utf-8")
    assert "manifest.json has 5.1 MB (limit 4 MB)" in refuse(copy)


@pytest.mark.parametrize("content", [b"[]", b"null", b"\xff\xfe\x00", b"", b'"manifest"', b"3"])
def test_what_is_no_object_is_refused(copy: Path, content: bytes) -> None:
    (copy / MANIFEST_FILE).write_bytes(content)
    assert "manifest.json" in refuse(copy)


def put_link(place: Path) -> None:
    target = place.parent.parent / "elsewhere"
    if place.exists():
        shutil.move(place, target)
    else:
        target.write_text("secret", encoding="utf-8")
    place.symlink_to(target)


def put_pipe(place: Path) -> None:
    place.unlink(missing_ok=True)
    os.mkfifo(place)


def put_directory(place: Path) -> None:
    place.unlink(missing_ok=True)
    place.mkdir()


@pytest.mark.parametrize("put", [Path.touch, put_link, put_pipe, put_directory])
@pytest.mark.parametrize("name", ["weights.bin", ".hidden", ".DS_Store", "a\nb", "ä" * 60])
def test_what_the_manifest_does_not_name_is_refused(copy: Path, name: str, put: Callable[[Path], None]) -> None:
    put(copy / name)
    assert f"{name!r}, which its manifest does not name" in refuse(copy)


@pytest.mark.parametrize("put", [put_link, put_pipe, put_directory])
@pytest.mark.parametrize("name", [MANIFEST_FILE, "model.onnx", "model.torchscript.pt", "ATTRIBUTION.md", DETECTOR_FILE])
def test_a_file_of_the_bundle_that_is_no_regular_file_is_refused(
    copy: Path, name: str, put: Callable[[Path], None]
) -> None:
    put(copy / name)
    assert f"{name} is " in refuse(copy)


def test_a_file_that_is_too_large_is_not_read(copy: Path) -> None:
    os.truncate(copy / DETECTOR_FILE, 65_000_000)
    assert "gate.npz has 65.0 MB (limit 64 MB)" in refuse(copy)
    os.truncate(copy / "model.onnx", 2_000_000_000)
    assert "model.onnx has 2000.0 MB" in refuse(copy)


def store_of(copy: Path, name: str) -> dict[str, Any]:
    with np.load(copy / name) as stored:
        return dict(stored)


def put_store(copy: Path, name: str, content: bytes) -> None:
    (copy / name).write_bytes(content)
    change(copy, lambda m: m["files"].update({name: hash_file(copy / name)}))


def pack(arrays: dict[str, Any], *, compressed: bool = False) -> bytes:
    packed = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(packed, **arrays)
    return packed.getvalue()


def open_stores(copy: Path) -> str:
    bundle = load_bundle(copy)
    with pytest.raises(BundleError) as caught:
        Predictor(bundle, "onnx")
    assert "\n" not in str(caught.value)
    return str(caught.value)


CASES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "one lacks": lambda a: {name: value for name, value in a.items() if name != "codes"},
    "one too many": lambda a: a | {"more": np.zeros(1)},
    "a number for a list": lambda a: a | {"images": np.array(3)},
    "names that are numbers": lambda a: a | {"images": np.zeros(len(a["images"]))},
    "other dimensions": lambda a: a | {"codes": a["codes"].ravel()},
    "codes of another length": lambda a: a | {"codes": a["codes"][:, :-1]},
    "unknown class": lambda a: a | {"diagnoses": np.full(len(a["diagnoses"]), b"XYZ")},
    "a lesion that is not there": lambda a: (
        a | {"lesions": a["lesions"] + (np.arange(len(a["lesions"])) == len(a["lesions"]) - 1) * 10**6}
    ),
    "thumbnails beyond the end": lambda a: a | {"ends": a["ends"] * 2},
    "thumbnails backwards": lambda a: a | {"ends": a["ends"][::-1].copy()},
    "one huge thumbnail": lambda a: a | {"ends": np.r_[a["ends"][:1], np.full(len(a["ends"]) - 1, a["ends"][-1])]},
    "names out of the directory": lambda a: a | {"images": np.full(len(a["images"]), b"../../etc/passwd")},
    "names that are no text": lambda a: a | {"confirmations": np.full(len(a["images"]), b"\xff\xfe")},
    "not finite": lambda a: a | {"centre": np.full_like(a["centre"], np.nan)},
    "none": lambda a: {name: value[:0] if value.ndim else value for name, value in a.items()},
}


@pytest.mark.parametrize("case", CASES)
def test_similar_cases_that_do_not_belong_together_are_refused(copy: Path, case: str) -> None:
    put_store(copy, SIMILAR_CASES_FILE, pack(CASES[case](store_of(copy, SIMILAR_CASES_FILE))))
    assert "similar_cases.npz" in open_stores(copy)


GATES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "of another network": lambda a: a | {"kinds": a["kinds"][:, :-7]},
    "not finite": lambda a: a | {"whitening": np.full_like(a["whitening"], np.inf)},
    "flat": lambda a: a | {"whitening": a["whitening"].ravel()},
    "whole numbers": lambda a: a | {"centre": a["centre"].astype(np.int32)},
    "one lacks": lambda a: {"kinds": a["kinds"]},
}


@pytest.mark.parametrize("case", GATES)
def test_a_detector_whose_numbers_do_not_belong_together_is_refused(copy: Path, case: str) -> None:
    put_store(copy, DETECTOR_FILE, pack(GATES[case](store_of(copy, DETECTOR_FILE))))
    assert "gate.npz" in open_stores(copy)


def forge_header(shape: tuple[int, ...]) -> bytes:
    """An archive whose only array claims a shape that its bytes do not fill."""
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<f4", "fortran_order": False, "shape": shape})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("kinds.npy", content.getvalue() + bytes(16))
    return packed.getvalue()


def write_header(text: bytes) -> bytes:
    """An archive whose only array begins with this header."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("kinds.npy", b"\x93NUMPY\x02\x00" + len(text).to_bytes(4, "little") + text)
    return packed.getvalue()


def name_twice() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("kinds.npy", b"")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("kinds.npy", b"")
    return packed.getvalue()


@pytest.mark.parametrize("name", STORES)
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: b"", "damaged"),
        (lambda: b"PK\x03\x04" + bytes(100), "damaged"),
        (lambda: pack({"kinds": np.zeros(9)})[:-30], "damaged"),
        (lambda: pack({"kinds": np.zeros(80_000_000, np.float32)}, compressed=True), "unpacks to 320 MB"),
        (lambda: pack({"kinds": np.array([{"a": 1}], object)}), "holds no numbers"),
        (lambda: forge_header((10**9, 10**9, 10**9)), "damaged array"),
        (lambda: forge_header((10**12,)), "damaged array"),
        (
            lambda: write_header(b"{'descr': '<f4', 'fortran_order': False, 'shape': ()}" + b" " * 20_000),
            "damaged array",
        ),
        (lambda: write_header(b"{'descr': '<f4', "), "damaged array"),
        (lambda: write_header(b"(" * 9000), "damaged array"),
        (lambda: write_header(b"{[]: 1}"), "damaged array"),
        (lambda: write_header(b"\x00\xff"), "damaged array"),
        (lambda: pack({"kinds\nof": np.zeros(1)}), "something else than arrays"),
        (name_twice, "twice"),
    ],
)
def test_a_damaged_or_oversized_store_is_refused_before_it_is_unpacked(
    copy: Path, name: str, make: Callable[[], bytes], told: str
) -> None:
    put_store(copy, name, make())
    assert told in open_stores(copy)


def test_a_bundle_that_is_written_declares_the_shapes_of_its_arrays(copy: Path, bundle: Bundle) -> None:
    written = write_manifest(copy, bundle.manifest)
    detector = store_of(copy, DETECTOR_FILE)
    assert written.manifest.arrays[DETECTOR_FILE] == {name: array.shape for name, array in detector.items()}
    put_store(copy, DETECTOR_FILE, pack(detector | {"whitening": detector["whitening"][:, :-1]}))
    assert "gate.npz has other shapes than its manifest declares (first whitening)" in open_stores(copy)


def test_the_manifest_is_read_as_it_was_hashed(copy: Path) -> None:
    """Blank lines and another order of keys change the hash, and with it the version; not what is read."""
    manifest = json.loads(text_of(copy))
    (copy / MANIFEST_FILE).write_text(json.dumps(dict(reversed(manifest.items()))), encoding="utf-8")
    assert load_bundle(copy).manifest == load_bundle(DEFAULT_BUNDLE).manifest
    assert load_bundle(copy).sha256 != load_bundle(DEFAULT_BUNDLE).sha256
