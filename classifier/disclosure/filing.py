"""What pages about wrong filing show: lesions and patients with their merges, the other patient, and one's tasks."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models import Max
from django.shortcuts import get_object_or_404

from classifier import audit
from classifier.models import Lesion, LesionMerge, Patient, PatientMerge, Task
from classifier.selectors import records
from classifier.services.patients import find_patient
from skinsite.accounts.actors import Actor

MOST_TASKS = 20


@dataclass(frozen=True, slots=True)
class OtherPatient:
    """A patient as a question shows them, so that nobody takes one for another."""

    patient: Patient
    last_seen: date | None
    lesion_count: int


def open_lesion_filing(actor: Actor, public_id: UUID) -> tuple[Lesion, list[LesionMerge]]:
    """A lesion, and the merges into it that hold, the last first. Raises ``Http404``."""
    found = get_object_or_404(records.lesions_of(actor), public_id=public_id)
    audit.lesion_viewed(actor=actor, about=found, by="form")
    return found, list(found.merges.filter(undone_at=None).select_related("merged", "made_by"))


def open_patient_filing(actor: Actor, public_id: UUID) -> tuple[Patient, list[PatientMerge]]:
    """A patient, and the merges into them that hold, the last first. Raises ``Http404``."""
    found = get_object_or_404(records.patients_of(actor), public_id=public_id)
    merges = list(found.merges.filter(undone_at=None).select_related("merged", "made_by"))
    audit.patient_viewed(actor=actor, about=found, by="form", also=[each.merged for each in merges])
    return found, merges


def open_other_patient(actor: Actor, code: str) -> OtherPatient | None:
    """The clinic's patient of a code that was typed, with what tells them from others; None for none."""
    found = find_patient(actor=actor, code=code)
    if found is None:
        return None
    audit.patient_viewed(actor=actor, about=found, by="code")
    last_seen = found.visits.aggregate(last=Max("day"))["last"]
    return OtherPatient(found, last_seen, found.lesions.filter(merged_into=None).count())


def find_lesion_merge(actor: Actor, public_id: UUID) -> LesionMerge:
    """A merge that is to be undone, of which nothing is told. Raises ``Http404``."""
    return get_object_or_404(LesionMerge.objects.visible_to(actor).select_related("kept"), public_id=public_id)


def find_patient_merge(actor: Actor, public_id: UUID) -> PatientMerge:
    """A merge that is to be undone, of which nothing is told. Raises ``Http404``."""
    return get_object_or_404(PatientMerge.objects.visible_to(actor).select_related("kept"), public_id=public_id)


def find_lesion_by_number(actor: Actor, patient: Patient, number: int) -> Lesion | None:
    """The patient's lesion of that number, looked up and not shown."""
    return records.lesions_of(actor).filter(patient=patient, number=number).first()


def find_task(actor: Actor, public_id: UUID) -> Task:
    """A task that is to be done, of which nothing is told. Raises ``Http404``."""
    return get_object_or_404(Task.objects.visible_to(actor), public_id=public_id)


def open_tasks(actor: Actor) -> list[Task]:
    """The actor's own tasks that are open, the last first."""
    own = Task.objects.visible_to(actor).filter(person=actor.user_id, done_at=None)
    tasks = list(own.select_related("patient", "lesion").order_by("-pk")[:MOST_TASKS])
    if tasks:
        audit.patients_listed(actor=actor, shown=[each.patient for each in tasks], by="tasks")
    return tasks
