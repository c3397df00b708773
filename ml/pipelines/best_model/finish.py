"""The last stage: export and calibrate the student, and compare it with the shipped bundle.

It is calibrated on out-of-fold predictions, of its copies or its own.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import safe_open

from ml.build.assemble import Origin, assemble, describe_sampled_prior, measure_target_prior
from ml.build.detector import build_detector
from ml.build.fit_limits import add_detector, fit_decisions
from ml.build.fit_quality import fit_picture_quality
from ml.build.measure import measure_calibration_fold
from ml.build.similar_cases import add_similar_cases
from ml.bundle.attribution import write_attribution
from ml.bundle.draft import build_beside
from ml.bundle.folder import DEFAULT_BUNDLE, Bundle, load_bundle, write_manifest
from ml.data.isic import Dataset, Record, read_isic
from ml.data.split import CALIBRATION_FOLD, read_split, select_folds
from ml.evaluation.evaluate import evaluate_observations
from ml.evaluation.fit.out_of_distribution import read_other_photographs
from ml.evaluation.observe import Observer, from_file
from ml.evaluation.paired import compare_evaluations
from ml.networks.backbone import create_backbone, load_weights
from ml.pipelines.best_model.plan import AVERAGE, BestModelStage, name_stage
from ml.pipelines.best_model.workspace import BestModelWorkspace
from ml.serve.interpretation import Observation
from ml.serve.predictor import Predictor
from ml.support.disk import write_whole
from ml.support.environment import find_git_revision
from ml.training.checkpoint import describe_input
from ml.training.config import read_config


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Images with the observations of a student, or a copy of it, that has not seen them."""

    records: list[Record]
    observations: list[Observation]


def finish(stage: BestModelStage, place: BestModelWorkspace) -> Bundle:
    """Write ``out/bundle`` and, beside it, the comparison; nothing of the test fold is read."""
    folder = place.folder(stage.name)
    with build_beside(place.out / "bundle") as draft:
        bundle, told = _build(place, draft)
    summary = {"bundle": bundle.sha256, **told}
    write_whole(folder.summary, json.dumps(summary, indent=2) + "\n")
    return replace(bundle, path=place.out / "bundle")


def _build(place: BestModelWorkspace, draft: Path) -> tuple[Bundle, dict[str, Any]]:
    """The bundle in the directory ``draft``, and its metrics beside those of the shipped one."""
    # The stages' training data; in a small trial the same few images.
    dataset = read_isic(place.training_data)
    bundle = _export(place, name_stage(AVERAGE, ()), draft, dataset)
    judged = {fold: _observe_unseen(place, fold, dataset, bundle) for fold in place.plan.judging_folds}
    every = OutOfFold(
        [record for each in judged.values() for record in each.records],
        [observation for each in judged.values() for observation in each.observations],
    )
    where = f"out-of-fold scores of {_name_folds(place.plan.judging_folds)}"
    manifest = fit_decisions(bundle.manifest, every.records, every.observations, where)
    observer = Observer(Predictor(bundle, "onnx"), kept=place.out / "observed", progress=place.progress)
    quality = fit_picture_quality(dataset.records, observer)
    bundle = write_manifest(bundle.path, replace(manifest, quality=quality))
    name = "-".join(judged)
    bundle = measure_calibration_fold(bundle, dataset, every.records, every.observations, name)
    told = {"out_of_fold": bundle.manifest.metrics[f"fold_{name}"]["metrics"]}
    if CALIBRATION_FOLD in judged:
        told |= {f"fold_{CALIBRATION_FOLD}": _compare(bundle, judged[CALIBRATION_FOLD], dataset, place)}
    if place.others is not None:
        bundle = _add_what_reads_features(bundle, place, dataset, every.records)
    return bundle, told


def _observe_unseen(place: BestModelWorkspace, fold: str, dataset: Dataset, student: Bundle) -> OutOfFold:
    """Observations of a fold by the copy without it, or by the ``student`` if neither it nor its teachers saw it."""
    records = select_folds(dataset.records, (fold,))
    if fold not in place.plan.copies:
        return OutOfFold(records, _observe(student, records, f"fold {fold}", place))
    with tempfile.TemporaryDirectory() as scratch:  # a copy is used once, and is never measured
        copy = _export(place, name_stage(AVERAGE, (fold,)), Path(scratch), dataset)
        return OutOfFold(records, _observe(copy, records, f"fold {fold}", place))


def _observe(bundle: Bundle, records: Sequence[Record], name: str, place: BestModelWorkspace) -> list[Observation]:
    observer = Observer(Predictor(bundle, "onnx"), kept=place.out / "observed", progress=place.progress)
    return observer.observe([from_file(record.path) for record in records], name)


def _export(place: BestModelWorkspace, name: str, out: Path, dataset: Dataset) -> Bundle:
    weights = place.folder(name).weights
    config = read_config(place.folder(name_stage(place.plan.average[0], _held_out(name, place))).config)
    model = create_backbone(config.architecture)
    load_weights(model, weights)
    with safe_open(weights, "pt") as file:
        told = file.metadata()
    plan = config.readings[0]
    origin = Origin(
        name=f"{config.architecture}-isic2018-out-of-fold",
        version=(find_git_revision() or "unknown")[:12],
        architecture=config.architecture,
        input=describe_input(model, plan.size, plan.fractions),
        training_prior=describe_sampled_prior(map(float, told["prior"].split())),
        training=_describe_training(place, told["folds"].split()),
    )
    return assemble(model, out, origin, measure_target_prior(dataset, read_split().fold_of))


def _name_folds(folds: Sequence[str]) -> str:
    return f"{'folds' if len(folds) > 1 else 'fold'} {' and '.join(folds)}"


def _held_out(name: str, place: BestModelWorkspace) -> tuple[str, ...]:
    return next(((fold,) for fold in place.plan.copies if name == name_stage(AVERAGE, (fold,))), ())


def _describe_training(place: BestModelWorkspace, folds: Sequence[str]) -> str:
    steps = ", ".join(step.name for step in place.plan.student)
    teachers = ", ".join(step.name for step in place.plan.teachers)
    taught = "that had not seen it" if place.plan.out_of_fold else "which had seen it too"
    copies = "copies of it" if place.plan.copies else "it"
    return (
        f"Trained on folds {', '.join(folds)} of ISIC 2018 Task 3 in the steps {steps} (docs/best-model.md), each fold "
        f"taught by the teachers ({teachers}) {taught}; the weights of {', '.join(place.plan.average)} averaged. "
        f"Calibrated on the scores of {copies} for images that neither they nor their teachers had seen."
    )


def _add_what_reads_features(
    bundle: Bundle, place: BestModelWorkspace, dataset: Dataset, records: Sequence[Record]
) -> Bundle:
    """Add similar cases and the out-of-distribution detector, which need the student's own features.

    Copies do not share these features, so with copies their limits are set on images that the student has seen.
    """
    assert place.others is not None
    observer = Observer(Predictor(bundle, "onnx"), kept=place.out / "observed", progress=place.progress)
    bundle = add_similar_cases(bundle, observer, place.training_data, unseen_fold=place.plan.judging_folds[-1])
    detector = build_detector(observer, list(dataset.records), place.data, read_other_photographs(*place.others))
    observations = observer.observe([from_file(record.path) for record in records], "gate")
    where = _name_folds(place.plan.judging_folds) + (", which the network has seen" if place.plan.copies else "")
    manifest = add_detector(bundle.manifest, bundle.path, detector, observations, where)
    return write_manifest(bundle.path, write_attribution(bundle.path, manifest))


def _compare(bundle: Bundle, found: OutOfFold, dataset: Dataset, place: BestModelWorkspace) -> dict[str, Any]:
    """Paired comparison of the new bundle, by its copy, and the shipped one on the fold that neither has seen."""
    shipped = load_bundle(DEFAULT_BUNDLE)
    earlier = _observe(shipped, found.records, f"fold {CALIBRATION_FOLD}", place)
    one, other = (
        evaluate_observations(each, dataset.ground_truth, CALIBRATION_FOLD, found.records, observations)
        for each, observations in ((bundle, found.observations), (shipped, earlier))
    )
    compared = compare_evaluations(one, other)
    figures = {
        name: {key: estimate.to_json() for key, estimate in estimates.items()}
        for name, estimates in compared["figures"].items()
    }
    return {"shipped": shipped.sha256, **compared, "figures": figures}
