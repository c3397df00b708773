"""Which bundle reads: the only importer of ml's runtime.

A process opens a bundle once and shares it between its threads. Every call asks the database which version is active,
so that an activation is followed at once; a version that does not open leaves the one before in its place.
"""

import io
import json
import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path

import numpy as np
from django.conf import settings
from django.utils.translation import gettext_lazy
from PIL import Image

from classifier.models import ModelStatus, ModelVersion
from ml.bundle.folder import Bundle, load_bundle, synthetic_view
from ml.bundle.manifest import BundleError, Manifest
from ml.errors import UserError
from ml.serve.interpretation import Reading
from ml.serve.predictor import Predictor
from skinsite.platform.problems import DomainError

__all__ = [
    "LoadedModel",
    "NoUsableModelError",
    "Reading",
    "active_predictor",
    "availability",
    "bundle_path",
    "forget_failures",
    "manifest_of",
    "predictor_for",
    "verify_bundle",
]

log = logging.getLogger(__name__)

SECONDS_BETWEEN_TRIES = 10.0
KEPT_OPEN = 2  # the active one, and one before it for heat-maps and repetitions


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A registered version and its bundle, opened."""

    model_version: ModelVersion
    predictor: Predictor


class NoUsableModelError(DomainError):
    """Nothing can read now; ``code`` is no_model, bundle_missing or bundle_corrupt."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    sentence = gettext_lazy("The model that made this reading cannot be loaded now. The reading itself is safe.")
    retry_after = 60

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        super().__init__(detail or code)


class _Shelf:
    """The bundles that this process has opened, by hash, the last used last."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.opened: dict[str, Predictor] = {}
        self.failed: dict[str, tuple[float, NoUsableModelError]] = {}
        self.last_active: str = ""

    def take(self, model_version: ModelVersion) -> LoadedModel:
        """Open a version, or give it opened; two threads never open one twice."""
        sha256 = model_version.bundle_sha256
        with self.lock:
            predictor = self.opened.pop(sha256, None) or self._open(model_version)
            self.opened[sha256] = predictor
            while len(self.opened) > KEPT_OPEN:
                del self.opened[next(iter(self.opened))]
        return LoadedModel(model_version, predictor)

    def _open(self, model_version: ModelVersion) -> Predictor:
        tried, error = self.failed.get(model_version.bundle_sha256, (0.0, None))
        if error is not None and time.monotonic() - tried < SECONDS_BETWEEN_TRIES:
            raise NoUsableModelError(error.code, str(error))
        try:
            predictor = _open_predictor(model_version)
        except NoUsableModelError as failure:
            self.failed[model_version.bundle_sha256] = (time.monotonic(), failure)
            log.error("The bundle of %s cannot be used: %s", model_version, failure)
            raise
        self.failed.pop(model_version.bundle_sha256, None)
        return predictor


_shelf = _Shelf()


def active_predictor() -> LoadedModel:
    """Give the active version, opened. One query.

    When it does not open, the version that this process read with before goes on. Raises ``NoUsableModelError`` when
    there is none either.
    """
    # Its manifest is long, and the bundle has it.
    active = ModelVersion.objects.filter(status=ModelStatus.ACTIVE).defer("manifest").first()
    if active is None:
        raise NoUsableModelError("no_model")
    try:
        loaded = _shelf.take(active)
    except NoUsableModelError:
        before = ModelVersion.objects.filter(bundle_sha256=_shelf.last_active).first()
        if before is None or before == active:
            raise
        return _shelf.take(before)
    _shelf.last_active = active.bundle_sha256
    return loaded


def predictor_for(model_version: ModelVersion) -> LoadedModel:
    """Give any registered version, opened; raises ``NoUsableModelError``."""
    return _shelf.take(model_version)


@lru_cache(maxsize=KEPT_OPEN)
def manifest_of(bundle_sha256: str) -> Manifest:
    """What a registered bundle says of itself, from the copy in the database."""
    manifest = ModelVersion.objects.values_list("manifest", flat=True).get(bundle_sha256=bundle_sha256)
    return Manifest.from_json(json.dumps(manifest).encode())


def availability() -> str | None:
    """Why nothing can be read now (no_model, bundle_missing, bundle_corrupt), or None when it can."""
    try:
        active_predictor()
    except NoUsableModelError as error:
        return error.code
    return None


def forget_failures() -> None:
    """Try a bundle that did not open again at once."""
    _shelf.failed.clear()


def bundle_path(bundle_sha256: str) -> Path:
    """Where the store keeps the bundle of this hash."""
    return Path(settings.MODEL_STORE) / bundle_sha256


def verify_bundle(path: Path) -> Bundle:
    """Load the bundle at ``path``, run its self-test on the runtime in use and read a picture; raises ``UserError``."""
    bundle = load_bundle(path, trusted=settings.TRUSTED_BUNDLES)
    predictor = Predictor(bundle, settings.INFERENCE_RUNTIME, settings.INFERENCE_THREADS)
    try:
        _read_synthetic_view(predictor)
    except (ValueError, IndexError, ArithmeticError) as error:
        raise BundleError(
            f"{path}: its files do not belong together (no picture can be read); build it again."
        ) from error
    return bundle


def _read_synthetic_view(predictor: Predictor) -> None:
    """Read a picture in full, so that graph, detector and similar cases are known to fit each other."""
    manifest = predictor.bundle.manifest
    picture = io.BytesIO()
    Image.fromarray(synthetic_view(manifest.input.size)[0]).save(picture, "PNG")
    reading = predictor.read(picture.getvalue())
    predictor.activation_map(picture.getvalue())
    if predictor.similar_cases is not None:
        predictor.similar_cases.find(reading.embedding)
    if not np.isfinite(reading.probabilities).all():
        raise ArithmeticError


def _open_predictor(model_version: ModelVersion) -> Predictor:
    path = bundle_path(model_version.bundle_sha256)
    if not path.is_dir():
        raise NoUsableModelError("bundle_missing", f"{path} is missing; register the bundle again.")
    try:
        bundle = load_bundle(path, trusted=settings.TRUSTED_BUNDLES)
        if bundle.sha256 != model_version.bundle_sha256:
            raise BundleError(f"{path} holds another bundle than its name says; register the bundle again.")
        return Predictor(bundle, settings.INFERENCE_RUNTIME, settings.INFERENCE_THREADS)
    except UserError as error:
        raise NoUsableModelError("bundle_corrupt", str(error)) from error
