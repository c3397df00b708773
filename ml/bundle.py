"""The contract between training and serving: a directory with graphs, manifest and hashes, verified when loaded."""

import hashlib
import json
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ml.bundle_rules import broken_rule, unmeasured_part
from ml.bundle_schema_1 import upgrade
from ml.errors import UserError
from ml.preprocess import InputSpec
from ml.quality import QualityRules
from ml.regular_file import MEGABYTE, read_regular
from ml.stores import read_arrays, shapes_of
from ml.strict_json import build, default_of, parse_strictly
from ml.trust import is_trusted

SCHEMA_VERSION = 2
MANIFEST_FILE = "manifest.json"
ONNX_FILE = "model.onnx"
TORCHSCRIPT_FILE = "model.torchscript.pt"
ATTRIBUTION_FILE = "ATTRIBUTION.md"
GATE_FILE = "gate.npz"
SIMILAR_CASES_FILE = "similar_cases.npz"
UNFINISHED_FILE = "UNFINISHED"
"""Lies in a bundle that is being built: what holds it is none yet."""

LARGEST = {
    MANIFEST_FILE: 4 * MEGABYTE,
    ONNX_FILE: 1000 * MEGABYTE,
    TORCHSCRIPT_FILE: 1000 * MEGABYTE,
    ATTRIBUTION_FILE: 1 * MEGABYTE,
    GATE_FILE: 64 * MEGABYTE,
    SIMILAR_CASES_FILE: 256 * MEGABYTE,
}
"""Bytes that each file of a bundle may have; there are no others."""

STORES = (GATE_FILE, SIMILAR_CASES_FILE)
EXTERNAL_DATA = b"location"
"""The key by which a tensor of an ONNX graph names the file that its numbers lie in; it stands in no other place."""

JSON_STYLE: dict[str, Any] = {"indent": 2, "ensure_ascii": False, "allow_nan": False}
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
class RefusedThresholds:
    """Limit of the malignant sum of what a detector does not read: from it on *refer: uncertain*."""

    refer_from: float
    how: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The outcome rule, as ``ml.predictor.decide`` reads it.

    *Suspicious* from the malignant sum's limit on; else *low risk* where both sums are below theirs; uncertain between.
    What a detector refuses is *not assessable*, and uncertain from ``refused`` on, where there is such a limit.
    """

    malignant: MalignantThresholds
    melanoma: MelanomaThresholds
    refused: RefusedThresholds | None = None


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

    logits: tuple[float, ...]
    tolerance: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that serving must know about a network; nothing of it is written in code.

    ``not_assessable_where`` lists what, where declared of a lesion, the network has not learnt: the codes are reasons.
    ``metrics`` are what ``ml.evaluation.evaluate`` measured on a fold, ``limits`` what ``ml.evaluation.limits`` did.

    What has a default may be left out. ``trained_on``: as far as a run told. ``heat_map``: whether the graph's map of
    the classes adds up to its logits; without, there is nothing true to draw. ``outputs``: the shape of each of the
    graph's outputs for one view; ``arrays``: that of each array in the bundle's files of arrays.
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
    trained_on: TrainedOn | None = None
    heat_map: bool = True
    outputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    arrays: dict[str, dict[str, tuple[int, ...]]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: object) -> "Manifest":
        """Build from parsed JSON; an unknown, missing or mistyped key is a ``BundleError`` that names it."""
        try:
            return cast("Manifest", build(cls, upgrade(data), MANIFEST_FILE))
        except ValueError as error:
            raise BundleError(str(error)) from error

    def to_json(self) -> str:
        """Write as JSON text, two spaces, a newline at the end; what is at its default is left out."""
        written = {each.name: getattr(self, each.name) for each in fields(self)}
        kept = {each.name for each in fields(self) if written[each.name] != default_of(each)}
        return json.dumps({name: value for name, value in asdict(self).items() if name in kept}, **JSON_STYLE) + "\n"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle; ``sha256`` is that of the manifest's bytes, which hold the hashes of the graphs.

    ``trusted``: whether its TorchScript may be opened, which runs what is in it: see ``ml.trust``.
    """

    path: Path
    manifest: Manifest
    sha256: str
    trusted: bool = field(default=False, compare=False)

    def read(self, name: str) -> bytes:
        """The bytes of one of its files, as its manifest knows them; raises ``BundleError`` where they are not."""
        content = _read(self.path, name)
        if hashlib.sha256(content).hexdigest() != self.manifest.files[name]:
            raise BundleError(
                f"{self.path / name} is not the file of its manifest (SHA-256 differs); restore or export it again."
            )
        return content

    def read_arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """The arrays of one of its ``STORES``, of the shapes that the manifest declares, where it does."""
        try:
            return read_arrays(self.read(name), self.manifest.arrays.get(name))
        except ValueError as error:
            raise BundleError(f"{self.path / name} {error}; restore the bundle or build it again.") from error


def load_bundle(path: Path, *, trusted: Collection[str] = ()) -> Bundle:
    """Read and verify the bundle in directory ``path``; raises ``BundleError`` saying what is wrong with it.

    ``trusted`` are hashes of further manifests that may run their TorchScript.
    """
    if os.path.lexists(path / UNFINISHED_FILE):
        raise BundleError(f"{path} was never finished: building it was stopped; build it again.")
    bundle = _load(path, trusted)
    part = unmeasured_part(bundle.manifest)
    if part is not None:
        raise BundleError(
            f"{path / MANIFEST_FILE}: {part} was not measured, so this must not read photographs; build it again."
        )
    return bundle


def write_manifest(path: Path, manifest: Manifest) -> Bundle:
    """Write the manifest of the bundle in directory ``path``, with the shapes of its arrays, and load the whole.

    While the bundle is being built (``UNFINISHED_FILE``), what is not yet measured may be missing. A file of arrays
    that the manifest no longer names is removed.
    """
    for name in set(STORES) - set(manifest.files):
        (path / name).unlink(missing_ok=True)
    arrays = {name: _describe_arrays(path, name) for name in STORES if name in manifest.files}
    (path / MANIFEST_FILE).write_text(replace(manifest, arrays=arrays).to_json(), encoding="utf-8")
    loaded = _load(path, ()) if (path / UNFINISHED_FILE).exists() else load_bundle(path)
    return replace(loaded, trusted=True)  # of this process's own making


def synthetic_view(size: int) -> npt.NDArray[np.uint8]:
    """One view (1, S, S, 3) uint8 made by whole-number arithmetic, so the same everywhere: what the self-test reads."""
    rows, columns, channels = np.ogrid[:size, :size, :3]
    distance = (rows - size // 2) ** 2 + (columns - size // 2) ** 2
    values = 200 - 20 * channels - np.minimum(120, distance * 400 // (size * size)) + (rows * 5 + columns * 3) % 17
    return np.asarray(np.clip(values, 0, 255)[np.newaxis], np.uint8)


def _load(path: Path, trusted: Collection[str]) -> Bundle:
    text = _read(path, MANIFEST_FILE)
    try:
        manifest = Manifest.from_dict(parse_strictly(text))
    except ValueError as error:
        raise BundleError(f"{path / MANIFEST_FILE} {error}; restore the bundle or export it again.") from error
    _check_values(manifest, path / MANIFEST_FILE)
    sha256 = hashlib.sha256(text).hexdigest()
    bundle = Bundle(path, manifest, sha256, is_trusted(sha256, trusted, DEFAULT_BUNDLE / MANIFEST_FILE))
    _check_entries(bundle)
    for name in manifest.files:
        content = bundle.read(name)
        if name == ONNX_FILE and EXTERNAL_DATA in content:
            raise BundleError(f"{path / name} keeps weights in another file; export it with all weights inside.")
    return bundle


def _read(path: Path, name: str) -> bytes:
    try:
        return read_regular(path / name, LARGEST[name])
    except FileNotFoundError as error:
        if name == MANIFEST_FILE:
            raise BundleError(f"No bundle at {path}: it has no {name}; give the bundle's directory.") from error
        raise BundleError(f"{path / name} is missing; restore the bundle or export it again.") from error
    except OSError as error:
        raise BundleError(f"{path / name} cannot be read ({error.strerror}); check path and permissions.") from error
    except ValueError as error:
        raise BundleError(f"{path / name} {error}; a bundle holds regular files alone.") from error


def _check_entries(bundle: Bundle) -> None:
    known = {MANIFEST_FILE, UNFINISHED_FILE, *bundle.manifest.files}
    try:
        stray = sorted(entry.name for entry in bundle.path.iterdir() if entry.name not in known)
    except OSError as error:
        raise BundleError(f"{bundle.path} cannot be listed ({error.strerror}); check its permissions.") from error
    if stray:
        raise BundleError(f"{bundle.path} holds {stray[0]!r}, which its manifest does not name; take it out.")


def _describe_arrays(path: Path, name: str) -> dict[str, tuple[int, ...]]:
    try:
        return shapes_of(read_arrays(_read(path, name)))
    except ValueError as error:
        raise BundleError(f"{path / name} {error}; build it again.") from error


def _check_values(manifest: Manifest, path: Path) -> None:
    files = {ONNX_FILE, TORCHSCRIPT_FILE, ATTRIBUTION_FILE} | ({GATE_FILE} if manifest.gate is not None else set())
    named = set(manifest.files) - {SIMILAR_CASES_FILE}
    rule = broken_rule(manifest)
    if manifest.schema_version != SCHEMA_VERSION:
        rule = f"schema_version must be {SCHEMA_VERSION}"
    elif named != files:
        rule = f"files must name {', '.join(sorted(files))}"
    if rule is not None:
        raise BundleError(f"{path}: {rule}; export the bundle again with this version of the project.")
