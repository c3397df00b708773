"""What a bundle says of itself: the fields of ``manifest.json``."""

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
GATE_FILE = "gate.npz"
SIMILAR_CASES_FILE = "similar_cases.npz"
JSON_STYLE: dict[str, Any] = {"indent": 2, "ensure_ascii": False, "allow_nan": False}
PREPROCESSING_VERSION: Final = "1"


Share = Annotated[float, Limits(ge=0, le=1)]
Luminance = Annotated[float, Limits(ge=0, le=255)]
Code = Annotated[str, Limits(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Name = Annotated[str, Limits(pattern=r"^[\w .()+\-]{1,120}$")]
Version = Annotated[str, Limits(pattern=r"^[\w .+\-]{1,40}$")]
Sha256 = Annotated[str, Limits(pattern=r"^[0-9a-f]{64}$")]
SetScore = Literal["probabilities", "balanced_scores"]
SET_SCORES: tuple[SetScore, ...] = get_args(SetScore)
TEMPERATURES = (0.01, 1000.0)
LARGEST_OFFSET = 20.0
"""Of a calibration: no fit goes further, and a manifest that does was not fitted."""
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
    """What the graph is given: square views of ``size`` pixels, normalised inside the graph with ``mean`` and ``std``.

    ``max_aspect_ratio`` is the longest shape that the network was trained on; a longer picture is cropped centrally.
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
    """A flag, raised where ``measure`` is below or above a limit; ``share`` of the photographs measured had it."""

    name: Code
    measure: str
    below: float | None
    above: float | None
    share: Share


@dataclass(frozen=True, slots=True)
class AlteredRule:
    """A linear score of ``measures`` and their squares, above which a picture is altered as no training image was.

    Measures are standardised by ``centre`` and ``deviation`` (P,) and kept within six deviations; ``weights`` (2P,) are
    for them and for their squares. ``share`` of the photographs measured were refused so.
    """

    measures: Annotated[tuple[str, ...], Limits(min_length=1)]
    centre: tuple[float, ...]
    deviation: tuple[Annotated[float, Limits(gt=0)], ...]
    weights: tuple[float, ...]
    above: float
    share: Share


@dataclass(frozen=True, slots=True)
class QualityRules:
    """Flags, and what is not read: a spread of luminance below ``blank_below``, less colour than ``colour_from``, and
    what is ``altered``; ``how`` says where the limits come from. The latter two an earlier bundle does not have."""

    flags: tuple[QualityRule, ...]
    blank_below: Luminance
    how: str
    colour_from: Luminance = 0.0
    altered: AlteredRule | None = None


@dataclass(frozen=True, slots=True)
class Prior:
    """Class frequencies in the official order, and in words whose they are."""

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
    """Limits of the malignant sum: *low risk* only below the first, *suspicious* from the second."""

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
    """Limit of the malignant sum of what a detector does not read: from it on *refer: uncertain*."""

    refer_from: Share
    how: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The outcome rule, as ``ml.serve.interpretation.decide`` reads it.

    *Suspicious* from the malignant sum's limit on; else *low risk* where both sums are below theirs; uncertain between.
    What a detector refuses is *not assessable*, and uncertain from ``refused`` on, where there is such a limit.
    """

    malignant: MalignantThresholds
    melanoma: MelanomaThresholds
    refused: RefusedThresholds | None = None


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold of ``score`` (malignant or melanoma) for a sensitivity, and the specificity that it had."""

    score: Literal["malignant", "melanoma"]
    threshold: Share
    sensitivity: Share
    specificity: Share
    how: str


@dataclass(frozen=True, slots=True)
class PredictionSets:
    """Split conformal: a set holds the classes whose ``score`` is at least ``at_least``, and always the highest.

    ``score`` is probabilities or balanced_scores; ``coverage`` the share of lesions whose class is to be in the set.
    """

    score: SetScore
    at_least: Share
    coverage: Share
    how: str


@dataclass(frozen=True, slots=True)
class GateSpec:
    """Limits of what may be read at all: ``ml.serve.gate`` computes both scores with the arrays of ``GATE_FILE``.

    ``dermoscopy_from`` is the least log-odds of being dermoscopic, ``distance_to`` the greatest distance from the
    training images.
    """

    dermoscopy_from: float
    distance_to: float
    how: str


@dataclass(frozen=True, slots=True)
class DataSource:
    """What the figures were measured on."""

    name: str
    split_sha256: str


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """What a network learnt from: so many images of these folds, and the hashes of the data and of the configuration.

    ``choose_fold`` chose checkpoint and reading, and the limits were fitted on it.
    """

    images: int
    train_folds: tuple[str, ...]
    choose_fold: str
    data_sha256: str
    config_sha256: str


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Logits of the synthetic view that every runtime must give within ``tolerance`` when it opens the bundle."""

    logits: Annotated[tuple[float, ...], OfClasses]
    tolerance: Annotated[float, Limits(gt=0, le=0.01)]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that serving must know about a network; nothing of it is written in code.

    ``not_assessable_where`` lists what, where declared of a lesion, the network has not learnt: the codes are reasons.
    ``metrics`` are what ``ml.evaluation.evaluate`` measured on a fold, ``limits`` what ``ml.evaluation.limits`` did.

    What has a default may be left out. ``trained_on``: as far as a run told. ``heat_map``: whether the graph's map of
    the classes adds up to its logits; without, there is nothing true to draw. ``outputs``: the shape of each of the
    graph's outputs for one view; ``arrays``: that of each array in the bundle's files of arrays.
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
    gate: GateSpec | None
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

    @classmethod
    def from_json(cls, content: bytes) -> "Manifest":
        """Read JSON text. Raises ``UserError`` that names what is unknown, missing, mistyped or out of bounds."""
        manifest: Manifest = build(cls, parse_json(content))
        return manifest

    def to_json(self) -> str:
        """Write as JSON text, two spaces, a newline at the end; what is at its default is left out."""
        written = {each.name: getattr(self, each.name) for each in fields(self)}
        kept = {each.name for each in fields(self) if written[each.name] != _default_of(each)}
        return json.dumps({name: value for name, value in asdict(self).items() if name in kept}, **JSON_STYLE) + "\n"


def _default_of(each: Field[Any]) -> Any:
    """What a field is where it is left out; ``MISSING`` where it must not be."""
    return each.default if each.default_factory is MISSING else each.default_factory()
