"""Only sound bundles come into service, and a bad one never displaces a good one."""

import json
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import PermissionDenied

from classifier import inference
from classifier.models import ModelStatus, ModelVersion
from classifier.services.intake import receive_upload
from classifier.services.registry import activate_model, register_model, register_shipped_model
from ml.bundle import DEFAULT_BUNDLE, MANIFEST_FILE, ONNX_FILE, BundleError
from skinsite.accounts.models import Membership
from skinsite.health import run_checks
from tests.classifier.conftest import draw_lesion

pytestmark = pytest.mark.usefixtures("store", "db")


def copy_bundle(folder: Path, **changes: object) -> Path:
    """The shipped bundle with other values in its manifest: another bundle by its hash."""
    path = folder / "copy"
    shutil.copytree(DEFAULT_BUNDLE, path)
    manifest = json.loads((path / MANIFEST_FILE).read_text(encoding="utf-8"))
    (path / MANIFEST_FILE).write_text(json.dumps(manifest | changes), encoding="utf-8")
    return path


def break_graph(path: Path) -> None:
    """Change one byte in the middle of a graph."""
    graph = bytearray((path / ONNX_FILE).read_bytes())
    graph[len(graph) // 2] ^= 0xFF
    (path / ONNX_FILE).write_bytes(graph)


def test_a_bundle_is_copied_under_its_hash_and_listed_once() -> None:
    first = register_model(path=DEFAULT_BUNDLE)
    second = register_model(path=DEFAULT_BUNDLE)

    assert first == second
    assert first.status == ModelStatus.CANDIDATE
    kept = Path(settings.MODEL_STORE) / first.bundle_sha256
    assert (kept / ONNX_FILE).read_bytes() == (DEFAULT_BUNDLE / ONNX_FILE).read_bytes()
    assert [path.name for path in Path(settings.MODEL_STORE).iterdir()] == [first.bundle_sha256]


def test_activating_a_version_retires_the_one_before(active_model: ModelVersion, tmp_path: Path) -> None:
    new = register_model(path=copy_bundle(tmp_path, version="9.9"), activate=True)

    active_model.refresh_from_db()
    assert (new.status, active_model.status) == (ModelStatus.ACTIVE, ModelStatus.RETIRED)
    assert inference.active_predictor().model_version == new
    activate_model(model_version=active_model)
    assert inference.active_predictor().model_version == active_model


@pytest.mark.parametrize(
    "changes",
    [{"temperature": -1.0}, {"classes": ["NV", "MEL", "BCC", "AKIEC", "BKL", "DF", "VASC"]}, {"schema_version": 99}],
)
def test_a_bundle_that_contradicts_the_taxonomy_is_refused(
    active_model: ModelVersion, tmp_path: Path, changes: dict[str, object]
) -> None:
    with pytest.raises(BundleError):
        register_model(path=copy_bundle(tmp_path, **changes), activate=True)

    assert ModelVersion.objects.get() == active_model
    assert inference.availability() is None


def test_a_changed_graph_is_refused(active_model: ModelVersion, tmp_path: Path) -> None:
    path = copy_bundle(tmp_path, version="9.9")
    break_graph(path)

    with pytest.raises(BundleError, match=r"SHA-256 differs"):
        register_model(path=path, activate=True)

    assert ModelVersion.objects.get(status=ModelStatus.ACTIVE) == active_model


def test_a_bundle_broken_in_the_store_is_not_activated(active_model: ModelVersion, tmp_path: Path) -> None:
    new = register_model(path=copy_bundle(tmp_path, version="9.9"))
    break_graph(inference.bundle_path(new.bundle_sha256))

    with pytest.raises(BundleError):
        activate_model(model_version=new)

    assert ModelVersion.objects.get(status=ModelStatus.ACTIVE) == active_model


def test_registering_again_mends_the_store(tmp_path: Path) -> None:
    model = register_model(path=copy_bundle(tmp_path, version="mended"))
    break_graph(inference.bundle_path(model.bundle_sha256))

    register_model(path=tmp_path / "copy", activate=True)

    assert inference.active_predictor().model_version == model


def test_a_process_reads_on_with_the_version_before_when_the_new_one_does_not_open(
    active_model: ModelVersion, tmp_path: Path, owner: Membership
) -> None:
    assert inference.active_predictor().model_version == active_model
    new = register_model(path=copy_bundle(tmp_path, version="unopened"))
    break_graph(inference.bundle_path(new.bundle_sha256))
    ModelVersion.objects.filter(pk=active_model.pk).update(status=ModelStatus.RETIRED)
    ModelVersion.objects.filter(pk=new.pk).update(status=ModelStatus.ACTIVE)

    reading = receive_upload(actor=owner, data=draw_lesion(seed=3)).prediction

    assert (reading.status, reading.model_version) == ("done", active_model)
    assert reading.bundle_sha256 == active_model.bundle_sha256


@pytest.mark.parametrize(("harm", "code"), [(break_graph, "bundle_corrupt"), (shutil.rmtree, "bundle_missing")])
def test_what_keeps_readings_from_being_made_is_said(
    tmp_path: Path, harm: object, code: str, owner: Membership
) -> None:
    assert inference.availability() == "no_model"
    model = register_model(path=copy_bundle(tmp_path, version=code))
    assert callable(harm)
    harm(inference.bundle_path(model.bundle_sha256))
    ModelVersion.objects.update(status=ModelStatus.ACTIVE)

    reading = receive_upload(actor=owner, data=draw_lesion(seed=4)).prediction

    assert inference.availability() == code
    assert (reading.status, reading.waiting_for) == ("queued", code)
    result = run_checks()["bundle"]
    assert not result.ok
    assert "register_model" in result.remedy


@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_a_network_that_gives_no_numbers_gives_no_reading(tmp_path: Path, owner: Membership) -> None:
    shipped = json.loads((DEFAULT_BUNDLE / MANIFEST_FILE).read_text(encoding="utf-8"))["calibration"]
    calibration = {**shipped, "temperature": 1e-320}  # infinite scores, so no softmax
    register_model(path=copy_bundle(tmp_path, calibration=calibration), activate=True)

    reading = receive_upload(actor=owner, data=draw_lesion(seed=6)).prediction

    assert (reading.status, reading.failure, reading.probabilities) == ("failed", "not_finite", None)


def test_a_good_bundle_is_healthy(active_model: ModelVersion) -> None:
    assert run_checks()["bundle"].ok


def test_only_a_superuser_registers_and_activates(active_model: ModelVersion, administrator: Membership) -> None:
    with pytest.raises(PermissionDenied):
        register_model(path=DEFAULT_BUNDLE, actor=administrator.user)
    with pytest.raises(PermissionDenied):
        register_shipped_model(path=DEFAULT_BUNDLE, actor=administrator.user)
    with pytest.raises(PermissionDenied):
        activate_model(model_version=active_model, actor=administrator.user)
