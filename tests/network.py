"""A network in service for tests of other things: judged once by its process, and not again in every test."""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.test import override_settings

from classifier import audit, inference
from classifier.models import ModelVersion
from classifier.services.registry import register_model

COLUMNS = ("bundle_sha256", "name", "version", "manifest", "status", "activated_at")


def put_into_service(bundle: Path) -> ModelVersion:
    """What ``register_model(path=bundle, activate=True)`` leaves in an empty store and database where nothing waits.

    The store's copy is the test's own, to damage at will.
    """
    columns = _judged(bundle)
    shutil.copytree(bundle, inference.bundle_path(columns["bundle_sha256"]))
    with transaction.atomic():
        network = ModelVersion.objects.create(**columns)
        audit.model_registered(actor=None, about=network)
        audit.model_activated(actor=None, about=network, doubts=[], because="")
    return network


@cache
def _judged(bundle: Path) -> dict[str, Any]:
    """The columns of this bundle's row, as the service fills them; raises ``UserError`` where it refuses."""
    with tempfile.TemporaryDirectory() as store, override_settings(MODEL_STORE=Path(store)), transaction.atomic():
        network = register_model(path=bundle, activate=True)
        transaction.set_rollback(True)
    return {name: getattr(network, name) for name in COLUMNS}
