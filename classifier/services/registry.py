"""Bundles come into service here."""

import json
import shutil
import tempfile
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from classifier import inference
from classifier.models import ModelStatus, ModelVersion
from classifier.services import predictions
from ml.bundle import Bundle, BundleError, load_bundle
from skinsite.accounts.models import Membership, User
from skinsite.audit.services import record_change

SECONDS_IN_THE_REQUEST = 10.0


def register_model(*, path: Path, activate: bool = False, actor: Membership | None = None) -> ModelVersion:
    """Copy the bundle at ``path`` into the model store and list it; a known one is given as it is.

    Raises ``UserError`` when the bundle is not sound; then nothing is stored, and the active one stays.
    """
    bundle = inference.verify_bundle(path)
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
            record_change(actor=actor, action="model.registered", obj=model_version, bundle_sha256=bundle.sha256)
    if activate:
        activate_model(model_version=model_version, actor=actor)
    return model_version


def activate_model(*, model_version: ModelVersion, actor: Membership | User | None = None) -> None:
    """Let a registered version read from now on, and read what waits; the one before retires.

    Raises ``UserError`` when its bundle in the store is not sound; the one before then stays.
    """
    inference.verify_bundle(inference.bundle_path(model_version.bundle_sha256))
    inference.forget_failures()
    with transaction.atomic():
        others = ModelVersion.objects.select_for_update().filter(status=ModelStatus.ACTIVE).exclude(pk=model_version.pk)
        others.update(status=ModelStatus.RETIRED)
        changed = (
            ModelVersion.objects.filter(pk=model_version.pk)
            .exclude(status=ModelStatus.ACTIVE)
            .update(status=ModelStatus.ACTIVE, activated_at=timezone.now())
        )
        model_version.refresh_from_db()
        if changed:
            record_change(actor=actor, action="model.activated", obj=model_version)
    _process_queue_soon()


def _process_queue_soon() -> None:
    """Read what waited for a model: by a worker, or here for a few seconds; ``process_queue`` does the rest."""
    if settings.PREDICTION_MODE != predictions.CELERY:
        predictions.process_queue(seconds=SECONDS_IN_THE_REQUEST)
        return
    try:
        current_app.send_task(predictions.QUEUE_TASK, retry=False)
    except (OperationalError, OSError):
        return  # beat's next round does it


def _copy_to_store(bundle: Bundle) -> None:
    """Put a bundle under its hash, whole or not at all; what is there and sound is left alone."""
    target = inference.bundle_path(bundle.sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if load_bundle(target).sha256 == bundle.sha256:
            return
    except BundleError:
        pass
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="incoming-") as scratch:
        incoming = Path(scratch) / bundle.sha256
        shutil.copytree(bundle.path, incoming)
        if load_bundle(incoming).sha256 != bundle.sha256:
            raise BundleError(f"{bundle.path} changed while it was copied; register it again.")
        if target.exists():
            target.rename(Path(scratch) / "broken")
        incoming.rename(target)
