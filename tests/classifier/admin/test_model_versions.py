"""Superusers choose which model reads."""

import json
import shutil
from pathlib import Path

from classifier.models import ModelStatus, ModelVersion
from classifier.services.registry import register_model
from ml.bundle.folder import DEFAULT_BUNDLE
from skinsite.accounts.models import User
from skinsite.audit.models import AuditEvent
from tests import factories
from tests.classifier.admin.conftest import ClientFor

LIST = "/admin/classifier/modelversion/"


def page_of(model_version: ModelVersion) -> str:
    return f"{LIST}{model_version.public_id}/change/"


def test_a_superuser_activates_a_version_on_record(superuser: User, store: Path, client_for: ClientFor) -> None:
    before = factories.ModelVersionFactory.create(status=ModelStatus.ACTIVE)
    version = register_model(path=DEFAULT_BUNDLE)
    client = client_for(superuser)
    assert "Activate this version" in client.get(page_of(version)).content.decode()
    text = client.post(page_of(version), follow=True).content.decode()
    assert "is now in service" in text
    assert "Activate this version" not in text
    version.refresh_from_db()
    before.refresh_from_db()
    assert (version.status, before.status) == (ModelStatus.ACTIVE, ModelStatus.RETIRED)
    event = AuditEvent.objects.get(action="model.activated")
    assert (event.actor, event.object_id) == (superuser, str(version.public_id))


def test_looking_activates_nothing(superuser: User, store: Path, client_for: ClientFor) -> None:
    version = register_model(path=DEFAULT_BUNDLE)
    assert version.bundle_sha256 in client_for(superuser).get(page_of(version)).content.decode()
    version.refresh_from_db()
    assert version.status == ModelStatus.CANDIDATE


def test_a_version_whose_bundle_is_gone_is_refused_with_the_reason(
    superuser: User, store: Path, client_for: ClientFor, active_model: ModelVersion
) -> None:
    broken = factories.ModelVersionFactory.create()
    text = client_for(superuser).post(page_of(broken), follow=True).content.decode()
    assert "No bundle at" in text
    active_model.refresh_from_db()
    broken.refresh_from_db()
    assert (active_model.status, broken.status) == (ModelStatus.ACTIVE, ModelStatus.CANDIDATE)


def test_why_a_version_is_refused_is_said_in_the_readers_language(
    superuser: User, store: Path, client_for: ClientFor, active_model: ModelVersion, tmp_path: Path
) -> None:
    poor = Path(shutil.copytree(DEFAULT_BUNDLE, tmp_path / "poor"))
    manifest = json.loads((poor / "manifest.json").read_text(encoding="utf-8"))
    manifest["metrics"]["test"]["metrics"]["balanced_accuracy"] = {"value": 0.158, "low": 0.1, "high": 0.2}
    (poor / "manifest.json").write_text(json.dumps(manifest | {"version": "poor"}), encoding="utf-8")
    site, russian = client_for(superuser), {"accept-language": "ru"}

    said = site.post(page_of(register_model(path=poor)), follow=True, headers=russian).content.decode()
    gone = site.post(page_of(factories.ModelVersionFactory.create()), follow=True, headers=russian).content.decode()

    assert "сбалансированная точность на выборке test — 0,158 (нужно не меньше 0,5)" in said
    assert "is not activated" not in said
    assert "её файлы использовать нельзя. Зарегистрируйте её ещё раз." in gone
    assert ModelVersion.objects.get(status=ModelStatus.ACTIVE) == active_model


def test_an_unknown_version_is_not_found(superuser: User, client_for: ClientFor) -> None:
    for identifier in ("1", "nonsense", "6a0ad0f6-6f4f-4b0f-9d3c-5d0f5a1b2c3d"):
        assert client_for(superuser).get(f"{LIST}{identifier}/change/").status_code == 404
