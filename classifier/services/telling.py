"""Who had acted on what was filed wrongly is told of it, by a task."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from classifier import audit, policies
from classifier.models import Examination, Lesion, LesionImage, Patient, ReadingShown, Review, Task, TaskKind
from skinsite.accounts.actors import Actor


def tell_who_acted(
    *,
    actor: Actor,
    patient: Patient,
    lesion: Lesion | None = None,
    examinations: Iterable[Examination],
    images: Iterable[LesionImage],
    because: str,
) -> list[Task]:
    """Open a task for each person who was shown a reading of the examinations, or gave an opinion on the photographs.

    ``patient`` and ``lesion`` are those that they took them to be of. Call it in the transaction of the act, before
    anything is moved.
    """
    shown = ReadingShown.objects.filter(examination__in=[each.pk for each in examinations], person__isnull=False)
    said = Review.objects.filter(prediction__image__in=[each.pk for each in images])
    people = {*shown.values_list("person", flat=True), *said.values_list("reviewer", flat=True)}
    opened = []
    for person in sorted(people):
        task = Task.objects.create(
            kind=TaskKind.TELL_OF_WRONG_FILING,
            patient=patient,
            lesion=lesion,
            person_id=person,
            because=because,
            opened_by=actor.user,
        )
        audit.task_opened(actor=actor, about=task)
        opened.append(task)
    return opened


def complete_task(*, actor: Actor, task: Task) -> Task:
    """Say that a task of one's own, or of somebody whose records one may correct, is done; a second time changes
    nothing."""
    is_visible = Task.objects.visible_to(actor).contains(task)
    policies.require(is_visible and (task.person_id == actor.user_id or policies.may_correct_filing(actor)))
    person = policies.require_person(actor)
    with transaction.atomic():
        if Task.objects.filter(pk=task.pk, done_at=None).update(done_at=timezone.now(), done_by=person):
            audit.task_done(actor=actor, about=task)
    task.refresh_from_db(fields=["done_at", "done_by"])
    return task
