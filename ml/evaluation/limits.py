"""Limits of use of a bundle: refusals, robustness to changes, and results by subgroup."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.bundle.folder import Bundle
from ml.bundle.manifest import Manifest
from ml.data.isic import Record
from ml.evaluation import shifts
from ml.evaluation.altered_images import choose_malignant, measure_manipulations
from ml.evaluation.evaluate import Evaluation
from ml.evaluation.fit.conformal import measure_sets
from ml.evaluation.fit.out_of_distribution import OtherPhotographs, PictureStatistics, describe_refusals
from ml.evaluation.flags import measure_flags
from ml.evaluation.observe import (
    Maker,
    Observer,
    average_statistics,
    from_changed,
    from_common,
    from_file,
    open_picture,
    simulate,
)
from ml.evaluation.refused_images import count_called
from ml.evaluation.stability import measure_agreement, measure_stability
from ml.evaluation.subgroups import measure_skin_tones, measure_subgroups
from ml.metrics import bootstrap, classification
from ml.metrics.decision_curve import measure_net_benefit, measure_operating_point
from ml.metrics.estimate import DIGITS
from ml.metrics.shares import estimate_share
from ml.serve.detector import Detector, load_detector
from ml.serve.interpretation import Observation, Outcome, Reading, interpret
from ml.serve.quality import ALTERED, WITHOUT_COLOUR
from ml.taxonomy import CLASSES, MELANOMA

DRAWN_OF_EACH = 50
FAULT_SAMPLE, SAMPLE = 100, 150
"""Most lesions per measurement, one photograph each."""

SHOWN_BINS = 10
PATCH = 0.28

BoolArray = npt.NDArray[np.bool_]


class Measuring:
    """Measures a bundle's limits on the records of one fold through the serving functions."""

    def __init__(self, bundle: Bundle, observer: Observer, records: Sequence[Record], name: str) -> None:
        self.manifest, self.observer, self.records = bundle.manifest, observer, records
        self.detector = load_detector(bundle)
        self.plain = observer.observe([from_file(record.path) for record in records], name)
        self.lesions = [record.group for record in records]

    def measure(self, others: OtherPhotographs | None) -> dict[str, Any]:
        """Measure everything that needs no labels: refusals, faults, scale, stability."""
        results = {
            "faults": self._measure_faults(),
            "scale": self._measure_scale(),
            "stability": self._measure_stability(),
            "flags": measure_flags(self.manifest, self.observer, self._choose(FAULT_SAMPLE), self._read_by_image()),
        }
        if malignant := choose_malignant(self.records):
            results["manipulations"] = measure_manipulations(self.manifest, self.detector, self.observer, malignant)
        if self.detector is not None and others is not None:
            results["gate"] = self._measure_detector(others, self.detector)
            results["skin_tones"] = self._measure_skin_tones(others)
        return results

    def _interpret(self, observations: Sequence[Observation]) -> list[Reading]:
        return [interpret(observation, self.manifest, self.detector) for observation in observations]

    def _read(self, makers: Sequence[Maker], name: str) -> list[Reading]:
        return self._interpret(self.observer.observe(makers, name))

    def _read_changed(self, change: shifts.Change, name: str, count: int) -> list[Reading]:
        """Readings of ``count`` sampled photographs after a change."""
        return self._read([from_changed(self.records[index].path, change) for index in self._sample(count)], name)

    def _read_plain(self, count: int) -> list[Reading]:
        """Readings of the same photographs, unchanged."""
        return self._interpret([self.plain[index] for index in self._sample(count)])

    def _choose(self, count: int) -> list[Record]:
        return [self.records[index] for index in self._sample(count)]

    def _read_by_image(self) -> dict[str, Reading]:
        readings = self._interpret(self.plain)
        return {record.image_id: reading for record, reading in zip(self.records, readings, strict=True)}

    def _sample(self, count: int) -> list[int]:
        """Indices of at most ``count`` photographs, evenly spaced, each of another lesion."""
        first = {lesion: index for index, lesion in reversed(list(enumerate(self.lesions)))}
        indices = sorted(first.values())
        return [indices[at] for at in np.unique(np.linspace(0, len(indices) - 1, count).astype(int))]

    def _measure_detector(self, others: OtherPhotographs, detector: Detector) -> dict[str, Any]:
        """Refusals by the out-of-distribution detector for every domain, in the original and in a common format."""
        unseen = PictureStatistics(average_statistics(self.plain), self.lesions)
        result = {"fold": self._describe_refusals(self.plain, self.lesions, unseen, detector)}
        for name, made in self._list_pictures(others).items():
            observations = self.observer.observe([make for make, _ in made], name)
            result[name] = self._describe_refusals(observations, [group for _, group in made], unseen, detector)
        return result

    def _list_pictures(self, others: OtherPhotographs) -> dict[str, list[tuple[Maker, str]]]:
        """Per domain, a maker for each image, and its group: a patient, a lesion, or itself."""
        patients = [(path, others.clinical_rows[path.stem]["patient_id"]) for path in others.clinical.reporting]
        return {
            "clinical photographs": [(from_file(path), patient) for path, patient in patients],
            "clinical photographs, common format": [(from_common(path), patient) for path, patient in patients],
            "skin beside the lesion": [(skin_patch(path), patient) for path, patient in patients],
            "everyday photographs": [(from_file(path), path.stem) for path in others.everyday.reporting],
            "everyday photographs, common format": [
                (from_common(path), path.stem) for path in others.everyday.reporting
            ],
            **{
                f"{name}, drawn": [(drawn(name, number), f"{name} {number}") for number in range(DRAWN_OF_EACH)]
                for name in shifts.DRAWN
            },
            "another dermatoscope, simulated": [
                (simulate(self.records[index].path, index), self.lesions[index]) for index in self._sample(SAMPLE)
            ],
        }

    def _describe_refusals(
        self, observations: Sequence[Observation], groups: Sequence[str], unseen: PictureStatistics, detector: Detector
    ) -> dict[str, Any]:
        readings = self._interpret(observations)
        reasons = [None if reading.is_read else reading.reason for reading in readings]
        pictures = PictureStatistics(average_statistics(observations), groups)
        return describe_refusals(pictures, reasons, unseen, detector.arrays) | {"called": count_called(readings)}

    def _measure_skin_tones(self, others: OtherPhotographs) -> dict[str, Any]:
        paths = (*others.clinical.fitting, *others.clinical.reporting)
        readings = self._read([from_file(path) for path in paths], "skin tones")
        malignant = np.array([reading.malignant_probability for reading in readings])
        return measure_skin_tones(malignant, [others.clinical_rows[path.stem] for path in paths])

    def _measure_faults(self) -> dict[str, Any]:
        """Shares of photographs with a fault that are refused or flagged, and of the same photographs without it."""
        result = {}
        spoilt = {name: self._read_changed(change, name, FAULT_SAMPLE) for name, change in shifts.FAULTS.items()}
        for name, readings in {"none": self._read_plain(FAULT_SAMPLE), **spoilt}.items():
            refused = [not reading.is_read for reading in readings]
            noticed = [bool(reading.flags) or gone for reading, gone in zip(readings, refused, strict=True)]
            result[name] = {
                "images": len(readings),
                "refused": estimate_share(refused).to_json(),
                "refused_or_flagged": estimate_share(noticed).to_json(),
            }
        return result

    def _measure_scale(self) -> dict[str, Any]:
        """Agreement of readings at the original size and after twofold enlargement."""
        return measure_agreement(self._read_plain(SAMPLE), self._read_changed(shifts.enlarge, "enlarged", SAMPLE))

    def _measure_stability(self) -> dict[str, Any]:
        after = {name: self._read_changed(change, name, SAMPLE) for name, change in shifts.SMALL_CHANGES.items()}
        return measure_stability(self._read_plain(SAMPLE), after)


def describe_fold(evaluation: Evaluation, records: Mapping[str, Record], manifest: Manifest) -> dict[str, Any]:
    """Results that need a fold's labels, besides metrics: outcomes, sets, operating points, subgroups, net benefit."""
    readings, groups, scored = evaluation.readings, evaluation.groups, evaluation.scored
    chosen = [records[item.image_id] for item in evaluation.items]
    low = np.array([reading.outcome is Outcome.LOW_RISK for reading in readings])
    scores = {"malignant": (scored.malignant, scored.is_malignant)}
    scores["melanoma"] = (scored.probabilities[:, MELANOMA], scored.labels == MELANOMA)
    return {
        "images": len(readings),
        "lesions": len(set(groups)),
        "outcomes": _count_outcomes(scored, readings),
        "unread": _describe_unread(scored, readings, groups),
        "shares": _measure_shares(evaluation),
        "missed_melanomas": _list_missed(scored, readings, chosen),
        "prediction_sets": None
        if manifest.prediction_sets is None
        else measure_sets(scored, manifest.prediction_sets, groups),
        "operating_points": {
            point.score: {
                "threshold": point.threshold,
                **measure_operating_point(
                    flagged=scores[point.score][0] >= point.threshold, positive=scores[point.score][1], groups=groups
                ),
            }
            for point in manifest.operating_points
        },
        "reliability": measure_reliability(scored.malignant, scored.is_malignant, groups),
        "confidence": measure_reliability(
            scored.probabilities.max(axis=1), classification.decide(scored.probabilities) == scored.labels, groups
        ),
        "decision_curve": measure_net_benefit(scored, groups),
        "subgroups": measure_subgroups(scored, low, chosen, groups),
    }


def skin_patch(path: Path) -> Maker:
    """Maker of the upper left corner of a clinical photograph, which mostly shows skin without the lesion."""

    def make() -> bytes:
        picture = open_picture(path)
        return shifts.to_common_format(
            picture.crop((0, 0, round(picture.width * PATCH), round(picture.height * PATCH)))
        )

    return make


def drawn(name: str, number: int) -> Maker:
    """Maker of the drawn image of that kind and number."""
    return lambda: shifts.save_jpeg(shifts.DRAWN[name](np.random.default_rng(number)), 90)


def _count_outcomes(scored: classification.Scored, readings: Sequence[Reading]) -> dict[str, dict[str, int]]:
    """Number of images by class and outcome."""
    return {
        code: {
            outcome.value: sum(
                reading.outcome is outcome
                for reading, label in zip(readings, scored.labels, strict=True)
                if CLASSES[label] == code
            )
            for outcome in Outcome
        }
        for code in CLASSES
    }


def _describe_unread(
    scored: classification.Scored, readings: Sequence[Reading], groups: Sequence[str]
) -> dict[str, Any]:
    """Reasons of refusals, the share refused for colour or alteration, and those referred by the second limit."""
    reasons = [reading.reason for reading in readings if not reading.is_read]
    malignant = [reading for reading, is_so in zip(readings, scored.is_malignant, strict=True) if is_so]
    others = [reading for reading, is_so in zip(readings, scored.is_malignant, strict=True) if not is_so]
    by_appearance = [reading.reason in (WITHOUT_COLOUR, ALTERED) for reading in readings]
    return {
        "reasons": {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        "by_appearance": estimate_share(by_appearance, groups).to_json(),
        "malignant": {"unread": sum(not reading.is_read for reading in malignant), "called": count_called(malignant)},
        "others": {"unread": sum(not reading.is_read for reading in others), "called": count_called(others)},
    }


def list_shares(evaluation: Evaluation) -> dict[str, tuple[BoolArray, BoolArray]]:
    """The shares that the outcome rule aims at: which images (N,) count, and among which (N,)."""
    scored, readings = evaluation.scored, evaluation.readings
    called = {outcome: np.array([reading.outcome is outcome for reading in readings]) for outcome in Outcome}
    everything = np.ones(len(readings), bool)
    nevus, melanoma = scored.labels == CLASSES.index("NV"), scored.labels == MELANOMA
    return {
        "naevi_low_risk": (called[Outcome.LOW_RISK], nevus),
        "refer_uncertain": (called[Outcome.REFER_UNCERTAIN], everything),
        "not_assessable": (called[Outcome.NOT_ASSESSABLE], everything),
        "melanomas_low_risk": (called[Outcome.LOW_RISK], melanoma),
        "malignant_suspicious": (called[Outcome.SUSPICIOUS], scored.is_malignant),
        "others_not_suspicious": (~called[Outcome.SUSPICIOUS], ~scored.is_malignant),
    }


def make_share_measure(shares: Mapping[str, tuple[BoolArray, BoolArray]]) -> bootstrap.Measure:
    """A function of weights that gives the shares of ``list_shares``, for the bootstrap."""

    def measure(weights: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {name: (weights @ (holds & among)) / (weights @ among) for name, (holds, among) in shares.items()}

    return measure


def _measure_shares(evaluation: Evaluation) -> dict[str, Any]:
    """The shares which the outcome rule aims at, with intervals over lesions."""
    shares = list_shares(evaluation)
    of = {name: int(among.sum()) for name, (_, among) in shares.items()}
    found = bootstrap.estimate(make_share_measure(shares), evaluation.groups, of=of)
    return {name: each.to_json() for name, each in found.items()}


def _list_missed(
    scored: classification.Scored, readings: Sequence[Reading], records: Sequence[Record]
) -> list[dict[str, Any]]:
    """Melanomas with the outcome low risk."""
    return [
        {
            "image": record.image_id,
            "malignant": round(reading.malignant_probability, DIGITS),
            "melanoma": round(float(reading.probabilities[MELANOMA]), DIGITS),
        }
        for record, reading, label in zip(records, readings, scored.labels, strict=True)
        if label == MELANOMA and reading.outcome is Outcome.LOW_RISK
    ]


def measure_reliability(
    predicted: classification.FloatArray, observed: npt.NDArray[np.bool_], groups: Sequence[str]
) -> list[dict[str, Any]]:
    """Reliability of N predicted probabilities in ten groups of equal size: mean prediction and observed share.

    ``predicted`` and ``observed`` are (N,).
    """
    return [
        {
            "images": len(part),
            "said": round(float(predicted[part].mean()), DIGITS),
            "found": estimate_share(list(observed[part]), [groups[index] for index in part]).to_json(),
        }
        for part in np.array_split(np.argsort(predicted, kind="stable"), SHOWN_BINS)
        if len(part)
    ]
