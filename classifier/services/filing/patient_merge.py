"""Two codes are of one patient."""

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from classifier import audit, policies
from classifier.models import Examination, Lesion, LesionAlias, LesionImage, OverviewImage, Patient, PatientMerge, Visit
from classifier.services.corrections.record import check_reason, refuse
from classifier.services.locks import lock_clinic
from classifier.services.telling import tell_who_acted
from skinsite.accounts.actors import Actor
from skinsite.audit.events import written_together


def merge_patients(*, actor: Actor, kept: Patient, merged: Patient, reason: str) -> PatientMerge:
    """Take two patients of the actor's clinic together: what is of ``merged`` is of ``kept`` since then.

    Lesions keep their numbers where ``kept`` has not had them, and are found by their former ones in any case. Raises
    ``ValidationError`` by field; ``merged`` is that of the patient who goes.
    """
    policies.require(policies.may_correct_filing(actor) and Patient.objects.visible_to(actor).contains(kept))
    person = policies.require_person(actor)
    because = check_reason(reason)
    with transaction.atomic(), written_together():
        lock_clinic(actor.clinic)
        kept, merged = _require_two(actor, kept, merged)
        lesions = list(merged.lesions.order_by("number"))
        images = LesionImage.objects.filter(examination__lesion__patient=merged)
        examinations = Examination.objects.filter(lesion__patient=merged)
        tell_who_acted(actor=actor, patient=merged, examinations=examinations, images=images, because=because)
        moved = {
            "lesions": [(str(each.public_id), each.number) for each in lesions],
            "visits": _names(merged.visits.all()),
            "images": _names(images),
            "overviews": _names(OverviewImage.objects.filter(visit__patient=merged)),
        }
        merged.visits.update(patient=kept)
        _move_lesions(lesions, merged, kept)
        Patient.objects.filter(pk=merged.pk).update(merged_into=kept)
        made = PatientMerge.objects.create(kept=kept, merged=merged, reason=because, moved=moved, made_by=person)
        audit.patient_merged(actor=actor, about=kept, merged=merged)
    return made


def _names(records: QuerySet[Visit] | QuerySet[LesionImage] | QuerySet[OverviewImage]) -> list[str]:
    return [str(public_id) for public_id in records.order_by("pk").values_list("public_id", flat=True)]


def _require_two(actor: Actor, kept: Patient, merged: Patient) -> tuple[Patient, Patient]:
    """Give both as they are now, with the clinic locked."""
    found = Patient.objects.visible_to(actor).filter(pk__in=[kept.pk, merged.pk])
    rows = {each.pk: each for each in found.select_related("clinic", "merged_into")}
    if merged.pk not in rows:
        refuse(field="merged", message=_("No patient of this clinic has this code."), code="does_not_exist")
    kept, merged = rows[kept.pk], rows[merged.pk]
    if kept == merged:
        refuse(field="merged", message=_("This is the same patient; give the code of another."), code="same")
    for field, patient in (("kept", kept), ("merged", merged)):
        if patient.merged_into is not None:
            message = _("Patient %(code)s was merged into patient %(into)s already.")
            codes = {"code": patient.code, "into": patient.merged_into.code}
            refuse(field=field, message=message % codes, code="merged_already")
    for theirs in ("lesions", "visits"):
        ids = getattr(kept, theirs).exclude(external_id="").values("external_id")
        same = getattr(merged, theirs).filter(external_id__in=ids).first()
        if same is not None:
            message = _("Both patients have a lesion or a visit with the external identifier %(id)s; change one first.")
            refuse(field="merged", message=message % {"id": same.external_id}, code="external_id")
    return kept, merged


def _move_lesions(lesions: list[Lesion], merged: Patient, kept: Patient) -> None:
    """Give lesions to the other patient, each under a number that none of theirs has had."""
    aliases = (LesionAlias(lesion=each, patient_code=merged.code, number=each.number) for each in lesions)
    LesionAlias.objects.bulk_create(aliases, ignore_conflicts=True)
    last = max(kept.lesion_count_ever, kept.lesions.aggregate(last=Max("number"))["last"] or 0)
    next_number = max([last, *(each.number for each in lesions)]) + 1
    for lesion in lesions:
        if lesion.number <= last:
            lesion.number, next_number = next_number, next_number + 1
        lesion.patient = kept
        Lesion.objects.filter(pk=lesion.pk).update(patient=kept, number=lesion.number)
    if lesions:
        Patient.objects.filter(pk=kept.pk).update(lesion_count_ever=next_number - 1)
