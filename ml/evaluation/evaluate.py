"""Evaluation of a bundle on labelled images through the serving functions, re-encoding included."""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from ml.bundle.folder import Bundle, load_bundle
from ml.bundle.manifest import Manifest
from ml.data.isic import Record, find_images, read_ground_truth, read_lesion_groupings
from ml.data.pictures import read_upload
from ml.data.split import FOLDS, TEST, read_split
from ml.errors import UserError
from ml.evaluation.fold_log import TEST_FOLD_LOG, append_to_log
from ml.evaluation.observe import Observer, from_file
from ml.evaluation.report import WITHOUT_SHOWN_AGAIN, Report
from ml.evaluation.training_overlap import NOTHING_SEEN, Seen, find_seen
from ml.metrics import bootstrap, classification
from ml.serve.detector import load_detector
from ml.serve.image_limits import UPLOAD_SUFFIXES, Limits
from ml.serve.interpretation import Observation, Outcome, Reading, interpret
from ml.serve.predictor import Predictor
from ml.support.disk import check_can_be_written
from ml.taxonomy import CLASSES

MOST_MISSING = 0.01
SUFFIXES = tuple(chain.from_iterable(UPLOAD_SUFFIXES.values()))
# The official scorer gives this withdrawn image of the test set no weight.
UNWEIGHTED = frozenset({"ISIC_0035068"})


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image of a ground-truth file; ``path`` and ``lesion_id`` are None if unknown."""

    image_id: str
    label: int
    path: Path | None
    lesion_id: str | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation: the report, its images, and their readings in the same order.

    ``seen`` lists those of the images that are in the training data.
    """

    bundle: Bundle
    report: Report
    items: list[LabelledImage]
    readings: list[Reading]
    seen: Seen = NOTHING_SEEN

    @property
    def groups(self) -> list[str]:
        """The lesion of each image, or the image itself if that is unknown."""
        return list_groups(self.items)

    @property
    def scored(self) -> classification.Scored:
        """Labels and scores of the readings."""
        return score_readings(self.items, self.readings)


def evaluate_bundle(
    bundle: Bundle,
    images_dir: Path,
    truth_csv: Path,
    *,
    fold: str | None = None,
    split: Mapping[str, str] | None = None,
    why: str | None = None,
    lesions_csv: Path | None = None,
    predictions_csv: Path | None = None,
    runtime: str = "auto",
    kept: Path | None = None,
    progress: bool = True,
    log: Path = TEST_FOLD_LOG,
) -> Evaluation:
    """Score every image of a ground-truth file and measure, with 95 % intervals over lesions if they are known.

    ``fold`` selects one fold of the frozen split. If images of the test fold are included, all must be, ``why`` must
    state the purpose, and a line goes to ``log``, which must be writable. Images missing for a label are named and
    have weight 0; over 1 % is a ``UserError``, as is an image that cannot be decoded. ``kept`` is a cache directory
    for the observations of other folds, see ``Observer``.
    """
    if predictions_csv is not None:
        read = list_files_read(bundle, images_dir, truth_csv, lesions_csv, log=log)
        check_can_be_written(predictions_csv, not_over=read)
    folds = read_split().fold_of if split is None else split
    items = select_images(images_dir, truth_csv, lesions_csv=lesions_csv, fold=fold, split=folds)
    reads_test = any(folds.get(item.image_id) == TEST for item in items)
    if reads_test:
        _check_reading_of_test(items, folds, truth_csv, why)
        check_can_be_written(log)
    present = [item for item in items if item.path is not None]
    observer = Observer(Predictor(bundle, runtime), kept=None if reads_test else kept, progress=progress)
    readings = read_images(observer, present, f"fold {fold or 'any'} of {truth_csv.stem}")
    report = build_report(bundle, truth_csv, fold, items, readings)
    # No result on the test fold is returned before it is logged.
    if reads_test:
        append_to_log(
            log,
            sha256=bundle.sha256,
            balanced_accuracy=float(report.values["balanced_accuracy"]),
            images=report.images,
            why=str(why),
        )
    if predictions_csv is not None:
        write_predictions(predictions_csv, items, dict(zip((item.image_id for item in present), readings, strict=True)))
    seen = find_seen({item.image_id: item.path for item in present if item.path is not None}, folds)
    return Evaluation(bundle, report, present, readings, seen)


def list_files_read(
    bundle: Bundle, images_dir: Path, truth_csv: Path, lesions_csv: Path | None, *, log: Path = TEST_FOLD_LOG
) -> list[Path]:
    """Files that an evaluation reads or logs to, and which its output must not overwrite."""
    groupings = _find_lesions(truth_csv, lesions_csv)
    images = find_images(images_dir, SUFFIXES).values()
    return [truth_csv, *([] if groupings is None else [groupings]), log, *bundle.path.iterdir(), *images]


def _check_reading_of_test(
    items: Sequence[LabelledImage], folds: Mapping[str, str], truth_csv: Path, why: str | None
) -> None:
    others = sum(folds.get(item.image_id) != TEST for item in items)
    if others:
        raise UserError(
            f"{truth_csv}: holds {len(items) - others} images of the test fold and {others} others; give --fold test,"
            " or a truth file without these."
        )
    if not (why or "").strip():
        raise UserError(f"{truth_csv}: holds images of the test fold; say why they are read (--why).")


def evaluate_observations(
    bundle: Bundle, truth_csv: Path, fold: str | None, records: Sequence[Record], observations: Sequence[Observation]
) -> Evaluation:
    """Evaluate records from observations made before."""
    items = [LabelledImage(record.image_id, record.label, record.path, record.lesion_id) for record in records]
    detector = load_detector(bundle)
    readings = [interpret(observation, bundle.manifest, detector) for observation in observations]
    return Evaluation(bundle, build_report(bundle, truth_csv, fold, items, readings), items, readings)


def select_images(
    images_dir: Path, truth_csv: Path, *, lesions_csv: Path | None, fold: str | None, split: Mapping[str, str]
) -> list[LabelledImage]:
    """Match the rows of a ground-truth file with images and lesions; raises ``UserError`` if over 1 % have no image."""
    labels = read_ground_truth(truth_csv)
    if fold is not None:
        if fold not in FOLDS:
            raise UserError(f"--fold is {fold!r}; it must be one of {', '.join(FOLDS)}.")
        labels = {image_id: label for image_id, label in labels.items() if split.get(image_id) == fold}
        if not labels:
            raise UserError(f"{truth_csv}: no image of fold {fold}; leave out --fold for another data set.")
    files = find_images(images_dir, SUFFIXES)
    lesions = _read_lesions(truth_csv, lesions_csv)
    items = [
        LabelledImage(image_id, label, files.get(image_id), lesions.get(image_id) or None)
        for image_id, label in labels.items()
    ]
    missing = [item.image_id for item in items if item.path is None]
    if len(missing) > MOST_MISSING * len(items):
        raise UserError(
            f"{images_dir}: {len(missing)} of {len(items)} labelled images are missing ({', '.join(missing[:3])}, …), "
            "the limit is 1 %; give the directory that holds the truth file's images."
        )
    return items


def read_images(observer: Observer, items: Iterable[LabelledImage], name: str) -> list[Reading]:
    """Read images of any size as uploads are read; observations are cached under ``name``."""
    makers = [from_file(item.path) for item in items if item.path is not None]
    return [observer.predictor.conclude(observation) for observation in observer.observe(makers, name)]


def read_photograph(predictor: Predictor, path: Path, *, limits: Limits) -> Reading:
    """Read one image file just as an upload: normalised, encoded, decoded, read. Names the file when it cannot."""
    return predictor.read(read_upload(path, limits=limits))


def build_report(
    bundle: Bundle, truth_csv: Path, fold: str | None, items: list[LabelledImage], readings: list[Reading]
) -> Report:
    """Measure the readings of the items that have an image."""
    present = [item for item in items if item.path is not None]
    scored, weighted, groups = score_readings(present, readings), weigh(present), list_groups(present)
    measure = make_measure(bundle.manifest, present, readings)
    confusion = classification.count_confusion(
        labels=scored.labels, decided=classification.decide(scored.balanced_scores), weights=weighted[np.newaxis]
    )
    return Report(
        bundle=f"{bundle.manifest.name} {bundle.manifest.version}",
        bundle_sha256=bundle.sha256,
        truth=truth_csv.name,
        fold=fold,
        images=int(weighted.sum()),
        lesions=len(set(groups)) if any(item.lesion_id for item in present) else None,
        per_class=tuple(int(count) for count in confusion[0].sum(axis=1)),
        missing=tuple(item.image_id for item in items if item.path is None),
        shown_again=list_shown_again(present),
        not_assessable=tuple(
            item.image_id
            for item, reading in zip(present, readings, strict=True)
            if reading.outcome is Outcome.NOT_ASSESSABLE
        ),
        values={name: row[0] for name, row in measure(np.ones((1, len(present)))).items()},
        intervals=bootstrap.intervals(measure, groups),
        confusion=confusion[0],
    )


def make_measure(manifest: Manifest, items: Sequence[LabelledImage], readings: Sequence[Reading]) -> bootstrap.Measure:
    """A function of weights that gives ``classification.measure`` at the manifest's thresholds, for the bootstrap.

    If some lesions also occur in other folds, it adds balanced accuracy without these.
    """
    scored, weighted, limits = score_readings(items, readings), weigh(items), manifest.thresholds
    shown_again = set(list_shown_again(items))
    new = np.array([item.image_id not in shown_again for item in items], np.float64)

    def measure(weights: classification.FloatArray) -> dict[str, classification.FloatArray]:
        metrics = classification.measure(
            scored,
            weights * weighted,
            low_risk_below=limits.malignant.low_risk_below,
            suspicious_from=limits.malignant.suspicious_from,
            melanoma_low_risk_below=limits.melanoma.low_risk_below,
        )
        if shown_again:
            decided = classification.decide(scored.balanced_scores)
            metrics[WITHOUT_SHOWN_AGAIN] = classification.mean_recall(
                labels=scored.labels, decided=decided, weights=weights * weighted * new
            )
        return metrics

    return measure


def list_shown_again(items: Sequence[LabelledImage]) -> tuple[str, ...]:
    """Images of lesions that also occur in another fold, under another id."""
    shown_again = read_split().shown_again
    return tuple(item.image_id for item in items if item.image_id in shown_again)


def score_readings(items: Sequence[LabelledImage], readings: Sequence[Reading]) -> classification.Scored:
    """Labels and scores of the readings of items."""
    return classification.Scored(
        np.array([item.label for item in items]),
        np.stack([reading.probabilities for reading in readings]),
        np.stack([reading.balanced_scores for reading in readings]),
    )


def weigh(items: Sequence[LabelledImage]) -> classification.FloatArray:
    """Weights (N,): 0 for images that the official scorer leaves out, else 1."""
    return np.array([item.image_id not in UNWEIGHTED for item in items], np.float64)


def list_groups(items: Sequence[LabelledImage]) -> list[str]:
    """The lesion of each image, or the image itself if that is unknown."""
    return [item.lesion_id or item.image_id for item in items]


def write_predictions(path: Path, items: Iterable[LabelledImage], readings: dict[str, Reading]) -> None:
    """Write balanced scores in the official submission layout; missing images get equal scores."""
    equal = np.full(len(CLASSES), 1 / len(CLASSES))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("image", *CLASSES))
        for item in items:
            reading = readings.get(item.image_id)
            scores = equal if reading is None else reading.balanced_scores
            writer.writerow((item.image_id, *(f"{value:.17g}" for value in scores)))


def _find_lesions(truth_csv: Path, lesions_csv: Path | None) -> Path | None:
    """The file of lesions: the given one, or the one beside the ground truth under its official name."""
    if lesions_csv is not None:
        return lesions_csv
    path = truth_csv.with_name(truth_csv.name.replace("GroundTruth", "LesionGroupings"))
    return path if path != truth_csv and path.is_file() else None


def _read_lesions(truth_csv: Path, lesions_csv: Path | None) -> dict[str, str]:
    """Lesion by image id, empty without a file."""
    path = _find_lesions(truth_csv, lesions_csv)
    if path is None or path == truth_csv:
        return {}
    return {image_id: row["lesion_id"] for image_id, row in read_lesion_groupings(path).items()}


def main(options: argparse.Namespace) -> int:
    """Evaluate as the options say, and print the report."""
    bundle = load_bundle(options.bundle)
    if options.json is not None:
        read = list_files_read(bundle, options.images, options.truth, options.lesions)
        check_can_be_written(options.json, not_over=(*read, options.predictions))
        if options.predictions is not None and options.json.resolve() == options.predictions.resolve():
            raise UserError(f"{options.json}: cannot take both --json and --predictions; name two files")
    found = evaluate_bundle(
        bundle,
        options.images,
        options.truth,
        fold=options.fold,
        why=options.why,
        lesions_csv=options.lesions,
        predictions_csv=options.predictions,
    )
    if options.json is not None:
        told = found.report.to_dict() | {"seen": asdict(found.seen)}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(found.report.to_text())
    for line in found.seen.to_lines():
        print(f"note: {line}", file=sys.stderr)
    return 0
