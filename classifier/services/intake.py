"""Photographs come in here, from people and from machines."""

import hashlib
import logging
import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from http import HTTPStatus

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from classifier import audit, inference, policies, storage
from classifier.models import BodySite, Declared, Lesion, LesionImage, Modality, Prediction, Status
from classifier.models.image import join_declared
from classifier.models.patient import CODE_LENGTH
from classifier.presentation.wording import unknown_choice_text
from classifier.services import lesions, patients, room
from classifier.services.locks import lock_clinic
from classifier.services.patients import Expected
from classifier.services.readings import queue, run, states
from ml.serve.decode_process import normalise_guarded
from ml.serve.image_io import ImageRejected, StoredImage
from ml.serve.image_limits import check_size
from skinsite.accounts.actors import Actor
from skinsite.audit.events import written_together
from skinsite.platform.problems import DomainError, Problem
from skinsite.text import clean_line, fold_line, too_long

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of an upload: the reading, whether this upload made it, and whether it made the patient."""

    prediction: Prediction
    created: bool
    new_patient: bool = False


class DuplicateImageError(DomainError):
    """The same bytes already lie on another lesion of the clinic: on that of ``existing``."""

    status = HTTPStatus.CONFLICT
    code = "duplicate_image"
    field = "image"

    def __init__(self, existing: LesionImage) -> None:
        self.existing = existing
        super().__init__(f"The same photograph is on lesion {existing.lesion.public_id}.")

    def problem(self) -> Problem:
        """What to answer to a program."""
        text = _(
            "This photograph is already kept under lesion %(lesion)s. Read it there, "
            "or send attach_anyway=true to keep it here too."
        )
        return Problem(self.status, text % {"lesion": self.existing.lesion.public_id}, self.code, self.field)


@dataclass(frozen=True, slots=True)
class _Request:
    """A checked upload."""

    actor: Actor
    upload_sha256: str
    original_name: str
    modality: str
    declared: Collection[str]
    lesion: Lesion | None
    patient_code: str
    expected: Expected
    body_site: str
    attach_anyway: bool


def receive_upload(
    *,
    actor: Actor,
    data: bytes,
    original_name: str = "",
    modality: str = Modality.DERMOSCOPIC,
    declared: Collection[str] = (),
    lesion: Lesion | None = None,
    patient_code: str = "",
    expected: Expected = Expected.EITHER,
    body_site: str = "",
    attach_anyway: bool = False,
) -> Receipt:
    """Keep a photograph and have it read: at once in synchronous mode, else by a worker.

    ``declared`` are codes of ``Declared``. ``expected`` is of the patient of that code, where no lesion is
    named. Bytes that the clinic already has are answered with their latest reading when they are on the same lesion, or
    when no lesion and no other patient is named; where that one failed, they are read again. Raises ``ImageRejected``,
    ``DuplicateImageError``, ``DecoderBusyError``, ``ClinicStorageFullError``, ``DiskNearlyFullError``,
    ``ValidationError`` by field, ``PermissionDenied``.
    """
    policies.require(policies.may_upload(actor))
    require_size(actor=actor, size=len(data))  # before it is hashed
    request = _Request(
        actor=actor,
        upload_sha256=hashlib.sha256(data).hexdigest(),
        original_name=storage.clean_name(original_name),
        modality=modality,
        declared=declared,
        lesion=lesion,
        patient_code=clean_line(patient_code),
        expected=expected,
        body_site=body_site,
        attach_anyway=attach_anyway,
    )
    _check_fields(request)
    try:
        receipt = _receive(request, data)
    except DuplicateImageError as error:  # told outside of every transaction, which it would have ended
        audit.image_viewed(actor=actor, about=error.existing, by="duplicate")
        raise
    if not receipt.created:  # somebody else's, perhaps
        audit.prediction_viewed(actor=actor, about=receipt.prediction, by="upload")
    return receipt


def _receive(request: _Request, data: bytes) -> Receipt:
    known = _find_same_bytes(request)
    if known is not None:
        return _answer_again(request.actor, known, data)
    room.require_room(actor=request.actor, size=len(data))
    stored = _decode(request.actor, data)
    if request.lesion is None and request.expected != Expected.EITHER:
        # Before the object is kept; once more with the clinic locked.
        patients.require_expected(actor=request.actor, code=request.patient_code, expected=request.expected)
    reader = queue.find_reader(request.modality)
    receipt = _keep(request, stored, reader)
    return _read(receipt, reader, stored.data) if receipt.created else receipt


def require_size(*, actor: Actor, size: int) -> None:
    """Refuse more bytes than an upload may have, before they are read, and leave a trace of it.

    Raises ``ImageRejected``.
    """
    try:
        check_size(size)
    except ImageRejected as error:
        _record_refusal(actor=actor, error=error, size=size)
        raise


def _record_refusal(*, actor: Actor, error: ImageRejected, size: int) -> None:
    """Leave a trace of an upload that was refused: by whom, why and how large, and nothing of what it shows."""
    log.warning("An upload of %d bytes was refused: %s", size, error.code)
    audit.image_refused(actor=actor, code=error.code, size=size)


def _decode(actor: Actor, data: bytes) -> StoredImage:
    """Decode within the limits; what begins leaves a line in the log, whatever becomes of the process."""
    log.info("An upload of %d bytes is decoded", len(data))
    try:
        return normalise_guarded(data, thumbnail_side=storage.THUMBNAIL_SIDE)
    except ImageRejected as error:
        _record_refusal(actor=actor, error=error, size=len(data))
        raise


def _check_fields(request: _Request) -> None:
    """Refuse unknown codes and what contradicts itself; a lesion of another clinic is as unknown as none."""
    errors: dict[str, ValidationError] = {}
    if request.modality not in Modality.values:
        errors["modality"] = _invalid_choice(request.modality, Modality.values)
    unknown = next((code for code in request.declared if code not in Declared.values), None)
    if unknown is not None:
        errors["declared"] = _invalid_choice(unknown, Declared.values)
    if request.body_site and request.body_site not in BodySite.values:
        errors["body_site"] = _invalid_choice(request.body_site, BodySite.values)
    if len(request.patient_code) > CODE_LENGTH:
        errors["patient_code"] = too_long(CODE_LENGTH)
    lesion = request.lesion
    if lesion is not None:
        if not Lesion.objects.visible_to(request.actor).contains(lesion):
            errors["lesion"] = ValidationError(_("There is no such lesion in this clinic."), code="does_not_exist")
        elif request.patient_code and fold_line(request.patient_code) != lesion.patient.code_key:
            message = _("This lesion is not of that patient; leave one of the two out.")
            errors["patient_code"] = ValidationError(message, code="contradiction")
        elif request.body_site not in ("", BodySite.UNKNOWN, lesion.body_site):
            message = _("This lesion has another body site; leave the site out, or correct it at the lesion.")
            errors["body_site"] = ValidationError(message, code="contradiction")
    if errors:
        raise ValidationError(dict(errors))


def _invalid_choice(value: str, known: list[str]) -> ValidationError:
    return ValidationError(unknown_choice_text(value, known), code="invalid_choice")


def _find_same_bytes(request: _Request) -> LesionImage | None:
    """Give the clinic's photograph that answers this upload, or None to keep it; raises ``DuplicateImageError``."""
    same = list(
        LesionImage.objects.visible_to(request.actor)
        .in_use()
        .filter(upload_sha256=request.upload_sha256)
        .select_related("lesion__patient")
        .order_by("uploaded_at", "pk")
    )
    if not same:
        return None
    for image in same:
        if request.lesion is not None and image.lesion_id == request.lesion.pk:
            return image
        if request.lesion is None and fold_line(request.patient_code) in ("", image.lesion.patient.code_key):
            return image
    if request.attach_anyway:
        return None
    raise DuplicateImageError(same[0])


def _answer_again(actor: Actor, known: LesionImage, data: bytes) -> Receipt:
    """Give the reading that a photograph has; one that failed is made anew, of the bytes just sent if those kept are
    gone."""
    latest = _latest_reading(known)
    if latest.status != Status.FAILED:
        return Receipt(latest, created=False)
    if latest.failure in states.BYTES_LOST:
        stored = _decode(actor, data)
        if stored.sha256 == known.stored_sha256:
            storage.keep(stored, known.public_id)
    return Receipt(queue.retry_prediction(actor=actor, prediction=latest), created=True)


def _latest_reading(image: LesionImage) -> Prediction:
    """Its newest reading as what it is known to be now."""
    latest = Prediction.objects.as_known(image).order_by("-created_at", "-pk")[0]
    latest.image = image  # with lesion and patient
    return latest


def _keep(request: _Request, stored: StoredImage, reader: inference.LoadedModel | None) -> Receipt:
    """Store the object, then write the rows; leaves no object behind when the rows are not written."""
    public_id = uuid.uuid4()
    kept = storage.keep(stored, public_id)
    try:
        with transaction.atomic(), written_together():
            lock_clinic(request.actor.clinic)
            known = _find_same_bytes(request)  # perhaps another upload was quicker
            if known is None:
                room.require_share(actor=request.actor, size=len(stored.data))  # perhaps others took what was left
                return _write_rows(request, stored, public_id, kept, reader)
    except BaseException as error:
        storage.discard(kept)
        if isinstance(error, room.ClinicStorageFullError):
            room.record_refusal(actor=request.actor, size=len(stored.data))
        raise
    storage.discard(kept)
    return Receipt(_latest_reading(known), created=False)


def _write_rows(
    request: _Request,
    stored: StoredImage,
    public_id: uuid.UUID,
    kept: storage.KeptFiles,
    reader: inference.LoadedModel | None,
) -> Receipt:
    """Write patient and lesion unless they are known, the photograph, and its reading, claimed for ``reader``."""
    actor = request.actor
    lesion, is_new = request.lesion, False
    if lesion is None:
        patient, is_new = patients.find_or_create_patient(
            actor=actor, code=request.patient_code, expected=request.expected
        )
        lesion = lesions.add_lesion(actor=actor, patient=patient, body_site=request.body_site)
    image = LesionImage.objects.create(
        public_id=public_id,
        lesion=lesion,
        modality=request.modality,
        declared=join_declared(request.declared),
        original_name=request.original_name,
        upload_sha256=request.upload_sha256,
        stored_sha256=stored.sha256,
        stored_name=kept.image,
        stored_bytes=len(stored.data),
        width=stored.width,
        height=stored.height,
        notes=list(stored.notes),
        uploaded_by=actor.user,
        uploaded_by_service=actor.service,
    )
    audit.image_uploaded(actor=actor, about=image)
    model = None if reader is None else reader.model_version
    prediction = states.create(actor=actor, image=image, claimed_for=model)
    prediction.superseded_by = None  # as `with_successor` has it: a new photograph has no other reading
    return Receipt(prediction, created=True, new_patient=is_new)


def _read(receipt: Receipt, reader: inference.LoadedModel | None, data: bytes) -> Receipt:
    """Read a new photograph from the bytes in hand, which are those that were stored, or have it read."""
    prediction = receipt.prediction
    if reader is None or prediction.status != Status.RUNNING:
        return replace(receipt, prediction=queue.start(prediction))
    run.read_claimed(prediction, reader, data)
    if prediction.status == Status.RUNNING:  # it took longer than its lease: somebody else's by now
        return replace(receipt, prediction=states.load(prediction.pk))
    return receipt
