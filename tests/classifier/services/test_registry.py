"""Only sound bundles come into service, and a bad one never displaces a good one."""

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from django.conf import settings
from django.core.exceptions import PermissionDenied
from pytest_django import Settings

from classifier import inference
from classifier.models import ModelStatus, ModelVersion
from classifier.services.intake import receive_upload
from classifier.services.registry import activate_model, register_model, register_shipped_model
from classifier.services.upload import Upload
from ml.bundle.draft import mark_unfinished
from ml.bundle.folder import DEFAULT_BUNDLE, load_bundle
from ml.bundle.hashing import hash_file
from ml.bundle.manifest import DETECTOR_FILE, MANIFEST_FILE, ONNX_FILE, TORCHSCRIPT_FILE, BundleError
from ml.errors import UserError
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
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
    [
        {"calibration": {"temperature": -1.0, "offsets": [0] * 7, "how": ""}},
        {"classes": ["NV", "MEL", "BCC", "AKIEC", "BKL", "DF", "VASC"]},
        {"schema_version": 99},
    ],
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

    reading = receive_upload(actor=owner, upload=Upload(data=draw_lesion(seed=3))).prediction

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

    reading = receive_upload(actor=owner, upload=Upload(data=draw_lesion(seed=4))).prediction

    assert inference.availability() == code
    assert (reading.status, reading.waiting_for) == ("queued", code)
    result = run_checks()["bundle"]
    assert not result.ok
    assert "register_model" in result.remedy


def test_a_network_that_gives_no_numbers_gives_no_reading(
    active_model: ModelVersion, owner: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inference.active_predictor().model_version == active_model
    nothing = np.full(7, np.nan)
    monkeypatch.setattr("ml.serve.interpretation.calibrate", lambda *_arguments: (nothing, nothing))

    reading = receive_upload(actor=owner, upload=Upload(data=draw_lesion(seed=6))).prediction

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


def shipped_part(key: str) -> Any:
    return json.loads((DEFAULT_BUNDLE / MANIFEST_FILE).read_text(encoding="utf-8"))[key]


def poor_metrics(balanced_accuracy: float) -> dict[str, Any]:
    """The shipped figures with another balanced accuracy."""
    metrics = shipped_part("metrics")
    figure = {"value": balanced_accuracy, "low": 0.1, "high": 0.2}
    for report in metrics.values():
        report["metrics"]["balanced_accuracy"] = figure
    return dict(metrics)


def without_detector(folder: Path) -> Path:
    path = copy_bundle(folder, gate=None, files={k: v for k, v in shipped_part("files").items() if k != DETECTOR_FILE})
    (path / DETECTOR_FILE).unlink()
    return path


def test_a_network_that_did_badly_is_listed_and_not_activated(active_model: ModelVersion, tmp_path: Path) -> None:
    path = copy_bundle(tmp_path, metrics=poor_metrics(0.158))

    with pytest.raises(UserError, match=r"balanced accuracy on test is 0\.158 \(at least 0\.5\).*--force-because"):
        register_model(path=path, activate=True)

    assert ModelVersion.objects.get(status=ModelStatus.ACTIVE) == active_model
    assert ModelVersion.objects.get(status=ModelStatus.CANDIDATE).bundle_sha256 == load_bundle(path).sha256


def test_a_network_without_detector_is_activated_for_a_reason_that_is_kept(
    active_model: ModelVersion, tmp_path: Path
) -> None:
    path = without_detector(tmp_path)
    with pytest.raises(UserError, match="no detector"):
        register_model(path=path, activate=True, because="  ")

    model = register_model(path=path, activate=True, because="a trial on selected photographs")

    assert model.status == ModelStatus.ACTIVE
    details = AuditEvent.objects.filter(action="model.activated").latest("pk").details
    assert details["because"] == "a trial on selected photographs"
    assert details["doubts"] == ["it has no detector of photographs that it cannot read"]


def malignant(**limits: float) -> dict[str, Any]:
    thresholds = shipped_part("thresholds")
    return {"thresholds": thresholds | {"malignant": thresholds["malignant"] | limits}}


def part(name: str, **values: object) -> dict[str, Any]:
    return {name: shipped_part(name) | values}


def with_flag(name: str) -> dict[str, Any]:
    flag = {"name": name, "measure": "bright", "below": 1.0, "above": None, "share": 0.0}
    return part("quality", flags=[*shipped_part("quality")["flags"], flag])


ONE_CLASS = [0.995, 0.001, 0.001, 0.001, 0.001, 0.0005, 0.0005]


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        (part("quality", colour_from=0), "without colour"),
        (part("quality", altered=None), "altered photographs"),
        (part("quality", altered=shipped_part("quality")["altered"] | {"above": 1e9}), "altered photographs"),
        (part("thresholds", refused=None), "refers nothing"),
        (part("thresholds", refused={"refer_from": 1.0, "how": "chosen"}), "refers nothing"),
        ({"not_assessable_where": []}, "names no lesions"),
        (malignant(low_risk_below=0.6, suspicious_from=0.7), r"low risk up to a limit of 0\.6"),
        (part("thresholds", melanoma={"low_risk_below": 0.99, "how": "chosen"}), r"low risk up to a limit of 0\.99"),
        (malignant(suspicious_from=0.9999), r"suspicious only from 0\.9999"),
        (part("training_prior", frequencies=ONE_CLASS), r"one class in 0\.995"),
        (part("target_prior", frequencies=ONE_CLASS), r"one class in 0\.995"),
        (part("gate", dermoscopy_from=-1e9), "limit of -1000000000"),
        (part("gate", distance_to=1e9), "limit of 1000000000"),
        (with_flag("ink"), "no longer: ink"),
        (with_flag("of_later_make"), "no longer: of_later_make"),
    ],
)
def test_a_network_without_a_rule_is_listed_and_not_activated(
    active_model: ModelVersion, tmp_path: Path, changes: dict[str, Any], doubt: str
) -> None:
    with pytest.raises(UserError, match=f"not activated: [^;]*{doubt}[^;]*--force-because"):
        register_model(path=copy_bundle(tmp_path, **changes), activate=True)

    assert ModelVersion.objects.get(status=ModelStatus.ACTIVE) == active_model


def test_the_shipped_network_is_activated_without_a_reason() -> None:
    model = register_shipped_model(path=DEFAULT_BUNDLE)

    assert model.status == ModelStatus.ACTIVE
    assert "doubts" not in AuditEvent.objects.get(action="model.activated").details


def test_whoever_goes_back_to_a_version_that_has_read_is_not_asked_why(
    active_model: ModelVersion, tmp_path: Path
) -> None:
    earlier = register_model(path=without_detector(tmp_path), activate=True, because="a trial")
    activate_model(model_version=active_model)
    activate_model(model_version=earlier)
    assert ModelVersion.objects.get(status=ModelStatus.ACTIVE) == earlier


def test_an_unfinished_bundle_is_not_listed(active_model: ModelVersion, tmp_path: Path) -> None:
    path = copy_bundle(tmp_path, version="9.9")
    mark_unfinished(path)
    with pytest.raises(BundleError, match="never finished"):
        register_model(path=path, activate=True)
    assert ModelVersion.objects.get() == active_model


def test_a_full_disk_is_told_in_one_line_and_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_arguments: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ml.bundle.draft.shutil.copyfile", fill)
    with pytest.raises(UserError, match=r"models: cannot be written \(No space left on device\); make room"):
        register_model(path=DEFAULT_BUNDLE)
    assert list(Path(settings.MODEL_STORE).iterdir()) == []
    assert not ModelVersion.objects.exists()


def saved_program(path: Path, written: Path) -> None:
    """A TorchScript that writes a file when it is run, in place of a bundle's."""

    class Program(torch.nn.Module):
        def forward(self, views: torch.Tensor) -> torch.Tensor:
            file = torch.from_file(place, shared=True, size=16, dtype=torch.float32)
            return file.add_(views.float().mean())

    place = str(written)
    script = torch.jit.trace(Program(), torch.ones(1), check_trace=False)  # type: ignore[no-untyped-call] # torch's
    written.unlink()
    torch.jit.save(script, path / TORCHSCRIPT_FILE)
    manifest = json.loads((path / MANIFEST_FILE).read_text(encoding="utf-8"))
    manifest["files"][TORCHSCRIPT_FILE] = hash_file(path / TORCHSCRIPT_FILE)
    (path / MANIFEST_FILE).write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_program_in_a_bundle_that_nobody_vouched_for_is_never_opened(
    active_model: ModelVersion, tmp_path: Path, settings: Settings
) -> None:
    path, written = copy_bundle(tmp_path, version="9.9"), tmp_path / "written"
    saved_program(path, written)

    settings.INFERENCE_RUNTIME = "torchscript"
    with pytest.raises(BundleError, match=f"add {load_bundle(path).sha256} to TRUSTED_BUNDLES"):
        register_model(path=path)
    assert not written.exists()
    settings.INFERENCE_RUNTIME = "auto"
    assert register_model(path=path).status == ModelStatus.CANDIDATE
    assert not written.exists()

    # The test can fail: once somebody vouches for it, the program runs.
    settings.INFERENCE_RUNTIME, settings.TRUSTED_BUNDLES = "torchscript", [load_bundle(path).sha256]
    with pytest.raises(UserError):
        register_model(path=path)
    assert written.exists()


def test_a_graph_that_reads_its_weights_from_another_file_is_refused(
    active_model: ModelVersion, tmp_path: Path
) -> None:
    path = copy_bundle(tmp_path, version="9.9")
    graph = onnx.load(path / ONNX_FILE)
    (path / ONNX_FILE).unlink()
    onnx.save_model(graph, path / ONNX_FILE, save_as_external_data=True, location="weights.bin")
    files = shipped_part("files") | {ONNX_FILE: hash_file(path / ONNX_FILE)}
    manifest = json.loads((path / MANIFEST_FILE).read_text(encoding="utf-8"))
    (path / MANIFEST_FILE).write_text(json.dumps(manifest | {"files": files}), encoding="utf-8")

    with pytest.raises(BundleError, match=r"holds 'weights\.bin', which its manifest does not name"):
        register_model(path=path)
    (path / "weights.bin").rename(tmp_path / "weights.bin")
    with pytest.raises(BundleError, match=r"model\.onnx keeps weights in another file"):
        register_model(path=path)
    assert ModelVersion.objects.get() == active_model
