"""The panel: how well a bundle reads one fold under every condition, and two bundles compared on it.

Photographs may be a sample, in which every naevus stands for several; all figures are weighted by that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.bundle.folder import Bundle
from ml.data.isic import Record
from ml.errors import UserError
from ml.evaluation.observe import Observer
from ml.evaluation.panel_conditions import CONDITIONS, Condition, Kind
from ml.evaluation.stability import OPPOSITE
from ml.metrics import bootstrap, classification
from ml.metrics.estimate import OVER_LESIONS, Estimate
from ml.metrics.shares import estimate_weighted_share
from ml.serve.detector import load_detector
from ml.serve.interpretation import Reading, interpret
from ml.serve.predictor import Predictor
from ml.taxonomy import CLASSES, MALIGNANT_INDICES, MELANOMA

FloatArray = classification.FloatArray
BoolArray = npt.NDArray[np.bool_]
Figures = dict[str, dict[str, FloatArray]]
"""Values (B,) under B rows of weights, by condition and figure."""

NAEVUS = CLASSES.index("NV")
SAMPLE_SEED = 2018
GROUPS = {
    "common kinds": (Kind.COMMON,),
    "unseen kinds": (Kind.UNSEEN,),
    "panel": (Kind.COMMON, Kind.UNSEEN),
}
"""Means over the conditions of some kinds."""

MOST_WORSE = 0.01
"""Upper bound below which the difference of log loss on photographs as they are must lie."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Records in a fixed order and how many photographs of the fold each stands for, (N,)."""

    records: tuple[Record, ...]
    weights: FloatArray

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Class index of each record, (N,)."""
        return np.array([record.label for record in self.records])

    @property
    def lesions(self) -> list[str]:
        """Lesion of each record."""
        return [record.group for record in self.records]


def draw_sample(records: Sequence[Record], naevi: int | None) -> Sample:
    """All records but naevi, and so many naevi of a fixed draw, each with the weight of those left out.

    None: all naevi. Raises ``UserError`` if there are fewer.
    """
    places = np.array([record.label == NAEVUS for record in records])
    found = np.flatnonzero(places)
    if naevi is None or naevi == len(found):
        return Sample(tuple(records), np.ones(len(records)))
    if not 0 < naevi < len(found):
        raise UserError(f"--naevi is {naevi}; there are {len(found)} on the fold")
    drawn = np.random.default_rng(SAMPLE_SEED).choice(found, naevi, replace=False)
    kept = np.sort(np.concatenate((np.flatnonzero(~places), drawn)))
    weights = np.where(places[kept], len(found) / naevi, 1.0)
    return Sample(tuple(records[place] for place in kept), weights)


def read_panel(
    bundle: Bundle,
    sample: Sample,
    name: str,
    *,
    kept: Path | None = None,
    conditions: Sequence[Condition] = CONDITIONS,
    progress: bool = True,
) -> dict[str, list[Reading]]:
    """Readings of the sample by condition; ``name`` is that of the sample in ``kept``, a cache of observations."""
    detector, observer = load_detector(bundle), Observer(Predictor(bundle), kept=kept, progress=progress)
    return {
        condition.name: [
            interpret(observation, bundle.manifest, detector)
            for observation in observer.observe(
                [condition.make(record) for record in sample.records], f"{name}, {condition.name}"
            )
        ]
        for condition in conditions
    }


def measure_panel(
    sample: Sample, readings: Mapping[str, Sequence[Reading]], conditions: Sequence[Condition] = CONDITIONS
) -> dict[str, dict[str, Estimate]]:
    """Every figure under every condition and in the mean over each kind, with its interval over lesions.

    Shares of one condition have Wilson's interval, which has a width where nothing or everything changes, too.
    """
    found = _estimate(sample, *_measure_twice(sample, readings, conditions))
    clean = readings[conditions[0].name]
    for condition in conditions:
        for name, (holds, among) in _list_shares(sample, clean, readings[condition.name]).items():
            weights = sample.weights * among
            found[condition.name][name] = estimate_weighted_share(holds=holds, weights=weights, groups=sample.lesions)
    return found


def compare_panels(
    sample: Sample,
    one: Mapping[str, Sequence[Reading]],
    other: Mapping[str, Sequence[Reading]],
    conditions: Sequence[Condition] = CONDITIONS,
) -> dict[str, dict[str, Estimate]]:
    """Differences ``one`` minus ``other`` of every figure, on the same resamples of lesions."""
    (mine, my_rows), (theirs, their_rows) = (_measure_twice(sample, each, conditions) for each in (one, other))
    return _estimate(sample, *(_subtract(*pair) for pair in ((mine, theirs), (my_rows, their_rows))))


def passes_rule(differences: Mapping[str, Mapping[str, Estimate]]) -> bool:
    """Whether a network may ship: its log loss is not worse on photographs as they are, and there or in the panel less.

    ``differences`` are those of ``compare_panels``, the network's minus the other's.
    """
    clean, panel = (differences[name]["log_loss"].high for name in (CONDITIONS[0].name, "panel"))
    return clean is not None and panel is not None and clean < MOST_WORSE and min(clean, panel) < 0


def _measure_twice(
    sample: Sample, readings: Mapping[str, Sequence[Reading]], conditions: Sequence[Condition]
) -> tuple[Figures, Figures]:
    """Every figure on the sample (1,) and on each resample (2000,)."""
    clean = readings[conditions[0].name]
    plain, resampled = {}, {}
    for condition in conditions:
        measure = _make_measure(sample, clean, readings[condition.name])
        plain[condition.name] = measure(np.ones((1, len(sample.records))))
        resampled[condition.name] = bootstrap.resample(measure, sample.lesions)
    return _add_means(plain, conditions), _add_means(resampled, conditions)


def _make_measure(sample: Sample, clean: Sequence[Reading], readings: Sequence[Reading]) -> bootstrap.Measure:
    labels = sample.labels
    scores = np.stack([reading.balanced_scores for reading in readings])
    malignant = np.array([reading.malignant_probability for reading in readings])
    decided = classification.decide(scores)
    shares = _list_shares(sample, clean, readings)

    def measure(drawn: FloatArray) -> dict[str, FloatArray]:
        weights = drawn * sample.weights
        return {
            "log_loss": classification.class_mean_log_loss(labels=labels, scores=scores, weights=weights),
            "balanced_accuracy": classification.mean_recall(labels=labels, decided=decided, weights=weights),
            "malignancy_auc": classification.area_under_roc(
                positive=np.isin(labels, MALIGNANT_INDICES), scores=malignant, weights=weights
            ),
            **{
                name: classification.share(holds=holds, weights=weights * among)
                for name, (holds, among) in shares.items()
            },
        }

    return measure


def _list_shares(
    sample: Sample, clean: Sequence[Reading], readings: Sequence[Reading]
) -> dict[str, tuple[BoolArray, BoolArray]]:
    """The figures that are shares: which images (N,) count, and among which (N,)."""
    decided = classification.decide(np.stack([reading.balanced_scores for reading in readings]))
    pairs = list(zip(clean, readings, strict=True))
    everything = np.ones(len(readings), bool)
    return {
        "melanoma_recall": (decided == MELANOMA, sample.labels == MELANOMA),
        "changed": (np.array([one.outcome is not other.outcome for one, other in pairs]), everything),
        "opposite": (np.array([{one.outcome, other.outcome} == OPPOSITE for one, other in pairs]), everything),
        "refused": (np.array([not reading.is_read for reading in readings]), everything),
    }


def _add_means(figures: Figures, conditions: Sequence[Condition]) -> Figures:
    means = {}
    for name, kinds in GROUPS.items():
        chosen = [figures[condition.name] for condition in conditions if condition.kind in kinds]
        if chosen:
            means[name] = {figure: np.mean([each[figure] for each in chosen], axis=0) for figure in chosen[0]}
    return figures | means


def _subtract(one: Figures, other: Figures) -> Figures:
    return {
        condition: {name: values - other[condition][name] for name, values in figures.items()}
        for condition, figures in one.items()
    }


def _estimate(sample: Sample, plain: Figures, resampled: Figures) -> dict[str, dict[str, Estimate]]:
    melanomas = int((sample.labels == MELANOMA).sum())
    return {
        condition: {
            name: Estimate.of(
                values[0],
                bootstrap.percentiles(resampled[condition][name]),
                n=melanomas if name == "melanoma_recall" else len(sample.records),
                how=OVER_LESIONS,
            )
            for name, values in figures.items()
        }
        for condition, figures in plain.items()
    }


def describe_sample(sample: Sample) -> dict[str, Any]:
    """Numbers of photographs, of lesions and by class, and the weight of a naevus."""
    labels = sample.labels
    return {
        "images": len(sample.records),
        "lesions": len(set(sample.lesions)),
        "per_class": {code: int((labels == place).sum()) for place, code in enumerate(CLASSES)},
        "weight_of_a_naevus": round(float(sample.weights[labels == NAEVUS].max(initial=1.0)), 4),
        "seed": SAMPLE_SEED,
    }
