"""What all corrections share: the lock on the photograph, the write, and the row that tells of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from classifier import policies
from classifier.models import Examination, ImageCorrection, LesionImage
from classifier.models.image import REASON_LENGTH, CorrectionKind
from skinsite.accounts.actors import Actor
from skinsite.audit.models import AuditEvent
from skinsite.platform.problems import WrongStateError
from skinsite.text import clean_line, too_long

Event = Callable[..., AuditEvent]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What somebody says of a photograph, and why; ``event`` tells of it in the audit trail."""

    actor: Actor
    image: LesionImage
    reason: str
    kind: CorrectionKind
    event: Event

    def find_made(self, *, after: str) -> ImageCorrection | None:
        """Give the photograph's last correction where it is this very one: a second click is the same click."""
        last = ImageCorrection.objects.filter(image=self.image).order_by("-pk").first()
        said = (self.kind, after, self.reason, self.actor.user_id)
        return last if last and (last.kind, last.after, last.reason, last.made_by_id) == said else None

    def record(self, *, before: str, after: str, **told: object) -> ImageCorrection:
        """Write the row and the event, which is ``told`` more; call in the transaction of the change."""
        correction = ImageCorrection.objects.create(
            image=self.image,
            kind=self.kind,
            before=before,
            after=after,
            reason=self.reason,
            made_by=policies.require_person(self.actor),
        )
        self.event(actor=self.actor, about=self.image, before=before, after=after, **told)
        return correction


def begin(*, actor: Actor, image: LesionImage, reason: str, kind: CorrectionKind, event: Event) -> Correction:
    """A correction by somebody who may make it, with its reason as it is kept.

    Raises ``PermissionDenied``, and ``ValidationError`` at ``reason``.
    """
    policies.require(policies.may_correct(actor, image))
    policies.require_person(actor)
    return Correction(actor=actor, image=image, reason=check_reason(reason), kind=kind, event=event)


def lock(image: LesionImage) -> None:
    """Hold back every other correction of the photograph until the transaction ends."""
    LesionImage.objects.select_for_update().get(pk=image.pk)


def follow(image: LesionImage) -> None:
    """Look up where a photograph that is locked belongs by now: it may have been moved since it was fetched."""
    image.refresh_from_db(fields=["examination"])
    image.examination = Examination.objects.with_owners().get(pk=image.examination_id)


def change(image: LesionImage, **fields: object) -> None:
    """Write to a photograph in use that nobody has changed in these fields meanwhile.

    Raises ``WrongStateError`` where somebody has.
    """
    seen = {name: getattr(image, name) for name in fields}
    changed = LesionImage.objects.in_use().filter(pk=image.pk, **seen).update(**fields)
    if not changed:
        message = _("This photograph was changed or marked as entered in error meanwhile; load the page again.")
        raise WrongStateError(message, code="changed_meanwhile")
    for name, value in fields.items():
        setattr(image, name, value)


def refuse(*, field: str, message: str, code: str) -> NoReturn:
    """Raise ``ValidationError`` at a field."""
    raise ValidationError({field: ValidationError(message, code=code)})


def check_reason(reason: str) -> str:
    """Give a reason as it is kept; raises ``ValidationError`` at ``reason`` for none and for one too long."""
    cleaned = clean_line(reason)
    if not cleaned:
        refuse(field="reason", message=_("Say why, in a few words."), code="required")
    if len(cleaned) > REASON_LENGTH:
        raise ValidationError({"reason": too_long(REASON_LENGTH)})
    return cleaned
