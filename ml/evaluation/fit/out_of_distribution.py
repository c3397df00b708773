"""Fit of the out-of-distribution detector: image domain and distance from the training images.

The domain probe is a softmax regression on means and deviations of a late stage, fitted on training images, on the
same with a simulated dermatoscope, and on half of two sets of other photographs; the other halves are for reporting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from ml.bundle.manifest import DetectorSpec
from ml.data.isic import find_images
from ml.data.rows import read_rows
from ml.errors import UserError
from ml.metrics import bootstrap
from ml.metrics.classification import area_under_roc
from ml.metrics.estimate import DIGITS, OVER_GROUPS, Estimate
from ml.metrics.shares import estimate_share
from ml.serve.detector import IMAGE_DOMAINS, DetectorArrays, dermoscopy_odds, measure_distance, score_domains
from ml.serve.interpretation import softmax

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

RIDGE = 0.01
MEASURE_RIDGE = 300.0
COMPONENTS = 128
REFUSED_AS_OTHER_KIND, REFUSED_AS_UNLIKE = 0.008, 0.004
SEED = 2018


@dataclass(frozen=True, slots=True)
class Halves:
    """Photographs of another domain: one half fits the detector, the other measures it."""

    fitting: tuple[Path, ...]
    reporting: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class PictureStatistics:
    """Late statistics (N, 2C) and ``groups`` (N), the lesion or patient of each image."""

    statistics: FloatArray
    groups: Sequence[str]


@dataclass(frozen=True, slots=True)
class OtherPhotographs:
    """Photographs that are not dermoscopic: clinical ones of lesions, and everyday ones.

    ``clinical_rows`` is the metadata of each clinical one, by its file name without suffix.
    """

    clinical: Halves
    everyday: Halves
    clinical_rows: Mapping[str, Mapping[str, str]]


def read_other_photographs(clinical: Path, everyday: Path) -> OtherPhotographs:
    """Split a directory in PAD-UFES-20's layout by patient, and one of everyday photographs, with fixed seeds."""
    rows = _read_metadata(clinical)
    files = find_images(clinical / "images")
    unknown = sorted(files.keys() - rows.keys())
    if unknown:
        raise UserError(f"{clinical / 'metadata.csv'}: no row for {unknown[0]}; add it or remove the image")
    photographs = find_images(everyday)
    return OtherPhotographs(
        _halve(tuple(files.values()), draw_half([rows[name]["patient_id"] for name in files])),
        _halve(tuple(photographs.values()), draw_half(list(photographs))),
        rows,
    )


def draw_half(groups: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Mask (N,) of the first half: whole groups, in a fixed random order, until half of the items is reached."""
    names, group_of, counts = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    order = np.random.default_rng(SEED).permutation(len(names))
    before = np.cumsum(counts[order]) - counts[order]
    chosen = np.zeros(len(names), bool)
    chosen[order] = before < len(groups) / 2
    return np.asarray(chosen[group_of])


def fit_detector(
    own: FloatArray, others: Mapping[str, FloatArray], pictures: FloatArray, measures: FloatArray
) -> DetectorArrays:
    """Fit domain probe, distance and artefact probes on late statistics.

    ``own`` (N, 2C) are training images in all variants, ``others`` by domain those of other photographs; ``pictures``
    (M, 2C) are training images with known ``measures`` (M, 6). The distance is that of Lee et al., NeurIPS 2018, on
    the leading principal components.
    """
    centre, deviation = own.mean(axis=0), own.std(axis=0)
    deviation = deviation + 1e-3 * deviation.mean()
    rows = [own, *(others[kind] for kind in IMAGE_DOMAINS[1:])]
    labels = np.repeat(np.arange(len(IMAGE_DOMAINS)), [len(features) for features in rows])
    kinds = fit_softmax((np.concatenate(rows) - centre) / deviation, labels, RIDGE)
    probes = fit_ridge((pictures - centre) / deviation, np.sqrt(measures), MEASURE_RIDGE)
    values, vectors = np.linalg.eigh(np.cov((own - centre).T))
    kept = slice(-1, -1 - min(COMPONENTS, len(values)), -1)
    whitening = vectors[:, kept] / np.sqrt(np.maximum(values[kept], np.finfo(np.float32).tiny))
    return DetectorArrays(
        kinds=_unstandardise(kinds, centre, deviation),
        measures=_unstandardise(probes, centre, deviation),
        centre=centre,
        whitening=whitening,
    )


def fit_ridge(features: FloatArray, values: FloatArray, ridge: float) -> FloatArray:
    """Ridge regression of values (N, K): weights (K, 1 + D); the first column, the intercepts, is not penalised."""
    middle, average = features.mean(axis=0), values.mean(axis=0)
    inner = (features - middle).T @ (features - middle) + ridge * np.eye(features.shape[1])
    weights = np.linalg.solve(inner, (features - middle).T @ (values - average)).T
    return np.concatenate(((average - weights @ middle)[:, np.newaxis], weights), axis=1)


def fit_softmax(features: FloatArray, labels: IntArray, ridge: float) -> FloatArray:
    """Multinomial logistic regression: weights (K, 1 + D); the first column, the intercepts, is not penalised."""
    count, kinds = len(labels), int(labels.max()) + 1
    truth = np.eye(kinds)[labels]

    def loss(flat: FloatArray) -> tuple[float, FloatArray]:
        weights = flat.reshape(kinds, -1)
        probabilities = softmax(features @ weights[:, 1:].T + weights[:, 0])
        wrong = (probabilities - truth) / count
        inner = wrong.T @ features + 2 * ridge * weights[:, 1:]
        slope = np.concatenate((wrong.sum(axis=0)[:, np.newaxis], inner), axis=1)
        chosen = np.maximum((probabilities * truth).sum(axis=1), np.finfo(np.float64).tiny)
        return float(-np.log(chosen).mean() + ridge * (weights[:, 1:] ** 2).sum()), slope.ravel()

    start = np.zeros(kinds * (1 + features.shape[1]))
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x.reshape(kinds, -1))


def fit_limits(arrays: DetectorArrays, unseen: FloatArray, where: str) -> DetectorSpec:
    """Limits that refuse 0.8 % of unseen photographs (N, 2C) by domain, and 0.4 % by distance."""
    odds, distance = dermoscopy_odds(score_domains(unseen, arrays)), measure_distance(unseen, arrays)
    share = REFUSED_AS_OTHER_KIND + REFUSED_AS_UNLIKE
    return DetectorSpec(
        dermoscopy_from=round(float(np.quantile(odds, REFUSED_AS_OTHER_KIND)), DIGITS),
        distance_to=round(float(np.quantile(distance, 1 - REFUSED_AS_UNLIKE)), DIGITS),
        how=f"set to refuse together {100 * share:.1f} % of {where} ({len(unseen)} images, interpolated)",
    )


def describe_refusals(
    pictures: PictureStatistics, reasons: Sequence[str | None], unseen: PictureStatistics, arrays: DetectorArrays
) -> dict[str, Any]:
    """Number of refusals of images of one domain, their reasons, and the areas under the ROC curve.

    The areas are of both scores, against ``unseen`` photographs that should be read. ``groups`` is the number of
    lesions or patients that the intervals are over.
    """
    given = [reason for reason in reasons if reason is not None]
    own = np.repeat((True, False), (len(unseen.groups), len(pictures.groups)))
    both = np.concatenate((unseen.statistics, pictures.statistics))
    scores = {"kind": dermoscopy_odds(score_domains(both, arrays)), "distance": -measure_distance(both, arrays)}
    return {
        "images": len(reasons),
        "groups": len(set(pictures.groups)),
        "refused": estimate_share([reason is not None for reason in reasons], pictures.groups).to_json(),
        "reasons": {reason: given.count(reason) for reason in sorted(set(given))},
        "auroc": {
            name: area.to_json()
            for name, area in estimate_areas(scores, own, [*unseen.groups, *pictures.groups]).items()
        },
    }


def estimate_areas(
    scores: Mapping[str, FloatArray], positive: npt.NDArray[np.bool_], groups: Sequence[str]
) -> dict[str, Estimate]:
    """Area under the ROC curve of each of ``scores`` (N,), with its interval over ``groups`` (N,)."""

    def measure(weights: FloatArray) -> dict[str, FloatArray]:
        return {
            name: area_under_roc(positive=positive, scores=values, weights=weights) for name, values in scores.items()
        }

    return bootstrap.estimate(measure, groups, how=OVER_GROUPS)


def _unstandardise(weights: FloatArray, centre: FloatArray, deviation: FloatArray) -> FloatArray:
    """Convert weights (K, 1 + D) for standardised features to weights for the original features."""
    raw = weights[:, 1:] / deviation
    return np.concatenate(((weights[:, 0] - raw @ centre)[:, np.newaxis], raw), axis=1)


def _halve(files: tuple[Path, ...], fitting: npt.NDArray[np.bool_]) -> Halves:
    chosen = list(zip(files, fitting, strict=True))
    return Halves(tuple(path for path, first in chosen if first), tuple(path for path, first in chosen if not first))


def _read_metadata(directory: Path) -> dict[str, dict[str, str]]:
    """Rows of the metadata by image name without suffix."""
    path = directory / "metadata.csv"
    if not path.is_file():
        raise UserError(f"{path}: is missing; give PAD-UFES-20's layout")
    rows = {Path(row["image"]).name: row for _, row in read_rows(path, ("image", "patient_id"))}
    if not all(row["patient_id"] for row in rows.values()):
        raise UserError(f"{path}: a row has no patient_id; fill the column, as halves are drawn by patient")
    return rows
