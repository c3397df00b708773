"""Bundles come into service here."""

import json
import os
import tempfile
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from classifier import audit, inference, policies
from classifier.models import ModelStatus, ModelVersion
from classifier.presentation import wording
from classifier.services.readings import handover, queue
from ml.bundle.activation_doubts import Doubt, list_doubts
from ml.bundle.draft import copy_files, one_line_for_the_disk
from ml.bundle.folder import Bundle, load_bundle
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import MANIFEST_FILE, BundleError
from ml.errors import UserError
from skinsite.accounts.models import User
from skinsite.platform import tasks

SECONDS_IN_THE_REQUEST = 10.0


class DoubtfulModelError(UserError):
    """A sound bundle with ``doubts`` that was to read without a reason given."""

    def __init__(self, model_version: ModelVersion, doubts: list[Doubt]) -> None:
        self.doubts = doubts
        super().__init__(
            f"{model_version} is not activated: {'; '.join(map(str, doubts))}. If it is to read all the same, register"
            ' it with --activate --force-because "REASON".'
        )


def register_model(*, path: Path, activate: bool = False, because: str = "", actor: User | None = None) -> ModelVersion:
    """Copy the bundle at ``path`` into the model store and list it; a known one is given as it is.

    Raises ``UserError`` when the bundle is not sound; then nothing is stored, and the active one stays. ``because`` is
    for ``activate_model``, which may refuse what is registered.
    """
    policies.require(policies.may_manage_models(actor))
    bundle = inference.verify_bundle(path)
    with one_line_for_the_disk(Path(settings.MODEL_STORE)):
        _copy_to_store(bundle)
    with transaction.atomic():
        model_version, created = ModelVersion.objects.get_or_create(
            bundle_sha256=bundle.sha256,
            defaults={
                "name": bundle.manifest.name,
                "version": bundle.manifest.version,
                "manifest": json.loads(bundle.manifest.to_json()),
            },
        )
        if created:
            audit.model_registered(actor=actor, about=model_version)
    if activate:
        activate_model(model_version=model_version, because=because, actor=actor)
    return model_version


def register_shipped_model(*, path: Path, actor: User | None = None) -> ModelVersion:
    """Register the bundle that comes with the software, and activate it unless another was chosen; for every start.

    A new one follows the one before it of its name. Whoever chose another network, or went back, keeps it. A lost or
    damaged copy in the store is replaced. Quick when there is nothing to do. Raises ``UserError`` as ``register_model``
    does.
    """
    policies.require(policies.may_manage_models(actor))
    known = _find_registered(path)
    is_new = known is None
    if known is None or not _is_sound_in_store(known.bundle_sha256):
        known = register_model(path=path, actor=actor)
    active = ModelVersion.objects.filter(status=ModelStatus.ACTIVE).first()
    if active is None or (is_new and active.name == known.name):
        activate_model(model_version=known, actor=actor)
    return known


def activate_model(
    *, model_version: ModelVersion, because: str = "", actor: User | None = None, read_queue: bool = True
) -> None:
    """Let a registered version read from now on, and read what waits unless the caller does; the one before retires.

    Raises ``UserError`` when its bundle in the store is not sound, and when there are doubts about one that never read
    and no reason is given (``because``, which the event keeps); the one before then stays.
    """
    policies.require(policies.may_manage_models(actor))
    bundle = inference.verify_bundle(inference.bundle_path(model_version.bundle_sha256))
    doubts = [] if model_version.activated_at else list_doubts(bundle.manifest, wording.FLAGS)
    if doubts and not because.strip():
        raise DoubtfulModelError(model_version, doubts)
    inference.forget_failures()
    with transaction.atomic():
        # All rows, always in the same order: two activations at once come one after the other, the first ones too.
        list(ModelVersion.objects.select_for_update().order_by("pk").values_list("pk"))
        others = ModelVersion.objects.filter(status=ModelStatus.ACTIVE).exclude(pk=model_version.pk)
        others.update(status=ModelStatus.RETIRED)
        changed = (
            ModelVersion.objects.filter(pk=model_version.pk)
            .exclude(status=ModelStatus.ACTIVE)
            .update(status=ModelStatus.ACTIVE, activated_at=timezone.now())
        )
        model_version.refresh_from_db()
        if changed:
            audit.model_activated(
                actor=actor, about=model_version, doubts=[str(doubt) for doubt in doubts], because=because.strip()
            )
    if read_queue:
        _process_queue_soon()


def _process_queue_soon() -> None:
    """Read what waited for a model: by a worker, or here for a few seconds; ``process_queue`` does the rest."""
    if settings.PREDICTION_MODE != queue.CELERY:
        queue.process_queue(seconds=SECONDS_IN_THE_REQUEST)
        return
    try:
        tasks.send(handover.QUEUE_TASK)
    except (OperationalError, OSError):
        return  # beat's next round does it


def _find_registered(path: Path) -> ModelVersion | None:
    """Give the version that the bundle at ``path`` is listed as, by its manifest alone."""
    try:
        sha256 = hash_file(path / MANIFEST_FILE)
    except OSError:  # registering says what is wrong
        return None
    return ModelVersion.objects.filter(bundle_sha256=sha256).first()


def _is_sound_in_store(sha256: str) -> bool:
    """Whether the store holds this bundle as its manifest describes it."""
    try:
        return load_bundle(inference.bundle_path(sha256)).sha256 == sha256
    except BundleError:
        return False


def _copy_to_store(bundle: Bundle) -> None:
    """Put a bundle under its hash, whole or not at all; what is there and sound is left alone."""
    target = inference.bundle_path(bundle.sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    if _is_sound_in_store(bundle.sha256):
        return
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="incoming-") as scratch:
        incoming = Path(scratch) / bundle.sha256
        incoming.mkdir()
        copy_files(bundle, incoming)
        if load_bundle(incoming).sha256 != bundle.sha256:
            raise BundleError(f"{bundle.path} changed while it was copied; register it again.")
        if os.path.lexists(target):
            target.rename(Path(scratch) / "broken")
        incoming.rename(target)
