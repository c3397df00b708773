"""The manifest of a bundle: the fields of ``manifest.json``."""

import json
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field as Limits

from ml.errors import UserError
from ml.support.strict import build, parse_json

SCHEMA_VERSION: Final = 3
MANIFEST_FILE = "manifest.json"
ONNX_FILE = "model.onnx"
TORCHSCRIPT_FILE = "model.torchscript.pt"
ATTRIBUTION_FILE = "ATTRIBUTION.md"
DETECTOR_FILE = "gate.npz"
SIMILAR_CASES_FILE = "similar_cases.npz"
JSON_STYLE: dict[str, Any] = {"indent": 2, "ensure_ascii": False, "allow_nan": False}
PREPROCESSING_VERSION: Final = "1"


Share = Annotated[float, Limits(ge=0, le=1)]
Luminance = Annotated[float, Limits(ge=0, le=255)]
Code = Annotated[str, Limits(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
NAME_LENGTH, VERSION_LENGTH = 120, 40  # characters
Name = Annotated[str, Limits(pattern=rf"^[\w .()+\-]{{1,{NAME_LENGTH}}}$")]
Version = Annotated[str, Limits(pattern=rf"^[\w .+\-]{{1,{VERSION_LENGTH}}}$")]
Sha256 = Annotated[str, Limits(pattern=r"^[0-9a-f]{64}$")]
SetScore = Literal["probabilities", "balanced_scores"]
SET_SCORES: tuple[SetScore, ...] = get_args(SetScore)
TEMPERATURES = (0.01, 1000.0)
LARGEST_OFFSET = 20.0
"""Bound of a calibration's offsets; no fit reaches it."""
OfClasses = Limits(min_length=7, max_length=7)
OfChannels = Limits(min_length=3, max_length=3)


class BundleError(UserError):
    """A bundle that must not be used: missing, changed, or made for something else."""


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """One view: the central ``fraction`` of both sides."""

    name: str
    fraction: Annotated[float, Limits(ge=0.1, le=1)]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """Input of the graph: square views of ``size`` pixels, normalised inside the graph with ``mean`` and ``std``.

    ``max_aspect_ratio`` is the largest in training; a longer image is cropped centrally.
    """

    size: Annotated[int, Limits(ge=32, le=1024)]
    views: Annotated[tuple[ViewSpec, ...], Limits(min_length=1, max_length=16)]
    max_aspect_ratio: Annotated[float, Limits(ge=1, le=10)]
    interpolation: str
    mean: Annotated[tuple[Share, ...], OfChannels]
    std: Annotated[tuple[Annotated[float, Limits(ge=0.01, le=1)], ...], OfChannels]
    layout: Literal["NHWC"]


@dataclass(frozen=True, slots=True)
class QualityRule:
    """A flag, raised if ``measure`` is below or above a limit; ``share`` of the measured photographs had it."""

    name: Code
    measure: str
    below: float | None
    above: float | None
    share: Share


@dataclass(frozen=True, slots=True)
class AlteredRule:
    """A linear score of ``measures`` and their squares; above its limit an image is altered as no training image was.

    Measures are standardised by ``centre`` and ``deviation`` (P,) and clipped at six deviations; ``weights`` (2P,) are
    for them and for their squares. ``share`` of the measured photographs were refused by it.
    """

    measures: Annotated[tuple[str, ...], Limits(min_length=1)]
    centre: tuple[float, ...]
    deviation: tuple[Annotated[float, Limits(gt=0)], ...]
    weights: tuple[float, ...]
    above: float
    share: Share


@dataclass(frozen=True, slots=True)
class QualityRules:
    """Flags, and reasons of refusal.

    These are a spread of luminance below ``blank_below``, less colour than ``colour_from``, and ``altered``; ``how``
    states the origin of the limits. An earlier bundle lacks the latter two.
    """

    flags: tuple[QualityRule, ...]
    blank_below: Luminance
    how: str
    colour_from: Luminance = 0.0
    altered: AlteredRule | None = None


@dataclass(frozen=True, slots=True)
class Prior:
    """Class frequencies in the official order, and their source in words."""

    frequencies: Annotated[tuple[Annotated[float, Limits(gt=0)], ...], OfClasses]
    description: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores to probabilities: balanced log scores are divided by ``temperature``, then ``offsets`` (7,) are added."""

    temperature: Annotated[float, Limits(ge=TEMPERATURES[0], le=TEMPERATURES[1])]
    offsets: Annotated[tuple[Annotated[float, Limits(ge=-LARGEST_OFFSET, le=LARGEST_OFFSET)], ...], OfClasses]
    how: str


@dataclass(frozen=True, slots=True)
class MalignantThresholds:
    """Limits of the malignant sum: *low risk* only below the first, *suspicious* from the second on."""

    low_risk_below: Share
    suspicious_from: Share
    how: str


@dataclass(frozen=True, slots=True)
class MelanomaThresholds:
    """Limit of the probability of melanoma: *low risk* only below it."""

    low_risk_below: Share
    how: str


@dataclass(frozen=True, slots=True)
class RefusedThresholds:
    """Limit of the malignant sum of photographs that a detector refuses: from it on *refer: uncertain*."""

    refer_from: Share
    how: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The outcome rule, applied by ``ml.serve.interpretation.decide``.

    *Suspicious* from the malignant sum's limit on; else *low risk* if both sums are below their limits; uncertain in
    between. What a detector refuses is *not assessable*, and uncertain from ``refused`` on, if there is such a limit.
    """

    malignant: MalignantThresholds
    melanoma: MelanomaThresholds
    refused: RefusedThresholds | None = None


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold of ``score`` (malignant or melanoma) for a sensitivity, and the specificity measured at it."""

    score: Literal["malignant", "melanoma"]
    threshold: Share
    sensitivity: Share
    specificity: Share
    how: str


@dataclass(frozen=True, slots=True)
class PredictionSets:
    """Split conformal: a set contains the classes whose ``score`` is at least ``at_least``, and always the highest.

    ``score`` is probabilities or balanced_scores; ``coverage`` the share of lesions whose class should be in the set.
    """

    score: SetScore
    at_least: Share
    coverage: Share
    how: str


@dataclass(frozen=True, slots=True)
class PoolingRule:
    """How the photographs of one lesion become one reading, by ``ml.serve.pool``.

    A photograph weighs its malignant odds to the ``odds_power``, times its ``quality_measure`` to the
    ``quality_power``; where both are 0, all weigh the same. Two photographs are near-duplicates from the similarity
    ``copy_from`` on, and may show the same lesion from ``same_from`` on; both are cosines of their signatures.
    """

    odds_power: Annotated[float, Limits(ge=0, le=100)]
    quality_power: Annotated[float, Limits(ge=0, le=10)]
    quality_measure: Code | None
    copy_from: Annotated[float, Limits(ge=-2, le=2)]
    same_from: Annotated[float, Limits(ge=-2, le=2)]
    how: str


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """Limits of the out-of-distribution detector, which ``ml.serve.detector`` applies with the arrays of the file.

    ``dermoscopy_from`` is the least log-odds of being dermoscopic, ``distance_to`` the greatest distance from the
    training images.
    """

    dermoscopy_from: float
    distance_to: float
    how: str


@dataclass(frozen=True, slots=True)
class DataSource:
    """The data that the figures were measured on."""

    name: str
    split_sha256: str


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """Training data of a network: number of images, folds, and the hashes of the data and of the configuration.

    ``choose_fold`` chose checkpoint and inference plan, and the limits were fitted on it.
    """

    images: int
    train_folds: tuple[str, ...]
    choose_fold: str
    data_sha256: str
    config_sha256: str


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Logits of the synthetic view, which every runtime must reproduce within ``tolerance`` on opening the bundle."""

    logits: Annotated[tuple[float, ...], OfClasses]
    tolerance: Annotated[float, Limits(gt=0, le=0.01)]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that serving must know about a network; none of it is in code.

    ``not_assessable_where`` lists codes of declared facts about a lesion that the network has not learnt; they serve as
    reasons. ``metrics`` are measured by ``ml.evaluation.evaluate`` on a fold, ``limits`` by ``ml.evaluation.limits``.

    Fields with a default are optional. ``trained_on``: as stated by the run. ``heat_map``: whether the graph's class
    map adds up to its logits; without, no heat-map is drawn. ``outputs``: the shape of each of the graph's outputs for
    one view; ``arrays``: that of each array in the bundle's array files. ``pooling``: without, all photographs of a
    lesion weigh the same.
    """

    schema_version: Literal[2, 3]
    name: Name
    version: Version
    created: str
    architecture: Name
    classes: tuple[str, ...]
    malignant: tuple[str, ...]
    input: InputSpec
    preprocessing_version: Literal["1"]
    training_prior: Prior
    target_prior: Prior
    calibration: Calibration
    thresholds: Thresholds
    operating_points: tuple[OperatingPoint, ...]
    prediction_sets: PredictionSets | None
    gate: DetectorSpec | None
    quality: QualityRules
    not_assessable_where: tuple[Code, ...]
    metrics: dict[str, Any]
    limits: dict[str, Any]
    data: DataSource
    training: str
    licence: str
    attribution: str
    files: dict[str, Sha256]
    self_test: SelfTest
    trained_on: TrainedOn | None = None
    heat_map: bool = True
    outputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    arrays: dict[str, dict[str, tuple[int, ...]]] = field(default_factory=dict)
    pooling: PoolingRule | None = None

    @classmethod
    def from_json(cls, content: bytes) -> "Manifest":
        """Parse JSON text. Raises ``UserError`` naming what is unknown, missing, mistyped or out of bounds."""
        manifest: Manifest = build(cls, parse_json(content))
        return manifest

    def to_json(self) -> str:
        """JSON text, indented by two spaces, with a newline at the end and without fields at their default."""
        written = {each.name: getattr(self, each.name) for each in fields(self)}
        kept = {each.name for each in fields(self) if written[each.name] != _default_of(each)}
        return json.dumps({name: value for name, value in asdict(self).items() if name in kept}, **JSON_STYLE) + "\n"


def _default_of(each: Field[Any]) -> Any:
    """Default of a field; ``MISSING`` if it is required."""
    return each.default if each.default_factory is MISSING else each.default_factory()
