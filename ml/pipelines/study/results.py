"""Results of the study as small JSON files in the repository: one for each model, and one of comparisons."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ml.errors import UserError
from ml.evaluation.fold_log import TEST_FOLD_LOG
from ml.metrics import bootstrap
from ml.metrics.estimate import Estimate
from ml.pipelines.study.folder import (
    Measured,
    StudiedModel,
    TemperatureFit,
    Truth,
    calibrate_on_choosing,
    measure_folder,
)
from ml.pipelines.study.measure import Predict, measure_study_model
from ml.pipelines.study.plan import Entry, StudyPlan
from ml.support.disk import read_json, write_whole
from ml.support.environment import find_git_revision

DEFAULT_RESULTS = Path(__file__).parents[3] / "docs" / "study"
PAIRED = ("balanced_accuracy", "malignancy_auc", "melanoma_auc", "macro_auc", "accuracy")
PARTS = ("choosing", "test")


def check_same_data(results: Path, data_sha256: str) -> None:
    """Raise ``UserError`` if ``results`` contains figures of other data, which are not comparable."""
    for path in sorted((results / "results").glob("*.json")):
        written = read_result(results, path.stem).get("data_sha256")
        if written is not None and written != data_sha256:
            raise UserError(f"{path}: was measured on other data; give another --results, and leave out --publish")


def result_file(results: Path, name: str) -> Path:
    """Path of a model's figures."""
    return results / "results" / f"{name}.json"


def record_choosing(folder: StudiedModel, plan: StudyPlan, entry: Entry, truth: Truth, results: Path) -> dict[str, Any]:
    """Calibrate and measure on the choosing images, and record the result with data, revision and date.

    An existing record of the same weights is kept, except what the plan says of the entry. Raises ``UserError`` if
    test figures of other weights would be lost.
    """
    question = plan.question_of(entry.name)
    known = {"name": entry.name, "label": entry.label, "question": question.key, "tier": question.tier}
    before = read_result(results, entry.name)
    is_same = before.get("summary", {}).get("sha256") == folder.summary["sha256"]
    if is_same and _replicates_file(folder.path, "choosing").is_file():
        result = {**before, **known}
    elif before.get("test") and not is_same:
        raise UserError(
            f"{result_file(results, entry.name)}: has figures of the test fold of other weights; move it away, or give"
            " another --results"
        )
    else:
        calibration = calibrate_on_choosing(folder, truth)
        measured = measure_folder(folder, truth, calibration, test=False)
        _keep_replicates(folder, "choosing", measured)
        result = {
            **known,
            "data_sha256": truth.data_sha256,
            "revision": find_git_revision(),
            "date": datetime.now(UTC).date().isoformat(),
            "summary": folder.summary,
            "calibration": asdict(calibration),
            "choosing": measured.figures,
            "test": before["test"] if is_same else None,
        }
    write_json(result_file(results, entry.name), result)
    return result


def record_test(
    folder: StudiedModel, *, data: Path, why: str, results: Path, predict: Predict, log: Path = TEST_FOLD_LOG
) -> bool:
    """Measure a recorded model on the test fold; returns False if that has been done."""
    result = read_result(results, folder.name)
    if result["test"] is not None:
        return False
    calibration = TemperatureFit(**result["calibration"])
    measured = measure_study_model(folder, calibration, data=data, why=why, predict=predict, log=log)
    _keep_replicates(folder, "test", measured)
    write_json(result_file(results, folder.name), {**result, "test": measured.figures})
    return True


def record_comparisons(plan: StudyPlan, runs: Path, results: Path) -> None:
    """Record the differences of the plan's pairs, from the resamples in the study folders, which are paired.

    A pair without folders keeps its record.
    """
    path = results / "comparisons.json"
    written = {(each["one"], each["other"], each["part"]): each for each in read_comparisons(results)}
    for one, other in plan.list_pairs():
        for part in PARTS:
            figures = _compare(one, other, part, runs, results)
            if figures is not None:
                written[one, other, part] = {"one": one, "other": other, "part": part, "differences": figures}
    kept = [written[key] for key in ((*pair, part) for pair in plan.list_pairs() for part in PARTS) if key in written]
    write_json(path, kept)


def read_result(results: Path, name: str) -> dict[str, Any]:
    """A model's figures; empty if there are none. Raises ``UserError`` for figures of an earlier shape."""
    path = result_file(results, name)
    result = dict(read_json(path)) if path.is_file() else {}
    for part in PARTS:
        _check_shape(path, (result.get(part) or {}).get("metrics", {}))
    return result


def read_results(results: Path, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Figures of all named models that have any."""
    results_of = {name: read_result(results, name) for name in names}
    return {name: result for name, result in results_of.items() if result}


def read_comparisons(results: Path) -> list[dict[str, Any]]:
    """The paired differences; empty before the first pair is finished. Raises ``UserError`` for an earlier shape."""
    path = results / "comparisons.json"
    comparisons = list(read_json(path)) if path.is_file() else []
    for each in comparisons:
        _check_shape(path, each["differences"])
    return comparisons


def pair(one: Measured, other: Measured) -> dict[str, Any]:
    """``one`` minus ``other`` in each paired metric, with its interval, on the same resamples of the same images."""
    return {
        name: _subtract(one.figures, other.figures, name, one.replicates[name] - other.replicates[name])
        for name in PAIRED
    }


def read_published_data() -> str | None:
    """Hash of the data of the published results; None if there are none."""
    published = read_results(
        DEFAULT_RESULTS, [path.stem for path in sorted((DEFAULT_RESULTS / "results").glob("*.json"))]
    )
    return next((result["data_sha256"] for result in published.values() if result.get("data_sha256")), None)


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, with every list of numbers and every estimate on one line."""
    text = json.dumps(value, indent=1, allow_nan=False)
    for flat in (r"(\[)\n([^][{}\"]*?)\s+(\])", r"(\{)\n(\s+\"value\": [^][{}]*\"how\": [^][{}]*?)\s+(\})"):
        text = re.sub(flat, lambda match: f"{match[1]}{' '.join(match[2].split())}{match[3]}", text)
    write_whole(path, text + "\n")


def _check_shape(path: Path, figures: dict[str, Any]) -> None:
    """Raise ``UserError`` unless each figure is an estimate by names; it was a list of value, low and high before."""
    if not all(isinstance(figure, dict) for figure in figures.values()):
        raise UserError(
            f"{path}: was written by an earlier version of the project; move it away and run the study again"
        )


def _replicates_file(folder: Path, part: str) -> Path:
    return folder / f"replicates_{part}.npz"


def _keep_replicates(folder: StudiedModel, part: str, measured: Measured) -> None:
    arrays: dict[str, Any] = {name: each.astype(np.float32) for name, each in measured.replicates.items()}
    np.savez_compressed(_replicates_file(folder.path, part), images=np.array(measured.images), **arrays)


def _compare(one: str, other: str, part: str, runs: Path, results: Path) -> dict[str, Any] | None:
    """``one`` minus ``other`` in each paired metric, or None unless both are measured here on the same images."""
    files = [_replicates_file(runs / name, part) for name in (one, other)]
    figures = [results_of for name in (one, other) if (results_of := read_result(results, name).get(part))]
    if not all(file.is_file() for file in files) or len(figures) < len(files):
        return None
    first, second = (np.load(file) for file in files)
    if not np.array_equal(first["images"], second["images"]):
        return None
    return {name: _subtract(figures[0], figures[1], name, first[name] - second[name]) for name in PAIRED}


def _subtract(one: dict[str, Any], other: dict[str, Any], name: str, replicates: Any) -> dict[str, Any]:
    """A metric of one less that of the other; ``replicates``: the same on each resample, (2000,)."""
    value = one["metrics"][name]["value"] - other["metrics"][name]["value"]
    return Estimate.of(
        value, bootstrap.percentiles(replicates), n=one["images"], how=one["metrics"][name]["how"]
    ).to_json()
