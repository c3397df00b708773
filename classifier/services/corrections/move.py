"""A photograph belongs to another lesion."""

import uuid

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from classifier import audit
from classifier.models import ImageCorrection, Lesion, LesionImage
from classifier.models.image import CorrectionKind
from classifier.services import lesions, patients
from classifier.services.corrections.record import Correction, begin, change, lock, refuse
from skinsite.accounts.actors import Actor


def move_image(
    *,
    actor: Actor,
    image: LesionImage,
    reason: str,
    lesion: Lesion | None = None,
    patient_code: str = "",
    body_site: str = "",
    once: uuid.UUID | None = None,
) -> ImageCorrection:
    """Move a photograph to another lesion of the clinic, or without one to a new lesion of the patient of that code.

    Sent twice (``once``) it makes one lesion. Raises ``ValidationError`` by field; then there is no new lesion either.
    """
    correction = begin(actor=actor, image=image, reason=reason, kind=CorrectionKind.MOVED, event=audit.image_moved)
    with transaction.atomic():
        lock(image)
        target = lesion or _create_lesion(actor=actor, code=patient_code, body_site=body_site, once=once)
        return correction.find_made(after=str(target.public_id)) or _move(correction, to=target)


def _create_lesion(*, actor: Actor, code: str, body_site: str, once: uuid.UUID | None) -> Lesion:
    patient = patients.find_patient(actor=actor, code=code)
    if patient is None:
        message = _("No patient of this clinic has this code.")
        refuse(field="patient_code", message=message, code="does_not_exist")
    return lesions.create_lesion(actor=actor, patient=patient, body_site=body_site, once=once)


def _move(correction: Correction, *, to: Lesion) -> ImageCorrection:
    image, before = correction.image, correction.image.lesion
    if not Lesion.objects.visible_to(correction.actor).contains(to):
        refuse(field="lesion", message=_("There is no such lesion in this clinic."), code="does_not_exist")
    if to.pk == before.pk:
        message = _("The photograph is on this lesion already; choose another.")
        refuse(field="lesion", message=message, code="unchanged")
    try:
        with transaction.atomic():
            change(image, lesion=to)
            return correction.record(before=str(before.public_id), after=str(to.public_id), also=[before])
    except IntegrityError:
        image.lesion = before
        message = _("That lesion has the same photograph already; mark this one as entered in error.")
        refuse(field="lesion", message=message, code="same")
