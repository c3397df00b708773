"""What a site's own processes do in tests: `python -m tests.classifier.running.workload NAME ARGUMENT…` prints JSON."""

import json
import shutil
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import django
from django.db import IntegrityError, connection, connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import QuerySet, Sum
from django.utils import timezone

django.setup()

from classifier.models import ImageCorrection, LesionImage, LesionReading, ModelVersion, Patient, Prediction, Review  # noqa: E402 models need the setup
from classifier.selectors.history import history  # noqa: E402
from classifier.services.corrections.declaration import correct_modality  # noqa: E402
from classifier.services.intake import receive_upload  # noqa: E402
from classifier.services.readings.run import run_prediction  # noqa: E402
from classifier.services.registry import activate_model, register_model  # noqa: E402
from classifier.services.reviews import add_review  # noqa: E402
from classifier.services.room import ClinicStorageFullError  # noqa: E402
from classifier.services.upload import Upload  # noqa: E402
from ml.bundle.folder import DEFAULT_BUNDLE  # noqa: E402
from ml.bundle.manifest import MANIFEST_FILE  # noqa: E402
from skinsite.accounts.models import Clinic, Membership, Role, User  # noqa: E402
from skinsite.audit.models import AuditEvent  # noqa: E402


def prepare() -> None:
    """Make a clinic with a clinician."""
    user = User.objects.create_user("clinician@clinic.example", None)
    clinic = Clinic.objects.create(name="Clinic", slug="clinic")
    Membership.objects.create(user=user, clinic=clinic, role=Role.CLINICIAN)


def set_password(password: str) -> None:
    """Let the clinician sign in by a password."""
    user = User.objects.get()
    user.set_password(password)
    user.save()


def set_model_status(status: str) -> None:
    """Take the network out of service, or put it in again, behind the services' back: nothing that waits is read."""
    ModelVersion.objects.update(status=status)


def record_migration(app: str, name: str) -> None:
    """Make the database one in which another version's migration has run."""
    MigrationRecorder(connection).record_applied(app, name)


def count_what_was_said() -> dict[str, int]:
    """How many patients and finished readings there are, and lesions' readings in force."""
    return {
        "patients": Patient.objects.count(),
        "readings": Prediction.objects.filter(status="done").count(),
        "lesion_readings_in_force": LesionReading.objects.in_force().count(),
    }


def upload(path: str) -> list[object]:
    """Upload a file; the reading's id, status and what it waits for."""
    reading = _upload(Path(path).read_bytes())[0]
    return [reading.pk, reading.status, reading.waiting_for]


def upload_folder(folder: str) -> int:
    """Upload every file of a folder; how many readings there are then."""
    for path in sorted(Path(folder).iterdir()):
        _upload(path.read_bytes())
    return Prediction.objects.count()


def upload_at_once(path: str, times: str) -> dict[str, object]:
    """Upload a file many times at once; which readings were given, how many were new, and what then is there."""
    data = Path(path).read_bytes()
    answers = _at_once(int(times), lambda: _upload(data))
    return {
        "readings": sorted({reading.pk for reading, _created in answers}),
        "created": sum(created for _reading, created in answers),
        "rows": [model.objects.count() for model in (Patient, LesionImage, Prediction)],
        "statuses": list(Prediction.objects.values_list("status", "attempts")),
    }


def fill_at_once(folder: str) -> dict[str, int]:
    """Upload every file of a folder at once into a clinic that has room for two and a half of the largest."""
    from tests.factories import LesionImageFactory  # noqa: PLC0415 the other works do without

    data = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    clinic = Clinic.objects.get()
    clinic.storage_gigabytes = 1
    clinic.save()
    kept = LesionImage.objects.aggregate(total=Sum("stored_bytes"))["total"] or 0
    room = max(map(len, data)) * 5 // 2
    LesionImageFactory.create(lesion__patient__clinic=clinic, stored_bytes=clinic.storage_bytes - kept - room)
    before = LesionImage.objects.count()
    rest = iter(data)

    def send() -> bool:
        try:
            return _upload(next(rest))[1]
        except ClinicStorageFullError:
            return False

    accepted = sum(_at_once(len(data), send))
    return {
        "accepted": accepted,
        "kept": LesionImage.objects.count() - before,
        "beyond": (LesionImage.objects.aggregate(total=Sum("stored_bytes"))["total"] or 0) - clinic.storage_bytes,
        "refusals": AuditEvent.objects.filter(action="image.refused").count(),
    }


def activate_at_once(folder: str) -> int:
    """Activate two versions at once while none is active, five times; how many are active in the end."""
    copy = Path(folder) / "copy"
    shutil.copytree(DEFAULT_BUNDLE, copy)
    manifest = json.loads((copy / MANIFEST_FILE).read_text(encoding="utf-8"))
    (copy / MANIFEST_FILE).write_text(json.dumps(manifest | {"version": "another"}), encoding="utf-8")
    versions = [register_model(path=path) for path in (DEFAULT_BUNDLE, copy)]
    for _round in range(5):
        ModelVersion.objects.update(status="retired")
        _at_once(2, partial(_activate_next, iter(versions)))
    return ModelVersion.objects.filter(status="active").count()


def _activate_next(versions: Iterator[ModelVersion]) -> None:
    activate_model(model_version=next(versions))


def run_at_once(prediction_id: str, times: str) -> list[object]:
    """Run one reading many times at once; its status and attempts."""
    _at_once(int(times), lambda: run_prediction(prediction_id=int(prediction_id)))
    return show(prediction_id)


def read_lesion_at_once(folder: str) -> dict[str, int]:
    """Read every file of a folder, photographs of one lesion that wait, each in a thread; what its reading names."""
    first, *others = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    actor = Membership.objects.select_related("user", "clinic").get()
    lesion = _upload(first)[0].image.lesion
    for data in others:
        receive_upload(actor=actor, upload=Upload(data=data, lesion=lesion))
    ModelVersion.objects.update(status="active")
    of_lesion = Prediction.objects.filter(image__examination__lesion=lesion)
    waiting = iter(list(of_lesion.values_list("pk", flat=True)))
    _at_once(1 + len(others), lambda: run_prediction(prediction_id=next(waiting)))
    made = LesionReading.objects.filter(examination__lesion=lesion)
    return {"in_force": len(made.in_force().get().inputs), "made": made.count()}


def say_at_once(path: str, times: str) -> int:
    """Give the same opinion many times at once, each by a form of its own; how many are kept."""
    reading, _created = _upload(Path(path).read_bytes())
    member = Membership.objects.select_related("user", "clinic").get()
    member.role = Role.REVIEWER
    before = Review.objects.count()
    say = partial(add_review, actor=member, prediction=reading, diagnosis="NV", certainty="high")
    _at_once(int(times), lambda: say(once=uuid.uuid4()))
    return Review.objects.count() - before


def show(prediction_id: str) -> list[object]:
    """A reading's status, attempts, outcome, and what it waits for."""
    reading = Prediction.objects.get(pk=int(prediction_id))
    return [reading.status, reading.attempts, reading.outcome, reading.waiting_for]


def search(path: str, *words: str) -> list[int]:
    """Upload a file under a name and a code with signs of their own, and count what each search finds."""
    member = Membership.objects.select_related("user", "clinic").get()
    data = Path(path).read_bytes()
    receive_upload(actor=member, upload=Upload(data=data, original_name="Родинка (1).jpg", patient_code="Ключ-17"))
    return [history(member, search=each).count() for each in words]


def change_what_is_kept(path: str) -> dict[str, str]:
    """Try to change finished readings, reviews and corrections behind the services' back; what came of each try."""
    reading, _created = _upload(Path(path).read_bytes())
    member = Membership.objects.select_related("user", "clinic").get()
    correct_modality(actor=member, image=reading.image, modality="clinical", reason="Taken without a dermatoscope")
    member.role = Role.REVIEWER
    review = add_review(actor=member, prediction=reading, diagnosis="NV", certainty="high")
    failed = Prediction.objects.create(
        image=reading.image, modality="clinical", status="failed", failure="timed_out", finished_at=timezone.now()
    )
    kept: dict[str, tuple[QuerySet[Any], dict[str, object]]] = {
        "outcome of a finished reading": (Prediction.objects.filter(pk=reading.pk), {"outcome": "low_risk"}),
        "attempts of a finished reading": (Prediction.objects.filter(pk=reading.pk), {"attempts": 9}),
        "finished reading run again": (Prediction.objects.filter(pk=reading.pk), {"status": "queued"}),
        "reason of a reading not run": (Prediction.objects.filter(reason="clinical_photograph"), {"reason": "none"}),
        "failed reading run again": (Prediction.objects.filter(pk=failed.pk), {"status": "queued"}),
        "opinion of a review": (Review.objects.filter(pk=review.pk), {"diagnosis": "MEL"}),
        "comment of a review": (Review.objects.filter(pk=review.pk), {"comment": "changed"}),
        "reason of a correction": (ImageCorrection.objects.all(), {"reason": "changed"}),
    }
    return {name: _try_to_change(rows, fields) for name, (rows, fields) in kept.items()}


def _try_to_change(rows: QuerySet[Any], fields: dict[str, object]) -> str:
    try:
        with transaction.atomic():
            return f"changed {rows.update(**fields)}"
    except IntegrityError as error:
        return "refused: append-only" if "append-only" in str(error) else str(error)


def _upload(data: bytes) -> tuple[Prediction, bool]:
    actor = Membership.objects.select_related("user", "clinic").get()
    receipt = receive_upload(actor=actor, upload=Upload(data=data))
    return receipt.prediction, receipt.created


def _at_once(times: int, work: Callable[[], Any]) -> list[Any]:
    """Call from as many threads, none before all are there."""
    barrier = threading.Barrier(times)

    def begin(_number: int) -> Any:
        barrier.wait()
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(begin, range(times)))


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
