"""When a photograph was taken: typed, from its file, or the day on which it came."""

import io
from datetime import date, time, timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone
from PIL import Image

from classifier.models import LesionImage, Patient
from classifier.services.corrections.taken_on import correct_taken_on
from classifier.services.intake import Receipt, receive_upload
from classifier.services.patients import create_patient
from classifier.services.upload import Upload
from classifier.services.visits import create_visit
from skinsite.accounts.models import Membership
from skinsite.audit.models import AuditEvent
from tests.classifier.conftest import draw_lesion

pytestmark = pytest.mark.usefixtures("active_model")

NOON = "2025:05:12 12:30:00"


def taken_by_camera(taken: str, *, seed: int = 0, orientation: int = 1) -> bytes:
    """A photograph whose file says when it was taken."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Canon", "Canon EOS R5", orientation
    exif.get_ifd(0x8769)[0x9003] = taken
    out = io.BytesIO()
    with Image.open(io.BytesIO(draw_lesion(seed=seed))) as picture:
        picture.save(out, "JPEG", quality=90, exif=exif)
    return out.getvalue()


def as_cameras_write(day: date) -> str:
    return f"{day:%Y:%m:%d} 08:00:00"


@pytest.fixture
def patient(owner: Membership) -> Patient:
    """Born in 1979."""
    return create_patient(actor=owner, code="2024-7", birth_year=1979)


def send(owner: Membership, data: bytes, **said: object) -> tuple[LesionImage, list[str]]:
    """The photograph that came of it, and the codes of what to look at."""
    receipt: Receipt = receive_upload(actor=owner, upload=Upload(data=data, patient_code="2024-7", **said))  # type: ignore[arg-type] # fields of its own
    return LesionImage.objects.get(pk=receipt.prediction.image_id), [each.code for each in receipt.warnings]


def test_the_file_tells_day_time_and_camera(owner: Membership, patient: Patient) -> None:
    image, warnings = send(owner, taken_by_camera(NOON))
    assert (image.taken_on, image.taken_time, image.taken_source) == (date(2025, 5, 12), time(12, 30), "file")
    assert (image.device, image.examination.visit.day, warnings) == ("Canon EOS R5", date(2025, 5, 12), [])


def test_what_is_typed_comes_before_what_the_file_tells(owner: Membership, patient: Patient) -> None:
    image, _warnings = send(owner, taken_by_camera(NOON), taken_on=date(2025, 5, 13), device="Heine")
    assert (image.taken_on, image.taken_time, image.taken_source) == (date(2025, 5, 13), None, "typed")
    assert (image.device, image.examination.visit.day) == ("Heine", date(2025, 5, 13))


@pytest.mark.parametrize("case", ["in_the_future", "before_birth"])
def test_a_day_that_cannot_be_is_ignored_from_a_file_and_refused_from_a_person(
    case: str, owner: Membership, patient: Patient
) -> None:
    today = timezone.localdate(timezone=owner.clinic.zone)
    day = today + timedelta(days=2) if case == "in_the_future" else date(1978, 12, 31)
    image, _warnings = send(owner, taken_by_camera(as_cameras_write(day)))
    assert (image.taken_on, image.taken_source, image.taken_time) == (today, "upload_day", None)
    assert "taken_on_ignored" in image.notes
    with pytest.raises(ValidationError) as refusal:
        send(owner, draw_lesion(seed=3), taken_on=day)
    assert refusal.value.error_dict["taken_on"][0].code == case


def test_a_camera_may_be_a_day_ahead_of_the_clinic(owner: Membership, patient: Patient) -> None:
    today = timezone.localdate(timezone=owner.clinic.zone)
    image, warnings = send(owner, taken_by_camera(as_cameras_write(today + timedelta(days=1))))
    assert (image.taken_on, image.taken_source) == (today + timedelta(days=1), "file")
    assert (image.examination.visit.day, warnings) == (today, [])


@pytest.mark.parametrize("year", [1980, 2000, 2010])
def test_a_camera_s_factory_day_is_asked_about_and_makes_no_visit(
    year: int, owner: Membership, patient: Patient
) -> None:
    image, warnings = send(owner, taken_by_camera(f"{year}:01:01 00:03:00"))
    assert (image.taken_on, warnings) == (date(year, 1, 1), ["taken_on_doubtful"])
    assert image.examination.visit.day == timezone.localdate(timezone=owner.clinic.zone)


def test_a_day_far_from_the_visit_s_others_is_asked_about(owner: Membership, patient: Patient) -> None:
    visit = create_visit(actor=owner, patient=patient, said={"day": date(2025, 5, 12)})
    assert send(owner, taken_by_camera(NOON), visit=visit)[1] == []
    assert send(owner, taken_by_camera("2025:06:11 08:00:00", seed=1), visit=visit)[1] == []
    image, warnings = send(owner, taken_by_camera("2025:07:20 08:00:00", seed=2), visit=visit)
    assert (image.examination.visit, warnings) == (visit, ["taken_on_doubtful"])


@pytest.mark.parametrize("orientation", [1, 2, 6, 7])
def test_a_mirror_image_is_told(orientation: int, owner: Membership, patient: Patient) -> None:
    _image, warnings = send(owner, taken_by_camera(NOON, orientation=orientation))
    assert warnings == (["mirrored"] if orientation in {2, 7} else [])


def test_a_day_put_right_moves_nothing(owner: Membership, stranger: Membership, patient: Patient) -> None:
    image, _warnings = send(owner, taken_by_camera(NOON))
    visit = image.examination.visit
    with pytest.raises(PermissionDenied):
        correct_taken_on(actor=stranger, image=image, taken_on=date(2025, 4, 1), reason="the clock was wrong")

    made = correct_taken_on(actor=owner, image=image, taken_on=date(2025, 4, 1), reason="the clock was wrong")
    again = correct_taken_on(actor=owner, image=image, taken_on=date(2025, 4, 1), reason="the clock was wrong")

    image.refresh_from_db()
    assert (again, made.before, made.after) == (made, "2025-05-12", "2025-04-01")
    assert (image.taken_on, image.taken_source, image.taken_time) == (date(2025, 4, 1), "typed", None)
    assert (image.examination.visit, visit.day) == (visit, date(2025, 5, 12))
    assert AuditEvent.objects.filter(action="image.taken_on_corrected").count() == 1
    for day, code in ((date(2025, 4, 1), "unchanged"), (date(1970, 1, 1), "before_birth")):
        with pytest.raises(ValidationError) as refusal:
            correct_taken_on(actor=owner, image=image, taken_on=day, reason="again")
        assert refusal.value.error_dict["taken_on"][0].code == code
