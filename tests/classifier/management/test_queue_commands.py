"""The commands of those who run the service: one line in words, and an exit code."""

import json
import os
import shutil
import time
import uuid
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from classifier import inference
from classifier.models import ModelStatus, ModelVersion, Prediction
from classifier.services.intake import receive_upload
from classifier.services.upload import Upload
from ml.bundle.folder import DEFAULT_BUNDLE
from skinsite.accounts.models import Membership
from skinsite.storage.private import private_storage
from tests.classifier.conftest import draw_lesion
from tests.factories import DonePredictionFactory, ModelVersionFactory

pytestmark = pytest.mark.usefixtures("store", "db")


def run(*arguments: str) -> str:
    """The output of a command."""
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_register_model_lists_a_bundle_and_activates_it_when_asked(owner: Membership, photograph: bytes) -> None:
    waiting = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction

    assert "Candidate" in run("register_model", str(DEFAULT_BUNDLE))
    assert inference.availability() == "no_model"
    assert "Active" in run("register_model", str(DEFAULT_BUNDLE), "--activate")

    waiting.refresh_from_db()
    assert waiting.status == "done"


def test_a_start_leaves_the_network_that_an_administrator_chose(active_model: ModelVersion) -> None:
    ModelVersion.objects.update(status=ModelStatus.RETIRED)
    chosen = ModelVersionFactory.create(name="another network", status=ModelStatus.ACTIVE)

    assert "Retired" in run("register_model", str(DEFAULT_BUNDLE), "--activate-if-new")
    assert ModelVersion.objects.get(status=ModelStatus.ACTIVE) == chosen
    chosen.delete()
    assert "Active" in run("register_model", str(DEFAULT_BUNDLE), "--activate-if-new")


def test_register_model_tells_the_figures_of_both_and_wants_a_reason_for_a_poor_one(tmp_path: Path) -> None:
    run("register_model", str(DEFAULT_BUNDLE), "--activate")
    poor = Path(shutil.copytree(DEFAULT_BUNDLE, tmp_path / "poor"))
    manifest = json.loads((poor / "manifest.json").read_text(encoding="utf-8"))
    manifest["metrics"]["test"]["metrics"]["balanced_accuracy"] = {"value": 0.158, "low": 0.1, "high": 0.2}
    (poor / "manifest.json").write_text(json.dumps(manifest | {"version": "poor"}), encoding="utf-8")

    with pytest.raises(CommandError, match=r"balanced accuracy on test is 0\.158") as error:
        run("register_model", str(poor), "--activate")
    assert (error.value.returncode, "\n" in str(error.value)) == (2, False)
    with pytest.raises(CommandError, match="give it with --activate"):
        run("register_model", str(poor), "--force-because", "a trial")

    told = run("register_model", str(poor), "--activate", "--force-because", "a trial").splitlines()
    assert told[0].startswith("candidate: lite0-isic2018-distilled poor, test (1197 images): balanced accuracy 0.158")
    assert told[1].startswith("active: lite0-isic2018-distilled 1.")
    assert "Active" in told[2]


def test_register_model_names_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"it has no manifest\.json; give the bundle's directory") as error:
        run("register_model", str(tmp_path))

    assert error.value.returncode == 2
    assert "\n" not in str(error.value)


def test_process_queue_reads_what_waits(owner: Membership) -> None:
    for seed in range(2):
        receive_upload(actor=owner, upload=Upload(data=draw_lesion(seed=seed)))
    run("register_model", str(DEFAULT_BUNDLE))
    ModelVersion.objects.update(status=ModelStatus.ACTIVE)

    assert run("process_queue") == "2 done, 0 failed, 0 waiting\n"
    assert run("process_queue") == "0 done, 0 failed, 0 waiting\n"


def test_process_queue_says_why_nothing_can_be_read(owner: Membership, capfd: pytest.CaptureFixture[str]) -> None:
    chosen = ModelVersionFactory.create(status=ModelStatus.ACTIVE)
    kept = shutil.copytree(DEFAULT_BUNDLE, inference.bundle_path(chosen.bundle_sha256))
    (kept / "model.onnx").write_bytes(b"changed")
    told = StringIO()
    call_command("process_queue", stdout=StringIO(), stderr=told, no_color=True)  # nothing waits: no fault
    receive_upload(actor=owner, upload=Upload(data=draw_lesion(seed=0)))
    capfd.readouterr()
    with pytest.raises(SystemExit) as end:
        call_command("process_queue", stdout=StringIO(), stderr=told, no_color=True)

    assert end.value.code == 1
    before, after = told.getvalue().splitlines()
    assert before == after
    assert after.startswith("Nothing can be read: ")
    assert "SHA-256 differs" in after
    assert "register_model PATH --activate" in after
    assert capfd.readouterr().err == ""  # no line of the log beside it


def test_a_reading_is_reproduced_from_stored_bytes_and_bundle(
    owner: Membership, photograph: bytes, active_model: ModelVersion
) -> None:
    reading = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction

    assert run("reproduce", str(reading.public_id)).startswith("Reproduced: the logits differ by 0 at most")


def test_a_reading_with_other_logits_is_not_reproduced(
    owner: Membership, photograph: bytes, active_model: ModelVersion
) -> None:
    reading = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction
    assert reading.logits is not None
    reading.logits[0][0] += 0.5
    forged = Prediction.objects.get(pk=reading.pk)
    forged.pk, forged.public_id, forged.logits = None, uuid.uuid4(), reading.logits
    forged.modality = "clinical"  # one reading a model and modality
    forged.save(force_insert=True)
    out = StringIO()

    with pytest.raises(SystemExit) as end:
        call_command("reproduce", str(forged.public_id), stdout=out)

    assert end.value.code == 1
    assert "NOT reproduced: the logits differ by 0.5 at most" in out.getvalue()


@pytest.mark.parametrize("given", ["17", "no-uuid", "00000000-0000-4000-8000-000000000000"])
def test_reproduce_names_an_unknown_reading(given: str) -> None:
    with pytest.raises(CommandError, match=f"PREDICTION_ID '?{given}") as error:
        run("reproduce", given)

    assert error.value.returncode == 2


def test_reproduce_says_when_the_photograph_or_the_bundle_is_not_there(
    owner: Membership, photograph: bytes, active_model: ModelVersion
) -> None:
    reading = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction
    clinical = receive_upload(actor=owner, upload=Upload(data=draw_lesion(seed=1), modality="clinical")).prediction

    with pytest.raises(CommandError, match="has no logits"):
        run("reproduce", str(clinical.public_id))
    private_storage().save(reading.image.stored_name, ContentFile(draw_lesion(seed=2)))
    with pytest.raises(CommandError, match="is not the one that was read"):
        run("reproduce", str(reading.public_id))
    private_storage().delete(reading.image.stored_name)
    with pytest.raises(CommandError, match="is not in the storage"):
        run("reproduce", str(reading.public_id))


def test_sweep_storage_deletes_what_has_had_no_row_for_an_hour(
    owner: Membership, photograph: bytes, store: Path
) -> None:
    image = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction.image
    reading = DonePredictionFactory.create(image=image)
    old, young = store / "images" / f"{uuid.uuid4()}.jpg", store / "thumbnails" / f"{uuid.uuid4()}.jpg"
    kept, lost = store / reading.heat_map_name, store / "heat-maps" / f"{uuid.uuid4()}.png"
    kept.parent.mkdir()
    for path in (old, young, kept, lost):
        shutil.copy(store / image.stored_name, path)
    long_ago = time.time() - 2 * 3600
    for path in (old, kept, lost, store / image.stored_name, store / image.thumbnail_name):
        os.utime(path, (long_ago, long_ago))

    assert run("sweep_storage") == "6 objects, 2 deleted\n"

    assert not old.exists()
    assert not lost.exists()
    assert kept.exists()
    assert young.exists()
    assert (store / image.stored_name).exists()
    assert (store / image.thumbnail_name).exists()


def test_sweep_storage_of_an_empty_site_finds_nothing() -> None:
    assert run("sweep_storage") == "0 objects, 0 deleted\n"
