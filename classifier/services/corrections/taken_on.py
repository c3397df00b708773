"""A photograph was taken on another day than is recorded."""

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from classifier import audit
from classifier.models import ImageCorrection, LesionImage, TakenPrecision, TakenSource
from classifier.models.image import CorrectionKind
from classifier.services.corrections.record import begin, change, lock, refuse
from classifier.services.visits import check_day
from skinsite.accounts.actors import Actor


def correct_taken_on(*, actor: Actor, image: LesionImage, taken_on: date, reason: str) -> ImageCorrection:
    """Say on which day a photograph was really taken. It stays at its visit: membership is by key, never by date.

    Raises ``ValidationError`` by field.
    """
    correction = begin(
        actor=actor,
        image=image,
        reason=reason,
        kind=CorrectionKind.TAKEN_ON,
        event=audit.image_taken_on_corrected,
    )
    check_day(taken_on, patient=image.lesion.patient, field="taken_on")
    with transaction.atomic():
        lock(image)
        made = correction.find_made(after=taken_on.isoformat())
        if made is not None:
            image.refresh_from_db(fields=["taken_on", "taken_time", "taken_source", "taken_precision"])
            return made
        before = image.taken_on
        if taken_on == before:
            refuse(field="taken_on", message=_("The photograph is recorded like this already."), code="unchanged")
        change(
            image,
            taken_on=taken_on,
            taken_time=None,
            taken_source=TakenSource.TYPED,
            taken_precision=TakenPrecision.DAY,
        )
        return correction.record(before=before.isoformat(), after=taken_on.isoformat())
