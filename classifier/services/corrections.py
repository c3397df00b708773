"""Putting right where a photograph belongs and what it is; readings made before stay as they are."""

import uuid
from collections.abc import Collection
from typing import NoReturn

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import Declared, ImageCorrection, Lesion, LesionImage, Modality, Prediction
from classifier.models.image import REASON_LENGTH, CorrectionKind, join_declared
from classifier.presentation.wording import unknown_choice_text
from classifier.services import records
from classifier.services.readings import queue
from skinsite.accounts.actors import Actor
from skinsite.problems import WrongStateError
from skinsite.text import clean_line, too_long


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
    policies.require(policies.may_correct(actor, image))
    reason = _check_reason(reason)
    with transaction.atomic():
        _lock(image)
        target = lesion or _create_lesion(actor, patient_code, body_site, once)
        made = _made_already(actor, image, CorrectionKind.MOVED, str(target.public_id), reason)
        return made or _move(actor, image, target, reason)


def _create_lesion(actor: Actor, patient_code: str, body_site: str, once: uuid.UUID | None) -> Lesion:
    patient = records.find_patient(actor=actor, code=patient_code)
    if patient is None:
        _refuse("patient_code", _("No patient of this clinic has this code."), "does_not_exist")
    return records.create_lesion(actor=actor, patient=patient, body_site=body_site, once=once)


def _move(actor: Actor, image: LesionImage, lesion: Lesion, reason: str) -> ImageCorrection:
    if not Lesion.objects.visible_to(actor).contains(lesion):
        _refuse("lesion", _("There is no such lesion in this clinic."), "does_not_exist")
    if lesion.pk == image.lesion_id:
        _refuse("lesion", _("The photograph is on this lesion already; choose another."), "unchanged")
    before = image.lesion
    try:
        with transaction.atomic():
            _change(image, lesion=lesion)
            return _record(
                actor,
                image,
                CorrectionKind.MOVED,
                before=str(before.public_id),
                after=str(lesion.public_id),
                reason=reason,
            )
    except IntegrityError:
        image.lesion = before
        _refuse("lesion", _("That lesion has the same photograph already; mark this one as entered in error."), "same")


def mark_entered_in_error(*, actor: Actor, image: LesionImage, reason: str) -> ImageCorrection:
    """Take a photograph out of use for good; it stays on record with its readings."""
    policies.require(policies.may_correct(actor, image))
    reason = _check_reason(reason)
    with transaction.atomic():
        _lock(image)
        made = _made_already(actor, image, CorrectionKind.ENTERED_IN_ERROR, "entered_in_error", reason)
        if made is not None:
            return made
        _change(image, entered_in_error_at=timezone.now())
        return _record(
            actor, image, CorrectionKind.ENTERED_IN_ERROR, before="in_use", after="entered_in_error", reason=reason
        )


def correct_modality(*, actor: Actor, image: LesionImage, modality: str, reason: str) -> Prediction:
    """Say how a photograph was really taken; gives its reading as such, a new one unless there is one already."""
    policies.require(policies.may_correct(actor, image))
    reason = _check_reason(reason)
    if modality not in Modality.values:
        _refuse("modality", _("Choose dermoscopic or clinical."), "invalid_choice")
    return _correct_and_read(actor, image, CorrectionKind.MODALITY, after=modality, reason=reason)


def correct_declared(*, actor: Actor, image: LesionImage, declared: Collection[str], reason: str) -> Prediction:
    """Say what the lesion really is of ``Declared``; gives the reading as such, a new one unless there is one already.

    Raises ``ValidationError`` by field.
    """
    policies.require(policies.may_correct(actor, image))
    reason = _check_reason(reason)
    unknown = next((code for code in declared if code not in Declared.values), None)
    if unknown is not None:
        _refuse("declared", unknown_choice_text(unknown, Declared.values), "invalid_choice")
    after = join_declared(declared)
    return _correct_and_read(actor, image, CorrectionKind.DECLARED, after=after, reason=reason)


def _correct_and_read(actor: Actor, image: LesionImage, kind: CorrectionKind, *, after: str, reason: str) -> Prediction:
    """Change the field that the kind of correction is named after, and give the reading that then holds."""
    with transaction.atomic():
        _lock(image)
        if _made_already(actor, image, kind, after, reason):
            image.refresh_from_db(fields=[kind])
        else:
            before = getattr(image, kind)
            if after == before:
                _refuse(kind.value, _("The photograph is recorded like this already."), "unchanged")
            _change(image, **{kind: after})
            _record(actor, image, kind, before=before, after=after, reason=reason)
        prediction = queue.find_or_create(actor=actor, image=image)
    return queue.start(prediction)


def _lock(image: LesionImage) -> None:
    """Hold back every other correction of the photograph until the transaction ends."""
    LesionImage.objects.select_for_update().get(pk=image.pk)


def _made_already(
    actor: Actor, image: LesionImage, kind: CorrectionKind, after: str, reason: str
) -> ImageCorrection | None:
    """Give the photograph's last correction where it is this very one: a second click is the same click."""
    last = ImageCorrection.objects.filter(image=image).order_by("-pk").first()
    said = (kind, after, reason, actor.user_id)
    return last if last and (last.kind, last.after, last.reason, last.made_by_id) == said else None


def _change(image: LesionImage, **fields: object) -> None:
    """Write to a photograph in use that nobody has changed in these fields meanwhile."""
    seen = {name: getattr(image, name) for name in fields}
    changed = LesionImage.objects.in_use().filter(pk=image.pk, **seen).update(**fields)
    if not changed:
        message = _("This photograph was changed or marked as entered in error meanwhile; load the page again.")
        raise WrongStateError(message, code="changed_meanwhile")
    for name, value in fields.items():
        setattr(image, name, value)


def _record(
    actor: Actor, image: LesionImage, kind: CorrectionKind, *, before: str, after: str, reason: str
) -> ImageCorrection:
    correction = ImageCorrection.objects.create(
        image=image, kind=kind, before=before, after=after, reason=reason, made_by=actor.user
    )
    event = {
        CorrectionKind.MOVED: audit.image_moved,
        CorrectionKind.MODALITY: audit.image_modality_corrected,
        CorrectionKind.DECLARED: audit.image_declared_corrected,
        CorrectionKind.ENTERED_IN_ERROR: audit.image_marked_entered_in_error,
    }[kind]
    event(actor=actor, about=image, before=before, after=after)
    return correction


def _check_reason(reason: str) -> str:
    cleaned = clean_line(reason)
    if not cleaned:
        _refuse("reason", _("Say why, in a few words."), "required")
    if len(cleaned) > REASON_LENGTH:
        raise ValidationError({"reason": too_long(REASON_LENGTH)})
    return cleaned


def _refuse(field: str, message: str, code: str) -> NoReturn:
    raise ValidationError({field: ValidationError(message, code=code)})
