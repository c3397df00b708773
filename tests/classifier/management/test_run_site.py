"""What `run_site` does with the bundled model; the whole of it is run by tests/skinsite/test_make_run.py."""

import shutil
from io import StringIO
from pathlib import Path

import pytest

from classifier import inference
from classifier.inference import bundle_path
from classifier.management.commands import run_site
from classifier.models import ModelStatus, ModelVersion
from classifier.services.registry import activate_model
from tests import factories


def register() -> str:
    """Register the bundled model as a start does; gives what is told on the error stream."""
    told = StringIO()
    run_site.Command(stderr=told, no_color=True).register_bundle()
    return told.getvalue()


def active() -> ModelVersion | None:
    return ModelVersion.objects.filter(status=ModelStatus.ACTIVE).first()


def test_the_bundled_model_is_registered_and_put_into_service_once(store: Path, db: None) -> None:
    assert register() == ""
    first = active()
    assert first is not None
    assert register() == ""
    assert active() == first
    assert ModelVersion.objects.count() == 1


def test_a_model_that_somebody_chose_stays_in_service(store: Path, active_model: ModelVersion) -> None:
    ModelVersion.objects.filter(pk=active_model.pk).update(status=ModelStatus.RETIRED)
    chosen = factories.ModelVersionFactory.create(status=ModelStatus.ACTIVE)
    register()
    assert active() == chosen


def test_a_newer_bundle_follows_an_older_one_of_its_name(store: Path, db: None) -> None:
    register()
    bundled = active()
    assert bundled is not None
    ModelVersion.objects.all().delete()
    older = factories.ModelVersionFactory.create(name=bundled.name, status=ModelStatus.ACTIVE)
    register()
    current = active()
    assert current is not None
    assert current.bundle_sha256 == bundled.bundle_sha256
    older.refresh_from_db()
    assert older.status == ModelStatus.RETIRED


def test_a_lost_copy_in_the_store_is_restored(store: Path, active_model: ModelVersion) -> None:
    shutil.rmtree(bundle_path(active_model.bundle_sha256))
    assert register() == ""
    activate_model(model_version=active_model)


def test_a_damaged_copy_in_the_store_is_replaced(store: Path, active_model: ModelVersion) -> None:
    (bundle_path(active_model.bundle_sha256) / "model.onnx").write_bytes(b"damaged")
    assert register() == ""
    activate_model(model_version=active_model)


def test_a_chosen_model_that_is_lost_is_told_with_the_remedy(
    store: Path, active_model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "_shelf", inference._Shelf())  # a start has opened nothing yet
    ModelVersion.objects.filter(pk=active_model.pk).update(status=ModelStatus.RETIRED)
    factories.ModelVersionFactory.create(status=ModelStatus.ACTIVE)
    told = register()
    assert told.startswith("No readings for now, uploads wait")
    assert "register_model PATH --activate" in told
    assert len(told.splitlines()) == 1


def test_without_a_bundle_the_site_starts_and_says_that_readings_wait(
    store: Path, db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_site, "DEFAULT_BUNDLE", tmp_path / "none")
    told = register()
    assert told.startswith("No readings for now, uploads wait")
    assert "manifest.json" in told
    assert active() is None
