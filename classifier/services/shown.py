"""Who has been shown what a model says of an examination: an opinion given later is no longer blind."""

from collections.abc import Iterable

from django.db import transaction

from classifier.models import LesionImage, LesionReading, Prediction, ReadingShown
from skinsite.accounts.actors import Actor


def note_shown(*, actor: Actor, shown: Iterable[object]) -> None:
    """Keep that the actor was shown these readings, the first time of each examination; other records are passed over.

    A photograph counts with the readings that were fetched with it. What is not finished says nothing.
    """
    examinations = {pk for each in shown for pk in _examinations_told_of(each)}
    if examinations and (examinations - _seen_before(actor, examinations)):
        with transaction.atomic():  # once more with the database to itself, where another tab may write the same
            new = examinations - _seen_before(actor, examinations)
            rows = [ReadingShown(examination_id=pk, person=actor.user, service=actor.service) for pk in sorted(new)]
            ReadingShown.objects.bulk_create(rows, ignore_conflicts=True)


def _seen_before(actor: Actor, examinations: set[int]) -> set[int]:
    seen = ReadingShown.objects.filter(person=actor.user_id, service=actor.service, examination__in=examinations)
    return set(seen.values_list("examination", flat=True))


def _examinations_told_of(record: object) -> set[int]:
    match record:
        case Prediction():
            return {record.image.examination_id} if record.outcome else set()
        case LesionReading():
            return {record.examination_id}
        case LesionImage():
            return {record.examination_id} if any(each.outcome for each in record.predictions.all()) else set()
        case _:
            return set()
