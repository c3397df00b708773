"""The contract between training and serving: a directory with graphs, manifest and hashes, verified when loaded."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, cast, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from ml.bundle_schema_1 import upgrade
from ml.errors import UserError
from ml.hashing import hash_file
from ml.preprocess import PREPROCESSING_VERSION, InputSpec
from ml.quality import QualityRules
from ml.taxonomy import CLASSES, MALIGNANT

SCHEMA_VERSION = 2
MANIFEST_FILE = "manifest.json"
ONNX_FILE = "model.onnx"
TORCHSCRIPT_FILE = "model.torchscript.pt"
ATTRIBUTION_FILE = "ATTRIBUTION.md"
GATE_FILE = "gate.npz"
SIMILAR_CASES_FILE = "similar_cases.npz"
SET_SCORES = ("probabilities", "balanced_scores")
DEFAULT_BUNDLE = Path(__file__).parent / "bundles" / "lite0-isic2018-distilled"


class BundleError(UserError):
    """A bundle that must not be used: missing, changed, or made for something else."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Class frequencies in the official order, and in words whose they are."""

    frequencies: tuple[float, ...]
    description: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores to probabilities: balanced log scores are divided by ``temperature``, then ``offsets`` (7,) are added."""

    temperature: float
    offsets: tuple[float, ...]
    how: str


@dataclass(frozen=True, slots=True)
class MalignantThresholds:
    """Limits of the malignant sum: *low risk* only below the first, *suspicious* from the second."""

    low_risk_below: float
    suspicious_from: float
    how: str


@dataclass(frozen=True, slots=True)
class MelanomaThresholds:
    """Limit of the probability of melanoma: *low risk* only below it."""

    low_risk_below: float
    how: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The outcome rule, as ``ml.predictor.decide`` reads it.

    *Suspicious* from the malignant sum's limit on; else *low risk* where both sums are below theirs; uncertain between.
    """

    malignant: MalignantThresholds
    melanoma: MelanomaThresholds


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold of ``score`` (malignant or melanoma) for a sensitivity, and the specificity that it had."""

    score: str
    threshold: float
    sensitivity: float
    specificity: float
    how: str


@dataclass(frozen=True, slots=True)
class PredictionSets:
    """Split conformal: a set holds the classes whose ``score`` is at least ``at_least``, and always the highest.

    ``score`` is probabilities or balanced_scores; ``coverage`` the share of lesions whose class is to be in the set.
    """

    score: str
    at_least: float
    coverage: float
    how: str


@dataclass(frozen=True, slots=True)
class GateSpec:
    """Limits of what may be read at all: ``ml.gate`` computes both scores with the arrays of ``GATE_FILE``.

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
class SelfTest:
    """Logits of the synthetic view that every runtime must give within ``tolerance`` when it opens the bundle."""

    logits: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that serving must know about a network; nothing of it is written in code.

    ``not_assessable_where`` lists what, where declared of a lesion, the network has not learnt: the codes are reasons.
    ``metrics`` are what ``ml.evaluation.evaluate`` measured on a fold, ``limits`` what ``ml.evaluation.limits`` did.
    """

    schema_version: int
    name: str
    version: str
    created: str
    architecture: str
    classes: tuple[str, ...]
    malignant: tuple[str, ...]
    input: InputSpec
    preprocessing_version: str
    training_prior: Prior
    target_prior: Prior
    calibration: Calibration
    thresholds: Thresholds
    operating_points: tuple[OperatingPoint, ...]
    prediction_sets: PredictionSets | None
    gate: GateSpec | None
    quality: QualityRules
    not_assessable_where: tuple[str, ...]
    metrics: dict[str, Any]
    limits: dict[str, Any]
    data: DataSource
    training: str
    licence: str
    attribution: str
    files: dict[str, str]
    self_test: SelfTest

    @classmethod
    def from_dict(cls, data: object) -> "Manifest":
        """Build from parsed JSON; an unknown, missing or mistyped key is a ``BundleError`` that names it."""
        return cast("Manifest", _build(cls, upgrade(data), MANIFEST_FILE))

    def to_json(self) -> str:
        """Write as JSON text, two spaces, a newline at the end."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle; ``sha256`` is that of the manifest's bytes, which hold the hashes of the graphs."""

    path: Path
    manifest: Manifest
    sha256: str


def load_bundle(path: Path) -> Bundle:
    """Read and verify the bundle in directory ``path``; raises ``BundleError`` saying what is wrong with it."""
    manifest_path = path / MANIFEST_FILE
    try:
        text = manifest_path.read_bytes()
        parsed = json.loads(text)
    except OSError as error:
        raise BundleError(
            f"No bundle at {path}: {MANIFEST_FILE} cannot be read; give the bundle's directory."
        ) from error
    except ValueError as error:
        raise BundleError(f"{manifest_path} is not JSON; restore the bundle or export it again.") from error
    manifest = Manifest.from_dict(parsed)
    _check_values(manifest, manifest_path)
    _check_files(manifest, path)
    return Bundle(path, manifest, hashlib.sha256(text).hexdigest())


def write_manifest(path: Path, manifest: Manifest) -> Bundle:
    """Write the manifest of the bundle in directory ``path`` and load the whole."""
    (path / MANIFEST_FILE).write_text(manifest.to_json(), encoding="utf-8")
    return load_bundle(path)


def synthetic_view(size: int) -> npt.NDArray[np.uint8]:
    """One view (1, S, S, 3) uint8 made by whole-number arithmetic, so the same everywhere: what the self-test reads."""
    rows, columns, channels = np.ogrid[:size, :size, :3]
    distance = (rows - size // 2) ** 2 + (columns - size // 2) ** 2
    values = 200 - 20 * channels - np.minimum(120, distance * 400 // (size * size)) + (rows * 5 + columns * 3) % 17
    return np.asarray(np.clip(values, 0, 255)[np.newaxis], np.uint8)


def _check_files(manifest: Manifest, path: Path) -> None:
    for name, expected in manifest.files.items():
        try:
            found = hash_file(path / name)
        except OSError as error:
            raise BundleError(f"{path / name} is missing; restore the bundle or export it again.") from error
        if found != expected:
            raise BundleError(
                f"{path / name} is not the file of its manifest (SHA-256 differs); restore or export it again."
            )


def _check_values(manifest: Manifest, path: Path) -> None:
    malignant, melanoma = manifest.thresholds.malignant, manifest.thresholds.melanoma
    sets, files = manifest.prediction_sets, {ONNX_FILE, TORCHSCRIPT_FILE, ATTRIBUTION_FILE}
    if manifest.gate is not None:
        files.add(GATE_FILE)
    priors = (*manifest.training_prior.frequencies, *manifest.target_prior.frequencies)
    vectors = (
        manifest.training_prior.frequencies,
        manifest.target_prior.frequencies,
        manifest.calibration.offsets,
        manifest.self_test.logits,
    )
    checks = {
        f"schema_version must be {SCHEMA_VERSION}": manifest.schema_version == SCHEMA_VERSION,
        f"classes must be {', '.join(CLASSES)}": manifest.classes == CLASSES,
        f"malignant must be {', '.join(MALIGNANT)}": manifest.malignant == MALIGNANT,
        f"preprocessing_version must be {PREPROCESSING_VERSION}": manifest.preprocessing_version
        == PREPROCESSING_VERSION,
        "input.layout must be NHWC": manifest.input.layout == "NHWC",
        "input.views must not be empty": bool(manifest.input.views),
        "priors, offsets and self-test must have seven numbers": all(len(each) == len(CLASSES) for each in vectors),
        "priors must be positive": min(priors) > 0,
        "temperature must be positive": manifest.calibration.temperature > 0,
        "thresholds must be ordered within 0 and 1": 0 <= malignant.low_risk_below <= malignant.suspicious_from <= 1
        and 0 <= melanoma.low_risk_below <= 1,
        f"prediction_sets.score must be one of {', '.join(SET_SCORES)}": sets is None or sets.score in SET_SCORES,
        f"files must name {', '.join(sorted(files))}": set(manifest.files) - {SIMILAR_CASES_FILE} == files,
    }
    for rule, holds in checks.items():
        if not holds:
            raise BundleError(f"{path}: {rule}; export the bundle again with this version of the project.")


def _build(kind: Any, value: object, where: str) -> Any:
    """Build a value of type ``kind`` from parsed JSON, strictly: a dataclass, tuple, dict, scalar, or one or None."""
    origin = get_origin(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _build_dataclass(kind, value, where)
    if origin is UnionType:
        return None if value is None else _build(get_args(kind)[0], value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise BundleError(f"{where} must be a list.")
        return tuple(_build(get_args(kind)[0], item, f"{where}[{place}]") for place, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise BundleError(f"{where} must be an object.")
        inner = get_args(kind)[1]
        return value if inner is Any else {key: _build(inner, item, f"{where}.{key}") for key, item in value.items()}
    return _build_scalar(kind, value, where)


def _build_dataclass(kind: type, value: object, where: str) -> Any:
    if not isinstance(value, dict):
        raise BundleError(f"{where} must be an object.")
    names = {field.name for field in fields(kind)}
    for key in sorted(names ^ set(value)):
        raise BundleError(f"{where}: the key {key} is {'missing' if key in names else 'unknown'}.")
    hints = get_type_hints(kind)
    return kind(**{name: _build(hints[name], value[name], f"{where}: {name}") for name in names})


def _build_scalar(kind: Any, value: object, where: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise BundleError(f"{where} must be of type {kind.__name__}.")
    return value
