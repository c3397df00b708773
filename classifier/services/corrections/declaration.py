"""A photograph was taken otherwise than was said, or its lesion is of a kind that was not declared: it is read anew."""

from collections.abc import Collection
from typing import Literal

from django.db import transaction
from django.utils.translation import gettext as _

from classifier import audit
from classifier.models import Declared, LesionImage, Modality, Prediction
from classifier.models.image import CorrectionKind, join_declared
from classifier.presentation.wording import unknown_choice_text
from classifier.services.corrections.record import Correction, begin, change, follow, lock, refuse
from classifier.services.locks import lock_clinic
from classifier.services.readings import queue
from classifier.services.readings.lesion import conclude
from skinsite.accounts.actors import Actor

Column = Literal["modality", "declared"]


def correct_modality(*, actor: Actor, image: LesionImage, modality: str, reason: str) -> Prediction:
    """Say how a photograph was really taken; gives its reading as such, a new one unless there is one already.

    Raises ``ValidationError`` by field.
    """
    correction = begin(
        actor=actor,
        image=image,
        reason=reason,
        kind=CorrectionKind.MODALITY,
        event=audit.image_modality_corrected,
    )
    if modality not in Modality.values:
        refuse(field="modality", message=_("Choose dermoscopic or clinical."), code="invalid_choice")
    return _correct_and_read(correction, column="modality", after=modality)


def correct_declared(*, actor: Actor, image: LesionImage, declared: Collection[str], reason: str) -> Prediction:
    """Say what the lesion really is of ``Declared``; gives the reading as such, a new one unless there is one already.

    Raises ``ValidationError`` by field.
    """
    correction = begin(
        actor=actor,
        image=image,
        reason=reason,
        kind=CorrectionKind.DECLARED,
        event=audit.image_declared_corrected,
    )
    unknown = next((code for code in declared if code not in Declared.values), None)
    if unknown is not None:
        refuse(field="declared", message=unknown_choice_text(unknown, Declared.values), code="invalid_choice")
    return _correct_and_read(correction, column="declared", after=join_declared(declared))


def _correct_and_read(correction: Correction, *, column: Column, after: str) -> Prediction:
    """Change a column of the photograph, and give the reading that then holds."""
    image = correction.image
    with transaction.atomic():
        lock_clinic(image.lesion.patient.clinic)  # first, as all do who move photographs
        lock(image)
        follow(image)
        if correction.find_made(after=after):
            image.refresh_from_db(fields=[column])
        else:
            before = image.modality if column == "modality" else image.declared
            if after == before:
                message = _("The photograph is recorded like this already.")
                refuse(field=column, message=message, code="unchanged")
            change(image, **{column: after})
            correction.record(before=before, after=after)
        prediction = queue.find_or_create(actor=correction.actor, image=image)
        conclude(image.examination)
    return queue.start(prediction)
