"""Subject of the error report: a study model on its choosing images, or a bundle on a fold it has not seen.

Never the test fold, which is used for reporting metrics only.
"""

from dataclasses import dataclass
from pathlib import Path

from ml.bundle.folder import load_bundle
from ml.data.isic import Record, read_isic
from ml.data.split import OPEN_FOLDS, select_folds
from ml.errors import UserError
from ml.evaluation import evaluate
from ml.evaluation.mistakes import Reviewed
from ml.evaluation.observe import Observer
from ml.pipelines.study.folder import calibrate_on_choosing, open_study_folder, read_truth, score
from ml.serve.predictor import Predictor


@dataclass(frozen=True, slots=True)
class Subject:
    """A model's ``name``, the reviewed images in words, their labelled scores, and their records, in order."""

    name: str
    on: str
    reviewed: Reviewed
    records: tuple[Record, ...]


def review_study_folder(path: Path, data: Path) -> Subject:
    """A study model on its choosing images."""
    folder, truth = open_study_folder(path), read_truth(data)
    calibration = calibrate_on_choosing(folder, truth)
    places = folder.rows(test=False)
    names = tuple(folder.images[place] for place in places)
    reviewed = Reviewed(
        names,
        tuple(truth.lesions[name] for name in names),
        score(folder, truth, test=False, temperature=calibration.temperature),
        calibration.low_risk_below,
        calibration.suspicious_from,
    )
    folds = ", ".join(sorted({folder.folds[place] for place in places}))
    return Subject(folder.name, f"fold {folds}, on which it was chosen", reviewed, _find_records(data, names))


def review_bundle(path: Path, data: Path, fold: str, *, progress: bool = True) -> Subject:
    """A bundle on the images of one fold, read as uploads are."""
    if fold not in OPEN_FOLDS:
        raise UserError(f"--fold is {fold!r}; an error report reads one of 0 to 4, never the test fold")
    bundle = load_bundle(path)
    records = tuple(select_folds(read_isic(data).records, (fold,)))
    items = [evaluate.LabelledImage(record.image_id, record.label, record.path, record.lesion_id) for record in records]
    readings = evaluate.read_images(Observer(Predictor(bundle), progress=progress), items, f"fold {fold}")
    limits = bundle.manifest.thresholds.malignant
    reviewed = Reviewed(
        tuple(record.image_id for record in records),
        tuple(evaluate.list_groups(items)),
        evaluate.score_readings(items, readings),
        limits.low_risk_below,
        limits.suspicious_from,
    )
    return Subject(f"{bundle.manifest.name} {bundle.manifest.version}", f"fold {fold}", reviewed, records)


def _find_records(data: Path, names: tuple[str, ...]) -> tuple[Record, ...]:
    records = {record.image_id: record for record in read_isic(data).records}
    return tuple(records[name] for name in names)
