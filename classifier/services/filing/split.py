"""What was taken for one lesion is two."""

import uuid
from collections.abc import Collection

from django.db import transaction
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import Lesion, LesionImage
from classifier.models.image import CorrectionKind
from classifier.services.corrections.move import move_held
from classifier.services.corrections.record import begin, check_reason, refuse
from classifier.services.lesions import add_lesion
from classifier.services.locks import lock_clinic
from classifier.services.telling import tell_who_acted
from skinsite.accounts.actors import Actor
from skinsite.audit.events import written_together
from skinsite.idempotency import row_id


def split_lesion(
    *,
    actor: Actor,
    lesion: Lesion,
    images: Collection[LesionImage],
    reason: str,
    body_site: str = "",
    side: str = "",
    label: str = "",
    once: uuid.UUID | None = None,
) -> Lesion:
    """Take photographs of a lesion for those of a new one of the same patient, each at its own visit.

    Gives the new lesion; sent twice (``once``) it is one. Raises ``ValidationError`` by field.
    """
    policies.require(policies.may_correct_filing(actor) and Lesion.objects.visible_to(actor).contains(lesion))
    policies.require_person(actor)
    because = check_reason(reason)
    chosen = sorted(each.pk for each in images)
    public_id = row_id(once, actor, lesion.pk, chosen, because, body_site, side, label)
    with transaction.atomic(), written_together():
        lock_clinic(actor.clinic)
        known = Lesion.objects.filter(public_id=public_id).first()
        if known is not None:
            return known
        held = _require_a_part(lesion, chosen)
        patient = held[0].lesion.patient
        tell_who_acted(
            actor=actor,
            patient=patient,
            lesion=lesion,
            examinations={each.examination for each in held},
            images=held,
            because=because,
        )
        made = add_lesion(
            actor=actor, patient=patient, body_site=body_site, side=side, label=label, public_id=public_id
        )
        for image in held:
            move_held(
                begin(
                    actor=actor,
                    image=image,
                    reason=because,
                    kind=CorrectionKind.MOVED,
                    event=audit.image_moved,
                ),
                to=made,
            )
        audit.lesion_split(actor=actor, about=lesion, into=made)
    return made


def _require_a_part(lesion: Lesion, chosen: list[int]) -> list[LesionImage]:
    """Give the photographs, locked; some of those of the lesion that count, and not all."""
    of_lesion = LesionImage.objects.of_lesion(lesion).in_use()
    rows = of_lesion.select_for_update(of=("self",)).select_related(
        "examination__visit__patient__clinic", "examination__lesion__patient__clinic"
    )
    held = list(rows.filter(pk__in=chosen).order_by("pk"))
    if not held:
        refuse(field="images", message=_("Choose the photographs of the other lesion."), code="required")
    if len(held) < len(chosen):
        message = _("Not all of these photographs are of this lesion by now; load the page again.")
        refuse(field="images", message=message, code="changed_meanwhile")
    if len(held) == of_lesion.count():
        message = _("These are all photographs of the lesion; leave at least one.")
        refuse(field="images", message=message, code="all")
    return held
