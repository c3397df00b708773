"""Fit of a bundle's limits: calibration, outcome rule, prediction sets, detector, quality, pooling of photographs.

Needs no torch; the detector's artefact probes, fitted on lesion masks and OpenCV measures, need requirements/ml.txt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ml.build.detector import build_detector
from ml.build.fit_quality import LESION_FLAGS, fit_flags, fit_picture_quality
from ml.build.measure import measure_calibration_fold
from ml.bundle.attribution import write_attribution
from ml.bundle.folder import Bundle, write_manifest
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import DETECTOR_FILE, Manifest, RefusedThresholds
from ml.data.isic import Record, read_isic
from ml.data.split import TRAINING_FOLDS, select_folds
from ml.evaluation.calibration import Priors, apply_calibration
from ml.evaluation.fit.calibration import choose_calibration, fit_calibration
from ml.evaluation.fit.conformal import choose_sets
from ml.evaluation.fit.out_of_distribution import OtherPhotographs, fit_limits
from ml.evaluation.observe import Observer, average_statistics, from_file
from ml.evaluation.operating_points import fit_outcome_rule
from ml.evaluation.pooling import fit_pooling, gather_lesions, with_several
from ml.evaluation.refused_images import REFUSED_LIMITS, list_refused_sums
from ml.metrics.classification import Scored
from ml.serve.detector import Detector, DetectorArrays, estimate_measures, save_detector
from ml.serve.interpretation import Observation, average_views, interpret

FittedDetector = tuple[DetectorArrays, dict[str, Any]]
"""A detector's arrays, and its results for a held-out class."""

CALLED = 0.02
NOT_ASSESSABLE_WHERE = ("nail", "mucosa", "eyelid", "ulcer", "tattoo")


def refit_bundle(
    bundle: Bundle,
    observer: Observer,
    data_dir: Path,
    *,
    calibration_fold: str,
    others: OtherPhotographs | None,
    fitted_detector: FittedDetector | None = None,
) -> Bundle:
    """Fit all limits, write them into the manifest, and measure the calibration fold.

    Calibration, outcome rule and prediction sets are fitted on ``calibration_fold``, quality limits on folds 0 to 3,
    the detector and the second limit on these and on ``others``, without which there is neither. A
    ``fitted_detector`` is used unchanged.
    """
    dataset = read_isic(data_dir)
    training = select_folds(dataset.records, TRAINING_FOLDS)
    detector = fitted_detector
    if detector is None and others is not None:
        detector = build_detector(observer, training, data_dir, others)
    chosen = select_folds(dataset.records, (calibration_fold,))
    where = f"fold {calibration_fold}"
    observations = observer.observe([from_file(record.path) for record in chosen], where)
    manifest = fit_decisions(bundle.manifest, chosen, observations, where)
    quality = fit_picture_quality(training, observer)
    manifest = replace(manifest, quality=quality, gate=None, metrics={})
    manifest = replace(manifest, files={name: sha for name, sha in manifest.files.items() if name != DETECTOR_FILE})
    if detector is not None:
        manifest = add_detector(manifest, bundle.path, detector, observations, where)
        if others is not None and manifest.gate is not None:
            manifest = add_refused(manifest, Detector(detector[0], manifest.gate), observer, others)
    fitted = None if detector is None or manifest.gate is None else Detector(detector[0], manifest.gate)
    manifest = add_pooling(manifest, fitted, chosen, observations, where)
    refitted = write_manifest(bundle.path, write_attribution(bundle.path, manifest))
    return measure_calibration_fold(refitted, dataset, chosen, observations, calibration_fold)


def fit_decisions(
    manifest: Manifest, records: Sequence[Record], observations: Sequence[Observation], where: str
) -> Manifest:
    """The manifest with calibration, outcome rule, operating points and prediction sets fitted on these images."""
    labels = np.array([record.label for record in records])
    groups = [record.group for record in records]
    log_mean = average_views(np.stack([each.logits for each in observations]))
    priors = Priors(manifest.training_prior.frequencies, manifest.target_prior.frequencies)
    calibration, ridge, methods = choose_calibration(log_mean, labels, groups, priors)
    scored = Scored(labels, *apply_calibration(log_mean, calibration, priors))

    def rescore(fitting: np.ndarray[Any, Any]) -> Scored:
        fitted = fit_calibration(log_mean[fitting], labels[fitting], priors, ridge)
        return Scored(labels, *apply_calibration(log_mean, fitted, priors))

    thresholds, points = fit_outcome_rule(scored, where)
    sets, compared = choose_sets(scored, rescore, groups, where)
    return replace(
        manifest,
        calibration=replace(calibration, how=f"{_name(ridge)}, of least cross-validated loss on {where}"),
        thresholds=thresholds,
        operating_points=points,
        prediction_sets=sets,
        not_assessable_where=NOT_ASSESSABLE_WHERE,
        limits={"fitting": {"images": len(records), "calibration": methods, "prediction_sets": compared}},
    )


def add_detector(
    manifest: Manifest,
    directory: Path,
    detector: FittedDetector,
    observations: Sequence[Observation],
    where: str,
) -> Manifest:
    """The manifest with the out-of-distribution detector, whose file is written, and its probes' flags."""
    arrays, held_out = detector
    save_detector(directory, arrays)
    statistics = average_statistics(observations)
    measures = [
        estimate_measures(each, arrays) | observation.measures
        for each, observation in zip(statistics, observations, strict=True)
    ]
    flags = fit_flags(LESION_FLAGS, measures)  # measured on the lesion mask, these replace the detector's estimates
    quality = manifest.quality
    return replace(
        manifest,
        gate=fit_limits(arrays, statistics, where),
        quality=replace(
            quality,
            flags=(*quality.flags, *flags),
            how=f"{quality.how}; framing and hair are the network's estimates, with limits set on {where}",
        ),
        files=manifest.files | {DETECTOR_FILE: hash_file(directory / DETECTOR_FILE)},
        limits=manifest.limits | {"held_out_class": held_out},
    )


def add_refused(manifest: Manifest, detector: Detector, observer: Observer, others: OtherPhotographs) -> Manifest:
    """The manifest with the second limit, set on the photographs of other domains that also fit the detector."""
    halves = {"clinical photographs": others.clinical, "everyday photographs": others.everyday}
    observed = {
        kind: observer.observe([from_file(path) for path in half.fitting], f"{kind}, fitting")
        for kind, half in halves.items()
    }
    refused, tried = fit_refused(manifest, detector, observed)
    fitting = {**manifest.limits["fitting"], "refused": tried}
    return replace(
        manifest,
        thresholds=replace(manifest.thresholds, refused=refused),
        limits={**manifest.limits, "fitting": fitting},
    )


def add_pooling(
    manifest: Manifest,
    detector: Detector | None,
    records: Sequence[Record],
    observations: Sequence[Observation],
    where: str,
) -> Manifest:
    """The manifest with the rule by which photographs of a lesion are pooled; call after all other fits.

    It stays without if no lesion of these images has several photographs that can be assessed.
    """
    readings = [interpret(each, manifest, detector) for each in observations]
    lesions = gather_lesions(records, readings)
    if not with_several(lesions):
        return replace(manifest, pooling=None)
    rule, tried = fit_pooling(lesions, manifest, where)
    fitting = {**manifest.limits.get("fitting", {}), "pooling": tried}
    return replace(manifest, pooling=rule, limits={**manifest.limits, "fitting": fitting})


def fit_refused(
    manifest: Manifest, detector: Detector, observed: Mapping[str, Sequence[Observation]]
) -> tuple[RefusedThresholds, list[dict[str, Any]]]:
    """The second limit, and for each candidate the number of photographs it refers, by domain.

    It is the lowest of ``REFUSED_LIMITS`` that refers at most 2 % of each domain that should be refused, or the
    highest if none does.
    """
    unread = {
        kind: list_refused_sums([interpret(each, manifest, detector) for each in observations])
        for kind, observations in observed.items()
    }
    tried: list[dict[str, Any]] = [
        {"limit": limit, **{kind: [int((sums >= limit).sum()), len(observed[kind])] for kind, sums in unread.items()}}
        for limit in REFUSED_LIMITS
    ]
    bearable = [each["limit"] for each in tried if all(each[kind][0] <= CALLED * each[kind][1] for kind in unread)]
    images = sum(map(len, observed.values()))
    how = (
        f"the least of {', '.join(map(str, REFUSED_LIMITS))} that calls at most {100 * CALLED:.0f} % of each of "
        f"{' and '.join(unread)} ({images} images)"
    )
    return RefusedThresholds(min(bearable, default=REFUSED_LIMITS[-1]), how), tried


def _name(ridge: float | None) -> str:
    return "temperature alone" if ridge is None else f"temperature and an offset for each class (ridge {ridge:g})"
