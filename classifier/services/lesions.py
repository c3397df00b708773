"""Lesions of patients."""

import uuid

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import BodySite, Lesion, Patient
from classifier.services.locks import lock_clinic
from skinsite.accounts.actors import Actor
from skinsite.audit.events import names_of_changed
from skinsite.idempotency import row_id
from skinsite.text import clean_line


def create_lesion(
    *,
    actor: Actor,
    patient: Patient,
    body_site: str = "",
    side: str = "",
    label: str = "",
    once: uuid.UUID | None = None,
) -> Lesion:
    """Create a lesion of a patient of the actor's clinic; sent twice (``once``) it is one.

    Raises ``ValidationError`` by field.
    """
    policies.require(policies.may_upload(actor) and Patient.objects.visible_to(actor).contains(patient))
    public_id = row_id(once, actor, patient.pk, body_site, side, label)
    with transaction.atomic():
        lock_clinic(actor.clinic)
        known = Lesion.objects.filter(public_id=public_id).first()
        if known is not None:
            return known
        return add_lesion(
            actor=actor, patient=patient, body_site=body_site, side=side, label=label, public_id=public_id
        )


def add_lesion(
    *,
    actor: Actor,
    patient: Patient,
    body_site: str = "",
    side: str = "",
    label: str = "",
    public_id: uuid.UUID | None = None,
) -> Lesion:
    """Write a lesion of a patient who is known to be of the actor's clinic; call with the clinic locked.

    Raises ``ValidationError`` by field.
    """
    lesion = Lesion(
        public_id=public_id or uuid.uuid4(),
        patient=patient,
        number=next_number(patient),
        side=side,
        body_site=body_site or BodySite.UNKNOWN,
        label=clean_line(label),
        created_by=actor.user,
    )
    lesion.clean_fields(exclude=["patient", "merged_into", "created_by"])
    lesion.save(force_insert=True)
    audit.lesion_created(actor=actor, about=lesion)
    return lesion


def update_lesion(*, actor: Actor, lesion: Lesion, body_site: str, side: str, label: str) -> Lesion:
    """Change where a lesion is said to be, its side and its label. Raises ``ValidationError`` by field."""
    policies.require(policies.may_upload(actor) and Lesion.objects.visible_to(actor).contains(lesion))
    with transaction.atomic():
        stored = Lesion.objects.select_for_update().get(pk=lesion.pk)
        before = {"body_site": stored.body_site, "side": stored.side, "label": stored.label}
        stored.body_site, stored.side, stored.label = body_site or BodySite.UNKNOWN, side, clean_line(label)
        stored.clean_fields(exclude=["patient", "merged_into", "created_by"])
        stored.save(update_fields=[*before, "label_key"])
        changed = names_of_changed(stored, before)
        audit.lesion_updated(actor=actor, about=stored, changed=changed)
    return stored


def as_it_is(lesion: Lesion, *, field: str) -> Lesion:
    """Give a lesion as it is now, with its patient; call with the clinic locked.

    Raises ``ValidationError`` at ``field`` for one that was merged into another: what is new belongs to that one.
    """
    held = Lesion.objects.select_related("patient__clinic", "merged_into").get(pk=lesion.pk)
    if held.merged_into is not None:
        raise ValidationError({field: merged_error(held.merged_into)})
    return held


def merged_error(into: Lesion) -> ValidationError:
    """What to answer where a lesion is named that was merged ``into`` this one."""
    message = _("This lesion was merged into lesion %(number)s of the patient; choose that one.")
    return ValidationError(message % {"number": into.number}, code="merged")


def next_number(patient: Patient) -> int:
    """A number that no lesion of the patient has ever had; call with the clinic locked."""
    row = Patient.objects.filter(pk=patient.pk)
    row.update(lesion_count_ever=F("lesion_count_ever") + 1)
    return row.values_list("lesion_count_ever", flat=True).get()
