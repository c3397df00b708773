"""A photograph should not be here at all."""

from django.db import transaction
from django.utils import timezone

from classifier import audit
from classifier.models import ImageCorrection, LesionImage
from classifier.models.image import ENTERED_IN_ERROR, IN_USE, CorrectionKind
from classifier.services.corrections.record import begin, change, follow, lock
from classifier.services.readings.lesion import conclude
from skinsite.accounts.actors import Actor


def mark_entered_in_error(*, actor: Actor, image: LesionImage, reason: str) -> ImageCorrection:
    """Take a photograph out of use for good; it stays on record with its readings.

    Raises ``ValidationError`` at ``reason``, and ``WrongStateError`` where it has been done already.
    """
    correction = begin(
        actor=actor,
        image=image,
        reason=reason,
        kind=CorrectionKind.ENTERED_IN_ERROR,
        event=audit.image_marked_entered_in_error,
    )
    with transaction.atomic():
        lock(image)
        follow(image)
        made = correction.find_made(after=ENTERED_IN_ERROR)
        if made is not None:
            return made
        change(image, entered_in_error_at=timezone.now())
        made = correction.record(before=IN_USE, after=ENTERED_IN_ERROR)
        conclude(image.examination)
        return made
