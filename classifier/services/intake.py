"""Photographs come in here, from people and from machines."""

import hashlib
import logging
import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from http import HTTPStatus

from django.db import transaction
from django.utils.translation import gettext as _

from classifier import audit, inference, policies, storage
from classifier.models import LesionImage, Modality, Prediction, Status
from classifier.models.image import DEVICE_LENGTH, join_declared
from classifier.services import lesions, patients, room
from classifier.services.codes import CodeWarning
from classifier.services.external_ids import require_unused
from classifier.services.locks import lock_clinic
from classifier.services.patients import Expected
from classifier.services.readings import queue, run, states
from classifier.services.taken import IGNORED, find_taken, warn_of_taken
from classifier.services.upload import Upload, require_consistent
from classifier.services.visits import as_it_is, find_or_create_examination, find_or_create_visit
from ml.serve.decode_process import normalise_guarded
from ml.serve.image_io import ImageRejected, StoredImage
from ml.serve.image_limits import check_size
from skinsite.accounts.actors import Actor
from skinsite.accounts.models import ApiToken
from skinsite.audit.events import written_together
from skinsite.platform.problems import DomainError, Problem
from skinsite.text import clean_line, fold_line

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of an upload: the reading, whether this upload made it, and whether it made the patient.

    ``also_asked`` are readings of the examination's other photographs, where another model had read them: what is not
    of one model is not taken together. ``warnings`` are of the photograph: what a person should look at.
    """

    prediction: Prediction
    created: bool
    new_patient: bool = False
    also_asked: tuple[Prediction, ...] = ()
    warnings: tuple[CodeWarning, ...] = ()


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
    """An upload by somebody: ``said`` with its texts clean."""

    actor: Actor
    said: Upload
    upload_sha256: str


def receive_upload(*, actor: Actor, upload: Upload) -> Receipt:
    """Keep a photograph and have it read: at once in synchronous mode, else by a worker.

    Bytes that the clinic already has are answered with their latest reading when they are on the same lesion, or
    when no lesion and no other patient is named; where that one failed, they are read again. Raises ``ImageRejected``,
    ``DuplicateImageError``, ``DecoderBusyError``, ``ClinicStorageFullError``, ``DiskNearlyFullError``,
    ``ValidationError`` by field, ``PermissionDenied``.
    """
    policies.require(policies.may_upload(actor))
    require_size(actor=actor, size=len(upload.data))  # before it is hashed
    said = replace(
        upload,
        original_name=storage.clean_name(upload.original_name),
        patient_code=clean_line(upload.patient_code),
        device=clean_line(upload.device),
        external_id=clean_line(upload.external_id),
    )
    require_consistent(actor=actor, said=said)
    request = _Request(actor, said, hashlib.sha256(said.data).hexdigest())
    try:
        receipt = _receive(request)
    except DuplicateImageError as error:  # told outside of every transaction, which it would have ended
        audit.image_viewed(actor=actor, about=error.existing, by="duplicate")
        raise
    if not receipt.created:  # somebody else's, perhaps
        audit.prediction_viewed(actor=actor, about=receipt.prediction, by="upload")
    return receipt


def _receive(request: _Request) -> Receipt:
    said = request.said
    known = _find_same_bytes(request)
    if known is not None:
        return _answer_again(request.actor, known, said.data)
    room.require_room(actor=request.actor, size=len(said.data))
    stored = _decode(request.actor, said.data)
    if said.lesion is None and said.expected != Expected.EITHER:
        # Before the object is kept; once more with the clinic locked.
        patients.require_expected(actor=request.actor, code=said.patient_code, expected=said.expected)
    reader = queue.find_reader(said.modality)
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


def _find_same_bytes(request: _Request) -> LesionImage | None:
    """Give the clinic's photograph that answers this upload, or None to keep it; raises ``DuplicateImageError``."""
    said = request.said
    same = list(
        LesionImage.objects.visible_to(request.actor)
        .in_use()
        .filter(upload_sha256=request.upload_sha256)
        .select_related("examination__lesion__patient", "examination__visit")
        .order_by("uploaded_at", "pk")
    )
    if not same:
        return None
    for image in same:
        if said.lesion is not None and image.lesion == said.lesion:
            return image
        if said.lesion is None and fold_line(said.patient_code) in ("", image.lesion.patient.code_key):
            return image
    former = patients.find_patient(actor=request.actor, code=said.patient_code) if said.lesion is None else None
    for image in same:
        if former is not None and image.lesion.patient == former:
            return image
    if said.attach_anyway:
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
    """Write patient, lesion, visit and examination unless they are there, the photograph, and its reading, claimed for
    ``reader``."""
    actor, said = request.actor, request.said
    require_unused(said.external_id, among=LesionImage.objects.visible_to(actor).in_use())
    is_new_patient = False
    if said.lesion is not None:
        lesion = lesions.as_it_is(said.lesion, field="lesion")
    else:
        patient, is_new_patient = patients.find_or_create_patient(
            actor=actor, code=said.patient_code, expected=said.expected
        )
        lesion = lesions.add_lesion(actor=actor, patient=patient, body_site=said.body_site, side=said.side)
    taken = find_taken(said=said.taken_on, by_file=stored.taken_at, patient=lesion.patient)
    if said.visit is not None:
        visit = as_it_is(said.visit, patient=lesion.patient)
    else:
        visit = find_or_create_visit(actor=actor, patient=lesion.patient, day=taken.visit_day, is_new=is_new_patient)
    examination = find_or_create_examination(actor=actor, visit=visit, lesion=lesion, is_new=said.lesion is None)
    warnings = warn_of_taken(taken, visit=visit, is_named=said.visit is not None, is_mirrored=stored.mirrored)
    image = LesionImage.objects.create(
        public_id=public_id,
        examination=examination,
        modality=said.modality,
        declared=join_declared(said.declared),
        taken_on=taken.day,
        taken_time=taken.clock,
        taken_source=taken.source,
        device=said.device or clean_line(stored.camera)[:DEVICE_LENGTH],
        external_id=said.external_id,
        original_name=said.original_name,
        upload_sha256=request.upload_sha256,
        stored_sha256=stored.sha256,
        stored_name=kept.image,
        stored_bytes=len(stored.data),
        width=stored.width,
        height=stored.height,
        notes=[*stored.notes, *([IGNORED] if taken.is_ignored else [])],
        uploaded_by=actor.user,
        uploaded_by_service=actor.service,
        uploaded_with=actor if isinstance(actor, ApiToken) else None,
    )
    audit.image_uploaded(actor=actor, about=image)
    model = None if reader is None else reader.model_version
    prediction = states.create(actor=actor, image=image, claimed_for=model)
    prediction.superseded_by = None  # as `with_successor` has it: a new photograph has no other reading
    others: Collection[Prediction] = ()
    if said.lesion is not None and said.modality == Modality.DERMOSCOPIC:
        others = queue.ask_by_active_model(actor=actor, examination=examination, but=image)
    return Receipt(
        prediction, created=True, new_patient=is_new_patient, also_asked=tuple(others), warnings=tuple(warnings)
    )


def _read(receipt: Receipt, reader: inference.LoadedModel | None, data: bytes) -> Receipt:
    """Read a new photograph from the bytes in hand, which are those that were stored, or have it read."""
    prediction = receipt.prediction
    if reader is None or prediction.status != Status.RUNNING:
        prediction = queue.start(prediction)
    else:
        run.read_claimed(prediction, reader, data)
        if prediction.status == Status.RUNNING:  # it took longer than its lease: somebody else's by now
            prediction = states.load(prediction.pk)
    for other in receipt.also_asked:
        queue.start(other)
    return replace(receipt, prediction=prediction)
