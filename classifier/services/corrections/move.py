"""A photograph belongs to another lesion."""

import uuid

from django.db import transaction
from django.utils.translation import gettext as _

from classifier import audit
from classifier.models import Examination, ImageCorrection, Lesion, LesionImage
from classifier.models.image import CorrectionKind
from classifier.services import lesions, patients
from classifier.services.corrections.record import Correction, begin, change, lock, refuse
from classifier.services.lesions import as_it_is
from classifier.services.locks import lock_clinic
from classifier.services.readings.lesion import conclude
from classifier.services.telling import tell_who_acted
from classifier.services.visits import find_or_create_examination, find_or_create_visit
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
        lock_clinic(actor.clinic)
        lock(image)
        # As it is by now: its lesion may have been merged meanwhile.
        image.examination = Examination.objects.with_owners().get(pk=image.examination_id)
        target = lesion or _create_lesion(actor=actor, code=patient_code, body_site=body_site, once=once)
        made = correction.find_made(after=str(target.public_id))
        if made is not None:
            return made
        tell_who_acted(
            actor=actor,
            patient=image.lesion.patient,
            lesion=image.lesion,
            examinations=[image.examination],
            images=[image],
            because=correction.reason,
        )
        return move_held(correction, to=target)


def _create_lesion(*, actor: Actor, code: str, body_site: str, once: uuid.UUID | None) -> Lesion:
    patient = patients.find_patient(actor=actor, code=code)
    if patient is None:
        message = _("No patient of this clinic has this code.")
        refuse(field="patient_code", message=message, code="does_not_exist")
    return lesions.create_lesion(actor=actor, patient=patient, body_site=body_site, once=once)


def move_held(correction: Correction, *, to: Lesion) -> ImageCorrection:
    """Move a photograph that is locked, with the clinic; raises as ``move_image`` does."""
    image, before = correction.image, correction.image.lesion
    if not Lesion.objects.visible_to(correction.actor).contains(to):
        refuse(field="lesion", message=_("There is no such lesion in this clinic."), code="does_not_exist")
    if to.pk == before.pk:
        message = _("The photograph is on this lesion already; choose another.")
        refuse(field="lesion", message=message, code="unchanged")
    to = as_it_is(to, field="lesion")
    if LesionImage.objects.of_lesion(to).in_use().filter(upload_sha256=image.upload_sha256).exists():
        message = _("That lesion has the same photograph already; mark this one as entered in error.")
        refuse(field="lesion", message=message, code="same")
    left, target = image.examination, _find_examination(correction, to=to)
    change(image, examination=target)
    made = correction.record(before=str(before.public_id), after=str(to.public_id), also=[before])
    for examination in (left, target):
        conclude(examination)
    return made


def _find_examination(correction: Correction, *, to: Lesion) -> Examination:
    """The look at the lesion at the photograph's own visit; of another patient, at that patient's of the same day."""
    actor, image = correction.actor, correction.image
    visit = image.examination.visit
    if to.patient_id != visit.patient_id:
        visit = find_or_create_visit(actor=actor, patient=to.patient, day=visit.day)
    return find_or_create_examination(actor=actor, visit=visit, lesion=to)
