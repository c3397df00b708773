"""Comparison of test-time views: other sizes and crops, pairs, mirror images."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml.bundle.folder import Bundle
from ml.bundle.manifest import ViewSpec
from ml.data.isic import Record
from ml.evaluation.calibration import Priors
from ml.evaluation.fit.calibration import cross_calibrate
from ml.evaluation.observe import Observer, from_file
from ml.evaluation.onnx_graph import FreeSizeRuntime, check_side
from ml.evaluation.timing import COMMON_SIZE, draw_photograph, store, take_turns
from ml.metrics import bootstrap, classification
from ml.metrics.estimate import OVER_LESIONS, Estimate
from ml.serve.interpretation import average_views
from ml.serve.predictor import Predictor

FloatArray = classification.FloatArray

SIZES = (224, 256, 288, 320, 352, 384)
FRACTIONS = (1.0, 0.9, 0.8, 0.7, 0.6)
RIDGE = 3.0
"""Ridge of the class offsets, as chosen for the shipped bundle."""


@dataclass(frozen=True, slots=True)
class ViewSet:
    """Test-time views whose scores are averaged: central crops at one size, and their mirror images if ``mirrored``."""

    size: int
    fractions: tuple[float, ...]
    mirrored: bool = False

    def __str__(self) -> str:
        parts = " and ".join(f"{fraction:.0%}" for fraction in self.fractions)
        return f"{self.size} px, {parts}{', each also mirrored' if self.mirrored else ''}"


@dataclass(frozen=True, slots=True)
class Judged:
    """Metrics of a view set on so many images (1,) and on each resample (2000,), and the time of one reading."""

    images: int
    plain: dict[str, FloatArray]
    resampled: dict[str, FloatArray]
    milliseconds: float


def list_view_sets(bundle: Bundle, sizes: Sequence[int]) -> list[ViewSet]:
    """Single views and pairs at every size; at the bundle's own size also mirrored."""
    own = bundle.manifest.input.size
    fractions = [*((fraction,) for fraction in FRACTIONS), *combinations(FRACTIONS, 2)]
    plain = [ViewSet(size, parts) for size in sizes for parts in fractions]
    return plain + [ViewSet(own, parts, mirrored=True) for parts in fractions if own in sizes]


def read_views(
    bundle: Bundle, size: int, records: Sequence[Record], *, mirrored: bool, kept: Path | None, progress: bool
) -> FloatArray:
    """Logits of records at one size for all ``FRACTIONS``: (N, F, 7), or (N, 2 F, 7) with mirror images."""
    views = ViewSet(size, FRACTIONS, mirrored)
    observer = Observer(open_views(with_views(bundle, views), mirrored=mirrored), kept=kept, progress=progress)
    observations = observer.observe([from_file(record.path) for record in records], f"views {views}")
    return np.stack([observation.logits for observation in observations]).astype(np.float64)


def with_views(bundle: Bundle, views: ViewSet) -> Bundle:
    """A copy of the bundle with another size and other crops in its manifest, which is not written."""
    specs = tuple(ViewSpec(f"central {fraction:.0%}", fraction) for fraction in views.fractions)
    return replace(
        bundle, manifest=replace(bundle.manifest, input=replace(bundle.manifest.input, size=views.size, views=specs))
    )


def open_views(bundle: Bundle, *, mirrored: bool) -> Predictor:
    """A predictor for the views of ``with_views``; it lacks the inputs of the out-of-distribution detector."""
    return Predictor(bundle, FreeSizeRuntime(bundle, mirrored=mirrored))


def judge(
    logits: Mapping[int, FloatArray], views: ViewSet, bundle: Bundle, records: Sequence[Record], milliseconds: float
) -> Judged:
    """Measure a view set on the logits of ``read_views`` by size, with cross-validated calibration."""
    columns = [FRACTIONS.index(fraction) for fraction in views.fractions]
    columns += [len(FRACTIONS) + column for column in columns] if views.mirrored else []
    labels, groups = np.array([record.label for record in records]), list_lesions(records)
    priors = Priors(bundle.manifest.training_prior.frequencies, bundle.manifest.target_prior.frequencies)
    log_mean = average_views(logits[views.size][:, columns])
    scored = classification.Scored(labels, *cross_calibrate(log_mean, labels, groups, priors, RIDGE))
    measure = partial(measure_figures, scored)
    return Judged(len(labels), measure(np.ones((1, len(labels)))), bootstrap.resample(measure, groups), milliseconds)


def measure_figures(scored: classification.Scored, weights: FloatArray) -> dict[str, FloatArray]:
    """The three metrics that are compared, each (B,)."""
    decided = classification.decide(scored.balanced_scores)
    return {
        "balanced_accuracy": classification.mean_recall(labels=scored.labels, decided=decided, weights=weights),
        "log_loss": classification.log_loss(labels=scored.labels, probabilities=scored.probabilities, weights=weights),
        "malignancy_auc": classification.area_under_roc(
            positive=scored.is_malignant, scores=scored.malignant, weights=weights
        ),
    }


def list_lesions(records: Sequence[Record]) -> list[str]:
    """The lesion of each record, or the image itself if that is unknown."""
    return [record.group for record in records]


def time_views(bundle: Bundle, views: Sequence[ViewSet], repeats: int) -> dict[tuple[int, int, bool], float]:
    """Median CPU milliseconds to observe a drawn photograph of 600×450, by size, number of views and mirroring.

    The choice of crops makes no noticeable difference. All actions alternate.
    """
    stored = store(draw_photograph(), COMMON_SIZE)
    by_cost = {(view_set.size, len(view_set.fractions), view_set.mirrored): view_set for view_set in views}
    opened = [open_views(with_views(bundle, view_set), mirrored=view_set.mirrored) for view_set in by_cost.values()]
    times = take_turns([partial(predictor.observe, stored) for predictor in opened], repeats, clock=time.process_time)
    return dict(zip(by_cost, times, strict=True))


def judge_all(
    bundle: Bundle,
    records: Sequence[Record],
    sizes: Sequence[int],
    *,
    kept: Path | None,
    repeats: int,
    progress: bool = True,
) -> dict[ViewSet, Judged]:
    """Read, time and measure every view set; raises ``UserError`` for a size that is no multiple of 32."""
    for size in sizes:
        check_side(size)
    views = list_view_sets(bundle, sizes)
    own = bundle.manifest.input.size
    logits = {
        size: read_views(bundle, size, records, mirrored=size == own, kept=kept, progress=progress) for size in sizes
    }
    times = time_views(bundle, views, repeats)
    bar = tqdm(views, "view sets", unit="set", disable=not progress)
    return {
        view_set: judge(
            logits, view_set, bundle, records, times[view_set.size, len(view_set.fractions), view_set.mirrored]
        )
        for view_set in bar
    }


def choose_single(judged: Mapping[ViewSet, Judged]) -> ViewSet:
    """The single view with the lowest log loss, which is less sensitive to single images than balanced accuracy."""
    single = [views for views in judged if len(views.fractions) == 1 and not views.mirrored]
    return min(single, key=lambda views: float(judged[views].plain["log_loss"][0]))


def estimate(judged: Judged, name: str) -> Estimate:
    """A metric with its interval."""
    return _estimate(judged.plain[name], judged.resampled[name], judged.images)


def subtract(one: Judged, other: Judged, name: str) -> Estimate:
    """Difference of a metric, ``one`` minus ``other``, on the same resamples."""
    return _estimate(one.plain[name] - other.plain[name], one.resampled[name] - other.resampled[name], one.images)


def _estimate(plain: FloatArray, resampled: FloatArray, images: int) -> Estimate:
    return Estimate.of(plain[0], bootstrap.percentiles(resampled), n=images, how=OVER_LESIONS)
