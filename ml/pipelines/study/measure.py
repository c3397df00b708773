"""Measurement of a study model on the test fold, once, and logged."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ml.data.isic import Record, read_isic
from ml.data.split import TEST
from ml.errors import UserError
from ml.evaluation.fold_log import TEST_FOLD_LOG, append_to_log, find_readings
from ml.pipelines.study.folder import (
    FloatArray,
    Measured,
    StudiedModel,
    TemperatureFit,
    measure_folder,
    read_test_truth,
)
from ml.support.disk import check_can_be_written

Predict = Callable[[Path, Sequence[Record]], FloatArray]
"""Scores (N, 7) of records by the model of a study folder, under its training prior."""


def measure_study_model(
    folder: StudiedModel,
    calibration: TemperatureFit,
    *,
    data: Path,
    why: str,
    predict: Predict,
    log: Path = TEST_FOLD_LOG,
) -> Measured:
    """Measure a study model on the test fold; raises ``UserError`` the second time.

    Scores come from ``predict`` and are not stored; the access is logged before they are returned.
    """
    sha256 = str(folder.summary["sha256"])
    check_can_be_written(log)
    before = find_readings(log, sha256)
    if before:
        raise UserError(
            f"{log}: {folder.name} read the test fold on {before[0]['date']} with these weights, and a study model does"
            " so once; restore its results file"
        )
    truth = read_test_truth(data)
    records = [record for record in read_isic(data).records if record.image_id in truth.labels]
    scores = predict(folder.path, records)
    read = replace(
        folder,
        images=tuple(record.image_id for record in records),
        folds=(TEST,) * len(records),
        log_scores=np.log(np.maximum(scores, np.finfo(np.float64).tiny)),
    )
    measured = measure_folder(read, truth, calibration, test=True)
    figures = measured.figures
    append_to_log(
        log,
        sha256=sha256,
        balanced_accuracy=figures["metrics"]["balanced_accuracy"]["value"],
        images=figures["images"],
        why=f"study, {folder.name}: {why}",
    )
    return measured
