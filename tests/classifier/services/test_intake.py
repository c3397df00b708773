"""What an upload leaves behind, and what it never does."""

import hashlib
import io
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection
from PIL import Image

from classifier.models import Declared, Lesion, LesionImage, ModelVersion, Outcome, Patient, Prediction, Status
from classifier.services.corrections.entered_in_error import mark_entered_in_error
from classifier.services.intake import DuplicateImageError, receive_upload
from classifier.services.upload import Upload
from classifier.storage import StorageUnavailableError
from ml.serve.image_io import ImageRejected
from ml.taxonomy import CLASSES
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests.classifier.conftest import draw_lesion
from tests.factories import LesionFactory, PatientFactory
from tests.ml import hostile, pictures

pytestmark = pytest.mark.usefixtures("store")


def stored_files(folder: Path) -> list[str]:
    """Every file in the storage, thumbnails included."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_first_upload_is_kept_and_read_at_once(
    owner: Membership, photograph: bytes, active_model: ModelVersion, store: Path
) -> None:
    receipt = receive_upload(
        actor=owner,
        upload=Upload(data=photograph, original_name="left arm.jpg", patient_code="A-17", body_site="upper_extremity"),
    )

    reading, image = receipt.prediction, receipt.prediction.image
    assert receipt.created
    assert reading.status == Status.DONE
    assert reading.outcome in Outcome.values
    assert reading.model_version == active_model
    assert reading.bundle_sha256 == active_model.bundle_sha256
    assert reading.attempts == 1
    assert reading.probabilities is not None
    assert sum(reading.probabilities) == pytest.approx(1)
    assert reading.malignant_probability == pytest.approx(sum(reading.probabilities[place] for place in (0, 2, 3)))
    assert reading.requested_by == owner.user
    assert (image.lesion.patient.code, image.lesion.patient.clinic) == ("A-17", owner.clinic)
    assert image.lesion.body_site == "upper_extremity"
    assert image.original_name == "left arm.jpg"
    assert image.upload_sha256 == hashlib.sha256(photograph).hexdigest()
    assert (image.width, image.height) == (600, 450)
    assert stored_files(store) == [f"images/{image.public_id}.jpg", f"thumbnails/{image.public_id}.jpg"]
    stored = (store / image.stored_name).read_bytes()
    assert hashlib.sha256(stored).hexdigest() == image.stored_sha256 == reading.stored_sha256
    with Image.open(store / image.thumbnail_name) as thumbnail:
        assert max(thumbnail.size) == 320


def test_a_reading_keeps_its_prediction_set_its_measures_and_all_thresholds(
    owner: Membership, photograph: bytes, active_model: ModelVersion
) -> None:
    reading = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction

    assert reading.prediction_set
    assert set(reading.prediction_set) <= set(CLASSES)
    assert reading.measures is not None
    assert {"sharpness", "lesion_area", "dermoscopy", "distance"} <= set(reading.measures)
    assert reading.thresholds == {
        "malignant": {
            key: active_model.manifest["thresholds"]["malignant"][key] for key in ("low_risk_below", "suspicious_from")
        },
        "melanoma": {"low_risk_below": active_model.manifest["thresholds"]["melanoma"]["low_risk_below"]},
        "refused": {"refer_from": active_model.manifest["thresholds"]["refused"]["refer_from"]},
    }


def test_what_is_no_photograph_of_a_lesion_is_refused_and_keeps_its_logits(
    owner: Membership, active_model: ModelVersion
) -> None:
    reading = receive_upload(actor=owner, upload=Upload(data=pictures.jpeg())).prediction  # drawn

    assert (reading.status, reading.outcome) == (Status.DONE, Outcome.NOT_ASSESSABLE)
    assert reading.reason in ("without_colour", "not_skin_lesion", "clinical_photograph", "unlike_training", "altered")
    assert reading.logits is not None
    assert not reading.shows_probabilities


def test_an_upload_is_in_the_audit_trail(owner: Membership, photograph: bytes, active_model: ModelVersion) -> None:
    receive_upload(actor=owner, upload=Upload(data=photograph))

    events = AuditEvent.objects.filter(clinic=owner.clinic).order_by("pk").values_list("action", "actor_email")
    email = owner.user.email
    assert list(events) == [
        ("patient.created", email),
        ("lesion.created", email),
        ("visit.created", email),
        ("examination.created", email),
        ("image.uploaded", email),
        ("prediction.requested", email),
        ("prediction.finished", ""),
        ("lesion_reading.made", ""),
    ]


def test_without_a_code_the_patient_gets_one(owner: Membership, photograph: bytes) -> None:
    code = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction.image.lesion.patient.code

    assert code.startswith("P-")
    assert len(code) == 8


def test_a_known_patient_code_in_another_case_is_the_same_patient(owner: Membership, photograph: bytes) -> None:
    patient = PatientFactory.create(clinic=owner.clinic, code="Abc-1")

    receipt = receive_upload(actor=owner, upload=Upload(data=photograph, patient_code=" aBC-1 "))

    assert receipt.prediction.image.lesion.patient == patient


def test_the_same_code_in_another_clinic_is_another_patient(
    owner: Membership, stranger: Membership, photograph: bytes
) -> None:
    theirs = PatientFactory.create(clinic=stranger.clinic, code="A-1")

    receipt = receive_upload(actor=owner, upload=Upload(data=photograph, patient_code="A-1"))

    assert receipt.prediction.image.lesion.patient != theirs
    assert Patient.objects.filter(code="A-1").count() == 2


def test_the_same_bytes_again_give_the_same_reading(
    owner: Membership, colleague: Membership, photograph: bytes, active_model: ModelVersion, store: Path
) -> None:
    first = receive_upload(actor=owner, upload=Upload(data=photograph, patient_code="A-1"))

    for again in (
        receive_upload(actor=colleague, upload=Upload(data=photograph)),
        receive_upload(actor=owner, upload=Upload(data=photograph, lesion=first.prediction.image.lesion)),
        receive_upload(actor=owner, upload=Upload(data=photograph, patient_code="a-1")),
        receive_upload(actor=owner, upload=Upload(data=photograph, attach_anyway=True)),
    ):
        assert (again.prediction, again.created) == (first.prediction, False)
    assert (Lesion.objects.count(), LesionImage.objects.count(), Prediction.objects.count()) == (1, 1, 1)
    assert len(stored_files(store)) == 2


def test_the_same_bytes_for_another_lesion_are_refused_naming_the_first(owner: Membership, photograph: bytes) -> None:
    first = receive_upload(actor=owner, upload=Upload(data=photograph)).prediction.image
    other = LesionFactory.create(patient__clinic=owner.clinic)

    with pytest.raises(DuplicateImageError) as refusal:
        receive_upload(actor=owner, upload=Upload(data=photograph, lesion=other))

    assert refusal.value.existing == first
    assert not LesionImage.objects.of_lesion(other).exists()


def test_the_same_bytes_for_another_patient_are_refused(owner: Membership, photograph: bytes) -> None:
    receive_upload(actor=owner, upload=Upload(data=photograph, patient_code="A-1"))

    with pytest.raises(DuplicateImageError):
        receive_upload(actor=owner, upload=Upload(data=photograph, patient_code="A-2"))

    assert not Patient.objects.filter(code="A-2").exists()


def test_the_same_bytes_are_attached_to_another_lesion_when_asked(owner: Membership, photograph: bytes) -> None:
    first = receive_upload(actor=owner, upload=Upload(data=photograph))
    other = LesionFactory.create(patient__clinic=owner.clinic)

    second = receive_upload(actor=owner, upload=Upload(data=photograph, lesion=other, attach_anyway=True))
    third = receive_upload(actor=owner, upload=Upload(data=photograph, lesion=other, attach_anyway=True))

    assert second.created
    assert second.prediction != first.prediction
    assert second.prediction.image.lesion == other
    assert (third.prediction, third.created) == (second.prediction, False)


def test_another_clinics_copy_is_never_revealed(owner: Membership, stranger: Membership, photograph: bytes) -> None:
    theirs = receive_upload(actor=stranger, upload=Upload(data=photograph))

    mine = receive_upload(
        actor=owner, upload=Upload(data=photograph, lesion=LesionFactory.create(patient__clinic=owner.clinic))
    )

    assert mine.created
    assert mine.prediction.image != theirs.prediction.image


def test_bytes_marked_as_entered_in_error_may_be_uploaded_anew(owner: Membership, photograph: bytes) -> None:
    first = receive_upload(actor=owner, upload=Upload(data=photograph, patient_code="A-1")).prediction.image
    mark_entered_in_error(actor=owner, image=first, reason="Wrong patient")

    again = receive_upload(actor=owner, upload=Upload(data=photograph, patient_code="A-2"))

    assert again.created
    assert again.prediction.image.lesion.patient.code == "A-2"


def test_a_clinical_photograph_is_kept_and_not_run(
    owner: Membership, photograph: bytes, active_model: ModelVersion
) -> None:
    reading = receive_upload(actor=owner, upload=Upload(data=photograph, modality="clinical")).prediction

    assert (reading.status, reading.outcome, reading.reason) == ("done", "not_assessable", "clinical_photograph")
    assert (reading.model_version, reading.probabilities, reading.logits) == (None, None, None)
    assert reading.attempts == 0
    assert not reading.shows_probabilities


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("modality", {"modality": "x-ray"}),
        ("body_site", {"body_site": "elbow of the left"}),
        ("patient_code", {"patient_code": "A" * 41}),
    ],
)
def test_an_invalid_field_is_named_and_nothing_is_kept(
    owner: Membership, photograph: bytes, store: Path, field: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(ValidationError) as refusal:
        receive_upload(actor=owner, upload=Upload(data=photograph, **arguments))  # type: ignore[arg-type] # text for all of them

    assert list(refusal.value.error_dict) == [field]
    assert (Patient.objects.count(), stored_files(store)) == (0, [])


def test_a_lesion_of_another_clinic_does_not_exist_here(
    owner: Membership, stranger: Membership, photograph: bytes
) -> None:
    theirs = LesionFactory.create(patient__clinic=stranger.clinic)

    with pytest.raises(ValidationError) as refusal:
        receive_upload(actor=owner, upload=Upload(data=photograph, lesion=theirs))

    assert refusal.value.error_dict["lesion"][0].code == "does_not_exist"
    assert not LesionImage.objects.of_lesion(theirs).exists()


def test_a_lesion_and_the_code_of_another_patient_or_another_site_contradict_each_other(
    owner: Membership, photograph: bytes
) -> None:
    lesion = LesionFactory.create(patient__clinic=owner.clinic)

    with pytest.raises(ValidationError) as refusal:
        receive_upload(
            actor=owner, upload=Upload(data=photograph, lesion=lesion, patient_code="somebody else", body_site="foot")
        )

    assert list(refusal.value.error_dict) == ["patient_code", "body_site"]


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("empty", b""),
        ("unsupported_type", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("truncated", draw_lesion()[:8000]),
        ("too_small", draw_lesion(size=(222, 400))),
        ("too_large", b"\xff\xd8\xff" + bytes(25_000_000)),
    ],
)
def test_a_rejected_photograph_leaves_nothing(owner: Membership, store: Path, code: str, data: bytes) -> None:
    with pytest.raises(ImageRejected) as refusal:
        receive_upload(actor=owner, upload=Upload(data=data, patient_code="A-1"))

    assert refusal.value.code == code
    assert (Patient.objects.count(), LesionImage.objects.count(), stored_files(store)) == (0, 0, [])


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("too_many_scans", hostile.scans(2_000)),
        ("camera_raw", hostile.tiff_pages([hostile.number(262, 32803)])),
        ("too_large", b"\xff\xd8\xff" + bytes(25_000_000)),
    ],
)
def test_what_is_refused_leaves_a_trace_without_a_word_of_the_patient(
    owner: Membership, store: Path, code: str, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"), pytest.raises(ImageRejected):
        receive_upload(actor=owner, upload=Upload(data=data, original_name="Ivanova.jpg", patient_code="A-1"))

    event = AuditEvent.objects.get(action="image.refused")
    assert (event.actor, event.clinic, event.object_id) == (owner.user, owner.clinic, str(owner.clinic.public_id))
    assert event.details == {"code": code, "bytes": len(data)}
    begun = [] if code == "too_large" else [f"An upload of {len(data)} bytes is decoded"]
    assert [record.getMessage() for record in caplog.records if record.name == "classifier.services.intake"] == [
        *begun,
        f"An upload of {len(data)} bytes was refused: {code}",
    ]
    assert "Ivanova" not in caplog.text
    assert "A-1" not in caplog.text


def test_a_row_that_cannot_be_written_leaves_no_object(owner: Membership, photograph: bytes, store: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER full BEFORE INSERT ON classifier_prediction BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        )

    with pytest.raises(DatabaseError, match="disk full"):
        receive_upload(actor=owner, upload=Upload(data=photograph))

    assert (Patient.objects.count(), LesionImage.objects.count(), stored_files(store)) == (0, 0, [])


def test_a_storage_that_cannot_be_written_leaves_no_row(owner: Membership, photograph: bytes, store: Path) -> None:
    store.mkdir(parents=True)
    (store / "images").write_text("a file where a folder should be")

    with pytest.raises(StorageUnavailableError):
        receive_upload(actor=owner, upload=Upload(data=photograph))

    assert (Patient.objects.count(), stored_files(store)) == (0, ["images"])


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\mole.jpg", "mole.jpg"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("a\x00b\nc.jpg", "ab c.jpg"),
        ("родинка.jpg", "родинка.jpg"),
        ("x" * 300 + ".jpg", "x" * 120),
        ("CON", "CON"),
    ],
)
def test_a_file_name_is_data(owner: Membership, photograph: bytes, given: str, kept: str) -> None:
    image = receive_upload(actor=owner, upload=Upload(data=photograph, original_name=given)).prediction.image

    assert image.original_name == kept
    assert image.stored_name == f"images/{image.public_id}.jpg"


def test_no_metadata_survives(owner: Membership, store: Path) -> None:
    picture = Image.open(io.BytesIO(draw_lesion()))
    exif = Image.Exif()
    exif[0x010E] = "NEEDLE Patient Ivanov"
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, comment=b"NEEDLE 1970")

    image = receive_upload(actor=owner, upload=Upload(data=out.getvalue() + b"NEEDLE<script>")).prediction.image

    assert b"NEEDLE" not in (store / image.stored_name).read_bytes()
    assert b"NEEDLE" not in (store / image.thumbnail_name).read_bytes()


def test_a_deactivated_member_may_not_upload(owner: Membership, photograph: bytes, store: Path) -> None:
    owner.is_active = False

    with pytest.raises(PermissionDenied):
        receive_upload(actor=owner, upload=Upload(data=photograph))

    assert stored_files(store) == []


@pytest.mark.parametrize("code", Declared.values)
def test_what_is_declared_and_not_learnt_is_not_assessable_and_kept_with_both(
    code: str, owner: Membership, active_model: ModelVersion, photograph: bytes
) -> None:
    prediction = receive_upload(actor=owner, upload=Upload(data=photograph, declared=[code])).prediction

    assert (prediction.outcome, prediction.reason) == ("not_assessable", code)
    assert prediction.declared == prediction.image.declared == code
    assert prediction.image.declared_codes == [code]


def test_what_is_declared_is_kept_once_and_in_one_order(
    owner: Membership, active_model: ModelVersion, photograph: bytes
) -> None:
    prediction = receive_upload(
        actor=owner, upload=Upload(data=photograph, declared=["tattoo", "nail", "tattoo"])
    ).prediction

    assert prediction.declared_codes == ["nail", "tattoo"]


def test_an_unknown_declaration_is_refused_with_the_known_ones(owner: Membership, photograph: bytes) -> None:
    with pytest.raises(ValidationError) as refusal:
        receive_upload(actor=owner, upload=Upload(data=photograph, declared=["nail", "beard"]))

    assert refusal.value.messages == ["“beard” is not known; use one of: nail, mucosa, eyelid, ulcer, tattoo."]
    assert list(refusal.value.error_dict) == ["declared"]
    assert not LesionImage.objects.exists()
