"""Lesions of patients."""

import uuid

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.anatomy.figure import VERSION
from classifier.anatomy.place import FAULTS, Place, find_fault
from classifier.models import BodySite, Lesion, Patient
from classifier.services.locks import lock_clinic
from classifier.services.patients import require_in_place
from skinsite.accounts.actors import Actor
from skinsite.audit.events import names_of_changed
from skinsite.idempotency import row_id
from skinsite.text import clean_line

OF_A_PLACE = ("body_site", "region", "side", "map_view", "map_x", "map_y", "map_version")


def create_lesion(
    *,
    actor: Actor,
    patient: Patient,
    body_site: str = "",
    side: str = "",
    place: Place | None = None,
    label: str = "",
    once: uuid.UUID | None = None,
) -> Lesion:
    """Create a lesion of a patient of the actor's clinic; sent twice (``once``) it is one.

    Raises ``ValidationError`` by field.
    """
    policies.require(policies.may_upload(actor) and Patient.objects.visible_to(actor).contains(patient))
    public_id = row_id(once, actor, patient.pk, body_site, side, place, label)
    with transaction.atomic():
        lock_clinic(actor.clinic)
        known = Lesion.objects.filter(public_id=public_id).first()
        if known is not None:
            return known
        require_in_place(patient)
        return add_lesion(
            actor=actor,
            patient=patient,
            body_site=body_site,
            side=side,
            place=place,
            label=label,
            public_id=public_id,
        )


def add_lesion(
    *,
    actor: Actor,
    patient: Patient,
    body_site: str = "",
    side: str = "",
    place: Place | None = None,
    label: str = "",
    public_id: uuid.UUID | None = None,
) -> Lesion:
    """Write a lesion of a patient who is known to be of the actor's clinic; call with the clinic locked.

    A ``place`` says body site and side, too.

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
    _put(lesion, place)
    lesion.clean_fields(exclude=["patient", "merged_into", "created_by"])
    lesion.save(force_insert=True)
    audit.lesion_created(actor=actor, about=lesion)
    return lesion


def update_lesion(*, actor: Actor, lesion: Lesion, place: Place | None, label: str) -> Lesion:
    """Change where a lesion is said to be, unless ``place`` is None, and its label. Raises ``ValidationError`` by
    field."""
    policies.require(policies.may_upload(actor) and Lesion.objects.visible_to(actor).contains(lesion))
    with transaction.atomic():
        stored = Lesion.objects.select_for_update().get(pk=lesion.pk)
        before = {name: getattr(stored, name) for name in (*OF_A_PLACE, "label")}
        _put(stored, place)
        stored.label = clean_line(label)
        stored.clean_fields(exclude=["patient", "merged_into", "created_by"])
        stored.save(update_fields=[*before, "label_key"])
        changed = names_of_changed(stored, before)
        audit.lesion_updated(actor=actor, about=stored, changed=changed)
    return stored


def _put(lesion: Lesion, place: Place | None) -> None:
    """Say where a lesion is; None leaves it. Raises ``ValidationError`` at ``place``."""
    if place is None:
        return
    if fault := find_fault(place):
        raise ValidationError({"place": ValidationError(FAULTS[fault], code=fault)})
    lesion.region, lesion.side, lesion.body_site = place.site, place.side, place.body_site
    lesion.map_view, lesion.map_x, lesion.map_y = place.view, place.x, place.y
    lesion.map_version = VERSION if place.view else None


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
