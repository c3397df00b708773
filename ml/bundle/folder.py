"""A bundle as a directory of graphs, manifest and hashes, verified on loading."""

import hashlib
import os
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ml.bundle.manifest import (
    ATTRIBUTION_FILE,
    DETECTOR_FILE,
    MANIFEST_FILE,
    ONNX_FILE,
    SCHEMA_VERSION,
    SIMILAR_CASES_FILE,
    TORCHSCRIPT_FILE,
    BundleError,
    Manifest,
)
from ml.bundle.rules import broken_rule, unmeasured_part
from ml.bundle.stores import read_arrays, shapes_of
from ml.bundle.trust import is_trusted
from ml.errors import UserError
from ml.support.regular_file import MEGABYTE, read_regular

UNFINISHED_FILE = "UNFINISHED"
"""Marks a bundle that is being built and cannot be used yet."""

LARGEST = {
    MANIFEST_FILE: 4 * MEGABYTE,
    ONNX_FILE: 1000 * MEGABYTE,
    TORCHSCRIPT_FILE: 1000 * MEGABYTE,
    ATTRIBUTION_FILE: 1 * MEGABYTE,
    DETECTOR_FILE: 64 * MEGABYTE,
    SIMILAR_CASES_FILE: 256 * MEGABYTE,
}
"""Largest size in bytes of each file of a bundle; there are no others."""

STORES = (DETECTOR_FILE, SIMILAR_CASES_FILE)
EXTERNAL_DATA = b"location"
"""The key by which a tensor of an ONNX graph refers to an external file; it occurs nowhere else."""

DEFAULT_BUNDLE = Path(__file__).parents[1] / "bundles" / "lite0-isic2018-distilled"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle; ``sha256`` is that of the manifest, which contains the hashes of the other files.

    ``trusted``: whether its TorchScript, which can run any code, may be loaded: see ``ml.bundle.trust``.
    """

    path: Path
    manifest: Manifest
    sha256: str
    trusted: bool = field(default=False, compare=False)

    def read(self, name: str) -> bytes:
        """Bytes of one of its files; raises ``BundleError`` if they do not match the manifest."""
        content = _read(self.path, name)
        if hashlib.sha256(content).hexdigest() != self.manifest.files[name]:
            raise BundleError(
                f"{self.path / name} is not the file of its manifest (SHA-256 differs); restore or export it again."
            )
        return content

    def read_arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """Arrays of one of its ``STORES``, checked against the shapes that the manifest declares."""
        try:
            return read_arrays(self.read(name), self.manifest.arrays.get(name))
        except ValueError as error:
            raise BundleError(f"{self.path / name} {error}; restore the bundle or build it again.") from error


def load_bundle(path: Path, *, trusted: Collection[str] = ()) -> Bundle:
    """Read and verify the bundle in directory ``path``; raises ``BundleError`` with the reason.

    ``trusted`` are hashes of further manifests whose TorchScript may run.
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
    """Write the manifest of the bundle in ``path``, with the shapes of its arrays, and load the bundle.

    While it is being built (``UNFINISHED_FILE``), measurements may be missing. Arrays that the manifest no longer
    names are removed.
    """
    for name in set(STORES) - set(manifest.files):
        (path / name).unlink(missing_ok=True)
    arrays = {name: _describe_arrays(path, name) for name in STORES if name in manifest.files}
    (path / MANIFEST_FILE).write_text(replace(manifest, arrays=arrays).to_json(), encoding="utf-8")
    loaded = _load(path, ()) if (path / UNFINISHED_FILE).exists() else load_bundle(path)
    return replace(loaded, trusted=True)  # made by this process


def check_takes_new_figures(bundle: Bundle) -> None:
    """Raise ``BundleError`` for a bundle of an earlier schema: one manifest must not mix figures of two shapes."""
    schema = bundle.manifest.schema_version
    if schema != SCHEMA_VERSION:
        raise BundleError(
            f"{bundle.path}: its figures are of schema {schema}, new ones of schema {SCHEMA_VERSION}; build the bundle"
            " again"
        )


def synthetic_view(size: int) -> npt.NDArray[np.uint8]:
    """A view (1, S, S, 3) uint8 from integer arithmetic, identical everywhere: the input of the self-test."""
    rows, columns, channels = np.ogrid[:size, :size, :3]
    distance = (rows - size // 2) ** 2 + (columns - size // 2) ** 2
    values = 200 - 20 * channels - np.minimum(120, distance * 400 // (size * size)) + (rows * 5 + columns * 3) % 17
    return np.asarray(np.clip(values, 0, 255)[np.newaxis], np.uint8)


def drawn_view(size: int, sha256: str) -> npt.NDArray[np.uint8]:
    """A view (1, S, S, 3) uint8 of smooth waves that a hash chooses: a picture that no file under the hash foresaw."""
    random = np.random.default_rng(int(sha256, 16))
    rows, columns = np.mgrid[:size, :size] / size
    values = np.tile(random.uniform(90, 200, 3), (size, size, 1))
    for down, across, phase in random.uniform((-8, -8, 0), (8, 8, 2 * np.pi), (6, 3)):
        wave = np.sin(2 * np.pi * (down * rows + across * columns) + phase)
        values += wave[..., np.newaxis] * random.uniform(-25, 25, 3)
    return np.asarray(np.clip(values, 0, 255)[np.newaxis], np.uint8)


def _load(path: Path, trusted: Collection[str]) -> Bundle:
    text = _read(path, MANIFEST_FILE)
    try:
        manifest = Manifest.from_json(text)
    except UserError as error:
        raise BundleError(
            f"{path / MANIFEST_FILE}: {error}; restore the bundle, or export it again with this version of the project."
        ) from error
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
        raise BundleError(f"{path / name} {error}; a bundle has regular files only.") from error


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
    files = {ONNX_FILE, TORCHSCRIPT_FILE, ATTRIBUTION_FILE} | ({DETECTOR_FILE} if manifest.gate is not None else set())
    named = set(manifest.files) - {SIMILAR_CASES_FILE}
    rule = broken_rule(manifest)
    if named != files:
        rule = f"files must name {', '.join(sorted(files))}"
    if rule is not None:
        raise BundleError(f"{path}: {rule}; export the bundle again with this version of the project.")
